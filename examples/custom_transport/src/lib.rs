//! An engine of one's own: newline-delimited JSON over TCP. Each line is one payload, so that
//! `nc` can talk to it.
//!
//! It shows all that an engine has to do: open its socket ([`Lines::start`]), ask whether a
//! connection may come in, give the server a queue to send with, and report what arrives
//! (`session`). Everything else, from heartbeats to rooms, is the same as for every engine.

mod session;

use std::{net::SocketAddr, sync::OnceLock, time::Duration};

use async_trait::async_trait;
use stellarfw_transport::{
    Capabilities, Kind, Server, StartError, Transport,
    http::{Request, Response, not_found},
};
use tokio::{net::TcpListener, task::AbortHandle};

/// The engine; its name is `lines`.
#[derive(Debug)]
pub struct Lines {
    listen: SocketAddr,
    accepting: OnceLock<AbortHandle>,
}

impl Lines {
    /// The engine's name.
    pub const NAME: &'static str = "lines";

    /// An engine that will listen at an address; port 0 takes any free one.
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
        // Lines of text: no binary, no request with headers and query, no codes at the end.
        Capabilities::TEXT_ONLY
    }

    fn path(&self) -> Option<&str> {
        None
    }

    async fn start(&self, server: &Server) -> Result<Vec<SocketAddr>, StartError> {
        let fault = |error: std::io::Error| StartError::new(Self::NAME, error);
        // A line is one payload, so a payload must be text without line breaks: what JSON is, what
        // binary codecs are not, and what nobody knows of payloads that pass untouched.
        let sample = server.parser().encode("");
        if !sample.is_ok_and(|frame| frame.kind() == Kind::Text) {
            let text = "each line is a payload, and this parser's are not text";
            return Err(StartError::new(Self::NAME, text));
        }
        let listener = TcpListener::bind(self.listen).await.map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        let accepting = tokio::spawn(accept(listener, server.clone()));
        self.accepting.set(accepting.abort_handle()).ok();
        Ok(vec![address])
    }

    async fn serve(&self, _: &Server, _: &str, _: Request) -> Response {
        // This engine is not over HTTP.
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
                tracing::error!(%error, "accept failed; trying again in a second");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}
