//! What comes in over a WebSocket: messages, read from the socket one after the other.

use std::{
    io,
    task::{Context, Poll},
};

use bytes::Bytes;
use stellarfw_transport::{CloseReason, Message, Turn, poll_again, turn, with_read_buffer};
use tungstenite::{Error, Message as Read};

use crate::{
    deflate::Inflater,
    head::{OP_PING, OP_PONG, OP_TEXT, put_header},
    pieces::{Pieces, fault, not_utf8},
    reader::Reader,
    socket::Socket,
    text,
    whole::{self, Next},
};

/// So many messages are handled before others get their turn,
const BUDGET: usize = 128;
/// and fewer where each goes to many: a message to so many sparks counts as two.
const SPARKS: usize = 128;

/// How long what is read may be, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Size of the buffer from which is read what does not come whole; at least 128.
    pub read_buffer: usize,
    /// The longest message.
    pub max_message: usize,
    /// The longest frame.
    pub max_frame: usize,
}

/// Who takes what an [`Inbound`] reads.
pub trait Receiver {
    /// Ready when the next message may come. It is asked before each.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Something has come, whatever it is.
    fn alive(&mut self);

    /// A ping or pong of RFC 6455 has come.
    fn signal(&mut self);

    /// Nothing more is there to be read now, and so many bytes are held of a message that is not whole.
    /// `is_new`: a message was handed on since the last call, so that this is another one.
    fn assembling(&mut self, bytes: usize, is_new: bool);

    /// A whole control frame is to be sent: a pong, or the answer to a goodbye.
    fn control(&mut self, frame: &[u8]);

    /// The peer has said goodbye; what it is answered comes after this, by
    /// [`control`](Self::control).
    fn goodbye(&mut self);

    /// A message has come.
    ///
    /// # Errors
    /// Why the connection must be closed, when it should not have.
    fn message(&mut self, message: Message<'_>) -> Result<(), CloseReason>;
}

/// How far reading came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is nothing more to read now. The task is woken when there is.
    Wait,
    /// The peer has said goodbye with this code, and was answered. Nothing more is to be read.
    Goodbye(u16),
    /// The peer broke the protocol; it is to be told so, and what else it sends means nothing.
    Fault(CloseReason),
    /// The connection is gone.
    Gone,
}

/// How far one way of reading came.
enum Step {
    /// There is more to read, in another way.
    On,
    /// There may be more, but others have their turn first.
    Later,
    Done(Progress),
}

/// The reading side of a WebSocket (RFC 6455, on the server).
pub struct Inbound {
    reader: Reader,
    limits: Limits,
    /// There while tungstenite reads; else messages are read as they lie.
    pieces: Option<Box<Pieces>>,
}

impl Inbound {
    /// That of a socket of which `early` was read before.
    #[must_use]
    pub fn new(socket: Socket, early: Bytes, limits: Limits) -> Self {
        Self::inflating(socket, early, limits, None)
    }

    pub(crate) fn inflating(
        socket: Socket,
        early: Bytes,
        limits: Limits,
        inflater: Option<Inflater>,
    ) -> Self {
        let reader = Reader::new(socket, early, inflater);
        Self {
            pieces: reader.inflates().then(|| Box::new(Pieces::of_all(limits))),
            reader,
            limits,
        }
    }

    /// The socket, to write to it.
    pub fn socket(&mut self) -> &mut Socket {
        &mut self.reader.socket
    }

    /// Reads messages and hands them on, all of them in one [turn](stellarfw_transport::turn()), until
    /// there are no more or others should have theirs. Not to be called again after a goodbye or a
    /// fault.
    pub fn read(&mut self, cx: &mut Context<'_>, receiver: &mut impl Receiver) -> Progress {
        let turn = turn();
        let mut budget = BUDGET;
        let mut handed = false;
        loop {
            let step = match self.pieces {
                None => self.read_whole(cx, receiver, &turn, &mut budget, &mut handed),
                Some(_) => self.read_pieces(cx, receiver, &turn, &mut budget, &mut handed),
            };
            let progress = match step {
                Step::On => continue,
                Step::Later => {
                    let _: Poll<()> = poll_again(cx);
                    Progress::Wait
                }
                Step::Done(progress) => progress,
            };
            let pieces = self.pieces.as_ref().map_or(0, |pieces| pieces.held());
            receiver.assembling(self.reader.held() + pieces, handed);
            return progress;
        }
    }

