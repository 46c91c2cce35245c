//! Who may connect.

use std::sync::Arc;

use http::{StatusCode, header, request::Parts};
use parking_lot::Mutex;
use stellarfw_transport::{
    Hosts, OriginPolicy, Peer, Refusal, TrustedProxies, handshake::query_value,
};

use super::Subject;
use crate::{
    bed::{Bed, Must, Setup},
    harness::Connect,
};

#[derive(Clone, Debug, PartialEq, Eq)]
struct User(String);

/// The authorizer sees path, query, headers and the peer's address, before there is a spark.
pub async fn the_authorizer_sees_the_request(harness: Subject) {
    let seen: Arc<Mutex<Vec<Parts>>> = Arc::default();
    let note = seen.clone();
    let bed = Setup::new(&harness)
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
    let (visitor, spark) = bed.pair_with(connect).await;
    {
        let seen = seen.lock();
        assert_eq!(seen.len(), 1, "the authorizer is asked once");
        let parts = &seen[0];
        if bed.capabilities.query {
            assert_eq!(query_value(&parts.uri, "token").as_deref(), Some("secret"));
        } else {
            assert_eq!(parts.uri.query(), None);
        }
        if bed.capabilities.headers {
            assert_eq!(
                parts.headers.get("x-test").map(|v| v.as_bytes()),
                Some(&b"one"[..])
            );
            let pathname = &bed.server.config().pathname;
            assert!(parts.uri.path().starts_with(pathname), "{}", parts.uri);
        } else {
            assert!(parts.headers.is_empty());
        }
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
        assert_eq!(peer, visitor.client.address());
    }
    assert_eq!(spark.identity::<User>(), None);
    bed.finish().await;
}

/// What the authorizer found out is attached to the spark.
pub async fn an_identity_is_attached(harness: Subject) {
    let bed = Setup::new(&harness)
        .with(|builder| {
            builder.authorize(|_| async {
                tokio::task::yield_now().await;
                Ok(Some(User("ann".into())))
            })
        })
        .echo()
        .serve()
        .await;
    let (mut visitor, spark) = bed.pair().await;
    assert_eq!(spark.identity(), Some(&User("ann".into())));
    assert_eq!(spark.identity::<String>(), None);
    visitor.say("in").await;
    assert_eq!(visitor.hear().await, "in");
    bed.finish().await;
}

/// A refused client is told status, message and `WWW-Authenticate`; no spark opens for it.
pub async fn a_refusal_is_told(harness: Subject) {
    let bed = Setup::new(&harness)
        .with(|builder| {
            builder.authorize(|_| async {
                let refusal = Refusal::with_status(StatusCode::PAYMENT_REQUIRED, "pay \"first\"");
                Err::<Option<User>, _>(refusal.www_authenticate("Basic realm=\"till\""))
            })
        })
        .serve()
        .await;
    for _ in 0..3 {
        let refused = bed.refused_with(402, Connect::default()).await;
        if bed.capabilities.refusal {
            assert_eq!(refused.message.as_deref(), Some("pay \"first\""));
            assert_eq!(
                refused.www_authenticate.as_deref(),
                Some("Basic realm=\"till\"")
            );
            assert_ne!(
                refused.connection_close,
                Some(false),
                "a refused upgrade stays open"
            );
        }
    }
    assert_eq!(bed.server.opened(), 0);
    bed.finish().await;
}

/// A refusal without a status is 401.
pub async fn a_refusal_is_401_by_default(harness: Subject) {
    let bed = Setup::new(&harness)
        .with(|b| b.authorize(|_| async { Err::<Option<User>, _>(Refusal::new("who are you?")) }))
        .serve()
        .await;
    let refused = bed.refused_with(401, Connect::default()).await;
    if bed.capabilities.refusal {
        assert_eq!(refused.message.as_deref(), Some("who are you?"));
        assert_eq!(refused.www_authenticate, None);
    }
    assert_eq!(bed.server.opened(), 0);
    bed.finish().await;
}

const HOST: &str = "stellar.example:8080";

fn page(origin: &str) -> Connect {
    Connect::default()
        .header(header::HOST.as_str(), HOST)
        .header(header::ORIGIN.as_str(), origin)
}

async fn with_policy(harness: &Subject, policy: OriginPolicy) -> Bed {
    Setup::new(harness)
        .configure(|config| {
            config.origins = policy;
            config.hosts = Hosts::Any;
        })
        .serve()
        .await
}

/// A page of this origin is let in.
async fn welcome(bed: &Bed, origin: &str) {
    let (visitor, spark) = bed.pair_with(page(origin)).await;
    visitor.vanish().await;
    bed.closed(&spark).await;
}

