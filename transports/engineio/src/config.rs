//! The engine's settings.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stellarfw_transport::{ServerConfig, SessionBinding};

/// The settings of the Engine.IO engine. Settings of every engine, such as the longest message, are in
/// [`ServerConfig`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct EngineIoConfig {
    /// The engine's own path, in addition to the server's pathname. Default `/engine.io`.
    pub path: String,
    /// Milliseconds between the engine's pings. Default 25,000; at most four fifths of the server's
    /// `pingInterval`, so that the answers are signs of life for that, too. 0 disables pings: the
    /// handshake announces the longest interval that a timer of JavaScript can wait for.
    pub ping_interval: u64,
    /// Milliseconds in which a client must answer a ping. Default 20,000. A session that never polls
    /// ends after this time.
    pub ping_timeout: u64,
    /// The longest body of a POST in bytes, announced as `maxPayload`. Default: one message of the
    /// server's `maxLength` in base64. It also bounds the response to a poll without its last message.
    /// With a smaller value clients cannot send the longest messages by polling.
    #[serde(with = "stellarfw_transport::switch")]
    pub max_payload: Option<usize>,
    /// Milliseconds that the body of a POST may fall behind the server's `leastRate`, if the server's
    /// `messageTimeout` is not shorter. After that it gets 408. Default 30,000.
    pub post_timeout: u64,
    /// Accepts clients of protocol 3 (engine.io-client 3). Default: no. Needs the feature `v3`.
    pub allow_eio3: bool,
    /// The name of a cookie with the session's id, for load balancers. Default: no cookie.
    #[serde(with = "stellarfw_transport::switch")]
    pub cookie: Option<String>,
    /// What the requests of a session must share with the request that opened it, besides the id.
    /// Others get the response for an unknown session. Default: nothing.
    #[serde(with = "stellarfw_transport::switch")]
    pub bind: Option<SessionBinding>,
    /// Size in bytes of the buffer for WebSocket messages that arrive in parts. Default 4,096. It is
    /// allocated only while such a message is read.
    pub read_buffer: usize,
}

/// The longest delay of a timer in JavaScript, in milliseconds. Longer timers fire immediately.
const LONGEST_TIMER: u64 = i32::MAX as u64;

impl Default for EngineIoConfig {
    fn default() -> Self {
        Self {
            path: "/engine.io".into(),
            ping_interval: 25_000,
            ping_timeout: 20_000,
            max_payload: None,
            post_timeout: 30_000,
            allow_eio3: false,
            cookie: None,
            bind: None,
            read_buffer: 4_096,
        }
    }
}

impl EngineIoConfig {
    /// Returns the interval between pings, next to the heartbeat of a server.
    #[must_use]
    pub fn ping_interval(&self, server: &ServerConfig) -> Duration {
        let own = match self.ping_interval {
            0 => u64::MAX,
            milliseconds => milliseconds,
        };
        // Clients wait for both together.
        let most = LONGEST_TIMER - self.ping_timeout.clamp(1, LONGEST_TIMER / 2);
        let own = Duration::from_millis(own.min(most));
        match server.ping_interval() {
            Some(interval) => own.min(interval * 4 / 5),
            None => own,
        }
    }

    /// Returns the time in which a client must answer a ping.
    #[must_use]
    pub fn ping_timeout(&self) -> Duration {
        Duration::from_millis(self.ping_timeout.clamp(1, LONGEST_TIMER / 2))
    }

    /// Returns the name of the first setting that must not be 0 and is.
    #[must_use]
    pub fn zero(&self) -> Option<&'static str> {
        let settings = [
            ("pingTimeout", self.ping_timeout == 0),
            ("postTimeout", self.post_timeout == 0),
            ("maxPayload", self.max_payload == Some(0)),
        ];
        settings.iter().find(|(_, is_zero)| *is_zero).map(|s| s.0)
    }

    /// Returns how long a WebSocket may accept no bytes while output is queued.
    #[must_use]
    pub(crate) fn patience(&self, server: &ServerConfig) -> Duration {
        let usual = Duration::from_millis(Self::default().ping_interval);
        let interval = match self.ping_interval {
            0 => self.ping_interval(server).min(usual),
            _ => self.ping_interval(server),
        };
        interval + self.ping_timeout()
    }

    /// Returns the longest body of a POST, for messages of up to `longest` bytes.
    #[must_use]
    pub fn max_payload(&self, longest: usize) -> usize {
        self.max_payload.unwrap_or_else(|| max_payload(longest))
    }

    /// Returns how far a POST may fall behind the least rate.
    #[must_use]
    pub fn post_timeout(&self) -> Duration {
        Duration::from_millis(self.post_timeout)
    }
}

/// Returns the length in bytes of a POST that holds one message of `max_length` bytes in base64.
#[must_use]
pub fn max_payload(max_length: usize) -> usize {
    max_length.div_ceil(3).saturating_mul(4).saturating_add(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_of_clients_can_wait_for_every_interval() {
        let mut server = ServerConfig::default();
        assert!(server.ping_interval > 0);
        server.ping_interval = 0;
        for (interval, timeout, expected) in [
            (0, 20_000, LONGEST_TIMER - 20_000),
            (1, 20_000, 1),
            (25_000, 20_000, 25_000),
            (LONGEST_TIMER, 20_000, LONGEST_TIMER - 20_000),
            (u64::MAX, u64::MAX, LONGEST_TIMER - LONGEST_TIMER / 2),
        ] {
            let config = EngineIoConfig {
                ping_interval: interval,
                ping_timeout: timeout,
                ..EngineIoConfig::default()
            };
            let announced = config.ping_interval(&server);
            assert_eq!(announced, Duration::from_millis(expected));
            assert!(announced + config.ping_timeout() <= Duration::from_millis(LONGEST_TIMER));
        }
        // A server with heartbeats needs signs of life.
        server.ping_interval = 1_000;
        let config = EngineIoConfig {
            ping_interval: 0,
            ..EngineIoConfig::default()
        };
        assert_eq!(config.ping_interval(&server), Duration::from_millis(800));
    }
}
