//! Entity tags: what a browser has already need not be sent again.

use axum::response::{IntoResponse as _, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};

/// The tag of a text: the same text has the same tag, after a restart too.
#[derive(Clone)]
pub(super) struct Tag(HeaderValue);

impl Tag {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let hash = STANDARD.encode(Sha256::digest(bytes));
        let value = HeaderValue::from_str(&format!("\"{hash}\""));
        Self(value.unwrap_or_else(|_| unreachable!("base64 is a header value")))
    }

    pub(super) fn value(&self) -> HeaderValue {
        self.0.clone()
    }

    /// Whether a request says that its sender has what the tag stands for.
    pub(super) fn is_known(&self, headers: &HeaderMap) -> bool {
        let tag = self.0.to_str().unwrap_or_default();
        headers
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|known| known.trim().trim_start_matches("W/"))
            .any(|known| known == tag || known == "*")
    }

    /// 304 Not Modified.
    pub(super) fn not_modified(&self) -> Response {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        response.headers_mut().insert(header::ETAG, self.value());
        response
    }
}
