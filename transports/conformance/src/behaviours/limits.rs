//! How many may come, and how long they may take.

use std::time::Duration;

use stellarfw_transport::{
    ConnectRate, Flow, Refusal, ServerBuilder, ServerConfig, TrustedProxies,
};
use tokio::sync::mpsc;

use super::Subject;
use crate::{
    bed::{Bed, Gate, Must, Setup, until, within},
    harness::{Connect, Received},
};

/// One connection too many is refused with 503, until there is room again.
pub async fn connections_are_limited(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| config.max_connections = 2)
        .serve()
        .await;
    let (one, first) = bed.pair().await;
    let (_two, _) = bed.pair().await;
    for _ in 0..3 {
        bed.refused_with(503, Connect::default()).await;
    }
    assert_eq!(bed.server.connections(), 2);
    one.vanish().await;
    bed.closed(&first).await;
    until("the refused have left", || bed.server.connections() == 1).await;
    let (_three, _) = bed.pair().await;
    bed.refused_with(503, Connect::default()).await;
    bed.finish().await;
}

/// One connection too many from an address is refused with 429, until there is room again.
pub async fn connections_of_an_address_are_limited(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| config.max_connections_per_address = 2)
        .serve()
        .await;
    let (one, first) = bed.pair().await;
    let (_two, _) = bed.pair().await;
    if one.client.address().is_none() {
        // Nobody has an address, so nobody is counted.
        bed.pair().await;
        return bed.finish().await;
    }
    for _ in 0..3 {
        let refused = bed.refused_with(429, Connect::default()).await;
        if bed.capabilities.refusal {
            let text = "Too many connections from your address";
            assert_eq!(refused.message.as_deref(), Some(text));
        }
    }
    assert_eq!(bed.server.connections(), 2);
    one.vanish().await;
    // The kept spark keeps no place.
    bed.closed(&first).await;
    let (_three, _) = bed.pair().await;
    bed.refused_with(429, Connect::default()).await;
    bed.finish().await;
}

/// The clients of a trusted proxy are counted by the addresses that it tells; those of IPv6 by the
/// /64 that each of them has to itself.
pub async fn clients_behind_a_proxy_are_told_apart(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (visitor, _) = bed.pair().await;
    let own = visitor.client.address();
    bed.finish().await;
    let Some(own) = own else { return };
    let bed = Setup::new(&harness)
        .configure(|config| {
            config.max_connections_per_address = 1;
            config.trusted_proxies = TrustedProxies::try_from(vec![own.ip().to_string()]).must();
        })
        .serve()
        .await;
    if !bed.capabilities.headers {
        let (_one, _) = bed.pair().await;
        bed.refused_with(429, Connect::default()).await;
        return bed.finish().await;
    }
    let told = |address: &str| Connect::default().header("X-Forwarded-For", address);
    let mut visitors = Vec::new();
    for (first, same) in [
        ("203.0.113.1", "203.0.113.1"),
        ("203.0.113.2", "::ffff:203.0.113.2"),
        ("2001:db8::1", "2001:db8::ffff:1"),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::1"),
    ] {
        visitors.push(bed.pair_with(told(first)).await);
        bed.refused_with(429, told(same)).await;
    }
    assert_eq!(bed.server.connections(), visitors.len());
    bed.finish().await;
}

/// A connection whose opening takes its time counts once, not as a handshake too.
pub async fn an_opening_counts_once(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| {
            config.max_connections = 2;
            config.max_handshakes = 1;
        })
        .on_open(|_| {
            // Not a wait for anything: a hook that is slow to return.
            std::thread::sleep(Duration::from_millis(100));
            Flow::DONE
        })
        .serve()
        .await;
    let (_one, _) = bed.pair().await;
    let (_two, _) = bed.pair().await;
    assert_eq!(bed.server.connections(), 2);
    bed.finish().await;
}

/// A server whose authorizer waits at a gate and tells who came.
async fn gated(
    harness: &Subject,
    gate: &Gate,
    max_handshakes: usize,
    timeout: u64,
) -> (Bed, mpsc::UnboundedReceiver<()>) {
    let (came, arrivals) = mpsc::unbounded_channel();
    let gate = gate.clone();
    let bed = Setup::new(harness)
        .configure(|config| {
            config.max_handshakes = max_handshakes;
            config.handshake_timeout = timeout;
        })
        .with(|builder| {
            builder.authorize(move |_| {
                came.send(()).ok();
                let passed = gate.passed();
                async move {
                    passed.await;
                    Ok::<_, Refusal>(None::<()>)
                }
            })
        })
        .serve()
        .await;
    (bed, arrivals)
}

/// One handshake too many is refused with 503; those under way are not disturbed.
pub async fn handshakes_are_limited(harness: Subject) {
    let gate = Gate::new();
    let (bed, mut arrivals) = gated(&harness, &gate, 1, 60_000).await;
    let first = async {
        let visitor = bed.connect(Connect::default()).await;
        (visitor, bed.opened().await)
    };
    let second = async {
        within("for the first client", arrivals.recv()).await;
        bed.refused_with(503, Connect::default()).await;
        gate.open();
    };
    let ((mut visitor, spark), ()) = tokio::join!(first, second);
    spark.send("in").must();
    assert_eq!(visitor.hear().await, "in");
    assert_eq!(bed.server.opened(), 1);
    bed.pair().await;
    bed.finish().await;
}

