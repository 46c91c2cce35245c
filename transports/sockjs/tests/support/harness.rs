//! The conformance harness of the engine.

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
use stellarfw_conformance::{Client, Connect, Harness, Received, Refused, TestServer};
use stellarfw_sockjs::SockJs;
use stellarfw_transport::{Frame, Kind, Server, Transport};

use super::{
    http::{Http, Response},
    polling::{self, Polling},
    site::Site,
    socket::{CLOSE, FIN, PING, PONG, Socket, TEXT},
};

/// The transport of the suite's clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientTransport {
    WebSocket,
    Http(polling::HttpTransport),
}

pub struct SockJsHarness(pub ClientTransport);

impl Harness for SockJsHarness {
    fn engine(&self) -> (Arc<dyn Transport>, Box<dyn TestServer>) {
        let stage = SockJsTestServer {
            transport: self.0,
            site: None,
            pathname: String::new(),
            next: AtomicUsize::new(0),
        };
        (Arc::new(SockJs::default()), Box::new(stage))
    }
}

struct SockJsTestServer {
    transport: ClientTransport,
    site: Option<Site>,
    pathname: String,
    next: AtomicUsize,
}

#[async_trait]
impl TestServer for SockJsTestServer {
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
        match self.transport {
            ClientTransport::Http(transport) => {
                let opening =
                    Polling::open(server, transport, base, &connect.query, &connect.headers);
                match opening.await.map_err(gone)? {
                    Ok(session) => Ok(Box::new(HttpClient {
                        session: Some(session),
                        payloads: VecDeque::new(),
                    })),
                    Err(response) => Err(refused(&response, false)),
                }
            }
            ClientTransport::WebSocket => {
                let http = Http::connect(server).await.map_err(gone)?;
                let target = format!("{base}/websocket?{}", connect.query);
                let upgrade = Socket::upgrade(http, &target, &connect.headers);
                let mut socket = match upgrade.await.map_err(gone)? {
                    Ok(socket) => socket,
                    Err(response) => return Err(refused(&response, true)),
                };
                assert_eq!(socket.recv_text().await, "o");
                Ok(Box::new(WsClient {
                    socket,
                    answer_pings: true,
                    payloads: VecDeque::new(),
                }))
            }
        }
    }
}

fn refused(response: &Response, upgrade: bool) -> Refused {
    let text = |name| response.header(name).map(str::to_owned);
    Refused {
        status: Some(response.status),
        message: response.json()["error"].as_str().map(str::to_owned),
        www_authenticate: text("www-authenticate"),
        connection_close: upgrade.then(|| text("connection").as_deref() == Some("close")),
    }
}

/// Parses a frame. Returns `true` if it is a close frame.
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
    /// `None` after it disconnected.
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
    answer_pings: bool,
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
                    // A WebSocket close frame follows the `c` frame.
                    read(&frame, &mut self.payloads);
                }
                Ok((PING, payload)) => {
                    if self.answer_pings {
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
        self.answer_pings = answer;
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
