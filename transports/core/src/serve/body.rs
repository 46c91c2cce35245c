//! Request bodies of HTTP/1, and what becomes of the part that nobody read.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use parking_lot::Mutex;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    Limits,
    pace::{Meter, Pace},
};
use crate::budget::Lease;

/// A body of at most this many bytes is read to its end after an early answer, and its connection
/// is kept for the next request.
const KEPT: u64 = 64 << 10;

/// A client that sends nothing for this long after an early answer has seen it, and sends no more.
const QUIET: Duration = Duration::from_secs(1);

/// Why the body of a request ends before its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The connection failed, or the stream was reset.
    #[error(transparent)]
    Failed(#[from] hyper::Error),
    /// It came more slowly than [`Limits`](super::Limits) allow. The request is answered 408.
    #[error("the body of the request did not come in time")]
    Late,
}

impl BodyError {
    /// Returns `true` if an error is, or was caused by, a body that did not come in time.
    #[must_use]
    pub fn is_late(error: &(dyn std::error::Error + 'static)) -> bool {
        let mut next = Some(error);
        while let Some(error) = next {
            if matches!(error.downcast_ref(), Some(Self::Late)) {
                return true;
            }
            next = error.source();
        }
        false
    }
}

/// The body of a request that came through [`serve`](super::serve()).
///
/// It must come at the least rate of the [`Limits`](super::Limits) while it is read, or it ends with
/// [`BodyError::Late`] and the request is answered 408.
///
/// Over HTTP/1 the part that is still unread when the request is answered is read and discarded, so
/// that the client gets the answer and not a reset (RFC 9112 section 9.6).
#[derive(Debug)]
pub struct RequestBody {
    incoming: Option<Incoming>,
    /// Where the rest goes if this is dropped before the end; none over HTTP/2, and at the end.
    connection: Option<Arc<Shared>>,
    /// None at the end.
    watch: Option<Box<Watch>>,
}

/// How fast a body comes, and whether that was too slow.
#[derive(Debug)]
struct Watch {
    meter: Meter,
    late: Late,
    /// What the protocol may hold of it while nobody reads.
    _lease: Option<Lease>,
}

/// Is set when the body of a request did not come in time.
#[derive(Clone, Debug, Default)]
pub(super) struct Late(Arc<AtomicBool>);

impl Late {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Makes the answer to a request whose body was late one that says so.
    pub(super) fn tell<B>(&self, response: &mut http::Response<B>) {
        // Who could do without the rest has answered.
        if self.is_set() && !response.status().is_success() {
            *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
        }
    }
}

impl RequestBody {
    /// A body whose rest the protocol itself discards, and whether it was late.
    pub(super) fn new(incoming: Incoming, pace: Pace, lease: Option<Lease>) -> (Self, Late) {
        let late = Late::default();
        let watch = (!incoming.is_end_stream()).then(|| {
            Box::new(Watch {
                meter: Meter::new(pace),
                late: late.clone(),
                _lease: lease,
            })
        });
        let body = Self {
            incoming: Some(incoming),
            connection: None,
            watch,
        };
        (body, late)
    }

    pub(super) fn of_connection(mut self, connection: Arc<Shared>) -> Self {
        self.connection = self.watch.is_some().then_some(connection);
        self
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let Some(incoming) = &mut this.incoming else {
            return Poll::Ready(None);
        };
        if this.watch.as_ref().is_some_and(|watch| watch.late.is_set()) {
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut *incoming).poll_frame(cx);
        let is_over = match &polled {
            Poll::Pending => {
                if let Some(watch) = &mut this.watch
                    && watch.meter.poll_late(cx).is_ready()
                {
                    watch.late.0.store(true, Ordering::Relaxed);
                    return Poll::Ready(Some(Err(BodyError::Late)));
                }
                return Poll::Pending;
            }
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(watch) = &mut this.watch {
                    watch.meter.moved(frame.data_ref().map_or(0, Bytes::len));
                }
                incoming.is_end_stream()
            }
            Poll::Ready(_) => true,
        };
        if is_over {
            this.connection = None;
            this.watch = None;
        }
        polled.map_err(BodyError::Failed)
    }

    fn is_end_stream(&self) -> bool {
        let incoming = self.incoming.as_ref();
        incoming.is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let incoming = self.incoming.as_ref();
        incoming.map_or_else(SizeHint::default, http_body::Body::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let (Some(incoming), Some(connection)) = (self.incoming.take(), self.connection.take()) {
            connection.abandon(incoming);
        }
    }
}

/// What the parts of one HTTP/1 connection share.
#[derive(Debug)]
pub(super) struct Shared {
    limits: Limits,
    /// Another protocol has taken over the socket.
    is_upgraded: Arc<AtomicBool>,
    /// Everything that was read of the socket has been answered.
    is_answered: AtomicBool,
    /// A body waits to be discarded.
    has_rest: AtomicBool,
    rest: Mutex<Rest>,
}

/// The body of the request under way, once nobody reads it any more.
#[derive(Debug, Default)]
struct Rest {
    is_answering: bool,
    body: Option<Incoming>,
    /// What may still be discarded, from the answer on.
    allowance: Option<Allowance>,
}

/// How much longer, and how many more bytes, may be discarded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    pub(super) bytes: usize,
    pub(super) until: Instant,
}

impl Allowance {
    fn new(limits: &Limits) -> Self {
        Self {
            bytes: limits.linger_bytes,
            until: Instant::now() + limits.linger_timeout,
        }
    }

    /// Takes off what was discarded. Returns `true` if more may be.
    pub(super) fn spend(&mut self, bytes: usize) -> bool {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.bytes > 0
    }
}

