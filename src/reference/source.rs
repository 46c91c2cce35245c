//! What the reference is generated from.

use std::sync::Arc;

use stellarfw_transport::Server;

use crate::actions::{Action, Route};

/// What the reference is generated from: the declared actions and routes, and the settings that it
/// shows.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) settings: ReferenceSettings,
    /// All actions, sorted by name and version.
    pub(crate) actions: Vec<Arc<Action>>,
    pub(crate) routes: Arc<[Route]>,
    pub(crate) channels: Vec<Channel>,
}

/// The settings that the reference shows.
#[derive(Clone, Debug)]
pub(crate) struct ReferenceSettings {
    pub(crate) name: String,
    pub(crate) api_version: String,
    pub(crate) api_path: String,
    pub(crate) pathname: String,
    /// The name of the codec.
    pub(crate) parser: String,
    /// Connections get a welcome.
    pub(crate) has_welcome: bool,
    /// `/healthz` and `/readyz` are answered.
    pub(crate) has_health: bool,
    pub(crate) session_cookie: Option<String>,
    /// The methods of actions that declare none; empty for all.
    pub(crate) action_methods: Vec<String>,
    /// The first of the rooms that exist from the start.
    pub(crate) first_room: Option<String>,
}

/// An engine at one of its paths.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) transport: &'static str,
    pub(crate) path: String,
    /// It is the path of the primary engine.
    pub(crate) is_primary: bool,
}

impl Channel {
    /// Returns the engines of a server at each of their paths, the primary one first.
    pub(crate) fn all(server: &Server) -> Vec<Self> {
        let pathname = &server.config().pathname;
        let mut channels = Vec::new();
        for (index, transport) in server.transports().iter().enumerate() {
            let own = transport.path().filter(|own| own != pathname);
            let primary = (index == 0).then_some(pathname.as_str());
            for path in primary.into_iter().chain(own) {
                channels.push(Self {
                    transport: transport.name(),
                    path: path.to_owned(),
                    is_primary: path == pathname,
                });
            }
        }
        channels
    }
}
