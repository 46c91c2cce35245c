//! Hooks of rooms, and listeners for their events.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use serde_json::Value;
use stellarfw_transport::{Flow, catch_panic};

use super::RoomName;
use crate::{connection::Connection, error::StellarError};

pub(crate) type Gate =
    Box<dyn Fn(&Connection, &RoomName) -> Flow<Result<(), StellarError>> + Send + Sync>;
pub(crate) type Notice = Box<dyn Fn(&Connection, &RoomName) -> Flow + Send + Sync>;
pub(crate) type Receive =
    Box<dyn Fn(&Connection, Say) -> Flow<Result<Say, StellarError>> + Send + Sync>;
pub(crate) type Each = Box<dyn Fn(&Connection, Say) -> Option<Say> + Send + Sync>;
pub(crate) type Create = Box<dyn Fn(&Connection) -> Flow<Result<(), StellarError>> + Send + Sync>;
pub(crate) type Destroy = Box<dyn Fn(&Connection) -> Flow + Send + Sync>;
type Listener = Box<dyn Fn(Event) -> Flow + Send + Sync>;

/// What a server does around its rooms. No lock is held while any of it runs.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) join: Ranked<Gate>,
    pub(crate) leave: Ranked<Notice>,
    pub(crate) receive: Ranked<Receive>,
    pub(crate) each: Ranked<Each>,
    /// When a connection has opened.
    pub(crate) create: Ranked<Create>,
    /// When it is gone, and out of its rooms.
    pub(crate) destroy: Ranked<Destroy>,
    /// Listeners of every room, by the event's name.
    pub(crate) listeners: HashMap<String, Vec<Listener>>,
    /// Listeners of one room, by its name and the event's. Not by both in one text: a client
    /// chooses the event's name, and so could sound like another room.
    pub(crate) room_listeners: HashMap<String, HashMap<String, Vec<Listener>>>,
}

/// Hooks by priority: lower ones first, of equals the one added first.
pub(crate) struct Ranked<T>(Vec<(i32, T)>);

impl<T> Default for Ranked<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Ranked<T> {
    pub(crate) fn add(&mut self, priority: i32, hook: T) {
        let at = self.0.partition_point(|(known, _)| *known <= priority);
        self.0.insert(at, (priority, hook));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, hook)| hook)
    }
}

impl<T> std::ops::Index<usize> for Ranked<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        &self.0[at].1
    }
}

/// A chat message on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Say {
    /// The room it is said in.
    pub room: RoomName,
    /// Who says it: the id of a connection, none for the server.
    pub from: Option<std::sync::Arc<str>>,
    /// The message: any JSON value.
    pub message: Value,
}

/// An event that a client sent to a room it is in.
#[derive(Clone, Debug)]
pub struct Event {
    /// Who sent it.
    pub connection: Connection,
    /// The room it was sent to.
    pub room: RoomName,
    /// Its name.
    pub event: String,
    /// What came with it; `null` when nothing did.
    pub data: Value,
}

impl Hooks {
    /// The listeners of an event.
    fn listeners(&self, room: &str, event: &str) -> impl Iterator<Item = &Listener> {
        let here = self.room_listeners.get(room);
        let everywhere = self.listeners.get(event);
        let here = here.and_then(|listeners| listeners.get(event));
        everywhere.into_iter().chain(here).flatten()
    }

    pub(crate) fn has_listeners(&self, room: &str, event: &str) -> bool {
        self.listeners(room, event).next().is_some()
    }

    /// Tells the listeners of an event. What they have to wait for is the flow, in which one of
    /// them goes on after the other.
    pub(crate) fn tell(&self, event: &Event) -> Flow {
        // Its fault is not the sender's, whose event was accepted.
        let panicked = |name: &str| tracing::error!(event = %name, "a listener panicked");
        let mut waiting = Vec::new();
        for listener in self.listeners(&event.room, &event.event) {
            match catch_unwind(AssertUnwindSafe(|| listener(event.clone()))) {
                Ok(Flow::Ready(())) => {}
                Ok(Flow::Wait(future)) => waiting.push(future),
                Err(_) => panicked(&event.event),
            }
        }
        if waiting.is_empty() {
            return Flow::DONE;
        }
        let name = event.event.clone();
        Flow::Wait(Box::pin(async move {
            for future in waiting {
                if catch_panic(future).await.is_err() {
                    panicked(&name);
                }
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::Ranked;

    #[test]
    fn lower_priorities_come_first_and_equals_in_order() {
        let mut ranked = Ranked::default();
        for (priority, name) in [(100, "a"), (5, "b"), (100, "c"), (-1, "d"), (5, "e")] {
            ranked.add(priority, name);
        }
        let order: Vec<_> = ranked.iter().copied().collect();
        assert_eq!(order, ["d", "b", "e", "a", "c"]);
        assert_eq!(ranked[1], "b");
    }
}
