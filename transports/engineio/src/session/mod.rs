//! A session: what the requests, the WebSocket, and the timers of one client share.
//!
//! It owns no task. A request that waits and the task of the WebSocket are woken; whoever sends writes from its own
//! thread where the socket allows that.

mod end;
mod packets;

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

pub(crate) use self::packets::{NotTaken, Taken};
use futures_util::task::AtomicWaker;
use parking_lot::{Mutex, MutexGuard};
use stellarfw_transport::{Account, CloseReason, Frame, Lease, PushError, SessionOwner, Waiting};
use tokio::time::Instant;

use crate::{
    deadlines::Entry,
    id::SessionId,
    machine::{Machine, Transport, later},
    outgoing::Outgoing,
    packet::Version,
    protocol::Consumer,
    sessions::Sessions,
};

/// The session of one client, from its first request to its end.
///
/// What it holds of its [`Consumer`] is dropped at its end, so that the consumer may hold the session.
pub struct Session {
    this: Weak<Self>,
    sessions: Arc<Sessions>,
    id: SessionId,
    /// Whose requests are answered.
    pub(crate) owner: SessionOwner,
    state: Mutex<State>,
    consumer: Mutex<Slot>,
    /// Wakes the poll that waits.
    pub(crate) poll: AtomicWaker,
    /// Wakes the task of the WebSocket.
    pub(crate) task: AtomicWaker,
    /// Wakes a POST that waits until its answers are fetched.
    pub(crate) room: AtomicWaker,
}

/// What is under the lock of a session.
pub(crate) struct State {
    pub(crate) machine: Machine,
    pub(crate) out: Outgoing,
    /// Its entry among the deadlines.
    entry: Option<Entry>,
    /// The deadline of its consumer.
    consumer_at: Option<Instant>,
    /// What is counted of a message that is not complete, where there is no spark in whose name it is.
    lease: Option<Box<Lease>>,
    is_assembling: bool,
}

/// The place of a session's consumer.
enum Slot {
    Opening,
    Open(Arc<dyn Consumer>),
    /// The session is over, for this reason.
    Closed(CloseReason),
}

impl Session {
    /// Creates a session. It is not among the others before [`register`](Self::register).
    pub(crate) fn new(
        sessions: &Arc<Sessions>,
        version: Version,
        transport: Transport,
        owner: SessionOwner,
    ) -> Arc<Self> {
        let machine = Machine::new(version, transport, &sessions.timing, Instant::now());
        Arc::new_cyclic(|this| Self {
            this: this.clone(),
            sessions: sessions.clone(),
            id: SessionId::random(),
            owner,
            state: Mutex::new(State {
                machine,
                out: Outgoing::new(version, sessions.outbox.clone(), !sessions.close_frame_only),
                entry: None,
                consumer_at: None,
                lease: None,
                is_assembling: false,
            }),
            consumer: Mutex::new(Slot::Opening),
            poll: AtomicWaker::new(),
            task: AtomicWaker::new(),
            room: AtomicWaker::new(),
        })
    }

    /// Returns the id that its client knows.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// Returns the protocol's version that its client speaks.
    #[must_use]
    pub fn version(&self) -> Version {
        self.lock().machine.version()
    }

    /// Returns `true` until it closes.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.lock().machine.takes_messages()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub(crate) fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    /// The engine has opened it: it takes the client's messages from now on, and requests find it.
    pub(crate) fn open(self: &Arc<Self>, consumer: Arc<dyn Consumer>) {
        let mut slot = self.consumer.lock();
        if let Slot::Closed(reason) = &*slot {
            let reason = reason.clone();
            drop(slot);
            consumer.closed(reason);
            return;
        }
        *slot = Slot::Open(consumer);
        drop(slot);
        let mut state = self.lock();
        state.machine.opened();
        // Under the lock, so that an end removes it again.
        if !state.machine.is_closed() {
            self.sessions.insert(self);
        }
        self.arm(&mut state);
    }

    /// Returns its consumer, while it is open.
    pub(crate) fn consumer(&self) -> Option<Arc<dyn Consumer>> {
        match &*self.consumer.lock() {
            Slot::Open(consumer) => Some(consumer.clone()),
            Slot::Opening | Slot::Closed(_) => None,
        }
    }

