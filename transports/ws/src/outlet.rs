//! The way out: a bounded queue, framed and written in as few calls of the kernel as can be.
//!
//! A flush happens on the thread of whoever sends. It puts everything that waits into one buffer
//! that all connections of the thread share and hands that to the socket. Only what the socket
//! does not take is kept, and then the connection's task waits until the socket takes more.

use std::{
    collections::VecDeque,
    hint,
    io::{self, IoSlice},
    marker::PhantomData,
    sync::Arc,
    task::Waker,
};

use bytes::{Buf as _, Bytes};
use parking_lot::{Mutex, MutexGuard};
use stellarfw_transport::{
    CloseReason, Frame, Kind, Outbox, OutboxLimits, Outlet, PushError, Waiting, with_write_buffer,
};

use crate::{
    deflate::Deflater,
    framing::Framing,
    head::{OP_BINARY, OP_CLOSE, OP_PING, OP_TEXT, RSV1, put_header},
    socket::DirectWriter,
};

/// Payloads up to this size are copied behind their header; larger ones go out from where they are.
const COPY_MAX: usize = 8 << 10;
/// As much is put into one write.
const BATCH: usize = 64 << 10;
/// As many bytes of pongs may wait for a peer that pings and does not read.
const CONTROL_MAX: usize = 16 << 10;

/// A connection's outlet, shared by its task and its spark.
pub(crate) struct WsOutlet<F>(Mutex<Out<F>>);

pub(crate) struct Out<F> {
    /// Wakes the connection's task.
    task: Option<Waker>,
    /// The socket, if it can be written to from any thread; else the task writes.
    direct: Option<DirectWriter>,
    outbox: Outbox,
    /// Framed already and not yet taken by the socket. Goes first.
    wire: VecDeque<Bytes>,
    wire_bytes: usize,
    /// The latest answer to a peer that pings without reading.
    late: Option<Box<[u8]>>,
    deflater: Option<Deflater>,
    ping: bool,
    /// The socket took no more; the task continues when it can.
    blocked: bool,
    phase: Phase,
    /// The socket failed.
    failed: bool,
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
        let mut out = Out {
            task: None,
            direct,
            outbox: Outbox::new(limits),
            wire: VecDeque::new(),
            wire_bytes: 0,
            late: None,
            deflater,
            ping: false,
            blocked: false,
            phase: Phase::Open,
            failed: false,
            framing: PhantomData,
        };
        if let Some(frame) = F::opening() {
            out.open(&frame);
        }
        Arc::new(Self(Mutex::new(out)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Out<F>> {
        self.0.lock()
    }
}

impl<F: Framing> Outlet for WsOutlet<F> {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        self.lock().outbox.push(frame)
    }

    fn flush(&self) {
        let mut out = self.lock();
        if out.blocked || out.failed {
            return;
        }
        let wake = match out.direct.take() {
            Some(socket) => {
                let was_open = out.phase == Phase::Open;
                out.write(&mut |bufs| socket.try_write(bufs));
                out.direct = Some(socket);
                out.blocked || out.failed || !was_open
            }
            None => out.has_work(),
        };
        if wake {
            wake_task(out);
        }
    }

    fn prefetch(&self) {
        hint::black_box(self.0.is_locked());
    }

    fn waiting(&self) -> Waiting {
        let out = self.lock();
        let mut waiting = out.outbox.waiting();
        waiting.frames += out.wire.len();
        waiting.bytes += out.wire_bytes;
        waiting
    }

    fn ping(&self) {
        self.lock().ping = true;
    }

    fn close(&self, reason: &CloseReason) {
        let mut out = self.lock();
        out.outbox.close();
        if matches!(reason, CloseReason::SlowConsumer) {
            // Its queue is full of what it will not read in time; the code tells it why.
            out.outbox.clear();
        }
        if out.phase == Phase::Open {
            out.phase = Phase::Closing(reason.code(), reason.text().into());
        }
        wake_task(out);
    }

    fn abort(&self) {
        let mut out = self.lock();
        out.outbox.clear();
        out.phase = Phase::Aborted;
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

/// What a write came to: the socket's answer to one call.
pub(crate) type Write<'a> = dyn FnMut(&[IoSlice<'_>]) -> io::Result<usize> + 'a;

impl<F: Framing> Out<F> {
    /// Keeps the waker of the connection's task. Whoever changes something later wakes it; what was
    /// changed before, the task sees under the lock it holds now.
    pub(crate) fn register(&mut self, waker: &Waker) {
        if !self.task.as_ref().is_some_and(|task| task.will_wake(waker)) {
            self.task = Some(waker.clone());
        }
    }

