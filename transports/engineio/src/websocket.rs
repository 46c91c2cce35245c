//! A session's WebSocket: its one task, which stands between the client and the library.
//!
//! For the library every session is on polling, from its beginning to its end. What it does not see are
//! messages that are one packet each, which are most: those are brought from here, and sent
//! [past it](crate::wire). It is given the rest, as POSTs, and what it has to say comes as the answers to
//! polls: pings, its packets for Socket.IO's connections, attachments. So a client's WebSocket costs no
//! task of the library's, and is read and written as the engine of WebSocket does it.

use std::{
    io::IoSlice,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Collected};
use stellarfw_transport::{BoxFuture, CloseReason, Message, http::Response};
use stellarfw_ws::{
    inbound::{Inbound, Limits, Progress, Receiver},
    socket::Socket,
};
use tokio::{
    task::coop::{Unconstrained, unconstrained},
    time::Sleep,
};

use crate::{
    config::max_payload,
    front::Front,
    handshake,
    library::{Library, Sink},
    outlet::Phase,
    paced::Paced,
    packets::{self, Packet},
    polling,
    request::Ask,
    session::{Polling, Session, protocol},
    wire::{self, Wire, put_header, put_text},
};

type Answer = Unconstrained<BoxFuture<Response>>;

/// The task.
pub(crate) struct Link {
    inbound: Inbound,
    side: Side,
    state: State,
    /// How long the socket may take nothing.
    patience: Duration,
    /// When something is late: the upgrade, the socket, the client's goodbye.
    deadline: Option<Pin<Box<Sleep>>>,
    /// The socket has been given all there will be.
    finished: bool,
}

/// What its reading is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Packets are read.
    Packets,
    /// What comes means nothing any more.
    Discard,
    /// All was said, and is on its way: the client is waited for.
    Parting,
}

/// What is between the client and the library.
struct Side {
    session: Arc<Session>,
    library: Arc<dyn Library>,
    /// What messages are offered to, once there is one.
    sink: Option<Arc<dyn Sink>>,
    protocol: u8,
    /// The session's, for the library's requests.
    uri: Uri,
    upgrade: Upgrade,
    /// The place of the session's poll, and that poll.
    poll: Option<(Polling, Answer)>,
    /// What the library was given and is not done with.
    given: Option<Answer>,
    /// Text messages that begin with 45 or 46 are followed by binary ones that belong to them.
    attachments: bool,
    /// So many of those are yet to come.
    due: usize,
    /// The client has said goodbye, and was answered.
    answered: bool,
    /// There is nothing more to say: the library has closed the session, or was told that the client
    /// has left.
    over: bool,
}

/// How far the client has moved from polling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upgrade {
    Begun,
    Probed,
    Done,
}

/// How the way out stands.
enum Standing {
    Well,
    /// The socket takes nothing.
    Stuck,
    Lost,
}

impl Link {
    /// Begins a session, or moves one that is on polling, and is its task then.
    pub(crate) async fn begin<L: Library>(
        front: &Front<L>,
        session: Arc<Session>,
        ask: &Ask,
        (mut socket, early): (Socket, Bytes),
        handshake_timeout: Duration,
    ) {
        let longest = match ask.base64 {
            true => max_payload(front.longest),
            false => front.longest,
        };
        // The packet's type is in front.
        let longest = longest.saturating_add(1);
        let limits = Limits {
            read_buffer: front.read_buffer(),
            max_message: longest,
            max_frame: longest,
        };
        session.lock().wire = Some(Wire::new(socket.take_writer()));
        let mut own = Ask {
            socket: false,
            ..*ask
        };
        let is_upgrade = own.sid.is_some();
        if is_upgrade {
            // The client's poll, if there is one, is answered for it to be the last.
            session.poll.wake();
        } else {
            // So that the library says all as text.
            own.base64 = true;
            if let Some(open) = handshake::open(&*front.library, &session, &own).await {
                let open = open.over_websocket(front.post.bytes);
                let mut bytes = Vec::with_capacity(open.len() + 4);
                put_text(&mut bytes, &open);
                if let Some(wire) = &mut session.lock().wire {
                    wire.put(bytes);
                    wire.open = true;
                }
            }
            own.sid = session.sid();
        }
        let uri = own.sid.and_then(|_| Uri::try_from(own.uri()).ok());
        let Some(uri) = uri else {
            tracing::debug!("the library did not open a session");
            session.lock().wire = None;
            session.socket_gone();
            return;
        };
        let link = Self {
            inbound: Inbound::new(socket, early, limits),
            side: Side {
                session,
                library: front.library.clone(),
                sink: None,
                protocol: own.protocol,
                uri,
                upgrade: if is_upgrade {
                    Upgrade::Begun
                } else {
                    Upgrade::Done
                },
                poll: None,
                given: None,
                attachments: front.attachments,
                due: 0,
                answered: false,
                over: false,
            },
            state: State::Packets,
            patience: front.patience,
            deadline: is_upgrade.then(|| Box::pin(tokio::time::sleep(handshake_timeout))),
            finished: false,
        };
        // A task of its own, so that what the handshake needed is freed.
        tokio::spawn(link);
    }

