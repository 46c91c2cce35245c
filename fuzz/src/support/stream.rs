//! An in-memory connection to the HTTP server of the transport layer.

use std::{convert::Infallible, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use stellarfw::transport::{Server, http::body};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Buffer size in either direction, in bytes.
const BUFFER: usize = 1 << 20;

/// Timeout of the response to one input.
const DEADLINE: Duration = Duration::from_secs(20);

/// The bytes that a server sent on a WebSocket.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// The first byte of each frame, and its payload.
    pub frames: Vec<(u8, Vec<u8>)>,
}

/// Opens a WebSocket, writes `hello` and the pieces, and reads until the server closes.
///
/// The sending side closes after the last piece. `None` if the server refuses the WebSocket.
pub async fn websocket(
    server: &Server,
    target: &str,
    headers: &str,
    hello: &[u8],
    pieces: &[&[u8]],
) -> Option<Sent> {
    let (client, connection) = tokio::io::duplex(BUFFER);
    let serving = server.clone();
    let task = tokio::spawn(async move {
        let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let server = serving.clone();
            async move { Ok::<_, Infallible>(server.serve(request.map(body)).await) }
        });
        let http = http1::Builder::new();
        let connection = http.serve_connection(TokioIo::new(connection), service);
        connection.with_upgrades().await.ok();
    });
    let (mut from, mut to) = tokio::io::split(client);
    let head = format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    let write = async {
        to.write_all(head.as_bytes()).await.ok()?;
        if !hello.is_empty() {
            pause(200).await;
            to.write_all(hello).await.ok()?;
            pause(200).await;
        }
        for piece in pieces {
            pause(12).await;
            // The server may have closed the connection.
            to.write_all(piece).await.ok()?;
        }
        pause(200).await;
        to.shutdown().await.ok()
    };
    let mut bytes = Vec::new();
    let read = async { from.read_to_end(&mut bytes).await.ok() };
    let both = async { tokio::join!(write, read) };
    assert!(
        tokio::time::timeout(DEADLINE, both).await.is_ok(),
        "the connection does not end"
    );
    task.await.unwrap();
    gone(server).await;
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    bytes
        .starts_with(b"HTTP/1.1 101 ")
        .then(|| read_frames(&bytes[end..]))
}

/// Yields to the server, which runs on the same thread.
pub async fn pause(turns: usize) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}

/// Waits until the sparks of a server are closed, and aborts them after a timeout.
pub async fn gone(server: &Server) {
    for turn in 0..1_000_000 {
        if server.connections() == 0 {
            return;
        }
        if turn == 200 {
            server.for_each(|spark| spark.abort());
        }
        tokio::task::yield_now().await;
    }
    panic!("a spark does not close");
}

/// Parses the frames of a server (RFC 6455 section 5.2), which must be complete.
fn read_frames(mut bytes: &[u8]) -> Sent {
    let mut sent = Sent::default();
    while let [first, second, rest @ ..] = bytes {
        assert_eq!(second & 0x80, 0, "a server masks nothing");
        let (len, rest) = match second {
            126 => {
                let (len, rest) = rest.split_first_chunk().unwrap();
                (usize::from(u16::from_be_bytes(*len)), rest)
            }
            127 => {
                let (len, rest) = rest.split_first_chunk().unwrap();
                (usize::try_from(u64::from_be_bytes(*len)).unwrap(), rest)
            }
            len => (usize::from(*len), rest),
        };
        assert!(len <= rest.len(), "half a frame: {bytes:?}");
        let (payload, rest) = rest.split_at(len);
        sent.frames.push((*first, payload.to_vec()));
        bytes = rest;
    }
    assert!(bytes.is_empty(), "half a header: {bytes:?}");
    sent
}

impl Sent {
    /// Returns the code of the close frame, or 1005 for one without a code. Nothing may follow it.
    pub fn close(&self) -> Option<u16> {
        let at = self.frames.iter().position(|(first, _)| *first == 0x88)?;
        assert_eq!(at + 1, self.frames.len(), "after the close frame: {self:?}");
        let payload = &self.frames[at].1;
        Some(match payload.first_chunk() {
            Some(code) => u16::from_be_bytes(*code),
            None => 1005,
        })
    }

    /// Returns the payloads of the frames with this first byte.
    pub fn payloads(&self, first: u8) -> impl Iterator<Item = &[u8]> {
        let is_one = move |frame: &&(u8, Vec<u8>)| frame.0 == first;
        self.frames
            .iter()
            .filter(is_one)
            .map(|(_, payload)| &payload[..])
    }
}

/// Appends a client frame with a mask of zeros.
pub fn put_frame(out: &mut Vec<u8>, first: u8, payload: &[u8]) {
    out.push(first);
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
    out.extend([0; 4]);
    out.extend(payload);
}
