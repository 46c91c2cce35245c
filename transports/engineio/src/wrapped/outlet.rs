//! The way out: a bounded queue, and of it so much in the library's hands as it can send at once.
//!
//! The library's own queue is bounded by count and tells nobody when there is room again. So the
//! frames wait here, and the library is handed the next ones when a poll is there to take them. What
//! it holds is counted, so the bounds of the outbox hold for both together.
//!
//! Over a WebSocket the frames go [past the library](crate::wrapped::wire), and it gets only those that are made
//! of several messages; the polls there are [our own](crate::wrapped::websocket).

use std::{collections::VecDeque, sync::Arc};

use stellarfw_transport::{
    Account, CloseReason, Frame, Held, Outbox, OutboxLimits, Outlet, PushError, Waiting,
};
use stellarfw_websocket::{LargePayload, NextFrame, SocketWrite, WRITE_BATCH};

use crate::wrapped::{
    library::{Put, Sent, Sink},
    seats::Turn,
    session::Session,
    wire::Wire,
};

/// So many frames may be in the library's hands.
pub(crate) const WINDOW: usize = 1_024;
/// What the library queues besides: pings, the protocol's own packets, Socket.IO's too.
pub(crate) const SPARE: usize = 16;
/// At most as many bytes are handed over for one poll, one frame over.
const POLL: usize = 1 << 20;

