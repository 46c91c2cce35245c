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
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, tcp},
};

/// A socket that was upgraded.
pub(crate) enum Socket {
    /// Plain TCP, found under whatever server accepted it: it can be written to from any thread.
    Tcp {
        stream: tcp::OwnedReadHalf,
        /// Until the outlet has it.
        writer: Option<DirectWriter>,
    },
    /// Anything else, TLS for example: only its task may touch it.
    Other(Box<TokioIo<Upgraded>>),
}

/// The writing half of a TCP socket, for all who send.
pub(crate) struct DirectWriter(tcp::OwnedWriteHalf);

impl DirectWriter {
    pub(crate) fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        try_write(self.0.as_ref(), slices)
    }
}

fn try_write(stream: &TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    match slices {
        [one] => stream.try_write(one),
        many => stream.try_write_vectored(many),
    }
}

impl Socket {
    /// The socket, and what the HTTP server had read of it beyond the request.
    pub(crate) fn new(upgraded: Upgraded) -> (Self, Bytes) {
        match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => {
                let stream = parts.io.into_inner();
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY could not be set");
                }
                let (stream, writer) = stream.into_split();
                let writer = Some(DirectWriter(writer));
                // A copy: the slice would keep the HTTP server's buffer alive.
                let early = Bytes::copy_from_slice(&parts.read_buf);
                (Self::Tcp { stream, writer }, early)
            }
            Err(upgraded) => {
                let io = Box::new(TokioIo::new(upgraded));
                (Self::Other(io), Bytes::new())
            }
        }
    }

    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp { stream, .. } => stream.peer_addr().ok(),
            Self::Other(_) => None,
        }
    }

    /// What all who send write with, where they can; it is given once.
    pub(crate) fn take_writer(&mut self) -> Option<DirectWriter> {
        match self {
            Self::Tcp { writer, .. } => writer.take(),
            Self::Other(_) => None,
        }
    }

    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp { stream, .. } => {
                let mut buf = ReadBuf::new(into);
                ready!(Pin::new(stream).poll_read(cx, &mut buf))?;
                Poll::Ready(Ok(buf.filled().len()))
            }
            Self::Other(io) => {
                let mut buf = ReadBuf::new(into);
                ready!(Pin::new(io.as_mut()).poll_read(cx, &mut buf))?;
                Poll::Ready(Ok(buf.filled().len()))
            }
        }
    }

    /// Ready when a write that blocked is worth another try.
    pub(crate) fn poll_write_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp { stream, .. } => stream.as_ref().poll_write_ready(cx),
            // Its poll_write leaves the waker itself.
            Self::Other(_) => Poll::Ready(Ok(())),
        }
    }

    /// Writes from the connection's task; what blocks leaves its waker.
    pub(crate) fn write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        match self {
            Self::Tcp { stream, .. } => try_write(stream.as_ref(), slices),
            Self::Other(io) => {
                let io = Pin::new(io.inner_mut());
                match rt::Write::poll_write_vectored(io, cx, slices) {
                    Poll::Ready(result) => result,
                    Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
                }
            }
        }
    }

    /// Pushes on what the socket itself has buffered (TLS records).
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp { .. } => Poll::Ready(Ok(())),
            Self::Other(io) => Pin::new(io.as_mut()).poll_flush(cx),
        }
    }

    /// Whether senders write to it by themselves.
    pub(crate) fn is_direct(&self) -> bool {
        matches!(self, Self::Tcp { .. })
    }

    /// Says that nothing more will be sent, as far as that can be said without waiting.
    pub(crate) fn shutdown(&mut self, cx: &mut Context<'_>) {
        let result = match self {
            // The descriptor itself is shut down: the half is shared with the outlet.
            Self::Tcp { stream, .. } => {
                let stream: &TcpStream = stream.as_ref();
                Poll::Ready(SockRef::from(stream).shutdown(Shutdown::Write))
            }
            Self::Other(io) => Pin::new(io.as_mut()).poll_shutdown(cx),
        };
        if let Poll::Ready(Err(error)) = result {
            tracing::trace!(%error, "shutdown of a socket that was gone");
        }
    }
}