    /// Queues messages for the client that stay together: all of them or none. They leave at the next
    /// [flush](Self::flush).
    ///
    /// # Errors
    /// [`PushError::Full`] if the outbox has no room for the first; [`PushError::Closed`] if the session closes.
    pub fn push(&self, frames: impl IntoIterator<Item = Frame>) -> Result<(), PushError> {
        self.lock().push(frames, false)
    }

    /// Queues an answer to what the client asked for. While many bytes of answers wait, nothing more is read from the
    /// client; a client on polling that does not fetch them in time is a slow consumer.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn reply(&self, frames: impl IntoIterator<Item = Frame>) -> Result<(), PushError> {
        self.lock().push(frames, true)
    }

    /// Sends the queued messages: in one write from this thread if the client is on a WebSocket over plain TCP, else with
    /// the client's poll or by the task of its WebSocket.
    pub fn flush(&self) {
        let mut state = self.lock();
        if state.machine.transport() != Transport::WebSocket {
            state.out.note();
            let is_due = state.out.has_packets() || state.machine.is_closing();
            drop(state);
            if is_due {
                self.poll.wake();
            }
            return;
        }
        let is_due = state.write_from_sender();
        drop(state);
        if is_due {
            self.task.wake();
        }
    }

    /// Returns the number of queued messages, and their bytes.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        self.lock().out.waiting()
    }

    /// Fetches what a push or a flush reads first into the processor's cache.
    /// See [`Outlet::prefetch`](stellarfw_transport::Outlet::prefetch).
    pub fn prefetch(&self) {
        std::hint::black_box(self.state.is_locked());
    }

    /// Counts queued messages in the account of a spark, unless the account of another open spark is in use.
    pub fn set_account(&self, account: Account) {
        self.lock().out.set_account(account);
    }

    /// Sets the deadline after which [`Consumer::deadline`] is called, in place of the one before.
    pub fn set_deadline(self: &Arc<Self>, delay: Duration) {
        let mut state = self.lock();
        state.consumer_at = Some(later(Instant::now(), delay));
        self.arm(&mut state);
    }

    /// Removes the deadline of [`set_deadline`](Self::set_deadline).
    pub fn clear_deadline(&self) {
        self.lock().consumer_at = None;
    }

    /// Sees to it that its next deadline is served. Later ones are set when an earlier one is.
    fn arm(self: &Arc<Self>, state: &mut State) {
        let own = state.consumer_at.filter(|_| !state.machine.is_closed());
        let next = state.machine.deadline().into_iter().chain(own).min();
        if let Some(at) = next {
            self.sessions.deadlines.set(self, &mut state.entry, at);
        }
    }
}

impl State {
    fn push(
        &mut self,
        frames: impl IntoIterator<Item = Frame>,
        is_reply: bool,
    ) -> Result<(), PushError> {
        match self.machine.takes_messages() {
            true => self.out.push(frames, is_reply),
            false => Err(PushError::Closed),
        }
    }

    /// Writes on the thread of a sender what the socket takes. Returns `true` if the task has something to do.
    fn write_from_sender(&mut self) -> bool {
        let is_closing = self.machine.is_closing();
        let Some(writer) = self.out.writer() else {
            return false;
        };
        if writer.needs_task() && !writer.is_blocked() {
            // What the task is about to write does not wait, so that it is not counted.
            return self.out.has_packets() || is_closing;
        }
        if writer.is_blocked() {
            self.out.note();
            return is_closing;
        }
        self.write(None);
        let is_blocked = self.out.writer().is_some_and(|writer| writer.is_blocked());
        is_blocked || is_closing
    }

    /// Writes queued messages, and the close packet if it is due.
    pub(crate) fn write(&mut self, task: Option<&mut stellarfw_websocket::SocketWrite<'_>>) {
        let due = self.machine.may_say_close();
        let reason = self.machine.reason().filter(|_| due);
        if self.out.write(task, reason) {
            self.machine.said_close();
        }
        self.out.note();
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
