//! A custom engine: newline-delimited JSON over TCP. Each line is one payload, so `nc` is a client.
//!
//! It shows the duties of an engine: open a socket ([`Lines::start`]), request admission of a
//! connection, give the server a queue for outgoing frames, and report incoming messages
//! (`session`). The transport layer handles everything else, from heartbeats to rooms.

mod session;

use std::{net::SocketAddr, sync::OnceLock, time::Duration};

use async_trait::async_trait;
use stellarfw_transport::{
    Capabilities, Kind, Server, StartError, Transport,
    http::{Request, Response, not_found},
};
use tokio::{net::TcpListener, task::AbortHandle};

/// The engine, named `lines`.
#[derive(Debug)]
pub struct Lines {
    listen: SocketAddr,
    accepting: OnceLock<AbortHandle>,
}

impl Lines {
    /// The engine's name.
    pub const NAME: &'static str = "lines";

    /// Creates an engine that listens on an address; port 0 selects a free port.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            accepting: OnceLock::new(),
        }
    }
}

#[async_trait]
impl Transport for Lines {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn capabilities(&self) -> Capabilities {
        // Lines of text: no binary, no headers or query, no close codes.
        Capabilities::TEXT_ONLY
    }

    fn path(&self) -> Option<&str> {
        None
    }

    async fn start(&self, server: &Server) -> Result<Vec<SocketAddr>, StartError> {
        let fault = |error: std::io::Error| StartError::new(Self::NAME, error);
        // A payload must be text without line breaks. That holds for JSON, and neither for binary
        // codecs nor for raw payloads.
        let sample = server.parser().encode("");
        if !sample.is_ok_and(|frame| frame.kind() == Kind::Text) {
            let text = "the parser must produce text: each line is a payload";
            return Err(StartError::new(Self::NAME, text));
        }
        let listener = TcpListener::bind(self.listen).await.map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        let accepting = tokio::spawn(accept(listener, server.clone()));
        self.accepting.set(accepting.abort_handle()).ok();
        Ok(vec![address])
    }

    async fn serve(&self, _: &Server, _: &str, _: Request) -> Response {
        // The engine does not use HTTP.
        not_found()
    }

    async fn stop(&self) {
        if let Some(accepting) = self.accepting.get() {
            accepting.abort();
        }
    }
}

async fn accept(listener: TcpListener, server: Server) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                stream.set_nodelay(true).ok();
                tokio::spawn(session::run(server.clone(), stream, peer));
            }
            Err(error) => {
                tracing::error!(%error, "accept failed; retrying in a second");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}
