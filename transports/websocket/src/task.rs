//! The one task of a connection: it reads, completes the closing handshake, and writes what senders
//! could not.

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
    deflate::{Deflater, Inflater, Negotiated},
    framing::Framing,
    message_reader::{MessageReader, MessageReceiver, ReadLimits, ReadProgress},
    options::WebSocketOptions,
    sink::{ClosePhase, SinkState, WebSocketSink},
    socket::Socket,
};

/// The task that owns a connection, from the upgrade to the end.
pub(crate) struct ConnectionTask<F: Framing> {
    reader: MessageReader,
    sink: Arc<WebSocketSink<F>>,
    /// Taken when the connection ends.
    inlet: Option<Inlet>,
    state: ReadState,
    /// The deadline of the closing handshake.
    deadline: Option<Pin<Box<Sleep>>>,
}

/// The state of the reading side.
#[derive(Debug)]
enum ReadState {
    /// Messages are read.
    Messages,
    /// Input is discarded until the peer closes its side.
    Discard,
    /// Both close frames were exchanged: queued bytes are still written.
    Finish(CloseReason),
}

/// Passes messages to the spark, and control frames to the sink.
struct SparkReceiver<'a, F: Framing> {
    inlet: &'a mut Inlet,
    sink: &'a WebSocketSink<F>,
}

impl<F: Framing> MessageReceiver for SparkReceiver<'_, F> {
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
        self.sink.lock().put_control(frame);
    }

    fn close_received(&mut self) {
        self.sink.lock().peer_closed();
    }

    #[inline]
    fn message(&mut self, message: Message<'_>) -> Result<(), CloseReason> {
        F::receive(self.inlet, message)
    }
}

/// The state of the outbound side.
enum WriteState {
    Open,
    /// The socket failed, or the connection is aborted.
    Lost,
    Closing {
        /// Everything was written.
        drained: bool,
    },
}

impl WriteState {
    fn of<F: Framing>(out: &SinkState<F>) -> Self {
        if out.has_failed() || *out.phase() == ClosePhase::Aborted {
            Self::Lost
        } else if *out.phase() == ClosePhase::Open {
            Self::Open
        } else {
            Self::Closing {
                drained: out.is_drained(),
            }
        }
    }
}

impl<F: Framing> ConnectionTask<F> {
    pub(crate) fn new(
        options: &WebSocketOptions,
        server: &Server,
        admission: Admission,
        agreed: Option<Negotiated>,
        mut socket: Socket,
        early: Bytes,
    ) -> Self {
        let max_message = F::max_message(server.config().max_length);
        let limits = ReadLimits {
            read_buffer: options.read_buffer,
            max_message,
            max_frame: options
                .max_frame
                .map_or(max_message, |max| max.min(max_message)),
        };
        let deflater = agreed
            .as_ref()
            .zip(options.compression.as_ref())
            .map(|(agreed, config)| Deflater::new(config, agreed));
        let inflater = agreed.map(|agreed| Inflater::new(&agreed, max_message));
        let sink = WebSocketSink::new(server.outbox_limits(), deflater, socket.take_writer());
        let inlet = server.open(admission, sink.clone());
        Self {
            reader: MessageReader::inflating(socket, early, limits, inflater),
            sink,
            inlet: Some(inlet),
            state: ReadState::Messages,
            deadline: None,
        }
    }

    /// Reads messages and passes them to the spark. Returns the reason if the connection is lost.
    fn read(&mut self, cx: &mut Context<'_>) -> Option<CloseReason> {
        let inlet = self.inlet.as_mut()?;
        let sink = &self.sink;
        match self.reader.read(cx, &mut SparkReceiver { inlet, sink }) {
            ReadProgress::Pending => return None,
            ReadProgress::Closed(code) => {
                sink.lock().answered();
                self.state = ReadState::Finish(CloseReason::Client { code });
            }
            ReadProgress::Fault(reason) => {
                inlet.spark().close(reason);
                self.state = ReadState::Discard;
            }
            ReadProgress::Gone => return Some(CloseReason::Gone),
        }
        self.drop_partial();
        None
    }

    /// Drops the incomplete message, which is never completed.
    fn drop_partial(&mut self) {
        self.reader.drop_partial();
        if let Some(inlet) = &self.inlet {
            inlet.spark().assembling(0, false);
        }
    }

    /// Writes as much as the socket accepts and returns the state after that.
    fn write(&mut self, cx: &mut Context<'_>) -> WriteState {
        let socket = self.reader.socket();
        let mut out = self.sink.lock();
        out.register(cx.waker());
        let state = Self::write_out(socket, &mut out, cx);
        out.settle();
        state
    }

    fn write_out(socket: &mut Socket, out: &mut SinkState<F>, cx: &mut Context<'_>) -> WriteState {
        loop {
            if out.has_failed() {
                return WriteState::Lost;
            }
            if out.writer().is_blocked() {
                match socket.poll_write_ready(cx) {
                    Poll::Pending => return WriteState::of(out),
                    Poll::Ready(Ok(())) => out.writer().unblock(),
                    Poll::Ready(Err(_)) => {
                        out.writer().fail();
                        return WriteState::of(out);
                    }
                }
            }
            if !out.has_work() {
                break;
            }
            out.write(Some(&mut |slices| socket.write(cx, slices)));
            if !out.writer().is_blocked() || !socket.is_direct() {
                break;
            }
        }
        if let Poll::Ready(Err(_)) = socket.poll_flush(cx) {
            out.writer().fail();
        }
        WriteState::of(out)
    }

    /// Stops reading messages and drops the incomplete one, if further input is ignored.
    fn drop_inbound(&mut self) {
        if self.sink.lock().drops_inbound() {
            self.drop_partial();
            self.state = ReadState::Discard;
        }
    }

    /// Returns the reason if the connection has ended.
    fn over(&mut self, state: WriteState, cx: &mut Context<'_>) -> Option<CloseReason> {
        let drained = match state {
            WriteState::Open => return None,
            WriteState::Lost => return Some(CloseReason::Gone),
            WriteState::Closing { drained } => drained,
        };
        match &self.state {
            ReadState::Messages => {}
            ReadState::Finish(reason) if drained => return Some(reason.clone()),
            ReadState::Finish(_) => {}
            ReadState::Discard => {
                if drained {
                    self.reader.socket().shutdown(cx);
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

impl<F: Framing> Future for ConnectionTask<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let mut reason = None;
        if matches!(this.state, ReadState::Messages) {
            reason = this.read(cx);
        }
        if reason.is_none() {
            let state = this.write(cx);
            if matches!(
                (&state, &this.state),
                (WriteState::Closing { .. }, ReadState::Messages)
            ) {
                this.drop_inbound();
            }
            reason = this.over(state, cx);
        }
        let Some(reason) = reason else {
            return Poll::Pending;
        };
        this.sink.lock().release();
        this.reader.socket().shutdown(cx);
        if let Some(inlet) = this.inlet.take() {
            inlet.close(reason);
        }
        Poll::Ready(())
    }
}

impl<F: Framing> Drop for ConnectionTask<F> {
    fn drop(&mut self) {
        // The runtime may drop the task: a spark that is kept must not keep the socket.
        self.sink.lock().release();
    }
}
