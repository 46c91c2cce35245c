//! The WebSocket's bytes, between the network and the library.
//!
//! The library reads and writes it as any stream. On the way the frames are watched, reading
//! stops while the inbox is full, and a session that is to be cut is cut here.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use stellarfw_transport::CloseReason;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    runtime::Handle,
    time::Sleep,
};

use crate::{
    base64::Decoder,
    config::max_payload,
    first_ping::PONG,
    frames::{self, Incoming, Outgoing, PING},
    session::Session,
};

/// A session's WebSocket.
pub struct Socket {
    /// Taken when it is dropped.
    io: Option<TokioIo<Upgraded>>,
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

impl Socket {
    pub(crate) fn new(
        io: Upgraded,
        session: Arc<Session>,
        longest: usize,
        base64: bool,
        patience: Duration,
    ) -> Self {
        let longest = match base64 {
            true => max_payload(longest),
            false => longest,
        };
        Self {
            io: Some(TokioIo::new(io)),
            session,
            incoming: Incoming::new(longest),
            base64: base64.then(Box::default),
            outgoing: Outgoing::default(),
            upgrade: false,
            pong: &[],
            said: false,
            deaf: false,
            ended: false,
            goodbye: None,
            patience,
            stalled: None,
        }
    }

    fn io(&mut self) -> io::Result<Pin<&mut TokioIo<Upgraded>>> {
        match &mut self.io {
            Some(io) if !self.session.lock().cut => Ok(Pin::new(io)),
            _ => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    /// Reads, and looks at what has come. Whether the client is still there.
    fn poll_network(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<bool>> {
        let before = buf.filled().len();
        let result = ready!(self.io()?.poll_read(cx, buf));
        if result.is_err() || buf.filled().len() == before {
            self.ended = true;
            self.session.left(CloseReason::Gone);
            return Poll::Ready(result.map(|()| false));
        }
        self.see(buf, before);
        if buf.filled().len() == before {
            return Poll::Pending;
        }
        Poll::Ready(Ok(true))
    }

    fn see(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
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
        let Some(bytes) = this.without_first_ping(bytes) else {
            this.outgoing.see(&PING);
            this.session.written(0);
            this.pong = PONG;
            this.session.read.wake();
            return Poll::Ready(Ok(PING.len()));
        };
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
        let cut = self.session.lock().cut;
        self.session.socket_gone();
        if let (Some(io), Ok(runtime), false, false) =
            (self.io.take(), Handle::try_current(), cut, self.ended)
        {
            runtime.spawn(part(io, self.session.close_timeout()));
        }
    }
}

/// Waits until the client has closed too: closing with its bytes unread would reset the
/// connection, and what was sent last might be lost.
async fn part(mut io: TokioIo<Upgraded>, timeout: Duration) {
    let parting = async {
        io.shutdown().await?;
        let mut rest = [0; 1024];
        while io.read(&mut rest).await? > 0 {}
        Ok::<_, io::Error>(())
    };
    if let Ok(Err(error)) = tokio::time::timeout(timeout, parting).await {
        tracing::trace!(%error, "a socket that was closed broke");
    }
}
