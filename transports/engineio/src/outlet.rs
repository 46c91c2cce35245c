//! The way out: a bounded queue, and of it so much in the library's hands as it can send at once.
//!
//! The library's own queue is bounded by count and tells nobody when there is room again. So the
//! frames wait here. Over a WebSocket the library is handed the next ones when the socket has
//! taken the last; over polling, when a poll is there to take them. What the library holds is
//! counted, so the bounds of the outbox hold for both together.
//!
//! Over a WebSocket on plain TCP the frames go [past the library](crate::direct), and it gets only
//! those that are made of several messages.

use std::{collections::VecDeque, sync::Arc};

use stellarfw_transport::{CloseReason, Frame, Outbox, OutboxLimits, Outlet, PushError, Waiting};

use crate::{
    direct::{Direct, Next},
    library::{Put, Sent, Sink},
    seats::Turn,
    session::Session,
};

/// So many frames may be in the library's hands.
pub(crate) const WINDOW: usize = 1_024;
/// What the library queues besides: pings, the protocol's own packets, Socket.IO's too.
pub(crate) const SPARE: usize = 16;
/// As many bytes are handed over for one write of a WebSocket, one frame over.
const WRITE: usize = 32 << 10;
/// At most as many bytes are handed over for one poll, one frame over.
const POLL: usize = 1 << 20;

/// The transport a session is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Polling,
    /// From polling to a WebSocket that is there already.
    Upgrading,
    WebSocket,
}

/// How far the closing has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    /// What waits goes out first.
    Closing,
    /// The library has been told to close.
    Told,
    /// The library has closed.
    Over,
}

/// The sending side of a session.
pub(crate) struct Out {
    pub(crate) line: Line,
    pub(crate) phase: Phase,
    /// None before the library has opened the session, and when it is over.
    pub(crate) sink: Option<Arc<dyn Sink>>,
    limits: Arc<OutboxLimits>,
    outbox: Outbox,
    /// Whose the frames in it are, where several share the session.
    turns: VecDeque<Turn>,
    /// Its WebSocket, if that can be written to from any thread.
    pub(crate) direct: Option<Direct>,
    /// Sizes of the frames in the library's hands, one for each WebSocket message; nought for
    /// messages of the library's own.
    handed: VecDeque<usize>,
    handed_bytes: usize,
    /// How many messages its WebSocket has taken, and how many answers to polls with messages.
    total: u64,
    /// As many bytes are handed over for one poll: half of what the library puts into one answer,
    /// so that all but a single large frame is in it.
    poll_budget: usize,
    /// How long the answer to a poll is at least, if nothing was left out of it.
    poll_bytes: usize,
    /// The library has kept a frame for the next poll, because it did not fit the last. An
    /// upgrade or a close would lose it.
    pub(crate) kept: bool,
    /// The library's writer of a WebSocket is at work. One that is told to close before that may
    /// close without having sent what it holds.
    pub(crate) writer: bool,
    /// Why it closes.
    pub(crate) reason: Option<CloseReason>,
    /// The library is made believe that the client has left: when all has been written, or now.
    pub(crate) hang_up: bool,
    pub(crate) hung_up: bool,
    /// To be cut at once.
    pub(crate) cut: bool,
}

impl Out {
    pub(crate) fn new(line: Line, limits: Arc<OutboxLimits>, payload: usize) -> Self {
        Self {
            poll_budget: POLL.min(payload / 2),
            line,
            phase: Phase::Open,
            sink: None,
            outbox: Outbox::new(limits.clone()),
            turns: VecDeque::new(),
            direct: None,
            limits,
            handed: VecDeque::new(),
            handed_bytes: 0,
            total: 0,
            poll_bytes: 0,
            kept: false,
            writer: false,
            reason: None,
            hang_up: false,
            hung_up: false,
            cut: false,
        }
    }

    pub(crate) fn waiting(&self) -> Waiting {
        let waiting = self.outbox.waiting();
        let wire = self.direct.as_ref().map(Direct::waiting);
        let wire = wire.unwrap_or_default();
        Waiting {
            frames: waiting.frames + wire.frames + self.handed.len(),
            bytes: waiting.bytes + wire.bytes + self.handed_bytes,
        }
    }

