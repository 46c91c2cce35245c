//! Headers and short responses that requests have in common.

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
/// Maximum length of a client's cookie that is sent back, in bytes.
const LONGEST_COOKIE: usize = 256;

/// Returns the headers of every response to this request, errors included.
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
        // POST responses need it too: iOS 6 caches them.
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

/// Returns the cookie that sticky load balancers need: the client's own, or a dummy.
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

/// Lets clients and proxies cache the response for a year.
pub(crate) fn cache(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHED));
    let expires = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(YEAR.into()));
    if let Ok(expires) = HeaderValue::from_str(&expires) {
        headers.insert(header::EXPIRES, expires);
    }
}

/// Returns the response to a preflight request.
pub(crate) fn options(route: Route<'_>) -> Response {
    let mut response = cors::preflight(route.methods(), YEAR);
    cache(response.headers_mut());
    response
}

/// Returns a 405 with the methods of the route.
pub(crate) fn method_not_allowed(route: Route<'_>) -> Response {
    let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(route.methods()));
    response
}

/// Returns a text response, with the content type as the protocol spells it.
pub(crate) fn plain(status: StatusCode, message: &'static str) -> Response {
    with_type(text(status, message), "text/plain; charset=UTF-8")
}

pub(crate) fn with_type(mut response: Response, content_type: &'static str) -> Response {
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