    /// Drops what was read of a message that is not whole. Nothing but
    /// [`poll_discard`](Self::poll_discard) is to be called after that.
    pub fn forget(&mut self) {
        self.pieces = None;
        self.reader.clear();
    }

    /// Reads and throws away. Ready when the peer has sent its last byte.
    pub fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.reader.poll_discard(cx)
    }

    /// Reads messages that are whole in the thread's buffer.
    fn read_whole(
        &mut self,
        cx: &mut Context<'_>,
        receiver: &mut impl Receiver,
        turn: &Turn,
        budget: &mut usize,
        handed: &mut bool,
    ) -> Step {
        let reader = &mut self.reader;
        with_read_buffer(|buffer| {
            let (mut at, mut end) = (0, reader.take_kept(buffer));
            let step = loop {
                if *budget == 0 {
                    break Step::Later;
                }
                if receiver.poll_ready(cx).is_pending() {
                    break Step::Done(Progress::Wait);
                }
                match whole::next(&mut buffer[at..end], self.limits.max_frame) {
                    Next::Whole { opcode, payload } => {
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
                                    return Step::Done(Progress::Fault(reason));
                                }
                            }
                        }
                        continue;
                    }
                    Next::Other => {
                        self.pieces = Some(Box::new(Pieces::of_one(self.limits)));
                        break Step::On;
                    }
                    Next::Partial => {}
                }
                buffer.copy_within(at..end, 0);
                (at, end) = (0, end - at);
                match reader.poll_read(cx, &mut buffer[end..]) {
                    Poll::Pending => {
                        if text::is_spoilt(&buffer[..end]) {
                            return Step::Done(Progress::Fault(not_utf8()));
                        }
                        break Step::Done(Progress::Wait);
                    }
                    Poll::Ready(Ok(len)) if len > 0 => {
                        end += len;
                        receiver.alive();
                    }
                    Poll::Ready(_) => break Step::Done(Progress::Gone),
                }
            };
            reader.keep(&buffer[at..end]);
            step
        })
    }

    /// Has tungstenite read, until it has done its part.
    fn read_pieces(
        &mut self,
        cx: &mut Context<'_>,
        receiver: &mut impl Receiver,
        turn: &Turn,
        budget: &mut usize,
        handed: &mut bool,
    ) -> Step {
        let Some(pieces) = self.pieces.as_mut() else {
            return Step::On;
        };
        loop {
            if *budget == 0 {
                return Step::Later;
            }
            if receiver.poll_ready(cx).is_pending() {
                return Step::Done(Progress::Wait);
            }
            *budget = budget.saturating_sub(1 + turn.sparks() / SPARKS);
            let result = pieces.read(&mut self.reader, receiver, cx);
            if pieces.take_progress() {
                receiver.alive();
            }
            let received = match result {
                Ok(Read::Text(text)) => receiver.message(Message::Text(&text)),
                Ok(Read::Binary(bytes)) => receiver.message(Message::Binary(&bytes)),
                Ok(Read::Ping(payload) | Read::Pong(payload)) => {
                    pieces.took_control(payload.len());
                    receiver.signal();
                    continue;
                }
                Ok(Read::Frame(_)) => continue,
                Ok(Read::Close(frame)) => {
                    receiver.goodbye();
                    // One more read lets tungstenite write its answer.
                    pieces.read(&mut self.reader, receiver, cx).ok();
                    let code = frame.map_or(1005, |frame| frame.code.into());
                    return Step::Done(Progress::Goodbye(code));
                }
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Step::Done(Progress::Wait);
                }
                Err(error) => match fault(&error) {
                    Some(reason) => Err(reason),
                    None => return Step::Done(Progress::Gone),
                },
            };
            if let Err(reason) = received {
                return Step::Done(Progress::Fault(reason));
            }
            *handed = true;
            if pieces.is_of_one() {
                self.pieces = None;
                return Step::On;
            }
        }
    }
}

/// The answer to a ping.
fn pong(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + 2);
    put_header(&mut bytes, OP_PONG, payload.len());
    bytes.extend_from_slice(payload);
    bytes
}
