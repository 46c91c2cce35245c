//! The conformance suite's way to this engine.

use std::{io, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use stellarfw_conformance::{Client, Connect, Harness, Received, Refused, TestServer};
use stellarfw_transport::{Frame, Kind, Peer, Server, Transport, serve};
use stellarfw_ws::{Ws, WsConfig, deflate::DeflateConfig};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tower_service::Service as _;

use super::client::{self, BINARY, CLOSE, FIN, PING, PONG, Raw, TEXT};

/// How the clients come to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Over TCP, where the engine finds the socket itself.
    Tcp,
    /// Over a pipe in memory, as an example of all that is not plain TCP.
    Pipe,
}

#[derive(Clone, Copy, Debug)]
pub struct WsHarness {
    pub way: Way,
    pub compression: Option<Takeover>,
}

/// Whether the compressors remember earlier messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takeover {
    Yes,
    No,
}

impl Harness for WsHarness {
    fn engine(&self) -> (Arc<dyn Transport>, Box<dyn TestServer>) {
        let mut config = WsConfig::default();
        config.compression = self.compression.map(|takeover| DeflateConfig {
            // So low that most messages are compressed.
            threshold: 4,
            server_no_context_takeover: takeover == Takeover::No,
            client_no_context_takeover: takeover == Takeover::No,
            ..DeflateConfig::default()
        });
        let stage = WsTestServer {
            way: self.way,
            compression: self.compression.is_some(),
            server: None,
            address: None,
            tasks: Vec::new(),
        };
        (Arc::new(Ws::new(config)), Box::new(stage))
    }
}

struct WsTestServer {
    way: Way,
    compression: bool,
    server: Option<Server>,
    address: Option<SocketAddr>,
    tasks: Vec<JoinHandle<()>>,
}

#[async_trait]
impl TestServer for WsTestServer {
    async fn serve(&mut self, server: &Server, _: &[SocketAddr]) {
        self.server = Some(server.clone());
        if self.way == Way::Tcp {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            self.address = Some(listener.local_addr().unwrap());
            let service = server.service();
            self.tasks.push(tokio::spawn(async move {
                let never = std::future::pending();
                serve(listener, service, Default::default(), never)
                    .await
                    .unwrap();
            }));
        }
    }

    async fn connect(&self, connect: Connect) -> Result<Box<dyn Client>, Refused> {
        let server = self.server.as_ref().unwrap();
        let mut target = connect
            .path
            .unwrap_or_else(|| server.config().pathname.clone());
        if !connect.query.is_empty() {
            target = format!("{target}?{}", connect.query);
        }
        let mut headers: Vec<_> = connect
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        if self.compression {
            headers.push(("Sec-WebSocket-Extensions", "permessage-deflate"));
        }
        let request = client::request(&target, &headers);
        let (raw, address) = match self.address {
            Some(at) => {
                let stream = TcpStream::connect(at)
                    .await
                    .map_err(|_| Refused::default())?;
                let address = stream.local_addr().unwrap();
                (Raw::upgrade(stream, &request).await, address)
            }
            None => {
                let (ours, theirs) = tokio::io::duplex(64 << 10);
                let address = SocketAddr::from(([192, 0, 2, 7], 1_234));
                tokio::spawn(serve_pipe(server.clone(), theirs, address));
                (Raw::upgrade(ours, &request).await, address)
            }
        };
        let raw = raw.map_err(|answer| {
            let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            Refused {
                status: Some(answer.status).filter(|status| *status != 0),
                message: json["error"].as_str().map(str::to_owned),
                www_authenticate: answer.header("www-authenticate").map(str::to_owned),
                connection_close: (answer.status != 404)
                    .then(|| answer.header("connection") == Some("close")),
            }
        })?;
        assert_eq!(raw.deflate.is_some(), self.compression);
        Ok(Box::new(WsClient {
            raw,
            answer: true,
            address,
        }))
    }
}

/// Serves one connection over something that is not TCP.
async fn serve_pipe(server: Server, pipe: tokio::io::DuplexStream, peer: SocketAddr) {
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        server.service().call(request)
    });
    http1::Builder::new()
        .serve_connection(TokioIo::new(pipe), service)
        .with_upgrades()
        .await
        .ok();
}

impl Drop for WsTestServer {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

struct WsClient {
    raw: Raw,
    answer: bool,
    address: SocketAddr,
}

fn opcode(frame: &Frame) -> u8 {
    match frame.kind() {
        Kind::Text => TEXT,
        Kind::Binary => BINARY,
    }
}

#[async_trait]
impl Client for WsClient {
    async fn send(&mut self, payload: Frame) -> io::Result<()> {
        self.raw.message(opcode(&payload), payload.payload()).await
    }

    async fn next(&mut self) -> Received {
        loop {
            let Ok((opcode, payload)) = self.raw.receive().await else {
                return Received::Closed(None);
            };
            match opcode {
                TEXT => return Received::Payload(Frame::text_from_bytes(payload).unwrap()),
                BINARY => return Received::Payload(Frame::binary(payload)),
                PING if self.answer => {
                    self.raw.frame(FIN | PONG, &payload).await.ok();
                }
                CLOSE => {
                    self.raw.frame(FIN | CLOSE, &payload).await.ok();
                    return Received::Closed(Some(client::code(&payload)));
                }
                _ => {}
            }
        }
    }

    fn answer_pings(&mut self, answer: bool) {
        self.answer = answer;
    }

    async fn goodbye(mut self: Box<Self>, code: u16) {
        self.raw.goodbye(code).await;
    }

    async fn vanish(self: Box<Self>) {}

    async fn send_half(&mut self, payload: Frame) -> bool {
        let frame = client::masked(FIN | opcode(&payload), payload.payload());
        self.raw.write(&frame[..frame.len() / 2]).await.unwrap();
        true
    }

    async fn send_garbage(&mut self, bytes: &[u8]) -> bool {
        self.raw.write(bytes).await.ok();
        true
    }

    fn address(&self) -> Option<SocketAddr> {
        Some(self.address)
    }
}
