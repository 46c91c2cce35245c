//! The slot of a session's inlet: one sender uses it at a time, and its end is reported once.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll},
};

use parking_lot::Mutex;
use stellarfw_transport::{CloseReason, Inlet};
use tokio::sync::{Notify, Semaphore, SemaphorePermit, futures::Notified};

/// Maximum number of concurrent send requests of one session. Standard clients send one at a time.
const MAX_WAITERS: usize = 16;

/// See the [module](self).
///
/// A sender moves the inlet out and back, so no lock is held while it delivers messages.
pub(crate) struct InletSlot {
    inlet: Mutex<SlotState>,
    /// Admits one sender at a time, in order of arrival.
    turn: Semaphore,
    senders: AtomicUsize,
    ended: Notify,
}

enum SlotState {
    /// The session is not open yet.
    Empty,
    /// The inlet is in the slot.
    Available(Inlet),
    /// A sender holds the inlet.
    Acquired,
    /// The session has ended; a sender that returns the inlet closes it.
    Ended,
}

/// The reason that a sender cannot acquire the inlet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AcquireError {
    /// The session is not open.
    Closed,
    /// [`MAX_WAITERS`] requests are waiting already.
    TooManyWaiting,
}

impl Default for InletSlot {
    fn default() -> Self {
        Self {
            inlet: Mutex::new(SlotState::Empty),
            turn: Semaphore::new(1),
            senders: AtomicUsize::new(0),
            ended: Notify::new(),
        }
    }
}

impl InletSlot {
    /// Stores the inlet of a session that has just opened.
    pub(crate) fn fill(&self, inlet: Inlet) {
        self.put(inlet, |state| matches!(state, SlotState::Empty));
    }

    /// Records activity of the receiver. A sender that holds the inlet records its own.
    pub(crate) fn alive(&self) {
        if let SlotState::Available(inlet) = &*self.inlet.lock() {
            inlet.alive();
        }
    }

    /// Acquires the inlet after the senders that came before. Cancel safe.
    ///
    /// # Errors
    /// Returns an error if the session is not open or too many senders wait.
    pub(crate) async fn acquire(&self) -> Result<InletGuard<'_>, AcquireError> {
        let waiter = Waiter::enter(&self.senders)?;
        let turn = self
            .turn
            .acquire()
            .await
            .map_err(|_| AcquireError::Closed)?;
        let mut inlet = self.inlet.lock();
        match std::mem::replace(&mut *inlet, SlotState::Acquired) {
            SlotState::Available(inlet) => Ok(InletGuard {
                slot: self,
                inlet: Some(inlet),
                _turn: turn,
                _waiter: waiter,
            }),
            other => {
                *inlet = other;
                Err(AcquireError::Closed)
            }
        }
    }

    /// Reports the end of the session, at the latest when the current sender returns the inlet.
    pub(crate) fn end(&self) {
        let state = std::mem::replace(&mut *self.inlet.lock(), SlotState::Ended);
        self.turn.close();
        self.ended.notify_waiters();
        if let SlotState::Available(inlet) = state {
            inlet.close(CloseReason::Gone);
        }
    }

    /// Stores the inlet if the slot is in an expected state, and closes it otherwise.
    fn put(&self, inlet: Inlet, is_expected: impl FnOnce(&SlotState) -> bool) {
        let mut state = self.inlet.lock();
        if is_expected(&state) {
            *state = SlotState::Available(inlet);
        } else {
            drop(state);
            inlet.close(CloseReason::Gone);
        }
    }
}

/// A counted sender, from its arrival until it returns the inlet.
struct Waiter<'a>(&'a AtomicUsize);

impl<'a> Waiter<'a> {
    fn enter(count: &'a AtomicUsize) -> Result<Self, AcquireError> {
        let waiter = Self(count);
        if count.fetch_add(1, Ordering::Relaxed) < MAX_WAITERS {
            Ok(waiter)
        } else {
            Err(AcquireError::TooManyWaiting)
        }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Exclusive access to the inlet. Dropping the guard returns the inlet.
pub(crate) struct InletGuard<'a> {
    slot: &'a InletSlot,
    inlet: Option<Inlet>,
    _turn: SemaphorePermit<'a>,
    _waiter: Waiter<'a>,
}

impl InletGuard<'_> {
    /// Returns the inlet. `None` only while the guard drops.
    pub(crate) fn inlet(&mut self) -> Option<&mut Inlet> {
        self.inlet.as_mut()
    }

    /// Polls until the handler accepts more messages.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.inlet
            .as_ref()
            .map_or(Poll::Ready(()), |inlet| inlet.poll_ready(cx))
    }

    /// Completes when the session ends.
    ///
    /// Enable the future before a call to [`InletGuard::has_ended`], or the end can be missed.
    pub(crate) fn ended(&self) -> Notified<'_> {
        self.slot.ended.notified()
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(*self.slot.inlet.lock(), SlotState::Ended)
    }
}

impl Drop for InletGuard<'_> {
    fn drop(&mut self) {
        if let Some(inlet) = self.inlet.take() {
            self.slot
                .put(inlet, |state| matches!(state, SlotState::Acquired));
        }
    }
}
