//! The way out: a bounded queue, framed and written in as few calls of the kernel as can be.
//!
//! A flush happens on the thread of whoever sends. It puts everything that waits into one buffer
//! that all connections of the thread share and hands that to the socket. Only what the socket
//! does not take is kept, and then the connection's task waits until the socket takes more.

use std::{hint, marker::PhantomData, sync::Arc, task::Waker};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use stellarfw_transport::{
    Account, CloseReason, Frame, Held, Kind, Outbox, OutboxLimits, Outlet, PushError, Waiting,
};

use crate::{
    deflate::Deflater,
    framing::Framing,
    head::{OP_BINARY, OP_CLOSE, OP_PING, OP_TEXT, RSV1, put_header},
    pipe::{BATCH, COPY_MAX, Large, Next, Pipe, Write},
    socket::DirectWriter,
};

/// As many bytes of pongs may wait for a peer that pings and does not read.
const CONTROL_MAX: usize = 16 << 10;
/// What one takes besides its bytes.
const CONTROL: usize = 96;

/// A connection's outlet, shared by its task and its spark.
pub(crate) struct WsOutlet<F>(Mutex<Out<F>>);

pub(crate) struct Out<F> {
    /// Wakes the connection's task.
    task: Option<Waker>,
    pipe: Pipe,
    queue: Queue<F>,
}

/// What is to be framed and written next.
struct Queue<F> {
    outbox: Outbox,
    /// The latest answer to a peer that pings without reading.
    late: Option<Box<[u8]>>,
    deflater: Option<Deflater>,
    ping: bool,
    /// What the peer goes on sending means nothing.
    drops_inbound: bool,
    phase: Phase,
    framing: PhantomData<F>,
}

/// How far the closing has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    /// To be closed with this code and text when the outbox is empty.
    Closing(u16, Box<str>),
    /// The close frame is on its way; nothing follows it.
    Closed,
    /// To be cut at once.
    Aborted,
}

