//! The outbound side of a connection: a bounded outbox, framing, and the close frame.
//!
//! A flush runs on the thread of the sender. It frames everything in the outbox into a buffer that all
//! connections of the thread share, and writes that to the socket. When the socket does not accept all
//! of it, the connection's task waits until the socket is writable and continues.

use std::{hint, marker::PhantomData, sync::Arc, task::Waker};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use stellarfw_transport::{
    Account, CloseReason, Frame, Held, Kind, Outbox, OutboxLimits, Outlet, PushError, Waiting,
};

use crate::{
    deflate::Deflater,
    frame::{OP_BINARY, OP_PING, OP_TEXT, RSV1, put_close, put_header},
    frame_writer::{COPY_MAX, FrameWriter, LargePayload, NextFrame, SocketWrite, WRITE_BATCH},
    framing::Framing,
    socket::DirectWriter,
};

/// The most bytes of control frames that are queued for a peer that does not read.
const CONTROL_MAX: usize = 16 << 10;
/// The overhead of a queued control frame in bytes.
const CONTROL_OVERHEAD: usize = 96;

/// The outbound side of a connection, shared by its task and its spark.
pub(crate) struct WebSocketSink<F>(Mutex<SinkState<F>>);

/// The state of a [`WebSocketSink`].
pub(crate) struct SinkState<F> {
    /// Wakes the connection's task.
    task: Option<Waker>,
    writer: FrameWriter,
    queue: Queue<F>,
}

/// Everything that is not framed yet.
struct Queue<F> {
    outbox: Outbox,
    /// The latest pong for a peer that sends pings and does not read.
    late_pong: Option<Box<[u8]>>,
    deflater: Option<Deflater>,
    ping: bool,
    /// Further input is ignored.
    drops_inbound: bool,
    phase: ClosePhase,
    framing: PhantomData<F>,
}

/// The progress of closing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClosePhase {
    Open,
    /// The close frame with this code and text follows the outbox.
    Closing(u16, Box<str>),
    /// The close frame was framed; nothing follows it.
    Closed,
    /// The connection ends without further writes.
    Aborted,
}

