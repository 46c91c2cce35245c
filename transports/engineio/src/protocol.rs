//! The traits of a protocol on top of Engine.IO's messages.

use std::{
    future::Future,
    sync::Arc,
    task::{Context, Poll},
};

use http::request::Parts;
use stellarfw_transport::{CloseReason, Message, Refusal, Server, Spark};

use crate::session::Session;

/// A protocol on top of Engine.IO's messages. Each [`Gateway`](crate::Gateway) has one value.
///
/// The engine `engine.io` is the simplest: each message is a payload of the session's one spark. Socket.IO's engine reads
/// and writes packets of its own in them.
pub trait Protocol: Send + Sync + 'static {
    /// The result of [`accept`](Self::accept). It is dropped if the client disconnects before its session opens.
    type Accepted: Send + 'static;

    /// Decides whether a client may open a session. Method, query, and origin of the request have been checked.
    ///
    /// Cancel safe where [`Server::admit`] and [`Server::reserve`] are all that it awaits.
    ///
    /// # Errors
    /// The refusal that the client is answered with.
    fn accept(
        &self,
        server: &Server,
        parts: &mut Parts,
    ) -> impl Future<Output = Result<Self::Accepted, Refusal>> + Send;

    /// Opens what runs on a session. Called once, before anything is read from the client, in the runtime.
    ///
    /// Engine.IO's open packet precedes everything that is pushed here. The session may be closed or aborted here.
    fn open(
        &self,
        server: &Server,
        accepted: Self::Accepted,
        session: &Arc<Session>,
    ) -> Arc<dyn Consumer>;
}

/// Receives the messages of one session.
///
/// [`message`](Self::message) is called by one caller at a time, the other methods by any. No lock of the session is held
/// during a call.
pub trait Consumer: Send + Sync + 'static {
    /// Takes a message, without the packet's type. Bytes come as bytes, whatever the transport made of them.
    ///
    /// # Errors
    /// Why the session must end. Nothing more of what has come is read then.
    fn message(&self, session: &Arc<Session>, message: Message<'_>) -> Result<(), CloseReason>;

    /// Ready when the next message may come. While it is pending nothing is read from the client.
    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx;
        Poll::Ready(())
    }

    /// Takes note of a sign of life.
    fn alive(&self) {}

    /// Takes note of a ping or pong of the client, a sign of life that counts for its rate.
    fn signal(&self) {}

    /// Returns the spark in whose name bytes are counted, if one is open.
    fn spark(&self) -> Option<Spark>;

    /// Returns how many bytes are held of a message of several parts that is not complete.
    fn gathered(&self) -> Gathered {
        Gathered::default()
    }

    /// Closes every spark for this reason: the client broke the protocol, is silent, or reads too slowly. The session
    /// closes after this call.
    fn end(&self, reason: &CloseReason);

    /// Takes note that the session is over. Called once, in the runtime, and the last call but for those that are under
    /// way.
    fn closed(&self, reason: CloseReason);

    /// Serves the deadline of [`Session::set_deadline`]. Called in a task of its own.
    fn deadline(&self, session: &Arc<Session>) {
        let _ = session;
    }
}

/// The bytes that a [`Consumer`] holds of a message of several parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    /// The number of bytes in memory.
    pub bytes: usize,
    /// The message has begun since the last call.
    pub is_new: bool,
}
