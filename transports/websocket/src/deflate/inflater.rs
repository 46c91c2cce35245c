//! Rewriting what comes in (RFC 7692 §6.2 and §7.2.2).

use flate2::{Decompress, FlushDecompress, Status};

use super::{TAIL, error::DeflateError, negotiate::Negotiated, pool};
use crate::{
    frame::{self, FIN, Head, RSV, RSV1, SHORTEST},
    mask::unmask_into,
};

/// Compressed bytes that are unmasked at a time.
const STEP: usize = 4096;

/// Translates a client's wire bytes, in pieces of any size, into equal frames without compression.
///
/// Control frames, uncompressed messages and whatever breaks the protocol come out byte for byte as
/// they went in, so that the reader behind this one judges them. A compressed message comes out as
/// one or more masked frames with a key of zero.
///
/// For use under an `AsyncRead`, into the slice that the reader gave:
///
/// 1. While [`pending`](Self::pending), or while wire bytes are left over:
///    [`translate`](Self::translate) them into the slice, and return if anything was written.
/// 2. Read from the socket straight into the slice. [`plain_prefix`](Self::plain_prefix) tells how
///    much of it can stay there (without compressed messages: all, and nothing is ever copied).
///    Move the rest to a buffer of wire bytes and go to 1, or return what stays if that is more
///    than nothing.
#[derive(Debug)]
pub struct Inflater {
    state: State,
    head: Head,
    message: Message,
    /// The masking of the frame that is being inflated.
    key: [u8; 4],
    offset: u64,
    /// It is its message's last one.
    fin: bool,
    /// First byte of the next frame to write, without FIN: the message's opcode, then
    /// continuations.
    opcode: u8,
    /// Nothing came since the message began, or since a block with BFINAL set.
    fresh: bool,
    /// Output was cut off by the end of the slice.
    more: bool,
    takeover: bool,
    /// Present with context takeover after the first compressed message; else while inflating one.
    inflate: Option<Box<Decompress>>,
    /// Bytes that the message may still inflate to.
    left: usize,
    max: usize,
    stash: Stash,
}

#[derive(Debug)]
enum State {
    /// Before a frame's first byte.
    Boundary,
    /// In the header of a frame that passes.
    PlainHead,
    /// In the payload of a frame that passes, with so much to go.
    Plain(u64),
    /// In the header of a compressed frame.
    Head,
    /// In the payload of a compressed frame, with so much to go.
    Payload(u64),
    /// After the protocol was broken: all passes.
    Opaque,
    Failed(DeflateError),
}

/// What a continuation continues.
#[derive(Debug, PartialEq, Eq)]
enum Message {
    None,
    Plain,
    Compressed,
}

enum Kind {
    Plain,
    Compressed,
    Opaque,
}

/// The bytes that one call of [`Inflater::translate`] consumed and wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inflated {
    /// Wire bytes that are consumed. The next call starts with the rest.
    pub consumed: usize,
    /// Bytes written to the slice.
    pub written: usize,
}

impl Inflater {
    /// For one connection; `max_message_size` bounds what a compressed message inflates to.
    /// Allocates nothing.
    #[must_use]
    pub fn new(agreed: &Negotiated, max_message_size: usize) -> Self {
        Self {
            state: State::Boundary,
            head: Head::default(),
            message: Message::None,
            key: [0; 4],
            offset: 0,
            fin: false,
            opcode: 0,
            fresh: true,
            more: false,
            takeover: !agreed.client_no_context_takeover,
            inflate: None,
            left: 0,
            max: max_message_size,
            stash: Stash::default(),
        }
    }

    /// Whether [`translate`](Self::translate) has something to write without further wire bytes.
    #[must_use]
    pub fn pending(&self) -> bool {
        !self.stash.is_empty()
            || self.more
            || self.at_end()
            || matches!(self.state, State::Failed(_))
    }

    /// Whether it has a decompressor of its own just now: see the
    /// [module](super#what-a-connection-costs).
    #[must_use]
    pub fn holds_memory(&self) -> bool {
        self.inflate.is_some()
    }

    /// Returns `true` if a message or a frame has begun and is not over.
    #[must_use]
    pub fn is_within(&self) -> bool {
        self.message != Message::None || !matches!(self.state, State::Boundary)
    }

