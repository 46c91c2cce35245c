//! The memory budget of the server.

use serde_json::{Value, json};
use stellarfw_transport::{CloseReason, OutboxLimits, Spark};

use super::Subject;
use crate::{
    fixture::{Fixture, OrFail, Setup, filler, until},
    harness::Connect,
};

/// Payload size of one message, in bytes.
const CHUNK: usize = 64 << 10;
/// Maximum number of messages; exceeds what the network buffers.
const MOST: u64 = 4_096;
/// A budget that a single client can exhaust.
const BUDGET: usize = 3 << 20;

/// Yields so that the server's budget task can run.
async fn yield_to_server() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

/// Sends chunks until `reached` returns `true`. Returns their number.
async fn send_until(spark: &Spark, reached: impl Fn() -> bool) -> u64 {
    let chunk = filler(CHUNK);
    for n in 0..MOST {
        if reached() {
            return n;
        }
        spark.send(&json!([n, chunk])).ok();
        yield_to_server().await;
    }
    panic!("{MOST} chunks were accepted for a client that does not read");
}

async fn until_released(fixture: &Fixture) {
    until("the budget is released", || {
        fixture.server.budget().used() == 0
    })
    .await;
}

/// When stalled clients exhaust the budget, the one with the most queued bytes is closed with 1013.
///
/// The others stay open and receive every message.
pub async fn the_largest_consumer_is_closed_first(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| {
            config.memory_budget = Some(BUDGET);
            config.outbox = OutboxLimits::new(16_384, 1 << 30);
            config.close_timeout = 500;
        })
        .serve()
        .await;
    let (_large, large_spark) = fixture.pair().await;
    let (mut middle, middle_spark) = fixture.pair().await;
    let (mut small, small_spark) = fixture.pair().await;
    let waits = || middle_spark.waiting().bytes >= 8 * CHUNK;
    let count = send_until(&middle_spark, waits).await;
    small_spark.send("before").or_fail();
    send_until(&large_spark, || !large_spark.is_open()).await;
    assert_eq!(large_spark.close_reason(), Some(&CloseReason::OverBudget));
    assert_eq!(fixture.closed(&large_spark).await, CloseReason::OverBudget);
    assert!(middle_spark.is_open() && small_spark.is_open());
    assert!(!fixture.server.budget().is_over());

    small_spark.send("after").or_fail();
    assert_eq!(small.recv().await, "before");
    assert_eq!(small.recv().await, "after");
    for n in 0..count {
        let chunk: Value = middle.recv().await;
        assert_eq!(chunk[0].as_u64(), Some(n));
    }
    until_released(&fixture).await;
    fixture.finish().await;
}

/// A frame that is queued for many sparks counts once.
pub async fn a_shared_frame_counts_once(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| {
            config.memory_budget = Some(16 * BUDGET);
            config.outbox = OutboxLimits::new(16_384, 1 << 30);
        })
        .serve()
        .await;
    let mut pairs = Vec::new();
    for _ in 0..8 {
        pairs.push(fixture.pair().await);
    }
    // Fill every outbox beyond what the network buffers.
    let chunk = filler(1 << 20);
    let mut count = 0;
    let waits = |spark: &Spark| spark.waiting().bytes >= 6 << 20;
    while !pairs.iter().all(|(_, spark)| waits(spark)) {
        assert!(count < MOST);
        fixture.server.write(&json!([count, chunk])).or_fail();
        count += 1;
        yield_to_server().await;
    }
    let waiting: usize = pairs.iter().map(|(_, spark)| spark.waiting().bytes).sum();
    let used = fixture.server.budget().used();
    // An engine that frames per connection holds at most one message for each.
    assert!(used < waiting * 2 / 3 + (1 << 20), "{used} of {waiting}");
    assert!(pairs.iter().all(|(_, spark)| spark.is_open()));
    for (client, _) in pairs {
        client.disconnect().await;
    }
    until_released(&fixture).await;
    fixture.finish().await;
}

/// A client that sends more than the budget is closed with 1013 before the message is complete.
pub async fn a_message_over_the_budget_closes_its_sender(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| {
            config.memory_budget = Some(4 * CHUNK);
            config.close_timeout = 500;
        })
        .echo()
        .serve()
        .await;
    let (mut large, large_spark) = fixture.pair().await;
    let (mut small, small_spark) = fixture.pair().await;
    let message = large.encode(&filler(16 * CHUNK));
    if !large.raw.send_half(message).await {
        return fixture.finish().await;
    }
    assert_eq!(fixture.closed(&large_spark).await, CloseReason::OverBudget);
    until_released(&fixture).await;
    assert!(small_spark.is_open());
    small.send_value("fine").await;
    assert_eq!(fixture.message().await, "fine");
    assert_eq!(small.recv().await, "fine");
    fixture.finish().await;
}

/// A partial message times out: its connection or its request ends.
pub async fn a_partial_message_times_out(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| {
            config.message_timeout = 200;
            config.least_rate = 1 << 20;
        })
        .serve()
        .await;
    let (mut slow, spark) = fixture.pair().await;
    let (mut other, _other_spark) = fixture.pair().await;
    let message = slow.encode(&filler(2 * CHUNK));
    if !slow.raw.send_half(message).await {
        return fixture.finish().await;
    }
    until("the partial message is counted", || {
        fixture.server.budget().uses().inbound > 0
    })
    .await;
    until_released(&fixture).await;
    if !spark.is_open() {
        assert_eq!(spark.close_reason(), Some(&CloseReason::TooSlow));
        assert_eq!(
            fixture.closed_eventually(&spark).await,
            CloseReason::TooSlow
        );
    }
    other.send_value("fine").await;
    assert_eq!(fixture.message().await, "fine");
    fixture.finish().await;
}

/// New connections are refused with 503 while the budget is exhausted. Open ones stay open.
pub async fn new_connections_are_refused_over_the_budget(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| config.memory_budget = Some(BUDGET))
        .echo()
        .serve()
        .await;
    let (mut client, spark) = fixture.pair().await;
    let held = fixture.server.budget().lease(BUDGET + 1);
    for _ in 0..3 {
        fixture.refused_with(503, Connect::default()).await;
    }
    client.send_value("still here").await;
    assert_eq!(client.recv().await, "still here");
    assert!(spark.is_open());
    drop(held);
    assert_eq!(fixture.message().await, "still here");
    let (_next, _) = fixture.pair().await;
    fixture.finish().await;
}
