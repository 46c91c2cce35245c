//! What a session of several requests is bound to, besides its id.

use http::request::Parts;
use serde::{Deserialize, Serialize};

use crate::{addresses::Source, config::ServerConfig, handshake::cookie, http::Peer};

/// What the requests of a session over polling must have in common with the one that opened it.
///
/// The id of such a session is in its URLs, and who knows it can read and write as its client. URLs
/// are kept in logs of proxies and histories of browsers. Over WebSocket only the upgrade names it.
///
/// In a file of settings: `bind = "address"`, `bind = { cookie = "sessionID" }`, or `false` for
/// neither.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum SessionBinding {
    /// The client's address: one of IPv4, or a /64 of IPv6, and the one that a trusted proxy reports.
    /// A client that moves to another network has to open another session.
    Address,
    /// The value of the cookie of this name. A session that was opened without it is not bound. A
    /// page of another origin has to send cookies (`withCredentials`).
    Cookie(String),
}

/// Whose a session is, by its [`SessionBinding`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOwner(Owner);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Owner {
    Anyone,
    /// `None` where the server is mounted without addresses.
    At(Option<Source>),
    With(Box<str>),
}

impl SessionOwner {
    /// Reads the owner of a session from the request that opens it. The peer's address is taken from
    /// the extension [`Peer`].
    #[must_use]
    pub fn of(config: &ServerConfig, binding: Option<&SessionBinding>, parts: &Parts) -> Self {
        Self(match binding {
            None => Owner::Anyone,
            Some(SessionBinding::Address) => {
                let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
                let remote = config.client_address(peer, &parts.headers);
                Owner::At(remote.map(|remote| Source::of(remote.ip())))
            }
            Some(SessionBinding::Cookie(name)) => {
                let headers = parts.headers.get_all(http::header::COOKIE).iter();
                let value = cookie(headers.map(http::HeaderValue::as_bytes), name);
                value.map_or(Owner::Anyone, |value| Owner::With(value.into()))
            }
        })
    }

    /// Returns `true` if a later request is the owner's.
    #[must_use]
    pub fn sent(
        &self,
        config: &ServerConfig,
        binding: Option<&SessionBinding>,
        parts: &Parts,
    ) -> bool {
        self.0 == Owner::Anyone || *self == Self::of(config, binding, parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(address: &str, cookies: &str) -> Parts {
        let mut request = http::Request::new(());
        let cookies = cookies.parse().unwrap();
        request.headers_mut().insert("cookie", cookies);
        let peer = Peer(std::net::SocketAddr::new(address.parse().unwrap(), 1));
        request.extensions_mut().insert(peer);
        request.into_parts().0
    }

    fn passes(binding: Option<SessionBinding>, first: [&str; 2], then: [&str; 2]) -> bool {
        let (config, binding) = (ServerConfig::default(), binding.as_ref());
        let owner = SessionOwner::of(&config, binding, &parts(first[0], first[1]));
        owner.sent(&config, binding, &parts(then[0], then[1]))
    }

    #[test]
    fn a_request_is_the_owners_by_what_is_bound() {
        let first = ["10.0.0.1", "s=abc; x=1"];
        assert!(passes(None, first, ["10.0.0.2", "s=def"]));
        let address = || Some(SessionBinding::Address);
        assert!(passes(address(), first, ["::ffff:10.0.0.1", ""]));
        assert!(!passes(address(), first, ["10.0.0.2", first[1]]));
        let first6 = ["2001:db8::1", ""];
        assert!(passes(address(), first6, ["2001:db8::2:3", ""]));
        assert!(!passes(address(), first6, ["2001:db8:0:1::1", ""]));
        let cookie = || Some(SessionBinding::Cookie("s".into()));
        assert!(passes(cookie(), first, ["10.0.0.2", "y=2; s=abc"]));
        for other in ["s=abd", "s=", "", "x=1", "S=abc"] {
            assert!(!passes(cookie(), first, [first[0], other]), "{other}");
        }
        // Without it there is nothing to be bound to.
        assert!(passes(cookie(), ["10.0.0.1", ""], ["10.0.0.2", "s=abc"]));
    }

    #[test]
    fn settings_have_one_form() {
        let read = |text| serde_json::from_str::<SessionBinding>(text).ok();
        assert_eq!(read("\"address\""), Some(SessionBinding::Address));
        let cookie = SessionBinding::Cookie("s".into());
        assert_eq!(read("{\"cookie\":\"s\"}"), Some(cookie));
        assert_eq!(read("\"cookie\""), None);
        assert_eq!(read("\"none\""), None);
    }
}
