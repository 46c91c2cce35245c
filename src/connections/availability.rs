//! Whether a server takes connections and calls.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a server takes connections and calls. It only ever becomes less available.
#[derive(Debug, Default)]
pub(crate) struct Availability {
    draining: AtomicBool,
    stopping: AtomicBool,
}

impl Availability {
    /// The server is going to stop: it is not ready any more.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// The server stops: it runs no more actions.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Returns `true` if the server takes connections.
    pub(crate) fn is_ready(&self) -> bool {
        !self.draining.load(Ordering::Acquire) && !self.is_stopping()
    }

    /// Returns `true` if the server runs no more actions.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}
