//! The WebSocket's bytes, between the network and the library.
//!
//! The library reads and writes it as any stream. On the way the frames are watched, reading
//! stops while the inbox is full, and a session that is to be cut is cut here.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf as _, Bytes, BytesMut};
use hyper::upgrade::Upgraded;
use stellarfw_transport::{CloseReason, turn, with_read_buffer};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    runtime::Handle,
    time::Sleep,
};

use crate::{
    base64::Decoder,
    config::max_payload,
    direct::Direct,
    first_ping::PONG,
    frames::{self, Incoming, PING},
    front::Front,
    outgoing::Outgoing,
    outlet::Line,
    session::Session,
    stream::Io,
};

/// As much is read at once.
const READ: usize = 16 << 10;

/// A session's WebSocket.
pub struct Socket {
    /// Taken when it is dropped.
    io: Option<Io>,
    session: Arc<Session>,
    /// What was read and is neither brought nor given to the library.
    kept: BytesMut,
    incoming: Incoming,
    outgoing: Outgoing,
    /// For a client that sends base64.
    base64: Option<Box<Decoder>>,
    /// The packet that completes an upgrade has come, and the library is about to see it.
    upgrade: bool,
    /// What is left of a pong in the client's name.
    pong: &'static [u8],
    /// A goodbye was said in the client's name.
    said: bool,
    /// Nothing more is read: the client has broken a rule.
    deaf: bool,
    /// Nothing more can be read: the client is gone.
    ended: bool,
    /// What is left of a goodbye with a code.
    goodbye: Option<Vec<u8>>,
    /// How long the network may take nothing, and since when it does.
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    pub(crate) fn new<L>(
        io: Upgraded,
        session: Arc<Session>,
        front: &Front<L>,
        base64: bool,
    ) -> Self {
        let longest = match base64 {
            true => max_payload(front.longest),
            false => front.longest,
        };
        let io = Io::new(io);
        session.lock().direct = io.direct();
        let outgoing = match front.seats {
            true => Outgoing::for_several(!front.attachments, session.is_v3()),
            false => Outgoing::default(),
        };
        Self {
            io: Some(io),
            session,
            kept: BytesMut::new(),
            incoming: Incoming::new(longest, front.attachments),
            base64: base64.then(Box::default),
            outgoing,
            upgrade: false,
            pong: &[],
            said: false,
            deaf: false,
            ended: false,
            goodbye: None,
            patience: front.patience,
            stalled: None,
        }
    }

