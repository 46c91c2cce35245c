//! Middleware of chat rooms.

use std::{future::Future, sync::Arc};

use stellarfw_transport::Flow;

use super::{RoomHooks, RoomName, Say};
use crate::{
    connections::{Connection, HookSet},
    protocol::StellarError,
};

/// Middleware of chat rooms: it runs around each message, join and leave.
///
/// ```
/// use stellarfw::{ChatMiddleware, StellarError};
///
/// let polite = ChatMiddleware::new()
///     .join(async |_connection, room| match &*room {
///         "staff" => Err(StellarError::custom("901", "Staff only")),
///         _ => Ok(()),
///     })
///     .on_say_receive(async |_connection, mut said| {
///         if said.message == "darn" {
///             said.message = "goodness".into();
///         }
///         Ok(said)
///     });
/// let builder = stellarfw::Stellar::builder().chat(polite);
/// ```
#[derive(Debug, Default)]
#[must_use]
pub struct ChatMiddleware(HookSet<RoomHooks>);

impl ChatMiddleware {
    /// Creates middleware without a hook.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the priority: lower ones run first, equals in the order in which they were added.
    /// Default 100.
    pub fn priority(mut self, priority: i32) -> Self {
        self.0.set_priority(priority);
        self
    }

    /// Adds a hook that runs before a connection joins a room. An error refuses the join.
    pub fn join<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(Connection, RoomName) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), StellarError>> + Send + 'static,
    {
        self.0.add(move |hooks, priority| {
            let hook =
                move |c: &Connection, room: &RoomName| Flow::start(f(c.clone(), room.clone()));
            hooks.join.add(priority, Arc::new(hook));
        });
        self
    }

    /// Adds a hook that runs once after a connection has left a room: by verb, by the server,
    /// because the room was destroyed, or because the connection has ended.
    pub fn leave<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(Connection, RoomName) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.0.add(move |hooks, priority| {
            let hook =
                move |c: &Connection, room: &RoomName| Flow::start(f(c.clone(), room.clone()));
            hooks.leave.add(priority, Arc::new(hook));
        });
        self
    }

    /// Adds a hook that sees each message of a client once, before its receivers, and may rewrite
    /// or refuse it.
    pub fn on_say_receive<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(Connection, Say) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Say, StellarError>> + Send + 'static,
    {
        self.0.add(move |hooks, priority| {
            let hook = move |c: &Connection, say: Say| Flow::start(f(c.clone(), say));
            hooks.receive.add(priority, Arc::new(hook));
        });
        self
    }

    /// Adds a hook that sees each message once for each receiver, and may rewrite or drop it for
    /// that one. It is not async, so that receivers do not wait for each other.
    pub fn say(
        mut self,
        f: impl Fn(&Connection, Say) -> Option<Say> + Send + Sync + 'static,
    ) -> Self {
        self.0
            .add(move |hooks, priority| hooks.each.add(priority, Arc::new(f)));
        self
    }

    pub(crate) fn add_to(self, hooks: &mut RoomHooks) {
        self.0.add_to(hooks);
    }
}