/// The transport a session is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Polling,
    /// A WebSocket is asked for, and polling goes on until it is known to work.
    Upgrading,
    /// It works, and the client is about to move on to it.
    Moving,
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
    outbox: Outbox,
    /// Whose the frames in it are, where several share the session.
    turns: VecDeque<Turn>,
    /// The way out of its WebSocket.
    pub(crate) wire: Option<Wire>,
    /// How many messages are in the library's hands that are awaited from it, and how many bytes of
    /// our frames are in them.
    handed: usize,
    handed_bytes: usize,
    /// As many bytes are handed over for one poll: half of what the library puts into one answer,
    /// so that all but a single large frame is in it.
    poll_budget: usize,
    /// How long the answer to a poll is at least, if nothing was left out of it.
    poll_bytes: usize,
    /// The library has kept a frame for the next poll, because it did not fit the last. A close would
    /// lose it.
    pub(crate) kept: bool,
    /// Why it closes.
    pub(crate) reason: Option<CloseReason>,
    /// The library is to be told that the client has left.
    hang_up: bool,
    /// It has been told so, on polling.
    told: bool,
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
            outbox: Outbox::new(limits),
            turns: VecDeque::new(),
            wire: None,
            handed: 0,
            handed_bytes: 0,
            poll_bytes: 0,
            kept: false,
            reason: None,
            hang_up: false,
            told: false,
            cut: false,
        }
    }

    pub(crate) fn waiting(&self) -> Waiting {
        let (waiting, taken) = (self.outbox.waiting(), self.taken());
        Waiting {
            frames: waiting.frames + taken.frames,
            bytes: waiting.bytes + taken.bytes,
        }
    }

    /// What was taken out of the outbox and has not left.
    fn taken(&self) -> Waiting {
        let wire = self.wire.as_ref().map(|wire| wire.pipe.waiting());
        let wire = wire.unwrap_or_default();
        Waiting {
            frames: wire.frames + self.handed,
            bytes: wire.bytes + self.handed_bytes,
        }
    }

    fn push(&mut self, frame: Frame) -> Result<(), PushError> {
        if self.phase != Phase::Open {
            return Err(PushError::Closed);
        }
        let taken = self.taken();
        self.outbox.push_behind(frame, taken)
    }

    /// Gives it the account of its spark, or of one of several.
    pub(crate) fn set_account(&mut self, account: Account) {
        // What is noted in one that is open is not to be noted in another, too.
        if !self.outbox.spark_account().is_some_and(Account::is_open) {
            self.outbox.set_account(account);
            self.note();
        }
    }

    /// Notes what waits in the spark's account.
    pub(crate) fn note(&mut self) {
        let mut held = Held::own(self.handed_bytes);
        if let Some(wire) = &self.wire
            && !wire.pipe.is_empty()
        {
            held += wire.pipe.held(self.outbox.spark_account());
        }
        self.outbox.settle(held);
    }

    /// As [`Out::note`], by whoever sends: what the session's task is about to write does not wait.
    pub(crate) fn note_sent(&mut self) {
        let wire = self.wire.as_ref();
        if !wire.is_some_and(|wire| wire.pipe.needs_task() && !wire.pipe.is_blocked()) {
            self.note();
        }
    }

    /// Queues a frame of one of several that share the session.
    pub(crate) fn push_turn(&mut self, frame: Frame, turn: Turn) -> Result<(), PushError> {
        self.push(frame)?;
        self.turns.push_back(turn);
        Ok(())
    }

    /// Sends what can be sent next: past the library, or by its hands. `task` is how the session's task
    /// writes, if that is who asks. Whether the task has to see to it.
    pub(crate) fn hand_over(&mut self, task: Option<&mut SocketWrite<'_>>) -> bool {
        if self.kept || self.line == Line::Moving {
            return false;
        }
        let Some(sink) = self.sink.clone() else {
            return false;
        };
        if self.line == Line::WebSocket {
            if !self.wire.as_ref().is_some_and(|wire| wire.open) {
                return false;
            }
            let Some(mut wire) = self.wire.take() else {
                return false;
            };
            let before = wire.pipe.is_blocked();
            let alone = task.is_none() && wire.pipe.needs_task();
            wire.pipe.write(task, |batch| self.next(&*sink, batch));
            let wanted = alone || !before && wire.pipe.is_blocked() || self.handed > 0;
            self.wire = Some(wire);
            return wanted;
        }
        while self.handed < WINDOW
            && self.handed_bytes < self.poll_budget
            && let Some(frame) = self.outbox.pop()
        {
            self.hand(&*sink, &frame);
        }
        false
    }

    /// Puts the next frame into a batch, if there is one and the library holds none.
    fn next(&mut self, sink: &dyn Sink, batch: &mut Vec<u8>) -> NextFrame {
        while self.handed == 0
            && let Some(frame) = self.outbox.pop()
        {
            let put = match self.turns.front() {
                Some(turn) => turn.put(&frame, batch),
                None => sink.put(&frame, batch),
            };
            let next = match put {
                Put::Here => NextFrame::Appended,
                Put::Then(bytes) => NextFrame::Large(LargePayload {
                    bytes,
                    many: frame.many(),
                }),
                Put::Not => {
                    // It may not take it. What comes after it is not to wait for another occasion.
                    self.hand(sink, &frame);
                    continue;
                }
            };
            self.turns.pop_front();
            return next;
        }
        NextFrame::None
    }

    /// Hands the library a frame.
    fn hand(&mut self, sink: &dyn Sink, frame: &Frame) {
        let Sent { messages, least } = match self.turns.pop_front() {
            Some(turn) => turn.emit(frame),
            None => sink.emit(frame),
        };
        self.handed += messages;
        if messages > 0 {
            self.handed_bytes += frame.len();
            self.poll_bytes += least;
        }
    }

    /// The library has queued a message of its own, which goes before what comes from now on. Whoever
    /// polls has to be woken.
    pub(crate) fn expect(&mut self) {
        self.handed += 1;
    }

    fn release(&mut self) {
        self.handed = 0;
        self.handed_bytes = 0;
        self.poll_bytes = 0;
    }

    /// A poll was answered with all that the library held of ours; `len` is how many bytes that are.
    pub(crate) fn polled(&mut self, len: usize) {
        self.kept = len < self.poll_bytes;
        self.release();
        if self.line == Line::WebSocket {
            // A poll that waited is answered with the first packet that comes: there may be others,
            // until one is not answered.
            self.expect();
        }
    }

    /// A poll was not answered: the library holds nothing. Whether that is news.
    pub(crate) fn settle(&mut self) -> bool {
        let news = self.kept || self.handed > 0;
        self.kept = false;
        self.release();
        news
    }

    /// Whether there is anything that the library has to see to.
    pub(crate) fn wants_library(&self) -> bool {
        self.handed > 0 || self.kept || self.hang_up || self.phase == Phase::Closing
    }

    /// The library is to be told that the client has left, once it has nothing more to say.
    pub(crate) fn begin_hang_up(&mut self) {
        self.hang_up = true;
    }

    /// Whether the library is to be told so.
    pub(crate) fn hangs_up(&self) -> bool {
        self.hang_up
    }

    /// Whether what the library has to say is the last.
    pub(crate) fn has_last_words(&self) -> bool {
        self.hang_up && !self.told
    }

    /// The library is told so now, on polling. Whether that is news.
    pub(crate) fn tell(&mut self) -> bool {
        self.hang_up = true;
        !std::mem::replace(&mut self.told, true)
    }

    /// Whether it closes and all that was to go before has gone.
    fn is_drained(&self) -> bool {
        self.phase == Phase::Closing
            && self.outbox.is_empty()
            && self.handed == 0
            && self.wire.as_ref().is_none_or(|wire| wire.pipe.is_empty())
            && self.line != Line::Moving
            && !self.kept
    }

    /// Whether the library may be told to close now: it closes at once.
    pub(crate) fn may_close(&mut self) -> Option<Arc<dyn Sink>> {
        if !self.is_drained() {
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
        if reason.drops_waiting() {
            // Its queue is full of what it will not read in time.
            self.clear_waiting();
        }
        if *reason == CloseReason::OverBudget
            && let Some(wire) = &mut self.wire
            && wire.pipe.waiting().bytes > WRITE_BATCH
        {
            // The goodbye would have to wait for the end of a long message.
            wire.pipe.clear();
            self.cut = true;
        }
        self.note();
        true
    }

    /// Returns `true` if what the client goes on sending means nothing any more.
    pub(crate) fn drops_inbound(&self) -> bool {
        self.reason.as_ref().is_some_and(CloseReason::drops_inbound)
    }

    /// Lets go of everything.
    pub(crate) fn clear(&mut self) {
        self.clear_waiting();
        self.handed = 0;
        self.handed_bytes = 0;
        self.note();
    }

    /// Lets go of what the library has not been given.
    fn clear_waiting(&mut self) {
        self.outbox.clear();
        self.turns = VecDeque::new();
    }
}

