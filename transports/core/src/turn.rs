//! Turns: many sends, one write each.
//!
//! A *turn* is a stretch of work on one thread, such as all the messages of one read. What is
//! sent to a spark during a turn is queued, and every spark that was sent to is flushed once when
//! the turn ends. Outside of a turn every send flushes at once.
//!
//! ```
//! let turn = stellarfw_transport::turn();
//! // … send a thousand messages to a thousand sparks …
//! drop(turn); // each spark is written to once
//! ```

use std::{
    cell::RefCell,
    future::Future,
    marker::PhantomData,
    pin::pin,
    task::{Context, Poll},
};

use crate::{ahead::take_each_ahead, spark::Spark};

#[derive(Default)]
struct State {
    depth: usize,
    /// Taken out one by one as they are flushed.
    dirty: Vec<Option<Spark>>,
}

thread_local! {
    static TURN: RefCell<State> = RefCell::default();
}

/// Begins a turn on this thread; it ends when the guard is dropped. Turns nest: the outermost
/// one flushes. The guard cannot cross an `await`, because it cannot be sent between threads.
pub fn turn() -> Turn {
    TURN.with_borrow_mut(|state| state.depth += 1);
    Turn {
        not_send: PhantomData,
    }
}

/// Has the task that is polled polled again, when others have had their turn and the runtime has
/// looked for what came on its sockets. For an engine that has more to do than one turn should take:
/// a task that simply wakes itself is polled dozens of times before the runtime looks again, and who
/// has just sent something waits for all of that. Returns `Pending`, to be returned.
pub fn poll_again<T>(cx: &mut Context<'_>) -> Poll<T> {
    // The runtime keeps the waker when this is polled, and has no need of the future after that.
    match pin!(tokio::task::yield_now()).poll(cx) {
        Poll::Pending => {}
        Poll::Ready(()) => cx.waker().wake_by_ref(),
    }
    Poll::Pending
}

/// A turn under way; see [`turn`].
#[must_use]
#[derive(Debug)]
pub struct Turn {
    not_send: PhantomData<*const ()>,
}

impl Turn {
    /// How many sparks have been sent to in this turn, so far as they are not flushed: a measure of
    /// the work that it has come to, for whoever has more to do and should let others have theirs.
    #[must_use]
    pub fn sparks(&self) -> usize {
        TURN.with_borrow(|state| state.dirty.len())
    }
}

/// Notes that a spark was sent to. Gives the spark back when no turn is under way.
pub(crate) fn note(spark: &Spark) -> bool {
    TURN.with_borrow_mut(|state| {
        let under_way = state.depth > 0;
        if under_way {
            state.dirty.push(Some(spark.clone()));
        }
        under_way
    })
}

/// Whether a turn is under way on this thread.
pub(crate) fn under_way() -> bool {
    TURN.with_borrow(|state| state.depth > 0)
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut dirty = TURN.with_borrow_mut(|state| {
            state.depth -= 1;
            if state.depth == 0 {
                std::mem::take(&mut state.dirty)
            } else {
                Vec::new()
            }
        });
        if dirty.is_empty() {
            return;
        }
        take_each_ahead(&mut dirty, |spark| spark.flush_now());
        dirty.clear();
        // The vector is kept for the next turn, unless a large room made it large.
        if dirty.capacity() <= 1_024 {
            TURN.with_borrow_mut(|state| {
                if state.dirty.capacity() == 0 {
                    state.dirty = dirty;
                }
            });
        }
    }
}
