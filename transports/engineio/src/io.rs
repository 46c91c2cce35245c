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

use bytes::{Buf as _, Bytes};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use stellarfw_transport::{CloseReason, turn};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::{TcpStream, tcp},
    runtime::Handle,
    time::Sleep,
};

use crate::{
    base64::Decoder,
    config::max_payload,
    direct::Direct,
    first_ping::PONG,
    frames::{self, Incoming, Outgoing, PING},
    front::Front,
    outlet::Line,
    session::Session,
};

/// A session's WebSocket.
pub struct Socket {
    /// Taken when it is dropped.
    io: Option<Io>,
    session: Arc<Session>,
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

/// What was upgraded.
enum Io {
    /// Plain TCP, found under whatever server accepted it.
    Tcp {
        read: tcp::OwnedReadHalf,
        /// Shared with the session, which writes to it from any thread; dropped, it is shut down.
        write: Option<Arc<tcp::OwnedWriteHalf>>,
        /// Read by the HTTP server already.
        early: Bytes,
    },
    /// Anything else, TLS for example: only the library's tasks write to it.
    Other(Box<TokioIo<Upgraded>>),
}

impl Io {
    fn new(upgraded: Upgraded) -> Self {
        match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => {
                let stream = parts.io.into_inner();
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY could not be set");
                }
                let (read, write) = stream.into_split();
                Self::Tcp {
                    read,
                    write: Some(Arc::new(write)),
                    // A copy: the slice would keep the HTTP server's buffer alive.
                    early: Bytes::copy_from_slice(&parts.read_buf),
                }
            }
            Err(upgraded) => Self::Other(Box::new(TokioIo::new(upgraded))),
        }
    }

    fn direct(&self) -> Option<Direct> {
        match self {
            Self::Tcp { write, .. } => write.clone().map(Direct::new),
            Self::Other(_) => None,
        }
    }
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp { early, .. } if !early.is_empty() => {
                buf.put_slice(&early.split_to(early.len().min(buf.remaining())));
                if !early.has_remaining() {
                    *early = Bytes::new();
                }
                Poll::Ready(Ok(()))
            }
            Self::Tcp { read, .. } => Pin::new(read).poll_read(cx, buf),
            Self::Other(io) => Pin::new(io).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp { write, .. } => {
                let Some(write) = write else {
                    return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
                };
                let stream: &TcpStream = write.as_ref().as_ref();
                loop {
                    ready!(stream.poll_write_ready(cx))?;
                    match stream.try_write(bytes) {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        result => return Poll::Ready(result),
                    }
                }
            }
            Self::Other(io) => Pin::new(io).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp { .. } => Poll::Ready(Ok(())),
            Self::Other(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp { write, .. } => {
                *write = None;
                Poll::Ready(Ok(()))
            }
            Self::Other(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
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
        Self {
            io: Some(io),
            session,
            incoming: Incoming::new(longest, front.attachments),
            base64: base64.then(Box::default),
            outgoing: Outgoing::default(),
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
            let result = ready!(self.io()?.poll_read(cx, buf));
            if result.is_err() || buf.filled().len() == before {
                self.ended = true;
                self.session.left(CloseReason::Gone);
                return Poll::Ready(result.map(|()| false));
            }
            self.take(buf, before);
            self.see(buf, before);
            if buf.filled().len() > before {
                return Poll::Ready(Ok(true));
            }
            if self.deaf {
                return Poll::Pending;
            }
            ready!(self.session.poll_ready(cx));
        }
    }

    /// Brings the whole messages that have come, and leaves the rest.
    fn take(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        if self.base64.is_some() {
            return;
        }
        let Some(taker) = self.session.taker() else {
            return;
        };
        let bytes = &mut buf.filled_mut()[before..];
        // One turn, so that what all of them are answered leaves in one write.
        let _turn = turn();
        let taken = self.incoming.take(bytes, |message| taker.take(message));
        if taken > 0 {
            let rest = bytes.len() - taken;
            bytes.copy_within(taken.., 0);
            buf.set_filled(before + rest);
            self.session.alive();
        }
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
            if let Some(spark) = self.session.spark() {
                spark.close(CloseReason::TooLarge);
            }
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
