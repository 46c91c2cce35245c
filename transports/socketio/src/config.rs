//! The engine's settings.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stellarfw_engineio::EngineIoConfig;
use stellarfw_transport::{ServerConfig, SessionBinding};

/// So many namespaces there may be.
const MOST_NAMESPACES: usize = 64;
/// The longest name of one in bytes.
const LONGEST_NAMESPACE: usize = 256;

/// The settings of the Socket.IO engine; those that hold for every engine, such as the longest
/// message, are in [`ServerConfig`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct SocketIoConfig {
    /// The engine's own path, at which it answers besides the server's pathname. Default
    /// `/socket.io`.
    pub path: String,
    /// The namespaces that clients may connect to; another one is answered `Invalid namespace`. Each
    /// begins with a slash; there may be 64. A client's connections to several of them share its
    /// transport and its outbox, and each is a spark of its own, whose namespace is
    /// [`Namespace::of`](crate::Namespace::of) its extensions. Default: `/` alone.
    pub namespaces: Vec<String>,
    /// Whether pushes are sent as events named by their context (`user`, `alert`, `api`,
    /// `welcome`), and events of rooms under their own names too. Default: yes. If not, all is
    /// sent as `message`.
    pub named_events: bool,
    /// Whether payloads are events as they are, both ways: `{event, args}`, and `messageId` where an
    /// event has an acknowledgement; `{messageId, args}` sent back is that. For applications on the
    /// transport layer alone, which then have Socket.IO's own events; Stellar's layer needs it off.
    /// Default: no.
    pub plain_events: bool,
    /// Milliseconds between Engine.IO's pings; 0 turns them off. Default 25,000; never more than four fifths of the
    /// server's `pingInterval`.
    pub ping_interval: u64,
    /// Milliseconds that a client may take to answer such a ping. Default 20,000.
    pub ping_timeout: u64,
    /// Milliseconds within which a client has to be in a namespace; after that its transport is
    /// closed. Default: twice the server's `handshakeTimeout`, once to ask and once for the
    /// authorizer.
    #[serde(with = "stellarfw_transport::switch")]
    pub connect_timeout: Option<u64>,
    /// The longest body of a POST in bytes, which clients are told as `maxPayload`. Default: what
    /// one message of the server's `maxLength` takes in base64.
    #[serde(with = "stellarfw_transport::switch")]
    pub max_payload: Option<usize>,
    /// Milliseconds that the body of a POST may fall behind the server's `leastRate`, where its
    /// `messageTimeout` is not less; 408 after that. Default 30,000.
    pub post_timeout: u64,
    /// Whether clients of Socket.IO 2 are let in. Default: no. Needs the feature `v2`.
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

impl Default for SocketIoConfig {
    fn default() -> Self {
        let engine = EngineIoConfig::default();
        Self {
            path: "/socket.io".into(),
            namespaces: vec!["/".into()],
            named_events: true,
            plain_events: false,
            ping_interval: engine.ping_interval,
            ping_timeout: engine.ping_timeout,
            connect_timeout: None,
            max_payload: engine.max_payload,
            post_timeout: engine.post_timeout,
            allow_eio3: engine.allow_eio3,
            cookie: engine.cookie,
            bind: engine.bind,
            read_buffer: engine.read_buffer,
        }
    }
}

impl SocketIoConfig {
    /// Whether there are others than `/`.
    pub(crate) fn has_several(&self) -> bool {
        self.namespaces != ["/"]
    }

    /// What is wrong with the namespaces.
    pub(crate) fn bad_namespaces(&self) -> Option<String> {
        let names = &self.namespaces;
        if names.is_empty() || names.len() > MOST_NAMESPACES {
            return Some(format!("there must be 1 to {MOST_NAMESPACES} namespaces"));
        }
        if self.allow_eio3 && !names.iter().any(|name| name == "/") {
            return Some("clients of Socket.IO 2 need the namespace \"/\"".into());
        }
        let is_bad = |name: &String| {
            !name.starts_with('/') || name.contains([',', '?']) || name.len() > LONGEST_NAMESPACE
        };
        if let Some(bad) = names.iter().find(|name| is_bad(name)) {
            return Some(format!(
                "the namespace {bad:?} must begin with \"/\", hold no \",\" or \"?\" and have at most \
                 {LONGEST_NAMESPACE} bytes"
            ));
        }
        let mut names = names.iter().enumerate();
        let (_, twice) = names.find(|(n, name)| self.namespaces[..*n].contains(name))?;
        Some(format!("the namespace {twice:?} is there twice"))
    }

    /// The first setting that is 0 although every client needs it.
    pub(crate) fn zero(&self) -> Option<&'static str> {
        let own = (self.connect_timeout == Some(0)).then_some("connectTimeout");
        own.or_else(|| self.engine().zero())
    }

    /// How long a client may take to be in the namespace.
    pub(crate) fn connect_timeout(&self, server: &ServerConfig) -> Duration {
        match self.connect_timeout {
            Some(milliseconds) => Duration::from_millis(milliseconds),
            None => server.handshake_timeout() * 2,
        }
    }

    /// Those of them that are Engine.IO's.
    pub(crate) fn engine(&self) -> EngineIoConfig {
        let mut engine = EngineIoConfig::default();
        engine.path.clone_from(&self.path);
        engine.ping_interval = self.ping_interval;
        engine.ping_timeout = self.ping_timeout;
        engine.max_payload = self.max_payload;
        engine.post_timeout = self.post_timeout;
        engine.allow_eio3 = self.allow_eio3;
        engine.cookie.clone_from(&self.cookie);
        engine.bind.clone_from(&self.bind);
        engine.read_buffer = self.read_buffer;
        engine
    }
}
