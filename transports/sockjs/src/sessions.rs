//! The sessions of an engine, by the names that clients chose.

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use stellarfw_transport::Server;
use tokio::task::AbortHandle;

use crate::{
    config::SockJsConfig,
    deadlines::DeadlineQueue,
    session::{Session, SessionOptions},
};

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Sessions {
    by_name: Mutex<HashMap<Arc<str>, Arc<Session>>>,
    deadlines: Arc<DeadlineQueue>,
    /// Number of closed sessions that are retained.
    closed: AtomicUsize,
    task: OnceLock<AbortHandle>,
}

/// The result of a lookup by name.
pub(crate) enum Lookup {
    Existing(Arc<Session>),
    /// The name was free and is now reserved.
    Reserved(Reservation),
}

impl Sessions {
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Session>> {
        self.by_name.lock().get(name).cloned()
    }

    /// Returns the session of a name, or reserves the name for a new one.
    pub(crate) fn find_or_reserve(
        self: &Arc<Self>,
        name: &str,
        server: &Server,
        config: &SockJsConfig,
    ) -> Lookup {
        self.task
            .get_or_init(|| tokio::spawn(self.deadlines.clone().run()).abort_handle());
        let mut by_name = self.by_name.lock();
        if let Some(session) = by_name.get(name) {
            return Lookup::Existing(session.clone());
        }
        let name: Arc<str> = name.into();
        let session = Arc::new(Session::new(
            name.clone(),
            self,
            SessionOptions {
                heartbeat: config.heartbeat_delay(),
                disconnect: config.disconnect_delay(),
                close: server.config().close_timeout(),
                max_closed: server.config().max_connections,
            },
            server.outbox_limits(),
        ));
        by_name.insert(name, session.clone());
        Lookup::Reserved(Reservation {
            session,
            sessions: self.clone(),
            keep: false,
        })
    }

    pub(crate) fn deadlines(&self) -> &DeadlineQueue {
        &self.deadlines
    }

    pub(crate) fn remove(&self, name: &str) {
        let forgotten = self.by_name.lock().remove(name);
        drop(forgotten);
    }

    /// Counts a closed session as retained. Returns `false` if `max` are retained already.
    pub(crate) fn retain_closed(&self, max: usize) -> bool {
        let has_room = self.closed.fetch_add(1, Ordering::Relaxed) < max;
        if !has_room {
            self.release_closed();
        }
        has_room
    }

    /// Counts a retained session as removed.
    pub(crate) fn release_closed(&self) {
        self.closed.fetch_sub(1, Ordering::Relaxed);
    }

    /// Ends and removes all sessions.
    pub(crate) fn clear(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
        self.deadlines.clear();
        let all: Vec<_> = self.by_name.lock().drain().collect();
        for (_, session) in all {
            session.end();
        }
    }
}

/// The name of a session that is being opened. Dropping the reservation releases it.
pub(crate) struct Reservation {
    session: Arc<Session>,
    sessions: Arc<Sessions>,
    keep: bool,
}

impl Reservation {
    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Keeps the session under its name.
    pub(crate) fn commit(mut self) -> Arc<Session> {
        self.keep = true;
        self.session.clone()
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.keep {
            self.sessions.remove(self.session.name());
        }
    }
}
