//! Limits of connections and handshakes.

use std::time::Duration;

use stellarfw_transport::{
    ConnectRate, Flow, Refusal, ServerBuilder, ServerConfig, TrustedProxies,
};
use tokio::sync::mpsc;

use super::Subject;
use crate::{
    fixture::{Fixture, Gate, OrFail, Setup, until, within},
    harness::{Connect, Received},
};

/// Connections beyond the limit are refused with 503 until one closes.
pub async fn connections_are_limited(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| config.max_connections = 2)
        .serve()
        .await;
    let (one, first) = fixture.pair().await;
    let (_two, _) = fixture.pair().await;
    for _ in 0..3 {
        fixture.refused_with(503, Connect::default()).await;
    }
    assert_eq!(fixture.server.connections(), 2);
    one.disconnect().await;
    fixture.closed(&first).await;
    until("refused connections are removed", || {
        fixture.server.connections() == 1
    })
    .await;
    let (_three, _) = fixture.pair().await;
    fixture.refused_with(503, Connect::default()).await;
    fixture.finish().await;
}

/// Connections of an address beyond its limit are refused with 429 until one closes.
pub async fn connections_of_an_address_are_limited(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| config.max_connections_per_address = 2)
        .serve()
        .await;
    let (one, first) = fixture.pair().await;
    let (_two, _) = fixture.pair().await;
    if one.raw.address().is_none() {
        // Clients without an address are not counted.
        fixture.pair().await;
        return fixture.finish().await;
    }
    for _ in 0..3 {
        let refused = fixture.refused_with(429, Connect::default()).await;
        if fixture.capabilities.refusal {
            let text = "Too many connections from your address";
            assert_eq!(refused.message.as_deref(), Some(text));
        }
    }
    assert_eq!(fixture.server.connections(), 2);
    one.disconnect().await;
    // The `Spark` handle does not count as a connection.
    fixture.closed(&first).await;
    let (_three, _) = fixture.pair().await;
    fixture.refused_with(429, Connect::default()).await;
    fixture.finish().await;
}

/// Clients behind a trusted proxy are counted by their forwarded addresses, IPv6 ones by /64.
pub async fn clients_behind_a_proxy_are_counted_separately(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (client, _) = fixture.pair().await;
    let own = client.raw.address();
    fixture.finish().await;
    let Some(own) = own else { return };
    let fixture = Setup::new(&harness)
        .configure(|config| {
            config.max_connections_per_address = 1;
            config.trusted_proxies = TrustedProxies::try_from(vec![own.ip().to_string()]).or_fail();
        })
        .serve()
        .await;
    if !fixture.capabilities.headers {
        let (_one, _) = fixture.pair().await;
        fixture.refused_with(429, Connect::default()).await;
        return fixture.finish().await;
    }

    let mut clients = Vec::new();
    for (first, same) in [
        ("203.0.113.1", "203.0.113.1"),
        ("203.0.113.2", "::ffff:203.0.113.2"),
        ("2001:db8::1", "2001:db8::ffff:1"),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::1"),
    ] {
        clients.push(fixture.pair_with(from(first)).await);
        fixture.refused_with(429, from(same)).await;
    }
    assert_eq!(fixture.server.connections(), clients.len());
    fixture.finish().await;
}

/// A connection whose open hook is slow counts as a connection, not also as a handshake.
pub async fn an_opening_counts_once(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| {
            config.max_connections = 2;
            config.max_handshakes = 1;
        })
        .on_open(|_| {
            // Simulates a hook that blocks; no condition is awaited.
            std::thread::sleep(Duration::from_millis(100));
            Flow::DONE
        })
        .serve()
        .await;
    let (_one, _) = fixture.pair().await;
    let (_two, _) = fixture.pair().await;
    assert_eq!(fixture.server.connections(), 2);
    fixture.finish().await;
}

/// Starts a server whose authorizer waits at a gate and reports each call.
async fn gated(
    harness: &Subject,
    gate: &Gate,
    max_handshakes: usize,
    timeout: u64,
) -> (Fixture, mpsc::UnboundedReceiver<()>) {
    let (arrived, arrivals) = mpsc::unbounded_channel();
    let gate = gate.clone();
    let fixture = Setup::new(harness)
        .configure(|config| {
            config.max_handshakes = max_handshakes;
            config.handshake_timeout = timeout;
        })
        .with(|builder| {
            builder.authorize(move |_| {
                arrived.send(()).ok();
                let passed = gate.passed();
                async move {
                    passed.await;
                    Ok::<_, Refusal>(None::<()>)
                }
            })
        })
        .serve()
        .await;
    (fixture, arrivals)
}

/// Handshakes beyond the limit are refused with 503; pending ones continue.
pub async fn handshakes_are_limited(harness: Subject) {
    let gate = Gate::new();
    let (fixture, mut arrivals) = gated(&harness, &gate, 1, 60_000).await;
    let first = async {
        let client = fixture.connect(Connect::default()).await;
        (client, fixture.opened().await)
    };
    let second = async {
        within("first client", arrivals.recv()).await;
        fixture.refused_with(503, Connect::default()).await;
        gate.open();
    };
    let ((mut client, spark), ()) = tokio::join!(first, second);
    spark.send("accepted").or_fail();
    assert_eq!(client.recv().await, "accepted");
    assert_eq!(fixture.server.opened(), 1);
    fixture.pair().await;
    fixture.finish().await;
}

