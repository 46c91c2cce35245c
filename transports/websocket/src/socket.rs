//! The socket of a connection. Any thread can write to it if it is plain TCP.

use std::{
    io::{self, IoSlice},
    net::{Shutdown, SocketAddr},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::{rt, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use stellarfw_transport::serve::tcp_of;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, tcp},
};

/// An upgraded socket, owned by the connection's task.
pub struct Socket(Io);

enum Io {
    /// Plain TCP: any thread can write to it.
    Tcp {
        stream: tcp::OwnedReadHalf,
        /// Present until [`Socket::take_writer`].
        writer: Option<DirectWriter>,
    },
    /// Any other stream, such as TLS: only the connection's task can use it.
    Other(Box<TokioIo<Upgraded>>),
}

/// The writing half of a TCP socket, for senders on any thread.
///
/// Dropping it does not end the stream; [`Socket::shutdown`] does.
pub struct DirectWriter(Option<tcp::OwnedWriteHalf>);

impl DirectWriter {
    /// Writes as much as the socket accepts and returns the number of bytes.
    ///
    /// # Errors
    /// The socket's errors; `WouldBlock` if it accepts nothing.
    pub fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match &self.0 {
            Some(half) => try_write(half.as_ref(), slices),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl Drop for DirectWriter {
    fn drop(&mut self) {
        if let Some(half) = self.0.take() {
            // Dropping the half would shut the socket down: one more system call.
            half.forget();
        }
    }
}

/// Writes as much as the socket accepts.
///
/// The system call is made without reading tokio's readiness, which is a cache miss for each member of
/// a large room. Only when the socket accepts nothing is the write repeated through tokio, so that tokio
/// waits for readiness.
fn try_write(stream: &TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    #[cfg(target_os = "linux")]
    match send(stream, slices) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        result => return result,
    }
    match slices {
        [one] => stream.try_write(one),
        many => stream.try_write_vectored(many),
    }
}

#[cfg(target_os = "linux")]
fn send(stream: &TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    let socket = SockRef::from(stream);
    match slices {
        [one] => socket.send_with_flags(one, libc::MSG_NOSIGNAL),
        many => socket.send_vectored_with_flags(many, libc::MSG_NOSIGNAL),
    }
}

impl Socket {
    /// Returns the socket and the bytes that the HTTP server read beyond the request.
    #[must_use]
    pub fn new(upgraded: Upgraded) -> (Self, Bytes) {
        match tcp_of(upgraded) {
            Ok((stream, read)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY could not be set");
                }
                let (stream, writer) = stream.into_split();
                let writer = Some(DirectWriter(Some(writer)));
                // A copy, because the slice would keep the HTTP server's buffer alive.
                let early = Bytes::copy_from_slice(&read);
                (Self(Io::Tcp { stream, writer }), early)
            }
            Err(upgraded) => {
                let io = Box::new(TokioIo::new(upgraded));
                (Self(Io::Other(io)), Bytes::new())
            }
        }
    }

    /// Returns the peer's address, if it is known.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        match &self.0 {
            Io::Tcp { stream, .. } => stream.peer_addr().ok(),
            Io::Other(_) => None,
        }
    }

    /// Takes the writer for senders, if the socket is plain TCP. Later calls return `None`.
    pub fn take_writer(&mut self) -> Option<DirectWriter> {
        match &mut self.0 {
            Io::Tcp { writer, .. } => writer.take(),
            Io::Other(_) => None,
        }
    }

    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(into);
        match &mut self.0 {
            Io::Tcp { stream, .. } => ready!(Pin::new(stream).poll_read(cx, &mut buf))?,
            Io::Other(io) => ready!(Pin::new(io.as_mut()).poll_read(cx, &mut buf))?,
        }
        Poll::Ready(Ok(buf.filled().len()))
    }

    /// Returns `Ready` when a blocked write can be repeated.
    pub fn poll_write_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.0 {
            Io::Tcp { stream, .. } => stream.as_ref().poll_write_ready(cx),
            // Its poll_write registers the waker.
            Io::Other(_) => Poll::Ready(Ok(())),
        }
    }

    /// Writes from the connection's task, and registers its waker if the socket accepts nothing.
    ///
    /// Returns the number of bytes that the socket accepted.
    ///
    /// # Errors
    /// The socket's errors; `WouldBlock` if it accepts nothing.
    pub fn write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match &mut self.0 {
            Io::Tcp { stream, .. } => try_write(stream.as_ref(), slices),
            Io::Other(io) => {
                let io = Pin::new(io.inner_mut());
                match rt::Write::poll_write_vectored(io, cx, slices) {
                    Poll::Ready(result) => result,
                    Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
                }
            }
        }
    }

    /// Flushes bytes that the stream itself buffers, such as TLS records.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Io::Tcp { .. } => Poll::Ready(Ok(())),
            Io::Other(io) => Pin::new(io.as_mut()).poll_flush(cx),
        }
    }

    /// Returns `true` if senders on any thread can write to it.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        matches!(self.0, Io::Tcp { .. })
    }

    /// Closes the writing side, as far as that is possible without waiting.
    pub fn shutdown(&mut self, cx: &mut Context<'_>) {
        let result = match &mut self.0 {
            // The descriptor itself is shut down, because the writer shares it.
            Io::Tcp { stream, .. } => {
                let stream: &TcpStream = stream.as_ref();
                Poll::Ready(SockRef::from(stream).shutdown(Shutdown::Write))
            }
            Io::Other(io) => Pin::new(io.as_mut()).poll_shutdown(cx),
        };
        if let Poll::Ready(Err(error)) = result {
            tracing::trace!(%error, "shutdown of a lost socket");
        }
    }
}
