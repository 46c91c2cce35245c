//! The handshake of RFC 6455, read and answered, and the socket that comes of it.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use hyper::upgrade::OnUpgrade;
use sha1::{Digest as _, Sha1};
use stellarfw_transport::http::{Response, text};

use crate::socket::Socket;

/// A request for a WebSocket that can be granted.
pub struct Upgrade {
    accept: HeaderValue,
    protocol: Option<HeaderValue>,
    io: OnUpgrade,
}

/// Why a request for a WebSocket cannot be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadUpgrade {
    /// It is no GET, or has no key of 16 bytes (section 4.2.1).
    Handshake,
    /// It is of another version than 13.
    Version,
    /// The server in front has taken the upgrade away, or does not support any.
    Impossible,
}

impl Upgrade {
    /// Reads a request whose `Upgrade` and `Connection` ask for a WebSocket, and takes out of it what
    /// the upgrade needs.
    ///
    /// # Errors
    /// Why it cannot be granted.
    pub fn read(parts: &mut Parts) -> Result<Self, BadUpgrade> {
        let accept = accept_key(parts).ok_or(BadUpgrade::Handshake)?;
        if header_str(&parts.headers, header::SEC_WEBSOCKET_VERSION) != Some("13") {
            return Err(BadUpgrade::Version);
        }
        let io = parts.extensions.remove::<OnUpgrade>();
        Ok(Self {
            accept,
            protocol: first_protocol(&parts.headers),
            io: io.ok_or(BadUpgrade::Impossible)?,
        })
    }

    /// The answer that grants it, without extensions.
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

    /// Waits for the socket, no longer than this, once the answer is on its way; with what the HTTP
    /// server had read of it beyond the request. None where nothing came of it. Cancel safe in that
    /// the connection ends.
    pub async fn socket(self, timeout: Duration) -> Option<(Socket, Bytes)> {
        match tokio::time::timeout(timeout, self.io).await {
            Ok(Ok(upgraded)) => return Some(Socket::new(upgraded)),
            Ok(Err(error)) => tracing::debug!(%error, "the upgrade failed"),
            Err(_) => tracing::debug!("the upgrade took too long"),
        }
        None
    }
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
