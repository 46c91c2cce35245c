//! The one task of a connection: it reads, finishes the closing, and writes what a sender could
//! not.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use stellarfw_transport::{
    Admission, CloseReason, Inlet, Message, Server, Turn, poll_again, turn, with_read_buffer,
};
use tokio::time::Sleep;
use tungstenite::{Error, Message as Read};

use crate::{
    WsConfig,
    deflate::{Deflater, Inflater, Negotiated},
    framing::Framing,
    head::{OP_PING, OP_PONG, OP_TEXT},
    outlet::{Out, Phase, WsOutlet},
    pieces::{Limits, Pieces, fault, not_utf8},
    reader::Reader,
    socket::Socket,
    text,
    whole::{self, Next},
};

/// So many messages are handled before others get their turn,
const BUDGET: usize = 128;
/// and fewer where each goes to many: a message to so many sparks counts as two.
const SPARKS: usize = 128;

pub(crate) struct Session<F: Framing> {
    reader: Reader,
    limits: Limits,
    /// There while tungstenite reads; else messages are read as they lie.
    pieces: Option<Box<Pieces>>,
    outlet: WsOutlet<F>,
    /// Taken when the session ends.
    inlet: Option<Inlet>,
    state: State,
    /// When the closing must be over.
    deadline: Option<Pin<Box<Sleep>>>,
}

/// What the reading side is at.
#[derive(Debug)]
enum State {
    /// Messages are read.
    Messages,
    /// The peer broke the protocol: the rest is thrown away until it leaves.
    Discard,
    /// Both goodbyes were said: what waits still goes out.
    Finish(CloseReason),
}

/// How far reading came.
enum Step {
    /// There is more to read, in another way.
    On,
    /// Nothing more to read now.
    Wait,
    /// There may be more, but others have their turn first.
    Later,
    /// The connection is over.
    Over(CloseReason),
}

/// How the way out stands.
enum Standing {
    Open,
    /// The socket failed, or the connection is to be cut.
    Lost,
    Closing {
        /// Nothing more will be sent.
        drained: bool,
    },
}

impl Standing {
    fn of<F: Framing>(out: &Out<F>) -> Self {
        if out.has_failed() || *out.phase() == Phase::Aborted {
            Self::Lost
        } else if *out.phase() == Phase::Open {
            Self::Open
        } else {
            Self::Closing {
                drained: out.is_drained(),
            }
        }
    }
}

impl<F: Framing> Session<F> {
    pub(crate) fn new(
        config: &WsConfig,
        server: &Server,
        admission: Admission,
        agreed: Option<Negotiated>,
        mut socket: Socket,
        early: Bytes,
    ) -> Self {
        let max_message = F::longest(server.config().max_length);
        let limits = Limits {
            read_buffer: config.read_buffer,
            max_message,
            max_frame: config
                .max_frame
                .map_or(max_message, |max| max.min(max_message)),
        };
        let deflater = agreed
            .as_ref()
            .zip(config.compression.as_ref())
            .map(|(agreed, config)| Deflater::new(config, agreed));
        let inflater = agreed.map(|agreed| Inflater::new(&agreed, max_message));
        let outlet = WsOutlet::new(server.outbox_limits(), deflater, socket.take_writer());
        let inlet = server.open(admission, outlet.clone());
        let reader = Reader::new(socket, early, inflater);
        Self {
            pieces: reader.inflates().then(|| Box::new(Pieces::of_all(limits))),
            reader,
            limits,
            outlet,
            inlet: Some(inlet),
            state: State::Messages,
            deadline: None,
        }
    }

    /// Reads messages and hands them in, until there are no more or others should have a turn.
    fn read(&mut self, cx: &mut Context<'_>) -> Option<CloseReason> {
        let turn = turn();
        let mut budget = BUDGET;
        loop {
            let step = match self.pieces {
                None => self.read_whole(cx, &turn, &mut budget),
                Some(_) => self.read_pieces(cx, &turn, &mut budget),
            };
            match step {
                Step::On => {}
                Step::Wait => return None,
                Step::Later => {
                    let _: Poll<()> = poll_again(cx);
                    return None;
                }
                Step::Over(reason) => return Some(reason),
            }
        }
    }

