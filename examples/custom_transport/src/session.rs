//! The one task of a connection.
//!
//! Reading and writing are two loops beside each other, so that neither is cut off half-way
//! through a line because the other has something to do.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use stellarfw_transport::{CloseReason, Inlet, Message, Peer, Server, turn};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    time::{sleep, timeout},
};

use crate::{
    Lines,
    outlet::{End, LineOutlet},
};

/// How long a connection is still read from after its last line was written.
const LINGER: Duration = Duration::from_millis(500);
/// So many bytes are read at a time; what an idle connection keeps.
const READ: usize = 4 << 10;

pub(crate) async fn run(server: Server, stream: TcpStream, peer: SocketAddr) {
    // There is no HTTP request, so the authorizer sees one without headers.
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.extensions.insert(Peer(peer));
    let Ok(admission) = server.admit(Lines::NAME, &mut parts).await else {
        // Nothing can be told: the peer sees the end.
        return;
    };
    let outlet = Arc::new(LineOutlet::new(server.outbox_limits()));
    let mut inlet = server.open(admission, outlet.clone());
    let max_line = server.config().max_length;
    let close_timeout = server.config().close_timeout();
    drop(server);

    let too_late = async {
        outlet.reaches(End::Closing).await;
        sleep(close_timeout).await;
    };
    let reason = tokio::select! {
        reason = talk(stream, &mut inlet, &outlet, max_line) => reason,
        () = outlet.reaches(End::Aborted) => CloseReason::Gone,
        () = too_late => CloseReason::Gone,
    };
    outlet.release();
    inlet.close(reason);
}

async fn talk(
    mut stream: TcpStream,
    inlet: &mut Inlet,
    outlet: &LineOutlet,
    max_line: usize,
) -> CloseReason {
    let spark = inlet.spark().clone();
    let (reader, writer) = stream.split();
    let mut reading = pin!(read(reader, inlet, max_line));
    let mut writing = pin!(write(writer, outlet));
    tokio::select! {
        reason = &mut reading => {
            if let CloseReason::Client { .. } = reason {
                // It has said all it had to say, and still gets the answers.
                spark.close(reason.clone());
                writing.await.ok();
            }
            reason
        }
        written = &mut writing => {
            // The peer sees the end. What it still sends is thrown away for a moment: closing a
            // socket with unread bytes would cost the peer what it has not read yet.
            if written.is_ok() {
                timeout(LINGER, reading).await.ok();
            }
            CloseReason::Gone
        }
    }
}

/// Reads lines until the peer leaves.
async fn read(mut reader: ReadHalf<'_>, inlet: &mut Inlet, max_line: usize) -> CloseReason {
    let mut buffer = Buffer::default();
    loop {
        if let Err(fault) = poll_fn(|cx| hand_in(&mut buffer, inlet, max_line, cx)).await {
            inlet.spark().close(fault);
            return discard(reader).await;
        }
        buffer.bytes.reserve(READ);
        match reader.read_buf(&mut buffer.bytes).await {
            Ok(0) if buffer.bytes.is_empty() => return CloseReason::Client { code: 1005 },
            // The end in the middle of a line is no goodbye.
            Ok(0) | Err(_) => return CloseReason::Gone,
            Ok(_) => inlet.alive(),
        }
    }
}

/// Hands in the whole lines of a buffer. Waits whenever the inbox is half full: a busy handler
/// slows its own peer down.
fn hand_in(
    buffer: &mut Buffer,
    inlet: &mut Inlet,
    max_line: usize,
    cx: &mut Context<'_>,
) -> Poll<Result<(), CloseReason>> {
    // All answers to the lines of one read leave in one write.
    let _turn = turn();
    loop {
        ready!(inlet.poll_ready(cx));
        let Some(line) = buffer.next_line() else {
            break;
        };
        match std::str::from_utf8(line) {
            // An empty line is no payload: people may press Enter.
            Ok("") => {}
            Ok(line) => inlet.receive(Message::Text(line)),
            Err(_) => {
                return Poll::Ready(Err(CloseReason::Protocol {
                    code: 1007,
                    message: "a line is not UTF-8".into(),
                }));
            }
        }
    }
    buffer.forget_lines();
    // A line of the longest length may have a carriage return behind it.
    let too_long = buffer.bytes.len() > max_line + 1;
    Poll::Ready(if too_long {
        Err(CloseReason::TooLarge)
    } else {
        Ok(())
    })
}

/// Reads and throws away until the peer leaves.
async fn discard(mut reader: ReadHalf<'_>) -> CloseReason {
    let mut sink = [0; 4_096];
    while matches!(reader.read(&mut sink).await, Ok(1..)) {}
    CloseReason::Gone
}

/// Writes what waits until the connection is to end, and then says so.
async fn write(mut writer: WriteHalf<'_>, outlet: &LineOutlet) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let end = outlet.take(&mut buffer);
        writer.write_all(&buffer).await?;
        if end != End::Open {
            return writer.shutdown().await;
        }
        if buffer.is_empty() {
            // An idle connection keeps no buffer.
            buffer = Vec::new();
            outlet.work().await;
        }
        buffer.clear();
    }
}

/// What was read and is not yet handed in.
#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Before here there is no further line's end.
    searched: usize,
}

impl Buffer {
    /// The next whole line, without its end.
    fn next_line(&mut self) -> Option<&[u8]> {
        let rest = &self.bytes[self.searched..];
        let Some(at) = rest.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.bytes.len();
            return None;
        };
        let end = self.searched + at;
        let line = &self.bytes[self.start..end];
        self.start = end + 1;
        self.searched = self.start;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    fn forget_lines(&mut self) {
        self.bytes.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        if self.bytes.is_empty() && self.bytes.capacity() > 2 * READ {
            // What a long line needed is given back.
            self.bytes = Vec::new();
        }
    }
}
