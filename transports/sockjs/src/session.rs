//! A session over HTTP, which spans many requests.
//!
//! It has no task. Receivers poll it for frames, senders deliver messages to it, and the engine's
//! [deadline queue](crate::deadlines) calls it when its deadline expires.

use std::{
    sync::{Arc, OnceLock, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use stellarfw_transport::{Held, Inlet, Outbox, OutboxLimits, Waiting};

use crate::{deadlines::Key, frame, handshake::Owner, sessions::Sessions, slot::InletSlot};

/// Close code and reason for a receiver while the session has another.
pub(crate) const BUSY: (u16, &str) = (2010, "Another connection still open");
/// Close code and reason after a receiver was lost.
const INTERRUPTED: (u16, &str) = (1002, "Connection interrupted");

/// A deadline that fires later than `delay / LATE_FRACTION` indicates a stalled server.
const LATE_FRACTION: u32 = 4;

pub(crate) struct Session {
    name: Arc<str>,
    options: SessionOptions,
    sessions: Weak<Sessions>,
    owner: OnceLock<Owner>,
    state: Mutex<State>,
    slot: InletSlot,
}

/// Options shared by all sessions of an engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionOptions {
    /// Delay between `h` frames, or `None` for no heartbeats.
    pub(crate) heartbeat: Option<Duration>,
    /// How long a session is kept without a receiver.
    pub(crate) disconnect: Duration,
    /// How long a closing session waits for a receiver.
    pub(crate) close: Duration,
    /// Maximum number of closed sessions that are retained to return their close frame.
    pub(crate) max_closed: usize,
}

pub(crate) struct State {
    pub(crate) outbox: Outbox,
    /// Payloads that the receiver took and has not written yet.
    pub(crate) in_flight: Waiting,
    phase: Phase,
    /// `true` once the open frame was sent.
    open_sent: bool,
    has_receiver: bool,
    waker: Option<Waker>,
    /// The server pings: the response ends, so that the client sends the next request.
    ping: bool,
    heartbeat_due: bool,
    /// The disconnect delay was extended, because the server had stalled.
    extended: bool,
    deadline: Option<Key>,
}

enum Phase {
    Opening,
    Open,
    /// The queued payloads are sent, then this close frame.
    Closing(Box<str>),
    /// Every receiver gets this close frame.
    Closed {
        close_frame: Box<str>,
        /// The session counts as retained until it is removed.
        retained: bool,
    },
}

/// A frame for a receiver.
pub(crate) struct Outgoing {
    pub(crate) frame: String,
    /// `true` if the response ends after the frame.
    pub(crate) last: bool,
}

impl Session {
    pub(crate) fn new(
        name: Arc<str>,
        sessions: &Arc<Sessions>,
        options: SessionOptions,
        limits: Arc<OutboxLimits>,
    ) -> Self {
        Self {
            name,
            options,
            sessions: Arc::downgrade(sessions),
            owner: OnceLock::new(),
            state: Mutex::new(State {
                outbox: Outbox::new(limits),
                in_flight: Waiting::default(),
                phase: Phase::Opening,
                open_sent: false,
                // The request that opens the session is its first receiver.
                has_receiver: true,
                waker: None,
                ping: false,
                heartbeat_due: false,
                extended: false,
                deadline: None,
            }),
            slot: InletSlot::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn slot(&self) -> &InletSlot {
        &self.slot
    }

    /// Returns the owner once the session is open.
    pub(crate) fn owner(&self) -> Option<&Owner> {
        self.owner.get()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Marks the session as open.
    pub(crate) fn opened(self: &Arc<Self>, owner: Owner, inlet: Inlet) {
        self.owner.set(owner).ok();
        let mut state = self.lock();
        if matches!(state.phase, Phase::Opening) {
            state.phase = Phase::Open;
            self.set_heartbeat(&mut state);
        }
        drop(state);
        self.slot.fill(inlet);
    }

    fn set_deadline(self: &Arc<Self>, state: &mut State, delay: Duration) {
        if let Some(sessions) = self.sessions.upgrade() {
            sessions.deadlines().set(self, &mut state.deadline, delay);
        }
    }

    /// Sets the deadline for the next heartbeat, or removes it if heartbeats are off.
    fn set_heartbeat(self: &Arc<Self>, state: &mut State) {
        match (self.options.heartbeat, self.sessions.upgrade()) {
            (Some(heartbeat), _) => self.set_deadline(state, heartbeat),
            (None, Some(sessions)) => sessions.deadlines().remove(&mut state.deadline),
            (None, None) => {}
        }
    }

    /// Attaches a receiver.
    ///
    /// # Errors
    /// Returns the close frame to answer with if the session is closed or has a receiver.
    pub(crate) fn attach(self: &Arc<Self>) -> Result<(), String> {
        let mut state = self.lock();
        match &state.phase {
            Phase::Closed { close_frame, .. } => return Err(close_frame.to_string()),
            Phase::Closing(close_frame) if state.has_receiver => {
                return Err(close_frame.to_string());
            }
            _ if state.has_receiver => return Err(frame::close_frame(BUSY.0, BUSY.1)),
            _ => {}
        }
        state.has_receiver = true;
        state.ping = false;
        state.heartbeat_due = false;
        state.extended = false;
        if matches!(state.phase, Phase::Open) {
            self.set_heartbeat(&mut state);
        }
        drop(state);
        self.slot.alive();
        Ok(())
    }

    /// Detaches a receiver whose response is complete, and waits for the next one.
    pub(crate) fn detach(self: &Arc<Self>) {
        let mut state = self.lock();
        state.leave();
        if matches!(state.phase, Phase::Open) {
            self.set_deadline(&mut state, self.options.disconnect);
        }
    }

    /// Closes the session after a lost receiver, because the frames in flight may be lost.
    pub(crate) fn interrupted(self: &Arc<Self>) {
        let mut state = self.lock();
        state.leave();
        let close_frame = match &state.phase {
            Phase::Closed { .. } => return,
            Phase::Closing(close_frame) => close_frame.clone(),
            _ => frame::close_frame(INTERRUPTED.0, INTERRUPTED.1).into(),
        };
        self.finish(&mut state, close_frame);
        drop(state);
        self.end();
    }

    /// Charges bytes that a receiver writes to the spark's account until they are dropped.
    pub(crate) fn lease(&self, bytes: Bytes) -> Bytes {
        let account = self.lock().outbox.spark_account().cloned();
        match account {
            Some(account) => account.lease_answer(bytes),
            None => bytes,
        }
    }

    /// Polls for the next frame. A frame with messages holds about `limit` bytes.
    pub(crate) fn poll_next(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        limit: usize,
    ) -> Poll<Outgoing> {
        let mut state = self.lock();
        state.in_flight = Waiting::default();
        let outgoing = state.next_frame(limit);
        state.update_account();
        if let Some(outgoing) = outgoing {
            return Poll::Ready(outgoing);
        }
        let close_frame = match &state.phase {
            Phase::Closing(close_frame) => close_frame.clone(),
            Phase::Closed { close_frame, .. } => {
                let frame = close_frame.to_string();
                return Poll::Ready(Outgoing { frame, last: true });
            }
            _ => {
                state.waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
        };
        let frame = close_frame.to_string();
        self.finish(&mut state, close_frame);
        drop(state);
        self.end();
        Poll::Ready(Outgoing { frame, last: true })
    }

    /// Enters the phase `Closed` and retains the close frame for the disconnect delay.
    fn finish(self: &Arc<Self>, state: &mut State, close_frame: Box<str>) {
        state.outbox.clear();
        state.update_account();
        let is_retained = self
            .sessions
            .upgrade()
            .is_some_and(|sessions| sessions.retain_closed(self.options.max_closed));
        state.phase = Phase::Closed {
            close_frame,
            retained: is_retained,
        };
        let delay = if is_retained {
            self.options.disconnect
        } else {
            Duration::ZERO
        };
        self.set_deadline(state, delay);
    }

    /// Closes the session. Drops the queued payloads if `drop_waiting` is set.
    pub(crate) fn close(self: &Arc<Self>, close_frame: String, drop_waiting: bool) {
        let mut state = self.lock();
        state.outbox.close();
        if drop_waiting {
            state.outbox.clear();
            state.update_account();
        }
        if matches!(state.phase, Phase::Opening | Phase::Open) {
            state.phase = Phase::Closing(close_frame.into());
            self.set_deadline(&mut state, self.options.close);
        }
        let waker = state.waker.take();
        drop(state);
        wake(waker);
    }

    /// Aborts the session.
    ///
    /// The deadline queue reports the end, because the caller must not be reentered.
    pub(crate) fn abort(self: &Arc<Self>, close_frame: String) {
        let mut state = self.lock();
        state.outbox.clear();
        state.update_account();
        state.phase = match std::mem::replace(&mut state.phase, Phase::Opening) {
            closed @ Phase::Closed { .. } => closed,
            closing @ Phase::Closing(_) => closing,
            Phase::Opening | Phase::Open => Phase::Closing(close_frame.into()),
        };
        if matches!(state.phase, Phase::Closing(_)) {
            self.set_deadline(&mut state, Duration::ZERO);
        }
        let waker = state.waker.take();
        drop(state);
        wake(waker);
    }

    /// Wakes the receiver if there is a frame for it.
    pub(crate) fn flush(&self) {
        let mut state = self.lock();
        state.update_account();
        let waker = if state.outbox.is_empty() && !state.ping {
            None
        } else {
            state.waker.take()
        };
        drop(state);
        wake(waker);
    }

    pub(crate) fn ping(&self) {
        self.lock().ping = true;
    }

    /// Handles an expired deadline, unless it was replaced.
    pub(crate) fn on_deadline(self: &Arc<Self>, key: Key) {
        let mut state = self.lock();
        if state.deadline != Some(key) {
            return;
        }
        state.deadline = None;
        match &state.phase {
            Phase::Opening => return,
            Phase::Open if state.has_receiver => {
                state.heartbeat_due = true;
                self.set_heartbeat(&mut state);
                let waker = state.waker.take();
                drop(state);
                wake(waker);
                return;
            }
            // After a stall the next request may still be in the accept queue. Extended once, so
            // that a server under constant load still removes lost clients.
            Phase::Open if !state.extended && self.was_delayed(key) => {
                state.extended = true;
                self.set_deadline(&mut state, self.options.disconnect);
                return;
            }
            Phase::Open => {
                state.outbox.clear();
                state.update_account();
                state.phase = Phase::Closed {
                    close_frame: frame::close_frame(INTERRUPTED.0, INTERRUPTED.1).into(),
                    retained: false,
                };
                drop(state);
                self.remove(false);
            }
            Phase::Closing(close_frame) => {
                let close_frame = close_frame.clone();
                self.finish(&mut state, close_frame);
                drop(state);
            }
            Phase::Closed { retained, .. } => {
                let retained = *retained;
                drop(state);
                self.remove(retained);
                return;
            }
        }
        // The end runs hooks of the application, which must not block the deadline queue.
        let session = self.clone();
        tokio::spawn(async move { session.end() });
    }

    /// Returns `true` if the deadline fired so late that the server must have stalled.
    fn was_delayed(&self, (deadline, _): Key) -> bool {
        deadline.elapsed() > self.options.disconnect / LATE_FRACTION
    }

    fn remove(&self, retained: bool) {
        if let Some(sessions) = self.sessions.upgrade() {
            if retained {
                sessions.release_closed();
            }
            sessions.remove(&self.name);
        }
    }

    /// Reports the end of the session. Later calls have no effect.
    pub(crate) fn end(&self) {
        self.slot.end();
    }
}

impl State {
    /// Updates the spark's account with the queued bytes. A receiver leases its bytes itself.
    fn update_account(&mut self) {
        self.outbox.settle(Held::default());
    }

    fn leave(&mut self) {
        self.has_receiver = false;
        self.waker = None;
        self.in_flight = Waiting::default();
    }

    fn next_frame(&mut self, limit: usize) -> Option<Outgoing> {
        if matches!(self.phase, Phase::Closed { .. }) {
            return None;
        }
        if !self.open_sent {
            self.open_sent = true;
            return Some(Outgoing {
                frame: frame::OPEN.into(),
                last: false,
            });
        }
        if let Some((frame, taken)) = frame::batch(&mut self.outbox, limit) {
            self.in_flight = taken;
            self.heartbeat_due = false;
            let last = self.ping && self.outbox.is_empty();
            self.ping &= !last;
            return Some(Outgoing { frame, last });
        }
        if matches!(self.phase, Phase::Open) && (self.ping || self.heartbeat_due) {
            self.heartbeat_due = false;
            return Some(Outgoing {
                frame: frame::HEARTBEAT.into(),
                last: std::mem::take(&mut self.ping),
            });
        }
        None
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
