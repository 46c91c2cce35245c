//! A running server.

use std::{future::Future, net::SocketAddr};

use axum::Router;
use stellarfw::{Builder, Session, Stellar, transport::serve::Limits};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};
use tokio_tungstenite::tungstenite::{Error, client::IntoClientRequest as _, http::HeaderName};

use super::{Peer, soon, until};

/// A server on a port of its own, and the way to it. Dropping it stops it.
pub(crate) struct Host {
    pub(crate) stellar: Stellar,
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// Builds and serves.
pub(crate) async fn host(builder: Builder) -> Host {
    let stellar = builder.build().await.unwrap();
    let (listener, address) = listen().await;
    let server = stellar.clone();
    Host::run(stellar, address, async move |stop| {
        server.serve_on(listener, stop).await.unwrap();
    })
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

impl Host {
    fn run<F>(stellar: Stellar, address: SocketAddr, serve: impl FnOnce(Stop) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        Self {
            stellar,
            address,
            stop: Some(stop),
            task: tokio::spawn(serve(Box::pin(async move {
                stopped.await.ok();
            }))),
        }
    }

    /// Serves a router of the test's own.
    pub(crate) async fn of_router(stellar: Stellar, router: Router) -> Self {
        let (listener, address) = listen().await;
        Self::run(stellar, address, async move |stop| {
            stellarfw::transport::serve(listener, router, Limits::default(), stop)
                .await
                .unwrap();
        })
    }

    /// A session that the server has issued.
    pub(crate) fn session(&self) -> Session {
        self.stellar.sessions().unwrap().issue()
    }

    /// A client that is connected and has had its welcome.
    pub(crate) async fn peer(&self) -> Peer {
        let mut peer = self.connect("/primus", &[]).await.unwrap();
        peer.welcomed().await;
        peer
    }

    /// Several of them.
    pub(crate) async fn peers(&self, count: usize) -> Vec<Peer> {
        let mut peers = Vec::with_capacity(count);
        for _ in 0..count {
            peers.push(self.peer().await);
        }
        peers
    }

    /// A client that is connected, at a path with its query.
    pub(crate) async fn connect(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Peer, Error> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let url = format!("ws://{}{path}", self.address);
        let mut request = url.into_client_request()?;
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        Peer::over(stream, request).await
    }

    /// Waits until no connection and no room member is left in this process.
    pub(crate) async fn is_empty(&self) {
        until("the last connection's end", async || {
            self.stellar.transport().connections() == 0
        })
        .await;
        for room in self.stellar.rooms().list().await.unwrap() {
            until("the last member's leaving", async || {
                let status = self.stellar.rooms().status(&room).await;
                status.is_ok_and(|status| status.members.is_empty())
            })
            .await;
        }
    }

    /// Asks it to stop, as a signal would.
    pub(crate) fn stop(&mut self) {
        self.stop.take();
    }

    /// Stops it and waits until it has.
    pub(crate) async fn stopped(mut self) {
        self.stop();
        soon("the server's end", &mut self.task).await.unwrap();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Stop = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;
