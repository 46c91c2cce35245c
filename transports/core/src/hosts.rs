//! Which hosts a server is reached under: a defence against DNS rebinding.
//!
//! A page of `evil.example` may have its name resolve to this server's address. Its browser takes the
//! server for the page's own origin then, and lets it read whatever is answered. Only the `Host`
//! header tells that the name is not the server's.

use std::{collections::HashSet, net::IpAddr};

use http::{Extensions, HeaderMap, StatusCode, Uri, header};
use parking_lot::Mutex;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
};

use crate::{
    auth::Refusal,
    config::ServerConfig,
    http::{Local, Peer},
    origin::OriginPolicy,
    refused_origins::cut,
};

/// The hosts that requests may name.
///
/// In configuration: a list of names (`"example.com"`, `"example.com:8080"`, `"*.example.com"`), or
/// `"any"`. The default is an empty list; see [`ServerConfig::serves_host`] for what that serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// These, at any port unless they name one, besides addresses and `localhost`.
    List(Vec<String>),
    /// Whatever a request names.
    Any,
}

impl Default for Hosts {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Serialize for Hosts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::List(list) => list.serialize(serializer),
            Self::Any => serializer.serialize_str("any"),
        }
    }
}

impl<'de> Deserialize<'de> for Hosts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Read)
    }
}

struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = Hosts;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(r#"a list of hosts such as ["example.com", "*.example.com"], or "any""#)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Hosts, E> {
        match text {
            "any" => Ok(Hosts::Any),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Hosts, A::Error> {
        let mut list = Vec::new();
        while let Some(host) = seq.next_element::<String>()? {
            if !is_host(&host) {
                let text = format!("{host:?} is no host, such as example.com or *.example.com");
                return Err(A::Error::custom(text));
            }
            list.push(host);
        }
        Ok(Hosts::List(list))
    }
}

fn is_host(text: &str) -> bool {
    let host = text.strip_prefix("*.").unwrap_or(text);
    !host.is_empty() && !host.contains(['/', '*', '?', '#', '@', ' ', ',', '"'])
}

impl ServerConfig {
    /// Returns `true` if a request is answered by the host that it names.
    ///
    /// | `hosts` | served |
    /// |---|---|
    /// | `Any` | every host |
    /// | any list | addresses, `localhost` and names below it, the hosts of the list and of `origins` |
    /// | an empty list | also every name, unless the connection came to a loopback address from a peer that is no trusted proxy |
    ///
    /// An address or `localhost` cannot be made to resolve to another machine. A name can. A server
    /// on a loopback address serves the machine that it runs on, whose browsers a page elsewhere can
    /// turn against it; what others reach it by is for its proxy to know. A server on another address
    /// does not know the names that lead to it.
    ///
    /// `uri` gives the host over HTTP/2. A request without a host is no browser's.
    #[must_use]
    pub fn serves_host(&self, headers: &HeaderMap, uri: &Uri, extensions: &Extensions) -> bool {
        let Hosts::List(list) = &self.hosts else {
            return true;
        };
        let Some(host) = host_of(headers, uri) else {
            return true;
        };
        let Some(host) = host else { return false };
        let (name, _) = split(&host);
        if name.is_empty() || is_local_name(name) {
            return true;
        }
        let of_origins: &[String] = match &self.origins {
            OriginPolicy::List(origins) => origins,
            _ => &[],
        };
        let origins = of_origins
            .iter()
            .filter_map(|origin| Some(origin.split_once("://")?.1.trim_end_matches('/')));
        let mut names = list.iter().chain(&self.own_hosts).map(String::as_str);
        if names.any(|listed| matches(listed, &host))
            || origins.into_iter().any(|o| matches(o, &host))
        {
            return true;
        }
        list.is_empty() && !self.is_local_only(extensions)
    }

    /// Returns `true` if only this machine's own programs can have sent a request.
    fn is_local_only(&self, extensions: &Extensions) -> bool {
        let is_local = extensions
            .get::<Local>()
            .is_some_and(|local| local.0.ip().to_canonical().is_loopback());
        let peer = extensions.get::<Peer>().map(|peer| peer.0.ip());
        is_local && !peer.is_some_and(|peer| self.trusted_proxies.trusts(peer))
    }
}

/// The host that a request names, in lower case; `Some(None)` if it is no text.
fn host_of(headers: &HeaderMap, uri: &Uri) -> Option<Option<String>> {
    match headers.get(header::HOST) {
        Some(host) => Some(host.to_str().ok().map(str::to_ascii_lowercase)),
        None => Some(Some(uri.authority()?.as_str().to_ascii_lowercase())),
    }
}

/// A host without the dot at its end, and its port.
fn split(host: &str) -> (&str, Option<&str>) {
    let end = host.rfind(']').map_or(0, |at| at + 1);
    let (name, port) = match host[end..].find(':') {
        Some(at) => (&host[..end + at], Some(&host[end + at + 1..])),
        None => (host, None),
    };
    (name.strip_suffix('.').unwrap_or(name), port)
}

/// Returns `true` for addresses, and for names that browsers resolve to their own machine.
fn is_local_name(name: &str) -> bool {
    let address = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost") || address.parse::<IpAddr>().is_ok()
}

fn matches(listed: &str, host: &str) -> bool {
    let listed = listed.to_ascii_lowercase();
    let (wanted, wanted_port) = split(&listed);
    let (name, port) = split(host);
    let is_name = match wanted.strip_prefix("*.") {
        Some(domain) => name
            .strip_suffix(domain)
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        None => name == wanted,
    };
    is_name && wanted_port.is_none_or(|wanted| port == Some(wanted))
}

/// How many hosts are remembered.
const MOST: usize = 64;

/// The refused hosts that the log has: one warning for each, and for at most 64.
#[derive(Debug, Default)]
pub(crate) struct RefusedHosts(Mutex<HashSet<String>>);

impl RefusedHosts {
    /// The refusal of a request for a host that is not served.
    pub(crate) fn refuse(&self, headers: &HeaderMap, uri: &Uri) -> Refusal {
        let host = host_of(headers, uri).flatten().unwrap_or_default();
        let host = cut(&host);
        let count = {
            let mut seen = self.0.lock();
            match seen.len() > MOST || !seen.insert(host.clone()) {
                true => 0,
                false => seen.len(),
            }
        };
        if count > MOST {
            tracing::warn!(
                setting = "server.hosts",
                "requests for more than {MOST} hosts are refused; further hosts are not logged"
            );
        } else if count > 0 {
            tracing::warn!(
                host,
                setting = "server.hosts",
                "requests for a host are refused that the server does not listen on and that the setting does not list"
            );
        }
        let text = "This host is not served here: server.hosts does not list it";
        Refusal::with_status(StatusCode::MISDIRECTED_REQUEST, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> ServerConfig {
        serde_json::from_str(text).unwrap()
    }

    fn serves(config: &ServerConfig, local: Option<&str>, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        let mut extensions = Extensions::new();
        if let Some(local) = local {
            extensions.insert(Local(local.parse().unwrap()));
            extensions.insert(Peer("127.0.0.1:9".parse().unwrap()));
        }
        config.serves_host(&headers, &Uri::from_static("/"), &extensions)
    }

    const LOOPBACK: [Option<&str>; 3] = [
        Some("127.0.0.1:80"),
        Some("[::1]:80"),
        Some("[::ffff:127.0.0.1]:80"),
    ];
    const ELSEWHERE: [Option<&str>; 2] = [Some("10.0.0.1:80"), None];
    const OWN: [&str; 9] = [
        "127.0.0.1",
        "127.0.0.1:8080",
        "[::1]:80",
        "[fe80::1]",
        "10.1.2.3",
        "localhost",
        "LOCALHOST:80",
        "localhost.",
        "a.b.localhost:80",
    ];
    const OTHERS: [&str; 6] = [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evillocalhost",
        "10.0.0.1.nip.io",
    ];

    #[test]
    fn a_loopback_address_is_reached_by_its_own_names_only() {
        let default = ServerConfig::default();
        for host in OWN {
            for local in LOOPBACK.iter().chain(&ELSEWHERE) {
                assert!(serves(&default, *local, host), "{local:?} {host}");
            }
        }
        for host in OTHERS {
            for local in LOOPBACK {
                assert!(!serves(&default, local, host), "{local:?} {host}");
            }
            for local in ELSEWHERE {
                assert!(serves(&default, local, host), "{local:?} {host}");
            }
        }
        // What a trusted proxy passes on, it has looked at.
        let behind = config(r#"{"trustedProxies":["127.0.0.1"]}"#);
        assert!(serves(&behind, LOOPBACK[0], "example.com"));
        // A page that may connect by its origin need not be kept out by its host.
        let origins = config(r#"{"origins":{"list":["https://*.example.com","https://a.com:1"]}}"#);
        assert!(serves(&origins, LOOPBACK[0], "app.example.com:443"));
        assert!(serves(&origins, LOOPBACK[0], "a.com:1"));
        assert!(!serves(&origins, LOOPBACK[0], "a.com:2"));
        let mut named = ServerConfig::default();
        named.own_hosts.push("machine.lan".into());
        assert!(serves(&named, LOOPBACK[0], "machine.lan:8080"));
        assert!(serves(&named, ELSEWHERE[0], "other.lan:8080"));
    }

    #[test]
    fn a_list_holds_wherever_it_listens() {
        let list =
            config(r#"{"hosts":["a.com","b.com:81","*.c.com"],"trustedProxies":["127.0.0.1"]}"#);
        for local in LOOPBACK.into_iter().chain(ELSEWHERE) {
            for host in [
                "a.com",
                "A.com:5",
                "a.com.",
                "b.com:81",
                "x.c.com",
                "x.y.c.com:1",
            ] {
                assert!(serves(&list, local, host), "{local:?} {host}");
            }
            for host in ["b.com", "b.com:82", "c.com", "xc.com", "x.a.com", ".c.com"] {
                assert!(!serves(&list, local, host), "{local:?} {host}");
            }
            for host in OTHERS {
                assert!(!serves(&list, local, host), "{local:?} {host}");
            }
            for host in OWN {
                assert!(serves(&list, local, host), "{local:?} {host}");
            }
        }
        assert!(serves(
            &config(r#"{"hosts":"any"}"#),
            LOOPBACK[0],
            OTHERS[0]
        ));
    }

    #[test]
    fn a_host_may_be_that_of_the_address_or_none() {
        let default = ServerConfig::default();
        let mut extensions = Extensions::new();
        extensions.insert(Local("127.0.0.1:80".parse().unwrap()));
        let of = |uri| default.serves_host(&HeaderMap::new(), &Uri::from_static(uri), &extensions);
        assert!(of("/"));
        assert!(of("https://localhost/"));
        assert!(!of("https://evil.example/"));
        let mut headers = HeaderMap::new();
        headers.insert(
            header::HOST,
            http::HeaderValue::from_bytes(b"\xff").unwrap(),
        );
        assert!(!default.serves_host(&headers, &Uri::from_static("/"), &extensions));
    }

    #[test]
    fn settings_are_read_or_say_what_is_right() {
        for (text, hosts) in [
            (r#""any""#, Hosts::Any),
            ("[]", Hosts::default()),
            (r#"["a.com"]"#, Hosts::List(vec!["a.com".into()])),
        ] {
            assert_eq!(serde_json::from_str::<Hosts>(text).unwrap(), hosts);
            assert_eq!(serde_json::to_string(&hosts).unwrap(), text);
        }
        for wrong in [
            r#""a.com""#,
            r#"["https://a.com"]"#,
            r#"["*"]"#,
            r#"[""]"#,
            "true",
        ] {
            let error = serde_json::from_str::<Hosts>(wrong)
                .unwrap_err()
                .to_string();
            assert!(error.contains("example.com"), "{error}");
        }
    }

    #[test]
    fn made_up_hosts_fill_no_memory() {
        let refused = RefusedHosts::default();
        for n in 0..1000 {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, format!("{n}.example").parse().unwrap());
            let refusal = refused.refuse(&headers, &Uri::from_static("/"));
            assert_eq!(refusal.status(), StatusCode::MISDIRECTED_REQUEST);
        }
        assert_eq!(refused.0.lock().len(), MOST + 1);
    }
}
