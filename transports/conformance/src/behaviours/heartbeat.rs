//! Pings, and the messages that keep a connection alive.

use serde_json::Value;
use stellarfw_transport::CloseReason;

use super::Subject;
use crate::fixture::{Fixture, Setup, TestClient, until};

/// Interval for connections that must time out, in milliseconds.
const SHORT: u64 = 80;
/// Interval for connections that must stay open on a loaded machine, in milliseconds.
const LONG: u64 = 500;
/// Number of pings to wait for; they span three full intervals.
const PINGS: usize = 4;

async fn with_heartbeat(harness: &Subject, interval: u64) -> Fixture {
    Setup::new(harness)
        .configure(|config| {
            config.ping_interval = interval;
            config.close_timeout = 300;
        })
        .serve()
        .await
}

fn ping(value: &Value) -> Option<&str> {
    value.as_str()?.strip_prefix("primus::ping::")
}

/// Returns the value of the next ping. Fails on any other message.
async fn next_ping(client: &mut TestClient) -> String {
    let value = client.recv().await;
    match ping(&value) {
        Some(time) => {
            assert!(time.parse::<u64>().is_ok(), "{value}");
            time.to_owned()
        }
        None => panic!("expected a ping, got {value}"),
    }
}

/// A client that answers no ping is closed after the interval, and may reconnect.
pub async fn a_silent_client_is_closed(harness: Subject) {
    let fixture = with_heartbeat(&harness, SHORT).await;
    let (mut client, spark) = fixture.pair().await;
    client.raw.answer_pings(false);
    let received = client.recv_until_close(1001).await;
    assert!(!received.is_empty(), "no ping was sent");
    assert!(
        received.iter().all(|value| ping(value).is_some()),
        "{received:?}"
    );
    assert_eq!(fixture.closed(&spark).await, CloseReason::HeartbeatTimeout);
    fixture.finish().await;
}

/// A connection whose client vanished without a TCP close is closed.
pub async fn a_half_open_connection_is_cut(harness: Subject) {
    let fixture = with_heartbeat(&harness, SHORT).await;
    // The client stays connected, and neither reads nor writes.
    let (_visitor, spark) = fixture.pair().await;
    assert_eq!(fixture.closed(&spark).await, CloseReason::HeartbeatTimeout);
    until("the spark is removed", || fixture.server.connections() == 0).await;
    fixture.finish().await;
}

/// The server pings once per interval, and `primus::pong::` keeps the connection alive.
pub async fn pongs_keep_alive(harness: Subject) {
    let fixture = with_heartbeat(&harness, LONG).await;
    let (mut client, spark) = fixture.pair().await;
    client.raw.answer_pings(false);
    for _ in 0..PINGS {
        let time = next_ping(&mut client).await;
        client.send_value(format!("primus::pong::{time}")).await;
    }
    assert!(spark.is_open());
    fixture.finish().await;
}

/// Any message keeps the connection alive.
pub async fn any_message_keeps_alive(harness: Subject) {
    let fixture = with_heartbeat(&harness, LONG).await;
    let (mut client, spark) = fixture.pair().await;
    client.raw.answer_pings(false);
    for n in 0..PINGS {
        next_ping(&mut client).await;
        client.send_value(n).await;
        assert_eq!(fixture.message().await, n);
    }
    assert!(spark.is_open());
    fixture.finish().await;
}

/// The engine's own ping keeps a client alive that does not implement Primus.
///
/// An engine without pings closes such a client.
pub async fn the_engines_own_pongs_keep_alive(harness: Subject) {
    let interval = if harness.engine().0.capabilities().ping {
        LONG
    } else {
        SHORT
    };
    let fixture = with_heartbeat(&harness, interval).await;
    let (mut client, spark) = fixture.pair().await;
    if fixture.capabilities.ping {
        for _ in 0..PINGS {
            next_ping(&mut client).await;
        }
        assert!(spark.is_open());
    } else {
        client.recv_until_close(1001).await;
        assert_eq!(fixture.closed(&spark).await, CloseReason::HeartbeatTimeout);
    }
    fixture.finish().await;
}

/// A client that pings by itself, as those before Primus 7 do, gets its pong with the same value
/// and is not pinged any more.
pub async fn a_legacy_client_is_answered_and_not_pinged(harness: Subject) {
    let fixture = with_heartbeat(&harness, LONG).await;
    let (mut legacy, spark) = fixture.pair().await;
    legacy.send_value("primus::ping::1234567890123").await;
    // A ping may have come before the server knew.
    let mut answer = legacy.recv().await;
    if ping(&answer).is_some() {
        answer = legacy.recv().await;
    }
    assert_eq!(answer, "primus::pong::1234567890123");

    // Another client's pings tell how often this one would have been pinged.
    let (mut modern, _) = fixture.pair().await;
    for n in 0..PINGS {
        let time = next_ping(&mut modern).await;
        modern.send_value(format!("primus::pong::{time}")).await;
        legacy.send_value(format!("primus::ping::{n}")).await;
        assert_eq!(legacy.recv().await, format!("primus::pong::{n}"));
    }
    assert!(spark.is_open());
    fixture.finish().await;
}
