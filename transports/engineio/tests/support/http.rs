//! HTTP/1.1 by hand: one request at a time over one connection.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A connection of a client.
pub struct Http {
    pub stream: TcpStream,
    pub buffer: Vec<u8>,
}

/// An answer; that of an upgrade has no body.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
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
        })
    }

    /// Sends a request; of two headers of a name the given one counts.
    pub async fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> io::Result<()> {
        let mut text = format!("{method} {target} HTTP/1.1\r\n");
        if !headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("host")) {
            text += "Host: localhost\r\n";
        }
        if method == "POST" {
            text += &format!("Content-Length: {}\r\n", body.len());
        }
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += "\r\n";
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(body);
        self.stream.write_all(&bytes).await
    }

    /// Reads the answer. Cancel safe: what has come is kept.
    pub async fn answer(&mut self) -> io::Result<Answer> {
        loop {
            if let Some(answer) = self.parse() {
                return Ok(answer);
            }
            self.fill().await?;
        }
    }

    pub async fn fill(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    fn parse(&mut self) -> Option<Answer> {
        let end = self.buffer.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        let mut lines = head.lines();
        let status = lines.next()?.get(9..12)?.parse().ok()?;
        let headers = lines.filter_map(|line| line.split_once(": "));
        let mut answer = Answer {
            status,
            headers: headers.map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
            body: Vec::new(),
        };
        let length = match answer.header("content-length") {
            Some(length) if status != 101 => length.parse().ok()?,
            _ => 0,
        };
        if self.buffer.len() < end + length {
            return None;
        }
        answer.body = self.buffer[end..end + length].to_vec();
        self.buffer.drain(..end + length);
        Some(answer)
    }

    pub async fn ask(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> io::Result<Answer> {
        self.send(method, target, headers, body).await?;
        self.answer().await
    }
}
