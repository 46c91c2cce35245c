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
    head::Head,
    inbound::{Limits, Receiver},
    reader::Reader,
    text::Text,
};

/// As many bytes of tungstenite's own answers (pongs) may wait inside of it.
const CONTROL_BUFFER: usize = 512;

pub(crate) struct Pieces {
    context: WebSocketContext,
    /// None where all of the stream is tungstenite's.
    extent: Option<Extent>,
    /// Something was read since this was last taken.
    progress: bool,
}

/// How much of the frame under way is yet to come, so that tungstenite is given nothing of what
/// is behind its last one.
#[derive(Debug, Default)]
struct Extent {
    head: Head,
    left: u64,
    text: Text,
}

impl Pieces {
    /// For one message, whatever its frames.
    pub(crate) fn of_one(limits: Limits) -> Self {
        Self::new(limits, Some(Extent::default()))
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
            progress: &mut self.progress,
            cx,
        };
        self.context.read(&mut duplex)
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
    /// Reads no further than to the end of the frame under way.
    fn poll_read(
        &mut self,
        reader: &mut Reader,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut filled = 0;
        while self.left == 0 && filled < into.len() {
            match reader.poll_byte(cx)? {
                Poll::Ready(Some(byte)) => {
                    into[filled] = byte;
                    filled += 1;
                    if self.head.push(byte) {
                        self.left = self.head.length();
                        self.text.frame(&self.head);
                        self.head.clear();
                        break;
                    }
                }
                Poll::Pending if filled == 0 => return Poll::Pending,
                Poll::Pending | Poll::Ready(None) => return Poll::Ready(Ok(filled)),
            }
        }
        if filled > 0 {
            return Poll::Ready(Ok(filled));
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = most.min(into.len());
        let len = ready!(reader.poll_read(cx, &mut into[..most]))?;
        self.left -= len as u64;
        if !self.text.payload(&into[..len]) {
            return Poll::Ready(Err(io::Error::other(NotUtf8)));
        }
        Poll::Ready(Ok(len))
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
    progress: &'a mut bool,
    cx: &'a mut Context<'b>,
}

impl<R: Receiver> Read for Duplex<'_, '_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.extent {
            Some(extent) => extent.poll_read(self.reader, self.cx, into),
            None => self.reader.poll_read(self.cx, into),
        };
        match read {
            Poll::Ready(result) => {
                *self.progress |= matches!(result, Ok(1..));
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
