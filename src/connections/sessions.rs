//! Sessions: a signed token that a client keeps, and the fingerprint that everyone may see.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderValue, header};
use sha2::{Digest as _, Sha256};
use stellarfw_transport::{Handshake, handshake::cookies};

use super::SessionKey;

type Signer = Hmac<Sha256>;

/// Random bytes of a token.
const RANDOM: usize = 20;
/// Bytes of a token: the random ones and their signature.
const TOKEN: usize = RANDOM + 32;
/// Characters of a token.
const LENGTH: usize = (TOKEN * 4).div_ceil(3);
/// How many cookies of the name are looked at.
const MOST_COOKIES: usize = 4;
/// What is signed begins with this, so that no other signature under the key is a session's.
const SIGNED: &[u8] = b"stellarfw session 1\0";
const DIGESTED: &[u8] = b"stellarfw fingerprint 1\0";

/// Issues and verifies the sessions of a server; see [`Stellar::sessions`](crate::Stellar::sessions).
///
/// A login of your own replaces the session that the visitor came with, so that a session which
/// somebody else knew before the login is worth nothing after it:
///
/// ```
/// # async fn run(stellar: stellarfw::Stellar) -> Option<()> {
/// let sessions = stellar.sessions()?;
/// let session = sessions.issue();
/// // Store who has logged in under `session.fingerprint()`, and answer with the cookie.
/// let cookie = session.cookie(true);
/// # Some(()) }
/// ```
///
/// Clones share the keys.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    cookie: String,
    /// The first signs.
    signers: Vec<Signer>,
}

/// A session: its token, which authenticates, and its fingerprint, which identifies.
#[derive(Clone)]
pub struct Session {
    token: String,
    fingerprint: String,
    cookie: Arc<Inner>,
}

impl Sessions {
    /// Sessions in a cookie of this name; with a random key if there is none.
    pub(crate) fn new(cookie: &str, key: &SessionKey) -> Self {
        let mut signers: Vec<Signer> = key
            .keys()
            .iter()
            .map(|key| signer(key.as_bytes()))
            .collect();
        if signers.is_empty() {
            signers.push(signer(&random::<32>()));
        }
        Self(Arc::new(Inner {
            cookie: cookie.to_owned(),
            signers,
        }))
    }

    /// Issues a session that nobody has yet: 160 bits of the system's randomness, signed.
    ///
    /// # Panics
    /// If the operating system's random generator fails.
    #[must_use]
    pub fn issue(&self) -> Session {
        let random = random::<RANDOM>();
        let mut bytes = [0; TOKEN];
        bytes[..RANDOM].copy_from_slice(&random);
        bytes[RANDOM..].copy_from_slice(&mac(&self.0.signers[0], &random).finalize().into_bytes());
        self.session(URL_SAFE_NO_PAD.encode(bytes), &random)
    }

    /// Returns the session of a token that was issued under one of the keys.
    ///
    /// The signature is compared in constant time. A fingerprint is no token, so it verifies as
    /// nothing.
    #[must_use]
    pub fn verify(&self, token: &str) -> Option<Session> {
        if token.len() != LENGTH {
            return None;
        }
        let mut bytes = [0; TOKEN];
        let length = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).ok()?;
        let (random, signature) = bytes.split_at(RANDOM);
        let is_own = |signer: &Signer| mac(signer, random).verify_slice(signature).is_ok();
        (length == TOKEN && self.0.signers.iter().any(is_own))
            .then(|| self.session(token.to_owned(), random))
    }

    /// Returns the session of a request's cookie: the first of at most four of its
    /// name that verifies.
    #[must_use]
    pub fn of_headers(&self, headers: &HeaderMap) -> Option<Session> {
        let values = headers.get_all(header::COOKIE).iter();
        self.of_cookies(values.map(HeaderValue::as_bytes))
    }

    /// Returns the session of a connection: that of its URL, or else that of its cookie.
    pub(crate) fn of_handshake(&self, handshake: &Handshake) -> Option<Session> {
        let of_query = handshake.query_value(&self.0.cookie);
        let of_query = of_query.and_then(|token| self.verify(&token));
        of_query.or_else(|| {
            let headers = handshake.headers().filter(|(name, _)| *name == "cookie");
            self.of_cookies(headers.map(|(_, value)| value))
        })
    }

    fn of_cookies<'h>(&self, headers: impl IntoIterator<Item = &'h [u8]>) -> Option<Session> {
        cookies(headers)
            .filter(|(name, _)| *name == self.0.cookie)
            // A head full of forged ones is not worth as many signatures.
            .take(MOST_COOKIES)
            .find_map(|(_, value)| {
                let inner = value
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix('"'));
                self.verify(inner.unwrap_or(value))
            })
    }

    fn session(&self, token: String, random: &[u8]) -> Session {
        let digest = Sha256::new()
            .chain_update(DIGESTED)
            .chain_update(random)
            .finalize();
        let fingerprint = digest[..20].iter().map(|byte| format!("{byte:02x}"));
        Session {
            token,
            fingerprint: fingerprint.collect(),
            cookie: self.0.clone(),
        }
    }
}