impl<F: Framing> WsOutlet<F> {
    pub(crate) fn new(
        limits: Arc<OutboxLimits>,
        deflater: Option<Deflater>,
        direct: Option<DirectWriter>,
    ) -> Arc<Self> {
        let mut pipe = Pipe::new(direct);
        if let Some(frame) = F::opening() {
            let mut bytes = Vec::new();
            put_short(&mut bytes, &frame);
            pipe.put(bytes.into_boxed_slice());
        }
        Arc::new(Self(Mutex::new(Out {
            task: None,
            pipe,
            queue: Queue {
                outbox: Outbox::new(limits),
                late: None,
                deflater,
                ping: false,
                drops_inbound: false,
                phase: Phase::Open,
                framing: PhantomData,
            },
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Out<F>> {
        self.0.lock()
    }
}

impl<F: Framing> Outlet for WsOutlet<F> {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        let mut out = self.lock();
        let taken = out.pipe.waiting();
        out.queue.outbox.push_behind(frame, taken)
    }

    fn flush(&self) {
        let mut out = self.lock();
        if out.pipe.is_stuck() {
            out.settle();
            return;
        }
        let wake = if out.pipe.is_of_task() {
            out.has_work()
        } else {
            let was_open = out.queue.phase == Phase::Open;
            out.write(None);
            let is_stuck = out.pipe.is_stuck();
            out.settle();
            is_stuck || !was_open
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
        let (mut waiting, pipe) = (out.queue.outbox.waiting(), out.pipe.waiting());
        waiting.frames += pipe.frames;
        waiting.bytes += pipe.bytes;
        waiting
    }

    fn ping(&self) {
        self.lock().queue.ping = true;
    }

    fn close(&self, reason: &CloseReason) {
        let mut out = self.lock();
        out.queue.outbox.close();
        if reason.drops_waiting() {
            // Its queue is full of what it will not read in time; the code tells it why.
            out.queue.outbox.clear();
        }
        if out.queue.phase == Phase::Open {
            out.queue.phase = Phase::Closing(reason.code(), reason.text().into());
        }
        if *reason == CloseReason::OverBudget && out.pipe.waiting().bytes > BATCH {
            // The code would have to wait for the end of a long message.
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

/// Has the connection's task polled, once the lock is free for it.
fn wake_task<F>(out: MutexGuard<'_, Out<F>>) {
    let task = out.task.clone();
    drop(out);
    if let Some(task) = task {
        task.wake();
    }
}

impl<F: Framing> Out<F> {
    /// Keeps the waker of the connection's task. Whoever changes something later wakes it; what was
    /// changed before, the task sees under the lock it holds now.
    pub(crate) fn register(&mut self, waker: &Waker) {
        if !self.task.as_ref().is_some_and(|task| task.will_wake(waker)) {
            self.task = Some(waker.clone());
        }
    }

    /// Writes until nothing waits or the socket takes no more. `task` is how the connection's task writes,
    /// if that is who asks.
    pub(crate) fn write(&mut self, task: Option<&mut Write<'_>>) {
        if self.queue.phase != Phase::Aborted {
            self.pipe.write(task, |batch| self.queue.next(batch));
        }
    }

    /// Notes what waits in the spark's account.
    #[inline]
    pub(crate) fn settle(&mut self) {
        let outbox = &mut self.queue.outbox;
        let held = match self.pipe.is_empty() {
            true => Held::default(),
            false => self.pipe.held(outbox.spark_account()),
        };
        outbox.settle(held);
    }

    /// The connection is to be cut: nothing is written any more.
    fn cut(&mut self) {
        self.queue.outbox.clear();
        self.queue.phase = Phase::Aborted;
        self.pipe.clear();
        self.settle();
    }

    /// Returns `true` if what the peer goes on sending means nothing any more.
    pub(crate) fn drops_inbound(&self) -> bool {
        self.queue.drops_inbound
    }

    /// Takes whole control frames: pongs, and what tungstenite answers to a close. Where the peer
    /// pings without reading only the latest is kept (RFC 6455 section 5.5.3).
    pub(crate) fn put_control(&mut self, bytes: &[u8]) {
        match self.queue.phase {
            // After our own close frame nothing may follow.
            Phase::Closed | Phase::Aborted => {}
            _ if self.is_backed_up() => self.queue.late = Some(bytes.into()),
            _ => self.pipe.put(Bytes::copy_from_slice(bytes)),
        }
    }

    /// The peer has said goodbye: nothing more is for it but the answer.
    pub(crate) fn peer_closed(&mut self) {
        self.queue.outbox.clear();
        self.queue.ping = false;
        self.queue.late = None;
    }

    /// tungstenite has answered the peer's goodbye: that was our close frame.
    pub(crate) fn answered(&mut self) {
        if self.queue.phase != Phase::Aborted {
            self.queue.phase = Phase::Closed;
        }
    }

    pub(crate) fn has_work(&self) -> bool {
        !self.pipe.is_empty()
            || !self.queue.outbox.is_empty()
            || self.queue.late.is_some()
            || self.queue.ping
            || matches!(self.queue.phase, Phase::Closing(..))
    }

    /// Whether everything that will ever be sent has been taken by the socket.
    pub(crate) fn is_drained(&self) -> bool {
        self.queue.phase == Phase::Closed && self.pipe.is_empty() && self.queue.late.is_none()
    }

    /// So much waits that no more of what is not the application's is to be added.
    fn is_backed_up(&self) -> bool {
        let waiting = self.pipe.waiting();
        self.pipe.is_stuck() && waiting.bytes + waiting.frames * CONTROL > CONTROL_MAX
    }

    pub(crate) fn pipe(&mut self) -> &mut Pipe {
        &mut self.pipe
    }

    /// The session is over: lets go of the socket and of all that waits.
    pub(crate) fn release(&mut self) {
        self.queue.phase = Phase::Aborted;
        self.task = None;
        self.pipe.release();
        self.queue.outbox.clear();
        self.queue.late = None;
        self.settle();
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.pipe.has_failed()
    }

    pub(crate) fn phase(&self) -> &Phase {
        &self.queue.phase
    }
}

impl<F: Framing> Queue<F> {
    /// Puts what goes out next into a batch.
    fn next(&mut self, batch: &mut Vec<u8>) -> Next {
        if let Some(late) = self.late.take() {
            batch.extend_from_slice(&late);
            return Next::Put;
        }
        if std::mem::take(&mut self.ping) && self.phase == Phase::Open {
            put_header(batch, OP_PING, 0);
            if let Some(frame) = F::heartbeat() {
                put_short(batch, &frame);
            }
            return Next::Put;
        }
        while let Some(frame) = F::message(&mut self.outbox) {
            if let Some(large) = self.put_frame(batch, frame) {
                return Next::Large(large);
            }
            if batch.len() >= BATCH {
                return Next::Put;
            }
        }
        self.put_close(batch)
    }

    /// Frames one payload into the batch; one too large to copy comes back.
    fn put_frame(&mut self, batch: &mut Vec<u8>, frame: Frame) -> Option<Large> {
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
        Some(Large {
            many: frame.many().filter(|_| !is_own),
            bytes: smaller.unwrap_or_else(|| frame.into_payload()),
        })
    }

    /// The goodbye, where it is time for that.
    fn put_close(&mut self, batch: &mut Vec<u8>) -> Next {
        let Phase::Closing(code, text) = &self.phase else {
            return Next::Nothing;
        };
        if let Some(frame) = F::goodbye(*code, text) {
            put_short(batch, &frame);
        }
        // A control frame's payload is at most 125 bytes, two of them the code.
        let mut len = text.len().min(123);
        while !text.is_char_boundary(len) {
            len -= 1;
        }
        put_header(batch, OP_CLOSE, len + 2);
        batch.extend_from_slice(&code.to_be_bytes());
        batch.extend_from_slice(&text.as_bytes()[..len]);
        self.phase = Phase::Closed;
        Next::Put
    }
}

/// A payload compressed, if that makes it smaller. A publication is compressed once for all
/// connections that compress alike.
fn compress(deflater: &mut Deflater, frame: &Frame) -> Option<Bytes> {
    if !deflater.wants(frame.len()) {
        return None;
    }
    // Exactly as long as it is, since what waits is counted by length.
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

/// Appends a short message of the framing's own, never compressed.
fn put_short(out: &mut Vec<u8>, frame: &Frame) {
    put_header(out, opcode(frame.kind()), frame.len());
    out.extend_from_slice(frame.payload());
}