    /// Reads what has come. Whether the client is still there.
    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        if self.state != State::Packets {
            return self.inbound.poll_discard(cx).is_pending();
        }
        let session = self.side.session.clone();
        let before = self.side.upgrade;
        let progress = self.inbound.read(cx, &mut self.side);
        if before != Upgrade::Done && self.side.upgrade == Upgrade::Done {
            self.deadline = None;
        }
        match progress {
            Progress::Wait => return true,
            Progress::Goodbye(code) => {
                session.left(CloseReason::Client { code });
                self.side.leave();
            }
            Progress::Fault(_) if self.side.upgrade != Upgrade::Done => return false,
            Progress::Fault(reason) => session.fault_with(&reason),
            Progress::Gone => return false,
        }
        self.state = State::Discard;
        true
    }

    /// Writes what waits, as far as the socket takes it.
    fn write(&mut self, cx: &mut Context<'_>) -> Standing {
        let socket = self.inbound.socket();
        let mut out = self.side.session.lock();
        loop {
            let Some(wire) = &mut out.wire else {
                return Standing::Lost;
            };
            if wire.is_stuck() {
                match socket.poll_write_ready(cx) {
                    Poll::Pending => {}
                    Poll::Ready(Ok(())) => wire.unblock(),
                    Poll::Ready(Err(_)) => wire.fail(),
                }
            }
            if !wire.is_stuck() {
                let mut write = |slices: &[IoSlice<'_>]| socket.write(cx, slices);
                out.hand_over(Some(&mut write));
                // What is there without it: the last words, those of an upgrade.
                if let Some(wire) = &mut out.wire {
                    wire.write(Some(&mut write), |_| wire::Next::Nothing);
                }
            }
            let Some(wire) = &mut out.wire else {
                return Standing::Lost;
            };
            if wire.is_stuck() && !wire.has_failed() && socket.is_direct() {
                // It may take more by now.
                if socket.poll_write_ready(cx).is_ready() {
                    wire.unblock();
                    continue;
                }
            }
            if let Poll::Ready(Err(_)) = socket.poll_flush(cx) {
                wire.fail();
            }
            if wire.take_progress() && self.state != State::Parting && self.side.is_open() {
                self.deadline = None;
            }
            return match (wire.has_failed(), wire.is_stuck()) {
                (true, _) => Standing::Lost,
                (_, true) => Standing::Stuck,
                _ => Standing::Well,
            };
        }
    }

    /// Whether what was waited for is late.
    fn is_late(&mut self, cx: &mut Context<'_>, timeout: Duration) -> bool {
        let sleep = || Box::pin(tokio::time::sleep(timeout));
        let deadline = self.deadline.get_or_insert_with(sleep);
        deadline.as_mut().poll(cx).is_ready()
    }

    /// The library has closed the session: says so, once, and waits for the client. Whether there is
    /// still something to wait for.
    fn part(&mut self, cx: &mut Context<'_>) -> bool {
        let session = self.side.session.clone();
        if self.state != State::Parting {
            self.state = State::Parting;
            self.deadline = None;
            let mut out = session.lock();
            let reason = out.reason.clone();
            let reason = reason.as_ref().map(|reason| (reason.code(), reason.text()));
            if let Some(wire) = out.wire.as_mut().filter(|_| !self.side.answered) {
                wire.put(wire::close(reason));
                wire.open = false;
            }
            drop(out);
            if matches!(self.write(cx), Standing::Lost) {
                return false;
            }
        }
        let written = session.lock().wire.as_ref().is_none_or(Wire::is_empty);
        if written && self.side.answered {
            // Both goodbyes were said: it is for the server to close (RFC 6455 section 7.1.1).
            return false;
        }
        if written && !std::mem::replace(&mut self.finished, true) {
            self.inbound.socket().shutdown(cx);
            session.parted();
        }
        !self.is_late(cx, session.close_timeout())
    }

    /// Goes on as far as it can. Whether the connection is still there.
    fn advance(&mut self, cx: &mut Context<'_>) -> bool {
        loop {
            if self.side.session.lock().cut || !self.read(cx) {
                return false;
            }
            let standing = self.write(cx);
            let moved = self.side.poll_library(cx, self.inbound.socket());
            let standing = match moved {
                true => self.write(cx),
                false => standing,
            };
            let lost = match standing {
                Standing::Well => false,
                Standing::Lost => true,
                Standing::Stuck => self.state != State::Parting && self.is_late(cx, self.patience),
            };
            if lost {
                return false;
            }
            if self.side.over {
                return self.part(cx);
            }
            if !moved {
                break;
            }
        }
        match self.side.upgrade {
            Upgrade::Done => true,
            // The session cannot go on without the one or the other.
            _ if self.side.session.lock().phase == Phase::Over => false,
            _ => !self.is_late(cx, Duration::MAX),
        }
    }
}

