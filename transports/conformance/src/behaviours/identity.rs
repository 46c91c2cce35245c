//! Spark ids, and lookups by id.

use std::{collections::HashSet, sync::Arc};

use parking_lot::Mutex;
use stellarfw_transport::SparkId;

use super::Subject;
use crate::{
    fixture::{Event, OrFail, Setup},
    harness::Connect,
};

/// Ids are long, unique and safe in a URL.
pub async fn ids_are_unguessable(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let mut clients = Vec::new();
    let mut ids = HashSet::new();
    for _ in 0..20 {
        let (client, spark) = fixture.pair().await;
        let id = spark.id().as_str();
        // 128 bits need 22 characters of base64.
        assert!(id.len() >= 22, "{id}");
        assert!(
            id.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
            "{id}"
        );
        assert!(ids.insert(spark.id().clone()), "duplicate id {id}");
        clients.push(client);
    }
    fixture.finish().await;
}

/// `primus::id::` is answered with the id and does not reach the handler.
pub async fn a_client_can_ask_for_its_id(harness: Subject) {
    let fixture = Setup::new(&harness).echo().serve().await;
    let (mut client, spark) = fixture.pair().await;
    client.send_value("primus::id::").await;
    client.send_value("data").await;
    assert_eq!(client.recv().await, format!("primus::id::{}", spark.id()));
    assert_eq!(client.recv().await, "data");
    assert_eq!(fixture.message().await, "data");
    fixture.finish().await;
}

/// A generator defined by the user supplies the ids.
pub async fn ids_can_come_from_a_custom_generator(harness: Subject) {
    let next = Mutex::new(0);
    let fixture = Setup::new(&harness)
        .with(|builder| {
            builder.ids(move |_| {
                let mut next = next.lock();
                *next += 1;
                SparkId::from(format!("spark-{next}"))
            })
        })
        .serve()
        .await;
    let mut clients = Vec::new();
    for n in 1..=3 {
        let (mut client, spark) = fixture.pair().await;
        assert_eq!(spark.id().as_str(), format!("spark-{n}"));
        client.send_value("primus::id::").await;
        assert_eq!(client.recv().await, format!("primus::id::spark-{n}"));
        clients.push(client);
    }
    fixture.finish().await;
}

/// An id that a generator repeats is replaced, so that open sparks have distinct ids.
pub async fn a_repeated_id_is_replaced(harness: Subject) {
    let fixture = Setup::new(&harness)
        .with(|builder| builder.ids(|_| SparkId::from("always")))
        .serve()
        .await;
    let (mut one, first) = fixture.pair().await;
    let (mut two, second) = fixture.pair().await;
    assert_eq!(first.id().as_str(), "always");
    assert_ne!(first.id(), second.id());
    assert_eq!(fixture.server.connections(), 2);
    first.send(&1).or_fail();
    second.send(&2).or_fail();
    assert_eq!(one.recv().await, 1);
    assert_eq!(two.recv().await, 2);

    one.disconnect().await;
    fixture.closed(&first).await;
    assert_eq!(fixture.server.spark(second.id()), Some(second));
    let (_three, third) = fixture.pair().await;
    assert_eq!(
        third.id().as_str(),
        "always",
        "the id of a closed spark must be available"
    );
    fixture.finish().await;
}

/// A repeated id is also replaced when clients connect concurrently.
pub async fn a_repeated_id_is_replaced_under_concurrency(harness: Subject) {
    let fixture = Setup::new(&harness)
        .with(|builder| builder.ids(|_| SparkId::from("always")))
        .serve()
        .await;
    let fixture = Arc::new(fixture);
    for _ in 0..20 {
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let fixture = fixture.clone();
                tokio::spawn(async move { fixture.connect(Connect::default()).await })
            })
            .collect();
        let mut clients = Vec::new();
        for task in tasks {
            clients.push(task.await.or_fail());
        }
        let mut sparks = Vec::new();
        while sparks.len() < clients.len() {
            sparks.push(fixture.opened().await);
        }
        let ids: HashSet<_> = sparks.iter().map(|spark| spark.id().clone()).collect();
        assert_eq!(ids.len(), sparks.len(), "{sparks:?}");
        for spark in &sparks {
            assert_eq!(fixture.server.spark(spark.id()).as_ref(), Some(spark));
        }
        for client in clients {
            client.disconnect().await;
        }
        for _ in &sparks {
            assert!(matches!(fixture.event().await, Event::Close(..)));
        }
        assert_eq!(fixture.server.connections(), 0);
    }
    match Arc::into_inner(fixture) {
        Some(fixture) => fixture.finish().await,
        None => panic!("a task still holds the fixture"),
    }
}

/// A spark can be looked up by its id while it is open.
pub async fn sparks_are_found_by_id(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (mut client, spark) = fixture.pair().await;
    let found = fixture.server.spark(spark.id());
    let found = found.unwrap_or_else(|| panic!("the spark was not found"));
    assert_eq!(found, spark);
    found.send("found").or_fail();
    assert_eq!(client.recv().await, "found");
    assert!(fixture.server.spark("another").is_none());
    client.disconnect().await;
    fixture.closed(&spark).await;
    assert!(fixture.server.spark(spark.id()).is_none());
    fixture.finish().await;
}

/// `for_each` visits every spark, and `write` sends to all of them.
pub async fn all_sparks_can_be_written_to(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let mut clients = Vec::new();
    let mut ids = HashSet::new();
    for _ in 0..10 {
        let (client, spark) = fixture.pair().await;
        clients.push(client);
        ids.insert(spark.id().clone());
    }
    let mut seen = HashSet::new();
    fixture.server.for_each(|spark| {
        assert!(seen.insert(spark.id().clone()), "visited twice");
    });
    assert_eq!(seen, ids);
    for n in 0..10 {
        assert_eq!(fixture.server.write(&n).ok(), Some(10));
    }
    for client in &mut clients {
        for n in 0..10 {
            assert_eq!(client.recv().await, n);
        }
    }
    fixture.finish().await;
}
