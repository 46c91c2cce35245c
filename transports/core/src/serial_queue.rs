//! Serial queues: items that run one at a time and in order, at once where possible.
//!
//! [Entering](SerialQueue::enter) an idle queue returns the item, which the caller [runs](run). Entering
//! a busy queue leaves the item in it, within bounds. A task exists only while an item is awaited.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

use crate::{BoxFuture, Flow, turn};

/// A bounded queue whose items run one at a time; see the [module](self).
#[derive(Debug)]
pub struct SerialQueue<T> {
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
    fn is_below(&self, limits: QueueLimits) -> bool {
        self.items.len() < limits.items && self.bytes < limits.bytes
    }
}

/// The bounds of a serial queue.
#[derive(Clone, Copy, Debug)]
pub struct QueueLimits {
    /// The most items that may be queued.
    pub items: usize,
    /// The most bytes that may be queued; an item is refused once this is reached.
    pub bytes: usize,
}

/// The outcome of [`SerialQueue::enter`].
#[derive(Debug)]
pub enum Entered<T> {
    /// The queue was idle and is now busy with this item: [run] it.
    Yours(T),
    /// The queue is busy and has taken the item.
    Queued,
    /// The queue is busy and full: the item is returned.
    Full(T),
}

impl<T> Default for SerialQueue<T> {
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

impl<T> SerialQueue<T> {
    /// Adds an item of `bytes` bytes, if the queue is idle or has room for it.
    pub fn enter(&self, item: T, bytes: usize, limits: QueueLimits) -> Entered<T> {
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

    /// Adds an item that must not be lost, whatever the bounds: the last one of a connection.
    ///
    /// Returns the item if the queue was idle, as [`Entered::Yours`] does.
    pub fn enter_last(&self, item: T) -> Option<T> {
        let mut queue = self.queue.lock();
        if !self.busy.swap(true, Ordering::AcqRel) {
            return Some(item);
        }
        queue.items.push_back((0, item));
        None
    }

    /// Makes an idle queue busy, for work that is under way already.
    pub fn occupy(&self) {
        self.busy.store(true, Ordering::Release);
    }

    /// Returns `true` if no item runs. Where a single caller enters the queue, an idle queue stays
    /// idle until that caller enters it.
    pub fn is_idle(&self) -> bool {
        !self.busy.load(Ordering::Acquire)
    }

    /// Takes the next item. Without one the queue is idle again.
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

    /// Returns `true` if fewer items and bytes are queued than the limits.
    pub fn is_below(&self, limits: QueueLimits) -> bool {
        self.is_idle() || self.queue.lock().is_below(limits)
    }

    /// Ready when fewer items and bytes are queued than the limits. One waiter at a time.
    pub fn poll_below(&self, cx: &mut Context<'_>, limits: QueueLimits) -> Poll<()> {
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

/// The owner of a serial queue: it starts the items.
pub trait Worker: Clone + Send + Sync + 'static {
    /// What is queued.
    type Item: Send;

    /// Returns the queue.
    fn queue(&self) -> &SerialQueue<Self::Item>;

    /// Starts an item. Neither this nor the future that it returns may panic: the queue would stay
    /// busy for good.
    fn start(&self, item: Self::Item) -> Flow;
}

/// Runs an item of [`Entered::Yours`] and then those that are queued.
///
/// From the first item that has to be awaited on, a task does that.
///
/// # Panics
/// When an item has to be awaited outside of a tokio runtime.
pub fn run<W: Worker>(worker: &W, item: W::Item) {
    let mut next = Some(item);
    while let Some(item) = next {
        if let Flow::Wait(future) = worker.start(item) {
            tokio::spawn(drive(worker.clone(), future));
            return;
        }
        next = worker.queue().next();
    }
}

/// Makes an idle queue busy with a future, which may not panic. A task awaits it, and then runs what
/// is queued.
///
/// # Panics
/// Outside of a tokio runtime.
pub fn occupy<W: Worker>(worker: &W, future: BoxFuture<()>) {
    worker.queue().occupy();
    tokio::spawn(drive(worker.clone(), future));
}

async fn drive<W: Worker>(worker: W, mut future: BoxFuture<()>) {
    loop {
        future.await;
        loop {
            let Some(item) = worker.queue().next() else {
                return;
            };
            let flow = {
                // One write for everything that an item sends.
                let _turn = turn();
                worker.start(item)
            };
            if let Flow::Wait(next) = flow {
                future = next;
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn one_at_a_time_in_order_within_bounds() {
        let limits = QueueLimits {
            items: 3,
            bytes: 10,
        };
        let queue = SerialQueue::default();
        assert!(queue.is_idle());
        assert!(matches!(queue.enter(1, 1, limits), Entered::Yours(1)));
        assert!(matches!(queue.enter(2, 20, limits), Entered::Queued));
        assert!(
            matches!(queue.enter(3, 1, limits), Entered::Full(3)),
            "bytes"
        );
        assert_eq!(queue.enter_last(4), None);
        assert_eq!(queue.next(), Some(2));
        assert!(matches!(queue.enter(5, 0, limits), Entered::Queued));
        assert!(matches!(queue.enter(6, 0, limits), Entered::Queued));
        assert!(
            matches!(queue.enter(7, 0, limits), Entered::Full(7)),
            "items"
        );
        let mut cx = Context::from_waker(Waker::noop());
        assert!(queue.poll_below(&mut cx, limits).is_pending());
        assert_eq!(queue.next(), Some(4));
        assert!(queue.poll_below(&mut cx, limits).is_ready());
        assert_eq!(queue.next(), Some(5));
        assert_eq!(queue.next(), Some(6));
        assert_eq!(queue.next(), None);
        assert!(queue.is_idle());
        assert_eq!(queue.enter_last(8), Some(8));
    }

    #[derive(Clone, Default)]
    struct Recorder {
        queue: Arc<SerialQueue<u32>>,
        done: Arc<Mutex<Vec<u32>>>,
    }

    impl Worker for Recorder {
        type Item = u32;

        fn queue(&self) -> &SerialQueue<u32> {
            &self.queue
        }

        /// Even items have to be awaited.
        fn start(&self, item: u32) -> Flow {
            let done = self.done.clone();
            if item % 2 == 1 {
                done.lock().push(item);
                return Flow::DONE;
            }
            Flow::Wait(Box::pin(async move {
                tokio::task::yield_now().await;
                done.lock().push(item);
            }))
        }
    }

    #[tokio::test]
    async fn items_run_in_order_whether_they_are_awaited_or_not() {
        let limits = QueueLimits {
            items: 100,
            bytes: 100,
        };
        let worker = Recorder::default();
        for item in 1..=20 {
            if let Entered::Yours(item) = worker.queue.enter(item, 0, limits) {
                run(&worker, item);
            }
        }
        assert_eq!(*worker.done.lock(), [1], "the second has to be awaited");
        while !worker.queue.is_idle() {
            tokio::task::yield_now().await;
        }
        assert_eq!(*worker.done.lock(), (1..=20).collect::<Vec<_>>());
        occupy(&worker, Box::pin(tokio::task::yield_now()));
        assert!(matches!(worker.queue.enter(21, 0, limits), Entered::Queued));
        while !worker.queue.is_idle() {
            tokio::task::yield_now().await;
        }
        assert_eq!(worker.done.lock().last(), Some(&21));
    }
}
