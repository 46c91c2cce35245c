//! The settings of a server that listens by itself.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use stellarfw_transport::serve::{Limits, Pace};

/// What connections may take at HTTP, before they are sparks. As
/// [`Limits`], in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct HttpConfig {
    /// Milliseconds for the head of a request, for a TLS handshake, and for an idle connection's
    /// next request. Default 10,000.
    pub header_timeout: u64,
    /// The largest head of a request in bytes. Default 16 KiB; at least 8 KiB.
    pub max_head: usize,
    /// How many headers a request may have. Default 100.
    pub max_headers: usize,
    /// Milliseconds of silence in the body of a request, while it is read, before it is answered 408;
    /// 0 is no bound. Default 15,000.
    pub body_timeout: u64,
    /// Bytes a second of a body below which that time is used up, and not given back. 0: any byte
    /// gives it back. Default 1,024.
    pub body_rate: u64,
    /// Milliseconds in which a client may take nothing of an answer before its connection is closed,
    /// or its stream reset; 0 is no bound. Default 30,000.
    pub answer_timeout: u64,
    /// Bytes a second of an answer below which that time is used up. Default 1,024.
    pub answer_rate: u64,
    /// How many connections may be at HTTP at once; further ones are spare. Default 16,384.
    pub max_connections: usize,
    /// How many connections beyond the bounds are accepted for `/healthz` and `/readyz` alone; other
    /// requests on them are answered 503. 0: none, further ones wait. Default 256.
    pub spare_connections: usize,
    /// How many connections one address may have at HTTP at once; further ones are spare. 0 is no
    /// bound. Default 4,096. A server behind a proxy sees the address of the proxy alone.
    pub max_connections_per_address: usize,
    /// Milliseconds that requests under way are given when the server stops. Default 5,000.
    pub stop_timeout: u64,
    /// Milliseconds for which the rest of a request is read and discarded after an answer that came
    /// before its end, so that the answer is not lost in a reset. Default 30,000.
    pub linger_timeout: u64,
    /// How many bytes are read and discarded so. Default 64 MiB.
    pub linger_bytes: usize,
}

impl Default for HttpConfig {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            header_timeout: millis(limits.header_timeout),
            max_head: limits.max_head,
            max_headers: limits.max_headers,
            body_timeout: millis(limits.body.timeout),
            body_rate: limits.body.rate,
            answer_timeout: millis(limits.answer.timeout),
            answer_rate: limits.answer.rate,
            max_connections: limits.max_connections,
            spare_connections: limits.spare_connections,
            max_connections_per_address: limits.max_connections_per_address,
            stop_timeout: millis(limits.stop_timeout),
            linger_timeout: millis(limits.linger_timeout),
            linger_bytes: limits.linger_bytes,
        }
    }
}

impl HttpConfig {
    /// How fast the body of a request must come.
    pub(crate) fn body_pace(&self) -> Pace {
        Pace::new(Duration::from_millis(self.body_timeout), self.body_rate)
    }

    /// The same as the transport layer takes it.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.header_timeout = Duration::from_millis(self.header_timeout);
        limits.max_head = self.max_head;
        limits.max_headers = self.max_headers;
        limits.body = self.body_pace();
        limits.answer = Pace::new(Duration::from_millis(self.answer_timeout), self.answer_rate);
        limits.max_connections = self.max_connections;
        limits.spare_connections = self.spare_connections;
        limits.max_connections_per_address = self.max_connections_per_address;
        limits.stop_timeout = Duration::from_millis(self.stop_timeout);
        limits.linger_timeout = Duration::from_millis(self.linger_timeout);
        limits.linger_bytes = self.linger_bytes;
        limits
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The files of a certificate. They are read again when they change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct TlsConfig {
    /// The chain of certificates, the server's own first, in PEM. Default: none.
    #[serde(with = "stellarfw_transport::switch")]
    pub cert: Option<PathBuf>,
    /// Its private key, in PEM. Default: none.
    #[serde(with = "stellarfw_transport::switch")]
    pub key: Option<PathBuf>,
}

/// Where metrics are told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct MetricsConfig {
    /// The address that answers `/metrics`, `/healthz` and `/readyz` where the server listens by
    /// itself: one that only your own can reach. Default: none.
    #[serde(with = "stellarfw_transport::switch")]
    pub listen: Option<String>,
}

/// How a server stops when it is asked to: connections are told to come again, to whoever serves
/// then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct DrainConfig {
    /// Milliseconds from the moment that `/readyz` says 503 until anything else changes, for
    /// those in front of the server to notice. Default 0.
    pub delay: u64,
    /// Milliseconds over which connections are sent away, so that they do not all come again at
    /// once. Default 0: all at once.
    pub spread: u64,
    /// Milliseconds that all of it may take after the delay; what is left then is cut.
    /// Default 5,000; at least `spread`.
    pub deadline: u64,
    /// Milliseconds within which clients reconnect, each at a random moment, that understand what the
    /// server says before it sends them away, as this project's own client does. 0 leaves that to
    /// them. Default 0.
    pub reconnect_within: u64,
}

impl Default for DrainConfig {
    fn default() -> Self {
        Self {
            delay: 0,
            spread: 0,
            deadline: 5_000,
            reconnect_within: 0,
        }
    }
}
