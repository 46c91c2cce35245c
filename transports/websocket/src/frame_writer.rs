//! Batches of frames into a socket, one system call for each batch.
//!
//! All queued frames are copied into a buffer that the connections of a thread share, and written to the
//! socket at once. Only bytes that the socket does not accept are kept.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
};

use bytes::{Buf as _, Bytes};
use stellarfw_transport::{Account, Held, SharedFrame, Waiting, with_write_buffer};

use crate::socket::DirectWriter;

/// The size in bytes at which a batch is written.
pub const WRITE_BATCH: usize = 64 << 10;
/// The largest payload in bytes that is copied into a batch; larger ones are written in place.
pub const COPY_MAX: usize = 8 << 10;

/// A write to the socket by the connection's task.
pub type SocketWrite<'a> = dyn FnMut(&[IoSlice<'_>]) -> io::Result<usize> + 'a;

/// Writes frames to a socket and keeps what it does not accept.
pub struct FrameWriter {
    /// The socket, if any thread can write to it; else only the connection's task writes.
    writer: Option<DirectWriter>,
    /// Frames that the socket has not accepted. They precede new ones.
    queue: VecDeque<Part>,
    bytes: usize,
    /// The socket accepts nothing at present.
    blocked: bool,
    failed: bool,
    /// The socket accepted bytes since [`FrameWriter::take_progress`].
    progress: bool,
}

/// The next frame of a batch.
#[derive(Debug)]
pub enum NextFrame {
    /// The frame was appended to the batch, and more may follow.
    Appended,
    /// This payload follows the bytes that were appended, and ends the batch.
    Large(LargePayload),
    /// There are no more frames.
    None,
}

/// A payload that is written in place.
#[derive(Debug, Default)]
pub struct LargePayload {
    /// The payload.
    pub bytes: Bytes,
    /// The frame that holds the payload, if it is shared by several receivers.
    pub many: Option<SharedFrame>,
}

/// Bytes in the queue, and the memory that they keep.
struct Part {
    bytes: Bytes,
    kept: Kept,
}

enum Kept {
    /// A payload of this size, however much of it was written.
    Own(usize),
    Many(SharedFrame),
}

/// The overhead of a part in bytes.
const PART: usize = 64;

impl FrameWriter {
    /// Creates an empty writer. With `writer`, senders write to the socket themselves.
    #[must_use]
    pub fn new(writer: Option<DirectWriter>) -> Self {
        Self {
            writer,
            queue: VecDeque::new(),
            bytes: 0,
            blocked: false,
            failed: false,
            progress: false,
        }
    }

