//! How payloads and WebSocket messages correspond.

use stellarfw_transport::{CloseReason, Frame, Inlet, Message, Outbox};

/// Maps payloads to WebSocket messages and back.
///
/// [`Plain`] maps one payload to one message. An engine with a protocol of its own over WebSocket
/// implements this trait and passes its upgrade requests to [`accept`](crate::accept). It then has
/// direct writes, one write for all queued frames, and the closing handshake.
///
/// There is no state: everything is chosen at compile time, so [`Plain`] adds no cost. The messages
/// that a framing adds by itself (opening, heartbeat, closing) should be short.
pub trait Framing: Send + Sync + 'static {
    /// Returns the message that precedes all others, if the protocol has one.
    fn opening() -> Option<Frame>;

    /// Takes frames from the outbox and makes the next message of them.
    ///
    /// It is called until it returns `None`, so a call that returns a message must take at least one
    /// frame.
    fn next_message(outbox: &mut Outbox) -> Option<Frame>;

    /// Returns the message that accompanies each ping, for clients that do not see ping frames.
    fn heartbeat() -> Option<Frame>;

    /// Returns the last message before the close frame with this code and text.
    fn closing(code: u16, text: &str) -> Option<Frame>;

    /// Reads a message and passes its payloads to the inlet.
    ///
    /// # Errors
    /// The reason to close the connection with, if the message violates the protocol.
    fn receive(inlet: &mut Inlet, message: Message<'_>) -> Result<(), CloseReason>;

    /// Returns the largest message in bytes that can carry a payload of `max_length` bytes.
    fn max_message(max_length: usize) -> usize;
}

/// One payload is one message: the framing of the engine `ws`.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl Framing for Plain {
    fn opening() -> Option<Frame> {
        None
    }

    #[inline]
    fn next_message(outbox: &mut Outbox) -> Option<Frame> {
        outbox.pop()
    }

    fn heartbeat() -> Option<Frame> {
        None
    }

    fn closing(_: u16, _: &str) -> Option<Frame> {
        None
    }

    #[inline]
    fn receive(inlet: &mut Inlet, message: Message<'_>) -> Result<(), CloseReason> {
        inlet.receive(message);
        Ok(())
    }

    fn max_message(max_length: usize) -> usize {
        max_length
    }
}
