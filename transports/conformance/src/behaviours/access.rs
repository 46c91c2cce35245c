//! The authorizer, the origin policy and the list of hosts.

use std::sync::Arc;

use http::{StatusCode, header, request::Parts};
use parking_lot::Mutex;
use stellarfw_transport::{
    Hosts, OriginPolicy, Peer, Refusal, TrustedProxies, handshake::query_value,
};

use super::Subject;
use crate::{
    fixture::{Fixture, OrFail, Setup},
    harness::Connect,
};

#[derive(Clone, Debug, PartialEq, Eq)]
struct User(String);

/// The authorizer sees path, query, headers and peer address before the spark exists.
pub async fn the_authorizer_sees_the_request(harness: Subject) {
    let seen: Arc<Mutex<Vec<Parts>>> = Arc::default();
    let note = seen.clone();
    let fixture = Setup::new(&harness)
        .with(|builder| {
            builder.authorize(move |parts| {
                let mut kept = http::Request::new(()).into_parts().0;
                kept.uri = parts.uri.clone();
                kept.headers = parts.headers.clone();
                if let Some(peer) = parts.extensions.get::<Peer>() {
                    kept.extensions.insert(*peer);
                }
                note.lock().push(kept);
                async { Ok(None::<User>) }
            })
        })
        .serve()
        .await;
    let connect = Connect::default()
        .query("token=secret")
        .header("X-Test", "one");
    let (client, spark) = fixture.pair_with(connect).await;
    {
        let seen = seen.lock();
        assert_eq!(seen.len(), 1, "the authorizer runs once");
        let parts = &seen[0];
        if fixture.capabilities.query {
            assert_eq!(query_value(&parts.uri, "token").as_deref(), Some("secret"));
        } else {
            assert_eq!(parts.uri.query(), None);
        }
        if fixture.capabilities.headers {
            assert_eq!(
                parts.headers.get("x-test").map(|v| v.as_bytes()),
                Some(&b"one"[..])
            );
            let pathname = &fixture.server.config().pathname;
            assert!(parts.uri.path().starts_with(pathname), "{}", parts.uri);
        } else {
            assert!(parts.headers.is_empty());
        }
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
        assert_eq!(peer, client.raw.address());
    }
    assert_eq!(spark.identity::<User>(), None);
    fixture.finish().await;
}

/// The identity that the authorizer returns is attached to the spark.
pub async fn an_identity_is_attached(harness: Subject) {
    let fixture = Setup::new(&harness)
        .with(|builder| {
            builder.authorize(|_| async {
                tokio::task::yield_now().await;
                Ok(Some(User("ann".into())))
            })
        })
        .echo()
        .serve()
        .await;
    let (mut client, spark) = fixture.pair().await;
    assert_eq!(spark.identity(), Some(&User("ann".into())));
    assert_eq!(spark.identity::<String>(), None);
    client.send_value("accepted").await;
    assert_eq!(client.recv().await, "accepted");
    fixture.finish().await;
}

/// A refused client receives status, message and `WWW-Authenticate`. No spark opens for it.
pub async fn a_refusal_reaches_the_client(harness: Subject) {
    let fixture = Setup::new(&harness)
        .with(|builder| {
            builder.authorize(|_| async {
                let refusal = Refusal::with_status(StatusCode::PAYMENT_REQUIRED, "pay \"first\"");
                Err::<Option<User>, _>(refusal.www_authenticate("Basic realm=\"till\""))
            })
        })
        .serve()
        .await;
    for _ in 0..3 {
        let refused = fixture.refused_with(402, Connect::default()).await;
        if fixture.capabilities.refusal {
            assert_eq!(refused.message.as_deref(), Some("pay \"first\""));
            assert_eq!(
                refused.www_authenticate.as_deref(),
                Some("Basic realm=\"till\"")
            );
            assert_ne!(
                refused.connection_close,
                Some(false),
                "a refused upgrade must close the connection"
            );
        }
    }
    assert_eq!(fixture.server.opened(), 0);
    fixture.finish().await;
}