    fn push(&mut self, frame: Frame) -> Result<(), PushError> {
        if self.phase != Phase::Open {
            return Err(PushError::Closed);
        }
        let waiting = self.waiting();
        if waiting.frames >= self.limits.frames || waiting.bytes >= self.limits.bytes {
            return Err(PushError::Full);
        }
        self.outbox.push(frame)
    }

    /// Queues a frame of one of several that share the session.
    pub(crate) fn push_turn(&mut self, frame: Frame, turn: Turn) -> Result<(), PushError> {
        self.push(frame)?;
        self.turns.push_back(turn);
        Ok(())
    }

    /// Sends what can be sent next: past the library, or by its hands. Whether the socket has just
    /// come to take no more.
    pub(crate) fn hand_over(&mut self) -> bool {
        let bytes = match self.line {
            Line::Polling if !self.kept => self.poll_budget,
            Line::Polling | Line::Upgrading => return false,
            Line::WebSocket => WRITE,
        };
        let Some(sink) = self.sink.clone() else {
            return false;
        };
        let mut stuck = false;
        if self.line == Line::WebSocket
            && let Some(mut direct) = self.direct.take()
        {
            let before = direct.is_stuck();
            // What several share goes through the library.
            if direct.open && self.turns.is_empty() {
                direct.write(|batch| self.next(&*sink, batch));
            } else {
                direct.flush();
            }
            stuck = !before && direct.is_stuck();
            self.direct = Some(direct);
            if self.handed.is_empty() && self.turns.is_empty() {
                return stuck;
            }
        }
        while self.handed.len() < WINDOW
            && self.handed_bytes < bytes
            && let Some(frame) = self.outbox.pop()
        {
            self.hand(&*sink, &frame);
        }
        if self.handed.is_empty() && self.handed.capacity() > 64 {
            self.handed = VecDeque::new();
        }
        stuck
    }

    /// Puts the next frame into a batch, if there is one and the library holds none.
    fn next(&mut self, sink: &dyn Sink, batch: &mut Vec<u8>) -> Next {
        if !self.handed.is_empty() {
            return Next::Nothing;
        }
        let Some(frame) = self.outbox.pop() else {
            return Next::Nothing;
        };
        match sink.put(&frame, batch) {
            Put::Here => Next::Put,
            Put::Then(bytes) => Next::Large(bytes),
            Put::Not => {
                self.hand(sink, &frame);
                Next::Nothing
            }
        }
    }

    /// Hands the library a frame.
    fn hand(&mut self, sink: &dyn Sink, frame: &Frame) {
        let Sent { messages, least } = match self.turns.pop_front() {
            Some(turn) => turn.emit(frame),
            None => sink.emit(frame),
        };
        // All but the last of them are attachments of none of our bytes.
        let len = |n| if n == messages { frame.len() } else { 0 };
        self.handed.extend((1..=messages).map(len));
        if messages > 0 {
            self.handed_bytes += frame.len();
            self.poll_bytes += least;
        }
    }

    /// The library sends a message of its own, unless it has been taken already: since then so
    /// many had been.
    pub(crate) fn expect(&mut self, since: u64) {
        if self.total == since {
            self.handed.push_back(0);
        }
    }

    /// Grows with every message that has left.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The WebSocket has taken so many messages.
    pub(crate) fn written(&mut self, count: usize) {
        self.total += count as u64;
        self.release(count);
        self.hung_up |= self.hang_up && self.handed.is_empty();
    }

    fn release(&mut self, count: usize) {
        for _ in 0..count {
            self.handed_bytes -= self.handed.pop_front().unwrap_or_default();
        }
        self.poll_bytes = 0;
    }

    /// A poll was answered with all that the library held. `len`: how many bytes that are;
    /// `messages`: there are others than the protocol's own among them.
    pub(crate) fn polled(&mut self, len: usize, messages: bool) {
        if self.line != Line::Polling && !messages {
            // During an upgrade it answers at once, and keeps what it holds.
            return;
        }
        self.total += u64::from(messages);
        self.kept = len < self.poll_bytes;
        self.release(self.handed.len());
    }

    /// A poll was not answered: the library holds nothing. Whether that is news.
    pub(crate) fn settle(&mut self) -> bool {
        let news = self.kept || !self.handed.is_empty();
        self.kept = false;
        self.release(self.handed.len());
        news
    }

