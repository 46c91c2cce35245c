//! A minimal WebSocket client.

use std::io;

use tokio::io::AsyncWriteExt as _;

use super::http::{Headers, Http, Response};

pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xa;
pub const FIN: u8 = 0x80;

pub struct Socket(pub Http);

/// Encodes a masked frame, as clients must send.
pub fn masked(head: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut out = vec![head];
    match payload.len() {
        len @ 0..=125 => out.push(0x80 | len as u8),
        len @ 126..=0xffff => {
            out.push(0x80 | 126);
            out.extend((len as u16).to_be_bytes());
        }
        len => {
            out.push(0x80 | 127);
            out.extend((len as u64).to_be_bytes());
        }
    }
    out.extend(mask);
    let masked = payload.iter().zip(mask.iter().cycle());
    out.extend(masked.map(|(byte, mask)| byte ^ mask));
    out
}

impl Socket {
    pub async fn upgrade(
        mut http: Http,
        target: &str,
        headers: &Headers,
    ) -> io::Result<Result<Self, Response>> {
        let own = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let all: Vec<_> = own.into_iter().chain(headers.iter().cloned()).collect();
        let response = http.request("GET", target, &all, b"").await?;
        if response.status != 101 {
            return Ok(Err(response));
        }
        let accept = response.header("sec-websocket-accept");
        assert_eq!(accept, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        Ok(Ok(Self(http)))
    }

    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.stream.write_all(bytes).await
    }

    pub async fn frame(&mut self, head: u8, payload: &[u8]) -> io::Result<()> {
        self.write(&masked(head, payload)).await
    }

    /// Sends a text frame.
    pub async fn send_text(&mut self, text: &str) {
        self.frame(FIN | TEXT, text.as_bytes()).await.unwrap();
    }

    /// Returns the payload of the next frame, which must be a text frame.
    pub async fn recv_text(&mut self) -> String {
        let (opcode, payload) = self.next().await.unwrap();
        assert_eq!(opcode, TEXT, "{payload:?}");
        String::from_utf8(payload).unwrap()
    }

    /// Returns the code of the next frame, which must be a close frame.
    pub async fn closed(&mut self) -> u16 {
        let (opcode, payload) = self.next().await.unwrap();
        assert_eq!(opcode, CLOSE, "{payload:?}");
        u16::from_be_bytes([payload[0], payload[1]])
    }

    /// Returns the opcode and payload of the next frame. Cancel safe.
    pub async fn next(&mut self) -> io::Result<(u8, Vec<u8>)> {
        loop {
            if let Some(frame) = self.parse() {
                return Ok(frame);
            }
            self.0.fill().await?;
        }
    }

    fn parse(&mut self) -> Option<(u8, Vec<u8>)> {
        let bytes = &self.0.buffer;
        let (head, len) = (*bytes.first()?, *bytes.get(1)?);
        let (skip, len) = match len {
            126 => (
                4,
                u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
            ),
            127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
            len => (2, u64::from(len)),
        };
        let end = skip + usize::try_from(len).ok()?;
        let payload = bytes.get(skip..end)?.to_vec();
        self.0.buffer.drain(..end);
        Some((head & 0xf, payload))
    }
}
