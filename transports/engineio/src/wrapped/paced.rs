//! The body of a POST on its way into the library: packet by packet, as the inbox has room.

use std::{
    collections::VecDeque,
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};

use crate::wrapped::session::Session;

/// What stands between two packets of a payload (protocol 4).
const SEPARATOR: u8 = 0x1e;

/// A body that is given piece by piece; empty for requests that have none.
#[derive(Default)]
pub struct Paced {
    chunks: Chunks,
    session: Option<Arc<Session>>,
    whole: bool,
}

impl Paced {
    /// A body that is there.
    pub(crate) fn of(bytes: Bytes) -> Self {
        Self {
            chunks: Chunks::of(bytes),
            session: None,
            whole: true,
        }
    }

    /// A session's body; `whole` when its packets are not told apart here (protocol 3).
    pub(crate) fn new(chunks: Chunks, session: Arc<Session>, whole: bool) -> Self {
        Self {
            chunks,
            session: Some(session),
            whole,
        }
    }
}

/// Bytes in the order in which they came. What has been taken out is freed, however long the rest is.
#[derive(Default)]
pub(crate) struct Chunks {
    full: VecDeque<Bytes>,
    last: BytesMut,
    len: usize,
}

/// So long is a chunk.
const CHUNK: usize = 64 << 10;

impl Chunks {
    fn of(bytes: Bytes) -> Self {
        Self {
            len: bytes.len(),
            full: VecDeque::from_iter((!bytes.is_empty()).then_some(bytes)),
            last: BytesMut::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many bytes it takes in memory.
    pub(crate) fn held(&self) -> usize {
        self.full.len() * CHUNK + self.last.capacity()
    }

    pub(crate) fn push(&mut self, mut data: &[u8]) {
        self.len += data.len();
        while !data.is_empty() {
            let (here, rest) = data.split_at(data.len().min(CHUNK - self.last.len()));
            self.last.extend_from_slice(here);
            data = rest;
            if self.last.len() == CHUNK {
                self.full.push_back(std::mem::take(&mut self.last).freeze());
            }
        }
    }

    /// A copy of all of it in one piece.
    pub(crate) fn joined(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len);
        for chunk in &self.full {
            bytes.extend_from_slice(chunk);
        }
        bytes.extend_from_slice(&self.last);
        bytes
    }

    /// Takes out the first bytes: a whole chunk at most, and no further than behind a separator.
    fn take(&mut self, whole: bool) -> Option<Bytes> {
        if self.full.is_empty() && !self.last.is_empty() {
            self.full.push_back(std::mem::take(&mut self.last).freeze());
        }
        let first = self.full.front_mut()?;
        let end = match memchr::memchr(SEPARATOR, first) {
            Some(at) if !whole => at + 1,
            _ => first.len(),
        };
        let taken = first.split_to(end);
        if first.is_empty() {
            self.full.pop_front();
        }
        self.len -= taken.len();
        Some(taken)
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if this.chunks.len == 0 {
            return Poll::Ready(None);
        }
        if let Some(session) = &this.session {
            ready!(session.poll_ready(cx));
        }
        Poll::Ready(this.chunks.take(this.whole).map(Frame::data).map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.len == 0
    }
}

impl fmt::Debug for Paced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Paced({} bytes)", self.chunks.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_comes_out_in_order_and_packets_are_parted() {
        for sizes in [&[1_usize][..], &[100_000], &[65_536, 1, 65_535, 7, 200_000]] {
            for whole in [true, false] {
                let mut chunks = Chunks::default();
                let mut expected = Vec::new();
                for (n, size) in sizes.iter().enumerate() {
                    let mut part = vec![b'a' + n as u8; *size];
                    part.push(SEPARATOR);
                    chunks.push(&part);
                    expected.extend(part);
                }
                assert_eq!(chunks.len(), expected.len());
                assert!(chunks.held() >= chunks.len());
                let mut taken = Vec::new();
                while let Some(bytes) = chunks.take(whole) {
                    let separators = bytes.iter().filter(|b| **b == SEPARATOR).count();
                    assert!(whole || separators <= 1);
                    assert!(!bytes.is_empty() && bytes.len() <= CHUNK);
                    taken.extend_from_slice(&bytes);
                }
                assert!(taken == expected && chunks.len() == 0);
            }
        }
        assert_eq!(Chunks::of(Bytes::new()).take(true), None);
    }
}
