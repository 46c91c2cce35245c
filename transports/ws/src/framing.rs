//! What a WebSocket message holds, for engines with a protocol of their own over WebSocket.

use stellarfw_transport::{CloseReason, Frame, Inlet, Message, Outbox};

/// How payloads and WebSocket messages become one another.
///
/// The engine's own framing is [`Plain`]: one payload, one message. Another engine whose protocol
/// runs over WebSocket implements this and hands its upgrade requests to [`accept`](crate::accept);
/// it then has the same sockets, direct writes, one write for all that waits, and closing.
///
/// There is no state: all of it is chosen at compile time, and what [`Plain`] does costs nothing.
/// What a framing sends by itself (opening, heartbeat, goodbye) is to be short.
pub trait Framing: Send + Sync + 'static {
    /// A message that goes out before all others.
    fn opening() -> Option<Frame>;

    /// Takes from the outbox what shall be one message, and makes it. Called until there is
    /// none, so one that is given must have taken at least one frame.
    fn message(outbox: &mut Outbox) -> Option<Frame>;

    /// A message that goes out with each ping, for clients that are not told of those.
    fn heartbeat() -> Option<Frame>;

    /// The last message, before the close frame.
    fn goodbye(code: u16, text: &str) -> Option<Frame>;

    /// Reads a message and hands in the payloads it holds.
    ///
    /// # Errors
    /// Why the connection must be closed, when it is not of the protocol.
    fn receive(inlet: &mut Inlet, message: Message<'_>) -> Result<(), CloseReason>;

    /// How long a message may be that holds a payload of `max_length` bytes.
    fn longest(max_length: usize) -> usize;
}

/// One payload is one message: what the WebSocket engine itself speaks.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl Framing for Plain {
    fn opening() -> Option<Frame> {
        None
    }

    #[inline]
    fn message(outbox: &mut Outbox) -> Option<Frame> {
        outbox.pop()
    }

    fn heartbeat() -> Option<Frame> {
        None
    }

    fn goodbye(_: u16, _: &str) -> Option<Frame> {
        None
    }

    #[inline]
    fn receive(inlet: &mut Inlet, message: Message<'_>) -> Result<(), CloseReason> {
        inlet.receive(message);
        Ok(())
    }

    fn longest(max_length: usize) -> usize {
        max_length
    }
}
