//! The frames that pass over a WebSocket, watched from outside of the library: what it keeps to
//! itself (pongs, oversized messages) is told by them.

use stellarfw_transport::Message;

/// The longest header of a frame (RFC 6455 section 5.2).
const LONGEST: usize = 14;

const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;

/// The library's ping.
pub(crate) const PING: [u8; 3] = [0x80 | TEXT, 1, b'2'];

/// A client's goodbye without a code.
pub(crate) const GOODBYE: [u8; 6] = [0x80 | CLOSE, 0x80, 0, 0, 0, 0];

/// Cuts a stream of bytes into frames.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frames {
    header: [u8; LONGEST],
    /// So many bytes of the header are there.
    have: usize,
    /// The frame under way.
    pub(crate) frame: Option<Frame>,
}

/// A frame, as its header tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) fin: bool,
    pub(crate) opcode: u8,
    pub(crate) mask: [u8; 4],
    pub(crate) len: u64,
    /// So much of the payload has passed.
    pub(crate) at: u64,
}

impl Frames {
    /// Takes a byte of a header; the frame when it is complete.
    pub(crate) fn header(&mut self, byte: u8) -> Option<Frame> {
        self.header[self.have] = byte;
        self.have += 1;
        let header = &self.header;
        if self.have < 2 {
            return None;
        }
        let long = match header[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let masked = header[1] & 0x80 != 0;
        if self.have < 2 + long + 4 * usize::from(masked) {
            return None;
        }
        let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |n, b| n << 8 | u64::from(*b));
        let len = match long {
            0 => u64::from(header[1] & 0x7f),
            _ => number(&header[2..2 + long]),
        };
        let mut mask = [0; 4];
        if masked {
            mask.copy_from_slice(&header[2 + long..6 + long]);
        }
        self.have = 0;
        Some(Frame {
            fin: header[0] & 0x80 != 0,
            opcode: header[0] & 0x0f,
            mask,
            len,
            at: 0,
        })
    }

    /// Whether the next byte begins a frame.
    pub(crate) fn is_between(&self) -> bool {
        self.have == 0 && self.frame.is_none()
    }
}

/// What a client sends.
#[derive(Debug)]
pub(crate) struct Incoming {
    frames: Frames,
    max_length: u64,
    /// Length of the fragments of the message under way.
    message: u64,
    text: bool,
    code: [u8; 2],
    /// The message under way is not at its end.
    fragments: bool,
    /// Text messages that begin with 45 or 46 are followed by binary ones that belong to them
    /// (Socket.IO).
    attachments: bool,
    /// There were such: from then on the library must see all.
    attached: bool,
}

/// What was seen in what a client sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// From here on it is longer than any message may be.
    pub(crate) too_large: Option<usize>,
    /// The Engine.IO packet that completes an upgrade.
    pub(crate) upgrade: bool,
    /// The goodbye, with its code.
    pub(crate) close: Option<u16>,
}

impl Incoming {
    pub(crate) fn new(max_length: usize, attachments: bool) -> Self {
        Self {
            frames: Frames::default(),
            max_length: max_length as u64,
            message: 0,
            text: false,
            code: [0; 2],
            fragments: false,
            attachments,
            attached: false,
        }
    }