impl Future for Link {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.side.session.task.register(cx.waker());
        match this.advance(cx) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let session = &self.side.session;
        // A kept spark must not keep the socket.
        session.lock().wire = None;
        // The library takes one poll at a time.
        self.side.poll = None;
        if !self.side.over {
            session.left(CloseReason::Gone);
            self.side.leave();
        }
        self.side.session.socket_gone();
    }
}

impl Receiver for Side {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.is_done(cx) {
            true => self.session.poll_ready(cx),
            false => Poll::Pending,
        }
    }

    fn alive(&mut self) {
        self.session.alive();
    }

    fn signal(&mut self) {
        self.session.signal();
    }

    fn control(&mut self, frame: &[u8]) {
        if let Some(wire) = &mut self.session.lock().wire
            && !wire.is_backed_up()
        {
            wire.put(Bytes::copy_from_slice(frame));
        }
    }

    fn goodbye(&mut self) {
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
            _ if self.upgrade != Upgrade::Done => self.move_on(message),
            Message::Binary(_) => {
                self.bring(message);
                Ok(())
            }
            Message::Text(text) => self.packet(text),
        }
    }
}

impl Side {
    /// Whether the client is on its WebSocket and the session goes on.
    fn is_open(&self) -> bool {
        self.upgrade == Upgrade::Done && !self.over
    }

    /// Takes a step of an upgrade.
    fn move_on(&mut self, message: Message<'_>) -> Result<(), CloseReason> {
        match (self.upgrade, message) {
            (Upgrade::Begun, Message::Text("2probe")) => {
                let mut bytes = Vec::new();
                put_text(&mut bytes, "3probe");
                if let Some(wire) = &mut self.session.lock().wire {
                    wire.put(bytes);
                }
                self.upgrade = Upgrade::Probed;
            }
            (Upgrade::Probed, Message::Text("5")) => {
                self.upgrade = Upgrade::Done;
                self.session.upgraded();
            }
            _ => return Err(protocol("bad upgrade")),
        }
        Ok(())
    }

    /// Takes a packet that is text, with its type in front.
    fn packet(&mut self, text: &str) -> Result<(), CloseReason> {
        match text.as_bytes().first() {
            Some(b'4') => self.bring(Message::Text(text)),
            Some(b'2' | b'3') if !text.ends_with("probe") => {
                self.session.signal();
                self.give(Message::Text(text));
            }
            Some(b'1') => {
                self.session.left(CloseReason::Client { code: 1005 });
                self.leave();
            }
            Some(b'b') => {
                let bytes = packets::from_base64(text, self.protocol);
                let mut bytes = bytes.ok_or_else(|| protocol("bad packet"))?;
                if self.protocol == 3 {
                    bytes.insert(0, 4);
                }
                self.bring(Message::Binary(&bytes));
            }
            _ => return Err(protocol("bad packet")),
        }
        Ok(())
    }

    /// Brings a message, or has the library do so.
    fn bring(&mut self, message: Message<'_>) {
        if self.sink.is_none() {
            self.sink = self.session.taker();
        }
        if self.due == 0
            && let Some(sink) = &self.sink
            && sink.take(message)
        {
            return;
        }
        match message {
            Message::Text(text) => {
                if self.attachments && self.due == 0 {
                    self.due = attachments(text);
                }
                self.give(message);
            }
            Message::Binary(bytes) => {
                self.due = self.due.saturating_sub(1);
                let typed = usize::from(self.protocol == 3);
                self.give(Message::Binary(bytes.get(typed..).unwrap_or_default()));
            }
        }
    }

    /// Gives the library a packet, after all that it was given before.
    fn give(&mut self, message: Message<'_>) {
        let payload = packets::of_one(message, self.protocol);
        self.given = self.post(payload.into());
    }

