//! From a first request to a session, and from a session's request to its WebSocket.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use engineioxide::socket::Sid;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, Full};
use hyper::upgrade::OnUpgrade;
use serde::Deserialize;
use stellarfw_transport::{
    Server,
    http::{Response, body as body_of, text},
    is_websocket_upgrade,
};
use tungstenite::handshake::derive_accept_key;

use crate::{
    front::Front,
    io::Socket,
    library::Library,
    outlet::Line,
    paced::Paced,
    polling,
    request::{Ask, Fault},
    session::Session,
};

/// A WebSocket that may be made of a request.
pub(crate) struct Upgrade {
    accept: HeaderValue,
    protocol: Option<HeaderValue>,
    io: OnUpgrade,
}

impl Upgrade {
    /// Checks a request for an upgrade (RFC 6455 section 4.2).
    pub(crate) fn read(parts: &mut Parts) -> Result<Self, Fault> {
        let is_version = header(&parts.headers, header::SEC_WEBSOCKET_VERSION) == Some("13");
        if parts.method != Method::GET || !is_websocket_upgrade(parts) || !is_version {
            return Err(Fault::BadRequest);
        }
        let key = header(&parts.headers, header::SEC_WEBSOCKET_KEY)
            .map(str::trim)
            .filter(|key| STANDARD.decode(key).is_ok_and(|key| key.len() == 16))
            .ok_or(Fault::BadRequest)?;
        let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()));
        Ok(Self {
            accept: accept.map_err(|_| Fault::BadRequest)?,
            protocol: first_protocol(&parts.headers),
            // The server in front has taken the upgrade away, or does not support any.
            io: parts.extensions.remove().ok_or(Fault::BadRequest)?,
        })
    }

    fn response(&self) -> Response {
        let mut response = text(StatusCode::SWITCHING_PROTOCOLS, "");
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_TYPE);
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept.clone());
        if let Some(protocol) = &self.protocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol.clone());
        }
        response
    }
}

/// Opens a session that begins with polling.
pub(crate) async fn polling(library: &dyn Library, session: Arc<Session>, ask: &Ask) -> Response {
    let request = polling::request(ask, Method::GET, None, Paced::default());
    let Some(mut request) = request else {
        return Fault::BadRequest.response(false);
    };
    request.extensions_mut().insert(session.clone());
    let response = library.answer(request).await;
    if !response.status().is_success() {
        return Fault::BadRequest.with_status(response.status(), false);
    }
    if session.sid().is_some() {
        return response;
    }
    // A library that calls nobody at the opening says the id in its answer only.
    let (parts, body) = response.into_parts();
    let bytes = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes);
    let bytes = bytes.unwrap_or_default();
    if let Some(sid) = sid(&bytes) {
        session.register(sid);
    }
    Response::from_parts(parts, body_of(Full::new(bytes)))
}

/// The id in an open packet, of either protocol.
fn sid(packet: &[u8]) -> Option<Sid> {
    #[derive(Deserialize)]
    struct Open {
        sid: Sid,
    }
    let at = packet.iter().position(|b| *b == b'{')?;
    let open: Open = serde_json::from_slice(&packet[at..]).ok()?;
    Some(open.sid)
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
    let request = Request::get(ask.uri()).extension(session.clone()).body(());
    let Ok(request) = request else {
        return Fault::BadRequest.response(true);
    };
    let response = upgrade.response();
    let timeout = server.config().handshake_timeout();
    let base64 = ask.base64 && ask.protocol == 4;
    let front = front.clone();
    tokio::spawn(async move {
        match tokio::time::timeout(timeout, upgrade.io).await {
            Ok(Ok(io)) => {
                let socket = Box::new(Socket::new(io, session, &front, base64));
                front.library.websocket(socket, request);
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "the upgrade failed");
                session.stay();
            }
            Err(_) => {
                tracing::debug!("the upgrade took too long");
                session.stay();
            }
        }
    });
    response
}

impl Session {
    /// Makes ready for a WebSocket, if it is on polling with nothing left behind there.
    pub(crate) fn begin_upgrade(&self) -> bool {
        let mut out = self.lock();
        let may = out.line == Line::Polling && !out.kept;
        if may {
            out.line = Line::Upgrading;
        }
        may
    }

    /// The upgrade has come to nothing before the library knew of it.
    fn stay(&self) {
        let mut out = self.lock();
        if out.line == Line::Upgrading {
            out.line = Line::Polling;
        }
        drop(out);
        self.advance();
    }
}

/// The first subprotocol the client asks for. They mean nothing here, but a browser that asked for
/// some fails the connection if none is chosen.
fn first_protocol(headers: &HeaderMap) -> Option<HeaderValue> {
    let first = header(headers, header::SEC_WEBSOCKET_PROTOCOL)?
        .split(',')
        .next()?
        .trim();
    (!first.is_empty()).then(|| HeaderValue::from_str(first).ok())?
}

fn header(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
