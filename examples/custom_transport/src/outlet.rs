//! The way out: a bounded queue that the session's task empties.

use std::sync::Arc;

use parking_lot::Mutex;
use stellarfw_transport::{
    CloseReason, Frame, Kind, Outbox, OutboxLimits, Outlet, PushError, Waiting,
};
use tokio::sync::{Notify, watch};

/// Shared by the spark, which puts in, and the session, which takes out.
#[derive(Debug)]
pub(crate) struct LineOutlet {
    outbox: Mutex<Outbox>,
    /// Something waits.
    work: Notify,
    /// How the connection is to end has changed.
    ends: watch::Sender<End>,
}

/// How the connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// Not yet.
    Open,
    /// When what waits has gone out.
    Closing,
    /// Now.
    Aborted,
}

impl LineOutlet {
    pub(crate) fn new(limits: Arc<OutboxLimits>) -> Self {
        Self {
            outbox: Mutex::new(Outbox::new(limits)),
            work: Notify::new(),
            ends: watch::Sender::new(End::Open),
        }
    }

    /// Waits until something waits or the end has come.
    pub(crate) async fn work(&self) {
        self.work.notified().await;
    }

    /// Moves what waits into a buffer, a line each, and tells how the connection is to go on. One
    /// buffer is one write, however many frames wait.
    pub(crate) fn take(&self, buffer: &mut Vec<u8>) -> End {
        const BATCH: usize = 64 << 10;
        let end = *self.ends.borrow();
        let mut outbox = self.outbox.lock();
        while buffer.len() < BATCH
            && let Some(frame) = outbox.pop()
        {
            buffer.extend_from_slice(frame.payload());
            buffer.push(b'\n');
        }
        match end {
            End::Closing if !outbox.is_empty() => End::Open,
            end => end,
        }
    }

    /// Waits until the connection is to end at least like this.
    pub(crate) async fn reaches(&self, end: End) {
        // The receiver looks before it waits, so that no change can slip by in between.
        self.ends.subscribe().wait_for(|now| *now >= end).await.ok();
    }

    /// Nothing will be sent any more.
    pub(crate) fn release(&self) {
        self.outbox.lock().clear();
    }

    fn set_end(&self, end: End) {
        // An end that has begun can only become a harder one.
        self.ends.send_if_modified(|now| {
            let harder = end > *now;
            if harder {
                *now = end;
            }
            harder
        });
        self.work.notify_one();
    }
}

impl Outlet for LineOutlet {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        // A payload with a line break in it would be two. JSON's encoders make none, and what is
        // no text cannot come from this engine's codecs.
        let fits = frame.kind() == Kind::Text && !frame.payload().contains(&b'\n');
        if !fits {
            tracing::warn!("a payload that is no line was left out");
            return Ok(());
        }
        self.outbox.lock().push(frame)
    }

    fn flush(&self) {
        self.work.notify_one();
    }

    fn waiting(&self) -> Waiting {
        self.outbox.lock().waiting()
    }

    fn ping(&self) {}

    fn close(&self, reason: &CloseReason) {
        let mut outbox = self.outbox.lock();
        if matches!(reason, CloseReason::SlowConsumer) {
            // It would not read it in time.
            outbox.clear();
        }
        outbox.close();
        drop(outbox);
        self.set_end(End::Closing);
    }

    fn abort(&self) {
        self.outbox.lock().clear();
        self.set_end(End::Aborted);
    }
}