/// A refusal without a status is sent as 401.
pub async fn a_refusal_is_401_by_default(harness: Subject) {
    let fixture = Setup::new(&harness)
        .with(|b| b.authorize(|_| async { Err::<Option<User>, _>(Refusal::new("who are you?")) }))
        .serve()
        .await;
    let refused = fixture.refused_with(401, Connect::default()).await;
    if fixture.capabilities.refusal {
        assert_eq!(refused.message.as_deref(), Some("who are you?"));
        assert_eq!(refused.www_authenticate, None);
    }
    assert_eq!(fixture.server.opened(), 0);
    fixture.finish().await;
}

const HOST: &str = "stellar.example:8080";

fn page(origin: &str) -> Connect {
    Connect::default()
        .header(header::HOST.as_str(), HOST)
        .header(header::ORIGIN.as_str(), origin)
}

async fn with_policy(harness: &Subject, policy: OriginPolicy) -> Fixture {
    Setup::new(harness)
        .configure(|config| {
            config.origins = policy;
            config.hosts = Hosts::Any;
        })
        .serve()
        .await
}

/// Checks that a page of this origin is accepted.
async fn assert_accepted(fixture: &Fixture, origin: &str) {
    let (client, spark) = fixture.pair_with(page(origin)).await;
    client.disconnect().await;
    fixture.closed(&spark).await;
}

/// Checks that a page of this origin is refused, where the engine has headers.
async fn assert_refused(fixture: &Fixture, origin: &str) {
    if fixture.capabilities.headers {
        let refused = fixture.refused_with(403, page(origin)).await;
        assert_ne!(
            refused.connection_close,
            Some(false),
            "a refused upgrade must close the connection"
        );
    } else {
        assert_accepted(fixture, origin).await;
    }
}

/// A request without an origin is not from a browser and passes every policy.
pub async fn requests_without_an_origin_are_accepted(harness: Subject) {
    for policy in [
        OriginPolicy::Same,
        OriginPolicy::List(Vec::new()),
        OriginPolicy::Any,
    ] {
        let fixture = with_policy(&harness, policy).await;
        fixture.assert_healthy().await;
        fixture.finish().await;
    }
}

/// By default only pages of the same host and port are accepted.
pub async fn same_host_origins_are_accepted(harness: Subject) {
    let fixture = with_policy(&harness, OriginPolicy::default()).await;
    assert_accepted(&fixture, "http://stellar.example:8080").await;
    assert_accepted(&fixture, "https://Stellar.Example:8080").await;
    assert_accepted(&fixture, "HTTP://STELLAR.EXAMPLE:8080").await;
    for origin in [
        "http://stellar.example",
        "http://stellar.example:8081",
        "http://evil.example:8080",
        "http://stellar.example:8080.evil.example",
        "http://stellar.example.:8080",
        "http://stellar.example:8080/",
        "ws://stellar.example:8080",
        "stellar.example:8080",
        "null",
    ] {
        assert_refused(&fixture, origin).await;
    }
    fixture.finish().await;
}

/// Pages of a listed origin are accepted besides those of the same host.
pub async fn listed_origins_are_accepted(harness: Subject) {
    let list = ["https://a.example", "https://*.b.example"].map(Into::into);
    let fixture = with_policy(&harness, OriginPolicy::List(list.into())).await;
    assert_accepted(&fixture, "http://stellar.example:8080").await;
    assert_accepted(&fixture, "https://a.example").await;
    assert_accepted(&fixture, "https://x.y.b.example").await;
    for origin in [
        "http://a.example",
        "https://b.example",
        "https://evilb.example",
        "https://a.example.",
        "https://a.example:444",
        "null",
    ] {
        assert_refused(&fixture, origin).await;
    }
    fixture.finish().await;

    let fixture = with_policy(&harness, OriginPolicy::List(vec!["null".into()])).await;
    assert_accepted(&fixture, "null").await;
    assert_refused(&fixture, "https://null").await;
    fixture.finish().await;
}

/// `OriginPolicy::Any` accepts every page.
pub async fn every_origin_is_accepted_under_any(harness: Subject) {
    let fixture = with_policy(&harness, OriginPolicy::Any).await;
    for origin in [
        "http://stellar.example:8080",
        "https://evil.example",
        "null",
    ] {
        assert_accepted(&fixture, origin).await;
    }
    fixture.finish().await;
}

