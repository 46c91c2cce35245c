//! A ready-made [`Outlet`] for engines that write from a task of their own.

use std::{future::Future, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{
    budget::{Account, Held},
    close::CloseReason,
    frame::Frame,
    outlet::{Outbox, OutboxLimits, Outlet, PushError, Waiting},
};

/// A bounded queue of what a spark sends, for an engine with one task per connection.
///
/// Give it to [`Server::open`](crate::Server::open), and let the connection's task write what
/// [`QueuedSink::next`] returns. [`QueuedSink::bound`] ends that task when the spark is aborted or its
/// close takes too long.
///
/// Engines that write from the thread of the sender, as those of this project do, implement
/// [`Outlet`] themselves: waking a task for each message costs more than sending it.
///
/// ```
/// use std::sync::Arc;
/// use stellarfw_transport::{Frame, Outgoing, Outlet, OutboxLimits, QueuedSink};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let sink = QueuedSink::new(Arc::new(OutboxLimits::default()));
/// sink.push(Frame::text("hello")).unwrap();
/// sink.flush();
/// assert!(matches!(sink.next().await, Outgoing::Frame(frame) if frame.payload() == "hello"));
/// # });
/// ```
#[derive(Debug)]
pub struct QueuedSink {
    state: Mutex<State>,
    /// Wakes the task that writes.
    work: Notify,
    /// Wakes whoever waits for the end.
    ending: Notify,
}

#[derive(Debug)]
struct State {
    outbox: Outbox,
    /// Returned last: it is being written.
    taken: Waiting,
    ping: bool,
    end: End,
}

#[derive(Debug)]
enum End {
    Open,
    Closing(CloseReason),
    Aborted,
}

/// What the task of a connection is to write next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outgoing {
    /// A payload.
    Frame(Frame),
    /// The engine's own ping. Engines without one ignore it.
    Ping,
    /// The engine's goodbye, after everything else. The connection ends then.
    Close(CloseReason),
    /// Nothing: the connection ends at once.
    Abort,
}

impl QueuedSink {
    /// Creates an empty queue with the bounds of
    /// [`Server::outbox_limits`](crate::Server::outbox_limits).
    #[must_use]
    pub fn new(limits: Arc<OutboxLimits>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                outbox: Outbox::new(limits),
                taken: Waiting::default(),
                ping: false,
                end: End::Open,
            }),
            work: Notify::new(),
            ending: Notify::new(),
        })
    }

    /// Waits for something to write. For one task at a time.
    ///
    /// Cancel safe: what was not returned stays in the queue.
    pub async fn next(&self) -> Outgoing {
        loop {
            if let Some(outgoing) = self.try_next() {
                return outgoing;
            }
            self.work.notified().await;
        }
    }

    /// Returns what is to be written next, if anything is, so that one write can take all of it.
    pub fn try_next(&self) -> Option<Outgoing> {
        let mut state = self.state.lock();
        if matches!(state.end, End::Aborted) {
            return Some(Outgoing::Abort);
        }
        let next = state.outbox.pop();
        state.took(next.as_ref());
        if let Some(frame) = next {
            return Some(Outgoing::Frame(frame));
        }
        if let End::Closing(reason) = &state.end {
            return Some(Outgoing::Close(reason.clone()));
        }
        std::mem::take(&mut state.ping).then_some(Outgoing::Ping)
    }

    /// Runs a connection until it is done, the spark is aborted, or `close_timeout` has passed since
    /// its close began. Returns `None` in the last two cases; the future is dropped then.
    ///
    /// Afterwards the queue takes nothing any more, and holds nothing.
    ///
    /// Cancel safe if the future is: it is dropped with this one.
    pub async fn bound<F: Future>(
        &self,
        close_timeout: Duration,
        connection: F,
    ) -> Option<F::Output> {
        let too_late = async {
            self.until(|end| !matches!(end, End::Open)).await;
            let aborted = self.until(|end| matches!(end, End::Aborted));
            tokio::time::timeout(close_timeout, aborted).await.ok();
        };
        let output = tokio::select! {
            biased;
            output = connection => Some(output),
            () = too_late => None,
        };
        let mut state = self.state.lock();
        state.outbox.clear();
        state.took(None);
        drop(state);
        output
    }

    /// Waits until the end is one of those.
    async fn until(&self, reached: impl Fn(&End) -> bool) {
        loop {
            let changed = self.ending.notified();
            let mut changed = std::pin::pin!(changed);
            // Before looking, so that no change is missed.
            changed.as_mut().enable();
            if reached(&self.state.lock().end) {
                return;
            }
            changed.await;
        }
    }
}

impl State {
    /// The frame that was taken before is written, and this one is taken.
    fn took(&mut self, frame: Option<&Frame>) {
        self.taken = Waiting {
            frames: usize::from(frame.is_some()),
            bytes: frame.map_or(0, Frame::len),
        };
        self.note();
    }

    /// Notes what waits in the spark's account.
    fn note(&mut self) {
        self.outbox.settle(Held::own(self.taken.bytes));
    }
}