impl Shared {
    pub(super) fn new(limits: Limits, is_upgraded: Arc<AtomicBool>) -> Arc<Self> {
        Arc::new(Self {
            limits,
            is_upgraded,
            is_answered: AtomicBool::new(true),
            has_rest: AtomicBool::new(false),
            rest: Mutex::default(),
        })
    }

    pub(super) fn is_upgraded(&self) -> bool {
        self.is_upgraded.load(Ordering::Relaxed)
    }

    pub(super) fn is_answered(&self) -> bool {
        self.is_answered.load(Ordering::Relaxed)
    }

    /// Something was read of the socket.
    pub(super) fn received(&self) {
        self.is_answered.store(false, Ordering::Relaxed);
    }

    /// What may be discarded from now on, or what is left of that since the last answer.
    pub(super) fn allowance(&self) -> Allowance {
        let known = self.rest.lock().allowance;
        known.unwrap_or_else(|| Allowance::new(&self.limits))
    }

    /// Takes the body of a request under way; one that was answered before is let go of.
    fn abandon(&self, body: Incoming) {
        let mut rest = self.rest.lock();
        if rest.is_answering {
            rest.body = Some(body);
        } else {
            drop(rest);
            drop(body);
        }
    }

    /// A request is going to be answered.
    pub(super) fn begin<B: http_body::Body>(&self, request: &http::Request<B>) -> Begun {
        let body = request.body();
        let has_body = !body.is_end_stream();
        if has_body {
            let mut rest = self.rest.lock();
            rest.is_answering = true;
            rest.allowance = None;
        }
        Begun {
            has_body,
            is_connect: request.method() == Method::CONNECT,
            // It may never come, and the next request must not be taken for it.
            is_kept: !request.headers().contains_key(header::EXPECT)
                && body
                    .size_hint()
                    .exact()
                    .is_some_and(|length| length <= KEPT),
            is_awaited: request.headers().contains_key(header::EXPECT),
        }
    }

    /// The request is answered: says so in the answer if the connection ends with it.
    pub(super) fn answered<B>(&self, begun: &Begun, late: &Late, response: &mut http::Response<B>) {
        late.tell(response);
        let status = response.status();
        if status == StatusCode::SWITCHING_PROTOCOLS || begun.is_connect && status.is_success() {
            self.is_upgraded.store(true, Ordering::Relaxed);
        }
        if begun.has_body {
            let mut rest = self.rest.lock();
            rest.is_answering = false;
            if rest.body.is_some() {
                if !begun.is_kept || late.is_set() {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(header::CONNECTION, close);
                }
                let mut allowance = Allowance::new(&self.limits);
                if late.is_set() {
                    // It has had its time.
                    allowance.until = allowance.until.min(Instant::now() + QUIET);
                }
                rest.allowance = Some(allowance);
                if begun.is_awaited || late.is_set() {
                    let body = rest.body.take();
                    drop(rest);
                    drop(body);
                } else {
                    self.has_rest.store(true, Ordering::Relaxed);
                }
                return;
            }
        }
        self.is_answered.store(true, Ordering::Relaxed);
    }
}

/// What is known of a request that is being answered.
pub(super) struct Begun {
    has_body: bool,
    is_connect: bool,
    is_kept: bool,
    is_awaited: bool,
}

/// Discards the bodies that a connection's requests leave unread, after their answers.
pub(super) struct Discard {
    shared: Arc<Shared>,
    body: Option<Incoming>,
    last: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Discard {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            body: None,
            last: Instant::now(),
            sleep: None,
        }
    }

    /// Discards what is there. To be polled after the connection, by its task; never ready.
    pub(super) fn poll<T>(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        if self.shared.has_rest.swap(false, Ordering::Relaxed) {
            self.body = self.shared.rest.lock().body.take();
            self.last = Instant::now();
            self.sleep = None;
        }
        if let Some(mut body) = self.body.take() {
            let mut allowance = self.shared.allowance();
            let before = allowance.bytes;
            let goes_on = self.poll_body(&mut body, &mut allowance, cx);
            if allowance.bytes != before {
                self.shared.rest.lock().allowance = Some(allowance);
            }
            // Dropped, it has the connection close: for writing first.
            self.body = goes_on.then_some(body);
        }
        Poll::Pending
    }

    /// Returns `true` if there may be more of the body.
    fn poll_body(
        &mut self,
        body: &mut Incoming,
        allowance: &mut Allowance,
        cx: &mut Context<'_>,
    ) -> bool {
        loop {
            match Pin::new(&mut *body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    let bytes = frame.data_ref().map_or(0, Bytes::len);
                    if !allowance.spend(bytes) {
                        return false;
                    }
                    self.last = Instant::now();
                }
                Poll::Ready(None) => {
                    self.shared.is_answered.store(true, Ordering::Relaxed);
                    self.shared.rest.lock().allowance = None;
                    return false;
                }
                Poll::Ready(Some(Err(_))) => return false,
                Poll::Pending => {
                    let due = (self.last + QUIET).min(allowance.until);
                    return poll_timer(&mut self.sleep, due, cx).is_pending();
                }
            }
        }
    }
}

/// Ready when it is due. A timer that goes off before is set anew, so that moving `due` costs nothing.
pub(super) fn poll_timer(
    sleep: &mut Option<Pin<Box<Sleep>>>,
    due: Instant,
    cx: &mut Context<'_>,
) -> Poll<()> {
    use std::future::Future as _;

    let sleep = sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
    while sleep.as_mut().poll(cx).is_ready() {
        if Instant::now() >= due {
            return Poll::Ready(());
        }
        sleep.as_mut().reset(due);
    }
    Poll::Pending
}
