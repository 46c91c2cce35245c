//! Hooks of rooms, and listeners for their events.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use serde_json::Value;
use stellarfw_transport::Flow;

use super::RoomName;
use crate::{connection::Connection, error::StellarError};

type Gate = Box<dyn Fn(&Connection, &RoomName) -> Flow<Result<(), StellarError>> + Send + Sync>;
type Notice = Box<dyn Fn(&Connection, &RoomName) -> Flow + Send + Sync>;
type Receive = Box<dyn Fn(&Connection, Say) -> Flow<Result<Say, StellarError>> + Send + Sync>;
type Each = Box<dyn Fn(&Connection, Say) -> Option<Say> + Send + Sync>;
type Listener = Box<dyn Fn(Event) -> Flow + Send + Sync>;

/// What a server does around its rooms. No lock is held while any of it runs.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) join: Vec<Gate>,
    pub(crate) leave: Vec<Notice>,
    pub(crate) receive: Vec<Receive>,
    pub(crate) each: Vec<Each>,
    /// By `<name>` and by `<room>.<name>`.
    pub(crate) listeners: HashMap<String, Vec<Listener>>,
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
    /// Tells the listeners of an event.
    pub(crate) fn tell(&self, event: &Event) {
        if self.listeners.is_empty() {
            return;
        }
        let keys = [
            event.event.clone(),
            format!("{}.{}", event.room, event.event),
        ];
        for listener in keys
            .iter()
            .filter_map(|key| self.listeners.get(key))
            .flatten()
        {
            match catch_unwind(AssertUnwindSafe(|| listener(event.clone()))) {
                Ok(Flow::Ready(())) => {}
                Ok(Flow::Wait(future)) => {
                    tokio::spawn(future);
                }
                // Its fault is not the sender's, whose event was accepted.
                Err(_) => tracing::error!(event = %event.event, "a listener panicked"),
            }
        }
    }
}
