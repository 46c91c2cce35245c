//! The library behind the front: what is asked of it, and of each of its connections.

use std::convert::Infallible;

use bytes::Bytes;
use hyper::service::Service;
use stellarfw_transport::{
    BoxFuture, CloseReason, Frame, Message,
    http::{BoxError, Response, body},
};

use crate::wrapped::paced::Paced;

/// A library that speaks Engine.IO: engineioxide, or what is built upon it.
///
/// All its sessions are on polling, for all it knows: WebSockets are ours.
pub trait Library: Send + Sync + 'static {
    /// Answers a request of the polling transport.
    fn answer(&self, request: http::Request<Paced>) -> BoxFuture<Response>;
}

impl<S, B> Library for S
where
    S: Service<http::Request<Paced>, Response = http::Response<B>, Error = Infallible>
        + Send
        + Sync
        + 'static,
    <S as Service<http::Request<Paced>>>::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn answer(&self, request: http::Request<Paced>) -> BoxFuture<Response> {
        let future = self.call(request);
        Box::pin(async move {
            match future.await {
                Ok(response) => response.map(body),
                Err(never) => match never {},
            }
        })
    }
}

/// The way out of one connection of the library.
pub trait Sink: Send + Sync + 'static {
    /// Queues a frame in the library, which has room for it.
    fn emit(&self, frame: &Frame) -> Sent;

    /// Puts a frame behind others as what it is over a WebSocket, past the library.
    fn put(&self, frame: &Frame, out: &mut Vec<u8>) -> Put;

    /// A message has come over a WebSocket, and after it the bytes that [belong to it](Attached). Whether
    /// it was one of the client's and has been brought; if not, the library gets it.
    fn take(&self, message: Message<'_>, attached: &Attached) -> bool;

    /// Ends the session: the library sends what it holds and the protocol's goodbye. There is no
    /// reason when the connection is gone or to be cut.
    fn close(&self, reason: Option<&CloseReason>);
}

/// The binary messages that came after a text, and belong to it; see
/// [`FrontOptions::attachments`](crate::wrapped::FrontOptions::attachments).
pub type Attached = [Bytes];

/// How a frame is sent past the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// It has been appended.
    Here,
    /// This follows what has been appended.
    Then(Bytes),
    /// It is not: the library must have it, and nothing was appended.
    Not,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// How many messages of a WebSocket; none when the connection is closed.
    pub messages: usize,
    /// How many bytes it takes at least of the answer to a poll.
    pub least: usize,
}
