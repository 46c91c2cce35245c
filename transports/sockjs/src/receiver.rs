//! A request that waits for what is sent to its session, and its response.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderValue, header};
use http_body::{Body, Frame, SizeHint};
use stellarfw_transport::http::{BoxError, Response, body};

use crate::{session::Session, way::Way};

/// At most as much is handed to the HTTP server at once. It takes more when that is written, so
/// what a slow client has not taken stays in the session's queue.
const SLICE: usize = 64 << 10;

/// Answers a request that is its session's receiver. `limit` is how long a response shall be.
///
/// Not cancel safe: dropped while it waits, it has broken off, and that ends the session.
pub(crate) async fn receive(session: Arc<Session>, way: Way, limit: usize) -> Response {
    let receiver = Receiver {
        session,
        done: false,
    };
    let mut stream = Stream {
        part: way.prelude(),
        next: None,
        last: false,
        left: limit,
        receiver: Some(receiver),
        way,
    };
    if stream.way.is_polling() {
        // The head can wait for the frame: then one write is enough for both.
        poll_fn(|cx| stream.poll_step(cx)).await;
        stream.last = true;
    }
    stream.response()
}

/// Answers a request that cannot be a receiver with the one frame that tells why.
pub(crate) fn send_away(frame: String, way: Way) -> Response {
    let mut stream = Stream {
        part: way.prelude(),
        next: Some(way.wrap(frame)),
        last: true,
        left: 0,
        receiver: None,
        way,
    };
    if stream.part.is_empty() {
        stream.part = stream.next.take().unwrap_or_default();
    }
    stream.response()
}

/// The receiver of a session.
struct Receiver {
    session: Arc<Session>,
    /// Whether all it took was given on.
    done: bool,
}

impl Receiver {
    fn done(&mut self) {
        if !std::mem::replace(&mut self.done, true) {
            self.session.detach();
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if !self.done {
            self.session.interrupted();
        }
    }
}

/// The body of a response: parts, the later ones as they come.
struct Stream {
    /// What is being given, in slices.
    part: Bytes,
    /// What comes after it.
    next: Option<Bytes>,
    /// Nothing comes after those two.
    last: bool,
    /// How much more the response shall hold.
    left: usize,
    receiver: Option<Receiver>,
    way: Way,
}

impl Stream {
    /// Waits for the session's next frame and makes a part of it.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(receiver) = &self.receiver else {
            self.last = true;
            return Poll::Ready(());
        };
        let limit = if self.way.is_polling() {
            self.left
        } else {
            self.left.min(SLICE)
        };
        let step = ready!(receiver.session.poll_step(cx, limit));
        self.part = receiver.session.lease(self.way.wrap(step.frame));
        self.left = self.left.saturating_sub(self.part.len());
        self.last = step.last || self.left == 0;
        Poll::Ready(())
    }

    fn response(self) -> Response {
        let content_type = HeaderValue::from_static(self.way.content_type());
        let is_polling = self.way.is_polling();
        let mut response = Response::new(body(self));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, content_type);
        if !is_polling {
            // nginx collects what it passes on, unless it is told.
            headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        }
        response
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        loop {
            if !this.part.is_empty() {
                let slice = this.part.split_to(this.part.len().min(SLICE));
                if this.is_end_stream()
                    && let Some(receiver) = &mut this.receiver
                {
                    receiver.done();
                }
                return Poll::Ready(Some(Ok(Frame::data(slice))));
            }
            if let Some(next) = this.next.take() {
                this.part = next;
            } else if this.last {
                return Poll::Ready(None);
            } else {
                ready!(this.poll_step(cx));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.last && self.part.is_empty() && self.next.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.way.is_polling() {
            SizeHint::with_exact(self.part.len() as u64)
        } else {
            SizeHint::default()
        }
    }
}
