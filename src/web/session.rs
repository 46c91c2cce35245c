//! The session of a request: the same fingerprint over HTTP and every transport.

use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};
use stellarfw_transport::Provenance;

use crate::{connections, web::Web};

/// The header that shows the session's fingerprint. StellarFW's clients read it; the token is in the
/// cookie alone.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-sessionid");

/// A request's session.
#[derive(Clone, Debug)]
pub(super) struct Session {
    session: connections::Session,
    is_new: bool,
    /// The client came over TLS, so that its cookie need never go without.
    secure: bool,
}

impl Session {
    /// The session of a request's cookie, or a new one. None when sessions are off.
    fn of(web: &Web, parts: &Parts) -> Option<Self> {
        let sessions = web.sessions.as_ref()?;
        let known = sessions.of_headers(&parts.headers);
        let https = web
            .server
            .config()
            .is_https(&parts.extensions, &parts.headers);
        Some(Self {
            is_new: known.is_none(),
            session: known.unwrap_or_else(|| sessions.issue()),
            secure: https == Some(true),
        })
    }

    /// The session that a request acts with. None for a page that may not act in its visitor's
    /// name: it is given no new one either, which would take the place of the visitor's own.
    pub(super) fn of_call(web: &Web, parts: &Parts) -> Option<Self> {
        match Self::may_act(web, parts) {
            true => Self::of(web, parts),
            false => None,
        }
    }

    /// Returns `true` unless a request comes from a page that may not act in its visitor's name.
    pub(super) fn may_act(web: &Web, parts: &Parts) -> bool {
        let cors = &web.settings.cors;
        let origin = parts.headers.get(header::ORIGIN);
        let is_listed = || origin.is_some_and(|origin| cors.credentials && cors.lists(origin));
        let is_trusted = web.server.config().provenance(parts) == Provenance::Trusted;
        is_trusted || is_listed()
    }

    /// The session that a page is given, so that its connection has the fingerprint at once.
    ///
    /// A visitor may come to it from anywhere. It is not given to what a foreign page loads into
    /// itself, a frame or an image: such requests lack the cookie, and a new one would replace it.
    pub(super) fn of_page(web: &Web, parts: &Parts) -> Option<Self> {
        match Self::is_visit(web, parts) {
            true => Self::of(web, parts),
            false => None,
        }
    }

    /// Returns `true` unless a foreign page loads this into itself.
    pub(super) fn is_visit(web: &Web, parts: &Parts) -> bool {
        let is = |name: &str, value: &str| parts.headers.get(name).is_none_or(|v| v == value);
        let is_visit =
            is("sec-fetch-dest", "document") && !parts.headers.contains_key(header::ORIGIN);
        is_visit || web.server.config().provenance(parts) != Provenance::Foreign
    }

    pub(super) fn fingerprint(&self) -> &str {
        self.session.fingerprint()
    }

    /// Shows the client its fingerprint, and gives it its cookie if the session is new. No shared
    /// cache may keep such an answer.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::from_str(self.fingerprint()) {
            headers.insert(HEADER, value);
        }
        make_private(headers);
        if self.is_new {
            headers.append(header::SET_COOKIE, self.session.cookie(self.secure));
        }
    }
}

/// Keeps shared caches from keeping an answer.
pub(super) fn make_private(headers: &mut HeaderMap) {
    let directives = headers.get(header::CACHE_CONTROL);
    let directives = directives.map(|value| value.to_str().unwrap_or_default());
    let directives = directives.unwrap_or_default().split(',').map(str::trim);
    let mut kept: Vec<&str> = directives
        .filter(|directive| !directive.is_empty() && !directive.eq_ignore_ascii_case("public"))
        .collect();
    let is_closed = |directive: &&str| {
        directive.eq_ignore_ascii_case("private") || directive.eq_ignore_ascii_case("no-store")
    };
    if !kept.iter().any(is_closed) {
        kept.insert(0, "private");
    }
    if let Ok(value) = HeaderValue::from_str(&kept.join(", ")) {
        headers.insert(header::CACHE_CONTROL, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_shared_cache_keeps_what_has_a_cookie() {
        for (given, expected) in [
            (None, "private"),
            (Some("no-cache"), "private, no-cache"),
            (Some("public, max-age=60"), "private, max-age=60"),
            (Some("Public"), "private"),
            (Some("no-store"), "no-store"),
            (Some("private, no-cache"), "private, no-cache"),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(given) = given {
                headers.insert(header::CACHE_CONTROL, given.parse().unwrap());
            }
            make_private(&mut headers);
            assert_eq!(headers[header::CACHE_CONTROL], expected);
        }
    }
}