    /// Whether what several share waits for the library's writer, and that for nobody. It is a task of
    /// its own: unless the reading waits for it, a client that sends much is answered too late.
    pub(crate) fn is_behind(&self) -> bool {
        let taken = self
            .direct
            .as_ref()
            .is_some_and(|direct| !direct.is_stuck());
        self.line == Line::WebSocket && taken && !self.turns.is_empty() && !self.handed.is_empty()
    }

    /// Whether the library may be told to close now: it closes at once.
    pub(crate) fn may_close(&mut self) -> Option<Arc<dyn Sink>> {
        let drained = self.outbox.is_empty()
            && self.handed.is_empty()
            && self.direct.as_ref().is_none_or(Direct::is_empty);
        let ready = match self.line {
            Line::Polling => !self.kept,
            Line::Upgrading => false,
            Line::WebSocket => self.writer,
        };
        if self.phase != Phase::Closing || !drained || !ready {
            return None;
        }
        let sink = self.sink.clone()?;
        self.phase = Phase::Told;
        Some(sink)
    }

    /// Begins to close. Whether that is news.
    pub(crate) fn begin_close(&mut self, reason: &CloseReason) -> bool {
        if self.phase != Phase::Open {
            return false;
        }
        self.phase = Phase::Closing;
        self.reason = Some(reason.clone());
        if matches!(reason, CloseReason::SlowConsumer) {
            // Its queue is full of what it will not read in time.
            self.clear_waiting();
        }
        true
    }

    /// Lets go of everything.
    pub(crate) fn clear(&mut self) {
        self.clear_waiting();
        self.handed = VecDeque::new();
        self.handed_bytes = 0;
    }

    /// Lets go of what the library has not been given.
    fn clear_waiting(&mut self) {
        self.outbox.clear();
        self.turns = VecDeque::new();
    }
}

/// A spark's outlet.
pub(crate) struct SessionOutlet(pub(crate) Arc<Session>);

impl Outlet for SessionOutlet {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        self.0.lock().push(frame)
    }

    fn flush(&self) {
        self.0.advance();
    }

    fn prefetch(&self) {
        self.0.prefetch();
    }

    fn waiting(&self) -> Waiting {
        self.0.lock().waiting()
    }

    fn ping(&self) {
        // The library pings by itself, at least as often.
    }

    fn close(&self, reason: &CloseReason) {
        self.0.begin_close(reason);
    }

    fn abort(&self) {
        self.0.cut();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Taking;

    impl Sink for Taking {
        fn emit(&self, frame: &Frame) -> Sent {
            Sent {
                messages: 1,
                least: frame.len(),
            }
        }

        fn put(&self, _: &Frame, _: &mut Vec<u8>) -> Put {
            Put::Not
        }

        fn take(&self, _: stellarfw_transport::Message<'_>) -> bool {
            false
        }

        fn close(&self, _: Option<&CloseReason>) {}
    }

    fn out(line: Line) -> Out {
        let mut out = Out::new(line, Arc::new(OutboxLimits::default()), 1 << 20);
        out.sink = Some(Arc::new(Taking));
        out
    }

    /// Whether all of many large frames are handed over, one after the other is written.
    fn flows(out: &mut Out) -> bool {
        out.line = Line::WebSocket;
        (0..20).all(|_| {
            out.push(Frame::binary(vec![0; 2 * WRITE])).unwrap();
            out.hand_over();
            let gone = out.outbox.is_empty();
            out.written(1);
            gone && out.handed.is_empty() && out.handed_bytes == 0
        })
    }

    #[test]
    fn a_welcome_that_a_poll_took_is_awaited_no_more() {
        // Before it was expected.
        for line in [Line::Polling, Line::Upgrading] {
            let mut out = out(line);
            out.polled(30, true);
            out.expect(0);
            assert!(flows(&mut out), "{line:?}");
        }
        // After that, while the client was already moving to its WebSocket.
        let mut out = out(Line::Upgrading);
        out.expect(0);
        out.polled(30, true);
        assert!(flows(&mut out));
    }

    #[test]
    fn a_welcome_that_no_poll_took_is_awaited_from_the_websocket() {
        let mut out = out(Line::Polling);
        out.polled(1, false);
        out.expect(0);
        out.line = Line::Upgrading;
        out.polled(1, false);
        assert_eq!(out.handed, [0]);
        out.written(1);
        assert!(flows(&mut out));
    }
}
