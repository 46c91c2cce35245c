//! What leaves over a session's WebSocket. Over plain TCP it is framed and written on the thread of
//! whoever sends, all that waits in one write; what the library has to say joins it, in whole frames.
//! Over anything else the session's task writes.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
};

use bytes::{Buf as _, Bytes};
use stellarfw_transport::{Waiting, with_write_buffer};
use stellarfw_ws::socket::DirectWriter;

/// As much is put into one write.
const BATCH: usize = 64 << 10;
/// With more bytes than that waiting for a peer that does not read, the library is asked for nothing.
const OWN_MAX: usize = 16 << 10;
/// Payloads up to this size are copied behind their header; larger ones go out from where they are.
pub const COPY_MAX: usize = 8 << 10;

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;

/// One call of the socket, by the session's task.
pub(crate) type Write<'a> = dyn FnMut(&[IoSlice<'_>]) -> io::Result<usize> + 'a;

/// The way out of a WebSocket.
pub(crate) struct Wire {
    /// The socket, if it can be written to from any thread.
    writer: Option<DirectWriter>,
    /// Framed already and not yet taken by the socket. Goes first.
    queue: VecDeque<Bytes>,
    bytes: usize,
    /// The client has been told that the session is open, and no goodbye was said: messages may
    /// follow.
    pub(crate) open: bool,
    /// The socket took no more.
    blocked: bool,
    failed: bool,
    /// The socket has taken something since this was last asked.
    progress: bool,
}

/// What is put into a batch next.
pub(crate) enum Next {
    /// It has been appended.
    Put,
    /// It follows what has been appended, and ends the batch.
    Large(Bytes),
    /// Nothing now.
    Nothing,
}

impl Wire {
    pub(crate) fn new(writer: Option<DirectWriter>) -> Self {
        Self {
            writer,
            queue: VecDeque::new(),
            bytes: 0,
            open: false,
            blocked: false,
            failed: false,
            progress: false,
        }
    }

    pub(crate) fn waiting(&self) -> Waiting {
        Waiting {
            frames: self.queue.len(),
            bytes: self.bytes,
        }
    }

    /// Whether the socket has been given all.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether it takes nothing now, so that the session's task has to see to it.
    pub(crate) fn is_stuck(&self) -> bool {
        self.blocked || self.failed
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Whether so much waits that the library is not to be asked for more.
    pub(crate) fn is_backed_up(&self) -> bool {
        self.is_stuck() && self.bytes > OWN_MAX
    }

    /// Whether only the session's task can write.
    pub(crate) fn is_of_task(&self) -> bool {
        self.writer.is_none()
    }

    /// Another try may go better.
    pub(crate) fn unblock(&mut self) {
        self.blocked = false;
    }

    pub(crate) fn fail(&mut self) {
        self.failed = true;
    }

    /// Whether the socket has taken something since this was last asked.
    pub(crate) fn take_progress(&mut self) -> bool {
        std::mem::take(&mut self.progress)
    }

    /// Queues whole frames.
    pub(crate) fn put(&mut self, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        if !bytes.is_empty() {
            self.bytes += bytes.len();
            self.queue.push_back(bytes);
        }
    }

    /// Writes batches until there is nothing more or the socket takes no more. `task` is how the
    /// session's task writes, if that is who asks.
    pub(crate) fn write(
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
                for bytes in std::mem::take(&mut self.queue) {
                    scratch.extend_from_slice(&bytes);
                }
                self.bytes = 0;
                let mut large = None;
                while scratch.len() < BATCH && large.is_none() {
                    match next(scratch) {
                        Next::Put => {}
                        Next::Large(bytes) => large = Some(bytes),
                        Next::Nothing => break,
                    }
                }
                let large = large.unwrap_or_default();
                if scratch.is_empty() && large.is_empty() {
                    break;
                }
                self.write_batch(socket, scratch, &large);
            }
        });
        self.writer = writer;
    }

    fn write_batch(&mut self, socket: &mut Write<'_>, head: &[u8], large: &Bytes) {
        let slices = [IoSlice::new(head), IoSlice::new(large)];
        let slices = &slices[..1 + usize::from(!large.is_empty())];
        let written = self.call(socket, slices).unwrap_or(0);
        if written < head.len() {
            self.put(Bytes::copy_from_slice(&head[written..]));
        }
        self.put(large.slice(written.saturating_sub(head.len())..));
    }

    /// Writes what was framed before. Whether all of it went.
    fn flush(&mut self, socket: &mut Write<'_>) -> bool {
        while !self.is_stuck() && !self.queue.is_empty() {
            let mut queue = std::mem::take(&mut self.queue);
            let mut slices = [IoSlice::new(&[]); 16];
            let mut count = 0;
            for (slice, bytes) in slices.iter_mut().zip(&queue) {
                *slice = IoSlice::new(bytes);
                count += 1;
            }
            let mut written = self.call(socket, &slices[..count]).unwrap_or(0);
            self.bytes -= written;
            while let Some(first) = queue.front_mut() {
                if written < first.len() {
                    first.advance(written);
                    break;
                }
                written -= first.len();
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

/// Appends the header of a server's frame, which has no mask and is all of its message (RFC 6455
/// section 5.2).
pub fn put_header(out: &mut Vec<u8>, binary: bool, len: usize) {
    stellarfw_ws::put_header(out, if binary { BINARY } else { TEXT }, len);
}

/// Appends a short message.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_header(out, false, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// A goodbye with a code and a text, or without.
pub(crate) fn close(reason: Option<(u16, &str)>) -> Vec<u8> {
    let mut out = Vec::new();
    let Some((code, text)) = reason else {
        stellarfw_ws::put_header(&mut out, CLOSE, 0);
        return out;
    };
    // A control frame's payload is at most 125 bytes, two of them the code.
    let mut len = text.len().min(123);
    while !text.is_char_boundary(len) {
        len -= 1;
    }
    stellarfw_ws::put_header(&mut out, CLOSE, len + 2);
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(&text.as_bytes()[..len]);
    out
}
