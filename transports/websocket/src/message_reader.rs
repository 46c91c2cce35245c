//! Incoming messages and control frames.

use std::{
    io,
    task::{Context, Poll},
};

use bytes::Bytes;
use stellarfw_transport::{CloseReason, Message, Turn, poll_again, turn, with_read_buffer};
use tungstenite::{Error, Message as Read};

use crate::{
    byte_reader::ByteReader,
    deflate::Inflater,
    fast_path::{self, Next},
    fragments::{Fragments, fault, not_utf8},
    frame::{OP_PING, OP_PONG, OP_TEXT, put_header},
    socket::Socket,
    utf8,
};

/// Messages that one poll handles before it yields.
const BUDGET: usize = 128;
/// A message that is delivered to this many sparks counts as two.
const SPARKS: usize = 128;

/// Sizes in bytes that bound a [`MessageReader`].
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    /// The buffer for messages that are not complete in one read; at least 128.
    pub read_buffer: usize,
    /// The largest message.
    pub max_message: usize,
    /// The largest frame.
    pub max_frame: usize,
}

/// Receives the messages and events of a [`MessageReader`].
pub trait MessageReceiver {
    /// Returns `Ready` if the next message can be handled. It is called before each message.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Called when any bytes arrive.
    fn alive(&mut self);

    /// Called for each ping or pong frame.
    fn signal(&mut self);

    /// Called at the end of each read, with the bytes held of an incomplete message.
    ///
    /// `is_new` is `true` if a message was completed since the last call, so that the incomplete one
    /// is another.
    fn assembling(&mut self, bytes: usize, is_new: bool);

    /// Sends a complete control frame: a pong, or the answer to a close frame.
    fn control(&mut self, frame: &[u8]);

    /// Called when the peer sends a close frame. The answer follows by [`control`](Self::control).
    fn close_received(&mut self);

    /// Handles a message.
    ///
    /// # Errors
    /// The reason to close the connection with, if the message violates the protocol.
    fn message(&mut self, message: Message<'_>) -> Result<(), CloseReason>;
}

/// The outcome of [`MessageReader::read`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum ReadProgress {
    /// Nothing more can be read now. The task is woken when there is more.
    Pending,
    /// The peer sent a close frame with this code (1005 if it had none), and was answered.
    Closed(u16),
    /// The peer violated the protocol. The caller closes the connection with this reason and ignores
    /// further input.
    Fault(CloseReason),
    /// The connection is lost.
    Gone,
}

/// The outcome of one of the two reading modes.
enum Step {
    /// The other mode continues.
    Switch,
    /// The budget is used up: other tasks run first.
    Yield,
    Done(ReadProgress),
}

/// The reading side of a server's WebSocket (RFC 6455).
pub struct MessageReader {
    reader: ByteReader,
    limits: ReadLimits,
    /// Present while tungstenite reads; else messages are read in place.
    fragments: Option<Box<Fragments>>,
}

impl MessageReader {
    /// Creates a reader of a socket from which `early` was read before.
    #[must_use]
    pub fn new(socket: Socket, early: Bytes, limits: ReadLimits) -> Self {
        Self::inflating(socket, early, limits, None)
    }

    pub(crate) fn inflating(
        socket: Socket,
        early: Bytes,
        limits: ReadLimits,
        inflater: Option<Inflater>,
    ) -> Self {
        let reader = ByteReader::new(socket, early, inflater);
        Self {
            fragments: reader
                .inflates()
                .then(|| Box::new(Fragments::for_connection(limits))),
            reader,
            limits,
        }
    }

    /// Returns the socket, to write to it.
    pub fn socket(&mut self) -> &mut Socket {
        &mut self.reader.socket
    }

    /// Reads messages and passes them to the receiver until there are no more or the budget is used up.
    ///
    /// The messages of a call are in one write batch ([`turn`](stellarfw_transport::turn())). It must
    /// not be called again after [`ReadProgress::Closed`] or [`ReadProgress::Fault`].
    pub fn read(
        &mut self,
        cx: &mut Context<'_>,
        receiver: &mut impl MessageReceiver,
    ) -> ReadProgress {
        let turn = turn();
        let mut budget = BUDGET;
        let mut handed = false;
        loop {
            let step = match self.fragments {
                None => self.read_in_place(cx, receiver, &turn, &mut budget, &mut handed),
                Some(_) => self.read_fragments(cx, receiver, &turn, &mut budget, &mut handed),
            };
            let progress = match step {
                Step::Switch => continue,
                Step::Yield => {
                    let _: Poll<()> = poll_again(cx);
                    ReadProgress::Pending
                }
                Step::Done(progress) => progress,
            };
            let fragments = self.fragments.as_ref().map_or(0, |reader| reader.held());
            receiver.assembling(self.reader.held() + fragments, handed);
            return progress;
        }
    }

