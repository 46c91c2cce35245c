//! Ending TLS with `close_notify`, however its connection ends.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    runtime::Handle,
};

/// A TLS connection that is shut down when it is dropped.
///
/// A client that sees the end of TCP without `close_notify` cannot tell it from an attacker's (RFC 8446
/// section 6.1). What serves a connection drops it where a deadline passes, so that its drop starts the
/// shutdown, which takes no longer than `deadline`.
#[derive(Debug)]
pub(super) struct CloseNotify<I: AsyncWrite + Unpin + Send + 'static> {
    /// `None` once it is shut down or has failed.
    io: Option<I>,
    deadline: Duration,
}

impl<I: AsyncWrite + Unpin + Send + 'static> CloseNotify<I> {
    pub(super) fn new(io: I, deadline: Duration) -> Self {
        Self {
            io: Some(io),
            deadline,
        }
    }

    /// Polls the connection; after an error there is nothing to shut down.
    fn with<T>(
        &mut self,
        poll: impl FnOnce(Pin<&mut I>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let Some(io) = &mut self.io else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let polled = poll(Pin::new(io));
        if matches!(polled, Poll::Ready(Err(_))) {
            self.io = None;
        }
        polled
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin + Send + 'static> AsyncRead for CloseNotify<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.with(|io| io.poll_read(cx, buffer))
    }
}

impl<I: AsyncWrite + Unpin + Send + 'static> AsyncWrite for CloseNotify<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|io| io.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.with(|io| io.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|io| io.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|io| io.poll_shutdown(cx))
    }
}

impl<I: AsyncWrite + Unpin + Send + 'static> Drop for CloseNotify<I> {
    fn drop(&mut self) {
        let (Some(mut io), Ok(runtime)) = (self.io.take(), Handle::try_current()) else {
            return;
        };
        let deadline = self.deadline;
        runtime.spawn(async move {
            // Who does not take it in time does without.
            tokio::time::timeout(deadline, io.shutdown()).await.ok();
        });
    }
}