impl Session {
    /// The token, which is the secret: whoever has it has the session.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The fingerprint: 40 hexadecimal digits that clients see and that authenticate nobody.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Returns the value of a `Set-Cookie` header. `secure` is for sites over HTTPS.
    ///
    /// An answer with it needs `Cache-Control: private` or `no-store`.
    #[must_use]
    pub fn cookie(&self, secure: bool) -> HeaderValue {
        let secure = if secure { "; Secure" } else { "" };
        let text = format!(
            "{}={}; Path=/; HttpOnly; SameSite=Lax{secure}",
            self.cookie.cookie, self.token
        );
        // The name was looked at when the server was built.
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
    }
}

/// Returns `true` if a text can be the name of a cookie (RFC 6265 section 4.1.1).
pub(crate) fn is_cookie_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}

fn signer(key: &[u8]) -> Signer {
    match Signer::new_from_slice(key) {
        Ok(signer) => signer,
        Err(_) => unreachable!("HMAC takes keys of any length"),
    }
}

fn mac(signer: &Signer, random: &[u8]) -> Signer {
    let mut mac = signer.clone();
    mac.update(SIGNED);
    mac.update(random);
    mac
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        panic!("the operating system's random generator failed: {error}");
    }
    bytes
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("cookie", &self.0.cookie)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a key that several processes share";

    fn sessions(keys: &[&str]) -> Sessions {
        let keys = keys.iter().map(ToString::to_string);
        Sessions::new("sessionID", &SessionKey::rotated(keys))
    }

    #[test]
    fn only_tokens_that_were_issued_are_sessions() {
        let sessions = sessions(&[KEY]);
        let session = sessions.issue();
        let (token, fingerprint) = (session.token(), session.fingerprint());
        assert!(fingerprint.len() == 40 && fingerprint.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_eq!(sessions.verify(token).unwrap().fingerprint(), fingerprint);
        assert_ne!(sessions.issue().fingerprint(), fingerprint);
        assert!(sessions.verify(fingerprint).is_none());
        assert!(sessions.verify("").is_none());
        assert!(sessions.verify(&"a".repeat(LENGTH)).is_none());
        assert!(sessions.verify(&"é".repeat(LENGTH / 2)).is_none());
        assert!(sessions.verify(&format!("{token}=")).is_none());
        for at in 0..token.len() {
            for byte in *b"AB-_." {
                let mut forged = token.as_bytes().to_vec();
                if forged[at] != byte {
                    forged[at] = byte;
                    let forged = str::from_utf8(&forged).unwrap();
                    assert!(sessions.verify(forged).is_none(), "{at}: {forged}");
                }
            }
        }
    }

    #[test]
    fn keys_are_shared_and_rotated() {
        let session = sessions(&[KEY]).issue();
        let again = sessions(&[KEY]).verify(session.token()).unwrap();
        assert_eq!(again.fingerprint(), session.fingerprint());
        let rotated = sessions(&["another key that is the newer one", KEY]);
        let again = rotated.verify(session.token()).unwrap();
        assert_eq!(again.fingerprint(), session.fingerprint());
        let new = rotated.issue();
        assert!(sessions(&[KEY]).verify(new.token()).is_none());
        // Without a key each process has one of its own.
        assert!(
            sessions(&[])
                .verify(sessions(&[]).issue().token())
                .is_none()
        );
    }

    #[test]
    fn the_first_cookie_that_verifies_counts() {
        let sessions = sessions(&[KEY]);
        let (first, second) = (sessions.issue(), sessions.issue());
        let of = |cookie: String| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, cookie.parse().unwrap());
            let session = sessions.of_headers(&headers);
            session.map(|session| session.fingerprint().to_owned())
        };
        let (one, two) = (first.token(), second.token());
        let known = Some(first.fingerprint().to_owned());
        assert_eq!(of(format!("a=b; sessionID={one}")), known);
        assert_eq!(of(format!("sessionID=\"{one}\"; sessionID={two}")), known);
        assert_eq!(of(format!("sessionID=old; sessionID={one}")), known);
        assert_eq!(of(format!("sessionid={one}; x={one}")), None);
        assert_eq!(of(format!("sessionID={}", first.fingerprint())), None);
    }

    #[test]
    fn tokens_are_not_printed() {
        let sessions = sessions(&[KEY]);
        let session = sessions.issue();
        let printed = format!("{sessions:?} {session:?}");
        assert!(!printed.contains(session.token()) && !printed.contains(KEY));
        assert!(printed.contains(session.fingerprint()));
        let cookie = session.cookie(true);
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.starts_with(&format!("sessionID={};", session.token())));
        assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Secure"));
    }

    #[test]
    fn names_of_cookies_are_told_from_what_is_none() {
        for good in ["sessionID", "__Host-session", "a.b_c!"] {
            assert!(is_cookie_name(good), "{good}");
        }
        for bad in ["", "a b", "a;b", "a=b", "ä", "a\"", "a\n", "a,b"] {
            assert!(!is_cookie_name(bad), "{bad}");
        }
    }
}
