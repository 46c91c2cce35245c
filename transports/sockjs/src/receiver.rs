//! Receivers: requests whose response carries the frames of a session.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use ::http::{HeaderValue, header};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use stellarfw_transport::http::{self, BoxError, Response};

use crate::{http_transport::HttpTransport, session::Session};

/// Maximum size of a body frame, in bytes.
///
/// The HTTP server polls for more once a frame is written, so data for a slow client stays in the
/// session's bounded queue.
const SLICE: usize = 64 << 10;

/// Responds to the request that is the receiver of a session.
///
/// The response ends after about `limit` bytes. Not cancel safe: dropping the future before the
/// response is ready counts as a lost receiver and closes the session.
pub(crate) async fn receive(
    session: Arc<Session>,
    transport: HttpTransport,
    limit: usize,
) -> Response {
    let receiver = Receiver {
        session,
        done: false,
    };
    let mut body = ReceiverBody {
        current: transport.prelude(),
        next: None,
        last: false,
        left: limit,
        receiver: Some(receiver),
        transport,
    };
    if body.transport.is_polling() {
        // Waits for the frame, so that head and body are sent in one write.
        poll_fn(|cx| body.poll_next(cx)).await;
        body.last = true;
    }
    body.response()
}

/// Responds to a request that cannot be a receiver, with the close frame that gives the reason.
pub(crate) fn reject(frame: String, transport: HttpTransport) -> Response {
    let mut body = ReceiverBody {
        current: transport.prelude(),
        next: Some(transport.wrap(frame)),
        last: true,
        left: 0,
        receiver: None,
        transport,
    };
    if body.current.is_empty() {
        body.current = body.next.take().unwrap_or_default();
    }
    body.response()
}

/// The receiver of a session.
struct Receiver {
    session: Arc<Session>,
    /// `true` once every frame taken from the session was passed to the HTTP server.
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

/// The body of a receiver's response.
struct ReceiverBody {
    /// The bytes being sent, in slices.
    current: Bytes,
    /// The bytes to send after `current`.
    next: Option<Bytes>,
    /// `true` if the body ends after `current` and `next`.
    last: bool,
    /// Number of bytes left until the response reaches its limit.
    left: usize,
    receiver: Option<Receiver>,
    transport: HttpTransport,
}

impl ReceiverBody {
    /// Waits for the session's next frame and wraps it for the transport.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(receiver) = &self.receiver else {
            self.last = true;
            return Poll::Ready(());
        };
        let limit = if self.transport.is_polling() {
            self.left
        } else {
            self.left.min(SLICE)
        };
        let outgoing = ready!(receiver.session.poll_next(cx, limit));
        self.current = receiver.session.lease(self.transport.wrap(outgoing.frame));
        self.left = self.left.saturating_sub(self.current.len());
        self.last = outgoing.last || self.left == 0;
        Poll::Ready(())
    }

    fn response(self) -> Response {
        let content_type = HeaderValue::from_static(self.transport.content_type());
        let is_polling = self.transport.is_polling();
        let mut response = Response::new(http::body(self));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, content_type);
        if !is_polling {
            // Turns off response buffering in nginx.
            headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        }
        response
    }
}

impl Body for ReceiverBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        loop {
            if !this.current.is_empty() {
                let slice = this.current.split_to(this.current.len().min(SLICE));
                if this.is_end_stream()
                    && let Some(receiver) = &mut this.receiver
                {
                    receiver.done();
                }
                return Poll::Ready(Some(Ok(Frame::data(slice))));
            }
            if let Some(next) = this.next.take() {
                this.current = next;
            } else if this.last {
                return Poll::Ready(None);
            } else {
                ready!(this.poll_next(cx));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.last && self.current.is_empty() && self.next.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.transport.is_polling() {
            SizeHint::with_exact(self.current.len() as u64)
        } else {
            SizeHint::default()
        }
    }
}
