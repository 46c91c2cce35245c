//! The settings of what is served over HTTP.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use stellarfw_transport::serve::Pace;

use super::{Cors, GuardConfig};

/// The settings of what is served over HTTP; those of the same name in
/// [`Config`](crate::Config) describe them.
#[derive(Clone, Debug)]
pub(crate) struct WebSettings {
    pub(crate) name: String,
    pub(crate) api_version: String,
    pub(crate) api_path: String,
    pub(crate) cors: Cors,
    pub(crate) guard: GuardConfig,
    pub(crate) docs: bool,
    pub(crate) health: bool,
    pub(crate) trace: bool,
    pub(crate) jsonp: bool,
    pub(crate) file_max_age: u64,
    pub(crate) simultaneous_actions_per_client: u32,
    pub(crate) max_body: usize,
    pub(crate) max_upload: usize,
    pub(crate) max_upload_parts: usize,
    /// The least rate of request bodies.
    pub(crate) body_pace: Pace,
    pub(crate) scripts: ScriptsConfig,
    pub(crate) client: ClientSettings,
}

/// The settings that the client script is served with.
#[derive(Clone, Debug)]
pub(crate) struct ClientSettings {
    pub(crate) default_room: Option<String>,
    pub(crate) simultaneous_actions: u32,
    pub(crate) action_timeout: u64,
}

/// Scripts of other libraries, for pages that load them from where those libraries' own servers
/// have them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ScriptsConfig {
    /// The file that is served as `primus.js` below `server.pathname`: what Primus's
    /// `primus.save()` wrote. Default: none.
    #[serde(with = "stellarfw_transport::switch")]
    pub primus: Option<PathBuf>,
    /// The file that is served as `socket.io.js` below `socketio.path`: that of the npm package
    /// `socket.io-client`. Default: none.
    #[serde(with = "stellarfw_transport::switch")]
    pub socketio: Option<PathBuf>,
    /// The file that is served as `sockjs.js` below the paths of SockJS, and that its page for iframes
    /// loads unless `sockjs.script` names another: that of the npm package `sockjs-client`.
    /// Default: none.
    #[serde(with = "stellarfw_transport::switch")]
    pub sockjs: Option<PathBuf>,
}
