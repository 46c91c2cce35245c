//! The deadlines of all sessions, in one queue driven by one task.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::session::Session;

/// Maximum number of deadlines processed before the task yields.
const BATCH: usize = 256;

/// Stands in for a delay that [`Instant`] cannot represent.
const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Identifies a deadline: its time, and a number that keeps equal times distinct.
pub(crate) type Key = (Instant, u64);

/// See the [module](self).
#[derive(Default)]
pub(crate) struct DeadlineQueue {
    queue: Mutex<BTreeMap<Key, Arc<Session>>>,
    next: AtomicU64,
    earlier: Notify,
}

impl DeadlineQueue {
    /// Sets the deadline of a session and replaces its previous one.
    ///
    /// `key` identifies the previous deadline, and the new one on return.
    pub(crate) fn set(&self, session: &Arc<Session>, key: &mut Option<Key>, delay: Duration) {
        let now = Instant::now();
        let at = now.checked_add(delay).unwrap_or_else(|| now + FAR);
        let new = (at, self.next.fetch_add(1, Ordering::Relaxed));
        let mut queue = self.queue.lock();
        if let Some(old) = key.replace(new) {
            queue.remove(&old);
        }
        let is_first = queue
            .first_key_value()
            .is_none_or(|(first, _)| new < *first);
        queue.insert(new, session.clone());
        drop(queue);
        if is_first {
            self.earlier.notify_one();
        }
    }

    /// Removes the deadline of a session.
    pub(crate) fn remove(&self, key: &mut Option<Key>) {
        let removed = key.take().and_then(|old| self.queue.lock().remove(&old));
        // This may be the last reference to the session, so it drops outside the lock.
        drop(removed);
    }

    /// Removes all deadlines.
    pub(crate) fn clear(&self) {
        let removed = std::mem::take(&mut *self.queue.lock());
        // These may be the last references to sessions, so they drop outside the lock.
        drop(removed);
    }

    /// Notifies each session when its deadline expires. Never returns.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut due = Vec::new();
        loop {
            let next = self.pop_due(&mut due);
            if !due.is_empty() {
                for (key, session) in due.drain(..) {
                    session.on_deadline(key);
                }
                tokio::task::yield_now().await;
                continue;
            }
            let earlier = self.earlier.notified();
            match next {
                Some(at) => {
                    tokio::time::timeout_at(at, earlier).await.ok();
                }
                None => earlier.await,
            }
        }
    }

    /// Moves expired deadlines to `due`, up to [`BATCH`].
    ///
    /// Returns the time of the next deadline, or `None` if none is left or the batch is full.
    fn pop_due(&self, due: &mut Vec<(Key, Arc<Session>)>) -> Option<Instant> {
        let now = Instant::now();
        let mut queue = self.queue.lock();
        while due.len() < BATCH {
            let first = queue.first_entry()?;
            if first.key().0 > now {
                return Some(first.key().0);
            }
            due.push(first.remove_entry());
        }
        None
    }
}
