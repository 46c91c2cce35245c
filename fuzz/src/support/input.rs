//! Pseudo-random numbers and splits derived from an input.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::Frame;

/// Pseudo-random numbers, seeded by an input.
pub struct Numbers(u64);

impl Numbers {
    /// Seeds the numbers with an input.
    pub fn of(input: &[u8]) -> Self {
        // FNV-1a.
        let hash = input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(hash)
    }

    /// Returns the next number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }
}

/// Splits bytes into at most a few hundred pieces.
pub fn cut<'b>(mut bytes: &'b [u8], numbers: &mut Numbers) -> Vec<&'b [u8]> {
    let longest = [1, 2, 5, 40, 1_000][numbers.below(5)].max(bytes.len() / 200);
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        let (piece, rest) = bytes.split_at(bytes.len().min(1 + numbers.below(longest)));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

/// A body that yields its pieces in separate reads.
#[derive(Debug)]
pub struct Pieces {
    rest: VecDeque<Bytes>,
    pause: bool,
}

impl Pieces {
    /// Creates a body of these pieces.
    pub fn of(pieces: &[&[u8]]) -> Self {
        Self {
            rest: pieces
                .iter()
                .map(|piece| Bytes::copy_from_slice(piece))
                .collect(),
            pause: false,
        }
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.pause = !self.pause;
        if self.pause {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.rest.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}