    /// Offers the whole messages that these bytes begin with, as long as they are taken. How many
    /// bytes that were; the others are as they came.
    pub(crate) fn take(
        &mut self,
        bytes: &mut [u8],
        mut offer: impl FnMut(Message<'_>) -> bool,
    ) -> usize {
        let mut at = 0;
        if !self.is_between() || self.fragments || self.attached {
            return 0;
        }
        while let Some(whole) = Whole::read(&bytes[at..]) {
            let payload = &mut bytes[at + whole.from..at + whole.to];
            if payload.len() as u64 > self.max_length + 1 {
                break;
            }
            mask(payload, whole.mask);
            let taken = match whole.binary {
                true => offer(Message::Binary(payload)),
                false => str::from_utf8(payload).is_ok_and(|text| offer(Message::Text(text))),
            };
            if !taken {
                mask(payload, whole.mask);
                break;
            }
            at += whole.to;
        }
        at
    }

    /// Whether what was seen ends with a frame.
    pub(crate) fn is_between(&self) -> bool {
        self.frames.is_between()
    }

    /// How many of these bytes belong to the frame under way, or to the one they begin with.
    pub(crate) fn to_end_of_frame(&self, bytes: &[u8]) -> usize {
        let mut frames = self.frames.clone();
        let mut at = 0;
        while frames.frame.is_none() {
            let Some(byte) = bytes.get(at) else {
                return bytes.len();
            };
            frames.frame = frames.header(*byte);
            at += 1;
        }
        let left = frames.frame.map_or(0, |frame| frame.len - frame.at);
        let end = (at as u64).saturating_add(left);
        usize::try_from(end).map_or(bytes.len(), |end| end.min(bytes.len()))
    }

    pub(crate) fn see(&mut self, bytes: &[u8]) -> Seen {
        let mut seen = Seen::default();
        let mut at = 0;
        // Where the frame began, as far as it began here.
        let mut start = 0;
        while at < bytes.len() {
            if self.frames.is_between() {
                start = at;
            }
            let Some(mut frame) = self.frames.frame.take() else {
                let frame = self.frames.header(bytes[at]);
                at += 1;
                if let Some(frame) = frame {
                    if self.is_too_large(frame) {
                        seen.too_large = Some(start);
                        return seen;
                    }
                    self.frames.frame = Some(frame);
                    if frame.len == 0 {
                        self.end(&mut seen);
                    }
                }
                continue;
            };
            let left = usize::try_from(frame.len - frame.at).unwrap_or(usize::MAX);
            let take = left.min(bytes.len() - at);
            self.payload(&frame, &bytes[at..at + take], &mut seen);
            frame.at += take as u64;
            at += take;
            let over = frame.at == frame.len;
            self.frames.frame = Some(frame);
            if over {
                self.end(&mut seen);
            }
        }
        seen
    }

    fn is_too_large(&mut self, frame: Frame) -> bool {
        match frame.opcode {
            TEXT | BINARY => {
                self.text = frame.opcode == TEXT;
                self.message = frame.len;
            }
            CONTINUATION => self.message = self.message.saturating_add(frame.len),
            _ => return false,
        }
        self.fragments = !frame.fin;
        // A text message begins with the type of its packet, as a binary one of protocol 3 does.
        self.message > self.max_length + 1
    }

    fn payload(&mut self, frame: &Frame, bytes: &[u8], seen: &mut Seen) {
        let first = usize::try_from(frame.at).unwrap_or(usize::MAX);
        if first >= 2 {
            return;
        }
        for (n, byte) in bytes.iter().enumerate().take(2 - first) {
            let byte = byte ^ frame.mask[(first + n) % 4];
            match frame.opcode {
                TEXT if first + n == 0 && byte == b'5' => seen.upgrade = true,
                TEXT if first + n == 1 && matches!(byte, b'5' | b'6') => {
                    self.attached |= self.attachments;
                }
                CLOSE => self.code[first + n] = byte,
                _ => {}
            }
        }
    }

    fn end(&mut self, seen: &mut Seen) {
        if let Some(frame) = self.frames.frame.take()
            && frame.opcode == CLOSE
        {
            seen.close = Some(match frame.len {
                0 | 1 => 1005,
                _ => u16::from_be_bytes(self.code),
            });
        }
    }
}

/// Payloads up to this size are copied behind their header; larger ones go out from where they are.
pub const COPY_MAX: usize = 8 << 10;

/// Appends the header of a server's frame, which has no mask and is all of its message (RFC 6455
/// section 5.2).
pub fn put_header(out: &mut Vec<u8>, binary: bool, len: usize) {
    out.push(0x80 | if binary { BINARY } else { TEXT });
    match len {
        0..=125 => out.push(len as u8),
        126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}

/// A client's frame that is all of a text or binary message.
struct Whole {
    binary: bool,
    mask: [u8; 4],
    /// Where its payload is.
    from: usize,
    to: usize,
}

impl Whole {
    /// The one that these bytes begin with, if all of it is there.
    fn read(bytes: &[u8]) -> Option<Self> {
        let binary = match bytes.first()? ^ 0x80 {
            TEXT => false,
            BINARY => true,
            _ => return None,
        };
        let second = bytes.get(1).filter(|second| **second & 0x80 != 0)?;
        let (len, at) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes(*bytes[2..].first_chunk()?)), 4),
            127 => (u64::from_be_bytes(*bytes[2..].first_chunk()?), 10),
            len => (u64::from(len), 2),
        };
        let mask = *bytes.get(at..)?.first_chunk()?;
        let from = at + 4;
        let to = from.checked_add(usize::try_from(len).ok()?)?;
        (to <= bytes.len()).then_some(Self {
            binary,
            mask,
            from,
            to,
        })
    }
}