/// A missing origin is inferred from `Sec-Fetch-Site` and `Referer`.
///
/// Browsers send no `Origin` for a URL in a tag, such as a script.
pub async fn a_missing_origin_is_inferred(harness: Subject) {
    let tag = |headers: &[(&str, &str)]| {
        let connect = Connect::default().header(header::HOST.as_str(), HOST);
        headers.iter().fold(connect, |connect, (name, value)| {
            connect.header(*name, *value)
        })
    };
    let own = ("referer", "http://stellar.example:8080/page");
    let other = ("referer", "https://a.example/page");
    let site = |value| ("sec-fetch-site", value);
    let list = OriginPolicy::List(vec!["https://a.example".into()]);
    for (policy, foreign, trusted) in [
        (
            OriginPolicy::Same,
            &[
                &[site("cross-site")][..],
                &[site("same-site")],
                &[site("cross-site"), other],
                &[other],
            ][..],
            &[&[site("same-origin")][..], &[site("none")], &[own], &[]][..],
        ),
        (
            list,
            &[&[site("cross-site")], &[("referer", "https://b.example/")]],
            &[&[site("cross-site"), other], &[other]],
        ),
        (OriginPolicy::Any, &[], &[&[site("cross-site")]]),
    ] {
        let fixture = with_policy(&harness, policy).await;
        for headers in foreign {
            if fixture.capabilities.headers {
                fixture.refused_with(403, tag(headers)).await;
            }
        }
        if fixture.capabilities.headers {
            assert_eq!(fixture.server.opened(), 0);
        }
        for headers in trusted {
            let (client, spark) = fixture.pair_with(tag(headers)).await;
            client.disconnect().await;
            fixture.closed(&spark).await;
        }
        fixture.finish().await;
    }
}

/// A page with another scheme is refused where a trusted proxy reports the scheme.
pub async fn the_scheme_of_an_origin_counts_where_known(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| {
            let list = TrustedProxies::try_from(vec!["0.0.0.0/0".into(), "::/0".into()]);
            config.trusted_proxies = list.or_fail();
            config.hosts = Hosts::Any;
        })
        .serve()
        .await;
    let by = |proto: &str, origin: &str| page(origin).header("x-forwarded-proto", proto);
    for (proto, origin, other) in [
        (
            "https",
            "https://stellar.example:8080",
            "http://stellar.example:8080",
        ),
        (
            "http",
            "http://stellar.example:8080",
            "https://stellar.example:8080",
        ),
    ] {
        let (client, spark) = fixture.pair_with(by(proto, origin)).await;
        client.disconnect().await;
        fixture.closed(&spark).await;
        let is_known = fixture.capabilities.headers && spark.handshake().remote().is_some();
        if is_known {
            fixture.refused_with(403, by(proto, other)).await;
        }
    }
    fixture.finish().await;
}

/// A request for an unlisted host is refused, even from a page of that host.
///
/// This prevents DNS rebinding: an attacker's name can resolve to this server.
pub async fn only_listed_hosts_are_served(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| {
            config.hosts = Hosts::List(vec!["stellar.example".into(), "*.b.example".into()]);
        })
        .serve()
        .await;
    let at = |host: &str| {
        let connect = Connect::default().header(header::HOST.as_str(), host);
        connect.header(header::ORIGIN.as_str(), format!("http://{host}"))
    };
    for host in [
        "evil.example",
        "evil.example:8080",
        "b.example",
        "xstellar.example",
    ] {
        if fixture.capabilities.headers {
            let refused = fixture.refused_with(421, at(host)).await;
            if fixture.capabilities.refusal {
                let message = refused.message.unwrap_or_default();
                assert!(message.contains("server.hosts"), "{message}");
            }
        }
    }
    if fixture.capabilities.headers {
        assert_eq!(fixture.server.opened(), 0);
    }
    for host in [
        "stellar.example",
        "STELLAR.example:8080",
        "x.b.example",
        "localhost:1",
        "127.0.0.1",
        "[::1]:8080",
    ] {
        let (client, spark) = fixture.pair_with(at(host)).await;
        client.disconnect().await;
        fixture.closed(&spark).await;
    }
    fixture.finish().await;
}
