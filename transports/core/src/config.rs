//! The settings of a server.

use std::{net::SocketAddr, time::Duration};

use http::{Extensions, HeaderMap, request::Parts};
use serde::{Deserialize, Serialize};

use crate::{
    hosts::Hosts,
    http::{Peer, Secure},
    origin::{OriginPolicy, Provenance},
    outlet::OutboxLimits,
    proxy::{ProxyHeader, TrustedProxies},
    rate::{ConnectRate, MessageRate},
};

/// The settings of the transport layer. Every bound is here; an unknown key is an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServerConfig {
    /// The path that the primary transport owns, matched by segment. Default `/primus`.
    pub pathname: String,
    /// Milliseconds between pings; 0 turns heartbeats off. Default 30,000. A spark of which
    /// nothing was heard for a whole interval is ended, and its client may come again.
    pub ping_interval: u64,
    /// The longest message that is taken, in bytes; a longer one ends its spark with 1009.
    /// Default 10,485,760.
    pub max_length: usize,
    /// How many bytes the process may hold for its clients: what is read and not yet handled, what is
    /// being handled, and what waits to be written. Default: a quarter of [`memory_limit`](crate::memory_limit); 0 is no
    /// bound.
    #[serde(with = "crate::switch")]
    pub memory_budget: Option<usize>,
    /// What may wait to be sent to one spark; more ends it with 1013.
    pub outbox: OutboxLimits,
    /// What may wait for a busy handler of one spark; more ends it with 1013.
    pub inbox: InboxLimits,
    /// Milliseconds that a message which does not come whole may fall behind
    /// [`least_rate`](Self::least_rate); its spark is ended with 1008 then. Default 30,000; 0 is no
    /// bound.
    pub message_timeout: u64,
    /// The least rate of a message that does not come whole, in bytes a second. Default 1,024. With 0
    /// a message must be whole within `message_timeout`.
    pub least_rate: u64,
    /// How many messages one spark may send in a time. Default: as many as it likes.
    pub message_rate: MessageRate,
    /// How many messages all connections of one client may send in a time, calls over HTTP included;
    /// more are refused as those over `messageRate` are. Default 0 a second: 20 times `messageRate`,
    /// so no bound without that.
    ///
    /// A client is what has the same [`client_key`](crate::ServerBuilder::client_key), or else the
    /// same address: one of IPv4, a /64 of IPv6, and the one that a trusted proxy reports.
    pub message_rate_per_client: MessageRate,
    /// How many sparks may be open at once; more are answered 503. Default 100,000.
    pub max_connections: usize,
    /// How many connections one address may have, from the first byte of their handshake on; more
    /// are answered 429. 0 is no bound. Default 25,000: a quarter of all, so that no address takes
    /// every place, and a proxy that is not in `trustedProxies` still serves many clients.
    ///
    /// An address is one of IPv4, or a /64 of IPv6, and the one that a trusted proxy reports.
    pub max_connections_per_address: usize,
    /// How many handshakes may be under way at once; more are answered 503. Default 4,096.
    pub max_handshakes: usize,
    /// How many handshakes of one address may be under way at once; more are answered 429. 0 is no
    /// bound. Default 1,024.
    pub max_handshakes_per_address: usize,
    /// How many new connections may come in a time; more are answered 503. Default: no bound.
    pub connect_rate: ConnectRate,
    /// How many new connections of one address may come in a time; more are answered 429. Default:
    /// no bound.
    pub connect_rate_per_address: ConnectRate,
    /// Milliseconds that a handshake may take, the authorizer included. Default 10,000.
    pub handshake_timeout: u64,
    /// Milliseconds that a closing connection is given to finish. Default 5,000.
    pub close_timeout: u64,
    /// Which web pages may connect. Default: those of the same host and port.
    pub origins: OriginPolicy,
    /// The hosts that requests may name; others are answered 421. Default: what it listens on, see
    /// [`ServerConfig::serves_host`].
    pub hosts: Hosts,
    /// Names of the addresses that it listens on, served besides `hosts`. Not a setting: whoever
    /// listens on a name adds it. Default: none.
    #[serde(skip)]
    pub own_hosts: Vec<String>,
    /// Proxies that may report the client's address. Default: none.
    pub trusted_proxies: TrustedProxies,
    /// The one header in which those proxies report it. Default `X-Forwarded-For`; all others are
    /// ignored.
    pub proxy_header: ProxyHeader,
}

/// The bounds of an inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct InboxLimits {
    /// How many messages may wait. Default 1,024.
    pub messages: usize,
    /// How many bytes may wait, one message over. Default 1 MiB.
    pub bytes: usize,
}