impl<F: Framing> WebSocketSink<F> {
    pub(crate) fn new(
        limits: Arc<OutboxLimits>,
        deflater: Option<Deflater>,
        direct: Option<DirectWriter>,
    ) -> Arc<Self> {
        let mut writer = FrameWriter::new(direct);
        if let Some(frame) = F::opening() {
            let mut bytes = Vec::new();
            put_short(&mut bytes, &frame);
            writer.put(bytes.into_boxed_slice());
        }
        Arc::new(Self(Mutex::new(SinkState {
            task: None,
            writer,
            queue: Queue {
                outbox: Outbox::new(limits),
                late_pong: None,
                deflater,
                ping: false,
                drops_inbound: false,
                phase: ClosePhase::Open,
                framing: PhantomData,
            },
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, SinkState<F>> {
        self.0.lock()
    }
}

impl<F: Framing> Outlet for WebSocketSink<F> {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        let mut out = self.lock();
        let taken = out.writer.waiting();
        out.queue.outbox.push_behind(frame, taken)
    }

    fn flush(&self) {
        let mut out = self.lock();
        if out.writer.is_blocked() {
            out.settle();
            return;
        }
        let wake = if out.writer.needs_task() {
            out.has_work()
        } else {
            let was_open = out.queue.phase == ClosePhase::Open;
            out.write(None);
            let is_blocked = out.writer.is_blocked();
            out.settle();
            is_blocked || !was_open
        };
        if wake {
            wake_task(out);
        }
    }

    fn account(&self, account: Account) {
        self.lock().queue.outbox.set_account(account);
    }

    fn prefetch(&self) {
        hint::black_box(self.0.is_locked());
    }

    fn waiting(&self) -> Waiting {
        let out = self.lock();
        let (mut waiting, written) = (out.queue.outbox.waiting(), out.writer.waiting());
        waiting.frames += written.frames;
        waiting.bytes += written.bytes;
        waiting
    }

    fn ping(&self) {
        self.lock().queue.ping = true;
    }

    fn close(&self, reason: &CloseReason) {
        let mut out = self.lock();
        out.queue.outbox.close();
        if reason.drops_waiting() {
            // The peer does not read its queue in time. Only the close code is sent.
            out.queue.outbox.clear();
        }
        if out.queue.phase == ClosePhase::Open {
            out.queue.phase = ClosePhase::Closing(reason.code(), reason.text().into());
        }
        if *reason == CloseReason::OverBudget && out.writer.waiting().bytes > WRITE_BATCH {
            // The close frame could not precede the rest of a large message.
            out.cut();
        }
        out.queue.drops_inbound |= reason.drops_inbound();
        out.settle();
        wake_task(out);
    }

    fn abort(&self) {
        let mut out = self.lock();
        out.cut();
        wake_task(out);
    }
}

/// Wakes the connection's task after the lock is released.
fn wake_task<F>(out: MutexGuard<'_, SinkState<F>>) {
    let task = out.task.clone();
    drop(out);
    if let Some(task) = task {
        task.wake();
    }
}

impl<F: Framing> SinkState<F> {
    /// Stores the waker of the connection's task. Later changes wake the task; it sees earlier ones
    /// under the lock that it holds now.
    pub(crate) fn register(&mut self, waker: &Waker) {
        if !self.task.as_ref().is_some_and(|task| task.will_wake(waker)) {
            self.task = Some(waker.clone());
        }
    }

    /// Writes until the outbox is empty or the socket accepts no more. The connection's task passes its
    /// own way to write as `task`; senders pass `None`.
    pub(crate) fn write(&mut self, task: Option<&mut SocketWrite<'_>>) {
        if self.queue.phase != ClosePhase::Aborted {
            self.writer.write(task, |batch| self.queue.next(batch));
        }
    }

    /// Updates the spark's account with the memory that is held.
    #[inline]
    pub(crate) fn settle(&mut self) {
        let outbox = &mut self.queue.outbox;
        let held = match self.writer.is_empty() {
            true => Held::default(),
            false => self.writer.held(outbox.spark_account()),
        };
        outbox.settle(held);
    }

    /// Ends the connection without further writes.
    fn cut(&mut self) {
        self.queue.outbox.clear();
        self.queue.phase = ClosePhase::Aborted;
        self.writer.clear();
        self.settle();
    }

    /// Returns `true` if further input is ignored.
    pub(crate) fn drops_inbound(&self) -> bool {
        self.queue.drops_inbound
    }

    /// Queues complete control frames: pongs, and tungstenite's answer to a close frame. For a peer that
    /// does not read, only the latest is kept (RFC 6455 section 5.5.3).
    pub(crate) fn put_control(&mut self, bytes: &[u8]) {
        match self.queue.phase {
            // Nothing may follow the close frame.
            ClosePhase::Closed | ClosePhase::Aborted => {}
            _ if self.is_backed_up() => self.queue.late_pong = Some(bytes.into()),
            _ => self.writer.put(Bytes::copy_from_slice(bytes)),
        }
    }

    /// Handles the peer's close frame: only the answer is still sent.
    pub(crate) fn peer_closed(&mut self) {
        self.queue.outbox.clear();
        self.queue.ping = false;
        self.queue.late_pong = None;
    }

    /// Notes that tungstenite has answered the peer's close frame.
    pub(crate) fn answered(&mut self) {
        if self.queue.phase != ClosePhase::Aborted {
            self.queue.phase = ClosePhase::Closed;
        }
    }

    /// Returns `true` if there is anything to write.
    pub(crate) fn has_work(&self) -> bool {
        !self.writer.is_empty()
            || !self.queue.outbox.is_empty()
            || self.queue.late_pong.is_some()
            || self.queue.ping
            || matches!(self.queue.phase, ClosePhase::Closing(..))
    }

    /// Returns `true` if the socket has accepted the close frame and everything before it.
    pub(crate) fn is_drained(&self) -> bool {
        self.queue.phase == ClosePhase::Closed
            && self.writer.is_empty()
            && self.queue.late_pong.is_none()
    }

    /// Returns `true` if no more control frames are queued.
    fn is_backed_up(&self) -> bool {
        let waiting = self.writer.waiting();
        self.writer.is_blocked() && waiting.bytes + waiting.frames * CONTROL_OVERHEAD > CONTROL_MAX
    }

    pub(crate) fn writer(&mut self) -> &mut FrameWriter {
        &mut self.writer
    }

    /// Drops the socket and everything that is queued: the connection has ended.
    pub(crate) fn release(&mut self) {
        self.queue.phase = ClosePhase::Aborted;
        self.task = None;
        self.writer.release();
        self.queue.outbox.clear();
        self.queue.late_pong = None;
        self.settle();
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.writer.has_failed()
    }

    pub(crate) fn phase(&self) -> &ClosePhase {
        &self.queue.phase
    }
}

impl<F: Framing> Queue<F> {
    /// Appends the next frames to a batch.
    fn next(&mut self, batch: &mut Vec<u8>) -> NextFrame {
        if let Some(pong) = self.late_pong.take() {
            batch.extend_from_slice(&pong);
            return NextFrame::Appended;
        }
        if std::mem::take(&mut self.ping) && self.phase == ClosePhase::Open {
            put_header(batch, OP_PING, 0);
            if let Some(frame) = F::heartbeat() {
                put_short(batch, &frame);
            }
            return NextFrame::Appended;
        }
        while let Some(frame) = F::next_message(&mut self.outbox) {
            if let Some(large) = self.put_frame(batch, frame) {
                return NextFrame::Large(large);
            }
            if batch.len() >= WRITE_BATCH {
                return NextFrame::Appended;
            }
        }
        self.put_closing(batch)
    }

    /// Frames a payload into the batch. Returns a payload that is too large to copy.
    fn put_frame(&mut self, batch: &mut Vec<u8>, frame: Frame) -> Option<LargePayload> {
        let opcode = opcode(frame.kind());
        let smaller = self.deflater.as_mut().and_then(|d| compress(d, &frame));
        let compressed = if smaller.is_some() { RSV1 } else { 0 };
        let payload = smaller.as_ref().unwrap_or(frame.payload());
        put_header(batch, opcode | compressed, payload.len());
        if payload.len() <= COPY_MAX {
            batch.extend_from_slice(payload);
            return None;
        }
        let is_own =
            smaller.is_some() && self.deflater.as_ref().is_some_and(|d| d.shared().is_none());
        Some(LargePayload {
            many: frame.many().filter(|_| !is_own),
            bytes: smaller.unwrap_or_else(|| frame.into_payload()),
        })
    }

    /// Appends the close frame if the connection is closing.
    fn put_closing(&mut self, batch: &mut Vec<u8>) -> NextFrame {
        let ClosePhase::Closing(code, text) = &self.phase else {
            return NextFrame::None;
        };
        if let Some(frame) = F::closing(*code, text) {
            put_short(batch, &frame);
        }
        put_close(batch, Some((*code, text)));
        self.phase = ClosePhase::Closed;
        NextFrame::Appended
    }
}

/// Compresses a payload, if that makes it smaller. A publication is compressed once for all connections
/// with the same parameters.
fn compress(deflater: &mut Deflater, frame: &Frame) -> Option<Bytes> {
    if !deflater.wants(frame.len()) {
        return None;
    }
    // Without spare capacity, because queued bytes are counted by length.
    let exactly = |out: Vec<u8>| out.into_boxed_slice().into();
    let mut out = Vec::new();
    match deflater.shared() {
        Some(shared) => frame.translated(("deflate", shared.key()), |payload| {
            shared.compress(payload, &mut out).then(|| exactly(out))
        }),
        None => deflater
            .compress(frame.payload(), &mut out)
            .then(|| exactly(out)),
    }
}

fn opcode(kind: Kind) -> u8 {
    match kind {
        Kind::Text => OP_TEXT,
        Kind::Binary => OP_BINARY,
    }
}

/// Appends a message of the framing, uncompressed.
fn put_short(out: &mut Vec<u8>, frame: &Frame) {
    put_header(out, opcode(frame.kind()), frame.len());
    out.extend_from_slice(frame.payload());
}
