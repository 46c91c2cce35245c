//! HTTP as it is on the wire, so that no client's library tidies anything up.

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Host, soon};

/// A request that was sent.
pub(crate) struct UnderWay(TcpStream);

impl UnderWay {
    pub(crate) async fn reply(mut self) -> Reply {
        let mut bytes = Vec::new();
        soon("the answer", self.0.read_to_end(&mut bytes))
            .await
            .ok();
        Reply::read(&bytes)
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Host {
    /// Sends a request line, headers and a body as they are, and reads the answer to its end.
    pub(crate) async fn http(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.start(line, headers, body).await.reply().await
    }

    /// As [`Host::http`], with the answer still to be read.
    pub(crate) async fn start(
        &self,
        line: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> UnderWay {
        let mut head = format!(
            "{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.address
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server that refuses the body may hang up before it has read it.
        stream.write_all(body).await.ok();
        UnderWay(stream)
    }

    /// Gets a path.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.http(&format!("GET {path}"), &[], b"").await
    }

    /// Posts JSON.
    pub(crate) async fn post(&self, path: &str, json: &str) -> Reply {
        let headers = [("Content-Type", "application/json")];
        self.http(&format!("POST {path}"), &headers, json.as_bytes())
            .await
    }
}

impl Reply {
    fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        let mut reply = Self {
            status: status.parse().unwrap(),
            headers: lines.map(header).collect(),
            body: bytes[end + 4..].to_vec(),
        };
        if reply.header("transfer-encoding") == Some("chunked") {
            reply.body = unchunk(&reply.body);
        }
        reply
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All headers but one, to be searched.
    pub(crate) fn headers_without(&self, name: &str) -> String {
        let others = self.headers.iter().filter(|(known, _)| known != name);
        others
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect()
    }

    /// The cookie that it sets, as a client sends it back.
    pub(crate) fn cookie(&self) -> Option<&str> {
        self.header("set-cookie")?.split(';').next()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

fn unchunk(mut body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = std::str::from_utf8(&body[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return out;
        }
        out.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 4 + size..];
    }
}
