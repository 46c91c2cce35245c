//! The engine's settings.

use serde::{Deserialize, Serialize};

use crate::deflate::DeflateConfig;

/// The settings of the WebSocket engine; those that hold for every engine, such as the longest
/// message, are in [`ServerConfig`](stellarfw_transport::ServerConfig).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct WsConfig {
    /// The engine's own path, at which it answers besides the server's pathname. Default `/ws`.
    pub path: String,
    /// `permessage-deflate`. Default: off. It costs CPU on both sides, and where secrets and
    /// an attacker's text share a message it can leak the secret (CRIME). In a file of settings
    /// `true` switches it on with its defaults.
    #[serde(with = "stellarfw_transport::switch")]
    pub compression: Option<DeflateConfig>,
    /// Size in bytes of the buffer for messages that do not come whole in one read: several
    /// frames, or a long one. A connection has it only as long as such a message takes, or always
    /// where compression was agreed. Larger ones save reads for clients that send large messages.
    /// Default 4,096.
    pub read_buffer: usize,
    /// The longest frame in bytes, if it shall be less than the server's `maxLength`; for
    /// clients that fragment. Default: none.
    #[serde(with = "stellarfw_transport::switch")]
    pub max_frame: Option<usize>,
}

impl Default for WsConfig {
    fn default() -> Self {
        Self {
            path: "/ws".into(),
            compression: None,
            read_buffer: 4_096,
            max_frame: None,
        }
    }
}
