//! What happens to those who are slower than others.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use stellarfw_transport::{
    CloseReason, Delivery, Flow, InboxLimits, OutboxLimits, SendError, Spark,
};

use super::Subject;
use crate::bed::{Gate, Must, Setup, filler, until, within};

/// One message is as long.
const CHUNK: usize = 64 << 10;
/// More of them than any network holds back.
const MOST: u64 = 4_096;

/// Dropped messages in a row after which an outbox counts as full for good.
const REFUSALS: u32 = 50;

/// The number a chunk begins with.
fn number(value: &Value) -> u64 {
    value[0]
        .as_u64()
        .unwrap_or_else(|| panic!("not a chunk: {value}"))
}

/// Who does not read is closed with 1013 once its outbox is full; others get everything meanwhile.
pub async fn a_slow_peer_is_closed_and_delays_nobody(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| {
            config.outbox = OutboxLimits::new(64, 1 << 20);
            // The slow one has as long as it needs to find out.
            config.close_timeout = 60_000;
        })
        .serve()
        .await;
    let (mut slow, slow_spark) = bed.pair().await;
    let (mut quick, quick_spark) = bed.pair().await;
    let chunk = filler(CHUNK);
    let mut count = 0;
    while slow_spark.is_open() && count < MOST {
        bed.server.write(&json!([count, chunk])).must();
        assert_eq!(number(&quick.hear().await), count);
        count += 1;
    }
    assert_eq!(slow_spark.close_reason(), Some(&CloseReason::SlowConsumer));
    assert_eq!(bed.server.slow_consumers(), 1);
    assert!(matches!(slow_spark.send("more"), Err(SendError::Closed)));

    // When it reads at last it finds a part of what was sent, in order, and the end.
    let heard: Vec<u64> = slow.rest_until(1013).await.iter().map(number).collect();
    assert!(heard.iter().copied().eq(0..heard.len() as u64), "{heard:?}");
    assert!((heard.len() as u64) < count);
    assert_eq!(bed.closed(&slow_spark).await, CloseReason::SlowConsumer);

    assert!(quick_spark.is_open());
    quick_spark.send("fine").must();
    assert_eq!(quick.hear().await, "fine");
    bed.finish().await;
}

/// Sends volatile chunks until nothing leaves the outbox any more, and returns how many were accepted.
///
/// One dropped message does not mean that the peer's pipe is full: the engine may not have had its
/// turn yet. So the outbox must stay full over [`REFUSALS`] attempts, between which it has one.
pub(super) async fn fill(spark: &Spark) -> u64 {
    let chunk = filler(CHUNK);
    let (mut accepted, mut refused) = (0, 0);
    while refused < REFUSALS {
        assert!(
            accepted < MOST,
            "{MOST} chunks were taken for a peer that does not read"
        );
        let frame = spark.parser().encode(&json!([accepted, chunk])).must();
        match spark.send_frame(frame, Delivery::Volatile) {
            Ok(()) => {
                (accepted, refused) = (accepted + 1, 0);
                tokio::task::yield_now().await;
            }
            Err(SendError::Dropped) => {
                refused += 1;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Err(error) => panic!("a volatile message gave: {error}"),
        }
    }
    accepted
}

/// Volatile messages that find the outbox full are dropped, and their spark stays.
pub async fn volatile_messages_are_dropped(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| config.outbox = OutboxLimits::new(64, 1 << 20))
        .serve()
        .await;
    let (mut visitor, spark) = bed.pair().await;
    let sent = fill(&spark).await;
    assert!(spark.is_open());
    assert!(spark.waiting().frames > 0);
    for n in 0..sent {
        assert_eq!(number(&visitor.hear().await), n);
    }
    until("the outbox is empty", || spark.waiting().frames == 0).await;
    spark.send("newest").must();
    // Engines that write beside the sender may have made room between two volatile messages.
    let mut last = visitor.hear().await;
    while last != "newest" {
        last = visitor.hear().await;
    }
    assert_eq!(bed.server.slow_consumers(), 0);
    bed.finish().await;
}

/// While a handler is busy only so much is kept for it: its peer is slowed down, or closed.
pub async fn the_inbox_is_bounded(harness: Subject) {
    let gate = Gate::new();
    let wait = gate.clone();
    let bed = Setup::new(&harness)
        .configure(|config| config.inbox = InboxLimits::new(8, 4 * CHUNK))
        .on_message(move |_, _| Flow::start(wait.passed()))
        .serve()
        .await;
    let (mut visitor, spark) = bed.pair().await;
    let sent = Arc::new(AtomicU64::new(0));
    let enough = Arc::new(AtomicBool::new(false));
    let task = tokio::spawn({
        let (sent, enough) = (sent.clone(), enough.clone());
        async move {
            let chunk = filler(CHUNK);
            for n in 0..MOST {
                if enough.load(Ordering::Relaxed) {
                    break;
                }
                let frame = visitor.encode(&json!([n, chunk]));
                if visitor.client.send(frame).await.is_err() {
                    break;
                }
                sent.store(n + 1, Ordering::Relaxed);
            }
            visitor
        }
    });
    // Until the client can send no more, or is closed.
    let mut before = u64::MAX;
    within("for the sending to stop", async {
        while spark.is_open() && before != sent.load(Ordering::Relaxed) {
            before = sent.load(Ordering::Relaxed);
            assert!(before < MOST, "a busy handler was sent {MOST} messages");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    })
    .await;
    enough.store(true, Ordering::Relaxed);
    let closed = !spark.is_open();
    gate.open();
    let mut visitor = within("for the sender", task).await.must();

    if closed {
        assert_eq!(spark.close_reason(), Some(&CloseReason::InboxFull));
        visitor.rest_until(1013).await;
        assert_eq!(bed.closed_at_last(&spark).await, CloseReason::InboxFull);
    } else {
        for n in 0..sent.load(Ordering::Relaxed) {
            assert_eq!(number(&bed.message().await), n);
        }
        assert!(spark.is_open());
        spark.send("on we go").must();
        assert_eq!(visitor.hear().await, "on we go");
    }
    bed.finish().await;
}
