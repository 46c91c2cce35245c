//! What happens when a client connects.

use serde_json::json;
use stellarfw_transport::Flow;

use super::Subject;
use crate::{
    bed::{Gate, Setup},
    harness::Connect,
};

/// A connection becomes one open spark of its engine, known to its server.
pub async fn a_connection_becomes_a_spark(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (visitor, spark) = bed.pair().await;
    assert_eq!(spark.transport(), bed.engine.name());
    assert!(spark.is_open());
    assert_eq!(spark.close_reason(), None);
    assert_eq!(bed.server.connections(), 1);
    assert_eq!(bed.server.opened(), 1);

    let (other, second) = bed.pair().await;
    assert_ne!(spark.id(), second.id());
    assert_eq!(bed.server.connections(), 2);

    visitor.vanish().await;
    bed.closed(&spark).await;
    assert_eq!(bed.server.connections(), 1);
    assert!(second.is_open(), "only the spark whose client left is gone");
    other.vanish().await;
    bed.closed(&second).await;
    bed.finish().await;
}

/// What the open hook sends comes before all else.
pub async fn the_open_hook_can_welcome(harness: Subject) {
    let bed = Setup::new(&harness)
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
        let mut visitor = bed.connect(Connect::default()).await;
        visitor.say("first words").await;
        assert_eq!(
            visitor.hear().await,
            json!({ "welcome": "hello", "context": "api" })
        );
        assert_eq!(visitor.hear().await, 1);
        assert_eq!(visitor.hear().await, "first words");
    }
    bed.finish().await;
}

/// While an async connection hook runs, messages are kept; they are delivered after it, in order.
pub async fn messages_wait_for_the_connection_hook(harness: Subject) {
    let gate = Gate::new();
    let hook = gate.clone();
    let bed = Setup::new(&harness)
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
    let mut visitor = bed.connect(Connect::default()).await;
    for n in 0..100 {
        visitor.say(n).await;
    }
    // Control messages need no handler and are answered at once: so the engine has read up to it.
    visitor.say("primus::id::").await;
    assert_eq!(visitor.hear().await, "wait");
    let id = visitor.hear().await;
    assert!(
        id.as_str().is_some_and(|id| id.starts_with("primus::id::")),
        "{id}"
    );
    assert_eq!(bed.server.connections(), 1);

    gate.open();
    bed.opened().await;
    for n in 0..100 {
        assert_eq!(bed.message().await, n);
    }
    assert_eq!(visitor.hear().await, "now");
    for n in 0..100 {
        assert_eq!(visitor.hear().await, n);
    }
    bed.finish().await;
}

/// An open hook may turn a client away: the client gets what was said, and the end.
pub async fn an_ended_opening_still_says_what_was_said(harness: Subject) {
    let bed = Setup::new(&harness)
        .on_open(|spark| {
            spark.send("not today").ok();
            spark.end();
            Flow::DONE
        })
        .serve()
        .await;
    let (mut visitor, spark) = bed.pair().await;
    assert_eq!(
        visitor.rest_until(1000).await,
        ["not today", "primus::server::close"]
    );
    bed.closed(&spark).await;
    bed.finish().await;
}
