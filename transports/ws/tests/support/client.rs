//! A WebSocket client that does nothing by itself, so that tests can do everything wrong.

use std::io;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::deflate::Deflate;

pub const CONTINUATION: u8 = 0x0;
pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xa;

pub const FIN: u8 = 0x80;
pub const RSV1: u8 = 0x40;
pub const RSV2: u8 = 0x20;
pub const RSV3: u8 = 0x10;

/// Whatever carries bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// One frame as it was on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The first byte: FIN, reserved bits, opcode.
    pub head: u8,
    pub payload: Vec<u8>,
}

/// The head of an HTTP response, and the body of one that is no upgrade.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

pub struct Raw {
    stream: Box<dyn Stream>,
    buffer: BytesMut,
    pub deflate: Option<Deflate>,
}

/// The key and its answer of RFC 6455 section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The request of a client that does everything right. Headers that are given replace its own;
/// an empty value leaves the header out.
pub fn request(target: &str, headers: &[(&str, &str)]) -> String {
    let defaults = [
        ("Host", "localhost"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", KEY),
    ];
    let mut text = format!("GET {target} HTTP/1.1\r\n");
    let given = |name: &str| headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    for (name, value) in defaults
        .iter()
        .filter(|(name, _)| !given(name))
        .chain(headers)
    {
        if !value.is_empty() {
            text += &format!("{name}: {value}\r\n");
        }
    }
    text + "\r\n"
}

/// A frame with a mask, as clients must.
pub fn masked(head: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut out = header(head, payload.len() as u64, 0x80);
    out.extend(mask);
    out.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    out
}

/// A frame without a mask, as clients must not.
pub fn unmasked(head: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = header(head, payload.len() as u64, 0);
    out.extend(payload);
    out
}

/// The head of a frame that tells this length, with the mask bit or without.
pub fn header(head: u8, len: u64, mask: u8) -> Vec<u8> {
    let mut out = vec![head];
    match len {
        0..=125 => out.push(mask | len as u8),
        126..=0xffff => {
            out.push(mask | 126);
            out.extend((len as u16).to_be_bytes());
        }
        _ => {
            out.push(mask | 127);
            out.extend(len.to_be_bytes());
        }
    }
    out
}

/// The payload of a close frame.
pub fn goodbye(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason].concat()
}

impl Raw {
    /// Sends a request and reads the answer.
    pub async fn ask(stream: impl Stream + 'static, request: &str) -> io::Result<(Self, Answer)> {
        let mut raw = Self {
            stream: Box::new(stream),
            buffer: BytesMut::new(),
            deflate: None,
        };
        raw.write(request.as_bytes()).await?;
        let answer = raw.answer().await?;
        Ok((raw, answer))
    }

    /// Upgrades.
    pub async fn upgrade(stream: impl Stream + 'static, request: &str) -> Result<Self, Answer> {
        let (mut raw, answer) = Self::ask(stream, request)
            .await
            .map_err(|_| Answer::default())?;
        if answer.status != 101 {
            return Err(answer);
        }
        assert_eq!(answer.header("sec-websocket-accept"), Some(ACCEPT));
        if let Some(extensions) = answer.header("sec-websocket-extensions") {
            raw.deflate = Some(Deflate::new(extensions));
        }
        Ok(raw)
    }

    async fn answer(&mut self) -> io::Result<Answer> {
        let head = loop {
            if let Some(end) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break self.buffer.split_to(end + 4);
            }
            self.fill().await?;
        };
        let head = String::from_utf8(head.to_vec()).map_err(io::Error::other)?;
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.get(9..12)?.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(": "));
        let mut answer = Answer {
            status: status.ok_or(io::ErrorKind::InvalidData)?,
            headers: headers.map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
            body: Vec::new(),
        };
        let length = answer
            .header("content-length")
            .and_then(|value| value.parse().ok());
        if answer.status != 101 {
            let length: usize = length.unwrap_or(0);
            while self.buffer.len() < length {
                self.fill().await?;
            }
            answer.body = self.buffer.split_to(length).to_vec();
        }
        Ok(answer)
    }

    async fn fill(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Sends one frame, masked and uncompressed.
    pub async fn frame(&mut self, head: u8, payload: &[u8]) -> io::Result<()> {
        self.write(&masked(head, payload)).await
    }

    /// Sends a whole message, compressed if that was agreed.
    pub async fn message(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        match &mut self.deflate {
            Some(deflate) => {
                let payload = deflate.compress(payload);
                self.frame(FIN | RSV1 | opcode, &payload).await
            }
            None => self.frame(FIN | opcode, payload).await,
        }
    }

    /// The next frame; an error when the connection ends without one. Cancel safe.
    pub async fn next(&mut self) -> io::Result<Frame> {
        loop {
            if let Some(frame) = self.parse() {
                return Ok(frame);
            }
            self.fill().await?;
        }
    }

    fn parse(&mut self) -> Option<Frame> {
        let bytes = &self.buffer[..];
        let (head, len) = (*bytes.first()?, *bytes.get(1)?);
        assert_eq!(len & 0x80, 0, "a server must not mask");
        let (skip, len) = match len {
            126 => (
                4,
                u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
            ),
            127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
            len => (2, u64::from(len)),
        };
        let len = usize::try_from(len).ok()?;
        if bytes.len() < skip + len {
            return None;
        }
        self.buffer.advance(skip);
        let payload = self.buffer.split_to(len).to_vec();
        Some(Frame { head, payload })
    }

    /// The next message's opcode and payload, inflated if it was compressed.
    pub async fn receive(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let Frame { head, payload } = self.next().await?;
        assert_eq!(head & FIN, FIN, "this server does not fragment");
        assert_eq!(head & (RSV2 | RSV3), 0);
        if head & RSV1 == 0 {
            return Ok((head & 0xf, payload));
        }
        assert!(
            matches!(head & 0xf, TEXT | BINARY),
            "a compressed control frame"
        );
        match &mut self.deflate {
            Some(deflate) => Ok((head & 0xf, deflate.inflate(&payload))),
            None => panic!("compression was not agreed"),
        }
    }

    /// Says goodbye and waits for the answer.
    pub async fn goodbye(&mut self, code: u16) {
        self.frame(FIN | CLOSE, &goodbye(code, b"")).await.ok();
        while self
            .next()
            .await
            .is_ok_and(|frame| frame.head & 0xf != CLOSE)
        {}
    }
}

/// The code of a close frame; 1005 without one.
pub fn code(payload: &[u8]) -> u16 {
    match payload {
        [high, low, ..] => u16::from_be_bytes([*high, *low]),
        _ => 1005,
    }
}