    /// Puts the framing's opening before everything.
    fn open(&mut self, frame: &Frame) {
        let mut bytes = Vec::new();
        put_short(&mut bytes, frame);
        self.keep(bytes.into_boxed_slice().into());
    }

    /// Writes until nothing waits or the socket takes no more.
    pub(crate) fn write(&mut self, socket: &mut Write<'_>) {
        self.blocked = false;
        with_write_buffer(|scratch| {
            while !self.blocked && !self.failed && self.phase != Phase::Aborted {
                if !self.write_wire(socket) || !self.write_batch(scratch, socket) {
                    break;
                }
            }
        });
    }

    /// Writes what is framed already. Whether all of it went.
    fn write_wire(&mut self, socket: &mut Write<'_>) -> bool {
        while !self.wire.is_empty() {
            let mut slices = [IoSlice::new(&[]); 16];
            let mut count = 0;
            for (slice, bytes) in slices.iter_mut().zip(&self.wire) {
                *slice = IoSlice::new(bytes);
                count += 1;
            }
            let result = call(socket, &slices[..count]);
            let Some(written) = self.settle(result) else {
                return false;
            };
            self.advance(written);
        }
        true
    }

    fn advance(&mut self, mut written: usize) {
        self.wire_bytes -= written;
        while written > 0 {
            let Some(first) = self.wire.front_mut() else {
                return;
            };
            if written >= first.len() {
                written -= first.len();
                self.wire.pop_front();
            } else {
                first.advance(written);
                return;
            }
        }
        if self.wire.is_empty() {
            self.wire = VecDeque::new();
        }
    }

    /// Frames and writes one batch of what waits. Whether there may be more.
    fn write_batch(&mut self, scratch: &mut Vec<u8>, socket: &mut Write<'_>) -> bool {
        scratch.clear();
        if let Some(late) = self.late.take() {
            scratch.extend_from_slice(&late);
        }
        if std::mem::take(&mut self.ping) && self.phase == Phase::Open {
            put_header(scratch, OP_PING, 0);
            if let Some(frame) = F::heartbeat() {
                put_short(scratch, &frame);
            }
        }
        // A large payload ends the batch: it is written from where it is.
        let mut large = None;
        while scratch.len() < BATCH && large.is_none() {
            let Some(frame) = F::message(&mut self.outbox) else {
                break;
            };
            large = self.put_frame(scratch, frame);
        }
        if large.is_none() && self.outbox.is_empty() {
            self.put_close(scratch);
        }
        if scratch.is_empty() {
            return false;
        }
        let payload = large.unwrap_or_default();
        let total = scratch.len() + payload.len();
        let slices = [IoSlice::new(scratch), IoSlice::new(&payload)];
        let slices = &slices[..1 + usize::from(!payload.is_empty())];
        let written = self.settle(call(socket, slices)).unwrap_or(0);
        if written == total {
            return true;
        }
        if written < scratch.len() {
            self.keep(Bytes::copy_from_slice(&scratch[written..]));
        }
        let taken = written.saturating_sub(scratch.len());
        if taken < payload.len() {
            self.keep(payload.slice(taken..));
        }
        !self.blocked
    }

