//! The engine's settings.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stellarfw_transport::SessionBinding;
use stellarfw_websocket::{WebSocketOptions, deflate::DeflateConfig};

/// The settings of the SockJS engine; those that hold for every engine, such as the longest
/// message, are in [`ServerConfig`](stellarfw_transport::ServerConfig).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct SockJsConfig {
    /// The engine's own path, at which it answers besides the server's pathname. Default
    /// `/sockjs`.
    pub path: String,
    /// Whether WebSocket is one of the ways. Default: yes. Without it clients are told so by
    /// `info`, and its paths are 404.
    pub websocket: bool,
    /// Milliseconds between the `h` frames of a receiver that waits, so that nothing on the way
    /// takes the connection for dead; 0 turns them off. Default 25,000. Over WebSocket there is one
    /// with each ping of the server.
    pub heartbeat_delay: u64,
    /// Milliseconds that a session is kept without a receiver, and that a closed one still tells
    /// why. Default 5,000.
    pub disconnect_delay: u64,
    /// After so many bytes a streaming response ends and the client asks for the next one: what a
    /// browser has received it keeps until then. A poll takes about as much at once. Default
    /// 131,072.
    pub response_limit: usize,
    /// Milliseconds that the body of a send may fall behind the server's `leastRate`, where its
    /// `messageTimeout` is not less; 408 after that. Default 30,000.
    pub send_timeout: u64,
    /// Where `iframe.html` finds the client's script; without one there is no such page. Whoever
    /// serves this script can act on the server's origin, unless `integrity` names its hash.
    /// Default: version 1.6.1 at jsDelivr; in a file of settings `false` is none.
    #[serde(with = "stellarfw_transport::switch")]
    pub script: Option<String>,
    /// The hash of that script, as the attribute `integrity` has it (`sha384-…`): browsers run no
    /// other one. Default: none; of the default script it is known, and always there.
    #[serde(with = "stellarfw_transport::switch")]
    pub integrity: Option<String>,
    /// Whether a `JSESSIONID` cookie is set, for load balancers that need one to send all requests
    /// of a session to the same server. Default: no.
    pub cookie: bool,
    /// Whether a session belongs to the address that opened it: the same IPv4 address, or the
    /// same /64 of IPv6. Default: yes. Turn it off where clients come through several proxies at
    /// once and those are not trusted to tell the client's address.
    pub bind_address: bool,
    /// What the requests of a session must have in common with the one that opened it, besides what
    /// `bind_address` demands. `Address` is the same as that. Default: nothing more.
    #[serde(with = "stellarfw_transport::switch")]
    pub bind: Option<SessionBinding>,
    /// `permessage-deflate` over WebSocket. Default: off. See [`DeflateConfig`].
    #[serde(with = "stellarfw_transport::switch")]
    pub compression: Option<DeflateConfig>,
    /// Size of a WebSocket's read buffer in bytes. Default 4,096.
    pub read_buffer: usize,
}

/// The script of the page for iframes, and its hash.
const SCRIPT: &str = "https://cdn.jsdelivr.net/npm/sockjs-client@1.6.1/dist/sockjs.min.js";
const INTEGRITY: &str = "sha384-svdnwiXBL+Js+yUneJSRFy24NgGiOfDM/vkQl/vCeVrcbYD6yW8EwPr1FnxTEZsR";

impl Default for SockJsConfig {
    fn default() -> Self {
        Self {
            path: "/sockjs".into(),
            websocket: true,
            heartbeat_delay: 25_000,
            disconnect_delay: 5_000,
            response_limit: 128 << 10,
            send_timeout: 30_000,
            script: Some(SCRIPT.into()),
            integrity: None,
            cookie: false,
            bind_address: true,
            bind: None,
            compression: None,
            read_buffer: 4_096,
        }
    }
}

impl SockJsConfig {
    /// Has the page for iframes load a script that this server serves, unless another than the default
    /// is set. `path` is relative to the page.
    pub fn serve_script(&mut self, path: impl Into<String>) {
        if self.script.as_deref() == Some(SCRIPT) {
            self.script = Some(path.into());
        }
    }

    /// The time between heartbeats, or none when they are off.
    pub(crate) fn heartbeat_delay(&self) -> Option<Duration> {
        (self.heartbeat_delay > 0).then(|| Duration::from_millis(self.heartbeat_delay))
    }

    /// The script of the page for iframes, and its hash if that is known.
    pub(crate) fn script(&self) -> Option<(&str, Option<&str>)> {
        let script = self.script.as_deref()?;
        let known = (script == SCRIPT).then_some(INTEGRITY);
        Some((script, self.integrity.as_deref().or(known)))
    }

    pub(crate) fn disconnect_delay(&self) -> Duration {
        Duration::from_millis(self.disconnect_delay)
    }

    pub(crate) fn send_timeout(&self) -> Duration {
        Duration::from_millis(self.send_timeout)
    }

    /// The first setting that is 0 although every client needs it.
    pub(crate) fn zero(&self) -> Option<&'static str> {
        let settings = [
            ("disconnectDelay", self.disconnect_delay),
            ("sendTimeout", self.send_timeout),
        ];
        settings.iter().find(|(_, value)| *value == 0).map(|s| s.0)
    }

    /// Returns the options of the connections over WebSocket.
    pub(crate) fn websocket_options(&self) -> WebSocketOptions {
        let mut options = WebSocketOptions::default();
        options.compression = self.compression.clone();
        options.read_buffer = self.read_buffer;
        options
    }
}

#[cfg(test)]
mod tests {
    use super::SockJsConfig;

    #[test]
    fn unknown_keys_are_errors_and_defaults_fill_in() {
        let config: SockJsConfig =
            serde_json::from_str(r#"{"disconnectDelay":7,"script":null}"#).unwrap();
        assert_eq!(config.disconnect_delay, 7);
        assert_eq!(config.script, None);
        assert_eq!(config.response_limit, 131_072);
        assert!(serde_json::from_str::<SockJsConfig>(r#"{"disconectDelay":7}"#).is_err());
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<SockJsConfig>(&text).unwrap(), config);
    }
}
