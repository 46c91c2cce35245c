//! Named groups of connections of this process: the members of a room that are here.

use std::{collections::HashMap, sync::Arc};

use parking_lot::{Mutex, RwLock};
use stellarfw_transport::{SparkId, for_each_ahead};

use super::{ByteMeter, Connection};

/// The groups that have members in this process, by name.
#[derive(Default)]
pub(crate) struct Groups {
    groups: RwLock<HashMap<Arc<str>, Arc<Group>>>,
}

/// A named group of connections.
pub(crate) struct Group {
    name: Arc<str>,
    members: Mutex<Members>,
    /// Counts what its members publish.
    pub(crate) published: ByteMeter,
}

/// A dense list for delivering, with an index for removing.
#[derive(Default)]
struct Members {
    list: Vec<Connection>,
    at: HashMap<SparkId, usize>,
}

impl Groups {
    /// Returns a group that has members.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Group>> {
        self.groups.read().get(name).cloned()
    }

    /// Adds a member. Returns its group, or `None` if it is a member already.
    pub(crate) fn add(&self, name: &str, connection: &Connection) -> Option<Arc<Group>> {
        // A group that loses its last member is removed under the write lock, so a group found
        // under the read lock is one that deliveries find too.
        let groups = self.groups.read();
        if let Some(group) = groups.get(name) {
            return group.add(connection).then(|| group.clone());
        }
        drop(groups);
        let mut groups = self.groups.write();
        let group = groups.entry(name.into()).or_insert_with_key(|name| {
            Arc::new(Group {
                name: name.clone(),
                members: Mutex::default(),
                published: ByteMeter::default(),
            })
        });
        group.add(connection).then(|| group.clone())
    }

    /// Removes a member. Returns `true` if it was one.
    pub(crate) fn remove(&self, name: &str, id: &str) -> bool {
        let (removed, is_empty) = match self.groups.read().get(name) {
            Some(group) => group.remove(id),
            None => return false,
        };
        if is_empty {
            let mut groups = self.groups.write();
            let group = groups.get(name);
            if group.is_some_and(|group| group.members.lock().list.is_empty()) {
                groups.remove(name);
            }
        }
        removed
    }

    /// Removes a group with all its members.
    pub(crate) fn take(&self, name: &str) -> Option<Arc<Group>> {
        self.groups.write().remove(name)
    }
}

impl Group {
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Returns the number of members.
    pub(crate) fn len(&self) -> usize {
        self.members.lock().list.len()
    }

    fn add(&self, connection: &Connection) -> bool {
        let mut members = self.members.lock();
        let at = members.list.len();
        if members.at.contains_key(connection.id().as_str()) {
            return false;
        }
        members.at.insert(connection.id().clone(), at);
        members.list.push(connection.clone());
        true
    }

    /// Removes a member. Returns whether it was one, and whether the group is empty now.
    fn remove(&self, id: &str) -> (bool, bool) {
        let mut members = self.members.lock();
        let Some(at) = members.at.remove(id) else {
            return (false, members.list.is_empty());
        };
        members.list.swap_remove(at);
        if let Some(moved) = members.list.get(at) {
            let moved = moved.id().clone();
            members.at.insert(moved, at);
        }
        if members.list.capacity() > 64 && members.list.len() < members.list.capacity() / 4 {
            members.list.shrink_to_fit();
            members.at.shrink_to_fit();
        }
        (true, members.list.is_empty())
    }

    /// Calls a function for each member under the group's lock, so that publications keep one
    /// order for all members. The function may queue and nothing else.
    pub(crate) fn for_each(&self, f: impl FnMut(&Connection)) {
        for_each_ahead(&self.members.lock().list, Connection::spark, f);
    }

    /// Returns the members at this moment.
    pub(crate) fn snapshot(&self) -> Vec<Connection> {
        self.members.lock().list.clone()
    }
}
