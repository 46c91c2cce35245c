//! Opening a connection.

use serde_json::json;
use stellarfw_transport::Flow;

use super::Subject;
use crate::{
    fixture::{Gate, Setup},
    harness::Connect,
};

/// A connection becomes one open spark, which the server lists.
pub async fn a_connection_becomes_a_spark(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (client, spark) = fixture.pair().await;
    assert_eq!(spark.transport(), fixture.engine.name());
    assert!(spark.is_open());
    assert_eq!(spark.close_reason(), None);
    assert_eq!(fixture.server.connections(), 1);
    assert_eq!(fixture.server.opened(), 1);

    let (other, second) = fixture.pair().await;
    assert_ne!(spark.id(), second.id());
    assert_eq!(fixture.server.connections(), 2);

    client.disconnect().await;
    fixture.closed(&spark).await;
    assert_eq!(fixture.server.connections(), 1);
    assert!(second.is_open(), "the other client's spark closed too");
    other.disconnect().await;
    fixture.closed(&second).await;
    fixture.finish().await;
}

/// Messages that the open hook sends arrive before all others.
pub async fn the_open_hook_sends_first(harness: Subject) {
    let fixture = Setup::new(&harness)
        .on_open(|spark| {
            spark
                .send(&json!({ "welcome": "hello", "context": "api" }))
                .ok();
            spark.send(&1).ok();
            Flow::DONE
        })
        .echo()
        .serve()
        .await;
    for _ in 0..3 {
        let mut client = fixture.connect(Connect::default()).await;
        client.send_value("first words").await;
        assert_eq!(
            client.recv().await,
            json!({ "welcome": "hello", "context": "api" })
        );
        assert_eq!(client.recv().await, 1);
        assert_eq!(client.recv().await, "first words");
    }
    fixture.finish().await;
}

/// Messages queue while an async connection hook runs, and are delivered in order after it.
pub async fn messages_wait_for_the_connection_hook(harness: Subject) {
    let gate = Gate::new();
    let hook = gate.clone();
    let fixture = Setup::new(&harness)
        .with(|builder| {
            builder.on_connection(move |spark| {
                let passed = hook.passed();
                async move {
                    spark.send("wait").ok();
                    passed.await;
                    spark.send("now").ok();
                }
            })
        })
        .echo()
        .serve()
        .await;
    let mut client = fixture.connect(Connect::default()).await;
    for n in 0..100 {
        client.send_value(n).await;
    }
    // The transport layer answers control messages at once, so this one marks how far the engine
    // has read.
    client.send_value("primus::id::").await;
    assert_eq!(client.recv().await, "wait");
    let id = client.recv().await;
    assert!(
        id.as_str().is_some_and(|id| id.starts_with("primus::id::")),
        "{id}"
    );
    assert_eq!(fixture.server.connections(), 1);

    gate.open();
    fixture.opened().await;
    for n in 0..100 {
        assert_eq!(fixture.message().await, n);
    }
    assert_eq!(client.recv().await, "now");
    for n in 0..100 {
        assert_eq!(client.recv().await, n);
    }
    fixture.finish().await;
}

/// An open hook can end the connection: the client receives what was sent, then the close.
pub async fn messages_sent_before_an_early_end_arrive(harness: Subject) {
    let fixture = Setup::new(&harness)
        .on_open(|spark| {
            spark.send("not today").ok();
            spark.end();
            Flow::DONE
        })
        .serve()
        .await;
    let (mut client, spark) = fixture.pair().await;
    assert_eq!(
        client.recv_until_close(1000).await,
        ["not today", "primus::server::close"]
    );
    fixture.closed(&spark).await;
    fixture.finish().await;
}
