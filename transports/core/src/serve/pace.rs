//! How fast the other end must send or read: a deadline that moves on with each byte.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

use super::body::{BodyError, poll_timer};
#[cfg(feature = "tls")]
use super::tls;
#[cfg(feature = "tls")]
use crate::budget::Lease;
use crate::http::BoxError;

/// The least rate of a transfer, and the longest silence in it.
///
/// Who transfers at least `rate` bytes a second is never cut, and may be silent for up to `timeout`.
/// Who is slower uses that time up, and is cut when nothing of it is left. Only the time counts in
/// which this end waits for the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pace {
    /// The longest silence, which is also the grace at the start. Zero: no bound at all.
    pub timeout: Duration,
    /// Bytes a second. 0: no least rate, every byte allows the whole timeout again.
    pub rate: u64,
}

impl Pace {
    /// Creates a pace.
    #[must_use]
    pub fn new(timeout: Duration, rate: u64) -> Self {
        Self { timeout, rate }
    }

    /// Returns how much time so many bytes are worth.
    fn worth(&self, bytes: usize) -> Duration {
        let millis = (bytes as u64).saturating_mul(1_000).checked_div(self.rate);
        millis.map_or(self.timeout, Duration::from_millis)
    }
}

/// Measures a transfer by a [`Pace`].
#[derive(Debug)]
pub(super) struct Meter {
    pace: Pace,
    /// How much longer may be waited.
    left: Duration,
    /// Since when it is waited.
    since: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Meter {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            left: pace.timeout,
            since: None,
            sleep: None,
        }
    }

    /// Bytes were transferred. None: it is this end again that is waited for.
    pub(super) fn moved(&mut self, bytes: usize) {
        // Nothing is used up before it is waited.
        let Some(since) = self.since.take() else {
            if self.left < self.pace.timeout {
                self.add(bytes);
            }
            return;
        };
        self.left = self.left.saturating_sub(since.elapsed());
        self.add(bytes);
    }

    fn add(&mut self, bytes: usize) {
        if bytes > 0 {
            let left = self.left.saturating_add(self.pace.worth(bytes));
            self.left = left.min(self.pace.timeout);
        }
    }

    /// The other end is waited for. Ready when that took too long.
    pub(super) fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.pace.timeout.is_zero() {
            return Poll::Pending;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        poll_timer(&mut self.sleep, since + self.left, cx)
    }
}

/// A body that must come at a least rate while it is read, for servers that do not see to that
/// themselves. It ends with [`BodyError::Late`](super::BodyError::Late) if it does not.
#[derive(Debug)]
pub struct PacedBody<B> {
    body: B,
    meter: Meter,
    is_late: bool,
}

impl<B> PacedBody<B> {
    /// Watches a body.
    #[must_use]
    pub fn new(body: B, pace: Pace) -> Self {
        Self {
            body,
            meter: Meter::new(pace),
            is_late: false,
        }
    }
}

