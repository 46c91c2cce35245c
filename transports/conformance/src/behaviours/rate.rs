//! Rate limits of messages.

use stellarfw_transport::{CloseReason, MessageRate, Spark};

use super::Subject;
use crate::fixture::{Fixture, OrFail, Setup, TestClient, until};

/// Number of messages accepted at once, and the number refused before the close.
const BURST: u32 = 4;
/// Far above the burst.
const MANY: u32 = 1_000;

/// Starts a server whose rate does not refill during a test.
async fn strict(harness: &Subject) -> Fixture {
    Setup::new(harness)
        .configure(|config| config.message_rate = MessageRate::new(0.000_1, BURST))
        .echo()
        .serve()
        .await
}

/// Sends the numbers below `to`. Returns `false` if the connection closes.
async fn count_up(client: &mut TestClient, to: u32) -> bool {
    for n in 0..to {
        let frame = client.encode(&n);
        if client.try_send(frame).await.is_err() {
            return false;
        }
    }
    true
}

/// Checks that the spark closed for its rate, and that the client received the close only.
async fn assert_rate_limited(fixture: &Fixture, client: &mut TestClient, spark: &Spark) {
    let received = client.recv_until_close(1008).await;
    assert!(received.is_empty(), "{received:?}");
    assert_eq!(
        fixture.closed_eventually(spark).await,
        CloseReason::RateLimit
    );
}

/// Messages beyond the burst are refused. The connection stays open, and others are not affected.
pub async fn messages_over_the_rate_are_refused(harness: Subject) {
    let fixture = strict(&harness).await;
    let (mut hasty, spark) = fixture.pair().await;
    let (mut other, _) = fixture.pair().await;
    assert!(count_up(&mut hasty, 2 * BURST).await);
    for n in 0..BURST {
        assert_eq!(hasty.recv().await, n);
        assert_eq!(fixture.message().await, n);
    }
    // The server may read the last messages after the client receives the last response.
    until("messages over the rate are refused", || {
        fixture.server.counts().over_rate >= u64::from(BURST)
    })
    .await;
    other.send_value("calm").await;
    assert_eq!(other.recv().await, "calm");
    assert_eq!(fixture.message().await, "calm");
    // The client still receives messages, and nothing in response to the refused ones.
    spark.send("still here").or_fail();
    assert_eq!(hasty.recv().await, "still here");
    assert!(spark.is_open());
    assert_eq!(fixture.server.counts().over_rate, u64::from(BURST));
    fixture.finish().await;
}

/// Sends one value repeatedly, far beyond the rate, until the connection closes.
async fn flood(client: &mut TestClient, value: &str) {
    let frame = client.encode(value);
    for _ in 0..MANY {
        if client.try_send(frame.clone()).await.is_err() {
            return;
        }
    }
}

/// A client that stays over the rate is closed with 1008, and may reconnect.
pub async fn a_client_that_stays_over_the_rate_is_closed(harness: Subject) {
    let fixture = strict(&harness).await;
    let (mut hasty, spark) = fixture.pair().await;
    for n in 0..BURST {
        hasty.send_value(n).await;
        assert_eq!(hasty.recv().await, n);
    }
    flood(&mut hasty, "more").await;
    assert_rate_limited(&fixture, &mut hasty, &spark).await;
    assert_eq!(fixture.server.counts().over_rate, u64::from(BURST) + 1);
    // A new connection starts with a full burst.
    let (mut again, _) = fixture.pair().await;
    again.send_value("again").await;
    assert_eq!(again.recv().await, "again");
    fixture.finish().await;
}

/// Control messages count: over the rate they get no response, and then close the spark.
pub async fn control_messages_count(harness: Subject) {
    for control in ["primus::id::", "primus::ping::1"] {
        let fixture = strict(&harness).await;
        let (mut hasty, spark) = fixture.pair().await;
        for _ in 0..BURST {
            hasty.send_value(control).await;
            hasty.recv().await;
        }
        flood(&mut hasty, control).await;
        assert_rate_limited(&fixture, &mut hasty, &spark).await;
        fixture.finish().await;
    }
}

/// The rate of a client applies to all its connections together.
///
/// A connection is closed only for its own refused messages.
pub async fn a_client_shares_one_rate_across_connections(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| {
            config.message_rate_per_client = MessageRate::new(0.000_1, BURST);
        })
        .echo()
        .serve()
        .await;
    let (mut first, _) = fixture.pair().await;
    for n in 0..BURST / 2 {
        first.send_value(n).await;
        assert_eq!(first.recv().await, n);
        assert_eq!(fixture.message().await, n);
    }
    let (mut second, spark) = fixture.pair().await;
    for n in 0..BURST / 2 {
        second.send_value(n).await;
        assert_eq!(second.recv().await, n);
        assert_eq!(fixture.message().await, n);
    }
    let (mut third, other) = fixture.pair().await;
    let same = spark.client().zip(other.client());
    assert!(same.is_some_and(|(one, other)| std::sync::Arc::ptr_eq(one, other)));
    let refused = |count| fixture.server.counts().over_rate >= count;
    third.send_value("more").await;
    until("the third connection is refused", || refused(1)).await;
    second.send_value("more").await;
    until("the second connection is refused", || refused(2)).await;
    assert!(spark.is_open() && other.is_open());
    spark.send("still here").or_fail();
    assert_eq!(second.recv().await, "still here");
    flood(&mut third, "more").await;
    assert_rate_limited(&fixture, &mut third, &other).await;
    assert!(spark.is_open());
    fixture.finish().await;
}

/// The rate is unlimited by default.
pub async fn without_a_rate_nothing_is_refused(harness: Subject) {
    let fixture = Setup::new(&harness).echo().serve().await;
    let (mut hasty, _spark) = fixture.pair().await;
    for n in 0..MANY {
        hasty.send_value(n).await;
        assert_eq!(hasty.recv().await, n);
    }
    assert_eq!(fixture.server.counts().over_rate, 0);
    fixture.finish().await;
}