    fn io(&mut self) -> io::Result<Pin<&mut Io>> {
        match &mut self.io {
            Some(io) if !self.session.lock().cut => Ok(Pin::new(io)),
            _ => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    /// Reads until there is something for the library. Whether the client is still there.
    fn poll_network(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<bool>> {
        let before = buf.filled().len();
        loop {
            let mut kept = std::mem::take(&mut self.kept);
            if kept.is_empty() {
                if !ready!(with_read_buffer(|buffer| self.poll_fresh(cx, buffer, buf)))? {
                    return Poll::Ready(Ok(false));
                }
            } else {
                let dealt = self.deal(cx, &mut kept, buf);
                kept.advance(dealt);
                if !kept.is_empty() {
                    self.kept = kept;
                }
            }
            if buf.filled().len() > before {
                return Poll::Ready(Ok(true));
            }
            if self.deaf {
                return Poll::Pending;
            }
            ready!(self.session.poll_ready(cx));
        }
    }

    /// Reads into the thread's buffer and deals with what has come. Whether the client is still
    /// there.
    fn poll_fresh(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<bool>> {
        let mut fresh = ReadBuf::new(&mut buffer[..READ]);
        let result = ready!(self.io()?.poll_read(cx, &mut fresh));
        let bytes = fresh.filled_mut();
        if result.is_err() || bytes.is_empty() {
            self.ended = true;
            self.session.left(CloseReason::Gone);
            return Poll::Ready(result.map(|()| false));
        }
        let dealt = self.deal(cx, bytes, buf);
        if dealt < bytes.len() {
            self.kept = BytesMut::from(&bytes[dealt..]);
        }
        Poll::Ready(Ok(true))
    }

    /// Brings the whole messages at the front, and gives the library of the rest what it has room
    /// for and belongs to one frame: what comes after that may be a whole message again. How many
    /// bytes that was. After it the inbox may be full.
    fn deal(&mut self, cx: &mut Context<'_>, bytes: &mut [u8], buf: &mut ReadBuf<'_>) -> usize {
        let taken = self.take(cx, bytes);
        let rest = &bytes[taken..];
        if rest.is_empty() || self.session.poll_ready(cx).is_pending() {
            return taken;
        }
        let given = match self.base64 {
            Some(_) => rest.len(),
            None => self.incoming.to_end_of_frame(rest),
        };
        let given = given.min(buf.remaining());
        let before = buf.filled().len();
        buf.put_slice(&rest[..given]);
        self.see(buf, before);
        taken + given
    }

    /// Brings the whole messages at the front, as long as there is room for them. How many bytes
    /// they were.
    fn take(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> usize {
        if self.base64.is_some() {
            return 0;
        }
        let Some(taker) = self.session.taker() else {
            return 0;
        };
        // One turn, so that what all of them are answered leaves in one write.
        let _turn = turn();
        let session = &self.session;
        let taken = self.incoming.take(bytes, |message| {
            session.poll_ready(cx).is_ready() && taker.take(message)
        });
        if taken > 0 {
            self.session.alive();
        }
        taken
    }

    fn see(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        if buf.filled().len() == before {
            return;
        }
        let seen = self.incoming.see(&buf.filled()[before..]);
        self.session.alive();
        if let Some(at) = seen.too_large {
            buf.set_filled(before + at);
            self.deaf = true;
            self.session.end_with(&CloseReason::TooLarge);
        }
        if let Some(code) = seen.close {
            self.session.left(CloseReason::Client { code });
            self.ended = true;
        }
        self.upgrade |= seen.upgrade;
    }

    /// Goes on with what the network did not take past the library. Ready when it takes more.
    fn poll_direct(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut out = self.session.lock();
            let Some(direct) = out.direct.as_mut().filter(|direct| direct.is_stuck()) else {
                return Poll::Ready(Ok(()));
            };
            let ready = direct.poll_ready(cx).is_ready();
            direct.flush();
            let failed = direct.has_failed();
            if direct.take_progress() {
                self.stalled = None;
            }
            drop(out);
            if failed {
                self.session.left(CloseReason::Gone);
                self.session.cut();
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            if !ready {
                return self.poll_patience(cx).map_ok(|_| ());
            }
            self.session.write.wake();
            self.session.advance();
        }
    }

    /// Sends what the library writes behind what goes past it; `None` where nothing does.
    fn write_direct(&mut self, bytes: &[u8]) -> Option<Poll<io::Result<usize>>> {
        let mut out = self.session.lock();
        if out.cut {
            return Some(Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())));
        }
        let is_line = out.line == Line::WebSocket;
        let bare = self.outgoing.is_bare_close(bytes);
        let goodbye = out.reason.as_ref().filter(|_| bare);
        let goodbye = goodbye.map(|reason| frames::close(reason.code(), reason.text()));
        let direct = out.direct.as_mut()?;
        if !direct.put_own(goodbye.as_deref().unwrap_or(bytes)) {
            return Some(Poll::Pending);
        }
        // The first that it writes opens the session.
        direct.open |= is_line;
        let stuck = direct.is_stuck();
        drop(out);
        if stuck {
            self.session.read.wake();
        }
        let count = self.outgoing.see(bytes);
        if self.outgoing.writer {
            self.session.written(count);
        } else {
            self.session.advance();
        }
        Some(Poll::Ready(Ok(bytes.len())))
    }

    /// Gives what is left of a pong in the client's name, where a frame may begin. Whether it did.
    fn give_pong(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let between = match &self.base64 {
            Some(decoder) => decoder.is_between(),
            None => self.incoming.is_between(),
        };
        if self.pong.is_empty() || self.pong.len() == PONG.len() && !between {
            return false;
        }
        let (now, later) = self.pong.split_at(self.pong.len().min(buf.remaining()));
        buf.put_slice(now);
        self.pong = later;
        true
    }

    /// The bytes that are to be written next; `None`: they begin with a ping that is kept back.
    fn without_first_ping<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        if !self.session.first_ping.is_awaited() {
            return Some(bytes);
        }
        match self.outgoing.ping_in(bytes) {
            Some(0) if self.session.first_ping.take() => None,
            Some(0) | None => Some(bytes),
            Some(at) => Some(&bytes[..at]),
        }
    }

    /// The network takes nothing: it may do so for a while.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let patience = self.patience;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(stalled.as_mut().poll(cx));
        // The library takes no notice of what fails to be written.
        self.session.left(CloseReason::Gone);
        self.session.cut();
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_goodbye(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(mut bytes) = self.goodbye.take() {
            match self.io()?.poll_write(cx, &bytes) {
                Poll::Ready(written) => {
                    bytes.drain(..written?);
                    self.goodbye = (!bytes.is_empty()).then_some(bytes);
                }
                Poll::Pending => {
                    self.goodbye = Some(bytes);
                    return self.poll_patience(cx).map_ok(|_| ());
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.session.read.register(cx.waker());
        if let Poll::Ready(Err(error)) = this.poll_direct(cx) {
            return Poll::Ready(Err(error));
        }
        if std::mem::take(&mut this.upgrade) {
            // It reads on, so it has seen it.
            this.session.upgraded();
        }
        if this.session.lock().hung_up {
            // A goodbye in the client's name, and then nothing.
            if !std::mem::replace(&mut this.said, true) {
                buf.put_slice(&frames::GOODBYE[..frames::GOODBYE.len().min(buf.remaining())]);
            }
            return Poll::Ready(Ok(()));
        }
        if this.deaf {
            this.io()?;
            return Poll::Pending;
        }
        if this.give_pong(buf) {
            return Poll::Ready(Ok(()));
        }
        ready!(this.session.poll_ready(cx));
        if this.base64.is_none() {
            ready!(this.poll_network(cx, buf))?;
            return Poll::Ready(Ok(()));
        }
        loop {
            if let Some(decoder) = &mut this.base64 {
                let ready = decoder.give(buf.remaining());
                if !ready.is_empty() {
                    buf.put_slice(ready);
                    return Poll::Ready(Ok(()));
                }
            }
            let mut bytes = [0; 4 << 10];
            let mut raw = ReadBuf::new(&mut bytes);
            if !ready!(this.poll_network(cx, &mut raw))? {
                return Poll::Ready(Ok(()));
            }
            if let Some(decoder) = &mut this.base64 {
                decoder.take(raw.filled());
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.session.write.register(cx.waker());
        let Some(bytes) = this.without_first_ping(bytes) else {
            this.outgoing.see(&PING);
            this.session.written(0);
            this.pong = PONG;
            this.session.read.wake();
            return Poll::Ready(Ok(PING.len()));
        };
        while let Some(result) = this.write_direct(bytes) {
            if result.is_ready() {
                return result;
            }
            ready!(this.poll_direct(cx))?;
        }
        if this.outgoing.is_bare_close(bytes) {
            if this.goodbye.is_none() {
                let reason = this.session.lock().reason.clone();
                this.goodbye = reason.map(|reason| frames::close(reason.code(), reason.text()));
            }
            if this.goodbye.is_some() {
                ready!(this.poll_goodbye(cx))?;
                return Poll::Ready(Ok(bytes.len()));
            }
        }
        match this.io()?.poll_write(cx, bytes) {
            Poll::Pending => this.poll_patience(cx),
            Poll::Ready(result) => {
                this.stalled = None;
                let written = result?;
                let count = this.outgoing.see(&bytes[..written]);
                if this.outgoing.writer {
                    this.session.written(count);
                }
                Poll::Ready(Ok(written))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().io()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().io()?.poll_shutdown(cx)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let mut out = self.session.lock();
        let cut = out.cut;
        // A kept spark must not keep the socket.
        let rest = out.direct.take().map(Direct::into_rest);
        drop(out);
        self.session.socket_gone();
        if let (Some(io), Ok(runtime), false, false) =
            (self.io.take(), Handle::try_current(), cut, self.ended)
        {
            let rest = rest.unwrap_or_default();
            runtime.spawn(part(io, rest, self.session.close_timeout()));
        }
    }
}

/// Waits until the client has closed too: closing with its bytes unread would reset the
/// connection, and what was sent last might be lost.
async fn part(mut io: Io, rest: VecDeque<Bytes>, timeout: Duration) {
    let parting = async {
        for bytes in rest {
            io.write_all(&bytes).await?;
        }
        io.shutdown().await?;
        let mut rest = [0; 1024];
        while io.read(&mut rest).await? > 0 {}
        Ok::<_, io::Error>(())
    };
    if let Ok(Err(error)) = tokio::time::timeout(timeout, parting).await {
        tracing::trace!(%error, "a socket that was closed broke");
    }
}
