//! What is kept of the request that opened a spark.

use std::{borrow::Cow, fmt, net::SocketAddr};

use http::{Extensions, HeaderMap, Uri, request::Parts};

/// The request that opened a spark, in a compact form of its own.
///
/// Headers and query are copied into one allocation each: a kept [`HeaderMap`] would cost over a
/// kilobyte per spark and pin the read buffer that its values point into.
#[derive(Default)]
pub struct Handshake {
    pub(crate) remote: Option<SocketAddr>,
    path: Box<str>,
    query: Box<str>,
    /// `name ": " value "\n"` for each header; a value can hold no line feed.
    headers: Box<[u8]>,
    extensions: Extensions,
}

impl Handshake {
    /// The handshake of a request; `remote` is the peer's address if it is known. The extensions
    /// are moved out of `parts`.
    #[must_use]
    pub fn new(remote: Option<SocketAddr>, parts: &mut Parts) -> Self {
        Self {
            remote,
            path: parts.uri.path().into(),
            query: parts.uri.query().unwrap_or_default().into(),
            headers: pack(&parts.headers),
            extensions: std::mem::take(&mut parts.extensions),
        }
    }

    /// The handshake of a transport that has no HTTP request, such as plain TCP: an address only.
    #[must_use]
    pub fn without_request(remote: Option<SocketAddr>) -> Self {
        Self {
            remote,
            ..Self::default()
        }
    }

    /// The peer's address: the client's own when a trusted proxy told it. `None` where the
    /// server was mounted without telling it (see [`Peer`](crate::Peer)).
    #[must_use]
    pub fn remote(&self) -> Option<SocketAddr> {
        self.remote
    }

    /// The path of the request's URL.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The raw query of the request's URL, without the question mark.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }

    /// The first value of a key of the query, percent-decoded.
    #[must_use]
    pub fn query_value(&self, key: &str) -> Option<Cow<'_, str>> {
        self.query_pairs()
            .find_map(|(k, value)| (k == key).then_some(value))
    }

    /// All keys and values of the query, percent-decoded, in order.
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        query_pairs(&self.query)
    }

    /// The first value of a header, if it is text. Names are compared without regard to case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// All headers in order; names are lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers.split(|b| *b == b'\n').filter_map(|line| {
            let colon = line.iter().position(|b| *b == b':')?;
            Some((
                std::str::from_utf8(&line[..colon]).ok()?,
                &line[colon + 2..],
            ))
        })
    }

    /// The value of a cookie, without the quotes that may be around it.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let headers = self.headers().filter(|(n, _)| *n == "cookie");
        cookie(headers.map(|(_, value)| value), name)
    }

    /// The request's extensions, as middleware in front of the server left them.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }
}

fn pack(headers: &HeaderMap) -> Box<[u8]> {
    let len = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 3)
        .sum();
    let mut out = Vec::with_capacity(len);
    for (name, value) in headers {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.push(b'\n');
    }
    out.into_boxed_slice()
}

/// The keys and values of a query string, decoded as `application/x-www-form-urlencoded`.
pub fn query_pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(key), percent_decode(value))
        })
}

/// The first value of a key in a URI's query.
#[must_use]
pub fn query_value<'u>(uri: &'u Uri, key: &str) -> Option<Cow<'u, str>> {
    query_pairs(uri.query()?).find_map(|(k, value)| (k == key).then_some(value))
}

/// The cookies of `Cookie` headers (RFC 6265 section 4.2.1) in order: names, and values as they
/// stand there. What is no text is left out, and nothing else with it.
pub fn cookies<'h>(
    headers: impl IntoIterator<Item = &'h [u8]>,
) -> impl Iterator<Item = (&'h str, &'h str)> {
    headers
        .into_iter()
        .flat_map(|header| header.split(|byte| *byte == b';'))
        .filter_map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=')?;
            let text = |bytes: &'h [u8]| std::str::from_utf8(bytes.trim_ascii()).ok();
            Some((text(pair.get(..at)?)?, text(pair.get(at + 1..)?)?))
        })
}

