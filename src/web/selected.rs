//! The answer to a request for something that has a representation: with validators and ranges.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::SystemTime,
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::{
    coding::Coding,
    conditions::{Current, Tag, Verdict, last_modified},
};

/// The representation that was chosen for a request.
pub(super) struct Selected<'a> {
    pub(super) content_type: &'a HeaderValue,
    pub(super) coding: Option<Coding>,
    /// Other requests may be given another coding.
    pub(super) is_negotiated: bool,
    pub(super) tag: &'a Tag,
    pub(super) modified: Option<SystemTime>,
    /// Its length in bytes, where that is known before.
    pub(super) length: Option<u64>,
    /// Whether parts of it can be had.
    pub(super) has_ranges: bool,
    pub(super) cache_control: HeaderValue,
}

impl Selected<'_> {
    /// What a GET or HEAD is answered with, by its conditions.
    pub(super) fn judge(&self, method: &Method, headers: &HeaderMap) -> Verdict {
        let current = Current {
            tag: self.tag,
            modified: self.modified,
            length: self.length.filter(|_| self.has_ranges),
        };
        current.judge(method, headers)
    }

    /// The answer, with its headers. The body of 200 and 206 is `body`, but to HEAD.
    pub(super) fn answer(&self, verdict: &Verdict, body: Option<Body>) -> Response {
        // A body of no known length: an exact 0 would be told as the representation's length.
        let body = body.unwrap_or_else(|| Body::new(Nothing));
        let mut response = Response::new(body);
        let status = match verdict {
            Verdict::Whole => StatusCode::OK,
            Verdict::Part(_) => StatusCode::PARTIAL_CONTENT,
            Verdict::NotModified => StatusCode::NOT_MODIFIED,
            Verdict::Failed => StatusCode::PRECONDITION_FAILED,
            Verdict::Unsatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
        };
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let length = self.length.unwrap_or_default();
        let mut put = |name, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        };
        match verdict {
            Verdict::Whole => {
                if let Some(length) = self.length {
                    put(header::CONTENT_LENGTH, length.to_string());
                }
            }
            Verdict::Part(part) => {
                let (start, end) = (part.start, part.end);
                put(header::CONTENT_LENGTH, (end - start).to_string());
                let last = end - 1;
                put(
                    header::CONTENT_RANGE,
                    format!("bytes {start}-{last}/{length}"),
                );
            }
            Verdict::NotModified => {}
            Verdict::Failed => put(header::CONTENT_LENGTH, "0".into()),
            Verdict::Unsatisfiable => {
                put(header::CONTENT_LENGTH, "0".into());
                put(header::CONTENT_RANGE, format!("bytes */{length}"));
            }
        }
        if matches!(verdict, Verdict::Whole | Verdict::Part(_)) {
            headers.insert(header::CONTENT_TYPE, self.content_type.clone());
            if let Some(coding) = self.coding {
                let name = HeaderValue::from_static(coding.name());
                headers.insert(header::CONTENT_ENCODING, name);
            }
            if self.has_ranges {
                let bytes = HeaderValue::from_static("bytes");
                headers.insert(header::ACCEPT_RANGES, bytes);
            }
        }
        if *verdict != Verdict::Unsatisfiable && *verdict != Verdict::Failed {
            headers.insert(header::ETAG, self.tag.value());
            if let Some(value) = self.modified.and_then(last_modified) {
                headers.insert(header::LAST_MODIFIED, value);
            }
            headers.insert(header::CACHE_CONTROL, self.cache_control.clone());
        }
        if self.is_negotiated {
            let vary = HeaderValue::from_static("accept-encoding");
            headers.insert(header::VARY, vary);
        }
        let nosniff = HeaderValue::from_static("nosniff");
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        response
    }
}

/// A body that is empty and does not say so before.
struct Nothing;

impl http_body::Body for Nothing {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        Poll::Ready(None)
    }
}
