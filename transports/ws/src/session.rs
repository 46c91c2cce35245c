//! The one task of a connection: it reads, finishes the closing, and writes what a sender could
//! not.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use stellarfw_transport::{Admission, CloseReason, Inlet, Message, Server};
use tokio::time::Sleep;

use crate::{
    WsConfig,
    deflate::{Deflater, Inflater, Negotiated},
    framing::Framing,
    inbound::{Inbound, Limits, Progress, Receiver},
    outlet::{Out, Phase, WsOutlet},
    socket::Socket,
};

pub(crate) struct Session<F: Framing> {
    inbound: Inbound,
    outlet: Arc<WsOutlet<F>>,
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

/// What is read goes to the spark, and what must be answered to the outlet.
struct Way<'a, F: Framing> {
    inlet: &'a mut Inlet,
    outlet: &'a WsOutlet<F>,
}

impl<F: Framing> Receiver for Way<'_, F> {
    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.inlet.poll_ready(cx)
    }

    #[inline]
    fn alive(&mut self) {
        self.inlet.alive();
    }

    fn signal(&mut self) {
        self.inlet.signal();
    }

    #[inline]
    fn assembling(&mut self, bytes: usize, is_new: bool) {
        self.inlet.spark().assembling(bytes, is_new);
    }

    fn control(&mut self, frame: &[u8]) {
        self.outlet.lock().put_control(frame);
    }

    fn goodbye(&mut self) {
        self.outlet.lock().peer_closed();
    }

    #[inline]
    fn message(&mut self, message: Message<'_>) -> Result<(), CloseReason> {
        F::receive(self.inlet, message)
    }
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
        Self {
            inbound: Inbound::inflating(socket, early, limits, inflater),
            outlet,
            inlet: Some(inlet),
            state: State::Messages,
            deadline: None,
        }
    }

    /// Reads messages and hands them in, until there are no more or others should have a turn.
    fn read(&mut self, cx: &mut Context<'_>) -> Option<CloseReason> {
        let inlet = self.inlet.as_mut()?;
        let outlet = &self.outlet;
        match self.inbound.read(cx, &mut Way { inlet, outlet }) {
            Progress::Wait => return None,
            Progress::Goodbye(code) => {
                outlet.lock().answered();
                self.state = State::Finish(CloseReason::Client { code });
            }
            Progress::Fault(reason) => {
                inlet.spark().close(reason);
                self.state = State::Discard;
            }
            Progress::Gone => return Some(CloseReason::Gone),
        }
        self.forget();
        None
    }

    /// Drops what has come of a message that is not whole: it never will be.
    fn forget(&mut self) {
        self.inbound.forget();
        if let Some(inlet) = &self.inlet {
            inlet.spark().assembling(0, false);
        }
    }

    /// Writes what waits, as far as the socket takes it, and tells how it stands then.
    fn write(&mut self, cx: &mut Context<'_>) -> Standing {
        let socket = self.inbound.socket();
        let mut out = self.outlet.lock();
        out.register(cx.waker());
        let standing = Self::write_out(socket, &mut out, cx);
        out.settle();
        standing
    }

    fn write_out(socket: &mut Socket, out: &mut Out<F>, cx: &mut Context<'_>) -> Standing {
        loop {
            if out.has_failed() {
                return Standing::Lost;
            }
            if out.pipe().is_stuck() {
                match socket.poll_write_ready(cx) {
                    Poll::Pending => return Standing::of(out),
                    Poll::Ready(Ok(())) => out.pipe().unblock(),
                    Poll::Ready(Err(_)) => {
                        out.pipe().fail();
                        return Standing::of(out);
                    }
                }
            }
            if !out.has_work() {
                break;
            }
            out.write(Some(&mut |slices| socket.write(cx, slices)));
            if !out.pipe().is_stuck() || !socket.is_direct() {
                break;
            }
        }
        if let Poll::Ready(Err(_)) = socket.poll_flush(cx) {
            out.pipe().fail();
        }
        Standing::of(out)
    }

    /// Stops reading messages where those that come mean nothing any more, and drops what has come of
    /// one.
    fn drop_inbound(&mut self) {
        if self.outlet.lock().drops_inbound() {
            self.forget();
            self.state = State::Discard;
        }
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
                    self.inbound.socket().shutdown(cx);
                }
                if self.inbound.poll_discard(cx).is_ready() {
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
            if matches!(
                (&standing, &this.state),
                (Standing::Closing { .. }, State::Messages)
            ) {
                this.drop_inbound();
            }
            reason = this.over(standing, cx);
        }
        let Some(reason) = reason else {
            return Poll::Pending;
        };
        this.outlet.lock().release();
        this.inbound.socket().shutdown(cx);
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
