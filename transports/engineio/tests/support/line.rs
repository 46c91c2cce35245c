//! Engine.IO by hand: packets over polling, over a WebSocket, or from the one to the other.

use std::{collections::VecDeque, io, net::SocketAddr, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use tokio::io::AsyncWriteExt as _;

use super::{
    http::{Answer, Http},
    socket::{BINARY, CLOSE, FIN, Socket, TEXT},
};

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Polling,
    WebSocket,
    /// Polling first.
    Upgrade,
}

/// A packet: text with its type in front, or binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    Text(String),
    Binary(Vec<u8>),
    /// The WebSocket's close frame, with its code.
    Close(u16),
}

impl Packet {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

/// A client's line.
pub struct Line {
    server: SocketAddr,
    headers: Vec<(String, String)>,
    pub address: SocketAddr,
    /// Path and query of its requests, the session's id with it.
    pub target: String,
    pub open: serde_json::Value,
    pub side: Side,
    /// What had come by polling when the client moved on.
    pending: VecDeque<Packet>,
}

pub enum Side {
    Polling(Polls),
    Socket(Socket),
}

/// A client's polls and POSTs, each over a connection of its own.
pub struct Polls {
    pub get: Http,
    post: Option<Http>,
    /// A poll is under way.
    waiting: bool,
    /// Half a POST is.
    half: bool,
    packets: VecDeque<Packet>,
}

pub async fn connect(
    server: SocketAddr,
    way: Way,
    path: &str,
    query: &str,
    headers: &[(String, String)],
) -> io::Result<Result<Line, Answer>> {
    let mut http = Http::connect(server).await?;
    let address = http.stream.local_addr()?;
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("&{query}")
    };
    let target = |transport| format!("{path}?EIO=4&transport={transport}{query}");
    let (side, open) = if way == Way::WebSocket {
        let mut socket = match Socket::upgrade(http, &target("websocket"), headers).await? {
            Ok(socket) => socket,
            Err(answer) => return Ok(Err(answer)),
        };
        let (_, open) = socket.next().await?;
        (Side::Socket(socket), open)
    } else {
        let answer = http.ask("GET", &target("polling"), headers, b"").await?;
        if answer.status != 200 {
            return Ok(Err(answer));
        }
        let polls = Polls {
            get: http,
            post: None,
            waiting: false,
            half: false,
            packets: VecDeque::new(),
        };
        (Side::Polling(polls), answer.body)
    };
    let open = match open.strip_prefix(b"0") {
        Some(json) => serde_json::from_slice(json).map_err(io::Error::other)?,
        None => return Err(io::ErrorKind::InvalidData.into()),
    };
    let mut line = Line {
        server,
        headers: headers.to_vec(),
        address,
        target: String::new(),
        open,
        side,
        pending: VecDeque::new(),
    };
    let sid = line.open["sid"].as_str().unwrap_or_default();
    line.target = format!("{path}?EIO=4{query}&sid={sid}");
    if way == Way::Upgrade {
        line.upgrade().await?;
    }
    Ok(Ok(line))
}

impl Line {
    fn url(&self, transport: &str) -> String {
        format!("{}&transport={transport}", self.target)
    }

    /// Moves to a WebSocket as a client does: polls go on until the server has seen the probe.
    pub async fn upgrade(&mut self) -> io::Result<()> {
        let http = Http::connect(self.server).await?;
        let url = self.url("websocket");
        let Ok(mut socket) = Socket::upgrade(http, &url, &self.headers).await? else {
            return Err(io::Error::other("no upgrade"));
        };
        let Side::Polling(polls) = &mut self.side else {
            return Err(io::Error::other("upgraded already"));
        };
        socket.frame(FIN | TEXT, b"2probe").await?;
        let (_, pong) = socket.next().await?;
        assert_eq!(pong, b"3probe");
        // A poll under way is answered now, if only with a noop.
        if polls.waiting {
            let answer = polls.get.answer().await?;
            polls.take(&answer);
        }
        self.pending = std::mem::take(&mut polls.packets);
        socket.frame(FIN | TEXT, b"5").await?;
        self.side = Side::Socket(socket);
        Ok(())
    }

    pub async fn send(&mut self, packets: &[Packet]) -> io::Result<()> {
        let url = self.url("polling");
        match &mut self.side {
            Side::Socket(socket) => {
                for packet in packets {
                    match packet {
                        Packet::Text(text) => socket.frame(FIN | TEXT, text.as_bytes()).await?,
                        Packet::Binary(bytes) => socket.frame(FIN | BINARY, bytes).await?,
                        Packet::Close(code) => {
                            socket.frame(FIN | CLOSE, &code.to_be_bytes()).await?;
                        }
                    }
                }
                Ok(())
            }
            Side::Polling(polls) => {
                let parts: Vec<String> = packets
                    .iter()
                    .map(|packet| match packet {
                        Packet::Text(text) => text.clone(),
                        Packet::Binary(bytes) => format!("b{}", STANDARD.encode(bytes)),
                        Packet::Close(_) => "1".into(),
                    })
                    .collect();
                let body = parts.join("\x1e");
                let answer = polls.post(self.server, &url, &self.headers, body.as_bytes());
                match answer.await?.status {
                    200 => Ok(()),
                    status => Err(io::Error::other(format!("{status}"))),
                }
            }
        }
    }

