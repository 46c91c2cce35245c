//! Cookies, queries and sessions.

use axum::{
    Router,
    body::{Body, to_bytes},
};
use http::{HeaderValue, Request, header};
use stellarfw::{
    Stellar,
    transport::{
        Parser,
        handshake::{cookie, cookies, query_pairs},
    },
};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use super::{built, runtime, support::Numbers};

thread_local! {
    static SITE: Site = Site::new();
}

struct Site {
    runtime: Runtime,
    router: Router,
    _stellar: Stellar,
}

impl Site {
    fn new() -> Self {
        let runtime = runtime();
        let stellar = built(&runtime, Stellar::builder(), Parser::Json);
        Self {
            runtime,
            router: stellar.router(),
            _stellar: stellar,
        }
    }
}

/// Parses each line as a `Cookie` header, and the input as a query.
///
/// Names and values equal those of a reference parser. An appended cookie is found unless an earlier
/// one has its name, and does not change the others. No session can be forged.
pub fn cookies_and_queries(bytes: &[u8]) {
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let found: Vec<_> = cookies(lines.iter().copied()).collect();
    assert_eq!(found, reference(&lines));
    for (name, _) in &found {
        let first = found.iter().find(|(known, _)| known == name);
        let value = cookie(lines.iter().copied(), name);
        let first = first.map(|(_, value)| unquoted(value));
        assert_eq!(value, first);
    }
    let mut more = lines.clone();
    more.push(b"last=\"1\"");
    let is_new = !found.iter().any(|(name, _)| *name == "last");
    let last = cookie(more.iter().copied(), "last");
    assert!(!is_new || last == Some("1"), "{last:?}");
    assert_eq!(cookies(more).count(), found.len() + 1);

    if let Ok(text) = std::str::from_utf8(bytes) {
        for (key, value) in query_pairs(text) {
            assert!(key.len() + value.len() <= 3 * text.len());
            let again = format!("{}={}", escape(&key), escape(&value));
            let pairs: Vec<_> = query_pairs(&again).collect();
            let is_same = matches!(&pairs[..], [(k, v)] if *k == key && *v == value);
            assert!(is_same, "{again}: {pairs:?}");
        }
    }
    SITE.with(|site| site.runtime.block_on(site.check(&lines)));
}

/// The session in a response.
struct SessionInfo {
    fingerprint: String,
    /// The token of a new session.
    token: Option<String>,
}

impl Site {
    async fn ask(&self, lines: &[&[u8]]) -> SessionInfo {
        let mut request = Request::get("/api/none");
        for line in lines {
            if let Ok(value) = HeaderValue::from_bytes(line) {
                request = request.header(header::COOKIE, value);
            }
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await;
        let response = response.unwrap_or_else(|never| match never {});
        assert_eq!(response.status(), 404);
        let headers = response.headers().clone();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body = String::from_utf8(body.into()).unwrap();
        let fingerprint = headers["x-sessionid"].to_str().unwrap().to_owned();
        let cookies: Vec<_> = headers.get_all(header::SET_COOKIE).iter().collect();
        assert!(cookies.len() <= 1, "{cookies:?}");
        let token = cookies.first().map(|cookie| {
            let cookie = cookie.to_str().unwrap();
            let token = cookie.strip_suffix("; Path=/; HttpOnly; SameSite=Lax");
            let token = token.and_then(|cookie| cookie.strip_prefix("sessionID="));
            let token = token.unwrap_or_else(|| panic!("{cookie}")).to_owned();
            assert!(token != fingerprint && !body.contains(&token));
            token
        });
        SessionInfo { fingerprint, token }
    }

    /// Only an unchanged cookie of the server identifies a session, whatever other cookies are sent.
    async fn check(&self, lines: &[&[u8]]) {
        let lines = &lines[..lines.len().min(8)];
        let new = self.ask(lines).await;
        let token = new.token.unwrap_or_else(|| panic!("a session was forged"));
        let cookie = format!("sessionID={token}");
        let is_first = !cookies(lines.iter().copied()).any(|(name, _)| name == "sessionID");
        let known = [lines, &[cookie.as_bytes()]].concat();
        if is_first {
            let again = self.ask(&known).await;
            assert_eq!(
                (again.fingerprint, again.token),
                (new.fingerprint.clone(), None)
            );
        }
        // Altered at a position and by a value from the input.
        let mut numbers = Numbers::of(&lines.concat());
        let mut changed = token.into_bytes();
        let at = numbers.below(changed.len());
        let by = b"0aZ-_.~="[numbers.below(8)];
        match numbers.below(4) {
            0 => changed.truncate(at),
            1 => changed.insert(at, by),
            2 if changed[at] != by => changed[at] = by,
            _ => changed.push(by),
        }
        let changed = [b"sessionID=", &changed[..]].concat();
        let info = self.ask(&[&changed]).await;
        assert!(info.token.is_some(), "{}", changed.escape_ascii());
        assert_ne!(info.fingerprint, new.fingerprint);
    }
}

fn unquoted(value: &str) -> &str {
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or(value)
}

/// Parses the cookies of headers, byte by byte.
fn reference<'h>(headers: &[&'h [u8]]) -> Vec<(&'h str, &'h str)> {
    let mut found = Vec::new();
    for header in headers {
        let mut start = 0;
        for end in 0..=header.len() {
            if end < header.len() && header[end] != b';' {
                continue;
            }
            let pair = &header[start..end];
            start = end + 1;
            let mut parts = pair.splitn(2, |byte| *byte == b'=');
            let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
                continue;
            };
            let text = |bytes: &'h [u8]| std::str::from_utf8(bytes.trim_ascii());
            if let (Ok(name), Ok(value)) = (text(name), text(value)) {
                found.push((name, value));
            }
        }
    }
    found
}

fn escape(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}
