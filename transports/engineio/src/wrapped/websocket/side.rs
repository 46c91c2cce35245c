//! What is between a client on its WebSocket and the library.

use std::{
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Method, Request, Uri};
use stellarfw_transport::{BoxFuture, CloseReason, Holding, Lease, Message, http::Response};
use stellarfw_websocket::{MessageReceiver, Socket};
use tokio::task::coop::{Unconstrained, unconstrained};

use super::{
    attachments::{self, Gathering},
    heard::Heard,
};
use crate::wrapped::{
    library::{Attached, Library, Sink},
    paced::Paced,
    packets, polling,
    session::{Polling, Session, protocol},
    wire::{Wire, put_text},
};

type Answer = Unconstrained<BoxFuture<Response>>;

/// What is between the client and the library.
pub(super) struct Side {
    pub(super) session: Arc<Session>,
    pub(super) library: Arc<dyn Library>,
    /// What messages are offered to, once there is one.
    pub(super) sink: Option<Arc<dyn Sink>>,
    pub(super) protocol: u8,
    /// The session's, for the library's requests.
    pub(super) uri: Uri,
    pub(super) transition: Transition,
    /// The place of the session's poll, and that poll.
    pub(super) poll: Option<(Polling, Answer)>,
    /// What the library was given and is not done with.
    pub(super) given: Option<Answer>,
    /// The longest message in bytes, with what is attached to it, and so many may be.
    pub(super) longest: usize,
    pub(super) most_attached: usize,
    /// A text whose attachments are on their way.
    pub(super) gathering: Option<Box<Gathering>>,
    /// What is held of a message that is not whole, where there is no spark in whose name it is.
    pub(super) lease: Option<Box<Lease>>,
    /// Something of a message that is not whole was held the last time.
    pub(super) is_assembling: bool,
    /// The client has said goodbye, and was answered.
    pub(super) answered: bool,
    /// There is nothing more to say: the library has closed the session, or was told that the client
    /// has left.
    pub(super) over: bool,
}

/// How far the client has moved from polling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transition {
    Begun,
    Probed,
    Done,
}

impl MessageReceiver for Side {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.given {
            // What it comes to, and what the library says to it, goes before: it may be the end.
            Some(_) => Poll::Pending,
            None => self.session.poll_ready(cx),
        }
    }

    fn alive(&mut self) {
        self.session.alive();
    }

    fn signal(&mut self) {
        self.session.signal();
    }

    #[inline]
    fn assembling(&mut self, bytes: usize, is_new: bool) {
        if bytes > 0 || self.gathering.is_some() || self.is_assembling {
            self.note_assembly(bytes, is_new);
        }
    }

    fn control(&mut self, frame: &[u8]) {
        if let Some(wire) = &mut self.session.lock().wire
            && !wire.is_backed_up()
        {
            wire.pipe.put(Bytes::copy_from_slice(frame));
        }
    }

    fn close_received(&mut self) {
        self.answered = true;
        // After the answer nothing may follow.
        if let Some(wire) = &mut self.session.lock().wire {
            wire.open = false;
        }
    }

    fn message(&mut self, message: Message<'_>) -> Result<(), CloseReason> {
        match message {
            // What comes behind the client's own close packet.
            _ if self.over => Ok(()),
            _ if self.transition != Transition::Done => self.move_on(message),
            Message::Binary(bytes) => {
                // Protocol 3 has the packet's type in front.
                let typed = usize::from(self.protocol == 3);
                self.binary(bytes.get(typed..).unwrap_or_default())
            }
            Message::Text(text) => self.packet(text),
        }
    }
}

impl Side {
    /// Notes what is held of a message that is not whole, with what belongs to it.
    #[cold]
    fn note_assembly(&mut self, bytes: usize, is_new: bool) {
        let (gathered, is_new) = match &mut self.gathering {
            // What is attached to a text is one message with it.
            Some(gathering) => (gathering.held(), gathering.take_fresh()),
            None => (0, is_new),
        };
        let bytes = bytes + gathered;
        self.is_assembling = bytes > 0;
        if let Some(spark) = self.session.first_spark() {
            self.lease = None;
            spark.assembling(bytes, is_new);
            return;
        }
        let budget = self.session.budget();
        let lease = self
            .lease
            .get_or_insert_with(|| Box::new(budget.lease_for(Holding::Inbound, 0)));
        lease.resize(bytes);
        if budget.is_over() {
            // Who is not let in yet has nothing to lose.
            self.session.fault_with(&CloseReason::OverBudget);
        }
        if bytes == 0 {
            self.lease = None;
        }
    }

