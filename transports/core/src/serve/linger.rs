//! Closing a connection so that its last answer arrives.

use std::{
    io::{self, IoSlice},
    mem::replace,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep},
};

use super::{
    body::{Allowance, Shared, poll_timer},
    pace::Paced,
};
use crate::scratch::with_read_buffer;

/// A client that was answered closes at once when it sees the end; one that does not is not waited
/// for longer than this.
const QUIET_ANSWERED: Duration = Duration::from_secs(1);

/// As long may a client that had more to send be silent.
const QUIET: Duration = Duration::from_secs(5);

/// A connection that is closed in two steps while it is at HTTP: first for writing, then, when the
/// client has closed its side or the limits are reached, altogether.
///
/// Data that arrives on a socket that is closed altogether makes the kernel send a reset, and a
/// reset takes from the client what it has not read yet: the answer (RFC 9112 section 9.6).
#[derive(Debug)]
pub(super) struct Lingering<I> {
    io: I,
    shared: Arc<Shared>,
    /// No line has ended since the connection was opened or last written to.
    is_in_line: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    Open,
    /// Closed for writing. What comes is discarded.
    HalfClosed {
        allowance: Allowance,
        last: Instant,
        sleep: Option<Pin<Box<Sleep>>>,
    },
    Closed,
}

impl<I> Lingering<I> {
    pub(super) fn new(io: I, shared: Arc<Shared>) -> Self {
        Self {
            io,
            shared,
            is_in_line: true,
            state: State::Open,
        }
    }

    /// Bytes to write in the place of these: a request line that is too long is a URI that is too long,
    /// which has a status of its own (RFC 9112 section 3). The server of hyper knows only that the head
    /// is too large.
    fn uri_too_long(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let rest = bytes
            .strip_prefix(HEAD_TOO_LARGE)
            .filter(|_| self.is_in_line)?;
        Some([URI_TOO_LONG, rest].concat())
    }
}

const HEAD_TOO_LARGE: &[u8] = b"HTTP/1.1 431 Request Header Fields Too Large\r\n";

/// Of the same length, so that what was written of it says what is left.
const URI_TOO_LONG: &[u8] = b"HTTP/1.1 414 The URI Is Longer Than Accepted\r\n";

const _: () = assert!(HEAD_TOO_LARGE.len() == URI_TOO_LONG.len());

impl<I: AsyncRead + AsyncWrite + Unpin> Lingering<I> {
    /// Ready when the client has closed its side, or is not waited for any longer.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let State::HalfClosed {
            allowance,
            last,
            sleep,
        } = &mut self.state
        else {
            return Poll::Ready(());
        };
        if allowance.bytes == 0 {
            return Poll::Ready(());
        }
        loop {
            let polled = with_read_buffer(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                let polled = Pin::new(&mut self.io).poll_read(cx, &mut buffer);
                polled.map_ok(|()| buffer.filled().len())
            });
            match polled {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(bytes)) => {
                    *last = Instant::now();
                    if !allowance.spend(bytes) || *last >= allowance.until {
                        tracing::debug!("the client sent on after the last answer");
                        return Poll::Ready(());
                    }
                }
                Poll::Pending => {
                    let quiet = if self.shared.is_answered() {
                        QUIET_ANSWERED
                    } else {
                        QUIET
                    };
                    return poll_timer(sleep, (*last + quiet).min(allowance.until), cx);
                }
            }
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Lingering<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buffer))?;
        let received = buffer.filled().get(before..).unwrap_or_default();
        if !received.is_empty() {
            self.shared.received();
            self.is_in_line = self.is_in_line && !received.contains(&b'\n');
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let replaced = self.uri_too_long(bytes);
        let bytes = replaced.as_deref().unwrap_or(bytes);
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, bytes))?;
        self.is_in_line = true;
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(replaced) = slices.first().and_then(|first| self.uri_too_long(first)) {
            return Pin::new(&mut self.io).poll_write(cx, &replaced);
        }
        let written = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, slices))?;
        self.is_in_line = true;
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(self.state, State::Open) {
            ready!(Pin::new(&mut self.io).poll_shutdown(cx))?;
            if self.shared.is_upgraded() {
                return Poll::Ready(Ok(()));
            }
            self.state = State::HalfClosed {
                allowance: self.shared.allowance(),
                last: Instant::now(),
                sleep: None,
            };
        }
        ready!(self.poll_discard(cx));
        drop(replace(&mut self.state, State::Closed));
        Poll::Ready(Ok(()))
    }
}

/// The TCP socket under an upgraded connection that [`serve`](super::serve()), or another server of
/// hyper's, accepted, and what that had read of it beyond the request.
///
/// # Errors
/// The connection as it was, if it is none of plain TCP.
pub fn tcp_of(upgraded: Upgraded) -> Result<(TcpStream, Bytes), Upgraded> {
    match upgraded.downcast::<TokioIo<Lingering<Paced<TcpStream>>>>() {
        Ok(parts) => Ok((parts.io.into_inner().io.into_inner(), parts.read_buf)),
        Err(upgraded) => {
            let parts = upgraded.downcast::<TokioIo<TcpStream>>()?;
            Ok((parts.io.into_inner(), parts.read_buf))
        }
    }
}
