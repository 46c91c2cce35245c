//! A session: what outlives the requests that it is made of.
//!
//! It has no task. Its receivers poll it, senders bring it messages, and the one
//! [clock](crate::clock) of the engine tells it when a deadline has come.

use std::{
    sync::{Arc, OnceLock, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use stellarfw_transport::{Held, Inlet, Outbox, OutboxLimits, Waiting};

use crate::{clock::Key, desk::Desk, frame, handshake::Owner, sessions::Sessions};

/// What a receiver is told that comes while another is there.
pub(crate) const BUSY: (u16, &str) = (2010, "Another connection still open");
/// What the next receiver is told after one that broke off.
const INTERRUPTED: (u16, &str) = (1002, "Connection interrupted");

/// A deadline that is noticed later than this part of its delay says nothing about the client.
const AWAY: u32 = 4;

pub(crate) struct Session {
    name: Arc<str>,
    rules: Rules,
    sessions: Weak<Sessions>,
    owner: OnceLock<Owner>,
    state: Mutex<State>,
    desk: Desk,
}

/// What holds for all sessions of an engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// None: a receiver that waits gets no `h` frames.
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) disconnect: Duration,
    pub(crate) close: Duration,
    /// How many that are over may still tell why.
    pub(crate) most_over: usize,
}

pub(crate) struct State {
    pub(crate) outbox: Outbox,
    /// Given to a receiver, and not yet taken from it.
    pub(crate) under_way: Waiting,
    phase: Phase,
    /// Whether the first frame was given.
    greeted: bool,
    /// Whether there is a receiver.
    attached: bool,
    waker: Option<Waker>,
    /// The server wants a sign of life: the receiver ends, and the client asks again.
    ping: bool,
    /// The receiver has been silent for long.
    beat: bool,
    /// The next receiver was waited for longer, because the server was away meanwhile.
    spared: bool,
    deadline: Option<Key>,
}

enum Phase {
    Opening,
    Open,
    /// This frame is the last, after those that wait.
    Closing(Box<str>),
    /// This frame is all there is.
    Over {
        goodbye: Box<str>,
        /// Whether it is among those that still tell why, and will be forgotten.
        buried: bool,
    },
}

/// One frame for a receiver.
pub(crate) struct Step {
    pub(crate) frame: String,
    /// Whether the receiver ends with it.
    pub(crate) last: bool,
}

