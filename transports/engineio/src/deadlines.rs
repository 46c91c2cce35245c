//! The deadlines of all sessions of a gateway, in one queue with one task.
//!
//! A session has one entry at most. When it has come, the session says when its next deadline is; a deadline that moves
//! away meanwhile costs nothing.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::session::Session;

/// The number of deadlines that are served before other tasks run.
const BATCH: usize = 256;

/// An entry of the queue: its time, and a number that tells entries of one time apart.
pub(crate) type Entry = (Instant, u64);

/// The queue.
#[derive(Default)]
pub(crate) struct Deadlines {
    queue: Mutex<BTreeMap<Entry, Arc<Session>>>,
    next: AtomicU64,
    earlier: Notify,
}

impl Deadlines {
    /// Sees to it that a session is served at `at` or before. `entry` is the one it has, if any.
    pub(crate) fn set(&self, session: &Arc<Session>, entry: &mut Option<Entry>, at: Instant) {
        if entry.is_some_and(|entry| entry.0 <= at) {
            return;
        }
        let new = (at, self.next.fetch_add(1, Ordering::Relaxed));
        let mut queue = self.queue.lock();
        let old = entry.replace(new);
        let moved = old.and_then(|old| queue.remove(&old));
        let is_first = queue
            .first_key_value()
            .is_none_or(|(first, _)| new < *first);
        queue.insert(new, moved.unwrap_or_else(|| session.clone()));
        drop(queue);
        if is_first {
            self.earlier.notify_one();
        }
    }

    /// Removes a session's entry.
    pub(crate) fn remove(&self, entry: &mut Option<Entry>) -> Option<Arc<Session>> {
        let old = entry.take()?;
        self.queue.lock().remove(&old)
    }

    /// Removes all entries.
    pub(crate) fn clear(&self) {
        let removed = std::mem::take(&mut *self.queue.lock());
        // What the sessions hold goes with them: not under the lock.
        drop(removed);
    }

    /// Serves the sessions whose time has come, for as long as it is polled.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut due = Vec::new();
        loop {
            let next = self.take(&mut due);
            if !due.is_empty() {
                for (entry, session) in due.drain(..) {
                    session.serve_deadline(entry);
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

    /// Takes out the entries whose time has come. Returns when the next one's is.
    fn take(&self, due: &mut Vec<(Entry, Arc<Session>)>) -> Option<Instant> {
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
