//! Texts that do not change while the server runs, with caching.

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

use super::etag::Tag;

/// A text that does not change while the server runs.
#[derive(Clone)]
pub(super) struct Fixed {
    text: Bytes,
    tag: Tag,
    mime: HeaderValue,
}

impl Fixed {
    pub(super) fn new(text: String, mime: HeaderValue) -> Self {
        Self {
            tag: Tag::of(text.as_bytes()),
            text: text.into(),
            mime,
        }
    }

    pub(super) fn answer(&self, headers: &HeaderMap) -> Response {
        let mut response = if self.tag.is_known(headers) {
            self.tag.not_modified()
        } else {
            let mut response = Response::new(Body::from(self.text.clone()));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, self.mime.clone());
            response
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, self.tag.value());
        // Kept by browsers, and asked about each time: the settings may change with a restart.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        response
    }
}
