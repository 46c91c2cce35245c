//! The task of a session's WebSocket: it reads, finishes the closing, and writes what a sender could not.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use stellarfw_transport::{CloseReason, Message};
use stellarfw_websocket::{MessageReader, MessageReceiver, ReadProgress, Socket, frame::put_close};
use tokio::time::Sleep;

use super::Options;
use crate::{
    machine::{Source, Transport},
    packet::{Packet, protocol_error},
    protocol::Consumer,
    session::{NotTaken, Session, Taken},
};

/// Bytes of pongs that may wait for a client that pings and does not read.
const CONTROL_MAX: usize = 16 << 10;

/// The task.
pub(super) struct Link {
    reader: MessageReader,
    receiver: Receiver,
    reading: Reading,
    /// How long the socket may take nothing.
    patience: Duration,
    /// When something is late: the upgrade, the socket, the client's close frame.
    deadline: Option<Pin<Box<Sleep>>>,
    /// Everything that will be sent has been taken by the socket.
    finished: bool,
}

/// What its reading is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Packets,
    /// What comes means nothing any more.
    Discard,
    /// The last word was said: the client is waited for.
    Parting,
}

/// How the sending side stands.
enum Standing {
    Well,
    /// The socket takes nothing.
    Blocked,
    Lost,
}

/// What takes the messages that are read.
struct Receiver {
    session: Arc<Session>,
    /// None where the session was over before it was open.
    consumer: Option<Arc<dyn Consumer>>,
    /// The client is on this WebSocket, not about to move to it.
    is_upgraded: bool,
    /// The client has sent a close frame, and was answered.
    answered: bool,
    /// The client has closed the session by a packet.
    left: bool,
}

impl MessageReceiver for Receiver {
    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.consumer {
            Some(consumer) if self.is_upgraded => self.session.poll_socket(&**consumer, cx),
            _ => Poll::Ready(()),
        }
    }

    #[inline]
    fn alive(&mut self) {
        if let Some(consumer) = &self.consumer {
            consumer.alive();
        }
    }

    fn signal(&mut self) {
        if let Some(consumer) = &self.consumer {
            consumer.signal();
        }
    }

    #[inline]
    fn assembling(&mut self, bytes: usize, is_new: bool) {
        if let Some(consumer) = &self.consumer {
            self.session.note_assembly(&**consumer, bytes, is_new);
        }
    }

    fn control(&mut self, frame: &[u8]) {
        if let Some(writer) = self.session.lock().out.writer()
            && !(writer.is_blocked() && writer.waiting().bytes > CONTROL_MAX)
        {
            writer.put(Bytes::copy_from_slice(frame));
        }
    }

    fn close_received(&mut self) {
        self.answered = true;
        if self.is_upgraded {
            // Nothing may follow the answer.
            self.session.lock().out.stop();
        }
    }

    fn message(&mut self, message: Message<'_>) -> Result<(), CloseReason> {
        let Some(consumer) = self.consumer.as_ref().filter(|_| !self.left) else {
            return Ok(());
        };
        let packet = Packet::of_message(self.session.version(), message)?;
        match self.session.take(&**consumer, Source::WebSocket, &packet) {
            Ok(Taken::Yes) => {}
            Ok(Taken::Upgraded) => self.is_upgraded = true,
            Ok(Taken::Left) => {
                self.left = true;
                self.session.end(CloseReason::Client { code: 1005 });
            }
            // Told to nobody: the WebSocket is dropped.
            Err(NotTaken::Upgrade) => return Err(protocol_error("bad upgrade")),
            Err(NotTaken::Session(reason)) => return Err(reason),
        }
        Ok(())
    }
}

impl Link {
    pub(super) fn new(
        session: Arc<Session>,
        socket: Socket,
        early: Bytes,
        options: &Options,
    ) -> Self {
        let is_upgraded = session.lock().machine.transport() == Transport::WebSocket;
        let upgrade_timeout =
            (!is_upgraded).then(|| Box::pin(tokio::time::sleep(options.handshake_timeout)));
        Self {
            reader: MessageReader::new(socket, early, options.limits()),
            receiver: Receiver {
                consumer: session.consumer(),
                session,
                is_upgraded,
                answered: false,
                left: false,
            },
            reading: Reading::Packets,
            patience: options.patience,
            deadline: upgrade_timeout,
            finished: false,
        }
    }

    fn session(&self) -> &Arc<Session> {
        &self.receiver.session
    }

