//! The sessions there are, by the names that clients gave them.

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
    clock::Clock,
    config::SockJsConfig,
    session::{Rules, Session},
};

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Sessions {
    by_name: Mutex<HashMap<Arc<str>, Arc<Session>>>,
    clock: Arc<Clock>,
    /// How many are over and still tell why.
    over: AtomicUsize,
    task: OnceLock<AbortHandle>,
}

/// What there is under a name.
pub(crate) enum Found {
    Session(Arc<Session>),
    /// Nothing was; now there is a place for it.
    Place(Place),
}

impl Sessions {
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Session>> {
        self.by_name.lock().get(name).cloned()
    }

    /// The session of a name, or the place of a new one.
    pub(crate) fn find_or_begin(
        self: &Arc<Self>,
        name: &str,
        server: &Server,
        config: &SockJsConfig,
    ) -> Found {
        self.task
            .get_or_init(|| tokio::spawn(self.clock.clone().run()).abort_handle());
        let mut by_name = self.by_name.lock();
        if let Some(session) = by_name.get(name) {
            return Found::Session(session.clone());
        }
        let name: Arc<str> = name.into();
        let session = Arc::new(Session::new(
            name.clone(),
            self,
            Rules {
                heartbeat: config.heartbeat_delay(),
                disconnect: config.disconnect_delay(),
                close: server.config().close_timeout(),
                most_over: server.config().max_connections,
            },
            server.outbox_limits(),
        ));
        by_name.insert(name, session.clone());
        Found::Place(Place {
            session,
            sessions: self.clone(),
            keep: false,
        })
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn forget(&self, name: &str) {
        let forgotten = self.by_name.lock().remove(name);
        drop(forgotten);
    }

    /// One more is over. Whether there is room to let it tell why.
    pub(crate) fn bury(&self, most: usize) -> bool {
        let room = self.over.fetch_add(1, Ordering::Relaxed) < most;
        if !room {
            self.exhume();
        }
        room
    }

    /// One of those that are over is forgotten.
    pub(crate) fn exhume(&self) {
        self.over.fetch_sub(1, Ordering::Relaxed);
    }

    /// Ends and forgets all.
    pub(crate) fn clear(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
        self.clock.clear();
        let all: Vec<_> = self.by_name.lock().drain().collect();
        for (_, session) in all {
            session.end();
        }
    }
}

/// A place for a session that is being let in; given free when it is dropped.
pub(crate) struct Place {
    session: Arc<Session>,
    sessions: Arc<Sessions>,
    keep: bool,
}

impl Place {
    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// The session was let in and stays.
    pub(crate) fn keep(mut self) -> Arc<Session> {
        self.keep = true;
        self.session.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.keep {
            self.sessions.forget(self.session.name());
        }
    }
}
