//! The Engine.IO engine of stellarfw: protocol 4 over polling and WebSocket, with upgrades.
//!
//! ```no_run
//! use stellarfw_engineio::EngineIo;
//! use stellarfw_transport::Server;
//!
//! let server = Server::builder().transport(EngineIo::default()).build();
//! let service = server.service(); // mount it in axum, hyper, …
//! ```
//!
//! Sessions, packets, payloads, upgrades, and heartbeats are implemented here; WebSocket frames are those of
//! `stellarfw-websocket`. A session is a state machine without I/O. Around it are the requests that are under
//! way, the one task of a WebSocket, and one queue of deadlines for all sessions. A session on polling has no task.
//!
//! An engine with a protocol of its own upon Engine.IO's messages, such as Socket.IO's, implements [`Protocol`] and
//! [`Consumer`], and serves its requests with a [`Gateway`].
//!
//! | module | contents |
//! |---|---|
//! | `config` | the settings |
//! | `gateway`, `query` | requests, and the protocol's errors |
//! | `protocol` | the traits of a protocol upon Engine.IO's messages |
//! | `engine` | the engine `engine.io`: one spark for each session |
//! | `machine` | the life of a session, and its heartbeat, without I/O |
//! | `session` | what the requests, the WebSocket, and the timers of one client share |
//! | `sessions`, `deadlines`, `id` | all sessions of a gateway, and their timers |
//! | `polling` | GET and POST |
//! | `websocket` | the task of a WebSocket |
//! | `outgoing` | queued messages, and how they leave |
//! | `inbound_cell` | the place of a spark's inlet |
//! | `packet`, `payload`, `open_packet` | the protocol's encodings |
//!
//! # Features
//!
//! | feature | effect |
//! |---|---|
//! | `v3` | protocol 3, if [`EngineIoConfig::allow_eio3`] accepts its clients |

mod config;
mod deadlines;
mod engine;
mod gateway;
mod id;
mod inbound_cell;
mod machine;
mod open_packet;
mod outgoing;
mod packet;
mod payload;
mod polling;
mod protocol;
mod query;
mod session;
mod sessions;
mod websocket;

use std::{fmt, net::SocketAddr};

use async_trait::async_trait;
use stellarfw_transport::{
    Capabilities, Server, StartError, Transport,
    http::{Request, Response},
};

use self::engine::Plain;
pub use self::{
    config::{EngineIoConfig, max_payload},
    gateway::{Gateway, GatewayOptions},
    id::SessionId,
    inbound_cell::InboundCell,
    packet::{Version, protocol_error},
    protocol::{Consumer, Gathered, Protocol},
    session::Session,
};

/// The Engine.IO engine; its name is `engine.io`.
///
/// | case | response |
/// |---|---|
/// | a request that the protocol does not allow | 400 and `{"code":…,"message":…}` |
/// | refused by origin or authorizer | the refusal's status and `{"error":…}` |
/// | the server closes the session | Engine.IO's close packet; over a WebSocket a close frame with the reason's code |
/// | a message longer than `maxLength` | close code 1009; 413 for a POST |
/// | two polls or two POSTs at once | 400, and the session ends |
/// | an invalid frame or packet; text that is not UTF-8 | close code 1002; 1007 |
/// | an upgrade that fails or takes longer than the handshake timeout | the WebSocket is closed; the session stays on polling |
pub struct EngineIo {
    gateway: Gateway<Plain>,
}

impl EngineIo {
    /// The engine's name.
    pub const NAME: &'static str = "engine.io";
    /// Its aliases.
    pub const ALIASES: &'static [&'static str] = &["engineio"];

    /// Creates an engine with these settings.
    #[must_use]
    pub fn new(config: EngineIoConfig) -> Self {
        Self {
            gateway: Gateway::new(config, GatewayOptions::default(), Plain),
        }
    }

    fn config(&self) -> &EngineIoConfig {
        self.gateway.config()
    }
}

impl Default for EngineIo {
    /// The engine with the default settings.
    fn default() -> Self {
        Self::new(EngineIoConfig::default())
    }
}

impl fmt::Debug for EngineIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineIo")
            .field("config", self.config())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for EngineIo {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::FULL;
        // Polling has none.
        capabilities.close_codes = false;
        capabilities
    }

    fn path(&self) -> Option<&str> {
        Some(&self.config().path)
    }

    async fn start(&self, _: &Server) -> Result<Vec<SocketAddr>, StartError> {
        if self.config().allow_eio3 && !cfg!(feature = "v3") {
            let text = "clients of protocol 3 need the feature `v3`";
            return Err(StartError::new(Self::NAME, text));
        }
        if let Some(setting) = self.config().zero() {
            return Err(StartError::zero(Self::NAME, setting));
        }
        Ok(Vec::new())
    }

    async fn serve(&self, server: &Server, _mount: &str, request: Request) -> Response {
        self.gateway.serve(server, request).await
    }

    async fn stop(&self) {
        self.gateway.stop();
    }
}
