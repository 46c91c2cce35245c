//! The members of rooms that are connections of this process.

use std::{collections::HashMap, sync::Arc};

use parking_lot::{Mutex, RwLock};
use stellarfw_transport::{SparkId, for_each_ahead};

use super::{ByteMeter, RoomName};
use crate::connection::Connection;

/// The rooms that have members in this process.
#[derive(Default)]
pub(crate) struct LocalRooms {
    rooms: RwLock<HashMap<RoomName, Arc<LocalRoom>>>,
}

/// One of them.
pub(crate) struct LocalRoom {
    name: RoomName,
    members: Mutex<Members>,
    /// What its members have published.
    pub(crate) published: ByteMeter,
}

/// A dense list, because delivering walks it, and an index, because leaving looks in it.
#[derive(Default)]
struct Members {
    list: Vec<Connection>,
    at: HashMap<SparkId, usize>,
}

impl LocalRooms {
    pub(crate) fn get(&self, name: &str) -> Option<Arc<LocalRoom>> {
        self.rooms.read().get(name).cloned()
    }

    /// Adds a member; none if it is one already.
    pub(crate) fn add(&self, name: &str, connection: &Connection) -> Option<Arc<LocalRoom>> {
        // A room that loses its last member is taken out under the write lock, so as long as the
        // read lock is held a room found here is one that deliveries find too.
        let rooms = self.rooms.read();
        if let Some(room) = rooms.get(name) {
            return room.add(connection).then(|| room.clone());
        }
        drop(rooms);
        let mut rooms = self.rooms.write();
        let room = rooms.entry(name.into()).or_insert_with_key(|name| {
            Arc::new(LocalRoom {
                name: name.clone(),
                members: Mutex::default(),
                published: ByteMeter::default(),
            })
        });
        room.add(connection).then(|| room.clone())
    }

    /// Takes a member out. Whether it was one.
    pub(crate) fn remove(&self, name: &str, id: &str) -> bool {
        let (removed, empty) = match self.rooms.read().get(name) {
            Some(room) => room.remove(id),
            None => return false,
        };
        if empty {
            let mut rooms = self.rooms.write();
            if rooms
                .get(name)
                .is_some_and(|room| room.members.lock().list.is_empty())
            {
                rooms.remove(name);
            }
        }
        removed
    }

    /// Takes a whole room out.
    pub(crate) fn take(&self, name: &str) -> Option<Arc<LocalRoom>> {
        self.rooms.write().remove(name)
    }
}

impl LocalRoom {
    pub(crate) fn name(&self) -> &RoomName {
        &self.name
    }

    /// How many members it has in this process.
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

    /// Whether it was a member, and whether none is left.
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

    /// Calls a function for each member under the room's lock, so that publications keep one
    /// order for all of them. The function may queue and nothing else.
    pub(crate) fn for_each(&self, f: impl FnMut(&Connection)) {
        for_each_ahead(&self.members.lock().list, Connection::spark, f);
    }

    /// The members as they are now.
    pub(crate) fn snapshot(&self) -> Vec<Connection> {
        self.members.lock().list.clone()
    }
}
