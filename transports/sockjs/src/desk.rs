//! Where a session's inlet lies, so that senders take turns with it and its end is reported once.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll},
};

use parking_lot::Mutex;
use stellarfw_transport::{CloseReason, Inlet};
use tokio::sync::{Notify, Semaphore, SemaphorePermit, futures::Notified};

/// So many requests of one session may wait to hand in messages. Clients of the protocol have one
/// at a time.
const MOST: usize = 16;

/// See the [module](self). No lock is held while the inlet is in use: it is taken away and
/// brought back.
pub(crate) struct Desk {
    inlet: Mutex<Place>,
    /// One sender at a time, in the order they came.
    turn: Semaphore,
    senders: AtomicUsize,
    ended: Notify,
}

enum Place {
    /// The session is not open yet.
    Empty,
    There(Inlet),
    /// A sender has it.
    Taken,
    /// The session is over; whoever brings the inlet back closes it.
    Ended,
}

/// Why a sender does not get the inlet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// The session is not open.
    Closed,
    /// Too many others wait.
    Crowded,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            inlet: Mutex::new(Place::Empty),
            turn: Semaphore::new(1),
            senders: AtomicUsize::new(0),
            ended: Notify::new(),
        }
    }
}

impl Desk {
    /// The session is open.
    pub(crate) fn begin(&self, inlet: Inlet) {
        self.put(inlet, |place| matches!(place, Place::Empty));
    }

    /// The receiver gave a sign of life. While a sender has the inlet it gives them itself.
    pub(crate) fn alive(&self) {
        if let Place::There(inlet) = &*self.inlet.lock() {
            inlet.alive();
        }
    }

    /// Takes the inlet when those before have brought it back. Cancel safe.
    pub(crate) async fn take(&self) -> Result<Taken<'_>, Denied> {
        let place = Queued::enter(&self.senders)?;
        let turn = self.turn.acquire().await.map_err(|_| Denied::Closed)?;
        let mut inlet = self.inlet.lock();
        match std::mem::replace(&mut *inlet, Place::Taken) {
            Place::There(inlet) => Ok(Taken {
                desk: self,
                inlet: Some(inlet),
                _turn: turn,
                _place: place,
            }),
            other => {
                *inlet = other;
                Err(Denied::Closed)
            }
        }
    }

    /// Reports the end: now, or when the sender that has the inlet brings it back.
    pub(crate) fn end(&self) {
        let place = std::mem::replace(&mut *self.inlet.lock(), Place::Ended);
        self.turn.close();
        self.ended.notify_waiters();
        if let Place::There(inlet) = place {
            inlet.close(CloseReason::Gone);
        }
    }

    fn put(&self, inlet: Inlet, fits: impl FnOnce(&Place) -> bool) {
        let mut place = self.inlet.lock();
        if fits(&place) {
            *place = Place::There(inlet);
        } else {
            drop(place);
            inlet.close(CloseReason::Gone);
        }
    }
}

/// A place among those that wait.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn enter(count: &'a AtomicUsize) -> Result<Self, Denied> {
        let place = Self(count);
        if count.fetch_add(1, Ordering::Relaxed) < MOST {
            Ok(place)
        } else {
            Err(Denied::Crowded)
        }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The inlet in the hands of a sender, brought back when this is dropped.
pub(crate) struct Taken<'a> {
    desk: &'a Desk,
    inlet: Option<Inlet>,
    _turn: SemaphorePermit<'a>,
    _place: Queued<'a>,
}

impl Taken<'_> {
    /// The inlet; none only while it is being brought back.
    pub(crate) fn inlet(&mut self) -> Option<&mut Inlet> {
        self.inlet.as_mut()
    }

    /// Ready when the handler takes more.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.inlet
            .as_ref()
            .map_or(Poll::Ready(()), |inlet| inlet.poll_ready(cx))
    }

    /// Done when the session is over; to be made before [`Taken::is_over`] is asked.
    pub(crate) fn over(&self) -> Notified<'_> {
        self.desk.ended.notified()
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(*self.desk.inlet.lock(), Place::Ended)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(inlet) = self.inlet.take() {
            self.desk.put(inlet, |place| matches!(place, Place::Taken));
        }
    }
}
