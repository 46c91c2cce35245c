//! The traits that an engine's tests implement.

use std::{io, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use stellarfw_transport::{Frame, Server, Transport};

/// Creates the engine under test.
///
/// Each behaviour calls [`Harness::engine`] at least once, on a runtime of its own.
pub trait Harness: Send + Sync + 'static {
    /// Returns a new engine and the test server for it.
    fn engine(&self) -> (Arc<dyn Transport>, Box<dyn TestServer>);
}

/// Serves a [`Server`] and connects clients to it.
///
/// Dropping the value stops the serving.
#[async_trait]
pub trait TestServer: Send + Sync {
    /// Serves a server that has been [started](Server::start).
    ///
    /// For an engine over HTTP, start an HTTP server here, such as
    /// [`serve()`](stellarfw_transport::serve()) on port 0. An engine with its own sockets already
    /// listens at `addresses`. Need not be cancel safe.
    async fn serve(&mut self, server: &Server, addresses: &[SocketAddr]);

    /// Connects a client.
    ///
    /// Must be cancel safe: a dropped future leaves no open connection.
    ///
    /// # Errors
    /// Returns the refusal as the client sees it. An engine without the capability `refusal`
    /// returns a client that is closed before it receives a payload.
    async fn connect(&self, connect: Connect) -> Result<Box<dyn Client>, Refused>;
}

/// A raw client without background tasks.
///
/// It reads and writes only inside these calls. The futures need not be cancel safe: a future that
/// times out fails the test.
#[async_trait]
pub trait Client: Send {
    /// Sends one payload.
    ///
    /// # Errors
    /// Returns an error when the connection is closed.
    async fn send(&mut self, payload: Frame) -> io::Result<()>;

    /// Returns the next payload, or the close of the connection.
    ///
    /// Reads from the network only while it is polled; behaviours simulate a stalled client by not
    /// calling it. Answers the engine's own pings unless [`Client::answer_pings`] turned that off.
    async fn next(&mut self) -> Received;

    /// Sets whether the client answers the engine's own pings. Default: `true`.
    ///
    /// Has no effect for an engine without pings.
    fn answer_pings(&mut self, answer: bool);

    /// Closes the connection and waits for the server's answer.
    ///
    /// Sends `code` where the engine has close codes.
    async fn goodbye(self: Box<Self>, code: u16);

    /// Drops the connection without a close frame.
    async fn vanish(self: Box<Self>);

    /// Sends the first half of a message.
    ///
    /// Returns `false` if the engine has no partial messages.
    async fn send_half(&mut self, payload: Frame) -> bool;

    /// Sends raw bytes, bypassing the engine's framing.
    ///
    /// Returns `false` if the engine has no byte stream.
    async fn send_garbage(&mut self, bytes: &[u8]) -> bool;

    /// Returns the client's local address as the server sees it, or `None` without a network.
    fn address(&self) -> Option<SocketAddr>;
}

/// Options of a connection attempt. An engine ignores those it cannot represent.
#[derive(Clone, Debug, Default)]
pub struct Connect {
    /// Path to connect to. Default: the server's pathname.
    ///
    /// The engine appends the segments that its protocol needs, such as a session.
    pub path: Option<String>,
    /// Query of the URL, without the question mark. The engine adds its own keys.
    pub query: String,
    /// Headers of the request. They replace the client's own, `Host` included.
    pub headers: Vec<(String, String)>,
}

impl Connect {
    /// Sets the path.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Sets the query.
    #[must_use]
    pub fn query(mut self, query: impl Into<String>) -> Self {
        self.query = query.into();
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// The result of [`Client::next`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A payload.
    Payload(Frame),
    /// The connection is closed, with the close code if the server sent one.
    Closed(Option<u16>),
}

/// The response to a refused connection, as the client sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status.
    pub status: Option<u16>,
    /// The `error` of the JSON body.
    pub message: Option<String>,
    /// The header `WWW-Authenticate`.
    pub www_authenticate: Option<String>,
    /// For an upgrade request: `true` if the response has `Connection: close`.
    pub connection_close: Option<bool>,
}
