//! Slow consumers and busy handlers.

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
use crate::fixture::{Gate, OrFail, Setup, filler, until, within};

/// Payload size of one message, in bytes.
const CHUNK: usize = 64 << 10;
/// Maximum number of messages; exceeds what the network buffers.
const MOST: u64 = 4_096;

/// Number of consecutive drops after which the outbox counts as full.
const REFUSALS: u32 = 50;

/// Returns the sequence number at the start of a chunk.
fn number(value: &Value) -> u64 {
    value[0]
        .as_u64()
        .unwrap_or_else(|| panic!("not a chunk: {value}"))
}

/// A client that does not read is closed with 1013 once its outbox is full. Others are not delayed.
pub async fn a_slow_peer_is_closed_and_delays_nobody(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| {
            config.outbox = OutboxLimits::new(64, 1 << 20);
            // The slow client reads its backlog before the server aborts it.
            config.close_timeout = 60_000;
        })
        .serve()
        .await;
    let (mut slow, slow_spark) = fixture.pair().await;
    let (mut quick, quick_spark) = fixture.pair().await;
    let chunk = filler(CHUNK);
    let mut count = 0;
    while slow_spark.is_open() && count < MOST {
        fixture.server.write(&json!([count, chunk])).or_fail();
        assert_eq!(number(&quick.recv().await), count);
        count += 1;
    }
    assert_eq!(slow_spark.close_reason(), Some(&CloseReason::SlowConsumer));
    assert_eq!(fixture.server.slow_consumers(), 1);
    assert!(matches!(slow_spark.send("more"), Err(SendError::Closed)));

    // It reads the part that was sent, in order, and then the close.
    let received: Vec<u64> = slow
        .recv_until_close(1013)
        .await
        .iter()
        .map(number)
        .collect();
    assert!(
        received.iter().copied().eq(0..received.len() as u64),
        "{received:?}"
    );
    assert!((received.len() as u64) < count);
    assert_eq!(fixture.closed(&slow_spark).await, CloseReason::SlowConsumer);

    assert!(quick_spark.is_open());
    quick_spark.send("fine").or_fail();
    assert_eq!(quick.recv().await, "fine");
    fixture.finish().await;
}

/// Sends volatile chunks until the outbox stays full. Returns the number accepted.
///
/// A single drop can mean that the engine has not run yet, so the outbox must stay full over
/// [`REFUSALS`] attempts, with a pause between them.
pub(super) async fn fill(spark: &Spark) -> u64 {
    let chunk = filler(CHUNK);
    let (mut accepted, mut refused) = (0, 0);
    while refused < REFUSALS {
        assert!(
            accepted < MOST,
            "{MOST} chunks were accepted for a client that does not read"
        );
        let frame = spark.parser().encode(&json!([accepted, chunk])).or_fail();
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

/// Volatile messages are dropped when the outbox is full. The spark stays open.
pub async fn volatile_messages_are_dropped(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| config.outbox = OutboxLimits::new(64, 1 << 20))
        .serve()
        .await;
    let (mut client, spark) = fixture.pair().await;
    let sent = fill(&spark).await;
    assert!(spark.is_open());
    assert!(spark.waiting().frames > 0);
    for n in 0..sent {
        assert_eq!(number(&client.recv().await), n);
    }
    until("the outbox is empty", || spark.waiting().frames == 0).await;
    spark.send("newest").or_fail();
    // An engine that writes concurrently may have freed space between two volatile messages.
    let mut last = client.recv().await;
    while last != "newest" {
        last = client.recv().await;
    }
    assert_eq!(fixture.server.slow_consumers(), 0);
    fixture.finish().await;
}

/// A busy handler's inbox is bounded: its client is slowed down, or closed.
pub async fn the_inbox_is_bounded(harness: Subject) {
    let gate = Gate::new();
    let wait = gate.clone();
    let fixture = Setup::new(&harness)
        .configure(|config| config.inbox = InboxLimits::new(8, 4 * CHUNK))
        .on_message(move |_, _| Flow::start(wait.passed()))
        .serve()
        .await;
    let (mut client, spark) = fixture.pair().await;
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
                let frame = client.encode(&json!([n, chunk]));
                if client.raw.send(frame).await.is_err() {
                    break;
                }
                sent.store(n + 1, Ordering::Relaxed);
            }
            client
        }
    });
    // Wait until the client cannot send more, or is closed.
    let mut before = u64::MAX;
    within("backpressure on the sender", async {
        while spark.is_open() && before != sent.load(Ordering::Relaxed) {
            before = sent.load(Ordering::Relaxed);
            assert!(
                before < MOST,
                "{MOST} messages were queued for a busy handler"
            );
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    })
    .await;
    enough.store(true, Ordering::Relaxed);
    let closed = !spark.is_open();
    gate.open();
    let mut client = within("sender task", task).await.or_fail();

    if closed {
        assert_eq!(spark.close_reason(), Some(&CloseReason::InboxFull));
        client.recv_until_close(1013).await;
        assert_eq!(
            fixture.closed_eventually(&spark).await,
            CloseReason::InboxFull
        );
    } else {
        for n in 0..sent.load(Ordering::Relaxed) {
            assert_eq!(number(&fixture.message().await), n);
        }
        assert!(spark.is_open());
        spark.send("still open").or_fail();
        assert_eq!(client.recv().await, "still open");
    }
    fixture.finish().await;
}
