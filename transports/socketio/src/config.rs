//! The engine's settings.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stellarfw_engineio::EngineIoConfig;
use stellarfw_transport::{ServerConfig, SessionBinding};

/// The most namespaces.
const MAX_NAMESPACES: usize = 64;
/// The most bytes of a namespace's name.
const MAX_NAME: usize = 256;

/// The settings of the Socket.IO engine.
///
/// Settings that apply to every engine, such as the largest message, are in [`ServerConfig`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct SocketIoConfig {
    /// The engine's own path, at which it answers besides the server's pathname. Default
    /// `/socket.io`.
    pub path: String,
    /// The namespaces that clients may connect to, at most 64. A request for any other is refused with
    /// `Invalid namespace`. Each name begins with a slash. A client's connections to several namespaces
    /// share its transport and its outbox. Each is a spark; [`Namespace::of`](crate::Namespace::of)
    /// returns its namespace. Default: `/` alone.
    pub namespaces: Vec<String>,
    /// Sends pushes as events that are named by their context (`user`, `alert`, `api`, `welcome`), and
    /// events of rooms under their own names, too. If not, everything is sent as `message`. It is for
    /// the event map of Stellar's layer. Default: yes.
    pub named_events: bool,
    /// Makes payloads events of any name, both ways: `{event, args}`, with a `messageId` if the event has
    /// an acknowledgement. `{messageId, args}` acknowledges it. See [`PlainEvents`](crate::PlainEvents).
    /// It is for applications on the transport layer alone; Stellar's layer needs it off. Default: no.
    pub plain_events: bool,
    /// Milliseconds between Engine.IO's pings; 0 disables them. Default 25,000, and at most four fifths
    /// of the server's `pingInterval`.
    pub ping_interval: u64,
    /// Milliseconds within which a client has to answer a ping. Default 20,000.
    pub ping_timeout: u64,
    /// Milliseconds within which a client has to be connected to a namespace; after that its transport
    /// is closed. Default: twice the server's `handshakeTimeout`, once for the request and once for the
    /// authorizer.
    #[serde(with = "stellarfw_transport::switch")]
    pub connect_timeout: Option<u64>,
    /// The largest body of a POST in bytes, announced to clients as `maxPayload`. Default: the size of a
    /// message of the server's `maxLength` in base64.
    #[serde(with = "stellarfw_transport::switch")]
    pub max_payload: Option<usize>,
    /// Milliseconds that the body of a POST may fall behind the server's `leastRate`, unless its
    /// `messageTimeout` is less; after that the answer is 408. Default 30,000.
    pub post_timeout: u64,
    /// Admits clients of Socket.IO 2. Needs the feature `v2`. Default: no.
    pub allow_eio3: bool,
    /// The name of a cookie with the session's id, for load balancers. Default: none.
    #[serde(with = "stellarfw_transport::switch")]
    pub cookie: Option<String>,
    /// What the requests of a session must have in common with its first request, besides its id. Other
    /// requests are answered like those of an unknown session. Default: nothing.
    #[serde(with = "stellarfw_transport::switch")]
    pub bind: Option<SessionBinding>,
    /// Size in bytes of the buffer for WebSocket messages that are not complete in one read, allocated for
    /// the duration of such a message. Default 4,096.
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
    /// Returns `true` if there are other namespaces than `/`.
    pub(crate) fn has_several(&self) -> bool {
        self.namespaces != ["/"]
    }

    /// Returns the error in the namespaces, if there is one.
    pub(crate) fn bad_namespaces(&self) -> Option<String> {
        let names = &self.namespaces;
        if names.is_empty() || names.len() > MAX_NAMESPACES {
            return Some(format!("there must be 1 to {MAX_NAMESPACES} namespaces"));
        }
        if self.allow_eio3 && !names.iter().any(|name| name == "/") {
            return Some("clients of Socket.IO 2 need the namespace \"/\"".into());
        }
        let is_bad = |name: &String| {
            !name.starts_with('/') || name.contains([',', '?']) || name.len() > MAX_NAME
        };
        if let Some(bad) = names.iter().find(|name| is_bad(name)) {
            return Some(format!(
                "the namespace {bad:?} must begin with \"/\", hold no \",\" or \"?\" and have at most \
                 {MAX_NAME} bytes"
            ));
        }
        let mut names = names.iter().enumerate();
        let (_, twice) = names.find(|(n, name)| self.namespaces[..*n].contains(name))?;
        Some(format!("the namespace {twice:?} is there twice"))
    }

    /// Returns the first setting that must not be 0 and is.
    pub(crate) fn zero(&self) -> Option<&'static str> {
        let own = (self.connect_timeout == Some(0)).then_some("connectTimeout");
        own.or_else(|| self.engine().zero())
    }

    /// Returns the time within which a client has to be connected.
    pub(crate) fn connect_timeout(&self, server: &ServerConfig) -> Duration {
        match self.connect_timeout {
            Some(milliseconds) => Duration::from_millis(milliseconds),
            None => server.handshake_timeout() * 2,
        }
    }

    /// Returns the settings of Engine.IO.
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
