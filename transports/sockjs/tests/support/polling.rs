//! A session over HTTP, as clients have it: always one request that receives, others that send.

use std::{collections::VecDeque, io, net::SocketAddr, time::Duration};

use tokio::io::AsyncWriteExt as _;

use super::http::{Answer, Headers, Http};

/// How a client receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Xhr,
    XhrStreaming,
    EventSource,
    HtmlFile,
    Jsonp,
}

impl Way {
    fn method(self) -> &'static str {
        match self {
            Self::Xhr | Self::XhrStreaming => "POST",
            Self::EventSource | Self::HtmlFile | Self::Jsonp => "GET",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Xhr => "xhr",
            Self::XhrStreaming => "xhr_streaming",
            Self::EventSource => "eventsource",
            Self::HtmlFile => "htmlfile",
            Self::Jsonp => "jsonp",
        }
    }

    /// Whether a response holds one frame only.
    fn is_polling(self) -> bool {
        matches!(self, Self::Xhr | Self::Jsonp)
    }

    /// The frame in a line of a response, as the official client reads it.
    fn frame(self, line: &str) -> Option<String> {
        let argument = |before: &str| {
            let text = line.strip_prefix(before)?.strip_suffix(");")?;
            // The literals that are written here are JSON, too.
            Some(serde_json::from_str::<String>(text).unwrap())
        };
        match self {
            Self::Xhr | Self::XhrStreaming => Some(line.to_owned()),
            Self::EventSource => Some(decode_uri(line.strip_prefix("data: ")?)),
            Self::HtmlFile => argument("p("),
            Self::Jsonp => argument("/**/callback("),
        }
    }
}

/// So long a client that answers no ping takes to ask again: longer than a server waits that is
/// to find out, and shorter than one that is not.
const SLOW: Duration = Duration::from_millis(200);

pub struct Polling {
    way: Way,
    server: SocketAddr,
    /// The session's URL, and what comes behind the name of a way.
    base: String,
    query: String,
    headers: Vec<(String, String)>,
    receiver: Http,
    sender: Option<Http>,
    /// Whether a request is under way.
    asked: bool,
    /// Whether its head was read.
    begun: bool,
    text: Vec<u8>,
    frames: VecDeque<String>,
    /// Whether the last frame has come.
    over: bool,
    /// Whether it asks again at once.
    pub eager: bool,
}

impl Polling {
    /// Opens a session.
    pub async fn open(
        server: SocketAddr,
        way: Way,
        base: String,
        query: &str,
        headers: &Headers,
    ) -> io::Result<Result<Self, Answer>> {
        let mut client = Self {
            way,
            server,
            base,
            query: match way {
                Way::HtmlFile | Way::Jsonp => format!("?c=callback&{query}"),
                _ if query.is_empty() => String::new(),
                _ => format!("?{query}"),
            },
            headers: headers.to_vec(),
            receiver: Http::connect(server).await?,
            sender: None,
            asked: false,
            begun: false,
            text: Vec::new(),
            frames: VecDeque::new(),
            over: false,
            eager: true,
        };
        client.receive().await?;
        let answer = client.receiver.answer_head().await?;
        if answer.status != 200 {
            let mut answer = answer;
            while let Some(part) = client.receiver.part().await? {
                answer.body.extend(part);
            }
            return Ok(Err(answer));
        }
        client.begun = true;
        let frame = client.frame().await?;
        assert_eq!(frame, "o");
        Ok(Ok(client))
    }

    pub fn address(&self) -> Option<SocketAddr> {
        self.receiver.stream.local_addr().ok()
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{name}{}", self.base, self.query)
    }

    async fn receive(&mut self) -> io::Result<()> {
        let url = self.url(self.way.name());
        let method = self.way.method();
        self.receiver.send(method, &url, &self.headers, b"").await?;
        self.asked = true;
        Ok(())
    }

