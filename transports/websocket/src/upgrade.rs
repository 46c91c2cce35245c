//! The opening handshake on the server (RFC 6455 section 4.2).

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use hyper::upgrade::OnUpgrade;
use sha1::{Digest as _, Sha1};
use stellarfw_transport::http::{Response, text};

use crate::socket::Socket;

/// A valid request for a WebSocket.
pub struct Upgrade {
    accept: HeaderValue,
    protocol: Option<HeaderValue>,
    io: OnUpgrade,
}

/// The reason that a request for a WebSocket cannot be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// The request is not a GET, or has no key of 16 bytes (RFC 6455 section 4.2.1).
    #[error("the request is not a GET with a `Sec-WebSocket-Key` of 16 bytes")]
    Handshake,
    /// The request asks for another version than 13.
    #[error("the version of WebSocket is not 13")]
    Version,
    /// The HTTP server took the upgrade away or supports none.
    #[error("the HTTP server supports no upgrade")]
    Unsupported,
}

impl Upgrade {
    /// Reads a request and takes hyper's upgrade handle out of it.
    ///
    /// The caller has checked the headers `Upgrade` and `Connection`
    /// ([`is_websocket_upgrade`](stellarfw_transport::is_websocket_upgrade)).
    ///
    /// # Errors
    /// The reason that the request cannot be granted.
    pub fn read(parts: &mut Parts) -> Result<Self, UpgradeError> {
        let accept = accept_key(parts).ok_or(UpgradeError::Handshake)?;
        if header_str(&parts.headers, header::SEC_WEBSOCKET_VERSION) != Some("13") {
            return Err(UpgradeError::Version);
        }
        let io = parts.extensions.remove::<OnUpgrade>();
        Ok(Self {
            accept,
            protocol: first_protocol(&parts.headers),
            io: io.ok_or(UpgradeError::Unsupported)?,
        })
    }

    /// Returns the response 101, with the first subprotocol offered and without extensions.
    #[must_use]
    pub fn response(&self) -> Response {
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

    /// Awaits the socket after the response was returned, at most for `timeout`.
    ///
    /// Returns the socket and the bytes that the HTTP server read beyond the request, or `None` if the
    /// upgrade failed or timed out. Dropping the future ends the connection.
    pub async fn socket(self, timeout: Duration) -> Option<(Socket, Bytes)> {
        match tokio::time::timeout(timeout, self.io).await {
            Ok(Ok(upgraded)) => return Some(Socket::new(upgraded)),
            Ok(Err(error)) => tracing::debug!(%error, "the upgrade failed"),
            Err(_) => tracing::debug!("the upgrade took too long"),
        }
        None
    }
}

/// Computes `Sec-WebSocket-Accept`, if the request is a GET with a key of 16 bytes.
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

/// Returns the first subprotocol offered. Subprotocols have no meaning here, but a browser that offers
/// some fails the connection if none is chosen.
fn first_protocol(headers: &HeaderMap) -> Option<HeaderValue> {
    let offered = header_str(headers, header::SEC_WEBSOCKET_PROTOCOL)?;
    let first = offered.split(',').next()?.trim();
    (!first.is_empty()).then(|| HeaderValue::from_str(first).ok())?
}

fn header_str(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
