//! The request that opened a spark.

use stellarfw_transport::TrustedProxies;

use super::Subject;
use crate::{
    fixture::{Fixture, OrFail, Setup},
    harness::Connect,
};

/// The query is available, raw and decoded.
pub async fn the_query_is_kept(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let connect = Connect::default().query("sessionID=abc&text=a%20b%2Bc&twice=1&twice=2&empty");
    let (_visitor, spark) = fixture.pair_with(connect).await;
    let value = |key| spark.handshake().query_value(key);
    if fixture.capabilities.query {
        assert_eq!(value("sessionID").as_deref(), Some("abc"));
        assert_eq!(value("text").as_deref(), Some("a b+c"));
        assert_eq!(value("twice").as_deref(), Some("1"));
        assert_eq!(value("empty").as_deref(), Some(""));
        assert_eq!(value("none"), None);
        let twice = spark
            .handshake()
            .query_pairs()
            .filter(|(key, _)| key == "twice");
        assert_eq!(twice.count(), 2);
    } else {
        assert_eq!(spark.handshake().query(), "");
        assert_eq!(value("sessionID"), None);
    }
    fixture.finish().await;
}

/// The headers are available.
pub async fn the_headers_are_kept(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let connect = Connect::default()
        .header("X-Test", "one: two")
        .header("X-Many", "1")
        .header("X-Many", "2");
    let (_visitor, spark) = fixture.pair_with(connect).await;
    let handshake = spark.handshake();
    if fixture.capabilities.headers {
        assert_eq!(handshake.header("x-test"), Some("one: two"));
        assert_eq!(handshake.header("X-TEST"), Some("one: two"));
        assert_eq!(handshake.header("x-none"), None);
        let many = handshake.headers().filter(|(name, _)| *name == "x-many");
        assert!(many.map(|(_, value)| value).eq([b"1", b"2"]));
    } else {
        assert_eq!(handshake.headers().count(), 0);
    }
    fixture.finish().await;
}

/// Cookies are parsed from the headers.
pub async fn cookies_are_read(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let connect = Connect::default().header("Cookie", "a=1; sessionID=\"0123abc\"; b=x=y");
    let (_visitor, spark) = fixture.pair_with(connect).await;
    let cookie = |name| spark.handshake().cookie(name);
    if fixture.capabilities.headers {
        assert_eq!(cookie("a"), Some("1"));
        assert_eq!(cookie("sessionID"), Some("0123abc"));
        assert_eq!(cookie("b"), Some("x=y"));
    } else {
        assert_eq!(cookie("a"), None);
    }
    assert_eq!(cookie("c"), None);
    fixture.finish().await;
}

/// The remote address is the client's, including its port.
pub async fn the_remote_address_is_the_peers(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (one, first) = fixture.pair().await;
    let (two, second) = fixture.pair().await;
    assert_eq!(first.handshake().remote(), one.raw.address());
    assert_eq!(second.handshake().remote(), two.raw.address());
    fixture.finish().await;
}

const FORWARDED: &str = "203.0.113.9";

/// Connects with forwarding headers. Returns the client's own address and the spark's.
async fn addresses(fixture: &Fixture) -> (Option<String>, Option<String>) {
    // The client sends every header that a proxy may set; the trusted proxy sets
    // `X-Forwarded-For`.
    let connect = Connect::default()
        .header("Forwarded", "for=198.51.100.1")
        .header("X-Real-IP", "198.51.100.2")
        .header("X-Forwarded-For", format!("198.51.100.3, {FORWARDED}"));
    let (client, spark) = fixture.pair_with(connect).await;
    let ip = |address: Option<std::net::SocketAddr>| address.map(|a| a.ip().to_string());
    (ip(client.raw.address()), ip(spark.handshake().remote()))
}

/// The forwarded address counts only from a trusted proxy, and only from its configured header.
pub async fn only_trusted_proxies_set_the_address(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (own, remote) = addresses(&fixture).await;
    assert_eq!(remote, own, "an untrusted peer set the address");
    fixture.finish().await;

    let Some(own) = own else { return };
    let fixture = Setup::new(&harness)
        .configure(|config| {
            let list = TrustedProxies::try_from(vec![own.clone()]);
            config.trusted_proxies = list.or_fail();
        })
        .serve()
        .await;
    let (_, remote) = addresses(&fixture).await;
    let expected = if fixture.capabilities.headers {
        FORWARDED
    } else {
        &own
    };
    assert_eq!(remote.as_deref(), Some(expected));
    fixture.finish().await;
}
