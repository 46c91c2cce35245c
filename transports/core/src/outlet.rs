//! The way out of a spark: what an engine provides, and the bounded queue it may build on.

use std::{collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{close::CloseReason, frame::Frame};

/// The sending side of one spark, provided by its engine.
///
/// All of it is called from any thread and none of it may block, wait, or call back into the
/// spark or its server.
pub trait Outlet: Send + Sync + 'static {
    /// Queues a frame behind those that wait. It need not leave before [`Outlet::flush`].
    ///
    /// # Errors
    /// [`PushError::Full`] when a bound would be passed, and then the frame was not taken;
    /// [`PushError::Closed`] when nothing can be sent any more.
    fn push(&self, frame: Frame) -> Result<(), PushError>;

    /// Lets what waits go out, in as few writes as the engine can. Called once after any number
    /// of pushes: at the end of a [turn](crate::turn).
    fn flush(&self);

    /// Reads from memory, without a lock, what a push or a flush begins with. Called for a few
    /// outlets together before they are pushed to or flushed, so that the processor fetches what
    /// it needs of them all at once. Does nothing where it is not implemented.
    fn prefetch(&self) {}

    /// How many frames and bytes wait.
    fn waiting(&self) -> Waiting;

    /// Asks the peer for a sign of life in the engine's own way (a WebSocket ping); engines
    /// without one do nothing. Goes out at the next flush.
    fn ping(&self);

    /// Ends the connection when what waits has gone out, or at the engine's close deadline. The
    /// engine then reports to its [`Inlet`](crate::Inlet).
    fn close(&self, reason: &CloseReason);

    /// Ends the connection at once, whatever waits.
    fn abort(&self);
}

/// What waits in an outlet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Number of frames.
    pub frames: usize,
    /// Number of payload bytes.
    pub bytes: usize,
}

/// A frame was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The outbox holds as much as it may.
    #[error("the outbox is full")]
    Full,
    /// The spark is closed.
    #[error("the spark is closed")]
    Closed,
}

/// The bounds of an outbox. A push is refused once either is reached, so one message may be
/// larger than what is left of `bytes`: a message of `maxLength` always fits an empty outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct OutboxLimits {
    /// How many frames may wait for one spark. Default 16,384.
    pub frames: usize,
    /// How many payload bytes may wait for one spark. Default 4 MiB.
    pub bytes: usize,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self {
            frames: 16_384,
            bytes: 4 << 20,
        }
    }
}

impl OutboxLimits {
    /// Bounds of that many frames and bytes.
    #[must_use]
    pub fn new(frames: usize, bytes: usize) -> Self {
        Self { frames, bytes }
    }
}

/// A bounded queue of frames, for engines that own their socket. It does no locking: the engine
/// keeps it under the same lock as the state of its writer.
#[derive(Debug)]
pub struct Outbox {
    /// Most often one frame waits, and not for long: it needs no queue. It goes before the others.
    first: Option<Frame>,
    others: VecDeque<Frame>,
    bytes: usize,
    limits: Arc<OutboxLimits>,
    closed: bool,
}

impl Outbox {
    /// An empty outbox; it allocates nothing until the first push.
    #[must_use]
    pub fn new(limits: Arc<OutboxLimits>) -> Self {
        Self {
            first: None,
            others: VecDeque::new(),
            bytes: 0,
            limits,
            closed: false,
        }
    }

    /// Queues a frame.
    ///
    /// # Errors
    /// As [`Outlet::push`].
    pub fn push(&mut self, frame: Frame) -> Result<(), PushError> {
        if self.closed {
            return Err(PushError::Closed);
        }
        if self.len() >= self.limits.frames || self.bytes >= self.limits.bytes {
            return Err(PushError::Full);
        }
        self.bytes += frame.len();
        if self.is_empty() {
            self.first = Some(frame);
        } else {
            self.others.push_back(frame);
        }
        Ok(())
    }

    /// Takes the frame that waits longest.
    pub fn pop(&mut self) -> Option<Frame> {
        let frame = match self.first.take() {
            Some(frame) => frame,
            None => self.others.pop_front()?,
        };
        self.bytes -= frame.len();
        if self.others.is_empty() && self.others.capacity() > 64 {
            // What a burst needed is given back, so that an idle spark costs no queue.
            self.others = VecDeque::new();
        }
        Some(frame)
    }

    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    /// What waits.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        Waiting {
            frames: self.len(),
            bytes: self.bytes,
        }
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_none() && self.others.is_empty()
    }

    /// Takes no more frames from now on; what waits can still be taken out.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Takes no more frames and drops those that wait.
    pub fn clear(&mut self) {
        self.closed = true;
        self.first = None;
        self.others = VecDeque::new();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_bounds_hold_and_one_large_frame_fits_an_empty_outbox() {
        let mut outbox = Outbox::new(Arc::new(OutboxLimits::new(2, 10)));
        outbox.push(Frame::text("a")).unwrap();
        outbox.push(Frame::text("b")).unwrap();
        assert_eq!(outbox.push(Frame::text("c")), Err(PushError::Full));
        assert_eq!(
            outbox.waiting(),
            Waiting {
                frames: 2,
                bytes: 2
            }
        );
        outbox.pop();
        outbox.pop();
        outbox.push(Frame::text("x".repeat(1_000))).unwrap();
        assert_eq!(outbox.push(Frame::text("c")), Err(PushError::Full));
        outbox.pop();
        outbox.close();
        assert_eq!(outbox.push(Frame::text("c")), Err(PushError::Closed));
    }

    #[test]
    fn frames_come_out_in_the_order_in_which_they_went_in() {
        let mut outbox = Outbox::new(Arc::default());
        let mut next_out = 0;
        let mut next_in = 0;
        let mut waiting = 0;
        for (pushed, popped) in [(1, 1), (3, 2), (200, 150), (1, 52), (2, 2)] {
            for _ in 0..pushed {
                outbox.push(Frame::text(next_in.to_string())).unwrap();
                next_in += 1;
            }
            for _ in 0..popped {
                let frame = outbox.pop().unwrap();
                assert_eq!(frame.payload(), next_out.to_string().as_bytes());
                next_out += 1;
            }
            waiting = waiting + pushed - popped;
            assert_eq!(outbox.waiting().frames, waiting);
            assert_eq!(outbox.is_empty(), waiting == 0);
        }
        assert_eq!(outbox.waiting(), Waiting::default());
        assert!(outbox.pop().is_none());
        // What the burst took was given back.
        assert!(outbox.others.capacity() <= 64);
    }
}
