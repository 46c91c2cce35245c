//! Middleware of connections and of chat; that of actions is in [`actions`](crate::actions).

use std::future::Future;

use stellarfw_transport::Flow;

use crate::{
    StellarError,
    connection::Connection,
    rooms::{Hooks, RoomName, Say},
};

/// The priority of middleware that was given none.
pub(crate) const DEFAULT_PRIORITY: i32 = 100;

/// What runs when connections open and when they are gone.
///
/// ```
/// use stellarfw::{ConnectionMiddleware, StellarError};
///
/// let count = ConnectionMiddleware::new()
///     .priority(10)
///     .create(async |connection| match connection.fingerprint() {
///         Some(_) => Ok(()),
///         None => Err(StellarError::custom("900", "No session, no service")),
///     })
///     .destroy(async |connection| println!("{} is gone", connection.id()));
/// let builder = stellarfw::Stellar::builder().connections(count);
/// ```
#[derive(Default)]
#[must_use]
pub struct ConnectionMiddleware(Parts);

/// What runs around chat rooms: each message, join and leave.
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
#[derive(Default)]
#[must_use]
pub struct ChatMiddleware(Parts);

type Add = Box<dyn FnOnce(&mut Hooks, i32) + Send>;

/// What was put together so far; it is handed to the hooks at once, with its priority.
#[derive(Default)]
struct Parts {
    priority: Option<i32>,
    add: Vec<Add>,
}

impl Parts {
    fn add(&mut self, add: impl FnOnce(&mut Hooks, i32) + Send + 'static) {
        self.add.push(Box::new(add));
    }

    fn into_hooks(self, hooks: &mut Hooks) {
        let priority = self.priority.unwrap_or(DEFAULT_PRIORITY);
        for add in self.add {
            add(hooks, priority);
        }
    }
}

impl ConnectionMiddleware {
    /// Middleware that does nothing yet, of priority 100.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lower ones run first; of equals the one added first. Default 100.
    pub fn priority(mut self, priority: i32) -> Self {
        self.0.priority = Some(priority);
        self
    }

    /// Runs when a connection has opened, before its welcome. A refusal is told as
    /// `{"error":{code,message},"context":"api"}`, and the connection ends for good. What the
    /// client sends meanwhile waits.
    pub fn create<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(Connection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), StellarError>> + Send + 'static,
    {
        self.0.add(move |hooks, priority| {
            let hook = Box::new(move |c: &Connection| Flow::start(f(c.clone())));
            hooks.create.add(priority, hook);
        });
        self
    }

    /// Runs when a connection is gone and out of its rooms.
    pub fn destroy<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(Connection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.0.add(move |hooks, priority| {
            let hook = Box::new(move |c: &Connection| Flow::start(f(c.clone())));
            hooks.destroy.add(priority, hook);
        });
        self
    }

    pub(crate) fn into_hooks(self, hooks: &mut Hooks) {
        self.0.into_hooks(hooks);
    }
}

impl ChatMiddleware {
    /// Middleware that does nothing yet, of priority 100.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lower ones run first; of equals the one added first. Default 100.
    pub fn priority(mut self, priority: i32) -> Self {
        self.0.priority = Some(priority);
        self
    }

    /// Runs before a connection joins a room, and may refuse it.
    pub fn join<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(Connection, RoomName) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), StellarError>> + Send + 'static,
    {
        self.0.add(move |hooks, priority| {
            let hook =
                move |c: &Connection, room: &RoomName| Flow::start(f(c.clone(), room.clone()));
            hooks.join.add(priority, Box::new(hook));
        });
        self
    }

    /// Runs after a connection has left a room, once, whatever the way: by verb, by the server,
    /// because the room was destroyed, or because it is gone.
    pub fn leave<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(Connection, RoomName) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.0.add(move |hooks, priority| {
            let hook =
                move |c: &Connection, room: &RoomName| Flow::start(f(c.clone(), room.clone()));
            hooks.leave.add(priority, Box::new(hook));
        });
        self
    }

    /// Sees each message of a client once, before anyone else, and may rewrite or refuse it.
    pub fn on_say_receive<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(Connection, Say) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Say, StellarError>> + Send + 'static,
    {
        self.0.add(move |hooks, priority| {
            let hook = move |c: &Connection, say: Say| Flow::start(f(c.clone(), say));
            hooks.receive.add(priority, Box::new(hook));
        });
        self
    }

    /// Sees each message once for each receiver, and may rewrite or drop it for that one. It is
    /// not async, so that receivers do not wait for each other.
    pub fn say(
        mut self,
        f: impl Fn(&Connection, Say) -> Option<Say> + Send + Sync + 'static,
    ) -> Self {
        self.0
            .add(move |hooks, priority| hooks.each.add(priority, Box::new(f)));
        self
    }

    pub(crate) fn into_hooks(self, hooks: &mut Hooks) {
        self.0.into_hooks(hooks);
    }
}

impl std::fmt::Debug for ConnectionMiddleware {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionMiddleware")
            .field("priority", &self.0.priority)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ChatMiddleware {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChatMiddleware")
            .field("priority", &self.0.priority)
            .finish_non_exhaustive()
    }
}
