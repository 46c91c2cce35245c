//! A session's WebSocket: its one task, which stands between the client and the library.
//!
//! For the library every session is on polling, from its beginning to its end. What it does not see are
//! messages that are one packet each, which are most: those are brought from here, and sent
//! [past it](crate::wrapped::wire). It is given the rest, as POSTs, and what it has to say comes as the answers to
//! polls: pings, its packets for Socket.IO's connections. So a client's WebSocket costs no
//! task of the library's, and is read and written as the engine of WebSocket does it.

mod attachments;
mod heard;
mod side;

use std::{
    io::IoSlice,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::Uri;
use stellarfw_transport::CloseReason;
use stellarfw_websocket::{MessageReader, NextFrame, ReadLimits, ReadProgress, Socket};
use tokio::time::Sleep;

use self::side::{Side, Transition};
use crate::wrapped::{
    config::max_payload,
    front::Front,
    handshake,
    library::Library,
    outlet::Phase,
    request::Ask,
    session::Session,
    wire::{self, Wire, put_text},
};

/// The task.
pub(crate) struct Link {
    inbound: MessageReader,
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
        let limits = ReadLimits {
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
        if !is_upgrade {
            // So that the library says all as text.
            own.base64 = true;
            if let Some(open) = handshake::open(&*front.library, &session, &own).await {
                let open = open.over_websocket(front.post.bytes);
                let mut bytes = Vec::with_capacity(open.len() + 4);
                put_text(&mut bytes, &open);
                if let Some(wire) = &mut session.lock().wire {
                    wire.pipe.put(bytes);
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
            inbound: MessageReader::new(socket, early, limits),
            side: Side {
                session,
                library: front.library.clone(),
                sink: None,
                protocol: own.protocol,
                uri,
                transition: if is_upgrade {
                    Transition::Begun
                } else {
                    Transition::Done
                },
                poll: None,
                given: None,
                longest: front.longest,
                most_attached: front.attachments,
                gathering: None,
                lease: None,
                is_assembling: false,
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
        let session = self.side.session.clone();
        if self.state == State::Packets && session.lock().drops_inbound() {
            self.discard();
        }
        if self.state != State::Packets {
            return self.inbound.poll_discard(cx).is_pending();
        }
        let before = self.side.transition;
        let progress = self.inbound.read(cx, &mut self.side);
        if before != Transition::Done && self.side.transition == Transition::Done {
            self.deadline = None;
        }
        match progress {
            ReadProgress::Pending => return true,
            // That of an upgrade is nothing to the session.
            ReadProgress::Closed(_) | ReadProgress::Fault(_)
                if self.side.transition != Transition::Done =>
            {
                return false;
            }
            ReadProgress::Closed(code) => {
                session.left(CloseReason::Client { code });
                self.side.leave();
            }
            ReadProgress::Fault(reason) => session.fault_with(&reason),
            ReadProgress::Gone => return false,
        }
        self.discard();
        true
    }

    /// Reads no more messages, and drops what has come of one.
    fn discard(&mut self) {
        self.state = State::Discard;
        self.inbound.drop_partial();
        self.side.forget();
    }

    /// Writes what waits, as far as the socket takes it.
    fn write(&mut self, cx: &mut Context<'_>) -> Standing {
        let standing = self.write_out(cx);
        self.side.session.lock().note();
        standing
    }

    fn write_out(&mut self, cx: &mut Context<'_>) -> Standing {
        let socket = self.inbound.socket();
        let mut out = self.side.session.lock();
        loop {
            let Some(wire) = &mut out.wire else {
                return Standing::Lost;
            };
            if wire.pipe.is_blocked() {
                match socket.poll_write_ready(cx) {
                    Poll::Pending => {}
                    Poll::Ready(Ok(())) => wire.pipe.unblock(),
                    Poll::Ready(Err(_)) => wire.pipe.fail(),
                }
            }
            if !wire.pipe.is_blocked() {
                let mut write = |slices: &[IoSlice<'_>]| socket.write(cx, slices);
                out.hand_over(Some(&mut write));
                // What is there without it: the last words, those of an upgrade.
                if let Some(wire) = &mut out.wire {
                    wire.pipe.write(Some(&mut write), |_| NextFrame::None);
                }
            }
            let Some(wire) = &mut out.wire else {
                return Standing::Lost;
            };
            if wire.pipe.is_blocked() && !wire.pipe.has_failed() && socket.is_direct() {
                // It may take more by now.
                if socket.poll_write_ready(cx).is_ready() {
                    wire.pipe.unblock();
                    continue;
                }
            }
            if let Poll::Ready(Err(_)) = socket.poll_flush(cx) {
                wire.pipe.fail();
            }
            if wire.pipe.take_progress() && self.state != State::Parting && self.side.is_open() {
                self.deadline = None;
            }
            return match (wire.pipe.has_failed(), wire.pipe.is_blocked()) {
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
                wire.pipe.put(wire::close(reason));
                wire.open = false;
            }
            drop(out);
            if matches!(self.write(cx), Standing::Lost) {
                return false;
            }
        }
        let written = session
            .lock()
            .wire
            .as_ref()
            .is_none_or(|wire| wire.pipe.is_empty());
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
        match self.side.transition {
            Transition::Done => true,
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
        if self.side.transition != Transition::Done && session.stay() {
            return;
        }
        // A kept spark must not keep the socket.
        let mut out = session.lock();
        out.wire = None;
        out.note();
        drop(out);
        // The library takes one poll at a time.
        self.side.poll = None;
        if !self.side.over {
            session.left(CloseReason::Gone);
            self.side.leave();
        }
        self.side.session.socket_gone();
    }
}
