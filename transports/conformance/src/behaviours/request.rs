//! What is known of the request that opened a spark.

use stellarfw_transport::TrustedProxies;

use super::Subject;
use crate::{
    bed::{Bed, Must, Setup},
    harness::Connect,
};

/// The query is kept and decoded.
pub async fn the_query_is_kept(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let connect = Connect::default().query("sessionID=abc&text=a%20b%2Bc&twice=1&twice=2&empty");
    let (_visitor, spark) = bed.pair_with(connect).await;
    let value = |key| spark.handshake().query_value(key);
    if bed.capabilities.query {
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
    bed.finish().await;
}

/// The headers are kept.
pub async fn the_headers_are_kept(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let connect = Connect::default()
        .header("X-Test", "one: two")
        .header("X-Many", "1")
        .header("X-Many", "2");
    let (_visitor, spark) = bed.pair_with(connect).await;
    let handshake = spark.handshake();
    if bed.capabilities.headers {
        assert_eq!(handshake.header("x-test"), Some("one: two"));
        assert_eq!(handshake.header("X-TEST"), Some("one: two"));
        assert_eq!(handshake.header("x-none"), None);
        let many = handshake.headers().filter(|(name, _)| *name == "x-many");
        assert!(many.map(|(_, value)| value).eq([b"1", b"2"]));
    } else {
        assert_eq!(handshake.headers().count(), 0);
    }
    bed.finish().await;
}

/// Cookies are read from the headers.
pub async fn cookies_are_read(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let connect = Connect::default().header("Cookie", "a=1; sessionID=\"0123abc\"; b=x=y");
    let (_visitor, spark) = bed.pair_with(connect).await;
    let cookie = |name| spark.handshake().cookie(name);
    if bed.capabilities.headers {
        assert_eq!(cookie("a"), Some("1"));
        assert_eq!(cookie("sessionID"), Some("0123abc"));
        assert_eq!(cookie("b"), Some("x=y"));
    } else {
        assert_eq!(cookie("a"), None);
    }
    assert_eq!(cookie("c"), None);
    bed.finish().await;
}

/// The remote address is the client's, port and all.
pub async fn the_remote_address_is_the_peers(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (one, first) = bed.pair().await;
    let (two, second) = bed.pair().await;
    assert_eq!(first.handshake().remote(), one.client.address());
    assert_eq!(second.handshake().remote(), two.client.address());
    bed.finish().await;
}

const TOLD: &str = "203.0.113.9";

async fn told(bed: &Bed) -> (Option<String>, Option<String>) {
    // A client sends all that some proxy might write; the trusted one writes `X-Forwarded-For`.
    let connect = Connect::default()
        .header("Forwarded", "for=198.51.100.1")
        .header("X-Real-IP", "198.51.100.2")
        .header("X-Forwarded-For", format!("198.51.100.3, {TOLD}"));
    let (visitor, spark) = bed.pair_with(connect).await;
    let ip = |address: Option<std::net::SocketAddr>| address.map(|a| a.ip().to_string());
    (ip(visitor.client.address()), ip(spark.handshake().remote()))
}

/// The client's address comes from a trusted proxy alone, and from the one header that it writes.
pub async fn only_trusted_proxies_are_believed(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (own, remote) = told(&bed).await;
    assert_eq!(remote, own, "a stranger was believed");
    bed.finish().await;

    let Some(own) = own else { return };
    let bed = Setup::new(&harness)
        .configure(|config| {
            let list = TrustedProxies::try_from(vec![own.clone()]);
            config.trusted_proxies = list.must();
        })
        .serve()
        .await;
    let (_, remote) = told(&bed).await;
    let expected = if bed.capabilities.headers { TOLD } else { &own };
    assert_eq!(remote.as_deref(), Some(expected));
    bed.finish().await;
}
