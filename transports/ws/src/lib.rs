//! The WebSocket engine of stellarfw (RFC 6455, and RFC 7692 when switched on).
//!
//! ```no_run
//! use stellarfw_transport::Server;
//! use stellarfw_ws::Ws;
//!
//! let server = Server::builder().transport(Ws::default()).build();
//! let service = server.service(); // mount it in axum, hyper, …
//! ```
//!
//! | file | what is in it |
//! |---|---|
//! | `config` | the settings |
//! | `handshake`, [`upgrade`] | from an HTTP request to an upgraded connection |
//! | `session` | the one task of a connection: reads, closes, waits |
//! | `outlet` | the way out: queue and framing |
//! | [`pipe`] | whole frames into the socket, one write for all that waits |
//! | `framing` | what a message holds: a hook for engines with a protocol over WebSocket |
//! | [`inbound`] | what comes in, message by message |
//! | [`socket`], `reader` | the socket itself, and its bytes |
//! | `whole` | messages in one frame, read where they lie |
//! | `pieces` | all other frames: tungstenite reads them |
//! | `text` | whether what is still coming can become text |
//! | `head`, `mask` | the headers of frames, and the client's mask |
//! | [`deflate`] | `permessage-deflate`, which tungstenite lacks |
//!
//! Nearly all messages are one short frame. Those are read in a buffer that all connections of a
//! thread share, so that an idle connection needs none. tungstenite reads whatever else comes: it
//! checks frames, assembles messages, answers the closing handshake. Frames are written past it,
//! because a server's frame is the same bytes for every receiver and needs no copy of its own per
//! connection. What tungstenite writes joins the same queue.

mod config;
pub mod deflate;
mod framing;
mod handshake;
mod head;
pub mod inbound;
mod mask;
mod outlet;
mod pieces;
pub mod pipe;
mod reader;
mod session;
pub mod socket;
mod text;
pub mod upgrade;
mod whole;

use std::net::SocketAddr;

use async_trait::async_trait;
use stellarfw_transport::{
    Capabilities, Server, StartError, Transport,
    http::{Request, Response},
};

pub use self::{
    config::WsConfig,
    framing::{Framing, Plain},
    handshake::accept,
    head::put_header,
};

/// The WebSocket engine; its name is `ws`.
///
/// What a client gets:
///
/// | case | answer |
/// |---|---|
/// | a plain GET | 426 `Upgrade Required` |
/// | a broken handshake | 400 |
/// | refused by origin or authorizer | the refusal's status and `{"error":…}` |
/// | the server ends it | close 1000, after `primus::server::close` if for good |
/// | shutdown, heartbeat timeout | close 1001 |
/// | a broken frame | close 1002 |
/// | text that is not UTF-8, compressed data that does not inflate | close 1007 |
/// | a message over `maxLength` | close 1009 |
/// | a panic in the handler | close 1011 |
/// | reads too slowly, sends too much at once, holds too much memory | close 1013 |
/// | a message that comes too slowly | close 1008 |
#[derive(Clone, Debug, Default)]
pub struct Ws {
    config: WsConfig,
}

impl Ws {
    /// The engine's name.
    pub const NAME: &'static str = "ws";
    /// Other usual names of it.
    pub const ALIASES: &'static [&'static str] = &["websockets", "websocket"];

    /// An engine with these settings.
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
        accept::<Plain>(&self.config, server, Self::NAME, request).await
    }

    async fn stop(&self) {}
}
