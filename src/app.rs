//! What a server's parts share.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use http::Extensions;
use stellarfw_broker::Broker;
use stellarfw_transport::{Parser, Server, WeakServer};

use crate::{
    actions::Actions,
    complaints::Complaints,
    config::Config,
    connection::Connection,
    files::Files,
    http::{Compressor, Route},
    reload::ReloadHook,
    rooms::{Hooks, LocalRooms},
    sessions::Sessions,
};

/// What a server's parts share.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) parser: Parser,
    pub(crate) actions: Actions,
    pub(crate) hooks: Hooks,
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) local: LocalRooms,
    pub(crate) files: Files,
    pub(crate) compressor: Compressor,
    /// None where the settings switch sessions off.
    pub(crate) sessions: Option<Sessions>,
    /// What the log may say of clients.
    pub(crate) complaints: Complaints,
    /// Declared routes of the API.
    pub(crate) routes: Vec<Route>,
    /// The application's own state, by type.
    pub(crate) shared: Extensions,
    /// Whether outgoing messages pass through transforms, which are the user's code.
    pub(crate) has_transforms: bool,
    /// What the application reloads.
    pub(crate) reload: Vec<ReloadHook>,
    /// The certificate of the settings, once it was read.
    #[cfg(feature = "tls")]
    pub(crate) tls: OnceLock<stellarfw_transport::serve::Tls>,
    /// Actions get 006.
    pub(crate) stopping: AtomicBool,
    /// It is to stop soon: `/readyz` says so.
    pub(crate) draining: AtomicBool,
    /// The transport layer, which owns this by way of its handler.
    pub(crate) server: OnceLock<WeakServer>,
}

impl App {
    pub(crate) fn server(&self) -> Option<Server> {
        self.server.get()?.upgrade()
    }

    pub(crate) fn connection(&self, id: &str) -> Option<Connection> {
        Connection::of(&self.server()?.spark(id)?).filter(Connection::is_ready)
    }

    pub(crate) fn is_ready(&self) -> bool {
        !self.draining.load(Ordering::Acquire) && !self.is_stopping()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("name", &self.config.name)
            .field("broker", &self.broker.name())
            .finish_non_exhaustive()
    }
}