/// Returns the options of a client behind a trusted proxy that forwards this address.
fn from(address: &str) -> Connect {
    Connect::default().header("X-Forwarded-For", address)
}

/// Starts a server that trusts its clients as proxies. `None` if clients have no address.
async fn trusting(
    harness: &Subject,
    configure: impl FnOnce(&mut ServerConfig),
    build: impl FnOnce(ServerBuilder) -> ServerBuilder,
) -> Option<Fixture> {
    let fixture = Setup::new(harness).serve().await;
    let (client, _) = fixture.pair().await;
    let own = client.raw.address();
    fixture.finish().await;
    let own = own?.ip().to_string();
    let trusting = Setup::new(harness).configure(|config| {
        config.trusted_proxies = TrustedProxies::try_from(vec![own]).or_fail();
        configure(config);
    });
    Some(trusting.with(build).serve().await)
}

/// Handshakes of an address beyond its limit are refused with 429; other addresses are accepted.
pub async fn handshakes_of_an_address_are_limited(harness: Subject) {
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let gate = Gate::new();
    let passing = gate.clone();
    let fixture = trusting(
        &harness,
        |config| config.max_handshakes_per_address = 1,
        |builder| {
            builder.authorize(move |_| {
                arrived.send(()).ok();
                let passed = passing.passed();
                async move {
                    passed.await;
                    Ok::<_, Refusal>(None::<()>)
                }
            })
        },
    )
    .await;
    let Some(fixture) = fixture else { return };
    let open = async |address: &str| {
        let client = fixture.connect(from(address)).await;
        (client, fixture.opened().await)
    };
    let others = async {
        within("first client", arrivals.recv()).await;
        fixture.refused_with(429, from("203.0.113.1")).await;
        if fixture.capabilities.headers {
            let second = open("203.0.113.2");
            let opened = async {
                within("second client", arrivals.recv()).await;
                gate.open();
            };
            Some(tokio::join!(second, opened).0)
        } else {
            gate.open();
            None
        }
    };
    let (first, second) = tokio::join!(open("203.0.113.1"), others);
    // A completed handshake no longer counts.
    let again = open("203.0.113.1").await;
    drop((first, second, again));
    fixture.finish().await;
}

/// New connections beyond the rate are refused with 503; open ones stay open.
pub async fn new_connections_are_limited(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| config.connect_rate = ConnectRate::new(0.000_1, 2))
        .serve()
        .await;
    let (one, first) = fixture.pair().await;
    let (mut two, second) = fixture.pair().await;
    one.disconnect().await;
    fixture.closed(&first).await;
    for _ in 0..3 {
        fixture.refused_with(503, Connect::default()).await;
    }
    second.send("still open").or_fail();
    assert_eq!(two.recv().await, "still open");
    fixture.finish().await;
}

/// New connections of an address beyond its rate are refused with 429; other addresses are accepted.
pub async fn new_connections_of_an_address_are_limited(harness: Subject) {
    let fixture = trusting(
        &harness,
        |config| config.connect_rate_per_address = ConnectRate::new(0.000_1, 2),
        |builder| builder,
    )
    .await;
    let Some(fixture) = fixture else { return };
    for _ in 0..2 {
        let (client, spark) = fixture.pair_with(from("2001:db8::1")).await;
        client.disconnect().await;
        fixture.closed(&spark).await;
    }
    for address in ["2001:db8::1", "2001:db8::2"] {
        fixture.refused_with(429, from(address)).await;
    }
    if fixture.capabilities.headers {
        fixture.pair_with(from("2001:db8:0:1::1")).await;
    }
    fixture.finish().await;
}

/// An authorizer that does not return is ended by the handshake timeout.
pub async fn a_hanging_authorizer_is_timed_out(harness: Subject) {
    let gate = Gate::new();
    let (fixture, _arrivals) = gated(&harness, &gate, 10, 200).await;
    fixture.refused_with(503, Connect::default()).await;
    assert_eq!(fixture.server.opened(), 0);
    gate.open();
    fixture.pair().await;
    fixture.finish().await;
}

/// A client that disconnects during its handshake frees its slot, at the latest at the timeout.
pub async fn an_abandoned_handshake_frees_its_slot(harness: Subject) {
    let gate = Gate::new();
    let (fixture, mut arrivals) = gated(&harness, &gate, 1, 1_000).await;
    // Without the capability `refusal` a connection attempt succeeds before the authorizer decides.
    let first = async {
        let client = fixture.try_connect(Connect::default()).await;
        assert!(
            !fixture.capabilities.refusal,
            "accepted while the authorizer was waiting"
        );
        std::future::pending::<()>().await;
        drop(client);
    };
    tokio::select! {
        () = first => {}
        _ = within("first client", arrivals.recv()) => {}
    }
    gate.open();
    // The first handshake ends by its disconnect or by the open gate, whichever is first.
    within("free handshake slot", async {
        loop {
            match fixture.try_connect(Connect::default()).await {
                Ok(mut client) => {
                    let question = client.encode("primus::id::");
                    client.try_send(question).await.ok();
                    if matches!(client.next().await, Received::Payload(_)) {
                        return;
                    }
                }
                Err(refused) => assert_eq!(refused.status, Some(503)),
            }
        }
    })
    .await;
    fixture.finish().await;
}
