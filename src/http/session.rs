//! The session cookie: the same fingerprint over HTTP and every transport.

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, header};
use stellarfw_transport::{Peer, handshake, http::Secure};

use crate::config::Config;

/// The header that tells the session's id besides the cookie.
const HEADER: HeaderName = HeaderName::from_static("x-sessionid");

/// A request's session.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) id: String,
    cookie: String,
    is_new: bool,
    /// The client came over TLS, so that its cookie need never go without.
    secure: bool,
}

impl Session {
    /// The session of a request's cookie, or a new one. None when sessions are off.
    pub(super) fn of(
        config: &Config,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Option<Self> {
        let cookie = config.session_cookie.clone()?;
        let peer = extensions.get::<Peer>().map(|peer| peer.0);
        let secure =
            extensions.get::<Secure>().is_some() || config.server.is_secure_proxy(peer, headers);
        let values = headers.get_all(header::COOKIE).iter();
        let known = handshake::cookie(values.map(HeaderValue::as_bytes), &cookie)
            .map(str::to_owned)
            .filter(|id| is_session_id(id));
        Some(Self {
            is_new: known.is_none(),
            id: known.unwrap_or_else(new_id),
            cookie,
            secure,
        })
    }

    /// Tells the client its session: always by header, and by cookie when it is new.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::from_str(&self.id) {
            headers.insert(HEADER, value);
        }
        let secure = if self.secure { "; Secure" } else { "" };
        let cookie = format!(
            "{}={}; Path=/; HttpOnly; SameSite=Lax{secure}",
            self.cookie, self.id
        );
        if self.is_new
            && let Ok(value) = HeaderValue::from_str(&cookie)
        {
            headers.append(header::SET_COOKIE, value);
        }
    }
}

/// 40 hexadecimal digits of the operating system's randomness.
fn new_id() -> String {
    let mut bytes = [0_u8; 20];
    if let Err(error) = getrandom::fill(&mut bytes) {
        panic!("the operating system's random generator failed: {error}");
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a client's text may be a session's id: up to 128 letters, digits, `-` and `_`. Those
/// made here are 40 hexadecimal digits; an application may make its own.
pub(crate) fn is_session_id(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=128).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_session_is_kept_and_nonsense_is_not() {
        let mut config = Config::default();
        let mut headers = HeaderMap::new();
        let mut extensions = Extensions::new();
        let first = Session::of(&config, &headers, &extensions).unwrap();
        assert!(first.id.len() == 40 && first.id.bytes().all(|b| b.is_ascii_hexdigit()));
        let mut answer = HeaderMap::new();
        first.tell(&mut answer);
        let cookie = answer[header::SET_COOKIE].to_str().unwrap();
        assert!(cookie.starts_with(&format!("sessionID={}; Path=/", first.id)));
        assert!(!cookie.contains("Secure"));
        headers.insert(
            header::COOKIE,
            format!("a=b; sessionID={}", first.id).parse().unwrap(),
        );
        let again = Session::of(&config, &headers, &extensions).unwrap();
        assert_eq!(again.id, first.id);
        let mut answer = HeaderMap::new();
        again.tell(&mut answer);
        assert!(answer.get(header::SET_COOKIE).is_none());
        headers.insert(header::COOKIE, "sessionID=<script>".parse().unwrap());
        extensions.insert(Secure);
        let other = Session::of(&config, &headers, &extensions).unwrap();
        assert_ne!(other.id, "<script>");
        let mut answer = HeaderMap::new();
        other.tell(&mut answer);
        let cookie = answer[header::SET_COOKIE].to_str().unwrap();
        assert!(cookie.ends_with("; SameSite=Lax; Secure"), "{cookie}");
        config.session_cookie = None;
        assert!(Session::of(&config, &headers, &extensions).is_none());
    }
}
