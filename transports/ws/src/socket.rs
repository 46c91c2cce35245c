//! The socket of a connection, written to from any thread where it is plain TCP.

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

/// A socket that was upgraded, in the hands of its connection's task.
pub struct Socket(Io);

enum Io {
    /// Plain TCP, found under whatever server accepted it: it can be written to from any thread.
    Tcp {
        stream: tcp::OwnedReadHalf,
        /// Until the outlet has it.
        writer: Option<DirectWriter>,
    },
    /// Anything else, TLS for example: only its task may touch it.
    Other(Box<TokioIo<Upgraded>>),
}

/// The writing half of a TCP socket, for all who send. Dropping it does not end the stream: that is
/// the [socket](Socket::shutdown)'s to do.
pub struct DirectWriter(Option<tcp::OwnedWriteHalf>);

impl DirectWriter {
    /// Writes what the socket takes now; how many bytes that were.
    ///
    /// # Errors
    /// Those of the socket, `WouldBlock` when it takes nothing.
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
            // It would make one more call of the kernel.
            half.forget();
        }
    }
}

/// Writes what the socket takes now. The kernel is asked without a look at what tokio knows of the
/// socket, which lies elsewhere in memory and is one more to wait for in a large room; tokio is told when
/// it takes nothing, so that it waits for a change.
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
    /// The socket, and what the HTTP server had read of it beyond the request.
    #[must_use]
    pub fn new(upgraded: Upgraded) -> (Self, Bytes) {
        match tcp_of(upgraded) {
            Ok((stream, read)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY could not be set");
                }
                let (stream, writer) = stream.into_split();
                let writer = Some(DirectWriter(Some(writer)));
                // A copy: the slice would keep the HTTP server's buffer alive.
                let early = Bytes::copy_from_slice(&read);
                (Self(Io::Tcp { stream, writer }), early)
            }
            Err(upgraded) => {
                let io = Box::new(TokioIo::new(upgraded));
                (Self(Io::Other(io)), Bytes::new())
            }
        }
    }

    /// The peer's address, where it is known.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        match &self.0 {
            Io::Tcp { stream, .. } => stream.peer_addr().ok(),
            Io::Other(_) => None,
        }
    }

    /// What all who send write with, where they can; it is given once.
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

    /// Ready when a write that blocked is worth another try.
    pub fn poll_write_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.0 {
            Io::Tcp { stream, .. } => stream.as_ref().poll_write_ready(cx),
            // Its poll_write leaves the waker itself.
            Io::Other(_) => Poll::Ready(Ok(())),
        }
    }

    /// Writes from the connection's task; what blocks leaves its waker. How many bytes it took.
    ///
    /// # Errors
    /// Those of the socket, `WouldBlock` when it takes nothing.
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

    /// Pushes on what the socket itself has buffered (TLS records).
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Io::Tcp { .. } => Poll::Ready(Ok(())),
            Io::Other(io) => Pin::new(io.as_mut()).poll_flush(cx),
        }
    }

    /// Whether senders write to it by themselves.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        matches!(self.0, Io::Tcp { .. })
    }

    /// Says that nothing more will be sent, as far as that can be said without waiting.
    pub fn shutdown(&mut self, cx: &mut Context<'_>) {
        let result = match &mut self.0 {
            // The descriptor itself is shut down: the half is shared with the outlet.
            Io::Tcp { stream, .. } => {
                let stream: &TcpStream = stream.as_ref();
                Poll::Ready(SockRef::from(stream).shutdown(Shutdown::Write))
            }
            Io::Other(io) => Pin::new(io.as_mut()).poll_shutdown(cx),
        };
        if let Poll::Ready(Err(error)) = result {
            tracing::trace!(%error, "shutdown of a socket that was gone");
        }
    }
}
