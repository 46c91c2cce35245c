//! A WebSocket client that can violate the protocol.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use serde_json::Value;
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;
pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV1: u8 = 0x40;

const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

/// Options of a client.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Local {
    /// Source address on the loopback network. Default: 127.0.0.1.
    pub(crate) address: Option<Ipv4Addr>,
    /// Size of the receive buffer of the kernel.
    pub(crate) receive_buffer: Option<u32>,
    /// Maximum segment size.
    ///
    /// Loopback segments have 64 KiB, for which the kernel allocates over 2 MiB per connection.
    pub(crate) segment: Option<u32>,
    /// `true` if the client offers permessage-deflate.
    pub(crate) deflate: bool,
}

impl Local {
    pub(crate) fn address(address: Ipv4Addr) -> Self {
        Self {
            address: Some(address),
            ..Self::default()
        }
    }

    /// Connects a socket without a handshake.
    pub(crate) async fn connect(self, to: SocketAddr) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        if let Some(size) = self.receive_buffer {
            socket.set_recv_buffer_size(size)?;
        }
        if let Some(size) = self.segment {
            SockRef::from(&socket).set_tcp_mss(size)?;
        }
        if let Some(address) = self.address {
            socket.bind(SocketAddr::new(IpAddr::V4(address), 0))?;
        }
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// The failure of a connection attempt.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The server refused it with this status.
    Status(u16),
    /// There was no response.
    Io(io::Error),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "with status {status}"),
            Self::Io(error) => write!(f, "without an answer: {error}"),
        }
    }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Encodes an upgrade request.
pub(crate) fn request(deflate: bool) -> String {
    let offer = match deflate {
        true => "Sec-WebSocket-Extensions: permessage-deflate\r\n",
        false => "",
    };
    format!(
        "GET /primus HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offer}\r\n"
    )
}

/// An open WebSocket.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

impl Peer {
    pub(crate) async fn open(to: SocketAddr, from: Local) -> Result<Self, Refused> {
        let mut stream = from.connect(to).await?;
        stream.write_all(request(from.deflate).as_bytes()).await?;
        let mut read = Vec::with_capacity(1_024);
        let end = loop {
            if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut read).await? == 0 {
                return Err(Refused::Io(io::ErrorKind::UnexpectedEof.into()));
            }
        };
        let head = String::from_utf8_lossy(&read[..end]);
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        match status {
            Some(101) => {
                read.drain(..end);
                Ok(Self { stream, read })
            }
            Some(status) => Err(Refused::Status(status)),
            None => Err(Refused::Io(io::ErrorKind::InvalidData.into())),
        }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    pub(crate) async fn say(&mut self, value: &Value) -> io::Result<()> {
        self.write(&frame(FIN | TEXT, value.to_string().as_bytes()))
            .await
    }

    /// Returns the next frame and answers pings. Cancel safe if the server does not ping.
    pub(crate) async fn next(&mut self) -> io::Result<(u8, Vec<u8>)> {
        loop {
            if let Some((head, payload)) = take_frame(&mut self.read) {
                if head & 0x0f == PING {
                    self.write(&frame(FIN | PONG, &payload)).await?;
                    continue;
                }
                return Ok((head & 0x0f, payload));
            }
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Returns the next JSON payload.
    pub(crate) async fn value(&mut self) -> io::Result<Value> {
        loop {
            match self.next().await? {
                (TEXT, payload) => {
                    let value: Value = serde_json::from_slice(&payload)?;
                    if !value.is_string() {
                        return Ok(value);
                    }
                    // Answers the heartbeat message.
                    if let Some(at) = value
                        .as_str()
                        .and_then(|s| s.strip_prefix("primus::ping::"))
                    {
                        self.say(&Value::String(format!("primus::pong::{at}")))
                            .await?;
                    }
                }
                (CLOSE, _) => return Err(io::ErrorKind::ConnectionAborted.into()),
                _ => {}
            }
        }
    }

    /// Returns the response to the message with this number.
    pub(crate) async fn response(&mut self, count: u64) -> io::Result<Value> {
        loop {
            let value = self.value().await?;
            if value["messageCount"].as_u64() == Some(count) {
                return Ok(value);
            }
        }
    }

    /// Reads until the close or the timeout. Returns the close code, if any.
    pub(crate) async fn close_code(&mut self, patience: Duration) -> Option<u16> {
        tokio::time::timeout(patience, async {
            loop {
                match self.next().await {
                    Ok((CLOSE, payload)) => {
                        return payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                    }
                    Ok(_) => {}
                    Err(_) => return None,
                }
            }
        })
        .await
        .ok()
        .flatten()
    }
}

/// Encodes the header of a masked frame with this length.
pub(crate) fn head(first: u8, len: u64) -> Vec<u8> {
    let mut out = vec![first];
    match len {
        0..=125 => out.push(0x80 | len as u8),
        126..=0xffff => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            out.push(0x80 | 127);
            out.extend_from_slice(&len.to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
    out
}

/// Encodes a masked frame.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = head(first, payload.len() as u64);
    out.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    out
}

fn take_frame(read: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let (first, second) = (*read.first()?, *read.get(1)?);
    let (start, len) = match second & 0x7f {
        126 => (
            4,
            u16::from_be_bytes(*read.get(2..)?.first_chunk()?) as usize,
        ),
        127 => {
            let len = u64::from_be_bytes(*read.get(2..)?.first_chunk()?);
            (10, usize::try_from(len).ok()?)
        }
        short => (2, short as usize),
    };
    let payload = read.get(start..start + len)?.to_vec();
    read.drain(..start + len);
    Some((first, payload))
}
