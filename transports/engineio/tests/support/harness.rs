//! The conformance suite's way to this engine.

use std::{io, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use stellarfw_conformance::{Client, Connect, Harness, Received, Refused, TestServer};
use stellarfw_engineio::{EngineIo, EngineIoConfig};
use stellarfw_transport::{Frame, Kind, Message, Server, Transport};

use super::{
    line::{Line, Packet, Side, Way},
    site::Site,
    socket::{CLOSE, FIN},
};

/// Milliseconds between pings, and for their answer: the client polls only while a behaviour waits
/// for something, which on a busy machine may be after longer than the defaults. Where the server
/// has a heartbeat the engine pings in time for it.
const PATIENCE: u64 = 600_000;

pub struct EioHarness(pub Way);

impl Harness for EioHarness {
    fn engine(&self) -> (Arc<dyn Transport>, Box<dyn TestServer>) {
        let site = Site::default();
        let mut config = EngineIoConfig::default();
        (config.ping_interval, config.ping_timeout) = (PATIENCE, PATIENCE);
        (
            Arc::new(EngineIo::new(config)),
            Box::new(EioTestServer { site, way: self.0 }),
        )
    }
}

struct EioTestServer {
    site: Site,
    way: Way,
}

#[async_trait]
impl TestServer for EioTestServer {
    async fn serve(&mut self, server: &Server, _: &[SocketAddr]) {
        self.site.serve(server).await;
    }

    async fn connect(&self, connect: Connect) -> Result<Box<dyn Client>, Refused> {
        let line = self.site.connect(self.way, &connect).await?;
        Ok(Box::new(EioClient { line, answer: true }))
    }
}

struct EioClient {
    line: Line,
    answer: bool,
}

#[async_trait]
impl Client for EioClient {
    async fn send(&mut self, payload: Frame) -> io::Result<()> {
        let packet = match payload.as_message() {
            Message::Text(text) => Packet::Text(format!("4{text}")),
            Message::Binary(bytes) => Packet::Binary(bytes.to_vec()),
        };
        self.line.send(&[packet]).await
    }

    async fn next(&mut self) -> Received {
        loop {
            let on_socket = matches!(self.line.side, Side::Socket(_));
            match self.line.next().await {
                Ok(Packet::Binary(bytes)) => return Received::Payload(Frame::binary(bytes)),
                Ok(Packet::Text(text)) => match text.strip_prefix('4') {
                    Some(text) => return Received::Payload(Frame::text(text)),
                    None if text == "2" && self.answer => {
                        self.line.send(&[Packet::text("3")]).await.ok();
                    }
                    None if text == "1" && !on_socket => return Received::Closed(None),
                    None => assert!(matches!(&text[..], "1" | "2"), "{text}"),
                },
                Ok(Packet::Close(_)) | Err(_) => return Received::Closed(None),
            }
        }
    }

    fn answer_pings(&mut self, answer: bool) {
        self.answer = answer;
    }

    async fn goodbye(mut self: Box<Self>, _: u16) {
        match &mut self.line.side {
            Side::Polling(_) => {
                self.line.send(&[Packet::Close(0)]).await.ok();
            }
            Side::Socket(socket) => {
                socket.frame(FIN | CLOSE, b"").await.ok();
                while socket.next().await.is_ok_and(|(opcode, _)| opcode != CLOSE) {}
            }
        }
    }

    async fn vanish(self: Box<Self>) {
        self.line.vanish().await;
    }

    async fn send_half(&mut self, payload: Frame) -> bool {
        assert_eq!(payload.kind(), Kind::Text);
        self.line.send_half(payload.payload()).await;
        true
    }

    async fn send_garbage(&mut self, bytes: &[u8]) -> bool {
        match &mut self.line.side {
            Side::Polling(_) => {
                self.line.post(bytes).await.ok();
            }
            Side::Socket(socket) => {
                socket.write(bytes).await.ok();
            }
        }
        true
    }

    fn address(&self) -> Option<SocketAddr> {
        Some(self.line.address)
    }
}
