//! A WebSocket by hand.

use std::io;

use tokio::io::AsyncWriteExt as _;

use super::http::{Answer, Http};

pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xa;
pub const FIN: u8 = 0x80;

pub struct Socket(pub Http);

/// A frame with a mask, as clients must send them.
pub fn masked(head: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut out = header(head, payload.len());
    out.extend(mask);
    let masked = payload.iter().zip(mask.iter().cycle());
    out.extend(masked.map(|(byte, mask)| byte ^ mask));
    out
}

fn header(head: u8, len: usize) -> Vec<u8> {
    let mut out = vec![head];
    match len {
        0..=125 => out.push(0x80 | len as u8),
        126..=0xffff => {
            out.push(0x80 | 126);
            out.extend((len as u16).to_be_bytes());
        }
        _ => {
            out.push(0x80 | 127);
            out.extend((len as u64).to_be_bytes());
        }
    }
    out
}

impl Socket {
    pub async fn upgrade(
        mut http: Http,
        target: &str,
        headers: &[(String, String)],
    ) -> io::Result<Result<Self, Answer>> {
        let mut all = vec![
            ("Connection".to_owned(), "Upgrade".to_owned()),
            ("Upgrade".to_owned(), "websocket".to_owned()),
            ("Sec-WebSocket-Version".to_owned(), "13".to_owned()),
            (
                "Sec-WebSocket-Key".to_owned(),
                "dGhlIHNhbXBsZSBub25jZQ==".to_owned(),
            ),
        ];
        all.extend_from_slice(headers);
        let answer = http.ask("GET", target, &all, b"").await?;
        if answer.status != 101 {
            return Ok(Err(answer));
        }
        let accept = answer.header("sec-websocket-accept");
        assert_eq!(accept, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        Ok(Ok(Self(http)))
    }

    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.stream.write_all(bytes).await
    }

    pub async fn frame(&mut self, head: u8, payload: &[u8]) -> io::Result<()> {
        self.write(&masked(head, payload)).await
    }

    /// The next frame: its opcode and payload. Cancel safe.
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
        let end = skip + len as usize;
        let payload = bytes.get(skip..end)?.to_vec();
        self.0.buffer.drain(..end);
        Some((head & 0xf, payload))
    }
}
