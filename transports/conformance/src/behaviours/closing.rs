//! How connections end.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use serde_json::Value;
use stellarfw_transport::{CloseReason, Flow, SendError, SparkId};

use super::Subject;
use crate::bed::{Bed, Must, Setup, echo, filler, until, within};

/// `primus::server::close` arrives before the end: the client does not come again.
pub async fn an_end_tells_the_client_to_stay_away(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (mut visitor, spark) = bed.pair().await;
    spark.end();
    assert_eq!(visitor.rest_until(1000).await, ["primus::server::close"]);
    assert_eq!(
        bed.closed(&spark).await,
        CloseReason::Ended { reconnect: false }
    );
    bed.finish().await;
}

/// Without `primus::server::close` the client comes again.
pub async fn an_end_with_reconnect_says_nothing(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (mut visitor, spark) = bed.pair().await;
    spark.end_with_reconnect();
    assert_eq!(visitor.rest_until(1000).await, Vec::<Value>::new());
    assert_eq!(
        bed.closed(&spark).await,
        CloseReason::Ended { reconnect: true }
    );
    bed.finish().await;
}

/// What was sent before the end still arrives, however much.
pub async fn what_was_sent_before_the_end_arrives(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (mut visitor, spark) = bed.pair().await;
    let large = filler(2 << 20);
    for n in 0..1_000 {
        spark.send(&n).must();
    }
    spark.send(&large).must();
    spark.end();
    let heard = visitor.rest_until(1000).await;
    assert_eq!(heard.len(), 1_002);
    assert!(
        heard
            .iter()
            .take(1_000)
            .enumerate()
            .all(|(n, value)| *value == n)
    );
    assert!(heard[1_000] == *large, "the large message was changed");
    assert_eq!(heard[1_001], "primus::server::close");
    bed.finish().await;
}

/// After the end nothing can be sent, nothing is received, and the first reason counts.
pub async fn nothing_is_sent_after_the_end(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (mut visitor, spark) = bed.pair().await;
    spark.end_with_reconnect();
    assert!(matches!(spark.send("late"), Err(SendError::Closed)));
    assert!(!spark.is_open());
    spark.end();
    spark.close(CloseReason::TooLarge);
    let late = visitor.encode("too late");
    visitor.try_send(late).await.ok();
    assert_eq!(visitor.rest_until(1000).await, Vec::<Value>::new());
    // The next event is the close: the message was not delivered.
    assert_eq!(
        bed.closed(&spark).await,
        CloseReason::Ended { reconnect: true }
    );
    assert!(matches!(spark.send("later"), Err(SendError::Closed)));
    within("the spark is gone", spark.closed()).await;
    bed.finish().await;
}

/// A client's goodbye ends its spark, with its code where there are codes.
pub async fn a_goodbye_is_reported(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    for code in [1000, 1001, 4321] {
        let (mut visitor, spark) = bed.pair().await;
        visitor.say("last words").await;
        visitor.goodbye(code).await;
        assert_eq!(bed.message().await, "last words");
        let reason = bed.closed(&spark).await;
        is_goodbye(&bed, &reason, code);
    }
    bed.finish().await;
}

fn is_goodbye(bed: &Bed, reason: &CloseReason, code: u16) {
    match reason {
        CloseReason::Client { code: given } if bed.capabilities.close_codes => {
            assert_eq!(*given, code);
        }
        // Without codes a goodbye may look like a broken connection.
        CloseReason::Client { code: 1005 } | CloseReason::Gone if !bed.capabilities.close_codes => {
        }
        other => panic!("a goodbye was reported as {other:?}"),
    }
}

/// A connection that breaks ends its spark.
pub async fn a_vanished_client_is_reported(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (visitor, spark) = bed.pair().await;
    visitor.vanish().await;
    let reason = bed.closed(&spark).await;
    is_gone(&bed, &reason);
    assert_eq!(bed.server.connections(), 0);
    assert!(bed.server.spark(spark.id()).is_none());
    bed.finish().await;
}

fn is_gone(bed: &Bed, reason: &CloseReason) {
    match reason {
        CloseReason::Gone => {}
        CloseReason::Client { code: 1005 } if !bed.capabilities.close_codes => {}
        other => panic!("a broken connection was reported as {other:?}"),
    }
}

