//! Which web pages may connect.

use std::fmt;

use http::{HeaderMap, Uri, header};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Visitor},
};

/// How a request stands to an [`OriginPolicy`]; see
/// [`ServerConfig::provenance`](crate::ServerConfig::provenance).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// A page that may connect, or no page: an address that someone typed, or a program.
    Trusted,
    /// A page that may not connect.
    Foreign,
    /// A browser that says nothing of the page: neither `Origin` nor `Sec-Fetch-Site` nor `Referer`.
    Unknown,
}

/// Which origins may open a connection.
///
/// A browser sends the origin of the page with every WebSocket and every cross-origin request,
/// and enforces nothing for WebSockets by itself: without this check any page could act in its
/// visitor's name. Programs send no such header, and pass; see [`OriginPolicy::judge`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum OriginPolicy {
    /// Only pages of the server's own host and port (the request's `Host`). The default.
    #[default]
    Same,
    /// The server's own, and these: `https://example.com`, `https://*.example.com` (any
    /// subdomain, at any depth), or `null` for pages without an origin.
    List(Vec<String>),
    /// Every page.
    Any,
}

impl OriginPolicy {
    /// Returns how a request stands to the policy.
    ///
    /// `Origin` decides where there is one. Browsers leave it out of a `GET` for their own page, and
    /// of one that a page makes with a tag, such as a script or an image. There `Sec-Fetch-Site`
    /// tells the two apart, and the origin of `Referer` where the browser sends no such header or
    /// where it says that the page is another.
    ///
    /// `uri` gives the host over HTTP/2, where the `Host` header is absent. `https` is the scheme of
    /// the request where it is known: then a page of the other scheme is another origin.
    #[must_use]
    pub fn judge(&self, headers: &HeaderMap, uri: &Uri, https: Option<bool>) -> Provenance {
        if *self == Self::Any {
            return Provenance::Trusted;
        }
        let of = |origin: Option<&str>| match origin {
            Some(origin) if self.allows_origin(origin, headers, uri, https) => Provenance::Trusted,
            _ => Provenance::Foreign,
        };
        if let Some(origin) = headers.get(header::ORIGIN) {
            return of(origin.to_str().ok());
        }
        let text = |name: &str| headers.get(name).map(|v| v.to_str().unwrap_or_default());
        match (text("sec-fetch-site"), text("referer")) {
            (Some("same-origin" | "none"), _) => Provenance::Trusted,
            (_, Some(referer)) => of(origin_of(referer).as_deref()),
            (Some(_), None) => Provenance::Foreign,
            (None, None) => {
                let agent = text("user-agent").unwrap_or_default();
                match agent.starts_with("Mozilla/") {
                    true => Provenance::Unknown,
                    false => Provenance::Trusted,
                }
            }
        }
    }

    /// Returns `true` if pages of an origin may connect.
    fn allows_origin(
        &self,
        origin: &str,
        headers: &HeaderMap,
        uri: &Uri,
        https: Option<bool>,
    ) -> bool {
        let listed = match self {
            Self::List(list) => list.iter().any(|allowed| matches(allowed, origin)),
            _ => false,
        };
        listed || is_same(origin, headers, uri, https)
    }
}

/// The origin of a URL.
fn origin_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    Some(format!("{scheme}://{authority}"))
}

/// As it is serialized. By hand, because what people write in its place, such as a list alone, is
/// to be told what would be right; and an origin in the list that no page can have is refused.
impl<'de> Deserialize<'de> for OriginPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Read)
    }
}

struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = OriginPolicy;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#""same", "any" or { list = ["https://example.com"] }"#)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<OriginPolicy, E> {
        match text {
            "same" => Ok(OriginPolicy::Same),
            "any" => Ok(OriginPolicy::Any),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OriginPolicy, A::Error> {
        let mut list = None;
        while let Some(key) = map.next_key::<String>()? {
            if key != "list" {
                return Err(A::Error::unknown_field(&key, &["list"]));
            }
            list = Some(map.next_value::<Vec<String>>()?);
        }
        let list = list.ok_or_else(|| A::Error::missing_field("list"))?;
        match list.iter().find(|origin| !is_origin(origin)) {
            Some(origin) => Err(A::Error::custom(format_args!(
                "{origin:?} is no origin, such as https://example.com, https://*.example.com or null"
            ))),
            None => Ok(OriginPolicy::List(list)),
        }
    }
}

