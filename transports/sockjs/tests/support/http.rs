//! A minimal HTTP/1.1 client: sequential requests, with bodies read in parts.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

pub type Headers = [(String, String)];

/// A connection of a client.
pub struct Http {
    pub stream: TcpStream,
    pub buffer: Vec<u8>,
    rest: Rest,
}

/// The framing of the rest of the current body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    None,
    Bytes(usize),
    Chunks,
    ToTheEnd,
}

/// A response. The body of a streaming response is read separately.
#[derive(Clone, Debug, Default)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Http {
    pub async fn connect(server: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
            rest: Rest::None,
        })
    }

    /// Encodes the head of a request. `headers` replaces the default `Host`.
    pub fn head(method: &str, target: &str, headers: &Headers, length: usize) -> Vec<u8> {
        let mut text = format!("{method} {target} HTTP/1.1\r\n");
        if !headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("host")) {
            text += "Host: localhost\r\n";
        }
        if method == "POST" {
            text += &format!("Content-Length: {length}\r\n");
        }
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += "\r\n";
        text.into_bytes()
    }

    pub async fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &Headers,
        body: &[u8],
    ) -> io::Result<()> {
        let mut bytes = Self::head(method, target, headers, body.len());
        bytes.extend_from_slice(body);
        self.stream.write_all(&bytes).await
    }

    pub async fn fill(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Reads the head of the response. Cancel safe: received bytes are kept.
    pub async fn response_head(&mut self) -> io::Result<Response> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            self.fill().await?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        self.buffer.drain(..end);
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.get(9..12)?.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(": "));
        let response = Response {
            status: status.ok_or(io::ErrorKind::InvalidData)?,
            headers: headers.map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
            body: Vec::new(),
        };
        self.rest = match (response.status, response.header("content-length")) {
            (101 | 204 | 304, _) => Rest::None,
            (_, Some(length)) => Rest::Bytes(length.parse().map_err(io::Error::other)?),
            _ if response.header("transfer-encoding") == Some("chunked") => Rest::Chunks,
            _ => Rest::ToTheEnd,
        };
        Ok(response)
    }

    /// Returns the next part of the body, or `None` at its end. Cancel safe.
    pub async fn part(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            match self.rest {
                Rest::None | Rest::Bytes(0) => {
                    self.rest = Rest::None;
                    return Ok(None);
                }
                Rest::Bytes(left) if !self.buffer.is_empty() => {
                    let len = left.min(self.buffer.len());
                    self.rest = Rest::Bytes(left - len);
                    return Ok(Some(self.buffer.drain(..len).collect()));
                }
                Rest::Chunks => {
                    if let Some(chunk) = self.chunk()? {
                        if chunk.is_empty() {
                            self.rest = Rest::None;
                            return Ok(None);
                        }
                        return Ok(Some(chunk));
                    }
                }
                Rest::ToTheEnd if !self.buffer.is_empty() => {
                    return Ok(Some(std::mem::take(&mut self.buffer)));
                }
                Rest::Bytes(_) | Rest::ToTheEnd => {}
            }
            match self.fill().await {
                Err(error)
                    if error.kind() == io::ErrorKind::UnexpectedEof
                        && self.rest == Rest::ToTheEnd =>
                {
                    self.rest = Rest::None;
                }
                result => result?,
            }
        }
    }

    fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(line) = self.buffer.windows(2).position(|w| w == b"\r\n") else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&self.buffer[..line]).map_err(io::Error::other)?;
        let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
        let end = line + 2 + size;
        if self.buffer.len() < end + 2 {
            return Ok(None);
        }
        let chunk = self.buffer[line + 2..end].to_vec();
        self.buffer.drain(..end + 2);
        Ok(Some(chunk))
    }

    /// Sends a request and reads the complete response.
    pub async fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &Headers,
        body: &[u8],
    ) -> io::Result<Response> {
        self.send(method, target, headers, body).await?;
        let mut response = self.response_head().await?;
        while let Some(part) = self.part().await? {
            response.body.extend(part);
        }
        Ok(response)
    }
}
