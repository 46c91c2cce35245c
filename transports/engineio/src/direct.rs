//! The way past the library: over plain TCP messages are framed here and written from the thread
//! of whoever sends, all that waits in one write. What the library itself has to say joins them,
//! frame by frame, so that nothing comes between the halves of one.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf as _, Bytes};
use stellarfw_transport::{Waiting, with_write_buffer};
use tokio::net::tcp::OwnedWriteHalf;

/// As much is put into one write.
const BATCH: usize = 64 << 10;
/// As many bytes of the library's may wait for a peer that does not read.
const OWN_MAX: usize = 16 << 10;

/// A socket that can be written to from any thread.
pub(crate) struct Direct {
    socket: Arc<OwnedWriteHalf>,
    /// Framed already and not yet taken by the socket. Goes first.
    wire: VecDeque<Bytes>,
    wire_bytes: usize,
    /// The library has opened the session on it: messages may follow.
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

impl Direct {
    pub(crate) fn new(socket: Arc<OwnedWriteHalf>) -> Self {
        Self {
            socket,
            wire: VecDeque::new(),
            wire_bytes: 0,
            open: false,
            blocked: false,
            failed: false,
            progress: false,
        }
    }

    pub(crate) fn waiting(&self) -> Waiting {
        Waiting {
            frames: self.wire.len(),
            bytes: self.wire_bytes,
        }
    }

    /// Whether it has been given all.
    pub(crate) fn is_empty(&self) -> bool {
        self.wire.is_empty()
    }

    /// Whether it takes nothing now, so that the reading task has to see to it.
    pub(crate) fn is_stuck(&self) -> bool {
        self.blocked || self.failed
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Whether the socket has taken something since this was last asked.
    pub(crate) fn take_progress(&mut self) -> bool {
        std::mem::take(&mut self.progress)
    }

    /// Takes what the library writes, whole frames; not when too much waits.
    pub(crate) fn put_own(&mut self, bytes: &[u8]) -> bool {
        if self.blocked && self.wire_bytes > OWN_MAX {
            return false;
        }
        self.keep(Bytes::copy_from_slice(bytes));
        self.flush();
        true
    }

    /// Ready when a write that blocked is worth another try.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.blocked {
            match self.socket.as_ref().as_ref().poll_write_ready(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => self.failed = true,
            }
            self.blocked = false;
        }
        Poll::Ready(())
    }

    /// Writes batches until there is nothing more or the socket takes no more.
    pub(crate) fn write(&mut self, mut next: impl FnMut(&mut Vec<u8>) -> Next) {
        with_write_buffer(|scratch| {
            while self.flush() {
                scratch.clear();
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
                self.write_batch(scratch, large);
            }
        });
    }

    fn write_batch(&mut self, head: &[u8], large: Bytes) {
        let slices = [IoSlice::new(head), IoSlice::new(&large)];
        let slices = &slices[..1 + usize::from(!large.is_empty())];
        let written = self.call(slices).unwrap_or(0);
        if written < head.len() {
            self.keep(Bytes::copy_from_slice(&head[written..]));
        }
        let taken = written.saturating_sub(head.len());
        if taken < large.len() {
            self.keep(large.slice(taken..));
        }
    }

    fn keep(&mut self, bytes: Bytes) {
        self.wire_bytes += bytes.len();
        self.wire.push_back(bytes);
    }

    /// Writes what was framed before. Whether all of it went.
    pub(crate) fn flush(&mut self) -> bool {
        while !self.is_stuck() && !self.wire.is_empty() {
            let mut wire = std::mem::take(&mut self.wire);
            let mut slices = [IoSlice::new(&[]); 16];
            let mut count = 0;
            for (slice, bytes) in slices.iter_mut().zip(&wire) {
                *slice = IoSlice::new(bytes);
                count += 1;
            }
            let mut written = self.call(&slices[..count]).unwrap_or(0);
            self.wire_bytes -= written;
            while let Some(first) = wire.front_mut() {
                if written < first.len() {
                    first.advance(written);
                    break;
                }
                written -= first.len();
                wire.pop_front();
            }
            if !wire.is_empty() {
                self.wire = wire;
            }
        }
        !self.is_stuck()
    }

    /// One call of the socket: how much it took, if it took any.
    fn call(&mut self, slices: &[IoSlice<'_>]) -> Option<usize> {
        let result = loop {
            let result = match slices {
                [one] => self.socket.try_write(one),
                many => self.socket.try_write_vectored(many),
            };
            match result {
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

    /// What is left for whoever closes the socket.
    pub(crate) fn into_rest(self) -> VecDeque<Bytes> {
        self.wire
    }
}
