//! Closing a connection, from either side.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use serde_json::Value;
use stellarfw_transport::{CloseReason, Flow, SendError, SparkId};

use super::Subject;
use crate::fixture::{Fixture, OrFail, Setup, echo, filler, until, within};

/// `primus::server::close` arrives before the close, so that the client does not reconnect.
pub async fn an_end_sends_the_close_message(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (mut client, spark) = fixture.pair().await;
    spark.end();
    assert_eq!(
        client.recv_until_close(1000).await,
        ["primus::server::close"]
    );
    assert_eq!(
        fixture.closed(&spark).await,
        CloseReason::Ended { reconnect: false }
    );
    fixture.finish().await;
}

/// `end_with_reconnect` sends no `primus::server::close`, so that the client reconnects.
pub async fn an_end_with_reconnect_sends_no_close_message(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (mut client, spark) = fixture.pair().await;
    spark.end_with_reconnect();
    assert_eq!(client.recv_until_close(1000).await, Vec::<Value>::new());
    assert_eq!(
        fixture.closed(&spark).await,
        CloseReason::Ended { reconnect: true }
    );
    fixture.finish().await;
}

/// Messages sent before the end arrive, however many.
pub async fn messages_sent_before_the_end_arrive(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (mut client, spark) = fixture.pair().await;
    let large = filler(2 << 20);
    for n in 0..1_000 {
        spark.send(&n).or_fail();
    }
    spark.send(&large).or_fail();
    spark.end();
    let received = client.recv_until_close(1000).await;
    assert_eq!(received.len(), 1_002);
    assert!(
        received
            .iter()
            .take(1_000)
            .enumerate()
            .all(|(n, value)| *value == n)
    );
    assert!(received[1_000] == *large, "the large message was changed");
    assert_eq!(received[1_001], "primus::server::close");
    fixture.finish().await;
}

/// After the end nothing is sent or received, and the first close reason is kept.
pub async fn nothing_is_sent_after_the_end(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (mut client, spark) = fixture.pair().await;
    spark.end_with_reconnect();
    assert!(matches!(spark.send("late"), Err(SendError::Closed)));
    assert!(!spark.is_open());
    spark.end();
    spark.close(CloseReason::TooLarge);
    let late = client.encode("too late");
    client.try_send(late).await.ok();
    assert_eq!(client.recv_until_close(1000).await, Vec::<Value>::new());
    // The next event is the close: the message was not delivered.
    assert_eq!(
        fixture.closed(&spark).await,
        CloseReason::Ended { reconnect: true }
    );
    assert!(matches!(spark.send("later"), Err(SendError::Closed)));
    within("close of the spark", spark.closed()).await;
    fixture.finish().await;
}

/// A close by the client ends its spark, with the client's code where the engine has codes.
pub async fn a_clients_close_is_reported(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    for code in [1000, 1001, 4321] {
        let (mut client, spark) = fixture.pair().await;
        client.send_value("last words").await;
        client.close(code).await;
        assert_eq!(fixture.message().await, "last words");
        let reason = fixture.closed(&spark).await;
        assert_client_close(&fixture, &reason, code);
    }
    fixture.finish().await;
}

fn assert_client_close(fixture: &Fixture, reason: &CloseReason, code: u16) {
    match reason {
        CloseReason::Client { code: given } if fixture.capabilities.close_codes => {
            assert_eq!(*given, code);
        }
        // Without codes a close may look like a lost connection.
        CloseReason::Client { code: 1005 } | CloseReason::Gone
            if !fixture.capabilities.close_codes => {}
        other => panic!("a close by the client was reported as {other:?}"),
    }
}

/// A lost connection ends its spark.
pub async fn a_lost_connection_is_reported(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (client, spark) = fixture.pair().await;
    client.disconnect().await;
    let reason = fixture.closed(&spark).await;
    assert_lost(&fixture, &reason);
    assert_eq!(fixture.server.connections(), 0);
    assert!(fixture.server.spark(spark.id()).is_none());
    fixture.finish().await;
}

fn assert_lost(fixture: &Fixture, reason: &CloseReason) {
    match reason {
        CloseReason::Gone => {}
        CloseReason::Client { code: 1005 } if !fixture.capabilities.close_codes => {}
        other => panic!("a lost connection was reported as {other:?}"),
    }
}