    /// Drops the incomplete message. Only [`poll_discard`](Self::poll_discard) may be called after it.
    pub fn drop_partial(&mut self) {
        self.fragments = None;
        self.reader.clear();
    }

    /// Reads and discards. Returns `Ready` when the peer has closed its side.
    pub fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.reader.poll_discard(cx)
    }

    /// Reads messages in place, in the thread's buffer.
    fn read_in_place(
        &mut self,
        cx: &mut Context<'_>,
        receiver: &mut impl MessageReceiver,
        turn: &Turn,
        budget: &mut usize,
        handed: &mut bool,
    ) -> Step {
        let reader = &mut self.reader;
        with_read_buffer(|buffer| {
            let (mut at, mut end) = (0, reader.take_kept(buffer));
            let step = loop {
                if *budget == 0 {
                    break Step::Yield;
                }
                if receiver.poll_ready(cx).is_pending() {
                    break Step::Done(ReadProgress::Pending);
                }
                match fast_path::next(&mut buffer[at..end], self.limits.max_frame) {
                    Next::Complete { opcode, payload } => {
                        *budget = budget.saturating_sub(1 + turn.sparks() / SPARKS);
                        let start = at + payload.start;
                        at += payload.end;
                        let payload = &buffer[start..at];
                        match opcode {
                            OP_PONG => receiver.signal(),
                            OP_PING => {
                                receiver.control(&pong(payload));
                                receiver.signal();
                            }
                            _ => {
                                *handed = true;
                                let message = if opcode == OP_TEXT {
                                    std::str::from_utf8(payload)
                                        .map(Message::Text)
                                        .map_err(|_| not_utf8())
                                } else {
                                    Ok(Message::Binary(payload))
                                };
                                let received =
                                    message.and_then(|message| receiver.message(message));
                                if let Err(reason) = received {
                                    return Step::Done(ReadProgress::Fault(reason));
                                }
                            }
                        }
                        continue;
                    }
                    Next::Other => {
                        self.fragments = Some(Box::new(Fragments::for_message(self.limits)));
                        break Step::Switch;
                    }
                    Next::Partial => {}
                }
                buffer.copy_within(at..end, 0);
                (at, end) = (0, end - at);
                match reader.poll_read(cx, &mut buffer[end..]) {
                    Poll::Pending => {
                        if utf8::is_invalid_text(&buffer[..end]) {
                            return Step::Done(ReadProgress::Fault(not_utf8()));
                        }
                        break Step::Done(ReadProgress::Pending);
                    }
                    Poll::Ready(Ok(len)) if len > 0 => {
                        end += len;
                        receiver.alive();
                    }
                    Poll::Ready(_) => break Step::Done(ReadProgress::Gone),
                }
            };
            reader.keep(&buffer[at..end]);
            step
        })
    }

    /// Reads with tungstenite, up to the end of a message.
    fn read_fragments(
        &mut self,
        cx: &mut Context<'_>,
        receiver: &mut impl MessageReceiver,
        turn: &Turn,
        budget: &mut usize,
        handed: &mut bool,
    ) -> Step {
        let Some(fragments) = self.fragments.as_mut() else {
            return Step::Switch;
        };
        loop {
            if *budget == 0 {
                return Step::Yield;
            }
            if receiver.poll_ready(cx).is_pending() {
                return Step::Done(ReadProgress::Pending);
            }
            *budget = budget.saturating_sub(1 + turn.sparks() / SPARKS);
            let result = fragments.read(&mut self.reader, receiver, cx);
            if fragments.take_progress() {
                receiver.alive();
            }
            let received = match result {
                Ok(Read::Text(text)) => receiver.message(Message::Text(&text)),
                Ok(Read::Binary(bytes)) => receiver.message(Message::Binary(&bytes)),
                Ok(Read::Ping(payload) | Read::Pong(payload)) => {
                    fragments.took_control(payload.len());
                    receiver.signal();
                    continue;
                }
                Ok(Read::Frame(_)) => continue,
                Ok(Read::Close(frame)) => {
                    receiver.close_received();
                    // With the next read tungstenite writes its answer.
                    fragments.read(&mut self.reader, receiver, cx).ok();
                    let code = frame.map_or(1005, |frame| frame.code.into());
                    return Step::Done(ReadProgress::Closed(code));
                }
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Step::Done(ReadProgress::Pending);
                }
                Err(error) => match fault(&error) {
                    Some(reason) => Err(reason),
                    None => return Step::Done(ReadProgress::Gone),
                },
            };
            if let Err(reason) = received {
                return Step::Done(ReadProgress::Fault(reason));
            }
            *handed = true;
            if fragments.is_for_message() {
                self.fragments = None;
                return Step::Switch;
            }
        }
    }
}

/// Returns the pong frame for a ping.
fn pong(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + 2);
    put_header(&mut bytes, OP_PONG, payload.len());
    bytes.extend_from_slice(payload);
    bytes
}
