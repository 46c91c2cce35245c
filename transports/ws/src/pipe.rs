//! The way of whole frames into a socket, in as few calls of the kernel as can be: all that there is to
//! send goes into one buffer that the connections of a thread share, and in one write to the socket.
//! What the socket does not take is kept.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
};

use bytes::{Buf as _, Bytes};
use stellarfw_transport::{Account, Held, SharedFrame, Waiting, with_write_buffer};

use crate::socket::DirectWriter;

/// As much is put into one write, in bytes.
pub const BATCH: usize = 64 << 10;
/// Payloads up to this size are copied behind their header; larger ones go out from where they are.
pub const COPY_MAX: usize = 8 << 10;

/// One call of the socket, by the connection's task.
pub type Write<'a> = dyn FnMut(&[IoSlice<'_>]) -> io::Result<usize> + 'a;

/// The way into a socket.
pub struct Pipe {
    /// The socket, if it can be written to from any thread; else the task writes.
    writer: Option<DirectWriter>,
    /// Framed already and not yet taken by the socket. Goes first.
    queue: VecDeque<Part>,
    bytes: usize,
    /// The socket took no more.
    blocked: bool,
    failed: bool,
    /// The socket has taken something since this was last asked.
    progress: bool,
}

/// What is put into a batch next.
#[derive(Debug)]
pub enum Next {
    /// It has been appended, and there may be more.
    Put,
    /// It follows what has been appended, and ends the batch.
    Large(Large),
    /// Nothing now.
    Nothing,
}

/// A payload that goes out from where it is.
#[derive(Debug, Default)]
pub struct Large {
    /// The payload.
    pub bytes: Bytes,
    /// The frame for many that keeps it.
    pub many: Option<SharedFrame>,
}

/// What waits in the queue, and what it keeps in memory.
struct Part {
    bytes: Bytes,
    kept: Kept,
}

enum Kept {
    /// So many bytes: all of a payload, however much of it has been written.
    Own(usize),
    Many(SharedFrame),
}

/// What a part takes besides its bytes.
const PART: usize = 64;

impl Pipe {
    /// An empty one, to be written to by whoever sends, if there is a writer.
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

    /// What the socket has not taken.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        Waiting {
            frames: self.queue.len(),
            bytes: self.bytes,
        }
    }

    /// What it keeps in memory, and counts in the budget of an account's server.
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

    /// Whether the socket has been given all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether it takes nothing now, so that the connection's task has to see to it.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.blocked || self.failed
    }

    /// Whether it cannot be written to any more.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Whether only the connection's task can write.
    #[must_use]
    pub fn is_of_task(&self) -> bool {
        self.writer.is_none()
    }

    /// Another try may go better.
    pub fn unblock(&mut self) {
        self.blocked = false;
    }

    /// It cannot be written to any more.
    pub fn fail(&mut self) {
        self.failed = true;
    }

    /// Whether the socket has taken something since this was last asked.
    pub fn take_progress(&mut self) -> bool {
        std::mem::take(&mut self.progress)
    }

    /// Lets go of the socket, and of all that waits for it.
    pub fn release(&mut self) {
        self.writer = None;
        self.clear();
    }

    /// Drops what waits, in the middle of a frame or not.
    pub fn clear(&mut self) {
        self.queue = VecDeque::new();
        self.bytes = 0;
    }

    /// Queues whole frames.
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

    /// Writes batches until there is nothing more or the socket takes no more. `task` is how the
    /// connection's task writes, if that is who asks.
    pub fn write(
        &mut self,
        task: Option<&mut Write<'_>>,
        mut next: impl FnMut(&mut Vec<u8>) -> Next,
    ) {
        let writer = self.writer.take();
        let mut direct;
        let socket: &mut Write<'_> = match (task, &writer) {
            (Some(task), _) => task,
            (None, Some(writer)) => {
                direct = |slices: &[IoSlice<'_>]| writer.try_write(slices);
                &mut direct
            }
            (None, None) => return,
        };
        with_write_buffer(|scratch| {
            while !self.is_stuck() {
                scratch.clear();
                if self.bytes > COPY_MAX && !self.flush(socket) {
                    break;
                }
                // A little goes in one write with what comes after it.
                if !self.queue.is_empty() {
                    for part in std::mem::take(&mut self.queue) {
                        scratch.extend_from_slice(&part.bytes);
                    }
                    self.bytes = 0;
                }
                let mut is_all = false;
                let mut large = Large::default();
                while scratch.len() < BATCH && large.bytes.is_empty() {
                    match next(scratch) {
                        Next::Put => {}
                        Next::Large(next) => large = next,
                        Next::Nothing => {
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

    fn write_batch(&mut self, socket: &mut Write<'_>, head: &[u8], large: Large) {
        let Large { mut bytes, many } = large;
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

    /// Writes what was framed before. Whether all of it went.
    fn flush(&mut self, socket: &mut Write<'_>) -> bool {
        while !self.is_stuck() && !self.queue.is_empty() {
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
        !self.is_stuck()
    }

    /// One call of the socket: how much it took, if it took any.
    fn call(&mut self, socket: &mut Write<'_>, slices: &[IoSlice<'_>]) -> Option<usize> {
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
