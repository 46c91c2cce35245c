//! The groups that a connection is a member of.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use stellarfw_transport::Flow;
use tokio::sync::Mutex as AsyncMutex;

use super::Group;

/// The groups of a connection, in the order in which it joined them.
#[derive(Default)]
pub(crate) struct Memberships {
    groups: Mutex<Vec<Arc<Group>>>,
    /// Held while the memberships change; created for connections that ever change them.
    exclusive: OnceLock<Arc<AsyncMutex<()>>>,
}

/// Why a connection was not added to a group.
pub(crate) enum NotAdded {
    /// It has as many memberships as it may.
    TooMany,
    /// The group refused it.
    Refused,
}

impl Memberships {
    /// Returns the group of this name.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Group>> {
        let groups = self.groups.lock();
        groups.iter().find(|known| &**known.name() == name).cloned()
    }

    /// Returns `true` if there is a group of this name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.groups
            .lock()
            .iter()
            .any(|known| &**known.name() == name)
    }

    /// Returns `true` if the connection is a member of exactly this group, and not of a later one of
    /// the same name.
    pub(crate) fn has(&self, group: &Arc<Group>) -> bool {
        self.groups
            .lock()
            .iter()
            .any(|known| Arc::ptr_eq(known, group))
    }

    /// Returns the names of the groups.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.groups
            .lock()
            .iter()
            .map(|group| group.name().clone())
            .collect()
    }

    /// Adds the group that `join` returns, if there are fewer than `most`.
    ///
    /// `join` is called under the lock: it may add the connection to a group and nothing else.
    pub(crate) fn add(
        &self,
        most: usize,
        join: impl FnOnce() -> Option<Arc<Group>>,
    ) -> Result<Arc<Group>, NotAdded> {
        let mut groups = self.groups.lock();
        if groups.len() >= most {
            return Err(NotAdded::TooMany);
        }
        let group = join().ok_or(NotAdded::Refused)?;
        groups.push(group.clone());
        Ok(group)
    }

    /// Removes the group of this name.
    pub(crate) fn remove(&self, name: &str) {
        self.groups.lock().retain(|known| &**known.name() != name);
    }

    /// Removes exactly this group.
    pub(crate) fn remove_exactly(&self, group: &Arc<Group>) {
        self.groups
            .lock()
            .retain(|known| !Arc::ptr_eq(known, group));
    }

    /// Removes all groups and returns them.
    pub(crate) fn take_all(&self) -> Vec<Arc<Group>> {
        std::mem::take(&mut *self.groups.lock())
    }

    /// Runs a change of the memberships while no other one runs, so that the connection and the
    /// broker agree afterwards. No hook may be called meanwhile.
    pub(crate) fn exclusively<T: Send + Unpin + 'static>(
        &self,
        change: impl FnOnce() -> Flow<T> + Send + 'static,
    ) -> Flow<T> {
        let mutex = self.exclusive.get_or_init(Arc::default).clone();
        match mutex.clone().try_lock_owned() {
            Ok(held) => match change() {
                Flow::Ready(value) => Flow::Ready(value),
                Flow::Wait(future) => Flow::Wait(Box::pin(async move {
                    let _held = held;
                    future.await
                })),
            },
            Err(_) => Flow::Wait(Box::pin(async move {
                let _held = mutex.lock_owned().await;
                change().await
            })),
        }
    }
}