/// A client at an address that a trusted proxy reports.
fn from(address: &str) -> Connect {
    Connect::default().header("X-Forwarded-For", address)
}

/// A server that trusts the address that its clients connect from. `None` where they have none.
async fn trusting(
    harness: &Subject,
    configure: impl FnOnce(&mut ServerConfig),
    build: impl FnOnce(ServerBuilder) -> ServerBuilder,
) -> Option<Bed> {
    let bed = Setup::new(harness).serve().await;
    let (visitor, _) = bed.pair().await;
    let own = visitor.client.address();
    bed.finish().await;
    let own = own?.ip().to_string();
    let trusting = Setup::new(harness).configure(|config| {
        config.trusted_proxies = TrustedProxies::try_from(vec![own]).must();
        configure(config);
    });
    Some(trusting.with(build).serve().await)
}

/// One handshake too many of an address is refused with 429; those of others are let in.
pub async fn handshakes_of_an_address_are_limited(harness: Subject) {
    let (came, mut arrivals) = mpsc::unbounded_channel();
    let gate = Gate::new();
    let passing = gate.clone();
    let bed = trusting(
        &harness,
        |config| config.max_handshakes_per_address = 1,
        |builder| {
            builder.authorize(move |_| {
                came.send(()).ok();
                let passed = passing.passed();
                async move {
                    passed.await;
                    Ok::<_, Refusal>(None::<()>)
                }
            })
        },
    )
    .await;
    let Some(bed) = bed else { return };
    let open = async |address: &str| {
        let visitor = bed.connect(from(address)).await;
        (visitor, bed.opened().await)
    };
    let others = async {
        within("for the first client", arrivals.recv()).await;
        bed.refused_with(429, from("203.0.113.1")).await;
        if bed.capabilities.headers {
            let second = open("203.0.113.2");
            let opened = async {
                within("for the second client", arrivals.recv()).await;
                gate.open();
            };
            Some(tokio::join!(second, opened).0)
        } else {
            gate.open();
            None
        }
    };
    let (first, second) = tokio::join!(open("203.0.113.1"), others);
    // A handshake that is over counts no more.
    let again = open("203.0.113.1").await;
    drop((first, second, again));
    bed.finish().await;
}

/// New connections beyond the rate are refused with 503, and those that are in stay.
pub async fn new_connections_are_limited(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| config.connect_rate = ConnectRate::new(0.000_1, 2))
        .serve()
        .await;
    let (one, first) = bed.pair().await;
    let (mut two, second) = bed.pair().await;
    one.vanish().await;
    bed.closed(&first).await;
    for _ in 0..3 {
        bed.refused_with(503, Connect::default()).await;
    }
    second.send("still in").must();
    assert_eq!(two.hear().await, "still in");
    bed.finish().await;
}

/// New connections of an address beyond its rate are refused with 429, and others are let in.
pub async fn new_connections_of_an_address_are_limited(harness: Subject) {
    let bed = trusting(
        &harness,
        |config| config.connect_rate_per_address = ConnectRate::new(0.000_1, 2),
        |builder| builder,
    )
    .await;
    let Some(bed) = bed else { return };
    for _ in 0..2 {
        let (visitor, spark) = bed.pair_with(from("2001:db8::1")).await;
        visitor.vanish().await;
        bed.closed(&spark).await;
    }
    for address in ["2001:db8::1", "2001:db8::2"] {
        bed.refused_with(429, from(address)).await;
    }
    if bed.capabilities.headers {
        bed.pair_with(from("2001:db8:0:1::1")).await;
    }
    bed.finish().await;
}

/// An authorizer that does not come to an end is given the handshake timeout.
pub async fn a_hanging_authorizer_is_timed_out(harness: Subject) {
    let gate = Gate::new();
    let (bed, _arrivals) = gated(&harness, &gate, 10, 200).await;
    bed.refused_with(503, Connect::default()).await;
    assert_eq!(bed.server.opened(), 0);
    gate.open();
    bed.pair().await;
    bed.finish().await;
}

/// A client that leaves during its handshake gives its place free, at the latest at the timeout.
pub async fn a_client_that_left_gives_its_place_free(harness: Subject) {
    let gate = Gate::new();
    let (bed, mut arrivals) = gated(&harness, &gate, 1, 1_000).await;
    // Where a client learns only later whether it is in, it seems to be until it leaves.
    let first = async {
        let visitor = bed.attempt(Connect::default()).await;
        assert!(
            !bed.capabilities.refusal,
            "it was let in through a closed gate"
        );
        std::future::pending::<()>().await;
        drop(visitor);
    };
    tokio::select! {
        () = first => {}
        _ = within("for the first client", arrivals.recv()) => {}
    }
    gate.open();
    // Whether the first was seen to leave or found the gate open is a matter of the moment.
    within("for a free place", async {
        loop {
            match bed.attempt(Connect::default()).await {
                Ok(mut visitor) => {
                    let question = visitor.encode("primus::id::");
                    visitor.try_send(question).await.ok();
                    if matches!(visitor.next().await, Received::Payload(_)) {
                        return;
                    }
                }
                Err(refused) => assert_eq!(refused.status, Some(503)),
            }
        }
    })
    .await;
    bed.finish().await;
}
