//! Middleware of connections.

use std::{fmt, future::Future, sync::Arc};

use stellarfw_transport::Flow;

use super::{Connection, ConnectionHooks};
use crate::protocol::StellarError;

/// The priority of middleware that sets none.
pub(crate) const DEFAULT_PRIORITY: i32 = 100;

type Add<H> = Box<dyn FnOnce(&mut H, i32) + Send>;

/// Hooks of one middleware, which are added to the server's together and with one priority.
pub(crate) struct HookSet<H> {
    priority: i32,
    add: Vec<Add<H>>,
}

impl<H> Default for HookSet<H> {
    fn default() -> Self {
        Self {
            priority: DEFAULT_PRIORITY,
            add: Vec::new(),
        }
    }
}

impl<H> HookSet<H> {
    pub(crate) fn set_priority(&mut self, priority: i32) {
        self.priority = priority;
    }

    pub(crate) fn add(&mut self, add: impl FnOnce(&mut H, i32) + Send + 'static) {
        self.add.push(Box::new(add));
    }

    pub(crate) fn add_to(self, hooks: &mut H) {
        for add in self.add {
            add(hooks, self.priority);
        }
    }
}

impl<H> fmt::Debug for HookSet<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookSet")
            .field("priority", &self.priority)
            .finish_non_exhaustive()
    }
}

/// Middleware that runs when connections open and when they have ended.
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
#[derive(Debug, Default)]
#[must_use]
pub struct ConnectionMiddleware(HookSet<ConnectionHooks>);

impl ConnectionMiddleware {
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

    /// Adds a hook that runs when a connection has opened, before its welcome.
    ///
    /// An error refuses the connection: it is sent `{"error":{code,message},"context":"api"}` and
    /// ends for good. Messages that the client sends meanwhile are queued.
    pub fn create<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(Connection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), StellarError>> + Send + 'static,
    {
        self.0.add(move |hooks, priority| {
            let hook = Arc::new(move |c: &Connection| Flow::start(f(c.clone())));
            hooks.create.add(priority, hook);
        });
        self
    }

    /// Adds a hook that runs when a connection has ended and left its rooms.
    pub fn destroy<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(Connection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.0.add(move |hooks, priority| {
            let hook = Arc::new(move |c: &Connection| Flow::start(f(c.clone())));
            hooks.destroy.add(priority, hook);
        });
        self
    }

    pub(crate) fn add_to(self, hooks: &mut ConnectionHooks) {
        self.0.add_to(hooks);
    }
}
