//! Messages that are read by tungstenite: fragmented and large ones, close frames, and violations of the
//! protocol. Its state and buffer exist only for the duration of such a message, so that an idle
//! connection has neither.

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
    byte_reader::ByteReader,
    deflate::DeflateError,
    frame::{FIN, Head, MASK, OP_BINARY, OP_CONTINUATION, OP_TEXT, RSV},
    message_reader::{MessageReceiver, ReadLimits},
    utf8::TextValidator,
};

/// Bytes of pongs that may be buffered inside tungstenite.
const CONTROL_BUFFER: usize = 512;

/// The header of a control frame from a client.
const CONTROL_HEAD: usize = 6;

/// Reads messages with tungstenite.
pub(crate) struct Fragments {
    context: WebSocketContext,
    /// `None` if tungstenite reads the stream for the life of the connection.
    extent: Option<FrameExtent>,
    /// Bytes passed to tungstenite of an incomplete message.
    held: usize,
    /// Something was read since [`Fragments::take_progress`].
    progress: bool,
}

/// The rest of the frame that is being read, so that tungstenite reads nothing beyond its last frame.
///
/// tungstenite allocates the length that a frame announces. Large frames are passed to it as several,
/// so that its memory grows with the bytes that arrive.
#[derive(Debug)]
struct FrameExtent {
    head: Head,
    /// A header for tungstenite, of which `taken` bytes were read.
    out: Vec<u8>,
    taken: usize,
    /// Payload bytes left of the frame with that header.
    left: u64,
    /// Payload bytes of the client's frame after those, for further headers.
    rest: u64,
    longest: u64,
    text: TextValidator,
}

/// The size of the parts of large frames; a multiple of the mask's length.
const PART: u64 = 32 << 10;

impl Fragments {
    /// Creates a reader of one message.
    pub(crate) fn for_message(limits: ReadLimits) -> Self {
        Self::new(limits, Some(FrameExtent::new(limits)))
    }

    /// Creates a reader for the life of a connection whose messages may be compressed.
    pub(crate) fn for_connection(limits: ReadLimits) -> Self {
        Self::new(limits, None)
    }

    fn new(limits: ReadLimits, extent: Option<FrameExtent>) -> Self {
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

    /// Reads a message or a control frame. The answers that tungstenite writes go to the receiver.
    pub(crate) fn read<R: MessageReceiver>(
        &mut self,
        reader: &mut ByteReader,
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

    /// Returns the bytes held of an incomplete message.
    pub(crate) fn held(&self) -> usize {
        // A header is passed on when it is complete.
        let head = self
            .extent
            .as_ref()
            .map_or(0, |extent| extent.head.bytes().len());
        self.held + head
    }

    /// Subtracts a control frame with this payload length, which is no part of a message.
    pub(crate) fn took_control(&mut self, payload: usize) {
        self.held = self.held.saturating_sub(payload + CONTROL_HEAD);
    }

    /// Returns `true` if it reads one message of text or binary.
    pub(crate) fn is_for_message(&self) -> bool {
        self.extent.is_some()
    }

    /// Returns `true` if anything was read since the last call.
    pub(crate) fn take_progress(&mut self) -> bool {
        std::mem::take(&mut self.progress)
    }
}

impl FrameExtent {
    fn new(limits: ReadLimits) -> Self {
        Self {
            head: Head::default(),
            out: Vec::new(),
            taken: 0,
            left: 0,
            rest: 0,
            longest: limits.max_frame as u64,
            text: TextValidator::default(),
        }
    }

    /// Reads at most to the end of the current frame. Sets `progress` if anything was read.
    fn poll_read(
        &mut self,
        reader: &mut ByteReader,
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

    /// Passes on a complete header, or one for the first part of a large frame.
    fn begin(&mut self) {
        let (first, length) = (self.head.first(), self.head.length());
        self.text.frame(&self.head);
        let is_data = matches!(first & 0x0f, OP_CONTINUATION | OP_TEXT | OP_BINARY);
        // tungstenite detects violations of the protocol.
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
        self.pass_header(|out, head| out.extend_from_slice(head.bytes()));
        self.head.clear();
    }

    /// Passes on a header for the next part of a large frame, whose own header is kept until the last.
    fn next_part(&mut self, opcode: u8) {
        self.left = self.rest.min(PART);
        self.rest -= self.left;
        let (len, is_last) = (self.left as u16, self.rest == 0);
        self.pass_header(|out, head| {
            let fin = if is_last { head.first() & FIN } else { 0 };
            out.extend_from_slice(&[fin | opcode, MASK | 126]);
            out.extend_from_slice(&len.to_be_bytes());
            out.extend_from_slice(&head.key().unwrap_or_default());
        });
        if is_last {
            self.head.clear();
        }
    }

    fn pass_header(&mut self, put: impl FnOnce(&mut Vec<u8>, &Head)) {
        self.out.clear();
        self.taken = 0;
        put(&mut self.out, &self.head);
    }
}

/// Text that is not UTF-8.
#[derive(Debug, thiserror::Error)]
#[error("text is not UTF-8")]
struct NotUtf8;

/// The stream for one call of tungstenite: reads come from the socket, and writes go to the receiver.
struct Duplex<'a, 'b, R: MessageReceiver> {
    reader: &'a mut ByteReader,
    receiver: &'a mut R,
    extent: Option<&'a mut FrameExtent>,
    held: &'a mut usize,
    progress: &'a mut bool,
    cx: &'a mut Context<'b>,
}

impl<R: MessageReceiver> Read for Duplex<'_, '_, R> {
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

impl<R: MessageReceiver> Write for Duplex<'_, '_, R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.receiver.control(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the reason to close with, or `None` if the connection was lost.
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

/// Returns the reason to close with for text that is not UTF-8.
pub(crate) fn not_utf8() -> CloseReason {
    CloseReason::Protocol {
        code: 1007,
        message: "text is not UTF-8".into(),
    }
}

/// Returns the deflate error inside an I/O error, if there is one.
fn deflate_error(error: &io::Error) -> Option<DeflateError> {
    error.get_ref()?.downcast_ref().copied()
}
