//! The conformance suite's way to this engine.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use stellarfw_conformance::{Client, Connect, Harness, Received, Refused, Stage};
use stellarfw_sockjs::SockJs;
use stellarfw_transport::{Frame, Kind, Server, Transport};

use super::{
    http::{Answer, Http},
    polling::{self, Polling},
    site::Site,
    socket::{CLOSE, FIN, PING, PONG, Socket, TEXT},
};

/// How the clients come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    WebSocket,
    Http(polling::Way),
}

pub struct SockJsHarness(pub Way);

impl Harness for SockJsHarness {
    fn engine(&self) -> (Arc<dyn Transport>, Box<dyn Stage>) {
        let stage = SockJsStage {
            way: self.0,
            site: None,
            pathname: String::new(),
            next: AtomicUsize::new(0),
        };
        (Arc::new(SockJs::default()), Box::new(stage))
    }
}

struct SockJsStage {
    way: Way,
    site: Option<Site>,
    pathname: String,
    next: AtomicUsize,
}

#[async_trait]
impl Stage for SockJsStage {
    async fn serve(&mut self, server: &Server, _: &[SocketAddr]) {
        self.site = Some(Site::new(server).await);
        self.pathname = server.config().pathname.clone();
    }

    async fn connect(&self, connect: Connect) -> Result<Box<dyn Client>, Refused> {
        let server = self.site.as_ref().unwrap().address;
        let path = connect.path.as_deref().unwrap_or(&self.pathname);
        let session = self.next.fetch_add(1, Ordering::Relaxed);
        let base = format!("{path}/000/session-{session}");
        let gone = |_| Refused::default();
        match self.way {
            Way::Http(way) => {
                let opening = Polling::open(server, way, base, &connect.query, &connect.headers);
                match opening.await.map_err(gone)? {
                    Ok(session) => Ok(Box::new(HttpClient {
                        session: Some(session),
                        payloads: VecDeque::new(),
                    })),
                    Err(answer) => Err(refused(&answer, false)),
                }
            }
            Way::WebSocket => {
                let http = Http::connect(server).await.map_err(gone)?;
                let target = format!("{base}/websocket?{}", connect.query);
                let upgrade = Socket::upgrade(http, &target, &connect.headers);
                let mut socket = match upgrade.await.map_err(gone)? {
                    Ok(socket) => socket,
                    Err(answer) => return Err(refused(&answer, true)),
                };
                assert_eq!(socket.hear().await, "o");
                Ok(Box::new(WsClient {
                    socket,
                    answer: true,
                    payloads: VecDeque::new(),
                }))
            }
        }
    }
}

fn refused(answer: &Answer, upgrade: bool) -> Refused {
    let text = |name| answer.header(name).map(str::to_owned);
    Refused {
        status: Some(answer.status),
        message: answer.json()["error"].as_str().map(str::to_owned),
        www_authenticate: text("www-authenticate"),
        connection_close: upgrade.then(|| text("connection").as_deref() == Some("close")),
    }
}

/// Reads a frame. Whether it was the last one.
fn read(frame: &str, payloads: &mut VecDeque<Frame>) -> bool {
    match frame.split_at(1) {
        ("h", "") => false,
        ("a", list) => {
            let list: Vec<String> = serde_json::from_str(list).unwrap();
            payloads.extend(list.into_iter().map(Frame::text));
            false
        }
        ("c", list) => {
            let (code, _): (u16, String) = serde_json::from_str(list).unwrap();
            assert!(code >= 1_000);
            true
        }
        _ => panic!("no frame: {frame}"),
    }
}

fn text(payload: &Frame) -> &str {
    assert_eq!(payload.kind(), Kind::Text);
    std::str::from_utf8(payload.payload()).unwrap()
}

struct HttpClient {
    /// There until it breaks off.
    session: Option<Polling>,
    payloads: VecDeque<Frame>,
}

impl HttpClient {
    fn session(&mut self) -> &mut Polling {
        self.session.as_mut().unwrap()
    }
}

impl Drop for HttpClient {
    fn drop(&mut self) {
        if let Some(session) = self.session.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(session.break_off());
        }
    }
}

#[async_trait]
impl Client for HttpClient {
    async fn send(&mut self, payload: Frame) -> io::Result<()> {
        self.session().send(text(&payload)).await
    }

    async fn next(&mut self) -> Received {
        loop {
            if let Some(payload) = self.payloads.pop_front() {
                return Received::Payload(payload);
            }
            match self.session().frame().await {
                Ok(frame) if read(&frame, &mut self.payloads) => return Received::Closed(None),
                Ok(_) => {}
                Err(_) => return Received::Closed(None),
            }
        }
    }

    fn answer_pings(&mut self, answer: bool) {
        self.session().eager = answer;
    }

    async fn goodbye(mut self: Box<Self>, _: u16) {
        if let Some(session) = self.session.take() {
            session.goodbye().await;
        }
    }

    async fn vanish(self: Box<Self>) {}

    async fn send_half(&mut self, payload: Frame) -> bool {
        self.session().send_half(text(&payload)).await.ok();
        true
    }

    async fn send_garbage(&mut self, bytes: &[u8]) -> bool {
        self.session().post(bytes).await.ok();
        true
    }

    fn address(&self) -> Option<SocketAddr> {
        self.session.as_ref()?.address()
    }
}

struct WsClient {
    socket: Socket,
    answer: bool,
    payloads: VecDeque<Frame>,
}

#[async_trait]
impl Client for WsClient {
    async fn send(&mut self, payload: Frame) -> io::Result<()> {
        let list = serde_json::to_string(&[text(&payload)])?;
        self.socket.frame(FIN | TEXT, list.as_bytes()).await
    }

    async fn next(&mut self) -> Received {
        loop {
            if let Some(payload) = self.payloads.pop_front() {
                return Received::Payload(payload);
            }
            match self.socket.next().await {
                Ok((TEXT, frame)) => {
                    let frame = String::from_utf8(frame).unwrap();
                    // What follows the last frame is the close frame.
                    read(&frame, &mut self.payloads);
                }
                Ok((PING, payload)) => {
                    if self.answer {
                        self.socket.frame(FIN | PONG, &payload).await.ok();
                    }
                }
                Ok((CLOSE, payload)) => {
                    self.socket.frame(FIN | CLOSE, &payload).await.ok();
                    return Received::Closed(None);
                }
                Err(_) => return Received::Closed(None),
                Ok((opcode, _)) => panic!("a frame of opcode {opcode}"),
            }
        }
    }

    fn answer_pings(&mut self, answer: bool) {
        self.answer = answer;
    }

    async fn goodbye(mut self: Box<Self>, _: u16) {
        self.socket.frame(FIN | CLOSE, b"").await.ok();
        while self
            .socket
            .next()
            .await
            .is_ok_and(|(opcode, _)| opcode != CLOSE)
        {}
    }

    async fn vanish(self: Box<Self>) {}

    async fn send_half(&mut self, payload: Frame) -> bool {
        let list = serde_json::to_string(&[text(&payload)]).unwrap();
        let frame = super::socket::masked(FIN | TEXT, list.as_bytes());
        self.socket.write(&frame[..frame.len() / 2]).await.ok();
        true
    }

    async fn send_garbage(&mut self, bytes: &[u8]) -> bool {
        self.socket.write(bytes).await.ok();
        true
    }

    fn address(&self) -> Option<SocketAddr> {
        self.socket.0.stream.local_addr().ok()
    }
}