impl<B> Body for PacedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if this.is_late {
            return Poll::Ready(None);
        }
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                if let Some(Ok(frame)) = &frame {
                    this.meter.moved(frame.data_ref().map_or(0, Bytes::len));
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending if this.meter.poll_late(cx).is_ready() => {
                this.is_late = true;
                Poll::Ready(Some(Err(BodyError::Late.into())))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_late || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A socket whose other end must read at a least rate what is written to it.
///
/// It lies below TLS: what TLS buffers is no progress.
#[derive(Debug)]
pub(super) struct Paced<I> {
    io: I,
    meter: Meter,
    /// Another protocol has taken over the connection, which has deadlines of its own.
    is_free: Arc<AtomicBool>,
    /// What TLS above holds of the memory budget.
    #[cfg(feature = "tls")]
    lease: Option<Lease>,
}

impl<I> Paced<I> {
    pub(super) fn new(io: I, pace: Pace, is_free: Arc<AtomicBool>) -> Self {
        Self {
            io,
            meter: Meter::new(pace),
            is_free,
            #[cfg(feature = "tls")]
            lease: None,
        }
    }

    /// Counts TLS above in the memory budget: what an idle connection takes, and its buffer of encrypted
    /// bytes while the socket takes none.
    #[cfg(feature = "tls")]
    pub(super) fn count(&mut self, lease: Lease) {
        self.lease = Some(lease);
    }

    /// Notes if TLS holds encrypted bytes.
    fn note(&mut self, is_blocked: bool) {
        #[cfg(feature = "tls")]
        if let Some(lease) = &mut self.lease {
            let unwritten = if is_blocked { tls::UNWRITTEN } else { 0 };
            let bytes = tls::CONNECTION + unwritten;
            if lease.bytes() != bytes {
                lease.resize(bytes);
            }
        }
        #[cfg(not(feature = "tls"))]
        let _ = is_blocked;
    }

    pub(super) fn into_inner(self) -> I {
        self.io
    }

    fn judge<T>(
        &mut self,
        polled: Poll<io::Result<T>>,
        bytes: impl FnOnce(&T) -> usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        self.note(polled.is_pending());
        match polled {
            Poll::Ready(result) => {
                self.meter.moved(result.as_ref().map_or(0, bytes));
                Poll::Ready(result)
            }
            Poll::Pending => {
                if !self.is_free.load(Ordering::Relaxed) && self.meter.poll_late(cx).is_ready() {
                    let error = io::Error::new(io::ErrorKind::TimedOut, "the answer is not read");
                    return Poll::Ready(Err(error));
                }
                Poll::Pending
            }
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Paced<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Paced<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.judge(polled, |bytes| *bytes, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.judge(polled, |bytes| *bytes, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::advance;

    use super::*;

    async fn is_late(meter: &mut Meter) -> bool {
        poll_fn(|cx| Poll::Ready(meter.poll_late(cx).is_ready())).await
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_silent_or_too_slow_is_late() {
        let mut meter = Meter::new(Pace::new(seconds(10), 100));
        assert!(!is_late(&mut meter).await);
        advance(seconds(9)).await;
        assert!(!is_late(&mut meter).await);
        advance(seconds(1)).await;
        assert!(is_late(&mut meter).await);

        // A byte every second is worth a hundredth of it.
        let mut meter = Meter::new(Pace::new(seconds(10), 100));
        let mut tenths = 0;
        while !is_late(&mut meter).await {
            advance(seconds(1) / 10).await;
            tenths += 1;
            if tenths % 10 == 0 {
                meter.moved(1);
            }
        }
        assert!((100..=102).contains(&tenths), "{tenths}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_keeps_the_rate_is_never_late_and_saves_nothing_up() {
        let mut meter = Meter::new(Pace::new(seconds(10), 100));
        for _ in 0..50 {
            assert!(!is_late(&mut meter).await);
            advance(seconds(9)).await;
            meter.moved(900);
        }
        meter.moved(1_000_000);
        assert!(!is_late(&mut meter).await);
        advance(seconds(10)).await;
        assert!(is_late(&mut meter).await);
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_time_counts_in_which_the_other_end_is_waited_for() {
        let mut meter = Meter::new(Pace::new(seconds(10), 100));
        for _ in 0..3 {
            assert!(!is_late(&mut meter).await);
            advance(seconds(3)).await;
            meter.moved(0);
            advance(seconds(100)).await;
        }
        assert!(!is_late(&mut meter).await);
        advance(seconds(1)).await;
        assert!(is_late(&mut meter).await);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_each_byte_allows_the_timeout_and_without_a_timeout_all_is_allowed() {
        let mut meter = Meter::new(Pace::new(seconds(10), 0));
        for _ in 0..50 {
            assert!(!is_late(&mut meter).await);
            advance(seconds(9)).await;
            meter.moved(1);
        }
        let mut meter = Meter::new(Pace::new(Duration::ZERO, 100));
        assert!(!is_late(&mut meter).await);
        advance(seconds(1_000_000)).await;
        assert!(!is_late(&mut meter).await);
    }
}
