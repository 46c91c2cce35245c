//! Messages of several frames, long ones, goodbyes, and whatever breaks the protocol: tungstenite
//! reads them. It is there only as long as it is needed, so that an idle connection has neither
//! its state nor its buffer.

use std::{
    io::{self, Read, Write},
    task::{Context, Poll, ready},
};

use stellarfw_transport::CloseReason;
use tungstenite::{
    Error, Message,
    error::ProtocolError,
    protocol::{Role, WebSocketConfig, WebSocketContext},
};

use crate::{
    deflate::DeflateError,
    head::{FIN, Head, MASK, OP_BINARY, OP_CONTINUATION, OP_TEXT, RSV},
    inbound::{Limits, Receiver},
    reader::Reader,
    text::Text,
};

/// As many bytes of tungstenite's own answers (pongs) may wait inside of it.
const CONTROL_BUFFER: usize = 512;

/// The header of a control frame from a client.
const CONTROL_HEAD: usize = 6;

pub(crate) struct Pieces {
    context: WebSocketContext,
    /// None where all of the stream is tungstenite's.
    extent: Option<Extent>,
    /// How many bytes tungstenite was given of a message that is not whole.
    held: usize,
    /// Something was read since this was last taken.
    progress: bool,
}

/// How much of the frame under way is yet to come, so that tungstenite is given nothing of what
/// is behind its last one.
///
/// tungstenite allocates as much as a frame announces, so that it is given long ones as several: what
/// it holds grows with what has come.
#[derive(Debug)]
struct Extent {
    head: Head,
    /// A header for tungstenite, and how much of it was taken.
    out: Vec<u8>,
    taken: usize,
    /// Of the payload behind that header.
    left: u64,
    /// Of the frame's payload behind that, for further headers.
    rest: u64,
    longest: u64,
    text: Text,
}

/// So long are the parts in which long frames are given on; a multiple of the mask's length.
const PART: u64 = 32 << 10;

impl Pieces {
    /// For one message, whatever its frames.
    pub(crate) fn of_one(limits: Limits) -> Self {
        Self::new(limits, Some(Extent::new(limits)))
    }

    /// For a whole connection, because its messages may be compressed.
    pub(crate) fn of_all(limits: Limits) -> Self {
        Self::new(limits, None)
    }

    fn new(limits: Limits, extent: Option<Extent>) -> Self {
        let mut settings = WebSocketConfig::default();
        settings.read_buffer_size = limits.read_buffer.max(128);
        settings.write_buffer_size = 0;
        settings.max_write_buffer_size = CONTROL_BUFFER;
        settings.max_message_size = Some(limits.max_message);
        settings.max_frame_size = Some(limits.max_frame);
        Self {
            context: WebSocketContext::new(Role::Server, Some(settings)),
            extent,
            held: 0,
            progress: false,
        }
    }

    /// Reads a message or a control frame. What tungstenite answers by itself goes to the receiver.
    pub(crate) fn read<R: Receiver>(
        &mut self,
        reader: &mut Reader,
        receiver: &mut R,
        cx: &mut Context<'_>,
    ) -> Result<Message, Error> {
        let mut duplex = Duplex {
            reader,
            receiver,
            extent: self.extent.as_mut(),
            held: &mut self.held,
            progress: &mut self.progress,
            cx,
        };
        let result = self.context.read(&mut duplex);
        if matches!(result, Ok(Message::Text(_) | Message::Binary(_))) {
            self.held = 0;
        }
        result
    }

    /// How many bytes it holds of a message that is not whole.
    pub(crate) fn held(&self) -> usize {
        // The part of a header that has come is not given on before it is whole.
        let head = self
            .extent
            .as_ref()
            .map_or(0, |extent| extent.head.bytes().len());
        self.held + head
    }

    /// A control frame was read, of so many bytes, which are no part of a message.
    pub(crate) fn took_control(&mut self, payload: usize) {
        self.held = self.held.saturating_sub(payload + CONTROL_HEAD);
    }

    /// Whether it has done its part once it gave a message of text or binary.
    pub(crate) fn is_of_one(&self) -> bool {
        self.extent.is_some()
    }

    /// Whether anything came since this was last asked.
    pub(crate) fn take_progress(&mut self) -> bool {
        std::mem::take(&mut self.progress)
    }
}

impl Extent {
    fn new(limits: Limits) -> Self {
        Self {
            head: Head::default(),
            out: Vec::new(),
            taken: 0,
            left: 0,
            rest: 0,
            longest: limits.max_frame as u64,
            text: Text::default(),
        }
    }

