//! What a request asks for, and the protocol's own answers to what cannot be.

use std::fmt;

use engineioxide::socket::Sid;
use http::{Method, StatusCode, header, request::Parts};
use serde_json::json;
use stellarfw_transport::{
    handshake::query_value,
    http::{Response, json as answer},
};

/// A request, read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) protocol: u8,
    pub(crate) socket: bool,
    /// The client sends binary as base64, and wants it so.
    pub(crate) base64: bool,
    pub(crate) sid: Option<Sid>,
}

/// The protocol's errors, with their codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    UnknownTransport = 0,
    UnknownSession = 1,
    BadMethod = 2,
    BadRequest = 3,
    BadVersion = 5,
}

impl fmt::Display for Fault {
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

impl Fault {
    /// The answer: 400 with code and message.
    pub(crate) fn response(self, upgrade: bool) -> Response {
        self.with_status(StatusCode::BAD_REQUEST, upgrade)
    }

    pub(crate) fn with_status(self, status: StatusCode, upgrade: bool) -> Response {
        let body = json!({ "code": self as u8, "message": self.to_string() });
        let mut response = answer(status, &body);
        if upgrade {
            let close = http::HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        response
    }
}

impl Ask {
    /// Reads a request's query, in the order in which Engine.IO's own server checks it.
    pub(crate) fn read(parts: &Parts, allow_eio3: bool) -> Result<Self, Fault> {
        let value = |key| query_value(&parts.uri, key);
        let socket = match value("transport").as_deref() {
            Some("polling") => false,
            Some("websocket") => true,
            _ => return Err(Fault::UnknownTransport),
        };
        let sid = match value("sid") {
            Some(sid) => Some(sid.parse().map_err(|_| Fault::UnknownSession)?),
            None => None,
        };
        if sid.is_none() && parts.method != Method::GET {
            return Err(Fault::BadMethod);
        }
        let protocol = match value("EIO").as_deref() {
            Some("4") => 4,
            Some("3") if allow_eio3 && cfg!(feature = "v3") => 3,
            _ => return Err(Fault::BadVersion),
        };
        Ok(Self {
            protocol,
            socket,
            base64: matches!(value("b64").as_deref(), Some("1" | "true")),
            sid,
        })
    }

    /// The same request as the library is to see it: without what is ours.
    pub(crate) fn uri(&self) -> String {
        let transport = if self.socket { "websocket" } else { "polling" };
        let mut uri = format!("/?EIO={}&transport={transport}", self.protocol);
        if let Some(sid) = self.sid {
            uri.push_str("&sid=");
            uri.push_str(sid.as_str());
        }
        if self.base64 {
            uri.push_str("&b64=1");
        }
        uri
    }
}
