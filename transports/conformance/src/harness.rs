//! What an engine's tests provide: the engine, a place to serve it, clients.

use std::{io, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use stellarfw_transport::{Frame, Server, Transport};

/// Makes the engine under test. Each behaviour asks for one of its own.
pub trait Harness: Send + Sync + 'static {
    /// A fresh engine, and the stage to meet it on.
    fn engine(&self) -> (Arc<dyn Transport>, Box<dyn Stage>);
}

/// Where a server is served and clients come in. Dropping it stops the serving.
#[async_trait]
pub trait Stage: Send + Sync {
    /// Serves a server that has been [started](Server::start): an engine over HTTP needs an HTTP
    /// server now (such as [`serve()`](stellarfw_transport::serve()) on port 0), one with sockets of
    /// its own listens at `addresses` already. Need not be cancel safe.
    async fn serve(&mut self, server: &Server, addresses: &[SocketAddr]);

    /// Connects a client. Cancel safe: dropped half-way, it leaves no connection behind.
    ///
    /// # Errors
    /// What the client was told when it was not let in. An engine that lets its clients find out
    /// later gives a client here that is closed before it received anything.
    async fn connect(&self, connect: Connect) -> Result<Box<dyn Client>, Refused>;
}

/// One client, as raw as can be: nothing happens to it between the calls. Its futures need not be
/// cancel safe: one that takes too long has failed its test.
#[async_trait]
pub trait Client: Send {
    /// Sends one payload.
    ///
    /// # Errors
    /// When the connection is closed.
    async fn send(&mut self, payload: Frame) -> io::Result<()>;

    /// The next payload, or the end. Reads from the network only while it is awaited, so that a
    /// client that is not asked is one that does not read. The engine's own pings are answered
    /// here, unless [`Client::answer_pings`] says otherwise.
    async fn next(&mut self) -> Received;

    /// Whether the engine's own pings are answered; at first they are. Engines without them
    /// do nothing.
    fn answer_pings(&mut self, answer: bool);

    /// Says goodbye with a code, as far as the engine has such a thing, and waits until the
    /// server has answered.
    async fn goodbye(self: Box<Self>, code: u16);

    /// Drops the connection without a word.
    async fn vanish(self: Box<Self>);

    /// Sends the beginning of a message and stops in the middle. Whether the engine has such a
    /// thing as half a message.
    async fn send_half(&mut self, payload: Frame) -> bool;

    /// Sends bytes past all framing. Whether the engine has such a thing.
    async fn send_garbage(&mut self, bytes: &[u8]) -> bool;

    /// The client's own address, as the server must see it; none where there is no network.
    fn address(&self) -> Option<SocketAddr>;
}

/// How a client connects. What the engine has no place for is left out.
#[derive(Clone, Debug, Default)]
pub struct Connect {
    /// The path to connect at; without one, the server's pathname. An engine with paths of its
    /// own below that (sessions, say) adds them.
    pub path: Option<String>,
    /// The query of the URL, without the question mark; the engine's own keys come beside it.
    pub query: String,
    /// Headers of the request. They count more than the client's own, `Host` too.
    pub headers: Vec<(String, String)>,
}

impl Connect {
    /// Connects at a path.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Connects with a query.
    #[must_use]
    pub fn query(mut self, query: impl Into<String>) -> Self {
        self.query = query.into();
        self
    }

    /// Connects with one more header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// What comes to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A payload.
    Payload(Frame),
    /// The end, with the code the server gave, if it gave one.
    Closed(Option<u16>),
}

/// What a client that was not let in was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status.
    pub status: Option<u16>,
    /// The `error` of the JSON body.
    pub message: Option<String>,
    /// The header `WWW-Authenticate`.
    pub www_authenticate: Option<String>,
    /// Where the request was an upgrade: whether the answer said `Connection: close`.
    pub connection_close: Option<bool>,
}