    /// Reads what has come. Returns `false` if the connection is gone, or the upgrade has failed.
    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        if self.reading == Reading::Packets && self.session().lock().machine.drops_inbound() {
            self.discard();
        }
        if self.reading != Reading::Packets {
            return self.reader.poll_discard(cx).is_pending();
        }
        let was_upgraded = self.receiver.is_upgraded;
        let progress = self.reader.read(cx, &mut self.receiver);
        if !was_upgraded && self.receiver.is_upgraded {
            self.deadline = None;
        }
        match progress {
            ReadProgress::Pending => return true,
            ReadProgress::Gone => return false,
            // The end of an upgrade is nothing to the session.
            ReadProgress::Closed(_) | ReadProgress::Fault(_) if !self.receiver.is_upgraded => {
                return false;
            }
            ReadProgress::Closed(code) => self.session().end(CloseReason::Client { code }),
            ReadProgress::Fault(reason) => self.session().fault(&reason),
        }
        self.discard();
        true
    }

    /// Reads no more packets, and drops what has come of one.
    fn discard(&mut self) {
        self.reading = Reading::Discard;
        self.reader.drop_partial();
        if let Some(consumer) = &self.receiver.consumer {
            self.receiver.session.note_assembly(&**consumer, 0, false);
        }
    }

    /// Writes queued output, as far as the socket accepts it.
    fn write(&mut self, cx: &mut Context<'_>) -> Standing {
        let socket = self.reader.socket();
        let mut state = self.receiver.session.lock();
        loop {
            let Some(writer) = state.out.writer() else {
                return Standing::Lost;
            };
            if writer.is_blocked() {
                match socket.poll_write_ready(cx) {
                    Poll::Pending => {}
                    Poll::Ready(Ok(())) => writer.unblock(),
                    Poll::Ready(Err(_)) => writer.fail(),
                }
            }
            if !writer.is_blocked() {
                state.write(Some(&mut |slices| socket.write(cx, slices)));
            }
            let Some(writer) = state.out.writer() else {
                return Standing::Lost;
            };
            if writer.is_blocked()
                && !writer.has_failed()
                && socket.is_direct()
                && socket.poll_write_ready(cx).is_ready()
            {
                // It may take more by now.
                writer.unblock();
                continue;
            }
            if let Poll::Ready(Err(_)) = socket.poll_flush(cx) {
                writer.fail();
            }
            let is_upgrade = !self.receiver.is_upgraded;
            if writer.take_progress() && self.reading != Reading::Parting && !is_upgrade {
                self.deadline = None;
            }
            return match (writer.has_failed(), writer.is_blocked()) {
                (true, _) => Standing::Lost,
                (_, true) => Standing::Blocked,
                _ => Standing::Well,
            };
        }
    }

    /// Returns `true` if what was waited for is late. The time begins with the first call since the deadline was removed.
    fn is_late(&mut self, cx: &mut Context<'_>, timeout: Duration) -> bool {
        let sleep = || Box::pin(tokio::time::sleep(timeout));
        let deadline = self.deadline.get_or_insert_with(sleep);
        deadline.as_mut().poll(cx).is_ready()
    }

    /// Says the last word, once, and waits for the client. Returns `false` if there is nothing to wait for.
    fn part(&mut self, cx: &mut Context<'_>) -> bool {
        if self.reading != Reading::Parting {
            self.reading = Reading::Parting;
            self.deadline = None;
            self.reader.drop_partial();
            let mut state = self.receiver.session.lock();
            let was_said = self.receiver.answered || state.machine.has_said_close();
            if let Some(writer) = state.out.writer().filter(|_| !was_said) {
                let mut close = Vec::new();
                put_close(&mut close, None);
                writer.put(close);
            }
            drop(state);
            if matches!(self.write(cx), Standing::Lost) {
                return false;
            }
        }
        let mut state = self.receiver.session.lock();
        let is_written = state.out.writer().is_none_or(|writer| writer.is_empty());
        drop(state);
        if is_written && self.receiver.answered {
            // Both close frames were sent: it is for the server to close (RFC 6455 section 7.1.1).
            return false;
        }
        if is_written && !std::mem::replace(&mut self.finished, true) {
            self.reader.socket().shutdown(cx);
            self.session().end(CloseReason::Gone);
        }
        let timeout = self.session().sessions().close_timeout;
        !self.is_late(cx, timeout)
    }

    /// Goes on as far as it can. Returns `false` if the connection is over.
    fn advance(&mut self, cx: &mut Context<'_>) -> bool {
        loop {
            if self.session().lock().machine.is_aborted() || !self.read(cx) {
                return false;
            }
            let was_backed_up = self.session().lock().out.is_backed_up();
            match self.write(cx) {
                Standing::Well => {}
                Standing::Lost => return false,
                Standing::Blocked if self.reading == Reading::Parting => {}
                Standing::Blocked => {
                    let patience = self.patience;
                    if self.is_late(cx, patience) {
                        return false;
                    }
                }
            }
            let state = self.receiver.session.lock();
            if !self.receiver.is_upgraded {
                let is_closed = state.machine.is_closed();
                drop(state);
                return !is_closed && !self.is_late(cx, Duration::MAX);
            }
            if state.machine.is_done() {
                drop(state);
                return self.part(cx);
            }
            // What was not read because of answers that waited is read now.
            if !was_backed_up || state.out.is_backed_up() {
                return true;
            }
        }
    }
}

impl Future for Link {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.session().task.register(cx.waker());
        match this.advance(cx) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.session().socket_gone();
    }
}