impl Outlet for QueuedSink {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        let mut state = self.state.lock();
        let taken = state.taken;
        state.outbox.push_behind(frame, taken)
    }

    fn flush(&self) {
        self.state.lock().note();
        self.work.notify_one();
    }

    fn account(&self, account: Account) {
        self.state.lock().outbox.set_account(account);
    }

    fn waiting(&self) -> Waiting {
        let state = self.state.lock();
        let mut waiting = state.outbox.waiting();
        waiting.frames += state.taken.frames;
        waiting.bytes += state.taken.bytes;
        waiting
    }

    fn ping(&self) {
        self.state.lock().ping = true;
    }

    fn close(&self, reason: &CloseReason) {
        let mut state = self.state.lock();
        if reason.drops_waiting() {
            // It would not be read in time.
            state.outbox.clear();
            state.note();
        }
        state.outbox.close();
        if matches!(state.end, End::Open) {
            state.end = End::Closing(reason.clone());
        }
        drop(state);
        self.ending.notify_waiters();
        self.work.notify_one();
    }

    fn abort(&self) {
        let mut state = self.state.lock();
        state.outbox.clear();
        state.note();
        state.end = End::Aborted;
        drop(state);
        self.ending.notify_waiters();
        self.work.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use super::*;

    const LONG: Duration = Duration::from_secs(3_600);

    fn sink(frames: usize) -> Arc<QueuedSink> {
        QueuedSink::new(Arc::new(OutboxLimits::new(frames, 1_000)))
    }

    /// What comes out, until nothing is left or the end has come.
    fn drain(sink: &QueuedSink) -> Vec<String> {
        let mut out = Vec::new();
        while let Some(next) = sink.try_next() {
            out.push(match &next {
                Outgoing::Frame(frame) => String::from_utf8(frame.payload().to_vec()).unwrap(),
                Outgoing::Ping => "ping".into(),
                Outgoing::Close(reason) => format!("close {}", reason.code()),
                Outgoing::Abort => "abort".into(),
            });
            if matches!(next, Outgoing::Close(_) | Outgoing::Abort) {
                break;
            }
        }
        out
    }

    #[test]
    fn frames_come_first_and_the_goodbye_last() {
        let sink = sink(10);
        sink.ping();
        sink.push(Frame::text("a")).unwrap();
        assert_eq!(drain(&sink), ["a", "ping"]);
        sink.push(Frame::text("b")).unwrap();
        sink.close(&CloseReason::TooLarge);
        assert_eq!(sink.push(Frame::text("c")), Err(PushError::Closed));
        assert_eq!(drain(&sink), ["b", "close 1009"]);
        // The first reason stays.
        sink.close(&CloseReason::Gone);
        assert_eq!(drain(&sink), ["close 1009"]);
        sink.abort();
        assert_eq!(drain(&sink), ["abort"]);
    }

    #[test]
    fn a_slow_consumer_gets_the_goodbye_alone() {
        let sink = sink(1);
        sink.push(Frame::text("a")).unwrap();
        assert_eq!(sink.push(Frame::text("b")), Err(PushError::Full));
        sink.close(&CloseReason::SlowConsumer);
        assert_eq!(drain(&sink), ["close 1013"]);
    }

    #[tokio::test]
    async fn a_flush_wakes_the_task() {
        let sink = sink(10);
        let next = tokio::spawn({
            let sink = sink.clone();
            async move { sink.next().await }
        });
        tokio::task::yield_now().await;
        sink.push(Frame::text("a")).unwrap();
        sink.flush();
        assert!(matches!(next.await.unwrap(), Outgoing::Frame(_)));
        // It is being written until the next is asked for.
        let written = Waiting {
            frames: 1,
            bytes: 1,
        };
        assert_eq!(sink.waiting(), written);
        assert!(sink.try_next().is_none());
        assert_eq!(sink.waiting(), Waiting::default());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_ends_at_the_close_timeout_or_when_aborted() {
        let late = sink(10);
        late.close(&CloseReason::TooLarge);
        let begun = tokio::time::Instant::now();
        assert_eq!(late.bound(LONG, pending::<()>()).await, None);
        assert_eq!(begun.elapsed(), LONG);

        let aborted = sink(10);
        let task = tokio::spawn({
            let sink = aborted.clone();
            async move { sink.bound(LONG, pending::<()>()).await }
        });
        tokio::task::yield_now().await;
        aborted.push(Frame::text("a")).unwrap();
        aborted.close(&CloseReason::TooLarge);
        tokio::task::yield_now().await;
        aborted.abort();
        assert_eq!(task.await.unwrap(), None);
        assert_eq!(begun.elapsed(), LONG);
        assert_eq!(aborted.push(Frame::text("b")), Err(PushError::Closed));

        let done = sink(10);
        done.push(Frame::text("a")).unwrap();
        assert_eq!(done.bound(LONG, async { 7 }).await, Some(7));
        assert_eq!(done.waiting(), Waiting::default());
    }
}
