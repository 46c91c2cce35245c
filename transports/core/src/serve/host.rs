//! The host that a request of HTTP/1 is for (RFC 9112 section 3.2).

use http::{HeaderValue, Method, StatusCode, Version, header, uri::Scheme};

/// Puts the host of the request line in the place of the `Host` header, which it overrides.
///
/// # Errors
/// 400 for a request that does not name exactly one host; HTTP/1.0 may name none. 421 for an `https`
/// URI over a connection that is not secure (RFC 9110 section 7.4).
pub(super) fn settle<B>(request: &mut http::Request<B>, is_secure: bool) -> Result<(), StatusCode> {
    if !names_host(request) {
        return Err(StatusCode::BAD_REQUEST);
    }
    if !is_secure && request.uri().scheme() == Some(&Scheme::HTTPS) {
        return Err(StatusCode::MISDIRECTED_REQUEST);
    }
    Ok(())
}

fn names_host<B>(request: &mut http::Request<B>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let is_good = match (hosts.next(), hosts.next()) {
        (Some(host), None) => is_host(host.as_bytes()),
        (None, _) => request.version() == Version::HTTP_10,
        (Some(_), Some(_)) => false,
    };
    if !is_good || *request.method() == Method::CONNECT {
        return is_good;
    }
    if let Some(authority) = request.uri().authority() {
        let host = authority.as_str();
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let Ok(host) = HeaderValue::from_str(host) else {
            return false;
        };
        request.headers_mut().insert(header::HOST, host);
    }
    true
}

/// Whether a text is a host and maybe a port (RFC 3986 section 3.2), or empty, as for requests that
/// are for no host.
fn is_host(text: &[u8]) -> bool {
    let (is_name, port) = if let Some(rest) = text.strip_prefix(b"[") {
        let Some(end) = rest.iter().position(|byte| *byte == b']') else {
            return false;
        };
        let (address, port) = rest.split_at(end);
        let is_address = |byte: &u8| byte.is_ascii_alphanumeric() || b":.".contains(byte);
        let is_name = !address.is_empty() && address.iter().all(is_address);
        (is_name, port.get(1..).unwrap_or_default())
    } else {
        let end = text.iter().position(|byte| *byte == b':');
        let (name, port) = text.split_at(end.unwrap_or(text.len()));
        (is_reg_name(name), port)
    };
    let is_port = match port.split_first() {
        None => true,
        Some((colon, digits)) => *colon == b':' && digits.iter().all(u8::is_ascii_digit),
    };
    is_name && is_port && (!text.starts_with(b":"))
}

fn is_reg_name(name: &[u8]) -> bool {
    let mut bytes = name.iter();
    while let Some(byte) = bytes.next() {
        let is_good = match byte {
            b'%' => {
                let mut is_hex = || bytes.next().is_some_and(u8::is_ascii_hexdigit);
                is_hex() && is_hex()
            }
            byte => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(byte),
        };
        if !is_good {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_what_is_none() {
        for good in [
            "",
            "a",
            "a:80",
            "a:",
            "127.0.0.1:8080",
            "[::1]",
            "[::1]:80",
            "[v1.a]",
            "a_b.example",
            "x%41",
            "a,b",
        ] {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for bad in [
            ":80", "a b", "a/b", "a:b", "a:80:80", "u@a", "[::1", "[]", "[::1]80", "a\"", "<a>",
            "x%4", "\u{fc}", "a\\b", "a?b", "a#b",
        ] {
            assert!(!is_host(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn the_request_line_counts_more_than_the_header() {
        let settled = |uri: &str, hosts: &[&str], version| {
            let mut request = http::Request::get(uri).version(version).body(()).unwrap();
            for host in hosts {
                let host = host.parse().unwrap();
                request.headers_mut().append(header::HOST, host);
            }
            let settled = settle(&mut request, false);
            let host = request.headers().get(header::HOST);
            settled.ok()?;
            Some(host.map(|host| host.to_str().unwrap().to_owned()))
        };
        let (old, new) = (Version::HTTP_10, Version::HTTP_11);
        assert_eq!(settled("/", &["a"], new), Some(Some("a".into())));
        assert_eq!(settled("/", &[], new), None);
        assert_eq!(settled("/", &[], old), Some(None));
        assert_eq!(settled("/", &["a", "a"], new), None);
        assert_eq!(settled("/", &["a", "b"], old), None);
        assert_eq!(settled("/", &["a b"], new), None);
        assert_eq!(
            settled("http://b:1/", &["a"], new),
            Some(Some("b:1".into()))
        );
        assert_eq!(
            settled("http://u:p@b/", &["a"], new),
            Some(Some("b".into()))
        );
        assert_eq!(settled("http://b/", &[], old), Some(Some("b".into())));
    }
}