    /// Drops what has come of a message that is not whole: it never will be.
    pub(super) fn forget(&mut self) {
        self.gathering = None;
        self.assembling(0, false);
    }

    /// Whether the client is on its WebSocket and the session goes on.
    pub(super) fn is_open(&self) -> bool {
        self.transition == Transition::Done && !self.over
    }

    /// Takes a step of an upgrade.
    fn move_on(&mut self, message: Message<'_>) -> Result<(), CloseReason> {
        match (self.transition, message) {
            (Transition::Begun, Message::Text("2probe")) => {
                let mut bytes = Vec::new();
                put_text(&mut bytes, "3probe");
                if let Some(wire) = &mut self.session.lock().wire {
                    wire.pipe.put(bytes);
                }
                self.transition = Transition::Probed;
                self.session.probed();
            }
            (Transition::Probed, Message::Text("5")) => {
                self.transition = Transition::Done;
                self.session.upgraded();
            }
            _ => return Err(protocol("bad upgrade")),
        }
        Ok(())
    }

    /// Takes a packet that is text, with its type in front.
    fn packet(&mut self, text: &str) -> Result<(), CloseReason> {
        match text.as_bytes().first() {
            Some(b'4') => return self.text(text),
            Some(b'2' | b'3') if !text.ends_with("probe") => {
                self.session.signal();
                self.give(Message::Text(text), &[])?;
            }
            Some(b'1') => {
                self.session.left(CloseReason::Client { code: 1005 });
                self.leave();
            }
            Some(b'b') => {
                let bytes = packets::from_base64(text, self.protocol);
                return self.binary(&bytes.ok_or_else(|| protocol("bad packet"))?);
            }
            _ => return Err(protocol("bad packet")),
        }
        Ok(())
    }

    /// Takes a message that is text.
    fn text(&mut self, text: &str) -> Result<(), CloseReason> {
        if self.gathering.is_some() {
            // Nothing may come between a text and what is attached to it.
            return Err(protocol("bad packet"));
        }
        let count = match self.most_attached {
            0 => None,
            _ => attachments::count(text),
        };
        match count {
            None | Some(0) => self.bring(Message::Text(text), &[])?,
            Some(count) if count > self.most_attached => return Err(protocol("bad packet")),
            Some(count) => self.gathering = Some(Box::new(Gathering::new(text, count))),
        }
        Ok(())
    }

    /// Takes a message of bytes.
    fn binary(&mut self, bytes: &[u8]) -> Result<(), CloseReason> {
        let Some(gathering) = &mut self.gathering else {
            return self.bring(Message::Binary(bytes), &[]);
        };
        if !gathering.add(bytes, self.longest) {
            return Err(CloseReason::TooLarge);
        }
        if let Some(whole) = self.gathering.take_if(|gathering| gathering.is_whole()) {
            self.bring(Message::Text(&whole.text), &whole.attached)?;
        }
        Ok(())
    }

    /// Brings a message, or has the library do so.
    fn bring(&mut self, message: Message<'_>, attached: &Attached) -> Result<(), CloseReason> {
        if self.sink.is_none() {
            self.sink = self.session.taker();
        }
        let sink = self.sink.as_ref();
        match sink.is_some_and(|sink| sink.take(message, attached)) {
            true => Ok(()),
            false => self.give(message, attached),
        }
    }

    /// Gives the library a message, after all that it was given before.
    fn give(&mut self, message: Message<'_>, attached: &Attached) -> Result<(), CloseReason> {
        // One that would be several in a payload is none of Socket.IO: JSON escapes what parts them.
        let payload = packets::of(message, attached, self.protocol);
        let payload = payload.ok_or_else(|| protocol("bad packet"))?;
        self.given = self.post(payload.into());
        Ok(())
    }

