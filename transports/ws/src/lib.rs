//! The WebSocket engine of stellarfw (RFC 6455, and RFC 7692 where it is configured).
//!
//! ```no_run
//! use stellarfw_transport::Server;
//! use stellarfw_ws::Ws;
//!
//! let server = Server::builder().transport(Ws::default()).build();
//! let service = server.service(); // mount it in axum, hyper, …
//! ```
//!
//! One payload is one WebSocket message, as in Primus. The protocol itself is in
//! [`stellarfw_websocket`], which the other engines use too.

mod config;

use std::net::SocketAddr;

use async_trait::async_trait;
use stellarfw_transport::{
    Capabilities, Server, StartError, Transport,
    http::{Request, Response},
};
use stellarfw_websocket::{Plain, accept};

pub use self::config::WsConfig;
pub use stellarfw_websocket::deflate;

/// The WebSocket engine; its name is `ws`.
///
/// What a client gets:
///
/// | case | answer |
/// |---|---|
/// | a plain GET | 426 `Upgrade Required` |
/// | a broken handshake | 400 |
/// | a refusal by origin or authorizer | the refusal's status and `{"error":…}` |
/// | the server ends the connection | close 1000, after `primus::server::close` if for good |
/// | shutdown, heartbeat timeout | close 1001 |
/// | a broken frame | close 1002 |
/// | text that is not UTF-8, compressed data that does not inflate | close 1007 |
/// | a message over `maxLength` | close 1009 |
/// | a panic in the handler | close 1011 |
/// | a client that reads too slowly, sends too much at once or holds too much memory | close 1013 |
/// | a message that arrives too slowly | close 1008 |
#[derive(Clone, Debug, Default)]
pub struct Ws {
    config: WsConfig,
}

impl Ws {
    /// The engine's name.
    pub const NAME: &'static str = "ws";
    /// Other names by which the engine is configured.
    pub const ALIASES: &'static [&'static str] = &["websockets", "websocket"];

    /// Creates an engine with these settings.
    #[must_use]
    pub fn new(config: WsConfig) -> Self {
        Self { config }
    }
}

#[async_trait]
impl Transport for Ws {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::FULL
    }

    fn path(&self) -> Option<&str> {
        Some(&self.config.path)
    }

    async fn start(&self, _: &Server) -> Result<Vec<SocketAddr>, StartError> {
        if let Some(compression) = &self.config.compression {
            compression
                .validate()
                .map_err(|error| StartError::new(Self::NAME, error).with_setting("compression"))?;
        }
        Ok(Vec::new())
    }

    async fn serve(&self, server: &Server, _mount: &str, request: Request) -> Response {
        accept::<Plain>(&self.config.options(), server, Self::NAME, request).await
    }

    async fn stop(&self) {}
}