/// Whether a page could have it, or `*.` in it stands for what pages could have.
fn is_origin(allowed: &str) -> bool {
    let allowed = allowed.trim_end_matches('/');
    if allowed.eq_ignore_ascii_case("null") {
        return true;
    }
    let Some((scheme, host)) = allowed.split_once("://") else {
        return false;
    };
    let host = host.strip_prefix("*.").unwrap_or(host);
    !scheme.is_empty() && !host.is_empty() && !host.contains(['/', '*', '?', '#', '@', ' '])
}

fn is_same(origin: &str, headers: &HeaderMap, uri: &Uri, https: Option<bool>) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| uri.authority().map(http::uri::Authority::as_str));
    let (Some((scheme, authority)), Some(host)) = (origin.split_once("://"), host) else {
        return false;
    };
    // Behind a proxy that ends TLS our own scheme may be unknown, so the origin's decides which port
    // is the default one.
    let (is_https, default) = if scheme.eq_ignore_ascii_case("http") {
        (false, ":80")
    } else if scheme.eq_ignore_ascii_case("https") {
        (true, ":443")
    } else {
        return false;
    };
    if https.is_some_and(|https| https != is_https) {
        return false;
    }
    let strip = |authority: &str| {
        let lower = authority.to_ascii_lowercase();
        lower
            .strip_suffix(default)
            .map_or(lower.clone(), str::to_owned)
    };
    strip(authority) == strip(host)
}

