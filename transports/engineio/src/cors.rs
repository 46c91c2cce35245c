//! What a browser must be told about polling from pages of other hosts. Which of them may come at
//! all is the server's origin policy.

use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use stellarfw_transport::http::{Response, text};

/// Lets the page that asks read the answer.
pub(crate) fn allow(origin: Option<HeaderValue>, headers: &mut HeaderMap) {
    let Some(origin) = origin else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        HeaderValue::from_static("true"),
    );
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}

/// The answer to a browser that asks what it may send.
pub(crate) fn preflight(parts: &Parts) -> Response {
    let mut response = text(StatusCode::NO_CONTENT, "");
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST"),
    );
    let asked = parts.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        asked
            .cloned()
            .unwrap_or_else(|| HeaderValue::from_static("content-type")),
    );
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("600"),
    );
    response
}
