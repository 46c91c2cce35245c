//! What happens when clients hold more than the memory budget allows, or hold it for too long.

use serde_json::{Value, json};
use stellarfw_transport::{CloseReason, OutboxLimits, Spark};

use super::Subject;
use crate::{
    bed::{Bed, Must, Setup, filler, until},
    harness::Connect,
};

/// One message is as long.
const CHUNK: usize = 64 << 10;
/// More of them than any network holds back.
const MOST: u64 = 4_096;
/// A budget that a single client can use up.
const BUDGET: usize = 3 << 20;

/// Lets the server's watch do what it has to.
async fn breathe() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

/// Sends chunks until this is reached. Returns how many.
async fn send_until(spark: &Spark, reached: impl Fn() -> bool) -> u64 {
    let chunk = filler(CHUNK);
    for n in 0..MOST {
        if reached() {
            return n;
        }
        spark.send(&json!([n, chunk])).ok();
        breathe().await;
    }
    panic!("{MOST} chunks were taken for a peer that does not read");
}

async fn nothing_is_held(bed: &Bed) {
    until("nothing is held", || bed.server.budget().used() == 0).await;
}

/// When those who do not read use the budget up, the one for which most waits is ended with 1013. The
/// others are not concerned, and get all that was sent to them.
pub async fn the_largest_is_ended_first(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| {
            config.memory_budget = Some(BUDGET);
            config.outbox = OutboxLimits::new(16_384, 1 << 30);
            config.close_timeout = 500;
        })
        .serve()
        .await;
    let (_large, large_spark) = bed.pair().await;
    let (mut middle, middle_spark) = bed.pair().await;
    let (mut small, small_spark) = bed.pair().await;
    let waits = || middle_spark.waiting().bytes >= 8 * CHUNK;
    let count = send_until(&middle_spark, waits).await;
    small_spark.send("before").must();
    send_until(&large_spark, || !large_spark.is_open()).await;
    assert_eq!(large_spark.close_reason(), Some(&CloseReason::OverBudget));
    assert_eq!(bed.closed(&large_spark).await, CloseReason::OverBudget);
    assert!(middle_spark.is_open() && small_spark.is_open());
    assert!(!bed.server.budget().is_over());

    small_spark.send("after").must();
    assert_eq!(small.hear().await, "before");
    assert_eq!(small.hear().await, "after");
    for n in 0..count {
        let chunk: Value = middle.hear().await;
        assert_eq!(chunk[0].as_u64(), Some(n));
    }
    nothing_is_held(&bed).await;
    bed.finish().await;
}

/// A publication that waits for many counts once.
pub async fn what_waits_for_many_counts_once(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| {
            config.memory_budget = Some(16 * BUDGET);
            config.outbox = OutboxLimits::new(16_384, 1 << 30);
        })
        .serve()
        .await;
    let mut pairs = Vec::new();
    for _ in 0..8 {
        pairs.push(bed.pair().await);
    }
    // Until it waits for all of them, whatever the network holds back.
    let chunk = filler(1 << 20);
    let mut count = 0;
    let waits = |spark: &Spark| spark.waiting().bytes >= 6 << 20;
    while !pairs.iter().all(|(_, spark)| waits(spark)) {
        assert!(count < MOST);
        bed.server.write(&json!([count, chunk])).must();
        count += 1;
        breathe().await;
    }
    let waiting: usize = pairs.iter().map(|(_, spark)| spark.waiting().bytes).sum();
    let used = bed.server.budget().used();
    // What is framed anew for each of them is held by each of them: one message at most.
    assert!(used < waiting * 2 / 3 + (1 << 20), "{used} of {waiting}");
    assert!(pairs.iter().all(|(_, spark)| spark.is_open()));
    for (visitor, _) in pairs {
        visitor.vanish().await;
    }
    nothing_is_held(&bed).await;
    bed.finish().await;
}

/// Who sends more than the budget takes is ended with 1013 before the message is whole.
pub async fn a_message_over_the_budget_ends_its_sender(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| {
            config.memory_budget = Some(4 * CHUNK);
            config.close_timeout = 500;
        })
        .echo()
        .serve()
        .await;
    let (mut large, large_spark) = bed.pair().await;
    let (mut small, small_spark) = bed.pair().await;
    let message = large.encode(&filler(16 * CHUNK));
    if !large.client.send_half(message).await {
        return bed.finish().await;
    }
    assert_eq!(bed.closed(&large_spark).await, CloseReason::OverBudget);
    nothing_is_held(&bed).await;
    assert!(small_spark.is_open());
    small.say("fine").await;
    assert_eq!(bed.message().await, "fine");
    assert_eq!(small.hear().await, "fine");
    bed.finish().await;
}

/// Half a message is not waited for without end: its connection ends, or its request does.
pub async fn half_a_message_is_not_kept(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| {
            config.message_timeout = 200;
            config.least_rate = 1 << 20;
        })
        .serve()
        .await;
    let (mut slow, spark) = bed.pair().await;
    let (mut other, _other_spark) = bed.pair().await;
    let message = slow.encode(&filler(2 * CHUNK));
    if !slow.client.send_half(message).await {
        return bed.finish().await;
    }
    until("it is held", || bed.server.budget().uses().inbound > 0).await;
    nothing_is_held(&bed).await;
    if !spark.is_open() {
        assert_eq!(spark.close_reason(), Some(&CloseReason::TooSlow));
        assert_eq!(bed.closed_at_last(&spark).await, CloseReason::TooSlow);
    }
    other.say("fine").await;
    assert_eq!(bed.message().await, "fine");
    bed.finish().await;
}

/// While the budget is used up by others new connections are refused with 503; those there are stay.
pub async fn newcomers_are_refused_without_memory(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| config.memory_budget = Some(BUDGET))
        .echo()
        .serve()
        .await;
    let (mut visitor, spark) = bed.pair().await;
    let held = bed.server.budget().lease(BUDGET + 1);
    for _ in 0..3 {
        bed.refused_with(503, Connect::default()).await;
    }
    visitor.say("still here").await;
    assert_eq!(visitor.hear().await, "still here");
    assert!(spark.is_open());
    drop(held);
    assert_eq!(bed.message().await, "still here");
    let (_next, _) = bed.pair().await;
    bed.finish().await;
}
