//! Where a server is served, and clients come to it.

use std::net::SocketAddr;

use stellarfw_conformance::{Connect, Refused};
use stellarfw_transport::{Server, serve};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    http::Answer,
    line::{self, Line, Way},
};

/// Where a server is served.
#[derive(Default)]
pub struct Site {
    address: Option<SocketAddr>,
    pathname: String,
    task: Option<JoinHandle<()>>,
}

impl Site {
    pub async fn serve(&mut self, server: &Server) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.address = listener.local_addr().ok();
        self.pathname = server.config().pathname.clone();
        let service = server.service();
        self.task = Some(tokio::spawn(async move {
            let limits = serve::Limits::default();
            serve(listener, service, limits, std::future::pending())
                .await
                .ok();
        }));
    }

    pub fn address(&self) -> SocketAddr {
        self.address.unwrap()
    }

    pub async fn connect(&self, way: Way, connect: &Connect) -> Result<Line, Refused> {
        let path = connect.path.as_deref().unwrap_or(&self.pathname);
        let answer = line::connect(self.address(), way, path, &connect.query, &connect.headers);
        match answer.await {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(answer)) => Err(refused(&answer, way)),
            Err(_) => Err(Refused::default()),
        }
    }
}

fn refused(answer: &Answer, way: Way) -> Refused {
    let text = |name| answer.header(name).map(str::to_owned);
    Refused {
        status: Some(answer.status),
        message: answer.json()["error"].as_str().map(str::to_owned),
        www_authenticate: text("www-authenticate"),
        connection_close: (way == Way::WebSocket)
            .then(|| text("connection").as_deref() == Some("close")),
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