    /// Sends any body.
    pub async fn post(&mut self, body: &[u8]) -> io::Result<Answer> {
        let url = self.url("polling");
        match &mut self.side {
            Side::Polling(polls) => polls.post(self.server, &url, &self.headers, body).await,
            Side::Socket(_) => Err(io::Error::other("not on polling")),
        }
    }

    /// The next packet. Cancel safe.
    pub async fn next(&mut self) -> io::Result<Packet> {
        if let Some(packet) = self.pending.pop_front() {
            return Ok(packet);
        }
        let url = self.url("polling");
        match &mut self.side {
            Side::Socket(socket) => {
                let (opcode, payload) = socket.next().await?;
                Ok(match opcode {
                    TEXT => Packet::Text(String::from_utf8(payload).map_err(io::Error::other)?),
                    BINARY => Packet::Binary(payload),
                    CLOSE => Packet::Close(match payload[..] {
                        [high, low, ..] => u16::from_be_bytes([high, low]),
                        _ => 1005,
                    }),
                    other => panic!("opcode {other}"),
                })
            }
            Side::Polling(polls) => loop {
                if let Some(packet) = polls.packets.pop_front() {
                    return Ok(packet);
                }
                if !polls.waiting {
                    polls.get.send("GET", &url, &self.headers, b"").await?;
                    polls.waiting = true;
                }
                let answer = polls.get.answer().await?;
                if answer.status != 200 {
                    return Err(io::Error::other(format!("{}", answer.status)));
                }
                polls.take(&answer);
            },
        }
    }

    /// Leaves so that the server notices: in the middle of a poll that has nothing to bring.
    pub async fn vanish(mut self) {
        let moment = Duration::from_millis(20);
        match &mut self.side {
            Side::Socket(_) => return,
            // One with half a POST on it is of no use any more.
            Side::Polling(polls) if polls.half => {
                polls.post = None;
                tokio::time::sleep(moment).await;
            }
            Side::Polling(_) => {}
        }
        loop {
            let mut next = tokio::time::timeout(moment, self.next()).await;
            if next.is_err() {
                // The server has most likely read the poll when it has answered what came after it.
                if !self
                    .post(b"3")
                    .await
                    .is_ok_and(|answer| answer.status == 200)
                {
                    return;
                }
                next = tokio::time::timeout(moment, self.next()).await;
            }
            match next {
                Ok(Ok(packet)) if packet != Packet::text("1") => {}
                Ok(_) => return,
                Err(_) if self.has_left(moment).await => return,
                Err(_) => {}
            }
        }
    }

    /// Gives its poll up. Whether the session is gone with it, or it was given up before the server
    /// had read it.
    async fn has_left(&mut self, moment: Duration) -> bool {
        let (server, Side::Polling(polls)) = (self.server, &mut self.side) else {
            return true;
        };
        match Http::connect(server).await {
            Ok(http) => polls.get = http,
            Err(_) => return true,
        }
        polls.waiting = false;
        for _ in 0..50 {
            if !self.post(b"3").await.is_ok_and(|a| a.status == 200) {
                return true;
            }
            tokio::time::sleep(moment).await;
        }
        false
    }

    /// Sends the first half of a message.
    pub async fn send_half(&mut self, payload: &[u8]) {
        let url = self.url("polling");
        let half = payload.len() / 2;
        match &mut self.side {
            Side::Socket(socket) => {
                let frame = super::socket::masked(FIN | TEXT, &[b"4", payload].concat());
                socket.write(&frame[..half]).await.ok();
            }
            Side::Polling(polls) => {
                let Ok(mut http) = Http::connect(self.server).await else {
                    return;
                };
                let head = format!(
                    "POST {url} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n4",
                    payload.len() + 1
                );
                let bytes = [head.as_bytes(), &payload[..half]].concat();
                http.stream.write_all(&bytes).await.ok();
                polls.post = Some(http);
                polls.half = true;
            }
        }
    }
}

impl Line {
    /// The answer to half a POST.
    pub async fn half_answer(&mut self) -> Answer {
        match &mut self.side {
            Side::Polling(Polls {
                post: Some(http), ..
            }) => http.answer().await.unwrap(),
            _ => panic!("there is no POST"),
        }
    }
}

impl Polls {
    async fn post(
        &mut self,
        server: SocketAddr,
        url: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> io::Result<Answer> {
        if self.post.is_none() {
            self.post = Some(Http::connect(server).await?);
        }
        match &mut self.post {
            Some(http) => http.ask("POST", url, headers, body).await,
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn take(&mut self, answer: &Answer) {
        self.waiting = false;
        let text = String::from_utf8_lossy(&answer.body);
        let parts = text.split('\x1e').filter(|part| !part.is_empty());
        let packets = parts.map(|part| match part.strip_prefix('b') {
            Some(base64) => Packet::Binary(STANDARD.decode(base64).unwrap_or_default()),
            None => Packet::text(part),
        });
        self.packets
            .extend(packets.filter(|p| *p != Packet::text("6")));
    }
}
