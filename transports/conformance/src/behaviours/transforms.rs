//! Transforms of incoming and outgoing messages.

use std::time::Duration;

use serde_json::{Value, json};
use stellarfw_transport::{Flow, Packet, Spark};

use super::Subject;
use crate::fixture::{OrFail, Setup};

/// Appends a word to every list.
fn rewrite(word: &'static str) -> impl Fn(&Spark, Packet) -> Flow<Option<Packet>> {
    move |_, mut packet| {
        if let Ok(mut list) = packet.decode::<Vec<Value>>() {
            list.push(word.into());
            packet.set(&list).or_fail();
        }
        Flow::Ready(Some(packet))
    }
}

/// Drops odd numbers.
fn drop_odd(_: &Spark, packet: Packet) -> Flow<Option<Packet>> {
    let odd = packet.decode::<u64>().is_ok_and(|n| n % 2 == 1);
    Flow::Ready((!odd).then_some(packet))
}

/// Delays some numbers, yields for others and returns the rest at once.
fn delay(_: &Spark, packet: Packet) -> Flow<Option<Packet>> {
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

/// Transforms rewrite incoming messages in the order of their registration.
pub async fn incoming_messages_are_rewritten(harness: Subject) {
    let fixture = Setup::new(&harness)
        .with(|b| {
            b.transform_incoming(rewrite("first"))
                .transform_incoming(rewrite("second"))
        })
        .serve()
        .await;
    let (mut client, _) = fixture.pair().await;
    client.send_value([1]).await;
    assert_eq!(fixture.message().await, json!([1, "first", "second"]));
    fixture.finish().await;
}

/// A transform can drop an incoming message.
pub async fn incoming_messages_can_be_dropped(harness: Subject) {
    let fixture = Setup::new(&harness)
        .with(|b| b.transform_incoming(drop_odd))
        .serve()
        .await;
    let (mut client, _) = fixture.pair().await;
    for n in 0..10 {
        client.send_value(n).await;
    }
    for n in [0, 2, 4, 6, 8] {
        assert_eq!(fixture.message().await, n);
    }
    fixture.finish().await;
}

/// Async transforms keep the order of incoming messages.
pub async fn slow_incoming_transforms_keep_the_order(harness: Subject) {
    let fixture = Setup::new(&harness)
        .with(|b| b.transform_incoming(delay))
        .serve()
        .await;
    let (mut client, _) = fixture.pair().await;
    for n in 0..300 {
        client.send_value(n).await;
    }
    for n in 0..300 {
        assert_eq!(fixture.message().await, n);
    }
    fixture.finish().await;
}

/// Transforms rewrite outgoing messages in the order of their registration.
pub async fn outgoing_messages_are_rewritten(harness: Subject) {
    let fixture = Setup::new(&harness)
        .with(|b| {
            b.transform_outgoing(rewrite("first"))
                .transform_outgoing(rewrite("second"))
        })
        .serve()
        .await;
    let (mut client, spark) = fixture.pair().await;
    spark.send(&[1]).or_fail();
    assert_eq!(client.recv().await, json!([1, "first", "second"]));
    fixture.finish().await;
}

/// A transform can drop an outgoing message.
pub async fn outgoing_messages_can_be_dropped(harness: Subject) {
    let fixture = Setup::new(&harness)
        .with(|b| b.transform_outgoing(drop_odd))
        .serve()
        .await;
    let (mut client, spark) = fixture.pair().await;
    for n in 0..10 {
        spark.send(&n).or_fail();
    }
    for n in [0, 2, 4, 6, 8] {
        assert_eq!(client.recv().await, n);
    }
    fixture.finish().await;
}

/// Async transforms keep the order of outgoing messages and the close.
pub async fn slow_outgoing_transforms_keep_the_order(harness: Subject) {
    let fixture = Setup::new(&harness)
        .with(|b| b.transform_outgoing(delay))
        .serve()
        .await;
    let (mut client, spark) = fixture.pair().await;
    for n in 0..300 {
        spark.send(&n).or_fail();
    }
    spark.end();
    let mut expected: Vec<Value> = (0..300).map(Value::from).collect();
    expected.push("primus::server::close".into());
    assert_eq!(client.recv_until_close(1000).await, expected);
    fixture.finish().await;
}

/// Async transforms work for messages from a thread outside any runtime.
pub async fn any_thread_can_send_through_transforms(harness: Subject) {
    let fixture = Setup::new(&harness)
        .with(|b| b.transform_outgoing(delay))
        .serve()
        .await;
    let (mut client, spark) = fixture.pair().await;
    let sender = spark.clone();
    let thread = std::thread::spawn(move || {
        for n in 0..10 {
            sender.send(&n).or_fail();
        }
    });
    for n in 0..10 {
        assert_eq!(client.recv().await, n);
    }
    assert!(thread.join().is_ok());
    fixture.finish().await;
}

/// Transforms do not see control messages.
pub async fn control_messages_bypass_transforms(harness: Subject) {
    let nothing = |_: &Spark, _| Flow::Ready(None);
    let fixture = Setup::new(&harness)
        .with(|b| b.transform_incoming(nothing).transform_outgoing(nothing))
        .serve()
        .await;
    let (mut client, spark) = fixture.pair().await;
    client.send_value("dropped").await;
    client.send_value("primus::id::").await;
    assert_eq!(client.recv().await, format!("primus::id::{}", spark.id()));
    spark.send("dropped").ok();
    spark.end();
    assert_eq!(
        client.recv_until_close(1000).await,
        ["primus::server::close"]
    );
    fixture.closed(&spark).await;
    fixture.finish().await;
}
