//! A connection and its task.

use std::{
    future::poll_fn,
    io::ErrorKind::{InvalidData, UnexpectedEof},
    net::SocketAddr,
    pin::pin,
    time::Duration,
};

use futures_util::{SinkExt, StreamExt as _};
use stellarfw_transport::{
    CloseReason, Inlet, Kind, Message, Outgoing, Peer, QueuedSink, Server, Spark,
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};
use tokio_util::{
    bytes::BytesMut,
    codec::{Decoder, FramedRead, FramedWrite, LinesCodec, LinesCodecError},
};

use crate::Lines;

/// How long the connection is read after the last line was written.
const LINGER: Duration = Duration::from_millis(500);

pub(crate) async fn run(server: Server, stream: TcpStream, peer: SocketAddr) {
    // Without an HTTP request, the authorizer sees an empty one.
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.extensions.insert(Peer(peer));
    let Ok(admission) = server.admit(Lines::NAME, &mut parts).await else {
        // The protocol has no refusals, so the peer only sees the close.
        return;
    };
    let sink = QueuedSink::new(server.outbox_limits());
    let mut inlet = server.open(admission, sink.clone());
    let codec = LinesCodec::new_with_max_length(server.config().max_length);
    let close_timeout = server.config().close_timeout();
    // A task that holds the server would keep it alive.
    drop(server);
    let exchange = exchange(stream, codec, &mut inlet, &sink);
    let reason = sink.bound(close_timeout, exchange).await;
    inlet.close(reason.unwrap_or(CloseReason::Gone));
}

/// Reads and writes concurrently, so that neither cancels the other in the middle of a line.
async fn exchange(
    stream: TcpStream,
    codec: LinesCodec,
    inlet: &mut Inlet,
    sink: &QueuedSink,
) -> CloseReason {
    let spark = inlet.spark().clone();
    let (reader, writer) = stream.into_split();
    let mut reading = pin!(read(
        FramedRead::new(reader, CompleteLines::new(codec.clone(), &spark)),
        inlet
    ));
    let mut writing = pin!(write(FramedWrite::new(writer, codec), sink));
    tokio::select! {
        reason = &mut reading => {
            // A peer that has closed its sending side still receives the responses.
            spark.close(reason.clone());
            writing.await.ok();
            reason
        }
        written = &mut writing => {
            // Closing a socket with unread bytes resets the connection, and the peer would lose
            // data that it has not read yet.
            if written.is_ok() {
                timeout(LINGER, reading).await.ok();
            }
            CloseReason::Gone
        }
    }
}

/// Reports lines until the peer closes the connection or sends a malformed line.
async fn read(
    mut lines: FramedRead<OwnedReadHalf, CompleteLines>,
    inlet: &mut Inlet,
) -> CloseReason {
    while let Some(line) = lines.next().await {
        match line {
            // An empty line is not a payload: users may press Enter.
            Ok(line) if line.is_empty() => inlet.alive(),
            Ok(line) => {
                // Applies backpressure to the peer while the handler is busy.
                poll_fn(|cx| inlet.poll_ready(cx)).await;
                inlet.receive(Message::Text(&line));
            }
            Err(LinesCodecError::MaxLineLengthExceeded) => return CloseReason::TooLarge,
            Err(LinesCodecError::Io(error)) if error.kind() == InvalidData => {
                return CloseReason::Protocol {
                    code: 1007,
                    message: "a line is not UTF-8".into(),
                };
            }
            Err(LinesCodecError::Io(_)) => return CloseReason::Gone,
        }
    }
    CloseReason::Client { code: 1005 }
}

/// Writes queued frames in batches until the connection closes.
async fn write(
    mut lines: FramedWrite<OwnedWriteHalf, LinesCodec>,
    sink: &QueuedSink,
) -> Result<(), LinesCodecError> {
    let mut next = Some(sink.next().await);
    loop {
        match next {
            Some(Outgoing::Frame(frame)) => {
                // A line break would split the payload. JSON contains none, and the engine does not
                // start with binary codecs.
                match std::str::from_utf8(frame.payload()) {
                    Ok(text) if frame.kind() == Kind::Text && !text.contains('\n') => {
                        lines.feed(text).await?;
                    }
                    _ => tracing::warn!("dropped a payload that is not one line of text"),
                }
            }
            Some(Outgoing::Close(_) | Outgoing::Abort) => {
                SinkExt::<&str>::flush(&mut lines).await?;
                return Ok(lines.get_mut().shutdown().await?);
            }
            // The engine has no pings.
            Some(_) => {}
            None => {
                SinkExt::<&str>::flush(&mut lines).await?;
                next = Some(sink.next().await);
                continue;
            }
        }
        next = sink.try_next();
    }
}

/// Decodes complete lines only: a line without an end is not a payload.
///
/// The bytes of an incomplete line count in the memory budget and must arrive at the minimum rate.
struct CompleteLines {
    codec: LinesCodec,
    spark: Spark,
    is_new: bool,
}

impl CompleteLines {
    fn new(codec: LinesCodec, spark: &Spark) -> Self {
        let spark = spark.clone();
        Self {
            codec,
            spark,
            is_new: true,
        }
    }
}

impl Decoder for CompleteLines {
    type Item = String;
    type Error = LinesCodecError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<String>, LinesCodecError> {
        let line = self.codec.decode(bytes)?;
        if line.is_none() {
            self.spark.assembling(bytes.len(), self.is_new);
        }
        self.is_new = line.is_some() || bytes.is_empty();
        Ok(line)
    }

    fn decode_eof(&mut self, bytes: &mut BytesMut) -> Result<Option<String>, LinesCodecError> {
        match self.decode(bytes)? {
            None if !bytes.is_empty() => Err(std::io::Error::from(UnexpectedEof).into()),
            line => Ok(line),
        }
    }
}
