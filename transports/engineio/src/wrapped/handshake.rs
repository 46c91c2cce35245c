//! From a first request to a session, and from a session's request to its WebSocket.

use std::{
    future::poll_fn,
    io::{ErrorKind, IoSlice},
    sync::Arc,
    task::{Poll, ready},
};

use engineioxide::socket::Sid;
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use stellarfw_transport::{
    Server,
    http::{Response, text},
};
use stellarfw_websocket::{MessageReader, ReadLimits, Upgrade};

use crate::wrapped::{
    front::Front,
    library::Library,
    outlet::{Line, Phase},
    paced::Paced,
    polling,
    request::{Ask, Fault},
    session::Session,
    websocket::Link,
    wire,
};

/// What the library says of a session that it has opened.
#[derive(Debug)]
pub(crate) struct Open {
    /// Engine.IO's open packet.
    packet: String,
}

impl Open {
    /// Reads an answer, and the library's id of the session with it. The client is told another
    /// one, `id`.
    fn read(answer: &[u8], id: Sid) -> Option<(Self, Sid)> {
        #[derive(Deserialize)]
        struct Told {
            sid: Sid,
        }
        let at = answer.iter().position(|byte| *byte == b'{')?;
        let json = str::from_utf8(&answer[at..]).ok()?;
        let told: Told = serde_json::from_str(json).ok()?;
        let packet = format!("0{}", json.replacen(told.sid.as_str(), id.as_str(), 1));
        Some((Self { packet }, told.sid))
    }

    /// As it is over a WebSocket, from which there is nothing to move on to.
    pub(crate) fn over_websocket(self, max_payload: usize) -> String {
        let packet = self.packet.replace("[\"websocket\"]", "[]");
        with_max_payload(packet, max_payload)
    }

    /// The payload that it alone is.
    fn over_polling(self, protocol: u8, max_payload: usize) -> String {
        let packet = with_max_payload(self.packet, max_payload);
        match protocol {
            3 => format!("{}:{packet}", packet.len()),
            _ => packet,
        }
    }
}

/// An open packet that tells of so many bytes in a POST: the library takes what comes over a
/// WebSocket, too, so it may tell of more. In protocol 3 there is none of it.
fn with_max_payload(mut packet: String, max_payload: usize) -> String {
    const NAME: &str = "\"maxPayload\":";
    if let Some(at) = packet.find(NAME) {
        let from = at + NAME.len();
        let digits = packet[from..].bytes().take_while(u8::is_ascii_digit);
        let to = from + digits.count();
        packet.replace_range(from..to, &max_payload.to_string());
    }
    packet
}

/// Has the library open a session.
pub(crate) async fn open(library: &dyn Library, session: &Arc<Session>, ask: &Ask) -> Option<Open> {
    let mut request = polling::request(ask, Method::GET, None, Paced::default())?;
    request.extensions_mut().insert(session.clone());
    let response = library.answer(request).await;
    if !response.status().is_success() {
        return None;
    }
    let packet = response.into_body().collect().await.ok()?.to_bytes();
    let (open, sid) = Open::read(&packet, session.id())?;
    // A library that calls nobody at the opening says the id in its answer only.
    session.register(sid);
    Some(open)
}

/// Opens a session that begins with polling; its POSTs may hold `max_payload` bytes.
pub(crate) async fn polling(
    library: &dyn Library,
    session: &Arc<Session>,
    ask: &Ask,
    max_payload: usize,
) -> Response {
    match open(library, session, ask).await {
        Some(open) => text(StatusCode::OK, open.over_polling(ask.protocol, max_payload)),
        None => Fault::BadRequest.response(false),
    }
}

/// Turns a request into a session's WebSocket, once the upgrade is there and no longer than a
/// handshake may take.
pub(crate) fn websocket<L: Library>(
    front: &Arc<Front<L>>,
    server: &Server,
    session: Arc<Session>,
    ask: &Ask,
    upgrade: Upgrade,
) -> Response {
    let response = upgrade.response();
    let timeout = server.config().handshake_timeout();
    let (front, ask) = (front.clone(), *ask);
    tokio::spawn(async move {
        match upgrade.socket(timeout).await {
            Some(socket) => Link::begin(&front, session, &ask, socket, timeout).await,
            None => {
                session.stay();
            }
        }
    });
    response
}

/// Accepts a WebSocket of a session that has one, or is about to, and closes it at once, as
/// Engine.IO's own server does. A client that does not answer the close frame is cut.
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
        let limits = ReadLimits {
            read_buffer: 0,
            max_message: 0,
            max_frame: 0,
        };
        let mut inbound = MessageReader::new(socket, early, limits);
        let mut rest = wire::close(None);
        let closing = poll_fn(|cx| {
            while !rest.is_empty() {
                ready!(inbound.socket().poll_write_ready(cx))?;
                match inbound.socket().write(cx, &[IoSlice::new(&rest)]) {
                    Ok(len) => drop(rest.drain(..len)),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Poll::Pending,
                    Err(error) => return Poll::Ready(Err(error)),
                }
                if rest.is_empty() {
                    ready!(inbound.socket().poll_flush(cx))?;
                    inbound.socket().shutdown(cx);
                }
            }
            inbound.poll_discard(cx).map(Ok)
        });
        match tokio::time::timeout(close, closing).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a second WebSocket is gone"),
            Err(_) => tracing::debug!("a second WebSocket was not closed in time"),
        }
    });
    response
}

impl Session {
    /// Makes ready for a WebSocket, if it is on polling.
    pub(crate) fn begin_upgrade(&self) -> bool {
        let mut out = self.lock();
        let may = out.line == Line::Polling;
        if may {
            out.line = Line::Upgrading;
        }
        may
    }

    /// The client has seen that its WebSocket works. What comes next waits for it there, and its poll,
    /// if there is one, is answered for it to be the last.
    pub(crate) fn probed(&self) {
        let mut out = self.lock();
        if out.line == Line::Upgrading {
            out.line = Line::Moving;
        }
        drop(out);
        self.poll.wake();
    }

    /// The upgrade has come to nothing, and the session goes on where it was: the library knows of none.
    /// Whether it does.
    pub(crate) fn stay(&self) -> bool {
        let mut out = self.lock();
        let is_upgrade = matches!(out.line, Line::Upgrading | Line::Moving);
        let stays = is_upgrade && out.phase != Phase::Over && !out.cut;
        if stays {
            out.line = Line::Polling;
            out.wire = None;
        }
        drop(out);
        if stays {
            self.advance();
        }
        stays
    }
}
