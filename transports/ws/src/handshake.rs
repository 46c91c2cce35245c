//! From an HTTP request to an upgraded connection (RFC 6455 section 4.2).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use hyper::upgrade::OnUpgrade;
use sha1::{Digest as _, Sha1};
use stellarfw_transport::{
    Admission, Server,
    http::{Request, Response, refused, text},
    is_websocket_upgrade,
};

use crate::{
    WsConfig,
    deflate::{self, Negotiated},
    framing::Framing,
    session::Session,
    socket::Socket,
};

/// Answers an upgrade request for an engine whose messages are framed by `F`: checks the handshake,
/// asks the server whether the connection may come in, and makes a spark of it. `engine` is the
/// engine's name.
///
/// What is no upgrade is answered 426, and a refusal as [`refused`] tells it. Who would be refused
/// is told so without an upgrade, too: scripts on pages do not see the answer to a failed one.
///
/// Not cancel safe, as [`Transport::serve`](stellarfw_transport::Transport::serve).
pub async fn accept<F: Framing>(
    config: &WsConfig,
    server: &Server,
    engine: &'static str,
    request: Request,
) -> Response {
    let (mut parts, _) = request.into_parts();
    if !is_websocket_upgrade(&parts) {
        return match server.admit(engine, &mut parts).await {
            Ok(_) => upgrade_required(),
            Err(refusal) => refused(&refusal, false),
        };
    }
    let Some(accept) = accept_key(&parts) else {
        return text(StatusCode::BAD_REQUEST, "Bad Request\n");
    };
    if header_str(&parts.headers, header::SEC_WEBSOCKET_VERSION) != Some("13") {
        return upgrade_required();
    }
    let Some(upgrade) = parts.extensions.remove::<OnUpgrade>() else {
        // The server in front has taken the upgrade away, or does not support any.
        return text(StatusCode::NOT_IMPLEMENTED, "No upgrade possible here\n");
    };
    let admission = match server.admit(engine, &mut parts).await {
        Ok(admission) => admission,
        Err(refusal) => return refused(&refusal, true),
    };
    let agreed = config.compression.as_ref().and_then(|compression| {
        let offers = parts.headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS);
        deflate::negotiate(compression, offers)
    });
    let (agreed, extension) = agreed.unzip();

    let mut response = text(StatusCode::SWITCHING_PROTOCOLS, "");
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(protocol) = first_protocol(&parts.headers) {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    if let Some(extension) = extension {
        headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, extension);
    }
    tokio::spawn(upgraded::<F>(
        config.clone(),
        server.clone(),
        admission,
        agreed,
        upgrade,
    ));
    response
}

/// Waits for the upgrade, no longer than a handshake may take, and then is the connection's task.
async fn upgraded<F: Framing>(
    config: WsConfig,
    server: Server,
    mut admission: Admission,
    agreed: Option<Negotiated>,
    upgrade: OnUpgrade,
) {
    let timeout = server.config().handshake_timeout();
    let upgraded = match tokio::time::timeout(timeout, upgrade).await {
        Ok(Ok(upgraded)) => upgraded,
        Ok(Err(error)) => {
            tracing::debug!(%error, "the upgrade failed");
            return;
        }
        Err(_) => {
            tracing::debug!("the upgrade took too long");
            return;
        }
    };
    let (socket, early) = Socket::new(upgraded);
    if admission.handshake().remote().is_none() {
        admission.set_remote(socket.peer());
    }
    // A task of its own, so that what the handshake needed is freed.
    tokio::spawn(Session::<F>::new(
        &config, &server, admission, agreed, socket, early,
    ));
}

fn upgrade_required() -> Response {
    let mut response = text(StatusCode::UPGRADE_REQUIRED, "Upgrade Required");
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(
        header::SEC_WEBSOCKET_VERSION,
        HeaderValue::from_static("13"),
    );
    response
}

/// The answer to the client's key, if the request is a GET with a key of 16 bytes.
fn accept_key(parts: &Parts) -> Option<HeaderValue> {
    let key = header_str(&parts.headers, header::SEC_WEBSOCKET_KEY)?.trim();
    if parts.method != Method::GET || STANDARD.decode(key).ok()?.len() != 16 {
        return None;
    }
    let mut hash = Sha1::new();
    hash.update(key.as_bytes());
    // The constant of RFC 6455 section 1.3.
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    HeaderValue::from_str(&STANDARD.encode(hash.finalize())).ok()
}

/// The first subprotocol the client asks for. Sub-protocols mean nothing here, but a browser that
/// asked for some fails the connection if none is chosen.
fn first_protocol(headers: &HeaderMap) -> Option<HeaderValue> {
    let offered = header_str(headers, header::SEC_WEBSOCKET_PROTOCOL)?;
    let first = offered.split(',').next()?.trim();
    (!first.is_empty()).then(|| HeaderValue::from_str(first).ok())?
}

fn header_str(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