    /// How many of these wire bytes, which come next, stay as they are. They count as translated.
    /// The next one after them begins a compressed frame, and goes to
    /// [`translate`](Self::translate).
    #[must_use]
    pub fn plain_prefix(&mut self, wire: &[u8]) -> usize {
        let mut at = 0;
        while let Some(next) = wire.get(at) {
            match &mut self.state {
                State::Boundary => match self.classify(*next) {
                    Kind::Plain => self.state = State::PlainHead,
                    Kind::Compressed => {
                        self.state = State::Head;
                        break;
                    }
                    Kind::Opaque => self.state = State::Opaque,
                },
                State::PlainHead => {
                    at += 1;
                    if self.head.push(*next) {
                        self.state = match self.head.length() {
                            0 => State::Boundary,
                            length => State::Plain(length),
                        };
                        self.head.clear();
                    }
                }
                State::Plain(length) => {
                    let passed =
                        (wire.len() - at).min(usize::try_from(*length).unwrap_or(usize::MAX));
                    at += passed;
                    *length -= passed as u64;
                    if *length == 0 {
                        self.state = State::Boundary;
                    }
                }
                State::Opaque => return wire.len(),
                State::Head | State::Payload(_) | State::Failed(_) => break,
            }
        }
        at
    }

    /// Translates from `wire` into `out`, until one of them is used up. With room in `out` it
    /// either writes something or consumes all of `wire` and leaves nothing
    /// [`pending`](Self::pending).
    ///
    /// # Errors
    /// The message cannot be delivered. What comes before it was written by earlier calls, and every
    /// further call gives the same error.
    pub fn translate(&mut self, wire: &[u8], out: &mut [u8]) -> Result<Inflated, DeflateError> {
        let mut done = Inflated::default();
        let result = self.run(wire, out, &mut done);
        if let Err(error) = result {
            // Not to the pool: it is in no good state.
            self.inflate = None;
            self.state = State::Failed(error);
            // The messages before it are good, however much of the wire came at once.
            if done.written == 0 {
                return Err(error);
            }
        }
        Ok(done)
    }

    fn run(
        &mut self,
        wire: &[u8],
        out: &mut [u8],
        done: &mut Inflated,
    ) -> Result<(), DeflateError> {
        loop {
            let room = &mut out[done.written..];
            let input = &wire[done.consumed..];
            if !self.stash.is_empty() {
                done.written += self.stash.drain(room);
                if !self.stash.is_empty() {
                    return Ok(());
                }
                continue;
            }
            match self.state {
                State::Failed(error) => return Err(error),
                State::Head => {
                    let Some(next) = input.first() else {
                        return Ok(());
                    };
                    done.consumed += 1;
                    if self.head.push(*next) {
                        self.begin_frame()?;
                    }
                }
                State::Payload(_) => {
                    if room.is_empty() || (input.is_empty() && !self.more && !self.at_end()) {
                        return Ok(());
                    }
                    if room.len() < SHORTEST {
                        let mut small = [0; Stash::ROOM];
                        let (consumed, written) = self.frame(input, &mut small)?;
                        self.stash.set(&small[..written]);
                        done.consumed += consumed;
                    } else {
                        let (consumed, written) = self.frame(input, room)?;
                        done.consumed += consumed;
                        done.written += written;
                    }
                }
                State::Boundary | State::PlainHead | State::Plain(_) | State::Opaque => {
                    let fits = input.len().min(room.len());
                    if fits == 0 {
                        return Ok(());
                    }
                    let plain = self.plain_prefix(&input[..fits]);
                    room[..plain].copy_from_slice(&input[..plain]);
                    done.consumed += plain;
                    done.written += plain;
                }
            }
        }
    }

    /// What kind of frame begins with this byte. Notes which message it belongs to.
    fn classify(&mut self, first: u8) -> Kind {
        let fin = first & FIN != 0;
        let started = |message| if fin { Message::None } else { message };
        match (first & 0x0f, first & RSV, &self.message) {
            (8..=10, 0, _) => Kind::Plain,
            (1 | 2, 0, Message::None) | (0, 0, Message::Plain) => {
                self.message = started(Message::Plain);
                Kind::Plain
            }
            (1 | 2, RSV1, Message::None) => {
                // Ends with the frame, in `finish`.
                self.message = Message::Compressed;
                self.opcode = first & 0x0f;
                self.left = self.max;
                Kind::Compressed
            }
            (0, 0, Message::Compressed) => Kind::Compressed,
            _ => Kind::Opaque,
        }
    }

    /// After the header of a compressed frame.
    fn begin_frame(&mut self) -> Result<(), DeflateError> {
        let length = self.head.length();
        // Data that does not compress grows, by an eighth with the fixed codes that fast
        // compressors use for everything, and a message of full size may do so too.
        let most = self.max.saturating_add(self.max / 8).saturating_add(64);
        if length > most as u64 {
            return Err(DeflateError::TooBig { max: self.max });
        }
        match self.head.key() {
            Some(key) => {
                self.key = key;
                self.offset = 0;
                self.fin = self.head.first() & FIN != 0;
                self.state = State::Payload(length);
                // A fragment may be empty, and so has no turn of its own.
                if length == 0 && !self.fin {
                    self.state = State::Boundary;
                }
            }
            None => {
                self.stash.set(self.head.bytes());
                self.state = State::Opaque;
            }
        }
        self.head.clear();
        Ok(())
    }

