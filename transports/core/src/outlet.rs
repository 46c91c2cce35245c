//! The way out of a spark: what an engine provides, and the bounded queue it may build on.

use std::{collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    budget::{Account, Held},
    close::CloseReason,
    frame::Frame,
};

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

    /// Gives it the account of its spark, in which it notes what waits: see
    /// [`Outbox::settle`]. Called once, when the spark opens. What an engine that does nothing here
    /// holds is bounded by its outbox alone.
    fn account(&self, account: Account) {
        drop(account);
    }

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

/// The bounds of an outbox, what its engine has taken out and not yet written included. A push is
/// refused once either is reached, so one message may be larger than what is left of `bytes`: a message
/// of `maxLength` always fits an empty outbox. Behind a message that is being written half of `bytes`
/// may wait in any case, however long that is.
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
    /// Its spark's, once that is open.
    account: Option<Account>,
    /// What is noted there, while anything is.
    noted: Option<Box<Noted>>,
}

/// What an outbox has noted in its spark's account.
#[derive(Debug, Default)]
struct Noted {
    /// So many frames, those that wait longest.
    frames: usize,
    /// What they come to.
    held: Held,
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
            account: None,
            noted: None,
        }
    }

    /// Notes what waits in this account from now on; see [`Outbox::settle`].
    pub fn set_account(&mut self, account: Account) {
        self.account = Some(account);
    }

    /// The account that it notes in, once its spark is open.
    #[must_use]
    pub fn spark_account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// Queues a frame where nothing was taken out that is not yet written.
    ///
    /// # Errors
    /// As [`Outlet::push`].
    pub fn push(&mut self, frame: Frame) -> Result<(), PushError> {
        self.push_behind(frame, Waiting::default())
    }

    /// Queues a frame. `taken` is what was taken out and is not yet written.
    ///
    /// # Errors
    /// As [`Outlet::push`].
    #[inline]
    pub fn push_behind(&mut self, frame: Frame, taken: Waiting) -> Result<(), PushError> {
        if self.closed {
            return Err(PushError::Closed);
        }
        let OutboxLimits { frames, bytes } = *self.limits;
        let has_room = self.bytes + taken.bytes < bytes
            || self.bytes.saturating_add(frame.len()) <= bytes / 2 && taken.bytes > 0;
        if self.len() + taken.frames >= frames || !has_room {
            return Err(PushError::Full);
        }
        self.enqueue(frame);
        Ok(())
    }

    /// Queues a frame that belongs to the one queued last and must not be parted from it, such as an attachment. It is
    /// taken whatever waits: the sender bounds how many there are.
    ///
    /// # Errors
    /// [`PushError::Closed`] when no frames are taken any more.
    pub fn push_with_last(&mut self, frame: Frame) -> Result<(), PushError> {
        if self.closed {
            return Err(PushError::Closed);
        }
        self.enqueue(frame);
        Ok(())
    }

    #[inline]
    fn enqueue(&mut self, frame: Frame) {
        self.bytes += frame.len();
        if self.is_empty() {
            self.first = Some(frame);
        } else {
            self.others.push_back(frame);
        }
    }

    /// Takes the frame that waits longest.
    pub fn pop(&mut self) -> Option<Frame> {
        let frame = match self.first.take() {
            Some(frame) => frame,
            None => self.others.pop_front()?,
        };
        self.bytes -= frame.len();
        if self.noted.is_some() {
            self.forget(&frame);
        }
        if self.others.is_empty() && self.others.capacity() > 64 {
            // What a burst needed is given back, so that an idle spark costs no queue.
            self.others = VecDeque::new();
        }
        Some(frame)
    }

    /// A frame that may have been noted is taken out.
    #[cold]
    fn forget(&mut self, frame: &Frame) {
        if let (Some(noted), Some(account)) = (&mut self.noted, &self.account)
            && let Some(left) = noted.frames.checked_sub(1)
        {
            noted.frames = left;
            let held = account.with_budget(|budget| frame.wait(budget));
            noted.held -= held.unwrap_or_default();
        }
    }

    /// Notes what waits now in the spark's account, so that it counts in the server's
    /// [budget](crate::Budget). `taken` is what was taken out and is not yet written. To be called
    /// after each flush, and whenever something was written or dropped, under the lock that all this
    /// happens under. Costs next to nothing where nothing waits.
    #[inline]
    pub fn settle(&mut self, taken: Held) {
        if self.noted.is_some() || !self.is_empty() || !taken.is_empty() {
            self.note(taken);
        }
    }

    #[cold]
    fn note(&mut self, taken: Held) {
        let Some(account) = &self.account else {
            return;
        };
        let noted = self.noted.get_or_insert_default();
        let frames = self.first.iter().chain(&self.others);
        account.with_budget(|budget| {
            for frame in frames.skip(noted.frames) {
                noted.held += frame.wait(budget);
                noted.frames += 1;
            }
        });
        let mut held = noted.held;
        held += taken;
        account.set_outbound(held);
        if held.is_empty() {
            self.noted = None;
        }
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

    /// Takes no more frames and drops those that wait. To be followed by [`Outbox::settle`].
    pub fn clear(&mut self) {
        self.closed = true;
        self.first = None;
        self.others = VecDeque::new();
        self.bytes = 0;
        if let Some(noted) = &mut self.noted {
            **noted = Noted::default();
        }
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
    fn what_belongs_to_the_last_frame_is_taken_with_it() {
        let mut outbox = Outbox::new(Arc::new(OutboxLimits::new(1, 10)));
        outbox.push(Frame::text("a")).unwrap();
        assert_eq!(outbox.push(Frame::text("c")), Err(PushError::Full));
        outbox.push_with_last(Frame::text("b".repeat(100))).unwrap();
        let waiting = Waiting {
            frames: 2,
            bytes: 101,
        };
        assert_eq!(outbox.waiting(), waiting);
        assert_eq!(outbox.pop(), Some(Frame::text("a")));
        outbox.close();
        let refused = outbox.push_with_last(Frame::text("b"));
        assert_eq!(refused, Err(PushError::Closed));
    }

    #[test]
    fn what_was_taken_out_counts_and_leaves_half_to_what_is_behind() {
        let mut outbox = Outbox::new(Arc::new(OutboxLimits::new(10, 100)));
        let taken = |bytes| Waiting { frames: 1, bytes };
        let frame = |len| Frame::text("x".repeat(len));
        // A long message is being written.
        assert_eq!(
            outbox.push_behind(frame(51), taken(900)),
            Err(PushError::Full)
        );
        outbox.push_behind(frame(30), taken(900)).unwrap();
        assert_eq!(
            outbox.push_behind(frame(21), taken(900)),
            Err(PushError::Full)
        );
        outbox.push_behind(frame(20), taken(90)).unwrap();
        assert_eq!(
            outbox.push_behind(frame(1), taken(50)),
            Err(PushError::Full)
        );
        // As soon as there is room, any message has some.
        outbox.push_behind(frame(500), taken(49)).unwrap();
        assert_eq!(outbox.push_behind(frame(0), taken(0)), Err(PushError::Full));
        let many = Waiting {
            frames: 10,
            bytes: 0,
        };
        let mut outbox = Outbox::new(Arc::new(OutboxLimits::new(10, 100)));
        assert_eq!(outbox.push_behind(frame(1), many), Err(PushError::Full));
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
