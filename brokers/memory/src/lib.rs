//! The broker of a single process: rooms and their members in memory.
//!
//! ```
//! use stellarfw_broker::{Broker, RoomOptions};
//! use stellarfw_broker_memory::MemoryBroker;
//!
//! # async fn run() -> Result<(), stellarfw_broker::BrokerError> {
//! let broker = MemoryBroker::new();
//! broker.create("lobby", RoomOptions::default()).await?;
//! assert_eq!(broker.rooms().await?, ["lobby"]);
//! # Ok(())
//! # }
//! ```

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;
use stellarfw_broker::{
    Broker, BrokerError, Flow, Joined, Member, Publication, PublicationKind, RoomOptions,
    Subscriber, Target,
};

/// A broker whose rooms live in this process.
///
/// Every operation is done at once: its flows are always [`Flow::Ready`].
#[derive(Default)]
pub struct MemoryBroker {
    rooms: Mutex<HashMap<Arc<str>, Room>>,
    subscriber: OnceLock<Arc<dyn Subscriber>>,
}

#[derive(Debug)]
struct Room {
    options: RoomOptions,
    /// When each member joined.
    members: HashMap<Arc<str>, u64>,
}

impl MemoryBroker {
    /// Creates a broker without rooms.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn deliver(&self, publication: Publication) {
        if let Some(subscriber) = self.subscriber.get() {
            subscriber.deliver(publication);
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

    fn start(&self, subscriber: Arc<dyn Subscriber>) -> Flow<Result<(), BrokerError>> {
        match self.subscriber.set(subscriber) {
            Ok(()) => done(()),
            Err(_) => Flow::Ready(Err(BrokerError::rejected("it was started already"))),
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
        // No connection can join from here on, and the members receive the notice.
        let Some((room, _)) = self.rooms.lock().remove_entry(room) else {
            return done(false);
        };
        self.deliver(Publication::new(
            Target::Room(room),
            PublicationKind::Destroyed,
        ));
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
            let member = |(id, joined_at): (&Arc<str>, &u64)| Member::new(id.clone(), *joined_at);
            room.members.iter().map(member).collect()
        }))
    }

    fn publish(&self, publication: Publication) -> Flow<Result<(), BrokerError>> {
        self.deliver(publication);
        done(())
    }
}
