//! The headers and the short answers that requests have in common.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use stellarfw_transport::{
    ServerConfig, cors,
    handshake::cookies,
    http::{Response, empty, text},
};

use crate::route::Route;

const YEAR: u32 = 365 * 24 * 60 * 60;
const CACHED: &str = "public, max-age=31536000";
const NOT_CACHED: &str = "no-store, no-cache, no-transform, must-revalidate, max-age=0";
const COOKIE: &str = "JSESSIONID";
/// As much of a client's cookie is sent back.
const LONGEST_COOKIE: usize = 256;

/// What goes with every answer to this request, whatever it is.
pub(crate) fn common(
    route: Route<'_>,
    parts: &Parts,
    server: &ServerConfig,
    cookie: bool,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if matches!(route, Route::Info | Route::Session(..)) {
        // Also for POST, which iOS 6 caches.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(NOT_CACHED));
    }
    if route.has_cors() {
        headers.extend(cors::headers(server, parts));
    }
    if cookie && matches!(route, Route::Session(..)) {
        headers.insert(header::SET_COOKIE, session_cookie(server, parts));
    }
    headers
}

/// The cookie that some load balancers want to see: the client's own, or one without a meaning.
fn session_cookie(server: &ServerConfig, parts: &Parts) -> HeaderValue {
    let headers = &parts.headers;
    let secure = match server.is_https(&parts.extensions, headers) {
        Some(true) => "; Secure",
        _ => "",
    };
    let values = headers.get_all(header::COOKIE).iter();
    let own = cookies(values.map(HeaderValue::as_bytes))
        .find_map(|(name, value)| (name == COOKIE).then_some(value))
        .filter(|value| !value.is_empty() && value.len() <= LONGEST_COOKIE);
    HeaderValue::from_str(&format!(
        "{COOKIE}={}; path=/{secure}",
        own.unwrap_or("dummy")
    ))
    .unwrap_or(HeaderValue::from_static("JSESSIONID=dummy; path=/"))
}

/// Lets everybody keep the answer for a year.
pub(crate) fn cache(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHED));
    let expires = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(YEAR.into()));
    if let Ok(expires) = HeaderValue::from_str(&expires) {
        headers.insert(header::EXPIRES, expires);
    }
}

/// The answer to a browser that asks what it may send.
pub(crate) fn options(route: Route<'_>) -> Response {
    let mut response = cors::preflight(route.methods(), YEAR);
    cache(response.headers_mut());
    response
}

/// 405, with the methods there are.
pub(crate) fn method_not_allowed(route: Route<'_>) -> Response {
    let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(route.methods()));
    response
}

/// A status and a text, with the type as the protocol spells it.
pub(crate) fn plain(status: StatusCode, message: &'static str) -> Response {
    with_type(text(status, message), "text/plain; charset=UTF-8")
}

pub(crate) fn with_type(mut response: Response, content_type: &'static str) -> Response {
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
