//! The engine's settings.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stellarfw_transport::{ServerConfig, SessionBinding};

/// The settings of the Engine.IO engine; those that hold for every engine, such as the longest
/// message, are in [`ServerConfig`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct EngineIoConfig {
    /// The engine's own path, at which it answers besides the server's pathname. Default
    /// `/engine.io`.
    pub path: String,
    /// Milliseconds between the engine's own pings; 0 turns them off: clients are told the longest
    /// interval that their timers can wait for. Default 25,000; never more than four fifths of the
    /// server's `pingInterval`, so that a client that answers is not taken for dead.
    pub ping_interval: u64,
    /// Milliseconds that a client may take to answer the engine's ping. Default 20,000. A session
    /// that opened and never polled ends after this time.
    pub ping_timeout: u64,
    /// The longest body of a POST in bytes, which clients are told as `maxPayload`. Default: what
    /// one message of the server's `maxLength` takes in base64. It bounds the answer to a poll,
    /// too, all but its last message. Less than a message takes keeps clients from sending long ones by polling.
    #[serde(with = "stellarfw_transport::switch")]
    pub max_payload: Option<usize>,
    /// Milliseconds that the body of a POST may fall behind the server's `leastRate`, where its
    /// `messageTimeout` is not less; 408 after that. Default 30,000.
    pub post_timeout: u64,
    /// Whether clients of protocol 3 (engine.io-client 3) are let in. Default: no. Needs the
    /// feature `v3`.
    pub allow_eio3: bool,
    /// The name of a cookie that tells the session's id to a load balancer. Default: none is set.
    #[serde(with = "stellarfw_transport::switch")]
    pub cookie: Option<String>,
    /// What the requests of a session must have in common with the one that opened it; others are
    /// answered as of an unknown session. Default: its id alone.
    #[serde(with = "stellarfw_transport::switch")]
    pub bind: Option<SessionBinding>,
    /// Size of the buffer in bytes from which a WebSocket's messages are read that do not come whole.
    /// Default 4,096. It is there while such a message is read.
    pub read_buffer: usize,
}

/// The longest that a timer of JavaScript waits, in milliseconds; a longer one fires at once.
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
    /// How often the engine pings, beside a server's own heartbeat.
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

    /// How long a client may take to answer.
    #[must_use]
    pub fn ping_timeout(&self) -> Duration {
        Duration::from_millis(self.ping_timeout.clamp(1, LONGEST_TIMER / 2))
    }

    /// The first setting that is 0 although every client needs it.
    #[must_use]
    pub fn zero(&self) -> Option<&'static str> {
        let settings = [
            ("pingTimeout", self.ping_timeout == 0),
            ("postTimeout", self.post_timeout == 0),
            ("maxPayload", self.max_payload == Some(0)),
        ];
        settings.iter().find(|(_, is_zero)| *is_zero).map(|s| s.0)
    }

    /// How long a WebSocket may take nothing of what is written to it.
    #[must_use]
    pub(crate) fn patience(&self, server: &ServerConfig) -> Duration {
        let usual = Duration::from_millis(Self::default().ping_interval);
        let interval = match self.ping_interval {
            0 => self.ping_interval(server).min(usual),
            _ => self.ping_interval(server),
        };
        interval + self.ping_timeout()
    }

    /// The longest body of a POST, where a message has at most so many bytes.
    #[must_use]
    pub fn max_payload(&self, longest: usize) -> usize {
        self.max_payload.unwrap_or_else(|| max_payload(longest))
    }

    /// How long a POST may take to arrive.
    #[must_use]
    pub fn post_timeout(&self) -> Duration {
        Duration::from_millis(self.post_timeout)
    }
}

/// The longest body of a POST: one message of `maxLength` in base64, and its type.
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
            let told = config.ping_interval(&server);
            assert_eq!(told, Duration::from_millis(expected));
            assert!(told + config.ping_timeout() <= Duration::from_millis(LONGEST_TIMER));
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
