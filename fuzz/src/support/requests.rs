//! In-memory requests.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use stellarfw::transport::{Server, http::body};

use super::Pieces;

/// Timeout of a response.
const DEADLINE: Duration = Duration::from_secs(20);

/// A response.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: Bytes,
    /// The content is not text.
    pub is_binary: bool,
}

impl Answer {
    /// Returns the body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }
}

/// Sends a request with its body in pieces. `None` if the target is invalid.
pub async fn request(
    server: &Server,
    method: &str,
    target: &str,
    content_type: &'static str,
    pieces: &[&[u8]],
) -> Option<Answer> {
    let request = Request::builder().method(method).uri(target);
    let content_type = HeaderValue::from_static(content_type);
    let request = request.header(header::CONTENT_TYPE, content_type);
    let request = request.body(body(Pieces::of(pieces))).ok()?;
    let response = tokio::time::timeout(DEADLINE, server.serve(request)).await;
    let response = response.unwrap_or_else(|_| panic!("no response to {method} {target}"));
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_binary = kind.is_some_and(|kind| kind == "application/octet-stream");
    let body = tokio::time::timeout(DEADLINE, response.into_body().collect()).await;
    let body = body.unwrap_or_else(|_| panic!("the response to {method} {target} does not end"));
    let body = body.unwrap_or_else(|error| panic!("the body broke off: {error}"));
    Some(Answer {
        status,
        body: body.to_bytes(),
        is_binary,
    })
}