impl Session {
    pub(crate) fn new(
        name: Arc<str>,
        sessions: &Arc<Sessions>,
        rules: Rules,
        limits: Arc<OutboxLimits>,
    ) -> Self {
        Self {
            name,
            rules,
            sessions: Arc::downgrade(sessions),
            owner: OnceLock::new(),
            state: Mutex::new(State {
                outbox: Outbox::new(limits),
                under_way: Waiting::default(),
                phase: Phase::Opening,
                greeted: false,
                // By the request that opens it.
                attached: true,
                waker: None,
                ping: false,
                beat: false,
                spared: false,
                deadline: None,
            }),
            desk: Desk::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Whose it is, once it is open.
    pub(crate) fn owner(&self) -> Option<&Owner> {
        self.owner.get()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// It was let in.
    pub(crate) fn opened(self: &Arc<Self>, owner: Owner, inlet: Inlet) {
        self.owner.set(owner).ok();
        let mut state = self.lock();
        if matches!(state.phase, Phase::Opening) {
            state.phase = Phase::Open;
            self.set_heartbeat(&mut state);
        }
        drop(state);
        self.desk.begin(inlet);
    }

    fn set_deadline(self: &Arc<Self>, state: &mut State, delay: Duration) {
        if let Some(sessions) = self.sessions.upgrade() {
            sessions.clock().set(self, &mut state.deadline, delay);
        }
    }

    /// Sets the deadline of a session whose receiver waits.
    fn set_heartbeat(self: &Arc<Self>, state: &mut State) {
        match (self.rules.heartbeat, self.sessions.upgrade()) {
            (Some(heartbeat), _) => self.set_deadline(state, heartbeat),
            (None, Some(sessions)) => sessions.clock().remove(&mut state.deadline),
            (None, None) => {}
        }
    }

    /// A receiver has come. The frame it is sent away with, if it cannot stay.
    pub(crate) fn attach(self: &Arc<Self>) -> Result<(), String> {
        let mut state = self.lock();
        match &state.phase {
            Phase::Over { goodbye, .. } => return Err(goodbye.to_string()),
            Phase::Closing(goodbye) if state.attached => return Err(goodbye.to_string()),
            _ if state.attached => return Err(frame::goodbye(BUSY.0, BUSY.1)),
            _ => {}
        }
        state.attached = true;
        state.ping = false;
        state.beat = false;
        state.spared = false;
        if matches!(state.phase, Phase::Open) {
            self.set_heartbeat(&mut state);
        }
        drop(state);
        self.desk.alive();
        Ok(())
    }

    /// The receiver has all it will get and leaves; the next one is to come soon.
    pub(crate) fn detach(self: &Arc<Self>) {
        let mut state = self.lock();
        state.leave();
        if matches!(state.phase, Phase::Open) {
            self.set_deadline(&mut state, self.rules.disconnect);
        }
    }

    /// The receiver broke off. What it had taken may be lost, so this is the end.
    pub(crate) fn interrupted(self: &Arc<Self>) {
        let mut state = self.lock();
        state.leave();
        let goodbye = match &state.phase {
            Phase::Over { .. } => return,
            Phase::Closing(goodbye) => goodbye.clone(),
            _ => frame::goodbye(INTERRUPTED.0, INTERRUPTED.1).into(),
        };
        self.finish(&mut state, goodbye);
        drop(state);
        self.end();
    }

    /// Counts what a receiver writes in the spark's account, for as long as that takes.
    pub(crate) fn lease(&self, bytes: Bytes) -> Bytes {
        let account = self.lock().outbox.spark_account().cloned();
        match account {
            Some(account) => account.lease_answer(bytes),
            None => bytes,
        }
    }

    /// The next frame, of about `limit` bytes if it holds messages.
    pub(crate) fn poll_step(self: &Arc<Self>, cx: &mut Context<'_>, limit: usize) -> Poll<Step> {
        let mut state = self.lock();
        state.under_way = Waiting::default();
        let step = state.step(limit);
        state.note();
        if let Some(step) = step {
            return Poll::Ready(step);
        }
        let goodbye = match &state.phase {
            Phase::Closing(goodbye) => goodbye.clone(),
            Phase::Over { goodbye, .. } => {
                let frame = goodbye.to_string();
                return Poll::Ready(Step { frame, last: true });
            }
            _ => {
                state.waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
        };
        let frame = goodbye.to_string();
        self.finish(&mut state, goodbye);
        drop(state);
        self.end();
        Poll::Ready(Step { frame, last: true })
    }

    /// Nothing more is sent, but who asks is told why for a while.
    fn finish(self: &Arc<Self>, state: &mut State, goodbye: Box<str>) {
        state.outbox.clear();
        state.note();
        let room = self
            .sessions
            .upgrade()
            .is_some_and(|sessions| sessions.bury(self.rules.most_over));
        state.phase = Phase::Over {
            goodbye,
            buried: room,
        };
        let delay = if room {
            self.rules.disconnect
        } else {
            Duration::ZERO
        };
        self.set_deadline(state, delay);
    }

    /// The server closes it.
    pub(crate) fn close(self: &Arc<Self>, goodbye: String, drop_waiting: bool) {
        let mut state = self.lock();
        state.outbox.close();
        if drop_waiting {
            state.outbox.clear();
            state.note();
        }
        if matches!(state.phase, Phase::Opening | Phase::Open) {
            state.phase = Phase::Closing(goodbye.into());
            self.set_deadline(&mut state, self.rules.close);
        }
        let waker = state.waker.take();
        drop(state);
        wake(waker);
    }

    /// The server cuts it. Its end is reported by the clock, because whoever cuts must not be
    /// called back.
    pub(crate) fn abort(self: &Arc<Self>, goodbye: String) {
        let mut state = self.lock();
        state.outbox.clear();
        state.note();
        state.phase = match std::mem::replace(&mut state.phase, Phase::Opening) {
            over @ Phase::Over { .. } => over,
            closing @ Phase::Closing(_) => closing,
            Phase::Opening | Phase::Open => Phase::Closing(goodbye.into()),
        };
        if matches!(state.phase, Phase::Closing(_)) {
            self.set_deadline(&mut state, Duration::ZERO);
        }
        let waker = state.waker.take();
        drop(state);
        wake(waker);
    }

    /// Wakes the receiver if there is something for it.
    pub(crate) fn flush(&self) {
        let mut state = self.lock();
        state.note();
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

    /// A deadline has come, unless another was set meanwhile.
    pub(crate) fn due(self: &Arc<Self>, key: Key) {
        let mut state = self.lock();
        if state.deadline != Some(key) {
            return;
        }
        state.deadline = None;
        match &state.phase {
            Phase::Opening => return,
            Phase::Open if state.attached => {
                state.beat = true;
                self.set_heartbeat(&mut state);
                let waker = state.waker.take();
                drop(state);
                wake(waker);
                return;
            }
            // The next receiver may be there and not accepted yet. Once: a server that is always
            // late is not to keep those who are gone.
            Phase::Open if !state.spared && self.was_away(key) => {
                state.spared = true;
                self.set_deadline(&mut state, self.rules.disconnect);
                return;
            }
            Phase::Open => {
                state.outbox.clear();
                state.note();
                state.phase = Phase::Over {
                    goodbye: frame::goodbye(INTERRUPTED.0, INTERRUPTED.1).into(),
                    buried: false,
                };
                drop(state);
                self.forget(false);
            }
            Phase::Closing(goodbye) => {
                let goodbye = goodbye.clone();
                self.finish(&mut state, goodbye);
                drop(state);
            }
            Phase::Over { buried, .. } => {
                let buried = *buried;
                drop(state);
                self.forget(buried);
                return;
            }
        }
        // Hooks of the application run at the end, and the clock is everyone's.
        let session = self.clone();
        tokio::spawn(async move { session.end() });
    }

    /// Returns `true` if the deadline of a receiver to come was noticed so late that the server
    /// itself was not running when it should have been.
    fn was_away(&self, (deadline, _): Key) -> bool {
        deadline.elapsed() > self.rules.disconnect / AWAY
    }

    fn forget(&self, buried: bool) {
        if let Some(sessions) = self.sessions.upgrade() {
            if buried {
                sessions.exhume();
            }
            sessions.forget(&self.name);
        }
    }

    /// Reports the end. Only the first time counts.
    pub(crate) fn end(&self) {
        self.desk.end();
    }
}

impl State {
    /// Notes what waits in the spark's account. What was given to a receiver has a lease there.
    fn note(&mut self) {
        self.outbox.settle(Held::default());
    }

    fn leave(&mut self) {
        self.attached = false;
        self.waker = None;
        self.under_way = Waiting::default();
    }

    fn step(&mut self, limit: usize) -> Option<Step> {
        if matches!(self.phase, Phase::Over { .. }) {
            return None;
        }
        if !self.greeted {
            self.greeted = true;
            return Some(Step {
                frame: frame::OPEN.into(),
                last: false,
            });
        }
        if let Some((frame, taken)) = frame::batch(&mut self.outbox, limit) {
            self.under_way = taken;
            self.beat = false;
            let last = self.ping && self.outbox.is_empty();
            self.ping &= !last;
            return Some(Step { frame, last });
        }
        if matches!(self.phase, Phase::Open) && (self.ping || self.beat) {
            self.beat = false;
            return Some(Step {
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
