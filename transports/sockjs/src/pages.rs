//! The pages without a session: the greeting, `info` and `iframe.html`.

use std::hash::{DefaultHasher, Hasher as _};

use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use stellarfw_transport::{
    OriginPolicy,
    http::{Response, empty, text},
};

use crate::{
    config::SockJsConfig,
    responses::{cache, plain, with_type},
};

pub(crate) fn greeting() -> Response {
    plain(StatusCode::OK, "Welcome to SockJS!\n")
}

pub(crate) fn info(config: &SockJsConfig) -> Response {
    // Old browsers use it to generate session names.
    let Ok(entropy) = getrandom::u32() else {
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let info = serde_json::json!({
        "websocket": config.websocket,
        "origins": ["*:*"],
        "cookie_needed": config.cookie,
        "entropy": entropy,
    });
    with_type(
        text(StatusCode::OK, info.to_string()),
        "application/json; charset=UTF-8",
    )
}

/// Returns `iframe.html`, with which old browsers make cross-origin requests.
///
/// A page that frames it can open sessions with this server's origin. `frame-ancestors` therefore
/// restricts framing to the pages of the origin policy.
pub(crate) fn iframe(
    (script, integrity): (&str, Option<&str>),
    origins: &OriginPolicy,
    parts: &Parts,
) -> Response {
    let integrity = integrity.map_or_else(String::new, |hash| {
        let hash = attribute(hash);
        // Browsers check the hash of a cross-origin script only with `crossorigin`.
        format!(" integrity=\"{hash}\" crossorigin=\"anonymous\"")
    });
    let page = include_str!("iframe.html")
        .replace("{script}", &attribute(script))
        .replace("{integrity}", &integrity);
    let mut hasher = DefaultHasher::new();
    hasher.write(page.as_bytes());
    let tag = format!("\"{:016x}\"", hasher.finish());
    let mut response = if is_cached(&parts.headers, &tag) {
        empty(StatusCode::NOT_MODIFIED)
    } else {
        with_type(text(StatusCode::OK, page), "text/html; charset=UTF-8")
    };
    let headers = response.headers_mut();
    cache(headers);
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if let Some(ancestors) = ancestors(origins) {
        headers.insert(header::CONTENT_SECURITY_POLICY, ancestors);
        // For browsers without `Content-Security-Policy`. This header cannot hold a list.
        headers.insert(
            header::X_FRAME_OPTIONS,
            HeaderValue::from_static("SAMEORIGIN"),
        );
    }
    response
}

fn is_cached(headers: &HeaderMap, tag: &str) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().any(|value| {
        value.to_str().is_ok_and(|value| {
            value
                .split(',')
                .map(|known| known.trim().trim_start_matches("W/"))
                .any(|known| known == tag || known == "*")
        })
    })
}

/// Returns the `frame-ancestors` directive for the policy, or `None` if every page may frame.
fn ancestors(origins: &OriginPolicy) -> Option<HeaderValue> {
    let list: &[String] = match origins {
        OriginPolicy::Any => return None,
        OriginPolicy::List(list) => list,
        OriginPolicy::Same => &[],
    };
    let is_origin = |entry: &&String| {
        entry.contains("://")
            && entry.bytes().all(|b| {
                b.is_ascii_alphanumeric()
                    || matches!(b, b':' | b'/' | b'.' | b'-' | b'*' | b'[' | b']')
            })
    };
    let mut policy = String::from("frame-ancestors 'self'");
    for entry in list.iter().filter(is_origin) {
        policy.push(' ');
        policy.push_str(entry.trim_end_matches('/'));
    }
    let fallback = HeaderValue::from_static("frame-ancestors 'self'");
    Some(HeaderValue::from_str(&policy).unwrap_or(fallback))
}

/// Escapes a text for an HTML attribute.
fn attribute(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_follows_the_origin_policy() {
        let of = |policy| ancestors(&policy).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(of(OriginPolicy::Any), None);
        assert_eq!(of(OriginPolicy::Same).unwrap(), "frame-ancestors 'self'");
        let list = [
            "https://a.com/",
            "https://*.b.com",
            "null",
            "https://c.com; script-src x",
        ];
        assert_eq!(
            of(OriginPolicy::List(list.map(Into::into).into())).unwrap(),
            "frame-ancestors 'self' https://a.com https://*.b.com"
        );
    }

    #[test]
    fn the_script_stays_in_its_attribute() {
        assert_eq!(attribute("/a?b&c\"><x"), "/a?b&amp;c&quot;&gt;&lt;x");
    }
}
