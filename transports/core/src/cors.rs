//! Which pages of other origins may read an engine's answers (Fetch standard, section 3.3).
//!
//! There is one policy for all engines: a page that may connect may read, with its cookies. An engine
//! with paths for `fetch` or `XMLHttpRequest` adds [`headers`] to what it answers there, refusals
//! included, and answers `OPTIONS` with [`preflight`].

use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};

use crate::{
    config::ServerConfig,
    http::{Response, empty},
    origin::{OriginPolicy, Provenance},
};

/// The headers that let the page that sent a request read its answer.
///
/// | request | `Access-Control-Allow-Origin` | `Access-Control-Allow-Credentials` |
/// |---|---|---|
/// | from an origin that may connect, also `null` | that origin | `true` |
/// | from another origin | none, but for the refusal | none, but for the refusal |
/// | without an `Origin`, and every page may connect | `*` | none |
/// | without an `Origin` otherwise | none | none |
///
/// `Access-Control-Allow-Headers` repeats what the request asks for. `Vary: Origin` is always there,
/// because a cache must not give one page what was answered to another.
#[must_use]
pub fn headers(config: &ServerConfig, request: &Parts) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = request.headers.get(header::ORIGIN) else {
        if config.origins == OriginPolicy::Any {
            let every = HeaderValue::from_static("*");
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, every);
        }
        return headers;
    };
    if config.provenance(request) != Provenance::Trusted {
        return headers;
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        HeaderValue::from_static("true"),
    );
    let asked = request.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    if let Some(asked) = asked.filter(|asked| !asked.is_empty()) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    headers
}

/// The answer to a browser that asks what it may send, to which [`headers`] are to be added.
///
/// `methods` is the value of `Access-Control-Allow-Methods`; `max_age` is how many seconds a browser
/// may remember the answer.
#[must_use]
pub fn preflight(methods: &'static str, max_age: u32) -> Response {
    let mut response = empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static(methods),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, max_age.into());
    response
}

/// Adds [`headers`] to an answer. Its own `Vary` stays beside that of the policy.
pub fn add(headers: HeaderMap, response: &mut Response) {
    for (name, value) in headers {
        let Some(name) = name else { continue };
        if name == header::VARY {
            let mut own = response.headers().get_all(header::VARY).iter();
            if own.all(|own| *own != value) {
                response.headers_mut().append(name, value);
            }
        } else {
            response.headers_mut().insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(origins: &OriginPolicy) -> ServerConfig {
        ServerConfig {
            origins: origins.clone(),
            ..ServerConfig::default()
        }
    }

    const ORIGIN: &str = "access-control-allow-origin";

    fn of(policy: &OriginPolicy, request: &[(&'static str, &str)]) -> Vec<(String, String)> {
        let mut parts = http::Request::new(()).into_parts().0;
        parts.headers.insert("host", "a.com:80".parse().unwrap());
        for (name, value) in request {
            parts.headers.insert(*name, value.parse().unwrap());
        }
        let headers = headers(&config(policy), &parts);
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        assert_eq!(headers.get(header::VARY).map(text).unwrap(), "Origin");
        let others = headers.iter().filter(|(name, _)| *name != header::VARY);
        let mut others: Vec<_> = others.map(|(n, v)| (n.to_string(), text(v))).collect();
        others.sort();
        others
    }

    #[test]
    fn an_origin_that_may_connect_may_read_with_its_cookies() {
        let list = OriginPolicy::List(vec!["null".into(), "https://*.b.com".into()]);
        for (policy, origin) in [
            (&OriginPolicy::Same, "http://a.com"),
            (&OriginPolicy::Same, "http://A.COM"),
            (&list, "http://a.com"),
            (&list, "null"),
            (&list, "https://x.b.com"),
            (&OriginPolicy::Any, "null"),
            (&OriginPolicy::Any, "chrome-extension://x"),
        ] {
            let expected = [
                ("access-control-allow-credentials".into(), "true".into()),
                (ORIGIN.into(), origin.into()),
            ];
            assert_eq!(of(policy, &[("origin", origin)]), expected, "{policy:?}");
        }
        let asked = [
            ("origin", "null"),
            ("access-control-request-headers", "a, b"),
        ];
        let allowed = ("access-control-allow-headers".into(), "a, b".into());
        assert!(of(&list, &asked).contains(&allowed));
        let asked = [("origin", "null"), ("access-control-request-headers", "")];
        assert_eq!(of(&list, &asked).len(), 2);
    }

    #[test]
    fn other_origins_may_not_read() {
        let list = OriginPolicy::List(vec!["https://b.com".into()]);
        for (policy, origin) in [
            (&OriginPolicy::Same, "null"),
            (&OriginPolicy::Same, "http://a.com:81"),
            (&OriginPolicy::Same, "http://a.com."),
            (&OriginPolicy::Same, "ws://a.com"),
            (&OriginPolicy::Same, ""),
            (&list, "null"),
            (&list, "http://b.com"),
            (&list, "https://b.com."),
            (&list, "https://b.com:444"),
        ] {
            let asked = [("origin", origin), ("access-control-request-headers", "a")];
            assert_eq!(of(policy, &asked), [], "{policy:?} {origin}");
        }
    }

    #[test]
    fn every_origin_is_named_without_cookies_only() {
        let asked = [("access-control-request-headers", "a")];
        assert_eq!(
            of(&OriginPolicy::Any, &asked),
            [(ORIGIN.into(), "*".into())]
        );
        assert_eq!(of(&OriginPolicy::Same, &asked), []);
        assert_eq!(of(&OriginPolicy::List(vec!["null".into()]), &asked), []);
    }

    #[test]
    fn an_answers_own_vary_stays() {
        let mut response = preflight("GET", 600);
        let own = HeaderValue::from_static("Cookie");
        response.headers_mut().insert(header::VARY, own);
        let request = http::Request::new(()).into_parts().0;
        add(
            headers(&config(&OriginPolicy::Any), &request),
            &mut response,
        );
        let vary: Vec<_> = response.headers().get_all(header::VARY).iter().collect();
        assert_eq!(vary, ["Cookie", "Origin"]);
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert_eq!(response.headers()["access-control-max-age"], "600");
        assert!(!response.headers().contains_key(header::CONTENT_TYPE));
    }
}
