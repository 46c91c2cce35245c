//! What was upgraded: the client's socket.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, tcp},
};

use crate::direct::Direct;

/// What was upgraded.
pub(crate) enum Io {
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
                    write: Some(Arc::new(write)),
                    // A copy: the slice would keep the HTTP server's buffer alive.
                    early: Bytes::copy_from_slice(&parts.read_buf),
                }
            }
            Err(upgraded) => Self::Other(Box::new(TokioIo::new(upgraded))),
        }
    }

    pub(crate) fn direct(&self) -> Option<Direct> {
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
