//! A client of a session over HTTP: one pending receive request, and requests that send.

use std::{collections::VecDeque, io, net::SocketAddr, time::Duration};

use tokio::io::AsyncWriteExt as _;

use super::http::{Headers, Http, Response};

/// The transport with which a client receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpTransport {
    Xhr,
    XhrStreaming,
    EventSource,
    HtmlFile,
    Jsonp,
}

impl HttpTransport {
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

    /// Returns `true` if a response holds a single frame.
    fn is_polling(self) -> bool {
        matches!(self, Self::Xhr | Self::Jsonp)
    }

    /// Extracts the frame from a line of a response, as the official client does.
    fn frame(self, line: &str) -> Option<String> {
        let argument = |before: &str| {
            let text = line.strip_prefix(before)?.strip_suffix(");")?;
            // The string literals in scripts are also valid JSON.
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

/// Delay before the next request of a client that does not answer pings.
///
/// Exceeds the heartbeat interval of tests that expect a timeout, and stays below that of others.
const SLOW: Duration = Duration::from_millis(200);

pub struct Polling {
    transport: HttpTransport,
    server: SocketAddr,
    /// The session's URL without the transport.
    base: String,
    query: String,
    headers: Vec<(String, String)>,
    receiver: Http,
    sender: Option<Http>,
    /// `true` while a receive request is pending.
    pending: bool,
    /// `true` once the head of its response was read.
    begun: bool,
    text: Vec<u8>,
    frames: VecDeque<String>,
    /// `true` once the close frame was received.
    over: bool,
    /// `true` if the next request is sent at once.
    pub eager: bool,
}

impl Polling {
    /// Opens a session.
    pub async fn open(
        server: SocketAddr,
        transport: HttpTransport,
        base: String,
        query: &str,
        headers: &Headers,
    ) -> io::Result<Result<Self, Response>> {
        let mut client = Self {
            transport,
            server,
            base,
            query: match transport {
                HttpTransport::HtmlFile | HttpTransport::Jsonp => format!("?c=callback&{query}"),
                _ if query.is_empty() => String::new(),
                _ => format!("?{query}"),
            },
            headers: headers.to_vec(),
            receiver: Http::connect(server).await?,
            sender: None,
            pending: false,
            begun: false,
            text: Vec::new(),
            frames: VecDeque::new(),
            over: false,
            eager: true,
        };
        client.receive().await?;
        let response = client.receiver.response_head().await?;
        if response.status != 200 {
            let mut response = response;
            while let Some(part) = client.receiver.part().await? {
                response.body.extend(part);
            }
            return Ok(Err(response));
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
        let url = self.url(self.transport.name());
        let method = self.transport.method();
        self.receiver.send(method, &url, &self.headers, b"").await?;
        self.pending = true;
        Ok(())
    }

    /// Returns the next frame. Sends a request if none is pending.
    pub async fn frame(&mut self) -> io::Result<String> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Ok(frame);
            }
            if !self.pending {
                if !self.eager {
                    tokio::time::sleep(SLOW).await;
                }
                self.receive().await?;
            }
            self.read().await?;
            // Read to the end of the response, so that the next request is sent.
            while self.transport.is_polling() && self.begun {
                self.read().await?;
            }
        }
    }

    /// Reads a part of the response.
    async fn read(&mut self) -> io::Result<()> {
        if !self.begun {
            let response = self.receiver.response_head().await?;
            if response.status != 200 {
                return Err(io::Error::other(format!("{response:?}")));
            }
            self.begun = true;
        }
        let Some(part) = self.receiver.part().await? else {
            assert!(self.text.is_empty(), "the response ends within a frame");
            self.pending = false;
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

    /// Extracts frames from the complete lines that were read.
    fn lines(&mut self) {
        while let Some(end) = self.text.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.text.drain(..=end).collect();
            let line = String::from_utf8(line).unwrap();
            let line = line.trim_end_matches(['\r', '\n']);
            let frame = self.transport.frame(line).unwrap_or_default();
            // Skips preludes and the empty lines between events.
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

    /// Sends a raw body.
    pub async fn post(&mut self, body: &[u8]) -> io::Result<Response> {
        let (url, headers) = (self.url("xhr_send"), self.headers.clone());
        self.request(&url, &headers, body).await
    }

    async fn request(&mut self, url: &str, headers: &Headers, body: &[u8]) -> io::Result<Response> {
        let response = self
            .sender()
            .await?
            .request("POST", url, headers, body)
            .await;
        let status = response.as_ref().map_or(0, |response| response.status);
        if !matches!(status, 200 | 204) {
            self.sender = None;
        }
        response
    }

    pub async fn send(&mut self, message: &str) -> io::Result<()> {
        let body = serde_json::to_string(&[message])?;
        let status = if self.transport == HttpTransport::Jsonp {
            let (url, mut headers) = (self.url("jsonp_send"), self.headers.clone());
            headers.push(("Content-Type".into(), FORM.into()));
            let form = format!("d={}", form_encoded(&body));
            self.request(&url, &headers, form.as_bytes()).await?.status
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

    /// Disconnects once the server has seen the receiver.
    ///
    /// A request that disconnects earlier is not a lost receiver, and its session would wait for
    /// the next.
    pub async fn break_off(self) {
        if !self.over {
            self.leave().await.ok();
        }
    }

    async fn leave(self) -> io::Result<()> {
        let url = format!("{}/xhr{}", self.base, self.query);
        let mut receiver = self.pending.then_some((self.receiver, self.begun));
        loop {
            let mut next = Http::connect(self.server).await?;
            next.send("POST", &url, &self.headers, b"").await?;
            let Some((mut previous, begun)) = receiver.take() else {
                receiver = Some((next, false));
                continue;
            };
            // A refused receiver shows that the other is attached. Other responses carry frames.
            let (text, other) = tokio::select! {
                text = read_all(&mut previous, begun) => (text?, (next, false)),
                text = read_all(&mut next, false) => (text?, (previous, begun)),
            };
            if text.starts_with(b"c[") || text.ends_with(BUSY) {
                return Ok(());
            }
            receiver = Some(other);
        }
    }

    /// Disconnects and waits until the server has closed the session.
    pub async fn goodbye(self) {
        let (server, headers) = (self.server, self.headers.clone());
        let url = format!("{}/xhr{}", self.base, self.query);
        self.break_off().await;
        loop {
            let mut http = Http::connect(server).await.unwrap();
            let response = http.request("POST", &url, &headers, b"").await.unwrap();
            if response.body != BUSY {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Encodes a text as browsers do in the body of a form.
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

/// Decodes a text like JavaScript's `decodeURI`. Panics where that throws.
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
        // Reserved characters stay encoded.
        if b";/?:@&=+$,#".contains(&decoded) {
            out.extend(format!("%{digits}").bytes());
        } else {
            out.push(decoded);
        }
    }
    String::from_utf8(out).unwrap()
}

const BUSY: &[u8] = b"c[2010,\"Another connection still open\"]\n";

/// Reads a response to its end.
async fn read_all(http: &mut Http, begun: bool) -> io::Result<Vec<u8>> {
    if !begun {
        http.response_head().await?;
    }
    let mut text = Vec::new();
    while let Some(part) = http.part().await? {
        text.extend(part);
    }
    Ok(text)
}
