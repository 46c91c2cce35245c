//! The engine's settings.

use serde::{Deserialize, Serialize};
use stellarfw_websocket::{WebSocketOptions, deflate::DeflateConfig};

/// The settings of the WebSocket engine.
///
/// Settings that apply to every engine, such as the largest message, are in
/// [`ServerConfig`](stellarfw_transport::ServerConfig).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct WsConfig {
    /// The engine's own path, at which it answers besides the server's pathname. Default `/ws`.
    pub path: String,
    /// `permessage-deflate`. Default: off. It costs CPU on both sides, and can leak a secret that
    /// shares a message with an attacker's text (CRIME). In a configuration file, `true` enables it
    /// with its defaults.
    #[serde(with = "stellarfw_transport::switch")]
    pub compression: Option<DeflateConfig>,
    /// Size in bytes of the buffer for messages that are not complete in one read: fragmented or
    /// large ones. A connection allocates it for the duration of such a message, or for good where
    /// compression was agreed. A larger buffer saves reads where clients send large messages.
    /// Default 4,096.
    pub read_buffer: usize,
    /// The largest frame in bytes, where it is less than the server's `maxLength`. Default: none.
    #[serde(with = "stellarfw_transport::switch")]
    pub max_frame: Option<usize>,
}

impl Default for WsConfig {
    fn default() -> Self {
        let options = WebSocketOptions::default();
        Self {
            path: "/ws".into(),
            compression: options.compression,
            read_buffer: options.read_buffer,
            max_frame: options.max_frame,
        }
    }
}

impl WsConfig {
    /// Returns the options of the engine's connections.
    pub(crate) fn options(&self) -> WebSocketOptions {
        let mut options = WebSocketOptions::default();
        options.compression = self.compression.clone();
        options.read_buffer = self.read_buffer;
        options.max_frame = self.max_frame;
        options
    }
}