    /// The next frame. Asks for it if no request is under way.
    pub async fn frame(&mut self) -> io::Result<String> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Ok(frame);
            }
            if !self.asked {
                if !self.eager {
                    tokio::time::sleep(SLOW).await;
                }
                self.receive().await?;
            }
            self.read().await?;
            // To the end of the response, so that the next request is under way.
            while self.way.is_polling() && self.begun {
                self.read().await?;
            }
        }
    }

    /// Reads a part of the response.
    async fn read(&mut self) -> io::Result<()> {
        if !self.begun {
            let answer = self.receiver.answer_head().await?;
            if answer.status != 200 {
                return Err(io::Error::other(format!("{answer:?}")));
            }
            self.begun = true;
        }
        let Some(part) = self.receiver.part().await? else {
            assert!(self.text.is_empty(), "the response ends within a frame");
            self.asked = false;
            self.begun = false;
            if self.eager && !self.over {
                self.receive().await?;
            }
            return Ok(());
        };
        let ends_line = part.contains(&b'\n');
        self.text.extend(part);
        if ends_line {
            self.lines();
        }
        Ok(())
    }

    /// Takes whole lines out of what was read.
    fn lines(&mut self) {
        while let Some(end) = self.text.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.text.drain(..=end).collect();
            let line = String::from_utf8(line).unwrap();
            let line = line.trim_end_matches(['\r', '\n']);
            let frame = self.way.frame(line).unwrap_or_default();
            // Preludes, and the empty lines between events.
            let is_prelude = line.len() == 2_048 && line.starts_with("hh");
            if !is_prelude && !frame.is_empty() {
                self.over |= frame.starts_with('c');
                self.frames.push_back(frame);
            }
        }
    }

    async fn sender(&mut self) -> io::Result<&mut Http> {
        if self.sender.is_none() {
            self.sender = Some(Http::connect(self.server).await?);
        }
        self.sender
            .as_mut()
            .ok_or(io::ErrorKind::NotConnected.into())
    }

    /// Sends a body as it is.
    pub async fn post(&mut self, body: &[u8]) -> io::Result<Answer> {
        let (url, headers) = (self.url("xhr_send"), self.headers.clone());
        self.ask(&url, &headers, body).await
    }

    async fn ask(&mut self, url: &str, headers: &Headers, body: &[u8]) -> io::Result<Answer> {
        let answer = self.sender().await?.ask("POST", url, headers, body).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        if !matches!(status, 200 | 204) {
            self.sender = None;
        }
        answer
    }

    pub async fn send(&mut self, message: &str) -> io::Result<()> {
        let body = serde_json::to_string(&[message])?;
        let status = if self.way == Way::Jsonp {
            let (url, mut headers) = (self.url("jsonp_send"), self.headers.clone());
            headers.push(("Content-Type".into(), FORM.into()));
            let form = format!("d={}", form_encoded(&body));
            self.ask(&url, &headers, form.as_bytes()).await?.status
        } else {
            self.post(body.as_bytes()).await?.status
        };
        match status {
            200 | 204 => Ok(()),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Sends the first half of a message.
    pub async fn send_half(&mut self, message: &str) -> io::Result<()> {
        let body = serde_json::to_string(&[message])?;
        let (url, headers) = (self.url("xhr_send"), self.headers.clone());
        let mut bytes = Http::head("POST", &url, &headers, body.len());
        bytes.extend_from_slice(&body.as_bytes()[..body.len() / 2]);
        self.sender().await?.stream.write_all(&bytes).await
    }

    /// Breaks off once the server has seen that somebody is there: a request that breaks off
    /// before that never was one, and its session would be kept for the next.
    pub async fn break_off(self) {
        if !self.over {
            self.leave().await.ok();
        }
    }

    async fn leave(self) -> io::Result<()> {
        let url = format!("{}/xhr{}", self.base, self.query);
        let mut there = self.asked.then_some((self.receiver, self.begun));
        loop {
            let mut next = Http::connect(self.server).await?;
            next.send("POST", &url, &self.headers, b"").await?;
            let Some((mut before, begun)) = there.take() else {
                there = Some((next, false));
                continue;
            };
            // Of two receivers one is sent away, so that the other is there. Others only got what
            // was sent to them.
            let (text, other) = tokio::select! {
                text = all(&mut before, begun) => (text?, (next, false)),
                text = all(&mut next, false) => (text?, (before, begun)),
            };
            if text.starts_with(b"c[") || text.ends_with(BUSY) {
                return Ok(());
            }
            there = Some(other);
        }
    }

    /// Breaks off, and waits until the server has seen that.
    pub async fn goodbye(self) {
        let (server, headers) = (self.server, self.headers.clone());
        let url = format!("{}/xhr{}", self.base, self.query);
        self.break_off().await;
        loop {
            let mut http = Http::connect(server).await.unwrap();
            let answer = http.ask("POST", &url, &headers, b"").await.unwrap();
            if answer.body != BUSY {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

/// A text as browsers put it into the body of a form.
fn form_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b' ' => "+".into(),
        b'*' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// What `decodeURI` of JavaScript makes of a text. Panics where that throws.
pub fn decode_uri(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
        let digits = std::str::from_utf8(&digits).unwrap();
        let decoded = u8::from_str_radix(digits, 16).unwrap();
        // What has a meaning in URIs stays as it is.
        if b";/?:@&=+$,#".contains(&decoded) {
            out.extend(format!("%{digits}").bytes());
        } else {
            out.push(decoded);
        }
    }
    String::from_utf8(out).unwrap()
}

const BUSY: &[u8] = b"c[2010,\"Another connection still open\"]\n";

/// A response to its end.
async fn all(http: &mut Http, begun: bool) -> io::Result<Vec<u8>> {
    if !begun {
        http.answer_head().await?;
    }
    let mut text = Vec::new();
    while let Some(part) = http.part().await? {
        text.extend(part);
    }
    Ok(text)
}