/// The disconnection hook runs once for every kind of close, with its reason.
pub async fn every_close_reason_is_reported_once(harness: Subject) {
    let ends: Arc<Mutex<HashMap<SparkId, Vec<CloseReason>>>> = Arc::default();
    let hook = ends.clone();
    let fixture = Setup::new(&harness)
        .configure(|config| config.max_length = 1_000)
        .with(|builder| {
            builder.on_disconnection(move |spark, reason| {
                let mut ends = hook.lock();
                ends.entry(spark.id().clone())
                    .or_default()
                    .push(reason.clone());
            })
        })
        .on_message(|spark, message| match message.as_str() {
            Some("\"panic\"") => panic!("intentional panic"),
            Some("\"end\"") => {
                spark.end();
                Flow::DONE
            }
            _ => echo(spark, message),
        })
        .serve()
        .await;
    let mut sparks = Vec::new();

    let (client, spark) = fixture.pair().await;
    client.close(1000).await;
    assert_client_close(&fixture, &fixture.closed(&spark).await, 1000);
    sparks.push(spark);

    let (client, spark) = fixture.pair().await;
    client.disconnect().await;
    assert_lost(&fixture, &fixture.closed(&spark).await);
    sparks.push(spark);

    let (mut client, spark) = fixture.pair().await;
    client.send_value("end").await;
    client.recv_until_close(1000).await;
    assert_eq!(
        fixture.closed_eventually(&spark).await,
        CloseReason::Ended { reconnect: false }
    );
    sparks.push(spark);

    let (mut client, spark) = fixture.pair().await;
    client.send_value("panic").await;
    client.recv_until_close(1011).await;
    assert_eq!(fixture.closed_eventually(&spark).await, CloseReason::Panic);
    sparks.push(spark);

    let (mut client, spark) = fixture.pair().await;
    let long = client.encode(&filler(2_000));
    client.try_send(long).await.ok();
    client.recv_until_close(1009).await;
    assert_eq!(fixture.closed(&spark).await, CloseReason::TooLarge);
    sparks.push(spark);

    let (mut client, spark) = fixture.pair().await;
    spark.close(CloseReason::Protocol {
        code: 1008,
        message: "of the layer above".into(),
    });
    client.recv_until_close(1008).await;
    assert!(matches!(
        fixture.closed(&spark).await,
        CloseReason::Protocol { code: 1008, .. }
    ));
    sparks.push(spark);

    // Concurrent closes from both sides are reported once.
    let (client, spark) = fixture.pair().await;
    spark.end();
    client.disconnect().await;
    assert_eq!(
        fixture.closed(&spark).await,
        CloseReason::Ended { reconnect: false }
    );
    sparks.push(spark);

    let (mut client, spark) = fixture.pair().await;
    spark.abort();
    spark.abort();
    let (received, _) = client.recv_remaining().await;
    assert_eq!(received, Vec::<Value>::new());
    assert_eq!(
        fixture.closed(&spark).await,
        CloseReason::Ended { reconnect: true }
    );
    sparks.push(spark);

    let (_visitor, spark) = fixture.pair().await;
    sparks.push(spark);
    fixture.finish().await;

    // The hook runs after the handler, in a thread of the engine.
    until("the hook runs for every spark", || {
        ends.lock().len() >= sparks.len()
    })
    .await;
    let ends = ends.lock();
    assert_eq!(ends.len(), sparks.len());
    for spark in &sparks {
        let reasons = &ends[spark.id()];
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        assert_eq!(spark.close_reason(), reasons.first());
    }
}

/// A `Spark` handle keeps neither its connection nor its entry in the server.
pub async fn a_spark_handle_does_not_keep_the_connection(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (client, kept) = fixture.pair().await;
    let clones: Vec<_> = (0..10).map(|_| kept.clone()).collect();
    client.disconnect().await;
    fixture.closed(&kept).await;
    within("close of the spark", kept.closed()).await;
    until("the spark is removed", || fixture.server.connections() == 0).await;
    assert!(clones.iter().all(|spark| !spark.is_open()));

    let (mut client, kept) = fixture.pair().await;
    kept.end_with_reconnect();
    client.recv_until_close(1000).await;
    fixture.closed(&kept).await;
    drop(clones);
    fixture.finish().await;
}

/// Ending or aborting a closed spark has no effect.
pub async fn an_abort_after_the_end_changes_nothing(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (client, spark) = fixture.pair().await;
    client.disconnect().await;
    let reason = fixture.closed(&spark).await;
    spark.abort();
    spark.end();
    within("close of the spark", spark.closed()).await;
    assert_eq!(spark.close_reason(), Some(&reason));
    fixture.finish().await;
}
