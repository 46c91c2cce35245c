//! The client's address behind trusted proxies.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Addresses of proxies that may report the client's address. Empty by default: anyone can send
/// the headers that proxies write.
///
/// In configuration: a list of addresses (`"10.0.0.1"`) and networks (`"10.0.0.0/8"`). Which of
/// a trusted proxy's headers counts is [`ProxyHeader`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct TrustedProxies(Vec<IpNet>);

/// An entry of the list is neither an address nor a network.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is neither an IP address nor a network such as 10.0.0.0/8")]
pub struct BadNetwork(String);

impl TryFrom<Vec<String>> for TrustedProxies {
    type Error = BadNetwork;

    fn try_from(list: Vec<String>) -> Result<Self, BadNetwork> {
        list.into_iter()
            .map(|text| {
                let network = text.parse::<IpNet>().ok();
                network
                    .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
                    .ok_or(BadNetwork(text))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl From<TrustedProxies> for Vec<String> {
    fn from(list: TrustedProxies) -> Self {
        list.0.iter().map(ToString::to_string).collect()
    }
}

impl TrustedProxies {
    pub(crate) fn trusts(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0.iter().any(|network| network.contains(&ip))
    }

    /// Returns the client's address: the peer's own, unless the peer is a trusted proxy whose
    /// `header` names another.
    ///
    /// The chain of addresses is read from its near end. The first address that is not itself a
    /// trusted proxy is the client; whatever stands before it may be forged. The port is 0 where
    /// the proxy reports none. Returns `None` if the peer's own address is unknown.
    #[must_use]
    pub fn client(
        &self,
        peer: Option<SocketAddr>,
        header: &ProxyHeader,
        headers: &HeaderMap,
    ) -> Option<SocketAddr> {
        let peer = peer?;
        if !self.trusts(peer.ip()) {
            return Some(peer);
        }
        let mut client = peer;
        for hop in header.chain(headers) {
            // Nothing before an obfuscated or malformed entry can be trusted.
            let Some(address) = hop else { break };
            client = address;
            if !self.trusts(address.ip()) {
                break;
            }
        }
        Some(client)
    }

    /// Returns `true` if the client reached a trusted proxy over TLS, `false` if it came over plain
    /// HTTP, and `None` if the peer is no trusted proxy or reports neither.
    ///
    /// The proxy reports it with `proto=https` in `Forwarded` if that is `header`, otherwise with
    /// `X-Forwarded-Proto: https`. Only the last entry counts, the one that the nearest proxy wrote.
    #[must_use]
    pub fn is_secure(
        &self,
        peer: Option<SocketAddr>,
        header: &ProxyHeader,
        headers: &HeaderMap,
    ) -> Option<bool> {
        if !peer.is_some_and(|peer| self.trusts(peer.ip())) {
            return None;
        }
        let proto = if header.is_forwarded() {
            parameter(entries(headers, &header.0).next()?, "proto")?
        } else {
            entries(headers, &X_FORWARDED_PROTO).next()?
        };
        // Some proxies name the scheme of a WebSocket's URL.
        match proto.to_ascii_lowercase().as_str() {
            "https" | "wss" => Some(true),
            "http" | "ws" => Some(false),
            _ => None,
        }
    }
}

const FORWARDED: HeaderName = http::header::FORWARDED;
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The one header in which trusted proxies report the client's address. Default `X-Forwarded-For`.
///
/// A proxy passes on unchanged what it does not write itself, so every other header may come from
/// the client and is ignored. `Forwarded` is read as RFC 7239 section 4 has it. Any other header is
/// a list of addresses to which each proxy appends (`X-Forwarded-For`), or a single address
/// (`X-Real-IP`, `CF-Connecting-IP`). In configuration: the header's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProxyHeader(HeaderName);

/// A text is not the name of an HTTP header.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not the name of a header such as X-Forwarded-For")]
pub struct BadHeaderName(String);

impl Default for ProxyHeader {
    fn default() -> Self {
        Self(X_FORWARDED_FOR)
    }
}

impl TryFrom<String> for ProxyHeader {
    type Error = BadHeaderName;

    fn try_from(name: String) -> Result<Self, BadHeaderName> {
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => Ok(Self(name)),
            Err(_) => Err(BadHeaderName(name)),
        }
    }
}

impl From<ProxyHeader> for String {
    fn from(header: ProxyHeader) -> Self {
        header.0.as_str().to_owned()
    }
}

impl ProxyHeader {
    fn is_forwarded(&self) -> bool {
        self.0 == FORWARDED
    }

    /// The addresses that proxies reported, the nearest first; `None` for an entry without one.
    fn chain<'h>(&self, headers: &'h HeaderMap) -> impl Iterator<Item = Option<SocketAddr>> + 'h {
        let forwarded = self.is_forwarded();
        entries(headers, &self.0).map(move |entry| {
            if forwarded {
                parameter(entry, "for").and_then(address)
            } else {
                address(entry)
            }
        })
    }
}

/// The entries of a header's list over all its lines, the last first.
///
/// An entry of bytes that are not text is empty, so that it ends the chain. Commas within quotes
/// separate as well: no address holds one, and a client cannot hide a proxy's entry behind a quote
/// that it opened.
fn entries<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> + 'h {
    headers
        .get_all(name)
        .iter()
        .rev()
        .flat_map(|value| value.to_str().unwrap_or_default().rsplit(','))
        .map(str::trim)
}