impl InboxLimits {
    /// Bounds of that many messages and bytes.
    #[must_use]
    pub fn new(messages: usize, bytes: usize) -> Self {
        Self { messages, bytes }
    }
}

impl Default for InboxLimits {
    fn default() -> Self {
        Self {
            messages: 1_024,
            bytes: 1 << 20,
        }
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            pathname: "/primus".into(),
            ping_interval: 30_000,
            max_length: 10_485_760,
            memory_budget: None,
            outbox: OutboxLimits::default(),
            inbox: InboxLimits::default(),
            message_timeout: 30_000,
            least_rate: 1_024,
            message_rate: MessageRate::default(),
            message_rate_per_client: MessageRate::default(),
            max_connections: 100_000,
            max_connections_per_address: 25_000,
            max_handshakes: 4_096,
            max_handshakes_per_address: 1_024,
            connect_rate: ConnectRate::default(),
            connect_rate_per_address: ConnectRate::default(),
            handshake_timeout: 10_000,
            close_timeout: 5_000,
            origins: OriginPolicy::default(),
            hosts: Hosts::default(),
            own_hosts: Vec::new(),
            trusted_proxies: TrustedProxies::default(),
            proxy_header: ProxyHeader::default(),
        }
    }
}

impl ServerConfig {
    /// The ping interval, or none when heartbeats are off.
    #[must_use]
    pub fn ping_interval(&self) -> Option<Duration> {
        (self.ping_interval > 0).then(|| Duration::from_millis(self.ping_interval))
    }

    /// Returns the client's address behind the trusted proxies, if the peer's is known.
    #[must_use]
    pub fn client_address(
        &self,
        peer: Option<SocketAddr>,
        headers: &HeaderMap,
    ) -> Option<SocketAddr> {
        self.trusted_proxies
            .client(peer, &self.proxy_header, headers)
    }

    /// Returns `true` if the client came over HTTPS, `false` if it came over plain HTTP, and `None`
    /// where that is unknown.
    ///
    /// It is known of the server's own TLS, and where a trusted proxy reports it. A connection
    /// without TLS may come from a proxy that is not in `trusted_proxies`, so nothing is known of it.
    /// Call it before the extension [`Peer`] is replaced by the client's address.
    #[must_use]
    pub fn is_https(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<bool> {
        if extensions.get::<Secure>().is_some() {
            return Some(true);
        }
        let peer = extensions.get::<Peer>().map(|peer| peer.0);
        self.trusted_proxies
            .is_secure(peer, &self.proxy_header, headers)
    }

    /// Returns how a request stands to [`origins`](Self::origins).
    #[must_use]
    pub fn provenance(&self, parts: &Parts) -> Provenance {
        let https = self.is_https(&parts.extensions, &parts.headers);
        self.origins.judge(&parts.headers, &parts.uri, https)
    }

    /// Returns `true` unless a request comes from a page that may not connect.
    #[must_use]
    pub fn allows_page(&self, parts: &Parts) -> bool {
        self.provenance(parts) != Provenance::Foreign
    }

    /// The pace of a message that does not come whole, if there is one: how far it may fall behind, and
    /// the bytes a second.
    pub(crate) fn message_pace(&self) -> Option<(Duration, u64)> {
        let timeout = Duration::from_millis(self.message_timeout);
        (self.message_timeout > 0).then_some((timeout, self.least_rate))
    }

    /// How far the body of a POST may fall behind [`least_rate`](Self::least_rate), where the engine
    /// allows `timeout`.
    #[must_use]
    pub fn body_grace(&self, timeout: Duration) -> Duration {
        match self.message_timeout {
            0 => timeout,
            own => timeout.min(Duration::from_millis(own)),
        }
    }

    /// The handshake timeout.
    #[must_use]
    pub fn handshake_timeout(&self) -> Duration {
        Duration::from_millis(self.handshake_timeout)
    }

    /// The close timeout.
    #[must_use]
    pub fn close_timeout(&self) -> Duration {
        Duration::from_millis(self.close_timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_errors_and_defaults_fill_in() {
        let config: ServerConfig = serde_json::from_str(
            r#"{"pingInterval":5,"origins":{"list":["https://a.com"]},"trustedProxies":["10.0.0.0/8"]}"#,
        )
        .unwrap();
        assert_eq!(config.ping_interval(), Some(Duration::from_millis(5)));
        assert_eq!(config.max_length, 10_485_760);
        let error = serde_json::from_str::<ServerConfig>(r#"{"pingIntervall":5}"#).unwrap_err();
        assert!(error.to_string().contains("pingIntervall"), "{error}");
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<ServerConfig>(&text).unwrap(), config);
    }
}
