//! The one task of a connection: it reads, finishes the closing, and writes what a sender could
//! not.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use stellarfw_transport::{Admission, CloseReason, Inlet, Message, Server, turn};
use tokio::time::Sleep;
use tungstenite::{
    Error, Message as Read,
    error::ProtocolError,
    protocol::{Role, WebSocketConfig, WebSocketContext},
};

use crate::{
    WsConfig,
    deflate::{DeflateError, Deflater, Inflater, Negotiated},
    framing::Framing,
    io::{Duplex, Reader, Socket, deflate_error},
    outlet::{Phase, WsOutlet},
};

/// So many messages are handled before others get their turn.
const BUDGET: usize = 128;
/// As many bytes of tungstenite's own answers (pongs) may wait inside of it.
const CONTROL_BUFFER: usize = 512;

pub(crate) struct Session<F: Framing> {
    reader: Reader,
    context: WebSocketContext,
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

impl<F: Framing> Session<F> {
    pub(crate) fn new(
        config: &WsConfig,
        server: &Server,
        admission: Admission,
        agreed: Option<Negotiated>,
        socket: Socket,
    ) -> Self {
        let max_length = F::longest(server.config().max_length);
        let max_frame = config
            .max_frame
            .map_or(max_length, |max| max.min(max_length));
        let mut settings = WebSocketConfig::default();
        settings.read_buffer_size = config.read_buffer.max(128);
        settings.write_buffer_size = 0;
        settings.max_write_buffer_size = CONTROL_BUFFER;
        settings.max_message_size = Some(max_length);
        settings.max_frame_size = Some(max_frame);

        let deflater = agreed
            .as_ref()
            .zip(config.compression.as_ref())
            .map(|(agreed, config)| Deflater::new(config, agreed));
        let inflater = agreed.map(|agreed| Inflater::new(&agreed, max_length));
        let outlet = WsOutlet::new(server.outbox_limits(), deflater, socket.direct());
        let inlet = server.open(admission, outlet.clone());
        Self {
            reader: Reader::new(socket, inflater),
            context: WebSocketContext::new(Role::Server, Some(settings)),
            outlet,
            inlet: Some(inlet),
            state: State::Messages,
            deadline: None,
        }
    }

    /// Reads messages and hands them in, until there are no more or others should have a turn.
    fn read(&mut self, cx: &mut Context<'_>) -> Option<CloseReason> {
        let inlet = self.inlet.as_mut()?;
        let _turn = turn();
        for _ in 0..BUDGET {
            if inlet.poll_ready(cx).is_pending() {
                return None;
            }
            let mut duplex = Duplex {
                reader: &mut self.reader,
                outlet: &self.outlet,
                cx,
            };
            let result = self.context.read(&mut duplex);
            if std::mem::take(&mut self.reader.progress) {
                inlet.alive();
            }
            let received = match result {
                Ok(Read::Text(text)) => F::receive(inlet, Message::Text(&text)),
                Ok(Read::Binary(bytes)) => F::receive(inlet, Message::Binary(&bytes)),
                Ok(Read::Ping(_) | Read::Pong(_) | Read::Frame(_)) => Ok(()),
                Ok(Read::Close(frame)) => {
                    self.outlet.lock().peer_closed();
                    self.state = State::Finish(CloseReason::Client {
                        code: frame.map_or(1005, |frame| frame.code.into()),
                    });
                    // One more read lets tungstenite write its answer.
                    let mut duplex = Duplex {
                        reader: &mut self.reader,
                        outlet: &self.outlet,
                        cx,
                    };
                    self.context.read(&mut duplex).ok();
                    self.outlet.lock().answered();
                    return None;
                }
                Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    return None;
                }
                Err(error) => match fault(&error) {
                    Some(reason) => Err(reason),
                    None => return Some(CloseReason::Gone),
                },
            };
            if let Err(reason) = received {
                inlet.spark().close(reason);
                self.state = State::Discard;
                return None;
            }
        }
        cx.waker().wake_by_ref();
        None
    }

    /// Writes what waits, as far as the socket takes it.
    fn write(&mut self, cx: &mut Context<'_>) {
        let socket = &mut self.reader.socket;
        let mut out = self.outlet.lock();
        loop {
            if out.is_blocked() && socket.is_direct() {
                match socket.poll_write_ready(cx) {
                    Poll::Pending => return,
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => {
                        out.fail();
                        return;
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
    }

    /// Whether the session is over, and why.
    fn over(&mut self, cx: &mut Context<'_>) -> Option<CloseReason> {
        let (phase_open, aborted, drained, failed) = {
            let out = self.outlet.lock();
            let phase = out.phase();
            (
                *phase == Phase::Open,
                *phase == Phase::Aborted,
                out.is_drained(),
                out.has_failed(),
            )
        };
        if failed || aborted {
            return Some(CloseReason::Gone);
        }
        if phase_open {
            return None;
        }
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
        this.outlet.register(cx.waker());
        let mut reason = None;
        if matches!(this.state, State::Messages) {
            reason = this.read(cx);
        }
        if reason.is_none() {
            this.write(cx);
            reason = this.over(cx);
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

/// What the peer did wrong, or nothing when the connection just broke.
fn fault(error: &Error) -> Option<CloseReason> {
    let protocol = |code, message: String| {
        Some(CloseReason::Protocol {
            code,
            message: message.into(),
        })
    };
    match error {
        Error::Io(error) => match deflate_error(error)? {
            DeflateError::TooBig { .. } => Some(CloseReason::TooLarge),
            error => protocol(error.close_code(), error.to_string()),
        },
        Error::Capacity(_) => Some(CloseReason::TooLarge),
        Error::Utf8(_) => protocol(1007, "text is not UTF-8".into()),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        | Error::ConnectionClosed
        | Error::AlreadyClosed => None,
        Error::Protocol(error) => protocol(1002, error.to_string()),
        _ => protocol(1002, "protocol error".into()),
    }
}
