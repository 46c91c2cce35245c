//! The conformance suite with the custom engine.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{io, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use example_custom_transport::Lines;
use stellarfw_conformance::{Client, Connect, Harness, Received, Refused, TestServer, suite};
use stellarfw_transport::{Frame, Server, Transport};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

struct LinesHarness;

impl Harness for LinesHarness {
    fn engine(&self) -> (Arc<dyn Transport>, Box<dyn TestServer>) {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        (Arc::new(Lines::new(any)), Box::new(LinesTestServer(None)))
    }
}

/// Holds the address of the engine, which serves its own socket.
struct LinesTestServer(Option<SocketAddr>);

#[async_trait]
impl TestServer for LinesTestServer {
    async fn serve(&mut self, _: &Server, addresses: &[SocketAddr]) {
        self.0 = addresses.first().copied();
    }

    async fn connect(&self, _: Connect) -> Result<Box<dyn Client>, Refused> {
        let stream = TcpStream::connect(self.0.unwrap()).await;
        let stream = stream.map_err(|_| Refused::default())?;
        stream.set_nodelay(true).unwrap();
        Ok(Box::new(LinesClient {
            stream,
            buffer: Vec::new(),
        }))
    }
}

struct LinesClient {
    stream: TcpStream,
    buffer: Vec<u8>,
}

#[async_trait]
impl Client for LinesClient {
    async fn send(&mut self, payload: Frame) -> io::Result<()> {
        let mut line = payload.payload().to_vec();
        line.push(b'\n');
        self.stream.write_all(&line).await
    }

    async fn next(&mut self) -> Received {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                let text = String::from_utf8(line[..end].to_vec()).unwrap();
                return Received::Payload(Frame::text(text));
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return Received::Closed(None),
                Ok(_) => {}
            }
        }
    }

    fn answer_pings(&mut self, _: bool) {}

    async fn goodbye(mut self: Box<Self>, _: u16) {
        self.stream.shutdown().await.ok();
        while matches!(self.next().await, Received::Payload(_)) {}
    }

    async fn vanish(self: Box<Self>) {}

    async fn send_half(&mut self, payload: Frame) -> bool {
        let bytes = payload.payload();
        self.stream
            .write_all(&bytes[..bytes.len() / 2])
            .await
            .is_ok()
    }

    async fn send_garbage(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    fn address(&self) -> Option<SocketAddr> {
        self.stream.local_addr().ok()
    }
}

suite!(LinesHarness);