fn matches(allowed: &str, origin: &str) -> bool {
    let allowed = allowed.trim_end_matches('/');
    if allowed.eq_ignore_ascii_case(origin) {
        return true;
    }
    let Some((scheme, domain)) = allowed.split_once("://*.") else {
        return false;
    };
    let Some((origin_scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let (authority, domain) = (authority.to_ascii_lowercase(), domain.to_ascii_lowercase());
    scheme.eq_ignore_ascii_case(origin_scheme)
        && authority
            .strip_suffix(&domain)
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(policy: &OriginPolicy, origin: Option<&str>, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        judge(policy, &headers, None) == Provenance::Trusted
    }

    fn judge(policy: &OriginPolicy, headers: &HeaderMap, https: Option<bool>) -> Provenance {
        policy.judge(headers, &Uri::from_static("/primus"), https)
    }

    #[test]
    fn the_scheme_counts_where_it_is_known() {
        let same = OriginPolicy::Same;
        let list = OriginPolicy::List(vec!["http://b.com".into()]);
        let of = |policy: &OriginPolicy, origin: &str, host: &str, https| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            headers.insert(header::ORIGIN, origin.parse().unwrap());
            judge(policy, &headers, https) == Provenance::Trusted
        };
        for (origin, host, plain, secure) in [
            ("http://a.com", "a.com", true, false),
            ("https://a.com", "a.com", false, true),
            ("http://a.com:8443", "a.com:8443", true, false),
            ("https://a.com:8443", "a.com:8443", false, true),
            ("HTTPS://A.COM", "a.com:443", false, true),
        ] {
            assert!(of(&same, origin, host, None), "{origin}");
            assert_eq!(of(&same, origin, host, Some(false)), plain, "{origin}");
            assert_eq!(of(&same, origin, host, Some(true)), secure, "{origin}");
        }
        assert!(of(&list, "http://b.com", "a.com", Some(true)));
        assert!(of(&OriginPolicy::Any, "http://a.com", "a.com", Some(true)));
    }

    #[test]
    fn pages_that_send_no_origin_are_found_out() {
        use Provenance::{Foreign, Trusted, Unknown};
        let browser = ("user-agent", "Mozilla/5.0");
        let of = |policy: &OriginPolicy, sent: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "a.com".parse().unwrap());
            for (name, value) in sent {
                headers.insert(*name, value.parse().unwrap());
            }
            judge(policy, &headers, None)
        };
        let same = OriginPolicy::Same;
        let list = OriginPolicy::List(vec!["http://b.com".into()]);
        let own = ("referer", "http://a.com/page?x#y");
        let other = ("referer", "http://b.com/a.com");
        let site = |value| ("sec-fetch-site", value);
        for (policy, sent, expected) in [
            (&same, &[][..], Trusted),
            (&same, &[("user-agent", "curl/8")], Trusted),
            (&same, &[browser], Unknown),
            (&same, &[browser, own], Trusted),
            (&same, &[browser, other], Foreign),
            (&same, &[("referer", "http://b.com?//a.com")], Foreign),
            (&same, &[("referer", "nonsense")], Foreign),
            (&same, &[browser, site("same-origin")], Trusted),
            (&same, &[browser, site("none")], Trusted),
            (&same, &[browser, site("same-site")], Foreign),
            (&same, &[browser, site("cross-site")], Foreign),
            (&same, &[browser, site("cross-site"), other], Foreign),
            (&same, &[browser, site("nonsense")], Foreign),
            (&list, &[browser, site("cross-site"), other], Trusted),
            (&list, &[browser, site("cross-site")], Foreign),
            (&list, &[browser, other], Trusted),
            (&OriginPolicy::Any, &[site("cross-site")], Trusted),
            // What `Origin` says counts more.
            (&same, &[site("same-origin"), ("origin", "null")], Foreign),
        ] {
            assert_eq!(of(policy, sent), expected, "{policy:?} {sent:?}");
        }
    }

    #[test]
    fn same_origin_is_host_and_port() {
        let same = OriginPolicy::Same;
        assert!(allows(&same, None, "a.com"));
        assert!(allows(&same, Some("http://a.com"), "a.com"));
        assert!(allows(&same, Some("http://A.com:80"), "a.com"));
        assert!(allows(&same, Some("HTTP://A.COM"), "a.com"));
        assert!(allows(&same, Some("http://a.com.:8080"), "a.com.:8080"));
        assert!(allows(&same, Some("https://a.com"), "a.com:443"));
        assert!(allows(&same, Some("http://a.com:8080"), "a.com:8080"));
        assert!(!allows(&same, Some("http://a.com:8080"), "a.com"));
        assert!(!allows(&same, Some("https://a.com"), "a.com:80"));
        assert!(!allows(&same, Some("http://b.com"), "a.com"));
        assert!(!allows(&same, Some("null"), "a.com"));
        assert!(!allows(&same, Some(""), "a.com"));
        assert!(!allows(&same, Some("a.com"), "a.com"));
        assert!(!allows(&same, Some("ws://a.com"), "a.com"));
        assert!(!allows(&same, Some("http://a.com."), "a.com"));
        assert!(!allows(&same, Some("http://a.com/"), "a.com"));
        assert!(!allows(&same, Some("http://x@a.com"), "a.com"));
        assert!(!allows(&same, Some("file://a.com"), "a.com"));
        assert!(!allows(&same, Some("http://a.com.evil.com"), "a.com"));
    }

    #[test]
    fn what_is_written_in_the_wrong_way_is_told_what_is_right() {
        let read = |text: &str| {
            serde_json::from_str::<OriginPolicy>(text).map_err(|error| error.to_string())
        };
        let list = r#"["https://a.com","http://a.com:8080/","https://*.a.com","null","app://x"]"#;
        let policy = read(&format!(r#"{{"list":{list}}}"#)).unwrap();
        assert_eq!(
            policy,
            OriginPolicy::List(serde_json::from_str(list).unwrap())
        );
        for policy in [policy, OriginPolicy::Same, OriginPolicy::Any] {
            let text = serde_json::to_string(&policy).unwrap();
            assert_eq!(read(&text), Ok(policy));
        }
        for wrong in [list, r#""*""#, r#""https://a.com""#, "true", "5"] {
            let error = read(wrong).unwrap_err();
            let right = r#""same", "any" or { list = ["https://example.com"] }"#;
            assert!(error.contains(right), "{error}");
        }
        for wrong in [
            "a.com",
            "*",
            "https://",
            "https://a.com/path",
            "https://a.*.com",
            "",
        ] {
            let error = read(&format!(r#"{{"list":["https://a.com",{wrong:?}]}}"#)).unwrap_err();
            assert!(
                error.contains(&format!("{wrong:?} is no origin")),
                "{error}"
            );
        }
        assert!(read("{}").unwrap_err().contains("list"));
        assert!(read(r#"{"lst":[]}"#).unwrap_err().contains("lst"));
    }

    #[test]
    fn lists_name_origins_exactly_or_by_subdomain() {
        let list = OriginPolicy::List(vec![
            "https://a.com".into(),
            "https://*.b.com".into(),
            "null".into(),
        ]);
        assert!(allows(&list, Some("https://a.com"), "x"));
        assert!(!allows(&list, Some("http://a.com"), "x"));
        assert!(!allows(&list, Some("https://a.com:444"), "x"));
        assert!(allows(&list, Some("https://c.b.com"), "x"));
        assert!(allows(&list, Some("https://d.c.b.com"), "x"));
        assert!(!allows(&list, Some("https://b.com"), "x"));
        assert!(!allows(&list, Some("https://evilb.com"), "x"));
        assert!(!allows(&list, Some("https://.b.com"), "x"));
        assert!(allows(&list, Some("null"), "x"));
        assert!(allows(&list, Some("http://x"), "x"));
        assert!(allows(&OriginPolicy::Any, Some("http://evil.com"), "x"));
    }
}
