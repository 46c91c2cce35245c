//! WebSockets: of sessions that begin there, of those that move there, and of those that have one already.

mod link;

use std::{
    future::poll_fn,
    io::{ErrorKind, IoSlice},
    sync::Arc,
    task::{Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use stellarfw_transport::{Server, http::Response};
use stellarfw_websocket::{
    FrameWriter, MessageReader, ReadLimits, Socket, Upgrade, frame::put_close,
};

use self::link::Link;
use crate::{config::max_payload, open_packet::open_packet, protocol::Consumer, session::Session};

/// What holds for the WebSockets of a gateway.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// The size of the buffer from which is read what does not come in one piece.
    pub(crate) read_buffer: usize,
    /// The longest message.
    pub(crate) longest: usize,
    /// How long a WebSocket may take nothing of what is written to it.
    pub(crate) patience: Duration,
    /// How long an upgrade may take, from the request to the client's last word on polling.
    pub(crate) handshake_timeout: Duration,
}

impl Options {
    /// The same for a client that may send bytes as base64.
    pub(crate) fn with_base64(mut self, is_base64: bool) -> Self {
        if is_base64 {
            self.longest = max_payload(self.longest);
        }
        self
    }

    fn limits(&self) -> ReadLimits {
        // The packet's type is in front.
        let longest = self.longest.saturating_add(1);
        ReadLimits {
            read_buffer: self.read_buffer,
            max_message: longest,
            max_frame: longest,
        }
    }
}

/// Opens a session that begins with a WebSocket, once that is there. `begin` makes the session, and what opens it.
pub(crate) fn open<B, O>(begin: B, upgrade: Upgrade, options: Options) -> Response
where
    B: FnOnce() -> (Arc<Session>, O) + Send + 'static,
    O: FnOnce(&Arc<Session>) -> Arc<dyn Consumer>,
{
    let response = upgrade.response();
    tokio::spawn(async move {
        let Some((mut socket, early)) = upgrade.socket(options.handshake_timeout).await else {
            return;
        };
        let (session, open) = begin();
        attach(&session, &mut socket);
        let packet = open_packet(&session);
        let mut state = session.lock();
        state.out.put_text(&packet);
        state.out.flow();
        drop(state);
        let consumer = open(&session);
        session.open(consumer);
        // A task of its own, so that what the handshake needed is freed.
        tokio::spawn(Link::new(session, socket, early, &options));
    });
    response
}

/// Moves a session from polling to a WebSocket, once that is there and known to work. It must have
/// [begun](crate::machine::Machine::begin_upgrade) to.
pub(crate) fn move_to(session: Arc<Session>, upgrade: Upgrade, options: Options) -> Response {
    let response = upgrade.response();
    tokio::spawn(async move {
        match upgrade.socket(options.handshake_timeout).await {
            Some((mut socket, early)) => {
                attach(&session, &mut socket);
                tokio::spawn(Link::new(session, socket, early, &options));
            }
            None => session.socket_gone(),
        }
    });
    response
}

fn attach(session: &Session, socket: &mut Socket) {
    let writer = FrameWriter::new(socket.take_writer());
    session.lock().out.attach(writer);
}

/// Accepts a WebSocket of a session that has one, or is about to, and closes it at once, as Engine.IO's own server does.
/// A client that does not answer the close frame is cut.
pub(crate) fn decline(server: &Server, upgrade: Upgrade) -> Response {
    let response = upgrade.response();
    let (handshake, close) = (
        server.config().handshake_timeout(),
        server.config().close_timeout(),
    );
    tokio::spawn(async move {
        let Some((socket, early)) = upgrade.socket(handshake).await else {
            return;
        };
        match tokio::time::timeout(close, close_at_once(socket, early)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a second WebSocket is gone"),
            Err(_) => tracing::debug!("a second WebSocket was not closed in time"),
        }
    });
    response
}

/// Sends a close frame, and reads until the client has closed the socket. Cancel safe in that the socket is dropped.
async fn close_at_once(socket: Socket, early: Bytes) -> std::io::Result<()> {
    let limits = ReadLimits {
        read_buffer: 0,
        max_message: 0,
        max_frame: 0,
    };
    let mut reader = MessageReader::new(socket, early, limits);
    let mut rest = Vec::new();
    put_close(&mut rest, None);
    poll_fn(|cx| {
        while !rest.is_empty() {
            ready!(reader.socket().poll_write_ready(cx))?;
            match reader.socket().write(cx, &[IoSlice::new(&rest)]) {
                Ok(len) => drop(rest.drain(..len)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
            if rest.is_empty() {
                ready!(reader.socket().poll_flush(cx))?;
                reader.socket().shutdown(cx);
            }
        }
        reader.poll_discard(cx).map(Ok)
    })
    .await
}