/// A page of this origin is not let in, by engines that know of origins.
async fn unwelcome(bed: &Bed, origin: &str) {
    if bed.capabilities.headers {
        let refused = bed.refused_with(403, page(origin)).await;
        assert_ne!(
            refused.connection_close,
            Some(false),
            "a refused upgrade stays open"
        );
    } else {
        welcome(bed, origin).await;
    }
}

/// Who tells no origin is no browser and passes every policy.
pub async fn without_an_origin_anyone_may_come(harness: Subject) {
    for policy in [
        OriginPolicy::Same,
        OriginPolicy::List(Vec::new()),
        OriginPolicy::Any,
    ] {
        let bed = with_policy(&harness, policy).await;
        bed.is_well().await;
        bed.finish().await;
    }
}

/// By default pages of the same host and port may connect, and no others.
pub async fn pages_of_the_same_host_may_come(harness: Subject) {
    let bed = with_policy(&harness, OriginPolicy::default()).await;
    welcome(&bed, "http://stellar.example:8080").await;
    welcome(&bed, "https://Stellar.Example:8080").await;
    welcome(&bed, "HTTP://STELLAR.EXAMPLE:8080").await;
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
        unwelcome(&bed, origin).await;
    }
    bed.finish().await;
}

/// The pages of a list may connect too.
pub async fn pages_of_the_list_may_come(harness: Subject) {
    let list = ["https://a.example", "https://*.b.example"].map(Into::into);
    let bed = with_policy(&harness, OriginPolicy::List(list.into())).await;
    welcome(&bed, "http://stellar.example:8080").await;
    welcome(&bed, "https://a.example").await;
    welcome(&bed, "https://x.y.b.example").await;
    for origin in [
        "http://a.example",
        "https://b.example",
        "https://evilb.example",
        "https://a.example.",
        "https://a.example:444",
        "null",
    ] {
        unwelcome(&bed, origin).await;
    }
    bed.finish().await;

    let bed = with_policy(&harness, OriginPolicy::List(vec!["null".into()])).await;
    welcome(&bed, "null").await;
    unwelcome(&bed, "https://null").await;
    bed.finish().await;
}

/// With `any` every page may connect.
pub async fn pages_of_any_origin_may_come(harness: Subject) {
    let bed = with_policy(&harness, OriginPolicy::Any).await;
    for origin in [
        "http://stellar.example:8080",
        "https://evil.example",
        "null",
    ] {
        welcome(&bed, origin).await;
    }
    bed.finish().await;
}

/// A page that sends no origin, as one that names the engine's URL in a tag, is found out by what else
/// its browser says of it.
pub async fn pages_that_send_no_origin_are_found_out(harness: Subject) {
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
        let bed = with_policy(&harness, policy).await;
        for headers in foreign {
            if bed.capabilities.headers {
                bed.refused_with(403, tag(headers)).await;
            }
        }
        if bed.capabilities.headers {
            assert_eq!(bed.server.opened(), 0);
        }
        for headers in trusted {
            let (visitor, spark) = bed.pair_with(tag(headers)).await;
            visitor.vanish().await;
            bed.closed(&spark).await;
        }
        bed.finish().await;
    }
}

/// A page of the other scheme is another origin, where a trusted proxy reports the scheme.
pub async fn the_scheme_of_a_page_counts_where_it_is_known(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| {
            let list = TrustedProxies::try_from(vec!["0.0.0.0/0".into(), "::/0".into()]);
            config.trusted_proxies = list.must();
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
        let (visitor, spark) = bed.pair_with(by(proto, origin)).await;
        visitor.vanish().await;
        bed.closed(&spark).await;
        let is_known = bed.capabilities.headers && spark.handshake().remote().is_some();
        if is_known {
            bed.refused_with(403, by(proto, other)).await;
        }
    }
    bed.finish().await;
}

/// A request for a host that the server does not serve is refused, whatever page it comes from: its name
/// may have been made to resolve to this server.
pub async fn only_listed_hosts_are_served(harness: Subject) {
    let bed = Setup::new(&harness)
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
        if bed.capabilities.headers {
            let refused = bed.refused_with(421, at(host)).await;
            if bed.capabilities.refusal {
                let message = refused.message.unwrap_or_default();
                assert!(message.contains("server.hosts"), "{message}");
            }
        }
    }
    if bed.capabilities.headers {
        assert_eq!(bed.server.opened(), 0);
    }
    for host in [
        "stellar.example",
        "STELLAR.example:8080",
        "x.b.example",
        "localhost:1",
        "127.0.0.1",
        "[::1]:8080",
    ] {
        let (visitor, spark) = bed.pair_with(at(host)).await;
        visitor.vanish().await;
        bed.closed(&spark).await;
    }
    bed.finish().await;
}
