//! Rooms in this process.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;
use stellarfw_transport::Flow;

use super::{
    Broker, BrokerError, Delivery, Joined, Kind, Member, Publication, RoomOptions, Target,
};
use crate::time::now_ms;

/// The broker of a server that is alone. Everything is done at once: no flow of it ever waits.
#[derive(Default)]
pub struct MemoryBroker {
    rooms: Mutex<HashMap<Arc<str>, Room>>,
    delivery: OnceLock<Arc<dyn Delivery>>,
}

#[derive(Debug)]
struct Room {
    options: RoomOptions,
    /// When each member joined.
    members: HashMap<Arc<str>, u64>,
}

impl MemoryBroker {
    /// A broker without rooms.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn deliver(&self, publication: Publication) {
        if let Some(delivery) = self.delivery.get() {
            delivery.deliver(publication);
        }
    }
}

impl std::fmt::Debug for MemoryBroker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryBroker")
            .field("rooms", &self.rooms.lock().len())
            .finish_non_exhaustive()
    }
}

fn done<T>(value: T) -> Flow<Result<T, BrokerError>> {
    Flow::Ready(Ok(value))
}

impl Broker for MemoryBroker {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn start(&self, delivery: Arc<dyn Delivery>) -> Flow<Result<(), BrokerError>> {
        match self.delivery.set(delivery) {
            Ok(()) => done(()),
            Err(_) => Flow::Ready(Err(BrokerError::new("it was started already"))),
        }
    }

    fn create(&self, room: &str, options: RoomOptions) -> Flow<Result<bool, BrokerError>> {
        let mut rooms = self.rooms.lock();
        let new = !rooms.contains_key(room);
        if new {
            let members = HashMap::new();
            rooms.insert(room.into(), Room { options, members });
        }
        done(new)
    }

    fn destroy(&self, room: &str) -> Flow<Result<bool, BrokerError>> {
        // Nobody can join from here on, and whoever is a member is told.
        let Some((room, _)) = self.rooms.lock().remove_entry(room) else {
            return done(false);
        };
        self.deliver(Publication {
            target: Target::Room(room),
            except: None,
            from: None,
            sent_at: now_ms(),
            kind: Kind::Destroyed,
        });
        done(true)
    }

    fn exists(&self, room: &str) -> Flow<Result<bool, BrokerError>> {
        done(self.rooms.lock().contains_key(room))
    }

    fn rooms(&self) -> Flow<Result<Vec<String>, BrokerError>> {
        done(self.rooms.lock().keys().map(ToString::to_string).collect())
    }

    fn join(&self, room: &str, member: Member) -> Flow<Result<Joined, BrokerError>> {
        let mut rooms = self.rooms.lock();
        let Some(Room { options, members }) = rooms.get_mut(room) else {
            return done(Joined::NoRoom);
        };
        if members.contains_key(&member.id) {
            return done(Joined::Already);
        }
        if options.max_members.is_some_and(|max| members.len() >= max) {
            return done(Joined::Full);
        }
        members.insert(member.id, member.joined_at);
        done(Joined::Joined)
    }

    fn leave(&self, room: &str, id: &str) -> Flow<Result<bool, BrokerError>> {
        let mut rooms = self.rooms.lock();
        done(
            rooms
                .get_mut(room)
                .is_some_and(|room| room.members.remove(id).is_some()),
        )
    }

    fn members(&self, room: &str) -> Flow<Result<Option<Vec<Member>>, BrokerError>> {
        let rooms = self.rooms.lock();
        done(rooms.get(room).map(|room| {
            let member = |(id, joined_at): (&Arc<str>, &u64)| Member {
                id: id.clone(),
                joined_at: *joined_at,
            };
            room.members.iter().map(member).collect()
        }))
    }

    fn publish(&self, publication: Publication) -> Flow<Result<(), BrokerError>> {
        self.deliver(publication);
        done(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn brokers() -> Vec<Arc<dyn Broker>> {
        vec![Arc::new(MemoryBroker::new())]
    }

    crate::broker_suite!(brokers().await);
}
