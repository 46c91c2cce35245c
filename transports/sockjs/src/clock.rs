//! The deadlines of all sessions, in one queue with one task.

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

/// So many deadlines are worked off before others get their turn.
const BATCH: usize = 256;

/// A deadline that no clock can tell is this far away.
const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// A deadline that was set: when it is, and which of those at that time.
pub(crate) type Key = (Instant, u64);

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Clock {
    queue: Mutex<BTreeMap<Key, Arc<Session>>>,
    next: AtomicU64,
    earlier: Notify,
}

impl Clock {
    /// Sets a session's one deadline, in place of the one it had.
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

    /// Takes a session's deadline away.
    pub(crate) fn remove(&self, key: &mut Option<Key>) {
        let removed = key.take().and_then(|old| self.queue.lock().remove(&old));
        // The session may go with it: not under the lock.
        drop(removed);
    }

    /// Forgets all deadlines.
    pub(crate) fn clear(&self) {
        let forgotten = std::mem::take(&mut *self.queue.lock());
        // Sessions may go with it, and what they hold: not under the lock.
        drop(forgotten);
    }

    /// Tells the sessions whose deadline has come, for as long as it is polled.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut due = Vec::new();
        loop {
            let next = self.take(&mut due);
            if !due.is_empty() {
                for (key, session) in due.drain(..) {
                    session.due(key);
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

    /// Takes out those whose time has come; when the next one's is.
    fn take(&self, due: &mut Vec<(Key, Arc<Session>)>) -> Option<Instant> {
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
