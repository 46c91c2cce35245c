//! The socket of a connection, and what stands between it and tungstenite.

use std::{
    io::{self, IoSlice, Read, Write},
    net::{Shutdown, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes, BytesMut};
use hyper::{rt, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, tcp},
};

use crate::{
    deflate::{DeflateError, Inflater},
    framing::Framing,
    outlet::WsOutlet,
};

/// A socket that was upgraded.
pub(crate) enum Socket {
    /// Plain TCP, found under whatever server accepted it: it can be written to from any thread.
    Tcp {
        read: tcp::OwnedReadHalf,
        write: DirectWriter,
        /// Read by the HTTP server already.
        early: Bytes,
    },
    /// Anything else, TLS for example: only its task may touch it.
    Other(Box<TokioIo<Upgraded>>),
}

/// The writing half of a TCP socket, for all who send.
#[derive(Clone)]
pub(crate) struct DirectWriter(Arc<tcp::OwnedWriteHalf>);

impl DirectWriter {
    pub(crate) fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            [one] => self.0.try_write(one),
            many => self.0.try_write_vectored(many),
        }
    }

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_ref().as_ref().poll_write_ready(cx)
    }
}

impl Socket {
    pub(crate) fn new(upgraded: Upgraded) -> Self {
        match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => {
                let stream = parts.io.into_inner();
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY could not be set");
                }
                let (read, write) = stream.into_split();
                Self::Tcp {
                    read,
                    write: DirectWriter(Arc::new(write)),
                    // A copy: the slice would keep the HTTP server's buffer alive.
                    early: Bytes::copy_from_slice(&parts.read_buf),
                }
            }
            Err(upgraded) => Self::Other(Box::new(TokioIo::new(upgraded))),
        }
    }

    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp { read, .. } => read.peer_addr().ok(),
            Self::Other(_) => None,
        }
    }

    pub(crate) fn direct(&self) -> Option<DirectWriter> {
        match self {
            Self::Tcp { write, .. } => Some(write.clone()),
            Self::Other(_) => None,
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp { early, .. } if !early.is_empty() => {
                let len = early.len().min(into.len());
                early.copy_to_slice(&mut into[..len]);
                if early.is_empty() {
                    *early = Bytes::new();
                }
                Poll::Ready(Ok(len))
            }
            Self::Tcp { read, .. } => {
                let mut buf = ReadBuf::new(into);
                ready!(Pin::new(read).poll_read(cx, &mut buf))?;
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
            Self::Tcp { write, .. } => write.poll_ready(cx),
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
            Self::Tcp { write, .. } => write.try_write(slices),
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
            Self::Tcp { write, .. } => {
                let stream: &TcpStream = write.0.as_ref().as_ref();
                Poll::Ready(SockRef::from(stream).shutdown(Shutdown::Write))
            }
            Self::Other(io) => Pin::new(io.as_mut()).poll_shutdown(cx),
        };
        if let Poll::Ready(Err(error)) = result {
            tracing::trace!(%error, "shutdown of a socket that was gone");
        }
    }
}

/// The reading side as tungstenite sees it: the socket's bytes, inflated if so agreed.
pub(crate) struct Reader {
    pub(crate) socket: Socket,
    inflate: Option<Box<Inflate>>,
    /// Something was read since this was last taken.
    pub(crate) progress: bool,
}

struct Inflate {
    inflater: Inflater,
    /// Wire bytes not yet translated.
    wire: BytesMut,
}

impl Reader {
    pub(crate) fn new(socket: Socket, inflater: Option<Inflater>) -> Self {
        Self {
            socket,
            inflate: inflater.map(|inflater| {
                Box::new(Inflate {
                    inflater,
                    wire: BytesMut::new(),
                })
            }),
            progress: false,
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let Some(inflate) = &mut self.inflate else {
            return self.socket.poll_read(cx, into);
        };
        let Inflate { inflater, wire } = &mut **inflate;
        loop {
            if inflater.pending() || !wire.is_empty() {
                let done = inflater.translate(wire, into).map_err(io::Error::other)?;
                wire.advance(done.consumed);
                if wire.is_empty() {
                    *wire = BytesMut::new();
                }
                if done.written > 0 {
                    return Poll::Ready(Ok(done.written));
                }
            }
            let len = ready!(self.socket.poll_read(cx, into))?;
            if len == 0 {
                return Poll::Ready(Ok(0));
            }
            let plain = inflater.plain_prefix(&into[..len]);
            wire.extend_from_slice(&into[plain..len]);
            if plain > 0 {
                return Poll::Ready(Ok(plain));
            }
        }
    }

    /// Reads and throws away. Whether the peer has sent its last byte.
    pub(crate) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut sink = [0_u8; 4096];
        for _ in 0..64 {
            match ready!(self.socket.poll_read(cx, &mut sink)) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// What tungstenite is given for one call: it reads from the socket, and what it writes joins the
/// outlet's queue.
pub(crate) struct Duplex<'a, 'b, F: Framing> {
    pub(crate) reader: &'a mut Reader,
    pub(crate) outlet: &'a WsOutlet<F>,
    pub(crate) cx: &'a mut Context<'b>,
}

impl<F: Framing> Read for Duplex<'_, '_, F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.reader.poll_read(self.cx, into) {
            Poll::Ready(result) => {
                self.reader.progress |= matches!(result, Ok(1..));
                result
            }
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl<F: Framing> Write for Duplex<'_, '_, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outlet.lock().put_control(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The deflate error in an I/O error, if that is what it is.
pub(crate) fn deflate_error(error: &io::Error) -> Option<DeflateError> {
    error.get_ref()?.downcast_ref().copied()
}
