//! A multipart body in portions, so that what is not yet a whole part stays small.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use axum::body::BodyDataStream;
use bytes::Bytes;
use futures_core::Stream;

/// The longest head of a part in bytes, and the longest preamble before the first.
const MAX_HEAD: usize = 16 << 10;

/// The stream of a body for a parser that takes all it can get before it looks at it.
///
/// The parser keeps what is no whole head of a part and searches all of it whenever more comes. So it
/// gets one portion at a time, and no more than [`MAX_HEAD`] bytes in which no head ends.
pub(super) struct Portions {
    body: BodyDataStream,
    /// The parser is to look at what it has before it gets more.
    pause: bool,
    head: Head,
}

/// How many bytes the parser has taken since it looks for the head of a part. Clones share the count.
#[derive(Clone, Debug, Default)]
pub(super) struct Head(Arc<AtomicUsize>);

impl Head {
    const WITHIN_PART: usize = usize::MAX;

    /// The parser looks for a head from now on.
    pub(super) fn begin(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// The parser is within a part.
    pub(super) fn end(&self) {
        self.0.store(Self::WITHIN_PART, Ordering::Relaxed);
    }

    /// Counts what the parser gets.
    fn add(&self, bytes: usize) {
        let taken = self.0.load(Ordering::Relaxed);
        if taken != Self::WITHIN_PART {
            self.0.store(taken.saturating_add(bytes), Ordering::Relaxed);
        }
    }

    fn is_too_long(&self) -> bool {
        let taken = self.0.load(Ordering::Relaxed);
        taken != Self::WITHIN_PART && taken > MAX_HEAD
    }
}

/// Why a body is not read on.
#[derive(Debug, thiserror::Error)]
pub(super) enum PortionError {
    #[error("the head of a part is longer than {MAX_HEAD} bytes")]
    LongHead,
    #[error(transparent)]
    Body(#[from] axum::Error),
}

impl Portions {
    pub(super) fn new(body: BodyDataStream, head: Head) -> Self {
        Self {
            body,
            pause: false,
            head,
        }
    }
}

impl Stream for Portions {
    type Item = Result<Bytes, PortionError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.pause) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.head.is_too_long() {
            return Poll::Ready(Some(Err(PortionError::LongHead)));
        }
        let polled = Pin::new(&mut self.body).poll_next(cx);
        polled.map(|next| {
            let bytes = next?;
            if let Ok(bytes) = &bytes {
                self.pause = true;
                self.head.add(bytes.len());
            }
            Some(bytes.map_err(PortionError::Body))
        })
    }
}
