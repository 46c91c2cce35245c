//! The streams of an HTTP/2 connection: each has the deadlines of a connection of its own.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::rt::Executor;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{
    http2::{STREAM, UNREAD},
    pace::{Meter, Pace},
};
use crate::budget::Lease;

/// The most bytes of an answer that are handed to the protocol at once: so much of it may be held
/// beyond what the client lets it send.
pub(super) const PIECE: usize = 16 << 10;

/// So many more requests of a connection may be reset by the client than are answered.
const RESETS: usize = 1_000;

/// Runs the streams of a connection, each as a task of its own.
#[derive(Clone, Debug)]
pub(super) struct Streams(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    pace: Pace,
    /// The one whose request was taken, and that is executed next.
    next: Mutex<Option<Arc<Stream>>>,
    begun: AtomicUsize,
    answered: AtomicUsize,
    reset: AtomicUsize,
    open: AtomicUsize,
    flooded: Notify,
}

/// What is known of one stream.
#[derive(Debug, Default)]
pub(super) struct Stream {
    is_answered: AtomicBool,
    /// A piece of the answer was handed over, and the next one not asked for yet.
    waits: AtomicBool,
    /// What the client has let go out since that was looked at.
    moved: AtomicUsize,
    /// What it holds of the memory budget.
    lease: Mutex<Option<Lease>>,
}

impl Stream {
    /// Keeps the stream's lease until it ends.
    pub(super) fn hold(&self, lease: Lease) {
        *self.lease.lock() = Some(lease);
    }

    /// Counts what may be held of an answer that has so many bytes.
    fn hold_answer(&self, bytes: usize) {
        if let Some(lease) = &mut *self.lease.lock() {
            lease.resize(STREAM + bytes.min(UNREAD));
        }
    }

    pub(super) fn answered(&self) {
        self.is_answered.store(true, Ordering::Relaxed);
    }
}

impl Streams {
    pub(super) fn new(pace: Pace) -> Self {
        Self(Arc::new(Shared {
            pace,
            next: Mutex::default(),
            begun: AtomicUsize::new(0),
            answered: AtomicUsize::new(0),
            reset: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            flooded: Notify::new(),
        }))
    }

    /// A request has come; it is executed next.
    pub(super) fn begin(&self) -> Arc<Stream> {
        let stream = Arc::<Stream>::default();
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        *self.0.next.lock() = Some(stream.clone());
        stream
    }

    /// How many requests have come.
    pub(super) fn begun(&self) -> usize {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// Returns `true` if a request is being answered.
    pub(super) fn is_busy(&self) -> bool {
        self.0.open.load(Ordering::Acquire) > 0
    }

    /// Waits until the client has reset too many requests. Cancel safe.
    pub(super) async fn flooded(&self) {
        self.0.flooded.notified().await;
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        let Some(stream) = self.0.next.lock().take() else {
            tokio::spawn(future);
            return;
        };
        self.0.open.fetch_add(1, Ordering::AcqRel);
        let open = Open {
            shared: self.0.clone(),
            stream,
        };
        tokio::spawn(Run {
            future: Box::pin(future),
            meter: Meter::new(self.0.pace),
            open,
        });
    }
}

/// Counts a stream for as long as it is open.
struct Open {
    shared: Arc<Shared>,
    stream: Arc<Stream>,
}

impl Drop for Open {
    fn drop(&mut self) {
        let shared = &self.shared;
        shared.open.fetch_sub(1, Ordering::AcqRel);
        if self.stream.is_answered.load(Ordering::Relaxed) {
            shared.answered.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let reset = shared.reset.fetch_add(1, Ordering::Relaxed) + 1;
        if reset > shared.answered.load(Ordering::Relaxed) + RESETS {
            shared.flooded.notify_one();
        }
    }
}

/// A stream under way. It ends, and with that is reset, when the client lets too little of its
/// answer go out.
struct Run<F> {
    future: Pin<Box<F>>,
    meter: Meter,
    open: Open,
}

impl<F: Future<Output = ()>> Future for Run<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.future.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let stream = &this.open.stream;
        let moved = stream.moved.swap(0, Ordering::Relaxed);
        if !stream.waits.load(Ordering::Relaxed) {
            this.meter.moved(moved);
            return Poll::Pending;
        }
        if moved > 0 {
            this.meter.moved(moved);
        }
        let polled = this.meter.poll_late(cx);
        if polled.is_ready() {
            tracing::debug!("the answer on a stream of HTTP/2 is not read");
        }
        polled
    }
}

/// The body of an answer in small pieces, which tells its stream when each goes out.
pub(super) struct Pieces<B> {
    body: Pin<Box<B>>,
    rest: Bytes,
    /// The length of the piece that was handed over last.
    last: usize,
    stream: Arc<Stream>,
}

impl<B> Pieces<B> {
    pub(super) fn new(body: B, stream: Arc<Stream>) -> Self
    where
        B: Body,
    {
        let length = body.size_hint().upper().unwrap_or(u64::MAX);
        stream.hold_answer(usize::try_from(length).unwrap_or(usize::MAX));
        Self {
            body: Box::pin(body),
            rest: Bytes::new(),
            last: 0,
            stream,
        }
    }

    /// Hands over a piece of what there is.
    fn piece(&mut self) -> Frame<Bytes> {
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        self.last = piece.len();
        self.stream.waits.store(true, Ordering::Relaxed);
        Frame::data(piece)
    }
}

impl<B: Body<Data = Bytes>> Body for Pieces<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        // It is asked for when the one before could go out.
        if this.last > 0 {
            this.stream.moved.fetch_add(this.last, Ordering::Relaxed);
            this.stream.waits.store(false, Ordering::Relaxed);
            this.last = 0;
        }
        if !this.rest.is_empty() {
            return Poll::Ready(Some(Ok(this.piece())));
        }
        let polled = this.body.as_mut().poll_frame(cx);
        polled.map(|frame| {
            let frame = match frame? {
                Ok(frame) => frame,
                Err(error) => return Some(Err(error)),
            };
            match frame.into_data() {
                Ok(data) => {
                    this.rest = data;
                    Some(Ok(this.piece()))
                }
                Err(other) => Some(Ok(other)),
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let hint = self.body.size_hint();
        let mut sum = SizeHint::new();
        sum.set_lower(hint.lower().saturating_add(rest));
        if let Some(upper) = hint.upper() {
            sum.set_upper(upper.saturating_add(rest));
        }
        sum
    }
}