    /// The message's last frame is used up, and what it inflates to written: what is missing is its
    /// end.
    fn at_end(&self) -> bool {
        matches!(self.state, State::Payload(0)) && self.fin && !self.more
    }

    /// Makes one frame of `room`, or none if the input gives no output yet. Returns what it
    /// consumed and wrote.
    fn frame(&mut self, input: &[u8], room: &mut [u8]) -> Result<(usize, usize), DeflateError> {
        let body = frame::body(room);
        let mut consumed = 0;
        let mut written = 0;
        let mut scratch = [0; STEP];
        let mut last = false;
        while let State::Payload(length) = self.state {
            if self.at_end() {
                self.finish()?;
                last = true;
                break;
            }
            let available =
                (input.len() - consumed).min(usize::try_from(length).unwrap_or(usize::MAX));
            if written == body.len() || (available == 0 && !self.more) {
                break;
            }
            let source = &input[consumed..consumed + available];
            let mut plain = unmask_into(&mut scratch, source, self.key, self.offset);
            let offered = plain.len();
            loop {
                let (read, made) = self.inflate(plain, &mut body[written..])?;
                plain = &plain[read..];
                written += made;
                if plain.is_empty() || written == body.len() {
                    break;
                }
            }
            let read = offered - plain.len();
            consumed += read;
            self.offset += read as u64;
            self.state = match length - read as u64 {
                0 if !self.fin && !self.more => State::Boundary,
                rest => State::Payload(rest),
            };
        }
        if written == 0 && !last {
            return Ok((consumed, 0));
        }
        let first = self.opcode | if last { FIN } else { 0 };
        self.opcode = 0;
        Ok((consumed, frame::seal(room, first, written)))
    }

    /// One turn of the decompressor. Returns what it read and wrote, and notes whether it has more
    /// to write.
    fn inflate(&mut self, from: &[u8], to: &mut [u8]) -> Result<(usize, usize), DeflateError> {
        let inflate = self.inflate.get_or_insert_with(pool::take_inflate);
        // One more than allowed shows that there is more, and is the last that is inflated.
        let size = to.len().min(self.left.saturating_add(1));
        let to = &mut to[..size];
        let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
        let status = inflate
            .decompress(from, to, FlushDecompress::None)
            .map_err(|_| DeflateError::Corrupt)?;
        let read = (inflate.total_in() - before_in) as usize;
        let made = (inflate.total_out() - before_out) as usize;
        self.left = self
            .left
            .checked_sub(made)
            .ok_or(DeflateError::TooBig { max: self.max })?;
        if status == Status::StreamEnd {
            // §7.2.3.4: what follows starts on the next byte, and from nothing.
            inflate.reset(false);
            self.fresh = true;
            self.more = false;
        } else {
            if read == 0 && made == 0 && !from.is_empty() {
                return Err(DeflateError::Corrupt);
            }
            self.fresh &= read == 0;
            self.more = made == to.len();
        }
        Ok((read, made))
    }

    /// Puts the tail back and makes sure that the message ends where a block does.
    fn finish(&mut self) -> Result<(), DeflateError> {
        // A final block needs no tail; there are senders that leave the byte out that makes it one,
        // and senders that make nothing of an empty message.
        if !self.fresh {
            let inflate = self.inflate.get_or_insert_with(pool::take_inflate);
            // The second is an empty block: it gives something, or is not used up, in the middle of
            // another.
            for end in [&TAIL[..], &[0x00, 0x00, 0x00, 0xff, 0xff]] {
                let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
                let status = inflate.decompress(end, &mut [0; 16], FlushDecompress::None);
                let read = inflate.total_in() - before_in;
                let good = matches!(status, Ok(Status::Ok)) && read == end.len() as u64;
                if !good || inflate.total_out() != before_out {
                    return Err(DeflateError::Corrupt);
                }
            }
        }
        self.fresh = true;
        if !self.takeover
            && let Some(inflate) = self.inflate.take()
        {
            pool::put_inflate(inflate);
        }
        self.message = Message::None;
        self.state = State::Boundary;
        Ok(())
    }
}

/// A frame for a slice that is too short for one.
#[derive(Debug, Default)]
struct Stash {
    bytes: [u8; Stash::ROOM],
    from: u8,
    to: u8,
}

impl Stash {
    const ROOM: usize = 32;

    fn is_empty(&self) -> bool {
        self.from == self.to
    }

    fn set(&mut self, bytes: &[u8]) {
        self.bytes[..bytes.len()].copy_from_slice(bytes);
        self.from = 0;
        self.to = bytes.len() as u8;
    }

    fn drain(&mut self, into: &mut [u8]) -> usize {
        let waiting = &self.bytes[usize::from(self.from)..usize::from(self.to)];
        let len = waiting.len().min(into.len());
        into[..len].copy_from_slice(&waiting[..len]);
        self.from += len as u8;
        len
    }
}