/// However a connection ends, the disconnection hook runs once, with the right reason.
pub async fn each_way_of_ending_is_reported_once(harness: Subject) {
    let ends: Arc<Mutex<HashMap<SparkId, Vec<CloseReason>>>> = Arc::default();
    let hook = ends.clone();
    let bed = Setup::new(&harness)
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
            Some("\"panic\"") => panic!("as asked for"),
            Some("\"end\"") => {
                spark.end();
                Flow::DONE
            }
            _ => echo(spark, message),
        })
        .serve()
        .await;
    let mut sparks = Vec::new();

    let (visitor, spark) = bed.pair().await;
    visitor.goodbye(1000).await;
    is_goodbye(&bed, &bed.closed(&spark).await, 1000);
    sparks.push(spark);

    let (visitor, spark) = bed.pair().await;
    visitor.vanish().await;
    is_gone(&bed, &bed.closed(&spark).await);
    sparks.push(spark);

    let (mut visitor, spark) = bed.pair().await;
    visitor.say("end").await;
    visitor.rest_until(1000).await;
    assert_eq!(
        bed.closed_at_last(&spark).await,
        CloseReason::Ended { reconnect: false }
    );
    sparks.push(spark);

    let (mut visitor, spark) = bed.pair().await;
    visitor.say("panic").await;
    visitor.rest_until(1011).await;
    assert_eq!(bed.closed_at_last(&spark).await, CloseReason::Panic);
    sparks.push(spark);

    let (mut visitor, spark) = bed.pair().await;
    let long = visitor.encode(&filler(2_000));
    visitor.try_send(long).await.ok();
    visitor.rest_until(1009).await;
    assert_eq!(bed.closed(&spark).await, CloseReason::TooLarge);
    sparks.push(spark);

    let (mut visitor, spark) = bed.pair().await;
    spark.close(CloseReason::Protocol {
        code: 1008,
        message: "of the layer above".into(),
    });
    visitor.rest_until(1008).await;
    assert!(matches!(
        bed.closed(&spark).await,
        CloseReason::Protocol { code: 1008, .. }
    ));
    sparks.push(spark);

    // Both at once: whichever was first, it is told once.
    let (visitor, spark) = bed.pair().await;
    spark.end();
    visitor.vanish().await;
    assert_eq!(
        bed.closed(&spark).await,
        CloseReason::Ended { reconnect: false }
    );
    sparks.push(spark);

    let (mut visitor, spark) = bed.pair().await;
    spark.abort();
    spark.abort();
    let (heard, _) = visitor.rest().await;
    assert_eq!(heard, Vec::<Value>::new());
    assert_eq!(
        bed.closed(&spark).await,
        CloseReason::Ended { reconnect: true }
    );
    sparks.push(spark);

    let (_visitor, spark) = bed.pair().await;
    sparks.push(spark);
    bed.finish().await;

    let ends = ends.lock();
    assert_eq!(ends.len(), sparks.len());
    for spark in &sparks {
        let reasons = &ends[spark.id()];
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        assert_eq!(spark.close_reason(), reasons.first());
    }
}

/// Keeping a spark keeps neither its connection open nor its server's books.
pub async fn a_kept_spark_does_not_keep_the_connection(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (visitor, kept) = bed.pair().await;
    let clones: Vec<_> = (0..10).map(|_| kept.clone()).collect();
    visitor.vanish().await;
    bed.closed(&kept).await;
    within("the spark is gone", kept.closed()).await;
    until("it is out of the books", || bed.server.connections() == 0).await;
    assert!(clones.iter().all(|spark| !spark.is_open()));

    let (mut visitor, kept) = bed.pair().await;
    kept.end_with_reconnect();
    visitor.rest_until(1000).await;
    bed.closed(&kept).await;
    drop(clones);
    bed.finish().await;
}

/// Ending what has ended already changes nothing.
pub async fn an_abort_after_the_end_changes_nothing(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (visitor, spark) = bed.pair().await;
    visitor.vanish().await;
    let reason = bed.closed(&spark).await;
    spark.abort();
    spark.end();
    within("the spark is still gone", spark.closed()).await;
    assert_eq!(spark.close_reason(), Some(&reason));
    bed.finish().await;
}
