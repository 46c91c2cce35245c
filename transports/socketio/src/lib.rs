//! The Socket.IO engine of stellarfw: protocol 5, and 4 for clients of Socket.IO 2.
//!
//! ```no_run
//! use stellarfw_socketio::SocketIo;
//! use stellarfw_transport::Server;
//!
//! let server = Server::builder().transport(SocketIo::default()).build();
//! let service = server.service(); // mount it in axum, hyper, …
//! ```
//!
//! Each connection to a [namespace](SocketIoConfig::namespaces) is a spark. Its payloads are events: the
//! argument of an event `message` is a payload, both ways, and any other event of a client is the payload
//! `{event, args}`. An event with an acknowledgement has a `messageId` in its payload; the payload with the
//! same id that is sent back acknowledges it. Control messages of the transport layer are events `primus`.
//!
//! - [`SocketIoConfig::plain_events`] makes payloads events of any name, `{event, args}`, both ways.
//! - An [`EventMap`] defines events of one's own. `stellarfw` has one, with which its verbs are events.
//!
//! With MessagePack as the server's parser, packets are those of socket.io-msgpack-parser.
//!
//! | module | contents |
//! |---|---|
//! | `config` | the settings |
//! | `engine` | the protocol on sessions of [`stellarfw_engineio`] |
//! | `client` | a client's session, and what it sends |
//! | `namespaces` | the namespaces that a client is connected to, as a state machine |
//! | `admission` | the decision whether a client may connect to a namespace |
//! | `connection` | a connection to a namespace: a spark's two ends |
//! | `codec`, `frames` | between packets and payloads |
//! | `events` | between events and payloads |
//! | `packet` | packets in JSON and in MessagePack |
//! | `encoding` | values that stay encoded |
//! | `attachments`, `acks` | bytes in events; acknowledgements |
//!
//! # Features
//!
//! | feature | effect |
//! |---|---|
//! | `v2` | [`SocketIoConfig::allow_eio3`] admits clients of Socket.IO 2 |

mod acks;
mod admission;
mod attachments;
mod client;
mod codec;
mod config;
mod connection;
mod encoding;
mod engine;
mod events;
mod frames;
mod namespaces;
mod packet;

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use stellarfw_engineio::{Gateway, GatewayOptions, protocol_error};
use stellarfw_transport::{
    Capabilities, Server, StartError, Transport,
    http::{Request, Response},
};

use self::engine::{Engine, SocketIoProtocol};
pub use self::{
    admission::{Auth, Namespace},
    config::SocketIoConfig,
    encoding::{Encoding, EventArgs, Field},
    events::{
        Audience, ClientEvent, Emission, EventMap, Events, MessageEvents, PlainEvents, ServerArgs,
        ServerEvent, default_event, is_control,
    },
};

/// The Socket.IO engine; its name is `socket.io`.
///
/// What a client gets:
///
/// | case | answer |
/// |---|---|
/// | a refusal of the authorizer | `connect_error` with the refusal's message |
/// | a page of another origin, too many handshakes | the HTTP status and `{"error":…}` |
/// | the server ends the connection for good | `disconnect` with `io server disconnect`: no reconnect |
/// | the client may reconnect | the transport closes, and the client reconnects by itself |
/// | a malformed packet, a packet for a namespace without a connection | close 1002 |
/// | a message over `maxLength` | close 1009; a POST is answered 413 |
#[derive(Default)]
pub struct SocketIo {
    config: SocketIoConfig,
    /// Created with the first request, when the server's settings are known.
    gateway: OnceLock<Gateway<SocketIoProtocol>>,
}

impl SocketIo {
    /// The engine's name.
    pub const NAME: &'static str = "socket.io";
    /// Other names by which the engine is configured.
    pub const ALIASES: &'static [&'static str] = &["socketio"];

    /// Creates an engine with these settings.
    #[must_use]
    pub fn new(config: SocketIoConfig) -> Self {
        Self {
            config,
            gateway: OnceLock::new(),
        }
    }

    fn gateway(&self, server: &Server) -> Gateway<SocketIoProtocol> {
        let engine = Engine::new(&self.config, server);
        let mut options = GatewayOptions::default();
        options.overhead = engine.codec.overhead();
        options.close_frame_only = true;
        Gateway::new(
            self.config.engine(),
            options,
            SocketIoProtocol(Arc::new(engine)),
        )
    }
}

impl fmt::Debug for SocketIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketIo")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for SocketIo {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::FULL;
        // A refusal's message reaches the client, its status does not.
        capabilities.refusal = false;
        capabilities.close_codes = false;
        capabilities
    }

    fn path(&self) -> Option<&str> {
        Some(&self.config.path)
    }

    async fn start(&self, _: &Server) -> Result<Vec<SocketAddr>, StartError> {
        if self.config.allow_eio3 && !cfg!(feature = "v2") {
            let text = "clients of Socket.IO 2 need the feature `v2`";
            return Err(StartError::new(Self::NAME, text));
        }
        if let Some(setting) = self.config.zero() {
            return Err(StartError::zero(Self::NAME, setting));
        }
        match self.config.bad_namespaces() {
            Some(text) => Err(StartError::new(Self::NAME, text).with_setting("namespaces")),
            None => Ok(Vec::new()),
        }
    }

    async fn serve(&self, server: &Server, _mount: &str, request: Request) -> Response {
        let gateway = self.gateway.get_or_init(|| self.gateway(server));
        gateway.serve(server, request).await
    }

    async fn stop(&self) {
        if let Some(gateway) = self.gateway.get() {
            gateway.stop();
        }
    }
}
