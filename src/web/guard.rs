//! The authorizer in front of what is served over HTTP besides the engines.

use std::sync::Arc;

use axum::response::Response;
use http::{HeaderMap, HeaderValue, header, request::Parts};
use serde::{Deserialize, Serialize};
use stellarfw_transport::{Identity, http::refused};

use super::session::Session;
use crate::{connections::Extensions, files::segments, web::Web};

/// What the authorizer decides about besides connections. Without an authorizer everything is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct GuardConfig {
    /// Whether calls of actions over HTTP have to be authorized. Default true.
    pub api: bool,
    /// Whether `/docs`, the documents beside it and the page at `/` have to be. Default true.
    pub docs: bool,
    /// Public files that have to be: paths as in a URL, with all that is below them, such as
    /// `/reports`; `/` is every file. Upper and lower case are not told apart. Default: none.
    pub files: Vec<String>,
}

impl Default for GuardConfig {
    fn default() -> Self {
        Self {
            api: true,
            docs: true,
            files: Vec::new(),
        }
    }
}

impl GuardConfig {
    /// Returns an entry of `files` that is no path.
    pub(crate) fn bad_path(&self) -> Option<&str> {
        let is_bad = |path: &&String| !path.starts_with('/') || segments(path).is_none();
        self.files.iter().find(is_bad).map(String::as_str)
    }

    /// Returns `true` if a public file at this path, percent-decoded, has to be authorized.
    pub(super) fn covers(&self, path: &str) -> bool {
        let lower = |path: &str| segments(&path.to_lowercase());
        let Some(asked) = self.files.first().and_then(|_| lower(path)) else {
            return false;
        };
        let guarded = self.files.iter().filter_map(|path| lower(path));
        guarded
            .into_iter()
            .any(|guarded| asked.starts_with(&guarded))
    }
}

/// What the authorizer found out of a client.
pub(super) struct Authorized {
    pub(super) identity: Option<Identity>,
    pub(super) extensions: Arc<Extensions>,
}

/// Asks the authorizer, and returns what it found out of the client; `None` if there is no authorizer.
///
/// # Errors
/// The answer to a client that it refuses.
pub(super) async fn authorize(
    web: &Web,
    parts: &mut Parts,
) -> Result<Option<Authorized>, Response> {
    if !web.server.has_authorizer() {
        return Ok(None);
    }
    match web.server.identify_request(parts).await {
        Ok(identity) => Ok(Some(Authorized {
            extensions: Arc::new(Extensions::of_identity(identity.as_ref())),
            identity,
        })),
        Err(refusal) => {
            let mut response = refused(&refusal, false).map(axum::body::Body::new);
            let no_store = HeaderValue::from_static("no-store");
            response
                .headers_mut()
                .insert(header::CACHE_CONTROL, no_store);
            Err(response)
        }
    }
}

/// As [`authorize`], for what a visitor opens: a foreign page that loads it into itself is not taken
/// for the visitor.
pub(super) async fn authorize_visit(web: &Web, parts: &mut Parts) -> Result<(), Response> {
    if !Session::is_visit(web, parts) {
        drop_credentials(&mut parts.headers);
    }
    authorize(web, parts).await.map(drop)
}

/// Takes out what a browser sends along by itself, whoever's page asks it to: cookies, and the
/// passwords that it keeps. A token that a script sets stays.
pub(super) fn drop_credentials(headers: &mut HeaderMap) {
    headers.remove(header::COOKIE);
    let is_kept = |value: &HeaderValue| {
        let scheme = value.as_bytes().split(|byte| *byte == b' ').next();
        let scheme = scheme.unwrap_or_default().to_ascii_lowercase();
        [&b"basic"[..], b"digest", b"negotiate", b"ntlm"].contains(&scheme.as_slice())
    };
    if headers.get_all(header::AUTHORIZATION).iter().any(is_kept) {
        headers.remove(header::AUTHORIZATION);
    }
}

/// Keeps an answer that not everyone may have from shared caches and from pages of other origins.
pub(super) fn confine(headers: &mut HeaderMap) {
    super::session::make_private(headers);
    headers.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("same-origin"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guarded_paths_are_found_however_they_are_written() {
        let guard = GuardConfig {
            files: vec!["/reports".into(), "/a/b.html".into()],
            ..GuardConfig::default()
        };
        for guarded in [
            "/reports",
            "/reports/",
            "//reports/x",
            "/./reports/x",
            "/REPORTS/x.pdf",
            "/a//b.html",
        ] {
            assert!(guard.covers(guarded), "{guarded}");
        }
        for open in ["/", "/report", "/reportsx", "/x/reports", "/a", "/a/c.html"] {
            assert!(!guard.covers(open), "{open}");
        }
        let all = GuardConfig {
            files: vec!["/".into()],
            ..GuardConfig::default()
        };
        assert!(all.covers("/") && all.covers("/x"));
        assert!(!GuardConfig::default().covers("/x"));
        assert_eq!(guard.bad_path(), None);
        for bad in ["reports", "", "/../x", "/.hidden"] {
            let guard = GuardConfig {
                files: vec![bad.into()],
                ..GuardConfig::default()
            };
            assert_eq!(guard.bad_path(), Some(bad));
        }
    }

    #[test]
    fn only_what_browsers_send_by_themselves_is_dropped() {
        for (value, stays) in [
            ("Bearer abc", true),
            ("Basic abc", false),
            ("basic abc", false),
            ("Digest a", false),
            ("Negotiate a", false),
            ("NTLM", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, "a=b".parse().unwrap());
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            drop_credentials(&mut headers);
            assert!(!headers.contains_key(header::COOKIE));
            let there = headers.contains_key(header::AUTHORIZATION);
            assert_eq!(there, stays, "{value}");
        }
    }
}
