//! The engine's settings.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stellarfw_transport::SessionBinding;
use stellarfw_websocket::{WebSocketOptions, deflate::DeflateConfig};

/// Settings of the SockJS engine.
///
/// Settings shared by all engines, such as the maximum message length, are in
/// [`ServerConfig`](stellarfw_transport::ServerConfig).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct SockJsConfig {
    /// The engine's own path, served in addition to the server's pathname. Default: `/sockjs`.
    pub path: String,
    /// Enables the WebSocket transport. Default: `true`.
    ///
    /// If `false`, `info` reports `"websocket":false` and the WebSocket paths return 404.
    pub websocket: bool,
    /// Milliseconds between `h` frames of an idle receiver; 0 turns them off. Default: 25,000.
    ///
    /// They keep proxies from closing an idle connection. Over WebSocket an `h` frame accompanies
    /// each ping of the server instead.
    pub heartbeat_delay: u64,
    /// Milliseconds that a session is kept without a receiver. Default: 5,000.
    ///
    /// A closed session returns its close frame for the same time.
    pub disconnect_delay: u64,
    /// Bytes after which a streaming response ends and the client requests the next one.
    /// Default: 131,072.
    ///
    /// Browsers hold a response in memory until it ends. A polling response holds about as much.
    pub response_limit: usize,
    /// Milliseconds that the body of a send may fall behind the server's `leastRate`. Default:
    /// 30,000.
    ///
    /// A smaller `messageTimeout` of the server applies instead. A slower body is answered 408.
    pub send_timeout: u64,
    /// URL of the client script that `iframe.html` loads. Default: version 1.6.1 at jsDelivr.
    ///
    /// Without a script (`false` in a settings file) the page does not exist. The host of the
    /// script can run code in the server's origin, unless `integrity` names the script's hash.
    #[serde(with = "stellarfw_transport::switch")]
    pub script: Option<String>,
    /// Hash of `script`, in the format of the `integrity` attribute (`sha384-…`). Default: none.
    ///
    /// Browsers refuse a script with another hash. The default script always has its hash.
    #[serde(with = "stellarfw_transport::switch")]
    pub integrity: Option<String>,
    /// Sets a `JSESSIONID` cookie, for load balancers with cookie-based affinity. Default: `false`.
    pub cookie: bool,
    /// Binds a session to the address that opened it. Default: `true`.
    ///
    /// The address is an IPv4 address or the /64 network of an IPv6 address. Turn it off if the
    /// requests of a client arrive through several proxies that are not trusted.
    pub bind_address: bool,
    /// An additional binding of a session to the request that opened it. Default: none.
    ///
    /// `Address` equals `bind_address`.
    #[serde(with = "stellarfw_transport::switch")]
    pub bind: Option<SessionBinding>,
    /// Options of `permessage-deflate` over WebSocket. Default: off. See [`DeflateConfig`].
    #[serde(with = "stellarfw_transport::switch")]
    pub compression: Option<DeflateConfig>,
    /// Size of a WebSocket connection's read buffer, in bytes. Default: 4,096.
    pub read_buffer: usize,
}

/// The default script of `iframe.html`, and its hash.
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
    /// Replaces the default script of `iframe.html` by one that this server hosts.
    ///
    /// `path` is relative to the page. Has no effect if `script` was changed.
    pub fn serve_script(&mut self, path: impl Into<String>) {
        if self.script.as_deref() == Some(SCRIPT) {
            self.script = Some(path.into());
        }
    }

    /// Returns the time between heartbeats, or `None` if they are off.
    pub(crate) fn heartbeat_delay(&self) -> Option<Duration> {
        (self.heartbeat_delay > 0).then(|| Duration::from_millis(self.heartbeat_delay))
    }

    /// Returns the script of `iframe.html`, with its hash if known.
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

    /// Returns the name of the first setting that must not be 0 and is.
    pub(crate) fn zero(&self) -> Option<&'static str> {
        let settings = [
            ("disconnectDelay", self.disconnect_delay),
            ("sendTimeout", self.send_timeout),
        ];
        settings.iter().find(|(_, value)| *value == 0).map(|s| s.0)
    }

    /// Returns the options of WebSocket connections.
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
