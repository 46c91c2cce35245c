//! Client addresses reported by proxies.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue};
use stellarfw::transport::{ProxyHeader, TrustedProxies};

/// The address of the trusted proxy.
const PROXY: &str = "10.0.0.1:1";
/// What it writes.
const CLIENT: &str = "203.0.113.9";

const NAMES: [&str; 3] = ["x-forwarded-for", "forwarded", "x-real-ip"];

/// Uses each line as the value of a forwarding header.
///
/// An untrusted peer keeps its own address. Behind a trusted proxy only the entry that it appends
/// counts, whatever precedes it, and no other header.
pub fn proxies(bytes: &[u8]) {
    let values: Vec<_> = bytes
        .split(|byte| *byte == b'\n')
        .take(8)
        .filter_map(|line| HeaderValue::from_bytes(line).ok())
        .collect();
    let trusted = vec!["10.0.0.0/8".to_owned(), "fd00::/8".to_owned()];
    let trusted = TrustedProxies::try_from(trusted).unwrap();
    let proxy: SocketAddr = PROXY.parse().unwrap();
    let stranger: SocketAddr = "198.51.100.7:4".parse().unwrap();
    for name in NAMES {
        let header = ProxyHeader::try_from(name.to_owned()).unwrap();
        let client = |peer, headers: &HeaderMap| trusted.client(Some(peer), &header, headers);
        let own = HeaderName::from_static(name);
        let mut headers = HeaderMap::new();
        for (value, other) in values.iter().zip(NAMES.iter().cycle()) {
            headers.append(own.clone(), value.clone());
            headers.append(HeaderName::from_static(other), value.clone());
        }
        assert_eq!(client(stranger, &headers), Some(stranger));
        assert_eq!(trusted.is_secure(Some(stranger), &header, &headers), None);
        let found = client(proxy, &headers).unwrap();
        assert_eq!(found, reference(&headers, &own, proxy), "{headers:?}");

        // Other headers have no effect.
        let mut alone = headers.clone();
        for other in NAMES.into_iter().filter(|other| *other != name) {
            alone.remove(other);
        }
        assert_eq!(client(proxy, &alone), Some(found));

        // The proxy appends to the last line, or adds a line.
        let written = match name {
            "forwarded" => format!("for=\"{CLIENT}:80\";proto=https"),
            _ => CLIENT.to_owned(),
        };
        let mut appended = headers.clone();
        appended.append(own.clone(), written.parse().unwrap());
        let mut joined = HeaderMap::new();
        let before = headers.get_all(&own).iter();
        let mut lines: Vec<Vec<u8>> = before.map(|value| value.as_bytes().to_vec()).collect();
        match lines.last_mut() {
            Some(last) => last.extend(format!(", {written}").bytes()),
            None => lines.push(written.into_bytes()),
        }
        for line in lines {
            joined.append(own.clone(), HeaderValue::from_bytes(&line).unwrap());
        }
        for headers in [appended, joined] {
            let is_text = headers
                .get_all(&own)
                .iter()
                .next_back()
                .unwrap()
                .to_str()
                .is_ok();
            let found = client(proxy, &headers).unwrap();
            let is_secure = trusted.is_secure(Some(proxy), &header, &headers);
            let expected = is_text.then_some(true);
            assert!(name != "forwarded" || is_secure == expected, "{headers:?}");
            if is_text {
                assert_eq!(found.ip(), CLIENT.parse::<IpAddr>().unwrap(), "{headers:?}");
            } else {
                assert_eq!(found, proxy, "{headers:?}");
            }
        }
    }
}

/// Resolves the chain of addresses, entry by entry.
fn reference(headers: &HeaderMap, name: &HeaderName, proxy: SocketAddr) -> SocketAddr {
    let mut entries = Vec::new();
    for value in headers.get_all(name) {
        match value.to_str() {
            Ok(text) => entries.extend(text.split(',').map(|entry| Some(entry.trim()))),
            Err(_) => entries.push(None),
        }
    }
    let mut client = proxy;
    for entry in entries.into_iter().rev() {
        let Some(address) = entry.and_then(|entry| address_of(entry, name == "forwarded")) else {
            break;
        };
        client = address;
        if !is_trusted(address.ip()) {
            break;
        }
    }
    client
}

fn address_of(entry: &str, is_forwarded: bool) -> Option<SocketAddr> {
    let text = if is_forwarded {
        let pairs = entry.split(';').filter_map(|pair| pair.split_once('='));
        let mut values = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case("for"));
        values.next()?.1.trim().trim_matches('"')
    } else {
        entry
    };
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let ip = bare.unwrap_or(text).parse().ok()?;
    Some(SocketAddr::new(ip, 0))
}

/// Returns `true` for 10.0.0.0/8, also as mapped IPv6 addresses, and fd00::/8.
fn is_trusted(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets()[0] == 10,
        IpAddr::V6(ip) => ip.octets()[0] == 0xfd,
    }
}
