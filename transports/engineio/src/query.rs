//! The query of a request, and the protocol's own errors.

use std::fmt;

use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use serde_json::json;
use stellarfw_transport::{
    handshake::query_value,
    http::{Response, json as answer},
};

use crate::packet::Version;

/// What a request asks for.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) version: Version,
    /// It is for a WebSocket.
    pub(crate) websocket: bool,
    /// The client sends binary as base64, and wants it so.
    pub(crate) base64: bool,
    /// The id of its session; none when it opens one.
    pub(crate) session: Option<String>,
}

/// The protocol's errors, with their codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestError {
    UnknownTransport = 0,
    UnknownSession = 1,
    BadMethod = 2,
    BadRequest = 3,
    BadVersion = 5,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownTransport => "Transport unknown",
            Self::UnknownSession => "Session ID unknown",
            Self::BadMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::BadVersion => "Unsupported protocol version",
        })
    }
}

impl RequestError {
    /// Returns the response: 400 with code and message.
    pub(crate) fn response(self, upgrade: bool) -> Response {
        let body = json!({ "code": self as u8, "message": self.to_string() });
        let mut response = answer(StatusCode::BAD_REQUEST, &body);
        if upgrade {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        response
    }
}

impl Query {
    /// Reads a request's query, in the order in which Engine.IO's own server checks it.
    pub(crate) fn read(parts: &Parts, allow_eio3: bool) -> Result<Self, RequestError> {
        let value = |key| query_value(&parts.uri, key);
        let websocket = match value("transport").as_deref() {
            Some("polling") => false,
            Some("websocket") => true,
            _ => return Err(RequestError::UnknownTransport),
        };
        let session = value("sid").map(|id| id.into_owned());
        if session.is_none() && parts.method != Method::GET {
            return Err(RequestError::BadMethod);
        }
        let version = match value("EIO").as_deref() {
            Some("4") => Version::V4,
            Some("3") if allow_eio3 && cfg!(feature = "v3") => Version::V3,
            // Of a session that there is not, the version does not matter.
            _ => return Err(RequestError::BadVersion),
        };
        Ok(Self {
            version,
            websocket,
            base64: matches!(value("b64").as_deref(), Some("1" | "true")),
            session,
        })
    }
}
