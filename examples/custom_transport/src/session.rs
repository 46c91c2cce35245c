//! The one task of a connection.
//!
//! It is two loops, one that reads and one that writes, each of which runs from the beginning to
//! the end: neither is cut off half-way through a line because the other has something to do.

use std::{future::poll_fn, io, net::SocketAddr, time::Duration};

use stellarfw_transport::{CloseReason, Inlet, Message, Peer, Server, turn};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::{
    Lines,
    outlet::{End, LineOutlet},
};

/// How long a connection is still read from after its last line was written.
const LINGER: Duration = Duration::from_millis(500);

pub(crate) async fn run(server: Server, stream: TcpStream, peer: SocketAddr) {
    // There is no HTTP request, so the authorizer sees one without headers.
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.extensions.insert(Peer(peer));
    let Ok(admission) = server.admit(Lines::NAME, &mut parts).await else {
        // Nothing can be told: the peer sees the end.
        return;
    };
    let outlet = LineOutlet::new(server.outbox_limits());
    let mut inlet = server.open(admission, outlet.clone());
    let (max_line, timeout) = (server.config().max_length, server.config().close_timeout());
    drop(server);

    let (reader, writer) = stream.into_split();
    let reason = tokio::select! {
        reason = read(reader, &mut inlet, max_line) => reason,
        reason = write(writer, &outlet, timeout) => reason,
    };
    outlet.release();
    inlet.close(reason);
}

/// Reads lines until the peer leaves.
async fn read(mut reader: OwnedReadHalf, inlet: &mut Inlet, max_line: usize) -> CloseReason {
    let mut buffer = Vec::new();
    // Once the connection is closing, what still comes is thrown away.
    let mut listening = true;
    loop {
        poll_fn(|cx| inlet.poll_ready(cx)).await;
        let searched = buffer.len();
        match reader.read_buf(&mut buffer).await {
            // The end in the middle of a line is no goodbye.
            Ok(0) if buffer.is_empty() => return CloseReason::Client { code: 1005 },
            Ok(0) | Err(_) => return CloseReason::Gone,
            Ok(_) => inlet.alive(),
        }
        if listening && !take_lines(&mut buffer, searched, inlet) {
            inlet.spark().close(CloseReason::Protocol {
                code: 1007,
                message: "a line is not UTF-8".into(),
            });
            listening = false;
        }
        if listening && buffer.len() > max_line {
            inlet.spark().close(CloseReason::TooLarge);
            listening = false;
        }
        if !listening {
            buffer.clear();
        }
    }
}

/// Hands in the complete lines of a buffer, of which `searched` bytes hold no line's end. Whether
/// they were text.
fn take_lines(buffer: &mut Vec<u8>, searched: usize, inlet: &mut Inlet) -> bool {
    // All answers to the lines of one read leave in one write.
    let _turn = turn();
    let mut start = 0;
    let mut from = searched;
    while let Some(end) = buffer[from..].iter().position(|byte| *byte == b'\n') {
        let end = from + end;
        let line = buffer[start..end].strip_suffix(b"\r");
        let line = line.unwrap_or(&buffer[start..end]);
        match std::str::from_utf8(line) {
            // An empty line is no payload: it lets people press Enter, and proxies keep alive.
            Ok("") => {}
            Ok(line) => inlet.receive(Message::Text(line)),
            Err(_) => return false,
        }
        start = end + 1;
        from = start;
    }
    buffer.drain(..start);
    if buffer.is_empty() && buffer.capacity() > 64 << 10 {
        // What a long line needed is given back.
        *buffer = Vec::new();
    }
    true
}

/// Writes what waits until the connection is to end, and then lets the peer leave.
async fn write(mut writer: OwnedWriteHalf, outlet: &LineOutlet, timeout: Duration) -> CloseReason {
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let end = outlet.take(&mut buffer);
        if end == End::Aborted {
            return CloseReason::Gone;
        }
        if write_all(&writer, &buffer, outlet, timeout).await.is_err() {
            return CloseReason::Gone;
        }
        if end == End::Closing {
            break;
        }
        if buffer.is_empty() {
            buffer = Vec::new();
            outlet.work().await;
        }
    }
    // The peer sees the end of the stream. What it still sends is read and thrown away for a
    // moment: closing a socket with unread bytes would cost the peer what it has not read yet.
    if writer.shutdown().await.is_ok() {
        tokio::select! {
            () = tokio::time::sleep(LINGER.min(timeout)) => {}
            () = aborted(outlet) => {}
        }
    }
    CloseReason::Gone
}

/// Writes all of a buffer; a peer that does not take it is given the timeout once the connection
/// is closing.
async fn write_all(
    writer: &OwnedWriteHalf,
    mut bytes: &[u8],
    outlet: &LineOutlet,
    timeout: Duration,
) -> io::Result<()> {
    while !bytes.is_empty() {
        match writer.try_write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let late = async {
                    ended(outlet).await;
                    tokio::time::sleep(timeout).await;
                };
                tokio::select! {
                    result = writer.writable() => result?,
                    () = late => return Err(io::ErrorKind::TimedOut.into()),
                    () = aborted(outlet) => return Err(io::ErrorKind::ConnectionAborted.into()),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Waits until the connection is to end, in whatever way.
async fn ended(outlet: &LineOutlet) {
    while outlet.end() == End::Open {
        outlet.changed().await;
    }
}

/// Waits until the connection is to end at once.
async fn aborted(outlet: &LineOutlet) {
    while outlet.end() != End::Aborted {
        outlet.changed().await;
    }
}
