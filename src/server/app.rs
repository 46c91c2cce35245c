//! What a server's parts share.

use std::sync::{Arc, OnceLock};

use http::Extensions;
use stellarfw_transport::{Parser, Server, WeakServer};

use crate::{
    actions::Actions,
    config::Config,
    connections::{Availability, Connections},
    dispatch::Complaints,
    files::Files,
    rooms::Rooms,
    server::ReloadHook,
    web::{Compressor, Route},
};

/// What a server's parts share.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) parser: Parser,
    pub(crate) actions: Actions,
    pub(crate) connections: Arc<Connections>,
    pub(crate) rooms: Rooms,
    pub(crate) availability: Arc<Availability>,
    pub(crate) files: Files,
    pub(crate) compressor: Compressor,
    /// What the log may say of clients.
    pub(crate) complaints: Complaints,
    /// Declared routes of the API.
    pub(crate) routes: Vec<Route>,
    /// The application's own state, by type.
    pub(crate) shared: Extensions,
    /// What the application reloads.
    pub(crate) reload: Vec<ReloadHook>,
    /// The certificate of the settings, once it was read.
    #[cfg(feature = "tls")]
    pub(crate) tls: OnceLock<stellarfw_transport::serve::Tls>,
    /// The transport layer, which owns this by way of its handler.
    pub(crate) server: OnceLock<WeakServer>,
}

impl App {
    pub(crate) fn server(&self) -> Option<Server> {
        self.server.get()?.upgrade()
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("name", &self.config.name)
            .field("rooms", &self.rooms)
            .finish_non_exhaustive()
    }
}