    /// Reads messages that are whole in the thread's buffer.
    fn read_whole(&mut self, cx: &mut Context<'_>, turn: &Turn, budget: &mut usize) -> Step {
        let Some(inlet) = self.inlet.as_mut() else {
            return Step::Wait;
        };
        let (reader, outlet) = (&mut self.reader, &self.outlet);
        with_read_buffer(|buffer| {
            let (mut at, mut end) = (0, reader.take_kept(buffer));
            let step = loop {
                if *budget == 0 {
                    break Step::Later;
                }
                if inlet.poll_ready(cx).is_pending() {
                    break Step::Wait;
                }
                match whole::next(&mut buffer[at..end], self.limits.max_frame) {
                    Next::Whole { opcode, payload } => {
                        *budget = budget.saturating_sub(1 + turn.sparks() / SPARKS);
                        let start = at + payload.start;
                        at += payload.end;
                        let payload = &buffer[start..at];
                        match opcode {
                            OP_PONG => inlet.signal(),
                            OP_PING => {
                                outlet.lock().put_pong(payload);
                                inlet.signal();
                            }
                            _ => {
                                let message = if opcode == OP_TEXT {
                                    std::str::from_utf8(payload)
                                        .map(Message::Text)
                                        .map_err(|_| not_utf8())
                                } else {
                                    Ok(Message::Binary(payload))
                                };
                                let received =
                                    message.and_then(|message| F::receive(inlet, message));
                                if let Err(reason) = received {
                                    inlet.spark().close(reason);
                                    self.state = State::Discard;
                                    return Step::Wait;
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
                            inlet.spark().close(not_utf8());
                            self.state = State::Discard;
                            return Step::Wait;
                        }
                        break Step::Wait;
                    }
                    Poll::Ready(Ok(len)) if len > 0 => {
                        end += len;
                        inlet.alive();
                    }
                    Poll::Ready(_) => break Step::Over(CloseReason::Gone),
                }
            };
            reader.keep(&buffer[at..end]);
            step
        })
    }

    /// Has tungstenite read, until it has done its part.
    fn read_pieces(&mut self, cx: &mut Context<'_>, turn: &Turn, budget: &mut usize) -> Step {
        let (Some(inlet), Some(pieces)) = (self.inlet.as_mut(), self.pieces.as_mut()) else {
            return Step::Wait;
        };
        loop {
            if *budget == 0 {
                return Step::Later;
            }
            if inlet.poll_ready(cx).is_pending() {
                return Step::Wait;
            }
            *budget = budget.saturating_sub(1 + turn.sparks() / SPARKS);
            let result = pieces.read(&mut self.reader, &self.outlet, cx);
            if pieces.take_progress() {
                inlet.alive();
            }
            let received = match result {
                Ok(Read::Text(text)) => F::receive(inlet, Message::Text(&text)),
                Ok(Read::Binary(bytes)) => F::receive(inlet, Message::Binary(&bytes)),
                Ok(Read::Ping(_) | Read::Pong(_)) => {
                    inlet.signal();
                    continue;
                }
                Ok(Read::Frame(_)) => continue,
                Ok(Read::Close(frame)) => {
                    self.outlet.lock().peer_closed();
                    self.state = State::Finish(CloseReason::Client {
                        code: frame.map_or(1005, |frame| frame.code.into()),
                    });
                    // One more read lets tungstenite write its answer.
                    pieces.read(&mut self.reader, &self.outlet, cx).ok();
                    self.outlet.lock().answered();
                    return Step::Wait;
                }
                Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    return Step::Wait;
                }
                Err(error) => match fault(&error) {
                    Some(reason) => Err(reason),
                    None => return Step::Over(CloseReason::Gone),
                },
            };
            if let Err(reason) = received {
                inlet.spark().close(reason);
                self.state = State::Discard;
                return Step::Wait;
            }
            if pieces.is_of_one() {
                self.pieces = None;
                return Step::On;
            }
        }
    }

    /// Writes what waits, as far as the socket takes it, and tells how it stands then.
    fn write(&mut self, cx: &mut Context<'_>) -> Standing {
        let socket = &mut self.reader.socket;
        let mut out = self.outlet.lock();
        out.register(cx.waker());
        loop {
            if out.is_blocked() && socket.is_direct() {
                match socket.poll_write_ready(cx) {
                    Poll::Pending => return Standing::of(&out),
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => {
                        out.fail();
                        return Standing::of(&out);
                    }
                }
            }
            if !out.has_work() {
                break;
            }
            out.write(&mut |slices| socket.write(cx, slices));
            if !out.is_blocked() || !socket.is_direct() {
                break;
            }
        }
        if let Poll::Ready(Err(_)) = socket.poll_flush(cx) {
            out.fail();
        }
        Standing::of(&out)
    }

    /// Whether the session is over, and why.
    fn over(&mut self, standing: Standing, cx: &mut Context<'_>) -> Option<CloseReason> {
        let drained = match standing {
            Standing::Open => return None,
            Standing::Lost => return Some(CloseReason::Gone),
            Standing::Closing { drained } => drained,
        };
        match &self.state {
            State::Messages => {}
            State::Finish(reason) if drained => return Some(reason.clone()),
            State::Finish(_) => {}
            State::Discard => {
                if drained {
                    self.reader.socket.shutdown(cx);
                }
                if self.reader.poll_discard(cx).is_ready() {
                    return Some(CloseReason::Gone);
                }
            }
        }
        let deadline = self.deadline.get_or_insert_with(|| {
            let timeout = self
                .inlet
                .as_ref()
                .map(|inlet| inlet.spark().server().config().close_timeout());
            Box::pin(tokio::time::sleep(timeout.unwrap_or_default()))
        });
        match deadline.as_mut().poll(cx) {
            Poll::Ready(()) => Some(CloseReason::Gone),
            Poll::Pending => None,
        }
    }
}

impl<F: Framing> Future for Session<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let mut reason = None;
        if matches!(this.state, State::Messages) {
            reason = this.read(cx);
        }
        if reason.is_none() {
            let standing = this.write(cx);
            reason = this.over(standing, cx);
        }
        let Some(reason) = reason else {
            return Poll::Pending;
        };
        this.outlet.lock().release();
        this.reader.socket.shutdown(cx);
        if let Some(inlet) = this.inlet.take() {
            inlet.close(reason);
        }
        Poll::Ready(())
    }
}

impl<F: Framing> Drop for Session<F> {
    fn drop(&mut self) {
        // Also when the runtime drops the task: a kept spark must not keep the socket.
        self.outlet.lock().release();
    }
}
