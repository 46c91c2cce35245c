//! A lane: things done one at a time and in order, at once where possible.
//!
//! Whoever [enters](Lane::enter) an idle lane does the work himself and then asks for the
//! [next](Lane::next) until there is none. Whoever enters a busy lane leaves his item in its
//! bounded queue. No task exists while a lane is idle.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

/// See the [module's](self) description.
#[derive(Debug)]
pub struct Lane<T> {
    busy: AtomicBool,
    queue: Mutex<Queue<T>>,
}

#[derive(Debug)]
struct Queue<T> {
    items: VecDeque<(usize, T)>,
    bytes: usize,
    waker: Option<Waker>,
}

impl<T> Queue<T> {
    fn is_below(&self, limits: LaneLimits) -> bool {
        self.items.len() < limits.items && self.bytes < limits.bytes
    }
}

/// The bounds of a lane's queue.
#[derive(Clone, Copy, Debug)]
pub struct LaneLimits {
    /// How many items may wait.
    pub items: usize,
    /// How many bytes may wait; an item is refused once this is reached.
    pub bytes: usize,
}

/// What came of [`Lane::enter`].
#[derive(Debug)]
pub enum Entered<T> {
    /// The lane was idle and is now busy with this item: do it, then call [`Lane::next`].
    Yours(T),
    /// The lane is busy: the item waits in its queue.
    Queued,
    /// The lane is busy and its queue full: the item comes back.
    Full(T),
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self {
            busy: AtomicBool::new(false),
            queue: Mutex::new(Queue {
                items: VecDeque::new(),
                bytes: 0,
                waker: None,
            }),
        }
    }
}

impl<T> Lane<T> {
    /// Brings an item of `bytes` bytes, if the queue has room for it.
    pub fn enter(&self, item: T, bytes: usize, limits: LaneLimits) -> Entered<T> {
        let mut queue = self.queue.lock();
        if !self.busy.swap(true, Ordering::AcqRel) {
            return Entered::Yours(item);
        }
        if !queue.is_below(limits) {
            return Entered::Full(item);
        }
        queue.bytes += bytes;
        queue.items.push_back((bytes, item));
        Entered::Queued
    }

    /// Brings an item that must not be lost: it is queued whatever the bounds. For the last word
    /// only. Gives the item back when the lane was idle, as [`Entered::Yours`] does.
    pub fn enter_last(&self, item: T) -> Option<T> {
        let mut queue = self.queue.lock();
        if !self.busy.swap(true, Ordering::AcqRel) {
            return Some(item);
        }
        queue.items.push_back((0, item));
        None
    }

    /// Makes an idle lane busy, for work that is under way already.
    pub fn occupy(&self) {
        self.busy.store(true, Ordering::Release);
    }

    /// Whether nothing is under way. Where only one party enters the lane, an idle lane stays
    /// idle until that party enters it.
    pub fn is_idle(&self) -> bool {
        !self.busy.load(Ordering::Acquire)
    }

    /// The next item, or none: then the lane is idle again.
    pub fn next(&self) -> Option<T> {
        let mut queue = self.queue.lock();
        let next = queue.items.pop_front();
        if let Some((bytes, _)) = next {
            queue.bytes -= bytes;
        } else {
            queue.items = VecDeque::new();
            self.busy.store(false, Ordering::Release);
        }
        let waker = queue.waker.take();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
        next.map(|(_, item)| item)
    }

    /// Whether fewer than `items` items and `bytes` bytes wait.
    pub fn is_below(&self, limits: LaneLimits) -> bool {
        self.is_idle() || self.queue.lock().is_below(limits)
    }

    /// Ready when fewer than `items` items and `bytes` bytes wait. One waiter at a time.
    pub fn poll_below(&self, cx: &mut Context<'_>, limits: LaneLimits) -> Poll<()> {
        if self.is_idle() {
            return Poll::Ready(());
        }
        let mut queue = self.queue.lock();
        if queue.is_below(limits) {
            return Poll::Ready(());
        }
        queue.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_in_order_within_bounds() {
        let limits = LaneLimits {
            items: 3,
            bytes: 10,
        };
        let lane = Lane::default();
        assert!(lane.is_idle());
        assert!(matches!(lane.enter(1, 1, limits), Entered::Yours(1)));
        assert!(matches!(lane.enter(2, 20, limits), Entered::Queued));
        assert!(
            matches!(lane.enter(3, 1, limits), Entered::Full(3)),
            "bytes"
        );
        assert_eq!(lane.enter_last(4), None);
        assert_eq!(lane.next(), Some(2));
        assert!(matches!(lane.enter(5, 0, limits), Entered::Queued));
        assert!(matches!(lane.enter(6, 0, limits), Entered::Queued));
        assert!(
            matches!(lane.enter(7, 0, limits), Entered::Full(7)),
            "items"
        );
        let mut cx = Context::from_waker(Waker::noop());
        assert!(lane.poll_below(&mut cx, limits).is_pending());
        assert_eq!(lane.next(), Some(4));
        assert!(lane.poll_below(&mut cx, limits).is_ready());
        assert_eq!(lane.next(), Some(5));
        assert_eq!(lane.next(), Some(6));
        assert_eq!(lane.next(), None);
        assert!(lane.is_idle());
        assert_eq!(lane.enter_last(8), Some(8));
    }
}
