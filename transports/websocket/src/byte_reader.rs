//! The incoming bytes of a connection: inflated where compression was agreed, and with those kept that
//! were read but not used.

use std::{
    io,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes, BytesMut};

use stellarfw_transport::poll_again;

use crate::{deflate::Inflater, socket::Socket};

/// The most bytes that one read keeps for tungstenite.
const STEP: usize = 4 << 10;

/// The bytes that zlib-rs allocates to inflate.
const DECOMPRESSOR: usize = 47_704;

/// The incoming bytes of a socket.
pub(crate) struct ByteReader {
    pub(crate) socket: Socket,
    /// Bytes that were read and not used: an incomplete frame, or messages for a busy handler.
    kept: Bytes,
    inflate: Option<Box<Inflate>>,
}

struct Inflate {
    inflater: Inflater,
    /// Wire bytes not yet translated.
    wire: BytesMut,
}

impl ByteReader {
    /// Creates a reader of a socket from which `early` was read before.
    pub(crate) fn new(socket: Socket, early: Bytes, inflater: Option<Inflater>) -> Self {
        Self {
            socket,
            kept: early,
            inflate: inflater.map(|inflater| {
                Box::new(Inflate {
                    inflater,
                    wire: BytesMut::new(),
                })
            }),
        }
    }

    /// Returns `true` if messages may be compressed.
    pub(crate) fn inflates(&self) -> bool {
        self.inflate.is_some()
    }

    /// Returns the bytes held, with the memory of a decompressor that is in use.
    pub(crate) fn held(&self) -> usize {
        let inflate = self.inflate.as_deref();
        let inflating = inflate.map(|Inflate { inflater, wire }| {
            let state = match (inflater.is_within(), inflater.holds_memory()) {
                (false, _) => 0,
                (true, false) => 1,
                (true, true) => DECOMPRESSOR,
            };
            wire.len() + state
        });
        self.kept.len() + inflating.unwrap_or(0)
    }

    /// Drops the bytes that are held.
    pub(crate) fn clear(&mut self) {
        self.kept = Bytes::new();
        self.inflate = None;
    }

    /// Keeps bytes for the next read. Nothing may be kept already.
    pub(crate) fn keep(&mut self, bytes: &[u8]) {
        debug_assert!(self.kept.is_empty(), "kept bytes are taken first");
        if !bytes.is_empty() {
            self.kept = Bytes::copy_from_slice(bytes);
        }
    }

    /// Moves the kept bytes to the beginning of `buffer` and returns their number.
    pub(crate) fn take_kept(&mut self, buffer: &mut [u8]) -> usize {
        let len = self.kept.len().min(buffer.len());
        self.take(&mut buffer[..len]);
        len
    }

    fn take(&mut self, into: &mut [u8]) {
        self.kept.copy_to_slice(into);
        if self.kept.is_empty() {
            self.kept = Bytes::new();
        }
    }

    /// Reads uncompressed bytes, kept ones first.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let Some(inflate) = &mut self.inflate else {
            return self.poll_wire(cx, into);
        };
        let Inflate { inflater, wire } = &mut **inflate;
        if !self.kept.is_empty() {
            wire.extend_from_slice(&std::mem::take(&mut self.kept));
        }
        loop {
            if inflater.pending() || !wire.is_empty() {
                let done = inflater.translate(wire, into).map_err(io::Error::other)?;
                wire.advance(done.consumed);
                if wire.is_empty() {
                    *wire = BytesMut::new();
                }
                if done.written > 0 {
                    return Poll::Ready(Ok(done.written));
                }
            }
            let len = ready!(self.socket.poll_read(cx, into))?;
            if len == 0 {
                return Poll::Ready(Ok(0));
            }
            let plain = inflater.plain_prefix(&into[..len]);
            wire.extend_from_slice(&into[plain..len]);
            if plain > 0 {
                return Poll::Ready(Ok(plain));
            }
        }
    }

    fn poll_wire(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.kept.is_empty() {
            return self.socket.poll_read(cx, into);
        }
        let len = self.kept.len().min(into.len());
        self.take(&mut into[..len]);
        Poll::Ready(Ok(len))
    }

    /// Returns the next byte, or `None` at the end of the stream.
    pub(crate) fn poll_byte(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<u8>>> {
        if self.kept.is_empty() {
            let mut buffer = [0; STEP];
            let len = ready!(self.socket.poll_read(cx, &mut buffer))?;
            self.keep(&buffer[..len]);
        }
        if self.kept.is_empty() {
            return Poll::Ready(Ok(None));
        }
        let mut byte = [0];
        self.take(&mut byte);
        Poll::Ready(Ok(Some(byte[0])))
    }

    /// Reads and discards. Returns `Ready` when the peer has closed its side.
    pub(crate) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.kept = Bytes::new();
        let mut sink = [0_u8; STEP];
        for _ in 0..64 {
            match ready!(self.socket.poll_read(cx, &mut sink)) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
        poll_again(cx)
    }
}