    /// Returns the frames and bytes that the socket has not accepted.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        Waiting {
            frames: self.queue.len(),
            bytes: self.bytes,
        }
    }

    /// Returns the memory that it holds, counted against the account's budget.
    #[must_use]
    pub fn held(&self, account: Option<&Account>) -> Held {
        let mut held = Held::default();
        for part in &self.queue {
            held += match (&part.kept, account) {
                (Kept::Own(bytes), _) => Held::own(bytes + PART),
                (Kept::Many(many), Some(account)) => account.wait(many),
                (Kept::Many(_), None) => Held::own(PART),
            };
        }
        held
    }

    /// Returns `true` if the socket has accepted everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Returns `true` if the connection's task must wait for the socket, or close.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.blocked || self.failed
    }

    /// Returns `true` if a write has failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Returns `true` if only the connection's task can write.
    #[must_use]
    pub fn needs_task(&self) -> bool {
        self.writer.is_none()
    }

    /// Allows another attempt: the socket is writable again.
    pub fn unblock(&mut self) {
        self.blocked = false;
    }

    /// Marks the socket as failed.
    pub fn fail(&mut self) {
        self.failed = true;
    }

    /// Returns `true` if the socket accepted bytes since the last call.
    pub fn take_progress(&mut self) -> bool {
        std::mem::take(&mut self.progress)
    }

    /// Drops the socket and all queued bytes.
    pub fn release(&mut self) {
        self.writer = None;
        self.clear();
    }

    /// Drops all queued bytes, even in the middle of a frame.
    pub fn clear(&mut self) {
        self.queue = VecDeque::new();
        self.bytes = 0;
    }

    /// Queues complete frames.
    pub fn put(&mut self, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        let kept = Kept::Own(bytes.len());
        self.put_part(bytes, kept);
    }

    fn put_part(&mut self, bytes: Bytes, kept: Kept) {
        if !bytes.is_empty() {
            self.bytes += bytes.len();
            self.queue.push_back(Part { bytes, kept });
        }
    }

    /// Writes batches until `next` has no more frames or the socket accepts no more.
    ///
    /// The connection's task passes its own way to write as `task`; senders pass `None`.
    pub fn write(
        &mut self,
        task: Option<&mut SocketWrite<'_>>,
        mut next: impl FnMut(&mut Vec<u8>) -> NextFrame,
    ) {
        let writer = self.writer.take();
        let mut direct;
        let socket: &mut SocketWrite<'_> = match (task, &writer) {
            (Some(task), _) => task,
            (None, Some(writer)) => {
                direct = |slices: &[IoSlice<'_>]| writer.try_write(slices);
                &mut direct
            }
            (None, None) => return,
        };
        with_write_buffer(|scratch| {
            while !self.is_blocked() {
                scratch.clear();
                if self.bytes > COPY_MAX && !self.flush(socket) {
                    break;
                }
                // A few bytes are written together with the next batch.
                if !self.queue.is_empty() {
                    for part in std::mem::take(&mut self.queue) {
                        scratch.extend_from_slice(&part.bytes);
                    }
                    self.bytes = 0;
                }
                let mut is_all = false;
                let mut large = LargePayload::default();
                while scratch.len() < WRITE_BATCH && large.bytes.is_empty() {
                    match next(scratch) {
                        NextFrame::Appended => {}
                        NextFrame::Large(next) => large = next,
                        NextFrame::None => {
                            is_all = true;
                            break;
                        }
                    }
                }
                if !scratch.is_empty() || !large.bytes.is_empty() {
                    self.write_batch(socket, scratch, large);
                }
                if is_all && self.queue.is_empty() {
                    break;
                }
            }
        });
        self.writer = writer;
    }

    fn write_batch(&mut self, socket: &mut SocketWrite<'_>, head: &[u8], large: LargePayload) {
        let LargePayload { mut bytes, many } = large;
        let slices = [IoSlice::new(head), IoSlice::new(&bytes)];
        let slices = &slices[..1 + usize::from(!bytes.is_empty())];
        let written = self.call(socket, slices).unwrap_or(0);
        if written == head.len() + bytes.len() {
            return;
        }
        if written < head.len() {
            self.put(Bytes::copy_from_slice(&head[written..]));
        }
        let kept = match many {
            Some(many) => Kept::Many(many),
            None => Kept::Own(bytes.len()),
        };
        bytes.advance(written.saturating_sub(head.len()));
        self.put_part(bytes, kept);
    }

    /// Writes the queued bytes. Returns `true` if the socket accepted all of them.
    fn flush(&mut self, socket: &mut SocketWrite<'_>) -> bool {
        while !self.is_blocked() && !self.queue.is_empty() {
            let mut queue = std::mem::take(&mut self.queue);
            let mut slices = [IoSlice::new(&[]); 16];
            let mut count = 0;
            for (slice, part) in slices.iter_mut().zip(&queue) {
                *slice = IoSlice::new(&part.bytes);
                count += 1;
            }
            let mut written = self.call(socket, &slices[..count]).unwrap_or(0);
            self.bytes -= written;
            while let Some(first) = queue.front_mut() {
                if written < first.bytes.len() {
                    first.bytes.advance(written);
                    break;
                }
                written -= first.bytes.len();
                queue.pop_front();
            }
            if !queue.is_empty() {
                self.queue = queue;
            }
        }
        !self.is_blocked()
    }

    /// Writes once. Returns the number of bytes that the socket accepted, if any.
    fn call(&mut self, socket: &mut SocketWrite<'_>, slices: &[IoSlice<'_>]) -> Option<usize> {
        let result = loop {
            match socket(slices) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        match result {
            Ok(0) => self.failed = true,
            Ok(written) => {
                self.progress = true;
                return Some(written);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.blocked = true,
            Err(error) => {
                tracing::debug!(%error, "write failed");
                self.failed = true;
            }
        }
        None
    }
}