    /// Whether the library is done with what it was given.
    fn is_done(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(given) = &mut self.given else {
            return true;
        };
        let is_backed_up = |wire: &Wire| wire.is_backed_up();
        if !self.over && self.session.lock().wire.as_ref().is_some_and(is_backed_up) {
            // The library is not asked for what it has to say, and would keep more and more of it.
            return false;
        }
        let Poll::Ready(response) = given.poll_unpin(cx) else {
            return false;
        };
        self.given = None;
        if !response.status().is_success() && !self.over {
            self.session.fault_with(&protocol("bad packet"));
        }
        true
    }

    /// Tells the library that the client has left.
    pub(super) fn leave(&mut self) {
        // It takes one poll at a time, and this is not to be answered.
        self.poll = None;
        if !std::mem::replace(&mut self.over, true) {
            self.say(polling::goodbye(self.protocol));
        }
    }

    /// Gives the library a packet of the protocol's own, in the client's name.
    fn say(&self, payload: &'static str) {
        if let Some(mut answer) = self.post(Bytes::from_static(payload.as_bytes())) {
            // All of it is there, so it is read at once.
            let _runtime = self.session.runtime.enter();
            if answer
                .poll_unpin(&mut Context::from_waker(Waker::noop()))
                .is_pending()
            {
                self.session.runtime.spawn(answer);
            }
        }
    }

    fn post(&self, payload: Bytes) -> Option<Answer> {
        self.request(Method::POST, Paced::of(payload))
    }

    fn request(&self, method: Method, body: Paced) -> Option<Answer> {
        let request = Request::builder().method(method).uri(self.uri.clone());
        let request = request.body(body).ok()?;
        // Otherwise tokio lets the library take only so many frames at once, and we count on all.
        Some(unconstrained(self.library.answer(request)))
    }

    /// Whether there is a poll under way.
    fn has_poll(&mut self) -> bool {
        if self.poll.is_none() && self.is_open() {
            // Where there is another, it is the last of those before the upgrade.
            if let Some(mut polling) = self.session.begin_poll()
                && let Some(answer) = self.request(Method::GET, Paced::default())
            {
                polling.answered = true;
                self.poll = Some((polling, answer));
            }
        }
        self.poll.is_some()
    }

    /// Hears what the library has to say. Whether anything has come of it.
    pub(super) fn poll_library(&mut self, cx: &mut Context<'_>, socket: &mut Socket) -> bool {
        let mut moved = self.given.is_some() && self.is_done(cx);
        let session = self.session.clone();
        let is_called = session.called.swap(false, Ordering::AcqRel);
        if self.poll.is_some() && !is_called && !session.lock().wants_library() {
            return moved;
        }
        let waker = Waker::from(session.clone());
        let mut library_cx = Context::from_waker(&waker);
        while self.has_poll() {
            // Under the lock nobody else can hand anything over, so the answer holds all of it.
            let mut out = session.lock();
            let is_backed_up = out.wire.as_ref().is_some_and(Wire::is_backed_up);
            if is_backed_up && out.hangs_up() {
                drop(out);
                self.leave();
                return true;
            }
            if is_backed_up {
                // To be heard when it takes more.
                session.called.store(true, Ordering::Release);
                break;
            }
            out.hand_over(Some(&mut |slices| socket.write(cx, slices)));
            let Some((_, poll)) = &mut self.poll else {
                break;
            };
            let Poll::Ready(response) = poll.poll_unpin(&mut library_cx) else {
                if out.settle() {
                    continue;
                }
                if out.hangs_up() {
                    drop(out);
                    self.leave();
                    return true;
                }
                // The library closes at once, so it is told only when a poll is there to be answered.
                let sink = out.may_close();
                drop(out);
                if sink.is_none() {
                    break;
                }
                session.tell_to_close(sink);
                continue;
            };
            moved = true;
            let heard = Heard::of(response, self.protocol, || session.first_ping.take());
            out.polled(heard.len);
            if let Some(wire) = &mut out.wire {
                wire.pipe.put(heard.frames);
            }
            drop(out);
            self.over |= heard.over;
            self.poll = match self.over {
                true => None,
                false => self.poll.take().and_then(|(polling, _)| {
                    let answer = self.request(Method::GET, Paced::default())?;
                    Some((polling, answer))
                }),
            };
            if heard.pinged {
                self.say("3");
            }
        }
        moved
    }
}