    /// Whether the library is done with what it was given.
    fn is_done(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(given) = &mut self.given else {
            return true;
        };
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
    fn leave(&mut self) {
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
    fn poll_library(&mut self, cx: &mut Context<'_>, socket: &mut Socket) -> bool {
        let mut moved = self.given.is_some() && self.is_done(cx);
        while self.has_poll() {
            let session = self.session.clone();
            // Under the lock nobody else can hand anything over, so the answer holds all of it.
            let mut out = session.lock();
            if out.hangs_up() {
                drop(out);
                self.leave();
                return true;
            }
            if out.wire.as_ref().is_some_and(Wire::is_backed_up) {
                break;
            }
            out.hand_over(Some(&mut |slices| socket.write(cx, slices)));
            let Some((_, poll)) = &mut self.poll else {
                break;
            };
            let Poll::Ready(response) = poll.poll_unpin(cx) else {
                if out.settle() {
                    continue;
                }
                // The library closes at once, so it is told only when a poll is there to be answered.
                let sink = out.may_close();
                drop(out);
                if sink.is_none() {
                    break;
                }
                session.close(sink);
                continue;
            };
            moved = true;
            let heard = Heard::of(response, self.protocol, || session.first_ping.take());
            out.polled(heard.len, heard.messages);
            if let Some(wire) = &mut out.wire {
                wire.put(heard.frames);
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

/// How many binary messages belong to a packet of Socket.IO: what stands before the first dash of an
/// event or acknowledgement that has some.
fn attachments(text: &str) -> usize {
    let rest = text.strip_prefix("45").or_else(|| text.strip_prefix("46"));
    let number = rest.and_then(|rest| rest.split_once('-'));
    number.map_or(0, |(number, _)| number.parse().unwrap_or_default())
}

/// What the library had to say.
#[derive(Debug, Default)]
struct Heard {
    /// As frames.
    frames: Vec<u8>,
    /// How long its answer was.
    len: usize,
    /// Whether there are messages in it.
    messages: bool,
    /// Whether the first ping was in it, which the client does not get.
    pinged: bool,
    /// It has closed the session.
    over: bool,
}

impl Heard {
    fn of(response: Response, protocol: u8, mut is_first_ping: impl FnMut() -> bool) -> Self {
        let mut heard = Self::default();
        if response.status() != StatusCode::OK {
            heard.over = true;
            return heard;
        }
        let kind = response.headers().get(header::CONTENT_TYPE);
        let binary = kind == Some(&HeaderValue::from_static("application/octet-stream"));
        // Of a known length, so the library has it whole.
        let payload = response.into_body().collect().now_or_never();
        let payload = payload.and_then(Result::ok).map(Collected::to_bytes);
        let payload = payload.unwrap_or_default();
        heard.len = payload.len();
        let is_read = packets::read(&payload, protocol, binary, |packet| {
            let out = &mut heard.frames;
            match packet {
                Packet::Text("6" | "") => {}
                Packet::Text("2") if protocol != 3 && is_first_ping() => heard.pinged = true,
                Packet::Text(text) => {
                    heard.over |= text.starts_with('1');
                    heard.messages |= text.starts_with('4');
                    put_text(out, text);
                }
                Packet::Binary(bytes) => {
                    heard.messages = true;
                    let kind = (protocol == 3).then_some(4);
                    put_header(out, true, bytes.len() + usize::from(kind.is_some()));
                    out.extend(kind);
                    out.extend_from_slice(&bytes);
                }
            }
        });
        if !is_read {
            tracing::error!("the library's answer to a poll could not be read");
        }
        heard
    }
}

#[cfg(test)]
mod tests {
    use stellarfw_transport::http::text as answer;

    use super::*;

    #[test]
    fn attachments_are_counted_before_they_come() {
        for (text, expected) in [
            ("451-[\"a\",{\"_placeholder\":true,\"num\":0}]", 1),
            ("4512-/admin,[\"a\"]", 12),
            ("462-7[{}]", 2),
            ("42[\"a-b\"]", 0),
            ("45[\"a\"]", 0),
            ("45x-[]", 0),
            ("4", 0),
        ] {
            assert_eq!(attachments(text), expected, "{text}");
        }
    }

    #[test]
    fn what_the_library_says_becomes_frames() {
        let hear = |payload: &'static str, first: bool| {
            Heard::of(answer(StatusCode::OK, payload), 4, || first)
        };
        let heard = hear("42[1]\x1e6\x1ebAAE=\x1e2", false);
        assert_eq!(heard.frames, b"\x81\x0542[1]\x82\x02\0\x01\x81\x012");
        assert!(heard.messages && !heard.pinged && !heard.over);
        assert_eq!(heard.len, 15);

        // The first ping is not the client's.
        let heard = hear("2", true);
        assert!(heard.frames.is_empty() && heard.pinged && !heard.messages);

        let heard = hear("4a\x1e1", false);
        assert_eq!(heard.frames, b"\x81\x024a\x81\x011");
        assert!(heard.over);

        let heard = Heard::of(answer(StatusCode::BAD_REQUEST, "1"), 4, || false);
        assert!(heard.over && heard.frames.is_empty());
    }
}