    fn keep(&mut self, bytes: Bytes) {
        self.wire_bytes += bytes.len();
        self.wire.push_back(bytes);
    }

    /// Frames one payload into the batch; one too large to copy comes back.
    fn put_frame(&mut self, scratch: &mut Vec<u8>, frame: Frame) -> Option<Bytes> {
        let opcode = opcode(frame.kind());
        let smaller = self.deflater.as_mut().and_then(|d| compress(d, &frame));
        let compressed = if smaller.is_some() { RSV1 } else { 0 };
        let payload = smaller.unwrap_or_else(|| frame.into_payload());
        put_header(scratch, opcode | compressed, payload.len());
        if payload.len() > COPY_MAX {
            return Some(payload);
        }
        scratch.extend_from_slice(&payload);
        None
    }

    fn put_close(&mut self, scratch: &mut Vec<u8>) {
        if let Phase::Closing(code, text) = &self.phase {
            if let Some(frame) = F::goodbye(*code, text) {
                put_short(scratch, &frame);
            }
            // A control frame's payload is at most 125 bytes, two of them the code.
            let mut len = text.len().min(123);
            while !text.is_char_boundary(len) {
                len -= 1;
            }
            put_header(scratch, OP_CLOSE, len + 2);
            scratch.extend_from_slice(&code.to_be_bytes());
            scratch.extend_from_slice(&text.as_bytes()[..len]);
            self.phase = Phase::Closed;
        }
    }

    /// Notes what became of a write; how much was written, if it went well.
    fn settle(&mut self, result: io::Result<usize>) -> Option<usize> {
        match result {
            Ok(0) => self.failed = true,
            Ok(written) => return Some(written),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.blocked = true,
            Err(error) => {
                tracing::debug!(%error, "write failed");
                self.failed = true;
            }
        }
        None
    }

    /// Takes whole control frames: pongs, and what tungstenite answers to a close. Where the peer
    /// pings without reading only the latest is kept (RFC 6455 section 5.5.3).
    pub(crate) fn put_control(&mut self, bytes: &[u8]) {
        match self.phase {
            // After our own close frame nothing may follow.
            Phase::Closed | Phase::Aborted => {}
            _ if self.wire_bytes > CONTROL_MAX && self.blocked => self.late = Some(bytes.into()),
            _ => self.keep(Bytes::copy_from_slice(bytes)),
        }
    }

    /// The peer has said goodbye: nothing more is for it but the answer.
    pub(crate) fn peer_closed(&mut self) {
        self.outbox.clear();
        self.ping = false;
        self.late = None;
    }

    /// tungstenite has answered the peer's goodbye: that was our close frame.
    pub(crate) fn answered(&mut self) {
        if self.phase != Phase::Aborted {
            self.phase = Phase::Closed;
        }
    }

    pub(crate) fn has_work(&self) -> bool {
        !self.wire.is_empty()
            || !self.outbox.is_empty()
            || self.late.is_some()
            || self.ping
            || matches!(self.phase, Phase::Closing(..))
    }

    /// Whether everything that will ever be sent has been taken by the socket.
    pub(crate) fn is_drained(&self) -> bool {
        self.phase == Phase::Closed && self.wire.is_empty() && self.late.is_none()
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// The socket cannot be written to.
    pub(crate) fn fail(&mut self) {
        self.failed = true;
    }

    /// The session is over: lets go of the socket and of all that waits.
    pub(crate) fn release(&mut self) {
        self.phase = Phase::Aborted;
        self.task = None;
        self.direct = None;
        self.outbox.clear();
        self.wire = VecDeque::new();
        self.wire_bytes = 0;
        self.late = None;
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    pub(crate) fn phase(&self) -> &Phase {
        &self.phase
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

fn call(socket: &mut Write<'_>, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    loop {
        match socket(slices) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
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
