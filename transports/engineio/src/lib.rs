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
//! Sessions, their packets and heartbeats are engineioxide's. It stands behind a [front](Front), which
//! does what a library of its own kind cannot know of: who may come, how much may wait, what becomes
//! of those who are slow or silent, and the protocol's answers to what is wrong. WebSockets are read
//! as the engine of WebSocket does it; for the library their sessions are on polling.
//!
//! | file | what is in it |
//! |---|---|
//! | `config` | the settings |
//! | `front` | where requests come in |
//! | `request`, `cors` | reading them, the protocol's errors, what browsers need |
//! | `handshake`, `entry` | from a request to a session and its WebSocket, and who may come |
//! | `polling`, `paced` | GET and POST |
//! | `first_ping` | the library's first ping, which comes too soon |
//! | `session` | what all that belongs to one client shares |
//! | `seats` | several connections of one client on its session |
//! | `outlet`, `inlet` | its way out and its way in |
//! | `websocket` | a session's WebSocket: its task, and what is between the client and the library |
//! | `wire` | the way out of it, past the library |
//! | `packets` | what the library says and is told, packet by packet |
//! | `library`, `handler` | what stands behind the front, and engineioxide in that place |
//!
//! # Features
//!
//! | feature | what it switches on |
//! |---|---|
//! | `v3` | protocol 3, for clients that [`EngineIoConfig::allow_eio3`] lets in |

mod config;
mod entry;
mod first_ping;
mod front;
mod handler;
mod handshake;
mod inlet;
mod library;
mod outlet;
mod paced;
mod packets;
mod polling;
mod request;
mod seats;
mod session;
mod websocket;
mod wire;

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use engineioxide::service::EngineIoService;
use stellarfw_transport::{
    Capabilities, Server, StartError, Transport,
    http::{Request, Response},
};

use self::handler::Handler;
pub use self::{
    config::{EngineIoConfig, max_payload},
    front::{Front, FrontOptions, library_config},
    library::{Attached, Library, Put, Sent, Sink},
    paced::Paced,
    seats::{Seat, SeatSink},
    session::{Session, protocol},
    wire::put_header,
};
pub use stellarfw_websocket::COPY_MAX;

/// The Engine.IO engine; its name is `engine.io`.
///
/// What a client gets:
///
/// | case | answer |
/// |---|---|
/// | a request that is none of the protocol | 400 and `{"code":…,"message":…}` |
/// | refused by origin or authorizer | the refusal's status and `{"error":…}` |
/// | the server ends it | Engine.IO's close packet; over a WebSocket a close frame with the reason's code |
/// | a message over `maxLength` | close 1009; a POST is answered 413 |
/// | two polls or two POSTs at once | 400, and the session ends |
/// | a frame that is none, text that is not UTF-8 | close 1002, 1007 |
/// | an upgrade that does not come to its end | its WebSocket is closed with the handshake timeout; the session stays on polling |
#[derive(Default)]
pub struct EngineIo {
    config: EngineIoConfig,
    /// Made with the first request, when the server's settings are known.
    front: OnceLock<Arc<Front<EngineIoService<Handler>>>>,
}

impl EngineIo {
    /// The engine's name.
    pub const NAME: &'static str = "engine.io";
    /// Other usual names of it.
    pub const ALIASES: &'static [&'static str] = &["engineio"];

    /// An engine with these settings.
    #[must_use]
    pub fn new(config: EngineIoConfig) -> Self {
        Self {
            config,
            front: OnceLock::new(),
        }
    }
}

impl fmt::Debug for EngineIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineIo")
            .field("config", &self.config)
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
        Some(&self.config.path)
    }

    async fn start(&self, _: &Server) -> Result<Vec<SocketAddr>, StartError> {
        if self.config.allow_eio3 && !cfg!(feature = "v3") {
            let text = "clients of protocol 3 need the feature `v3`";
            return Err(StartError::new(Self::NAME, text));
        }
        if let Some(setting) = self.config.zero() {
            return Err(StartError::zero(Self::NAME, setting));
        }
        Ok(Vec::new())
    }

    async fn serve(&self, server: &Server, _mount: &str, request: Request) -> Response {
        let front = self.front.get_or_init(|| {
            let options = FrontOptions::default();
            let library = library_config(&self.config, options, server.config());
            let service = EngineIoService::with_config(Arc::new(Handler), library);
            let config = self.config.clone();
            Front::new(Self::NAME, config, options, server.config(), service)
        });
        front.serve(server, request).await
    }

    async fn stop(&self) {}
}
