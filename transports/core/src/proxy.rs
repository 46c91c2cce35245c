//! Finding the client's address behind proxies that are trusted to tell it.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Addresses of proxies whose `Forwarded`, `X-Forwarded-For` and `X-Real-IP` headers are
/// believed. Empty by default: anyone can send these headers.
///
/// In configuration: a list of addresses (`"10.0.0.1"`) and networks (`"10.0.0.0/8"`).
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
    fn trusts(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0.iter().any(|network| network.contains(&ip))
    }

    /// The address of the client: the peer's own, unless the peer is a trusted proxy that tells
    /// another.
    ///
    /// The chain of addresses is read from its near end; the first that is not itself a trusted
    /// proxy is the client. What stands before it was written by strangers. Of the three headers
    /// the first present one of `Forwarded` (RFC 7239), `X-Forwarded-For`, `X-Real-IP` counts;
    /// the port is 0 where none was told.
    #[must_use]
    pub fn client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<SocketAddr> {
        let peer = peer?;
        if !self.trusts(peer.ip()) {
            return Some(peer);
        }
        let mut client = peer;
        for hop in chain(headers).into_iter().rev() {
            // An obfuscated or broken entry ends what can be known.
            let Some(address) = hop else { break };
            client = address;
            if !self.trusts(address.ip()) {
                break;
            }
        }
        Some(client)
    }
}

impl TrustedProxies {
    /// Whether the client reached a trusted proxy over TLS, as that tells in `Forwarded`
    /// (`proto=`) or `X-Forwarded-Proto`.
    #[must_use]
    pub fn is_secure(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> bool {
        if !peer.is_some_and(|peer| self.trusts(peer.ip())) {
            return false;
        }
        // What the nearest proxy wrote stands last.
        let last = |name: &str| {
            let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
            value.rsplit(',').next().map(str::trim)
        };
        let proto = |element: &str| {
            element.split(';').any(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                let value = value.trim().trim_matches('"');
                key.trim().eq_ignore_ascii_case("proto") && value.eq_ignore_ascii_case("https")
            })
        };
        match last("forwarded") {
            Some(element) => proto(element),
            None => last("x-forwarded-proto").is_some_and(|p| p.eq_ignore_ascii_case("https")),
        }
    }
}

fn chain(headers: &HeaderMap) -> Vec<Option<SocketAddr>> {
    let values = |name: &str| {
        let list: Vec<&str> = headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .collect();
        (!list.is_empty()).then_some(list)
    };
    if let Some(list) = values("forwarded") {
        list.iter().map(|element| forwarded_for(element)).collect()
    } else if let Some(list) = values("x-forwarded-for").or_else(|| values("x-real-ip")) {
        list.iter().map(|text| address(text)).collect()
    } else {
        Vec::new()
    }
}

/// The `for=` of one element of a `Forwarded` header.
fn forwarded_for(element: &str) -> Option<SocketAddr> {
    element.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case("for")
            .then(|| address(value.trim().trim_matches('"')))
            .flatten()
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

    fn client(trusted: &[&str], peer: &str, headers: &[(&'static str, &str)]) -> String {
        let list: Vec<String> = trusted.iter().map(ToString::to_string).collect();
        let proxies = TrustedProxies::try_from(list).unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        proxies
            .client(Some(peer.parse().unwrap()), &map)
            .unwrap()
            .to_string()
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
        let mapped = [("x-real-ip", "2.2.2.2")];
        assert_eq!(
            client(&["10.0.0.1"], "[::ffff:10.0.0.1]:1", &mapped),
            "2.2.2.2:0"
        );
    }

    #[test]
    fn forwarded_of_rfc_7239() {
        let one = [
            (
                "forwarded",
                "for=\"[2001:db8::1]:4711\";proto=http, For=10.0.0.9",
            ),
            ("x-forwarded-for", "7.7.7.7"),
        ];
        assert_eq!(
            client(&["10.0.0.0/8"], "10.0.0.1:1", &one),
            "[2001:db8::1]:4711"
        );
        let hidden = [("forwarded", "for=_hidden")];
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1:1", &hidden), "10.0.0.1:1");
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(TrustedProxies::try_from(vec!["10.0.0.0/99".into()]).is_err());
        assert!(TrustedProxies::try_from(vec!["proxy".into()]).is_err());
    }
}
