//! Ids, and finding sparks by them.

use std::{collections::HashSet, sync::Arc};

use parking_lot::Mutex;
use stellarfw_transport::SparkId;

use super::Subject;
use crate::{
    bed::{Event, Must, Setup},
    harness::Connect,
};

/// Ids are long, safe in a URL, and all different.
pub async fn ids_are_unguessable(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let mut visitors = Vec::new();
    let mut ids = HashSet::new();
    for _ in 0..20 {
        let (visitor, spark) = bed.pair().await;
        let id = spark.id().as_str();
        // 128 bits need 22 characters of base64.
        assert!(id.len() >= 22, "{id}");
        assert!(
            id.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
            "{id}"
        );
        assert!(ids.insert(spark.id().clone()), "{id} was given twice");
        visitors.push(visitor);
    }
    bed.finish().await;
}

/// `primus::id::` is answered with the id, and the handler does not hear of it.
pub async fn a_client_can_ask_for_its_id(harness: Subject) {
    let bed = Setup::new(&harness).echo().serve().await;
    let (mut visitor, spark) = bed.pair().await;
    visitor.say("primus::id::").await;
    visitor.say("data").await;
    assert_eq!(visitor.hear().await, format!("primus::id::{}", spark.id()));
    assert_eq!(visitor.hear().await, "data");
    assert_eq!(bed.message().await, "data");
    bed.finish().await;
}

/// A generator of the user's own gives the ids.
pub async fn ids_can_be_of_ones_own_making(harness: Subject) {
    let next = Mutex::new(0);
    let bed = Setup::new(&harness)
        .with(|builder| {
            builder.ids(move |_| {
                let mut next = next.lock();
                *next += 1;
                SparkId::from(format!("spark-{next}"))
            })
        })
        .serve()
        .await;
    let mut visitors = Vec::new();
    for n in 1..=3 {
        let (mut visitor, spark) = bed.pair().await;
        assert_eq!(spark.id().as_str(), format!("spark-{n}"));
        visitor.say("primus::id::").await;
        assert_eq!(visitor.hear().await, format!("primus::id::spark-{n}"));
        visitors.push(visitor);
    }
    bed.finish().await;
}

/// A generator that repeats itself does not make two sparks one.
pub async fn a_repeated_id_is_not_given_twice(harness: Subject) {
    let bed = Setup::new(&harness)
        .with(|builder| builder.ids(|_| SparkId::from("always")))
        .serve()
        .await;
    let (mut one, first) = bed.pair().await;
    let (mut two, second) = bed.pair().await;
    assert_eq!(first.id().as_str(), "always");
    assert_ne!(first.id(), second.id());
    assert_eq!(bed.server.connections(), 2);
    first.send(&1).must();
    second.send(&2).must();
    assert_eq!(one.hear().await, 1);
    assert_eq!(two.hear().await, 2);

    one.vanish().await;
    bed.closed(&first).await;
    assert_eq!(bed.server.spark(second.id()), Some(second));
    let (_three, third) = bed.pair().await;
    assert_eq!(
        third.id().as_str(),
        "always",
        "an id is free again when its spark is gone"
    );
    bed.finish().await;
}

/// Nor to two that connect at the same moment.
pub async fn a_repeated_id_is_not_given_twice_at_once(harness: Subject) {
    let bed = Setup::new(&harness)
        .with(|builder| builder.ids(|_| SparkId::from("always")))
        .serve()
        .await;
    let bed = Arc::new(bed);
    for _ in 0..20 {
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let bed = bed.clone();
                tokio::spawn(async move { bed.connect(Connect::default()).await })
            })
            .collect();
        let mut visitors = Vec::new();
        for task in tasks {
            visitors.push(task.await.must());
        }
        let mut sparks = Vec::new();
        while sparks.len() < visitors.len() {
            sparks.push(bed.opened().await);
        }
        let ids: HashSet<_> = sparks.iter().map(|spark| spark.id().clone()).collect();
        assert_eq!(ids.len(), sparks.len(), "{sparks:?}");
        for spark in &sparks {
            assert_eq!(bed.server.spark(spark.id()).as_ref(), Some(spark));
        }
        for visitor in visitors {
            visitor.vanish().await;
        }
        for _ in &sparks {
            assert!(matches!(bed.event().await, Event::Close(..)));
        }
        assert_eq!(bed.server.connections(), 0);
    }
    match Arc::into_inner(bed) {
        Some(bed) => bed.finish().await,
        None => panic!("all tasks are over"),
    }
}

/// A spark is found by its id for as long as it is there.
pub async fn sparks_are_found_by_id(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (mut visitor, spark) = bed.pair().await;
    let found = bed.server.spark(spark.id());
    let found = found.unwrap_or_else(|| panic!("it was not found"));
    assert_eq!(found, spark);
    found.send("found").must();
    assert_eq!(visitor.hear().await, "found");
    assert!(bed.server.spark("another").is_none());
    visitor.vanish().await;
    bed.closed(&spark).await;
    assert!(bed.server.spark(spark.id()).is_none());
    bed.finish().await;
}

/// All sparks are visited, and all can be written to at once.
pub async fn all_sparks_can_be_written_to(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let mut visitors = Vec::new();
    let mut ids = HashSet::new();
    for _ in 0..10 {
        let (visitor, spark) = bed.pair().await;
        visitors.push(visitor);
        ids.insert(spark.id().clone());
    }
    let mut seen = HashSet::new();
    bed.server.for_each(|spark| {
        assert!(seen.insert(spark.id().clone()), "visited twice");
    });
    assert_eq!(seen, ids);
    for n in 0..10 {
        assert_eq!(bed.server.write(&n).ok(), Some(10));
    }
    for visitor in &mut visitors {
        for n in 0..10 {
            assert_eq!(visitor.hear().await, n);
        }
    }
    bed.finish().await;
}
