//! Serves a server on a local port.

use std::net::SocketAddr;

use stellarfw_transport::{Server, serve};
use tokio::{net::TcpListener, task::JoinHandle};

/// A running server. Dropping it stops the serving.
pub struct Site {
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Site {
    pub async fn new(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = server.service();
        let task = tokio::spawn(async move {
            let limits = serve::Limits::default();
            let never = std::future::pending();
            serve(listener, service, limits, never).await.ok();
        });
        Self { address, task }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}