/// The value of the first cookie of a name, without the quotes that may be around it.
#[must_use]
pub fn cookie<'h>(headers: impl IntoIterator<Item = &'h [u8]>, name: &str) -> Option<&'h str> {
    let (_, value) = cookies(headers).find(|(key, _)| *key == name)?;
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    Some(inner.unwrap_or(value))
}

fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let hex = |at: usize| bytes.get(at).and_then(|b| (*b as char).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
                continue;
            }
            (b'+', ..) => out.push(b' '),
            (byte, ..) => out.push(byte),
        }
        at += 1;
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers and query carry cookies and tokens: they stay out of logs.
        f.debug_struct("Handshake")
            .field("remote", &self.remote)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_among_others() {
        // One header on each line.
        let of = |headers: &'static str, name| cookie(headers.lines().map(str::as_bytes), name);
        for (headers, value) in [
            ("s=abc", Some("abc")),
            ("s=\"abc\"", Some("abc")),
            ("s=\"\"", Some("")),
            ("s=\"", Some("\"")),
            ("s=\"abc", Some("\"abc")),
            ("a=1; s=abc; b=2", Some("abc")),
            ("a=1;s=abc;b=2", Some("abc")),
            ("a=1\nb=2; s=abc", Some("abc")),
            ("s=abc; s=def", Some("abc")),
            ("s=abc\ns=def", Some("abc")),
            (" s = abc ;", Some("abc")),
            ("\ts\t=\tabc\t", Some("abc")),
            ("s=a=b==", Some("a=b==")),
            ("s=", Some("")),
            ("x=ü; s=abc", Some("abc")),
            ("s; s=abc", Some("abc")),
            (";;=; s=abc", Some("abc")),
            ("S=abc; xs=1; s2=2; $s=3", None),
            ("s", None),
            ("", None),
        ] {
            assert_eq!(of(headers, "s"), value, "{headers:?}");
        }
        assert_eq!(of("__Host-s.id!=1", "__Host-s.id!"), Some("1"));
        // What is no text takes nothing along.
        assert_eq!(cookie([&b"x=\xff; s=abc"[..]], "s"), Some("abc"));
        assert_eq!(cookie([&b"s=\xff; s=abc"[..]], "s"), Some("abc"));
    }

    #[test]
    fn what_a_request_said_can_be_read_back() {
        let request = http::Request::builder()
            .uri("/primus?a=1&b=x%20y+z&a=2&bad=%zz&empty")
            .header("Cookie", "a=1; sessionID=\"s\"")
            .header("cookie", "other=2")
            .header("X-Many", "one")
            .header("X-Many", "two")
            .header("X-Bytes", &b"\xff: \t"[..])
            .body(())
            .unwrap();
        let (mut parts, ()) = request.into_parts();
        parts.extensions.insert(7_u8);
        let handshake = Handshake::new(None, &mut parts);
        assert_eq!(handshake.path(), "/primus");
        assert_eq!(handshake.query_value("a").as_deref(), Some("1"));
        assert_eq!(handshake.query_value("b").as_deref(), Some("x y z"));
        assert_eq!(handshake.query_value("bad").as_deref(), Some("%zz"));
        assert_eq!(handshake.query_value("empty").as_deref(), Some(""));
        assert_eq!(handshake.query_value("none"), None);
        assert_eq!(handshake.header("x-many"), Some("one"));
        assert_eq!(
            handshake.headers().filter(|(n, _)| *n == "x-many").count(),
            2
        );
        assert_eq!(handshake.header("x-bytes"), None);
        assert_eq!(handshake.cookie("sessionID"), Some("s"));
        assert_eq!(handshake.cookie("other"), Some("2"));
        assert_eq!(handshake.extensions().get::<u8>(), Some(&7));
    }
}