    /// Reads no further than to the end of the frame under way. Notes whether anything came.
    fn poll_read(
        &mut self,
        reader: &mut Reader,
        cx: &mut Context<'_>,
        into: &mut [u8],
        progress: &mut bool,
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.taken < self.out.len() {
                let len = into.len().min(self.out.len() - self.taken);
                into[..len].copy_from_slice(&self.out[self.taken..self.taken + len]);
                self.taken += len;
                return Poll::Ready(Ok(len));
            }
            if self.left > 0 {
                let most = usize::try_from(self.left).unwrap_or(usize::MAX);
                let most = most.min(into.len());
                let len = ready!(reader.poll_read(cx, &mut into[..most]))?;
                *progress |= len > 0;
                self.left -= len as u64;
                if !self.text.payload(&into[..len]) {
                    return Poll::Ready(Err(io::Error::other(NotUtf8)));
                }
                if self.left == 0 && self.rest > 0 {
                    self.next_part(OP_CONTINUATION);
                }
                return Poll::Ready(Ok(len));
            }
            let Some(byte) = ready!(reader.poll_byte(cx))? else {
                return Poll::Ready(Ok(0));
            };
            *progress = true;
            if self.head.push(byte) {
                self.begin();
            }
        }
    }

    /// After a header: gives it on, or one for the first part of a long frame.
    fn begin(&mut self) {
        let (first, length) = (self.head.first(), self.head.length());
        self.text.frame(&self.head);
        let is_data = matches!(first & 0x0f, OP_CONTINUATION | OP_TEXT | OP_BINARY);
        // What breaks the protocol is for tungstenite to find.
        if is_data
            && first & RSV == 0
            && self.head.key().is_some()
            && (PART + 1..=self.longest).contains(&length)
        {
            self.rest = length;
            self.next_part(first & 0x0f);
            return;
        }
        self.left = length;
        self.give(|out, head| out.extend_from_slice(head.bytes()));
        self.head.clear();
    }

    /// Gives on a header for the next part of a long frame, whose own is kept until the last.
    fn next_part(&mut self, opcode: u8) {
        self.left = self.rest.min(PART);
        self.rest -= self.left;
        let (len, is_last) = (self.left as u16, self.rest == 0);
        self.give(|out, head| {
            let fin = if is_last { head.first() & FIN } else { 0 };
            out.extend_from_slice(&[fin | opcode, MASK | 126]);
            out.extend_from_slice(&len.to_be_bytes());
            out.extend_from_slice(&head.key().unwrap_or_default());
        });
        if is_last {
            self.head.clear();
        }
    }

    fn give(&mut self, put: impl FnOnce(&mut Vec<u8>, &Head)) {
        self.out.clear();
        self.taken = 0;
        put(&mut self.out, &self.head);
    }
}

/// Text came that can be none.
#[derive(Debug, thiserror::Error)]
#[error("text is not UTF-8")]
struct NotUtf8;

/// What tungstenite is given for one call: it reads from the socket, and what it writes goes to
/// the receiver.
struct Duplex<'a, 'b, R: Receiver> {
    reader: &'a mut Reader,
    receiver: &'a mut R,
    extent: Option<&'a mut Extent>,
    held: &'a mut usize,
    progress: &'a mut bool,
    cx: &'a mut Context<'b>,
}

impl<R: Receiver> Read for Duplex<'_, '_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.extent {
            Some(extent) => extent.poll_read(self.reader, self.cx, into, self.progress),
            None => self.reader.poll_read(self.cx, into),
        };
        match read {
            Poll::Ready(result) => {
                *self.progress |= matches!(result, Ok(1..));
                *self.held += result.as_ref().copied().unwrap_or(0);
                result
            }
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl<R: Receiver> Write for Duplex<'_, '_, R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.receiver.control(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the peer did wrong, or nothing when the connection just broke.
pub(crate) fn fault(error: &Error) -> Option<CloseReason> {
    let protocol = |code, message: String| {
        Some(CloseReason::Protocol {
            code,
            message: message.into(),
        })
    };
    match error {
        Error::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<NotUtf8>()) => {
            Some(not_utf8())
        }
        Error::Io(error) => match deflate_error(error)? {
            DeflateError::TooBig { .. } => Some(CloseReason::TooLarge),
            error => protocol(error.close_code(), error.to_string()),
        },
        Error::Capacity(_) => Some(CloseReason::TooLarge),
        Error::Utf8(_) => Some(not_utf8()),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        | Error::ConnectionClosed
        | Error::AlreadyClosed => None,
        Error::Protocol(error) => protocol(1002, error.to_string()),
        _ => protocol(1002, "protocol error".into()),
    }
}

/// Text that is none.
pub(crate) fn not_utf8() -> CloseReason {
    CloseReason::Protocol {
        code: 1007,
        message: "text is not UTF-8".into(),
    }
}

/// The deflate error in an I/O error, if that is what it is.
fn deflate_error(error: &io::Error) -> Option<DeflateError> {
    error.get_ref()?.downcast_ref().copied()
}