/// That of its one spark.
impl Outlet for Session {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        self.lock().push(frame)
    }

    fn flush(&self) {
        self.advance();
    }

    fn account(&self, account: Account) {
        self.lock().set_account(account);
    }

    fn prefetch(&self) {
        self.fetch();
    }

    fn waiting(&self) -> Waiting {
        self.lock().waiting()
    }

    fn ping(&self) {
        // The library pings by itself, at least as often.
    }

    fn close(&self, reason: &CloseReason) {
        self.begin_close(reason);
    }

    fn abort(&self) {
        self.cut();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use stellarfw_transport::Message;

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

        fn take(&self, _: Message<'_>, _: &[Bytes]) -> bool {
            false
        }

        fn close(&self, _: Option<&CloseReason>) {}
    }

    fn out(line: Line) -> Out {
        let mut out = Out::new(line, Arc::new(OutboxLimits::default()), 1 << 20);
        out.sink = Some(Arc::new(Taking));
        out
    }

    /// Whether all of many large frames are handed over, one poll after the other.
    fn flows(out: &mut Out) -> bool {
        out.line = Line::Polling;
        (0..20).all(|_| {
            out.push(Frame::binary(vec![0; POLL])).unwrap();
            out.hand_over(None);
            let gone = out.outbox.is_empty();
            out.polled(2 * POLL);
            gone && out.handed == 0 && out.handed_bytes == 0
        })
    }

    #[test]
    fn what_the_library_says_by_itself_goes_first() {
        let mut out = out(Line::Polling);
        out.expect();
        assert_eq!(out.waiting().frames, 1);
        // A poll takes it, or took it before.
        for taken in [true, false] {
            match taken {
                true => out.polled(30),
                false => assert!(out.settle()),
            }
            assert_eq!(out.handed, 0);
            assert!(flows(&mut out));
            out.expect();
        }
    }

    /// A session on its WebSocket, whose library takes nothing.
    fn on_wire() -> Out {
        let mut out = out(Line::WebSocket);
        out.sink = Some(Arc::new(Refusing));
        let mut wire = Wire::new(None);
        wire.open = true;
        out.wire = Some(wire);
        out
    }

    #[test]
    fn nothing_overtakes_what_the_library_may_still_hold() {
        let mut out = on_wire();
        let mut written = Vec::new();
        let mut write = |slices: &[std::io::IoSlice<'_>]| {
            written.extend_from_slice(&slices[0]);
            Ok(slices[0].len())
        };
        out.expect();
        out.push(Frame::text("a")).unwrap();
        // Whoever sends sees to it that the task asks the library.
        assert!(out.hand_over(None) && out.wants_library());
        out.polled(30);
        out.push(Frame::text("b")).unwrap();
        out.hand_over(Some(&mut write));
        assert_eq!(out.outbox.waiting().frames, 2);
        assert!(out.settle());
        out.hand_over(Some(&mut write));
        assert!(!out.settle());
        assert_eq!(written, b"ab");
    }

    /// Leaves empty frames to the library, which does not take them.
    struct Refusing;

    impl Sink for Refusing {
        fn emit(&self, _: &Frame) -> Sent {
            Sent::default()
        }

        fn put(&self, frame: &Frame, out: &mut Vec<u8>) -> Put {
            out.extend_from_slice(frame.payload());
            match frame.is_empty() {
                true => Put::Not,
                false => Put::Here,
            }
        }

        fn take(&self, _: Message<'_>, _: &[Bytes]) -> bool {
            false
        }

        fn close(&self, _: Option<&CloseReason>) {}
    }

    #[test]
    fn what_the_library_does_not_take_holds_nothing_up() {
        let mut out = on_wire();
        for text in ["a", "", "", "b", ""] {
            out.push(Frame::text(text)).unwrap();
        }
        let mut written = Vec::new();
        out.hand_over(Some(&mut |slices| {
            written.extend_from_slice(&slices[0]);
            Ok(slices[0].len())
        }));
        assert_eq!(written, b"ab");
        assert_eq!(out.waiting(), Waiting::default());
    }
}