/// Masks, or unmasks.
fn mask(payload: &mut [u8], mask: [u8; 4]) {
    let (words, rest) = payload.as_chunks_mut::<4>();
    let mask_word = u32::from_ne_bytes(mask);
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ mask_word).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

/// A goodbye with a code and a text.
pub(crate) fn close(code: u16, text: &str) -> Vec<u8> {
    let mut len = text.len().min(123);
    while !text.is_char_boundary(len) {
        len -= 1;
    }
    let mut out = vec![0x80 | CLOSE, (len + 2) as u8];
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(&text.as_bytes()[..len]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [7, 77, 177, 27];
        let mut out = vec![first];
        match payload.len() {
            len @ 0..=125 => out.push(0x80 | len as u8),
            len @ 126..=0xffff => {
                out.push(0x80 | 126);
                out.extend_from_slice(&(len as u16).to_be_bytes());
            }
            len => {
                out.push(0x80 | 127);
                out.extend_from_slice(&(len as u64).to_be_bytes());
            }
        }
        out.extend_from_slice(&mask);
        out.extend(payload.iter().enumerate().map(|(n, b)| b ^ mask[n % 4]));
        out
    }

    #[test]
    fn a_clients_frames_are_seen_however_they_are_cut() {
        let mut bytes = masked(0x81, b"4hello");
        bytes.extend(masked(0x82, &[5; 300]));
        bytes.extend(masked(0x81, b"5"));
        bytes.extend(masked(0x88, &[0x03, 0xe8, b'x']));
        for size in 1..bytes.len() {
            let mut incoming = Incoming::new(400, false);
            let (mut upgrades, mut closes) = (0, Vec::new());
            for chunk in bytes.chunks(size) {
                let seen = incoming.see(chunk);
                assert_eq!(seen.too_large, None);
                upgrades += usize::from(seen.upgrade);
                closes.extend(seen.close);
            }
            assert_eq!((upgrades, closes), (1, vec![1000]), "in pieces of {size}");
        }
    }

    #[test]
    fn too_large_is_told_before_it_has_come() {
        let mut incoming = Incoming::new(10, false);
        assert_eq!(incoming.see(&masked(0x81, b"4123456789x")).too_large, None);
        let mut bytes = masked(0x82, b"ok");
        let at = bytes.len();
        bytes.extend(&masked(0x82, &[0; 70_000])[..14]);
        assert_eq!(incoming.see(&bytes).too_large, Some(at));

        let mut incoming = Incoming::new(10, false);
        assert_eq!(incoming.see(&masked(0x01, b"412345")).too_large, None);
        assert_eq!(incoming.see(&masked(0x89, b"ping")).too_large, None);
        assert_eq!(incoming.see(&masked(0x80, b"678901")).too_large, Some(0));
    }

    #[test]
    fn whole_messages_are_taken_from_the_front_and_others_left_as_they_came() {
        let take = |incoming: &mut Incoming, bytes: &mut [u8]| {
            let mut taken = Vec::new();
            let count = incoming.take(bytes, |message| {
                let mine = message.as_bytes().first() == Some(&b'4');
                if mine {
                    taken.push(message.as_bytes().to_vec());
                }
                mine
            });
            (count, taken)
        };
        let long = [b"4", &[b'x'; 70_000][..]].concat();
        let mine = [
            masked(0x81, b"4hello"),
            masked(0x82, b"4"),
            masked(0x81, &long),
        ]
        .concat();
        let expected = [b"4hello".to_vec(), b"4".to_vec(), long];
        for end in [
            &b""[..],
            &masked(0x81, b"2probe"),
            &masked(0x81, &[b'4', 0xff]),
            &masked(0x89, b"4"),
            &masked(0x01, b"4part"),
            &masked(0x80, b"4part"),
            &masked(0xc1, b"4compressed"),
            &masked(0x81, b"4unfinished")[..8],
            b"\x81\x024x",
            b"\x81",
            b"\x81\xff\0\0",
        ] {
            let before = [&mine[..], end, &masked(0x81, b"4later")].concat();
            let mut bytes = before.clone();
            let mut incoming = Incoming::new(100_000, false);
            let (count, taken) = take(&mut incoming, &mut bytes);
            if end.is_empty() {
                assert_eq!(count, before.len());
                continue;
            }
            assert_eq!(taken, expected);
            assert_eq!(&bytes[count..], &before[mine.len()..], "{end:?}");
        }
        // Within a message nothing is taken, however it looks.
        for half in [&masked(0x01, b"4part"), &masked(0x81, b"4half")[..8]] {
            let mut incoming = Incoming::new(100, false);
            incoming.see(half);
            assert_eq!(take(&mut incoming, &mut masked(0x81, b"4x")).0, 0);
        }
        let mut small = Incoming::new(4, false);
        assert_eq!(take(&mut small, &mut masked(0x81, b"4long!")).0, 0);
        // What belongs together is not torn apart.
        let mut incoming = Incoming::new(100, true);
        incoming.see(&masked(0x81, b"451-[]"));
        assert_eq!(take(&mut incoming, &mut masked(0x81, b"4x")).0, 0);
    }

    #[test]
    fn the_end_of_a_frame_is_known_within_it_and_before_it() {
        let first = masked(0x82, &[1; 300]);
        let both = [&first[..], &masked(0x81, b"4next")].concat();
        for seen in 0..first.len() {
            let mut incoming = Incoming::new(400, false);
            incoming.see(&both[..seen]);
            let rest = &both[seen..];
            assert_eq!(incoming.to_end_of_frame(rest), first.len() - seen, "{seen}");
            assert_eq!(incoming.to_end_of_frame(&rest[..1]), 1, "{seen}");
        }
        let mut incoming = Incoming::new(400, false);
        assert_eq!(incoming.to_end_of_frame(b""), 0);
        assert_eq!(incoming.to_end_of_frame(&masked(0x89, b"")), 6);
        // Lengths that no buffer can have.
        let long = b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0x";
        assert_eq!(incoming.to_end_of_frame(long), long.len());
        incoming.see(&masked(0x81, b"4x"));
        assert_eq!(incoming.to_end_of_frame(&masked(0x81, b"4yz")), 9);
    }

    #[test]
    fn masks_are_of_every_length() {
        for len in 0..20 {
            let payload: Vec<u8> = (0..len).collect();
            let bytes = masked(0x82, &payload);
            let mut masked = bytes[6..].to_vec();
            mask(&mut masked, [7, 77, 177, 27]);
            assert_eq!(masked, payload);
        }
    }

    #[test]
    fn a_goodbye_fits_its_frame() {
        assert_eq!(close(1009, "big"), b"\x88\x05\x03\xf1big");
        let long = close(1000, &"ż".repeat(100));
        assert_eq!(long.len(), 126);
        assert_eq!(long[1], 124);
    }
}
