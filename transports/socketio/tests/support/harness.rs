//! The conformance suite's way to this engine.

use std::{io, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use stellarfw_conformance::{Client, Connect, Harness, Received, Refused, Stage};
use stellarfw_socketio::{SocketIo, SocketIoConfig};
use stellarfw_transport::{Frame, Message, Parser, Server, Transport};

use super::{
    line::{Line, Packet, Side, Way},
    site::Site,
    socket::{CLOSE, FIN},
};

/// Milliseconds between pings, and for their answer: the client polls only while a behaviour waits
/// for something, which on a busy machine may be after longer than the defaults. Where the server
/// has a heartbeat the engine pings in time for it.
const PATIENCE: u64 = 600_000;

pub struct SioHarness(pub Way);

/// The same where there is another namespace besides.
pub struct SeveralHarness(pub Way);

impl Harness for SioHarness {
    fn engine(&self) -> (Arc<dyn Transport>, Box<dyn Stage>) {
        let stage = SioStage {
            site: Site::default(),
            way: self.0,
            parser: Parser::Json,
        };
        let mut config = SocketIoConfig::default();
        (config.ping_interval, config.ping_timeout) = (PATIENCE, PATIENCE);
        (Arc::new(SocketIo::new(config)), Box::new(stage))
    }
}

impl Harness for SeveralHarness {
    fn engine(&self) -> (Arc<dyn Transport>, Box<dyn Stage>) {
        let (_, stage) = SioHarness(self.0).engine();
        let mut config = SocketIoConfig::default();
        config.namespaces.push("/custom".into());
        (Arc::new(SocketIo::new(config)), stage)
    }
}

struct SioStage {
    site: Site,
    way: Way,
    parser: Parser,
}

#[async_trait]
impl Stage for SioStage {
    async fn serve(&mut self, server: &Server, _: &[SocketAddr]) {
        self.parser = server.parser().clone();
        self.site.serve(server).await;
    }

    async fn connect(&self, connect: Connect) -> Result<Box<dyn Client>, Refused> {
        let line = match self.site.connect(self.way, &connect).await {
            Ok(line) => line,
            Err(refused) if refused.status == Some(404) => return Err(refused),
            // Whatever HTTP said to the transport, all that a client learns is that it is closed.
            Err(_) => return Ok(Box::new(Away)),
        };
        let mut client = SioClient {
            line,
            parser: self.parser.clone(),
            answer: true,
            attached: None,
            refused: false,
        };
        match client.ask().await {
            Ok(()) => Ok(Box::new(client)),
            Err(_) => Ok(Box::new(Away)),
        }
    }
}

pub struct SioClient {
    pub line: Line,
    parser: Parser,
    answer: bool,
    /// An event's text, while the bytes attached to it are awaited.
    attached: Option<String>,
    refused: bool,
}

#[derive(Deserialize)]
struct Packed {
    r#type: u8,
    data: Option<Value>,
}

impl SioClient {
    fn is_packed(&self) -> bool {
        matches!(self.parser, Parser::MessagePack)
    }

    /// Asks to be let in, and waits for the answer.
    async fn ask(&mut self) -> io::Result<()> {
        let packet = if self.is_packed() {
            Packet::Binary(rmp_serde::to_vec_named(&json!({ "type": 0, "nsp": "/" })).unwrap())
        } else {
            Packet::text("40")
        };
        self.line.send(&[packet]).await?;
        loop {
            match self.line.next().await? {
                Packet::Text(text) if text == "2" => {
                    self.line.send(&[Packet::text("3")]).await.ok();
                }
                Packet::Text(text) if text.starts_with("40{") => return Ok(()),
                Packet::Text(text) if text.starts_with("44{") => {
                    self.refused = true;
                    return Ok(());
                }
                Packet::Binary(bytes) => {
                    let packet: Packed = rmp_serde::from_slice(&bytes).unwrap();
                    assert!(matches!(packet.r#type, 0 | 4));
                    self.refused = packet.r#type == 4;
                    return Ok(());
                }
                _ => {
                    self.refused = true;
                    return Ok(());
                }
            }
        }
    }

    /// The payload of an event: its first argument, whatever it is called.
    fn event(&mut self, text: &str) -> Option<Frame> {
        let list: Vec<&RawValue> = serde_json::from_str(text).unwrap();
        let payload = list[1].get();
        Some(match self.parser {
            Parser::Json => Frame::text(payload),
            _ => Frame::text(serde_json::from_str::<String>(payload).unwrap()),
        })
    }
}

#[async_trait]
impl Client for SioClient {
    async fn send(&mut self, payload: Frame) -> io::Result<()> {
        let packets = match (payload.as_message(), &self.parser) {
            (Message::Text(text), Parser::Json) => {
                // What is no JSON cannot be said in Socket.IO, but nothing can.
                let is_json = serde_json::from_str::<&RawValue>(text).is_ok();
                let args = if is_json {
                    format!(",{text}")
                } else {
                    String::new()
                };
                vec![Packet::Text(format!("42[\"message\"{args}]"))]
            }
            (Message::Text(text), _) => {
                vec![Packet::Text(format!("42{}", json!(["message", text])))]
            }
            (Message::Binary(bytes), Parser::MessagePack) => {
                let head = json!({ "type": 2, "nsp": "/", "data": ["message"] });
                let mut packet = rmp_serde::to_vec_named(&head).unwrap();
                // The list is at the end, and is to have two items.
                let at = packet.len() - 9;
                assert_eq!(packet[at], 0x91);
                packet[at] = 0x92;
                packet.extend_from_slice(bytes);
                vec![Packet::Binary(packet)]
            }
            (Message::Binary(bytes), _) => vec![
                Packet::text(r#"451-["message",{"_placeholder":true,"num":0}]"#),
                Packet::Binary(bytes.to_vec()),
            ],
        };
        self.line.send(&packets).await
    }

    async fn next(&mut self) -> Received {
        if self.refused {
            return Received::Closed(None);
        }
        loop {
            match self.line.next().await {
                Ok(Packet::Text(text)) => match &text[..] {
                    "2" if self.answer => {
                        self.line.send(&[Packet::text("3")]).await.ok();
                    }
                    "2" => {}
                    "41" | "1" => return Received::Closed(None),
                    text if text.starts_with("42") => {
                        if let Some(frame) = self.event(&text[2..]) {
                            return Received::Payload(frame);
                        }
                    }
                    text if text.starts_with("451-") => self.attached = Some(text[4..].into()),
                    other => panic!("{other}"),
                },
                Ok(Packet::Binary(bytes)) if self.is_packed() => {
                    let packet: Packed = rmp_serde::from_slice(&bytes).unwrap();
                    match (packet.r#type, packet.data) {
                        (2, Some(data)) => {
                            let frame = self.parser.encode(&data[1]).unwrap();
                            return Received::Payload(frame);
                        }
                        (1, _) => return Received::Closed(None),
                        other => panic!("{other:?}"),
                    }
                }
                Ok(Packet::Binary(bytes)) => {
                    assert!(self.attached.take().is_some(), "bytes of no event");
                    return Received::Payload(Frame::binary(bytes));
                }
                Ok(Packet::Close(_)) | Err(_) => return Received::Closed(None),
            }
        }
    }

    fn answer_pings(&mut self, answer: bool) {
        self.answer = answer;
    }

    async fn goodbye(mut self: Box<Self>, _: u16) {
        self.line.send(&[Packet::text("41")]).await.ok();
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
        let text = String::from_utf8_lossy(payload.payload());
        let event = format!("2[\"message\",{text}]");
        self.line.send_half(event.as_bytes()).await;
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

/// A client that was not let in.
struct Away;

#[async_trait]
impl Client for Away {
    async fn send(&mut self, _: Frame) -> io::Result<()> {
        Err(io::ErrorKind::NotConnected.into())
    }

    async fn next(&mut self) -> Received {
        Received::Closed(None)
    }

    fn answer_pings(&mut self, _: bool) {}

    async fn goodbye(self: Box<Self>, _: u16) {}

    async fn vanish(self: Box<Self>) {}

    async fn send_half(&mut self, _: Frame) -> bool {
        false
    }

    async fn send_garbage(&mut self, _: &[u8]) -> bool {
        false
    }

    fn address(&self) -> Option<SocketAddr> {
        None
    }
}