/// The value of a parameter in an element of a `Forwarded` header.
fn parameter<'e>(element: &'e str, name: &str) -> Option<&'e str> {
    element.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().trim_matches('"'))
    })
}

/// An address with a port or without, IPv6 in brackets or bare.
fn address(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address);
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    bare.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Headers<'a> = &'a [(&'static str, &'a str)];

    fn map(headers: Headers<'_>) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn header(name: &str) -> ProxyHeader {
        ProxyHeader::try_from(name.to_owned()).unwrap()
    }

    fn proxies(trusted: &[&str]) -> TrustedProxies {
        let list: Vec<String> = trusted.iter().map(ToString::to_string).collect();
        TrustedProxies::try_from(list).unwrap()
    }

    fn client_by(name: &str, trusted: &[&str], peer: &str, headers: Headers<'_>) -> String {
        proxies(trusted)
            .client(Some(peer.parse().unwrap()), &header(name), &map(headers))
            .unwrap()
            .to_string()
    }

    fn client(trusted: &[&str], peer: &str, headers: Headers<'_>) -> String {
        client_by("X-Forwarded-For", trusted, peer, headers)
    }

    #[test]
    fn strangers_are_not_believed() {
        let spoof = [("x-forwarded-for", "1.1.1.1")];
        assert_eq!(client(&[], "9.9.9.9:1", &spoof), "9.9.9.9:1");
        assert_eq!(client(&["10.0.0.0/8"], "9.9.9.9:1", &spoof), "9.9.9.9:1");
    }

    #[test]
    fn the_nearest_untrusted_address_is_the_client() {
        let chain = [("x-forwarded-for", "1.1.1.1, 8.8.8.8, 10.0.0.2")];
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1:1", &chain), "8.8.8.8:0");
        let all = [("x-forwarded-for", "10.0.0.3, 10.0.0.2")];
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1:1", &all), "10.0.0.3:0");
        let broken = [("x-forwarded-for", "1.1.1.1, unknown, 10.0.0.2")];
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1:1", &broken), "10.0.0.2:0");
        assert_eq!(client(&["10.0.0.1"], "10.0.0.1:1", &[]), "10.0.0.1:1");
        let mapped = [("x-forwarded-for", "2.2.2.2")];
        assert_eq!(
            client(&["10.0.0.1"], "[::ffff:10.0.0.1]:1", &mapped),
            "2.2.2.2:0"
        );
    }

    #[test]
    fn lines_of_a_header_are_one_list() {
        let lines = [
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-for", "8.8.8.8, 10.0.0.2"),
        ];
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1:1", &lines), "8.8.8.8:0");
        let mut headers = map(&[("x-forwarded-for", "1.1.1.1")]);
        headers.append(
            "x-forwarded-for",
            http::HeaderValue::from_bytes(b"\xff").unwrap(),
        );
        let peer = "10.0.0.1:1".parse().unwrap();
        let found = proxies(&["10.0.0.1"]).client(Some(peer), &ProxyHeader::default(), &headers);
        assert_eq!(found, Some(peer), "bytes that are no text end the chain");
    }

    #[test]
    fn only_the_header_that_is_named_counts() {
        let trusted = &["10.0.0.1"];
        let headers = [
            ("forwarded", "for=1.1.1.1"),
            ("x-real-ip", "2.2.2.2"),
            ("x-forwarded-for", "3.3.3.3"),
            ("cf-connecting-ip", "4.4.4.4"),
        ];
        for (name, expected) in [
            ("X-Forwarded-For", "3.3.3.3:0"),
            ("forwarded", "1.1.1.1:0"),
            ("X-Real-IP", "2.2.2.2:0"),
            ("CF-Connecting-IP", "4.4.4.4:0"),
            ("True-Client-IP", "10.0.0.1:1"),
        ] {
            assert_eq!(client_by(name, trusted, "10.0.0.1:1", &headers), expected);
        }
    }

    #[test]
    fn forwarded_of_rfc_7239() {
        let trusted = &["10.0.0.0/8"];
        let by = |value| client_by("Forwarded", trusted, "10.0.0.1:1", &[("forwarded", value)]);
        assert_eq!(
            by("for=\"[2001:db8::1]:4711\";proto=http, For=10.0.0.9"),
            "[2001:db8::1]:4711"
        );
        assert_eq!(by("for=_hidden"), "10.0.0.1:1");
        assert_eq!(by("for=unknown, for=10.0.0.3"), "10.0.0.3:0");
        // The client's own part, with a quote left open, before the proxy's.
        assert_eq!(by("for=\"1.1.1.1, for=8.8.8.8"), "8.8.8.8:0");
        assert_eq!(by("by=1.1.1.1;for=8.8.8.8"), "8.8.8.8:0");
    }

    #[test]
    fn the_scheme_is_the_nearest_proxys() {
        let peer = |text: &str| Some(text.parse().unwrap());
        let trusted = proxies(&["10.0.0.1"]);
        let secure = |name: &str, from: &str, headers: Headers<'_>| {
            trusted.is_secure(peer(from), &header(name), &map(headers))
        };
        let proto = [("x-forwarded-proto", "http, https")];
        assert_eq!(secure("X-Forwarded-For", "10.0.0.1:1", &proto), Some(true));
        assert_eq!(secure("X-Forwarded-For", "9.9.9.9:1", &proto), None);
        assert_eq!(secure("Forwarded", "10.0.0.1:1", &proto), None);
        let forwarded = [("forwarded", "for=1.1.1.1;proto=HTTPS")];
        assert_eq!(secure("Forwarded", "10.0.0.1:1", &forwarded), Some(true));
        assert_eq!(secure("X-Forwarded-For", "10.0.0.1:1", &forwarded), None);
        let forged = [("x-forwarded-proto", "https, http")];
        assert_eq!(
            secure("X-Forwarded-For", "10.0.0.1:1", &forged),
            Some(false)
        );
        for (proto, expected) in [("WSS", Some(true)), ("ws", Some(false)), ("odd", None)] {
            let proto = [("x-forwarded-proto", proto)];
            assert_eq!(secure("X-Forwarded-For", "10.0.0.1:1", &proto), expected);
        }
        let nobody = trusted.is_secure(None, &ProxyHeader::default(), &map(&proto));
        assert_eq!(nobody, None);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(TrustedProxies::try_from(vec!["10.0.0.0/99".into()]).is_err());
        assert!(TrustedProxies::try_from(vec!["proxy".into()]).is_err());
        assert!(ProxyHeader::try_from("X Forwarded".to_owned()).is_err());
        assert!(ProxyHeader::try_from(String::new()).is_err());
    }
}
