//! Hooks of rooms, and listeners for their events.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;
use stellarfw_transport::Flow;

use super::RoomName;
use crate::{
    connections::{Connection, Hooks, caught},
    protocol::StellarError,
};

type JoinHook = Arc<dyn Fn(&Connection, &RoomName) -> Flow<Result<(), StellarError>> + Send + Sync>;
type LeaveHook = Arc<dyn Fn(&Connection, &RoomName) -> Flow + Send + Sync>;
type ReceiveHook = Arc<dyn Fn(&Connection, Say) -> Flow<Result<Say, StellarError>> + Send + Sync>;
type EachHook = Arc<dyn Fn(&Connection, Say) -> Option<Say> + Send + Sync>;
type Listener = Box<dyn Fn(Event) -> Flow + Send + Sync>;

/// Hooks and listeners of a server's rooms. No lock is held while any of them runs.
#[derive(Default)]
pub(crate) struct RoomHooks {
    pub(crate) join: Hooks<JoinHook>,
    pub(crate) leave: Hooks<LeaveHook>,
    pub(crate) receive: Hooks<ReceiveHook>,
    pub(crate) each: Hooks<EachHook>,
    /// Listeners of every room, by the event's name.
    pub(crate) listeners: HashMap<String, Vec<Listener>>,
    /// Listeners of one room, by its name and the event's. Not by both in one text: a client
    /// chooses the event's name, and could make it look like that of another room.
    pub(crate) room_listeners: HashMap<String, HashMap<String, Vec<Listener>>>,
}

/// A chat message on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Say {
    /// The room it is said in.
    pub room: RoomName,
    /// Who says it: the id of a connection, none for the server.
    pub from: Option<Arc<str>>,
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
    /// The data sent with it; `null` without any.
    pub data: Value,
}

impl RoomHooks {
    /// The listeners of an event.
    fn listeners(&self, room: &str, event: &str) -> impl Iterator<Item = &Listener> {
        let here = self.room_listeners.get(room);
        let everywhere = self.listeners.get(event);
        let here = here.and_then(|listeners| listeners.get(event));
        everywhere.into_iter().chain(here).flatten()
    }

    pub(super) fn has_listeners(&self, room: &str, event: &str) -> bool {
        self.listeners(room, event).next().is_some()
    }

    /// Calls the listeners of an event. The flow awaits those that are not done at once, one after
    /// the other. A panic of one is not the sender's fault, whose event was accepted.
    pub(super) fn notify(&self, event: &Event) -> Flow {
        let mut waiting = Vec::new();
        for listener in self.listeners(&event.room, &event.event) {
            if let Flow::Wait(future) = caught("listener", || listener(event.clone())) {
                waiting.push(future);
            }
        }
        if waiting.is_empty() {
            return Flow::DONE;
        }
        Flow::Wait(Box::pin(async move {
            for future in waiting {
                future.await;
            }
        }))
    }
}
