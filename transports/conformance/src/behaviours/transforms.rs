//! Messages on their way through the transforms.

use std::time::Duration;

use serde_json::{Value, json};
use stellarfw_transport::{Flow, Packet, Spark};

use super::Subject;
use crate::bed::{Must, Setup};

/// Appends a word to every list.
fn rewrite(word: &'static str) -> impl Fn(&Spark, Packet) -> Flow<Option<Packet>> {
    move |_, mut packet| {
        if let Ok(mut list) = packet.decode::<Vec<Value>>() {
            list.push(word.into());
            packet.set(&list).must();
        }
        Flow::Ready(Some(packet))
    }
}

/// Swallows odd numbers.
fn swallow(_: &Spark, packet: Packet) -> Flow<Option<Packet>> {
    let odd = packet.decode::<u64>().is_ok_and(|n| n % 2 == 1);
    Flow::Ready((!odd).then_some(packet))
}

/// Takes long for some, not at all for others.
fn dawdle(_: &Spark, packet: Packet) -> Flow<Option<Packet>> {
    match packet.decode::<u64>().map(|n| n % 3) {
        Ok(0) => Flow::start(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Some(packet)
        }),
        Ok(1) => Flow::start(async move {
            tokio::task::yield_now().await;
            Some(packet)
        }),
        _ => Flow::Ready(Some(packet)),
    }
}

/// Transforms rewrite what comes in, one after the other.
pub async fn incoming_messages_are_rewritten(harness: Subject) {
    let bed = Setup::new(&harness)
        .with(|b| {
            b.transform_incoming(rewrite("first"))
                .transform_incoming(rewrite("second"))
        })
        .serve()
        .await;
    let (mut visitor, _) = bed.pair().await;
    visitor.say([1]).await;
    assert_eq!(bed.message().await, json!([1, "first", "second"]));
    bed.finish().await;
}

/// A transform can swallow what comes in.
pub async fn incoming_messages_are_swallowed(harness: Subject) {
    let bed = Setup::new(&harness)
        .with(|b| b.transform_incoming(swallow))
        .serve()
        .await;
    let (mut visitor, _) = bed.pair().await;
    for n in 0..10 {
        visitor.say(n).await;
    }
    for n in [0, 2, 4, 6, 8] {
        assert_eq!(bed.message().await, n);
    }
    bed.finish().await;
}

/// Transforms that wait keep what comes in in order.
pub async fn slow_incoming_transforms_keep_the_order(harness: Subject) {
    let bed = Setup::new(&harness)
        .with(|b| b.transform_incoming(dawdle))
        .serve()
        .await;
    let (mut visitor, _) = bed.pair().await;
    for n in 0..300 {
        visitor.say(n).await;
    }
    for n in 0..300 {
        assert_eq!(bed.message().await, n);
    }
    bed.finish().await;
}

/// Transforms rewrite what goes out, one after the other.
pub async fn outgoing_messages_are_rewritten(harness: Subject) {
    let bed = Setup::new(&harness)
        .with(|b| {
            b.transform_outgoing(rewrite("first"))
                .transform_outgoing(rewrite("second"))
        })
        .serve()
        .await;
    let (mut visitor, spark) = bed.pair().await;
    spark.send(&[1]).must();
    assert_eq!(visitor.hear().await, json!([1, "first", "second"]));
    bed.finish().await;
}

/// A transform can swallow what goes out.
pub async fn outgoing_messages_are_swallowed(harness: Subject) {
    let bed = Setup::new(&harness)
        .with(|b| b.transform_outgoing(swallow))
        .serve()
        .await;
    let (mut visitor, spark) = bed.pair().await;
    for n in 0..10 {
        spark.send(&n).must();
    }
    for n in [0, 2, 4, 6, 8] {
        assert_eq!(visitor.hear().await, n);
    }
    bed.finish().await;
}

/// Transforms that wait keep what goes out in order, the end too.
pub async fn slow_outgoing_transforms_keep_the_order(harness: Subject) {
    let bed = Setup::new(&harness)
        .with(|b| b.transform_outgoing(dawdle))
        .serve()
        .await;
    let (mut visitor, spark) = bed.pair().await;
    for n in 0..300 {
        spark.send(&n).must();
    }
    spark.end();
    let mut expected: Vec<Value> = (0..300).map(Value::from).collect();
    expected.push("primus::server::close".into());
    assert_eq!(visitor.rest_until(1000).await, expected);
    bed.finish().await;
}

/// Transforms may wait for what a thread sends that knows nothing of async.
pub async fn any_thread_can_send_through_them(harness: Subject) {
    let bed = Setup::new(&harness)
        .with(|b| b.transform_outgoing(dawdle))
        .serve()
        .await;
    let (mut visitor, spark) = bed.pair().await;
    let sender = spark.clone();
    let thread = std::thread::spawn(move || {
        for n in 0..10 {
            sender.send(&n).must();
        }
    });
    for n in 0..10 {
        assert_eq!(visitor.hear().await, n);
    }
    assert!(thread.join().is_ok());
    bed.finish().await;
}

/// Control messages are not for transforms.
pub async fn control_messages_do_not_pass_through(harness: Subject) {
    let nothing = |_: &Spark, _| Flow::Ready(None);
    let bed = Setup::new(&harness)
        .with(|b| b.transform_incoming(nothing).transform_outgoing(nothing))
        .serve()
        .await;
    let (mut visitor, spark) = bed.pair().await;
    visitor.say("swallowed").await;
    visitor.say("primus::id::").await;
    assert_eq!(visitor.hear().await, format!("primus::id::{}", spark.id()));
    spark.send("swallowed").ok();
    spark.end();
    assert_eq!(visitor.rest_until(1000).await, ["primus::server::close"]);
    bed.closed(&spark).await;
    bed.finish().await;
}
