//! Pings, and what is taken as a sign of life.

use serde_json::Value;
use stellarfw_transport::CloseReason;

use super::Subject;
use crate::bed::{Bed, Setup, Visitor, until};

/// For those who are to be found dead: milliseconds.
const SHORT: u64 = 80;
/// For those who are to stay alive, however loaded the machine: milliseconds.
const LONG: u64 = 500;
/// So many pings are waited for: three whole intervals.
const PINGS: usize = 4;

async fn beating(harness: &Subject, interval: u64) -> Bed {
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

/// The next ping's value; nothing else may come.
async fn next_ping(visitor: &mut Visitor) -> String {
    let value = visitor.hear().await;
    match ping(&value) {
        Some(time) => {
            assert!(time.parse::<u64>().is_ok(), "{value}");
            time.to_owned()
        }
        None => panic!("a ping was to come, instead: {value}"),
    }
}

/// A client that answers no ping is ended after the interval, and may come again.
pub async fn silence_ends_the_spark(harness: Subject) {
    let bed = beating(&harness, SHORT).await;
    let (mut visitor, spark) = bed.pair().await;
    visitor.client.answer_pings(false);
    let heard = visitor.rest_until(1001).await;
    assert!(!heard.is_empty(), "it was never pinged");
    assert!(heard.iter().all(|value| ping(value).is_some()), "{heard:?}");
    assert_eq!(bed.closed(&spark).await, CloseReason::HeartbeatTimeout);
    bed.finish().await;
}

/// A client that is no longer there, and of which the network does not tell, is given up.
pub async fn a_half_open_connection_is_cut(harness: Subject) {
    let bed = beating(&harness, SHORT).await;
    // It is kept, and neither reads nor writes.
    let (_visitor, spark) = bed.pair().await;
    assert_eq!(bed.closed(&spark).await, CloseReason::HeartbeatTimeout);
    until("it is out of the books", || bed.server.connections() == 0).await;
    bed.finish().await;
}

/// Pings come each interval, and `primus::pong::` keeps alive.
pub async fn pongs_keep_alive(harness: Subject) {
    let bed = beating(&harness, LONG).await;
    let (mut visitor, spark) = bed.pair().await;
    visitor.client.answer_pings(false);
    for _ in 0..PINGS {
        let time = next_ping(&mut visitor).await;
        visitor.say(format!("primus::pong::{time}")).await;
    }
    assert!(spark.is_open());
    bed.finish().await;
}

/// Any message is a sign of life.
pub async fn any_message_keeps_alive(harness: Subject) {
    let bed = beating(&harness, LONG).await;
    let (mut visitor, spark) = bed.pair().await;
    visitor.client.answer_pings(false);
    for n in 0..PINGS {
        next_ping(&mut visitor).await;
        visitor.say(n).await;
        assert_eq!(bed.message().await, n);
    }
    assert!(spark.is_open());
    bed.finish().await;
}

/// A client that knows nothing of Primus is kept alive by the engine's own ping. Without one it is
/// ended.
pub async fn the_engines_own_pongs_keep_alive(harness: Subject) {
    let interval = if harness.engine().0.capabilities().ping {
        LONG
    } else {
        SHORT
    };
    let bed = beating(&harness, interval).await;
    let (mut visitor, spark) = bed.pair().await;
    if bed.capabilities.ping {
        for _ in 0..PINGS {
            next_ping(&mut visitor).await;
        }
        assert!(spark.is_open());
    } else {
        visitor.rest_until(1001).await;
        assert_eq!(bed.closed(&spark).await, CloseReason::HeartbeatTimeout);
    }
    bed.finish().await;
}

/// A client that pings by itself, as those before Primus 7 do, gets its pong with the same value
/// and is not pinged any more.
pub async fn a_legacy_client_is_answered_and_not_pinged(harness: Subject) {
    let bed = beating(&harness, LONG).await;
    let (mut legacy, spark) = bed.pair().await;
    legacy.say("primus::ping::1234567890123").await;
    // A ping may have come before the server knew.
    let mut answer = legacy.hear().await;
    if ping(&answer).is_some() {
        answer = legacy.hear().await;
    }
    assert_eq!(answer, "primus::pong::1234567890123");

    // Another client's pings tell how often this one would have been pinged.
    let (mut modern, _) = bed.pair().await;
    for n in 0..PINGS {
        let time = next_ping(&mut modern).await;
        modern.say(format!("primus::pong::{time}")).await;
        legacy.say(format!("primus::ping::{n}")).await;
        assert_eq!(legacy.hear().await, format!("primus::pong::{n}"));
    }
    assert!(spark.is_open());
    bed.finish().await;
}
