//! One connection, and its one task.

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

/// How long a connection is still read from after its last line was written.
const LINGER: Duration = Duration::from_millis(500);

pub(crate) async fn run(server: Server, stream: TcpStream, peer: SocketAddr) {
    // There is no HTTP request, so the authorizer sees one without headers.
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.extensions.insert(Peer(peer));
    let Ok(admission) = server.admit(Lines::NAME, &mut parts).await else {
        // A refusal cannot be sent: the peer sees the end.
        return;
    };
    let sink = QueuedSink::new(server.outbox_limits());
    let mut inlet = server.open(admission, sink.clone());
    let codec = LinesCodec::new_with_max_length(server.config().max_length);
    let close_timeout = server.config().close_timeout();
    // Tasks that keep the server alive would keep it from being dropped.
    drop(server);
    let talk = talk(stream, codec, &mut inlet, &sink);
    let reason = sink.bound(close_timeout, talk).await;
    inlet.close(reason.unwrap_or(CloseReason::Gone));
}

/// Reads and writes beside each other, so that neither cuts the other off in the middle of a line.
async fn talk(
    stream: TcpStream,
    codec: LinesCodec,
    inlet: &mut Inlet,
    sink: &QueuedSink,
) -> CloseReason {
    let spark = inlet.spark().clone();
    let (reader, writer) = stream.into_split();
    let mut reading = pin!(read(
        FramedRead::new(reader, WholeLines::new(codec.clone(), &spark)),
        inlet
    ));
    let mut writing = pin!(write(FramedWrite::new(writer, codec), sink));
    tokio::select! {
        reason = &mut reading => {
            // A peer that has sent its last line still gets the answers.
            spark.close(reason.clone());
            writing.await.ok();
            reason
        }
        written = &mut writing => {
            // The peer sees the end. Closing a socket with unread bytes would reset it, and the peer
            // would lose what it has not read yet.
            if written.is_ok() {
                timeout(LINGER, reading).await.ok();
            }
            CloseReason::Gone
        }
    }
}

/// Reports lines until the peer leaves, or sends what is no line.
async fn read(mut lines: FramedRead<OwnedReadHalf, WholeLines>, inlet: &mut Inlet) -> CloseReason {
    while let Some(line) = lines.next().await {
        match line {
            // An empty line is no payload: people may press Enter.
            Ok(line) if line.is_empty() => inlet.alive(),
            Ok(line) => {
                // Waits while the inbox is half full: a busy handler slows its own peer down.
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

/// Writes what is queued, as much as there is in one write, until the connection is to end.
async fn write(
    mut lines: FramedWrite<OwnedWriteHalf, LinesCodec>,
    sink: &QueuedSink,
) -> Result<(), LinesCodecError> {
    let mut next = Some(sink.next().await);
    loop {
        match next {
            Some(Outgoing::Frame(frame)) => {
                // A payload with a line break would be two lines. JSON's encoder makes none, and no
                // codec of this engine makes bytes.
                match std::str::from_utf8(frame.payload()) {
                    Ok(text) if frame.kind() == Kind::Text && !text.contains('\n') => {
                        lines.feed(text).await?;
                    }
                    _ => tracing::warn!("left out a payload that is not one line of text"),
                }
            }
            Some(Outgoing::Close(_) | Outgoing::Abort) => {
                SinkExt::<&str>::flush(&mut lines).await?;
                return Ok(lines.get_mut().shutdown().await?);
            }
            // There is no ping of this engine's own.
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

/// Lines that have an end: what a gone peer had sent of one is no payload. The bytes of a line that has
/// not come whole count in the memory budget, and must go on at the least rate.
struct WholeLines {
    codec: LinesCodec,
    spark: Spark,
    is_new: bool,
}

impl WholeLines {
    fn new(codec: LinesCodec, spark: &Spark) -> Self {
        let spark = spark.clone();
        Self {
            codec,
            spark,
            is_new: true,
        }
    }
}

impl Decoder for WholeLines {
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
