//! The end of a server.

use std::time::Duration;

use serde_json::Value;
use stellarfw_transport::{CloseReason, OutboxLimits, Shutdown};

use super::{Subject, pressure};
use crate::{
    bed::{Must, Setup, until, within},
    harness::Connect,
};

const CLIENTS: usize = 5;

/// Shuts down with clients that read; what each has heard.
async fn heard_at_the_end(harness: &Subject, reconnect: bool) -> Vec<Vec<Value>> {
    let bed = Setup::new(harness).serve().await;
    let mut visitors = Vec::new();
    let mut sparks = Vec::new();
    for n in 0..CLIENTS {
        let (visitor, spark) = bed.pair().await;
        spark.send(&n).must();
        visitors.push(visitor);
        sparks.push(spark);
    }
    let server = bed.server.clone();
    let shutdown = tokio::spawn(async move {
        let options = Shutdown {
            reconnect,
            deadline: Duration::from_secs(60),
        };
        server.shutdown(options).await
    });
    let mut heard = Vec::new();
    for visitor in &mut visitors {
        heard.push(visitor.rest_until(1001).await);
    }
    let forced = within("to shut down", shutdown).await;
    assert_eq!(
        forced.ok(),
        Some(0),
        "a client that reads need not be forced"
    );
    assert!(bed.server.is_stopping());
    assert_eq!(bed.server.connections(), 0);
    for spark in sparks {
        assert_eq!(
            spark.close_reason(),
            Some(&CloseReason::Shutdown { reconnect })
        );
    }
    bed.finish().await;
    heard
}

/// By default clients are told not to come again; what was sent before arrives.
pub async fn clients_are_told_to_stay_away(harness: Subject) {
    for (n, heard) in heard_at_the_end(&harness, false)
        .await
        .into_iter()
        .enumerate()
    {
        assert_eq!(heard, [n.into(), Value::from("primus::server::close")]);
    }
}

/// Before a restart clients are asked to come again.
pub async fn clients_are_asked_to_come_again(harness: Subject) {
    for (n, heard) in heard_at_the_end(&harness, true)
        .await
        .into_iter()
        .enumerate()
    {
        assert_eq!(heard, [n]);
    }
}

/// Who comes during or after the shutdown is not let in: 503, where there is still someone to say
/// so.
pub async fn newcomers_are_refused(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| {
            config.outbox = OutboxLimits::new(64, 1 << 20);
            config.close_timeout = 60_000;
        })
        .serve()
        .await;
    // A client that does not read holds the shutdown up.
    let (mut slow, spark) = bed.pair().await;
    pressure::fill(&spark).await;
    let server = bed.server.clone();
    let shutdown = tokio::spawn(async move {
        let options = Shutdown {
            reconnect: true,
            deadline: Duration::from_secs(60),
        };
        server.shutdown(options).await
    });
    until("the shutdown has begun", || bed.server.is_stopping()).await;
    bed.refused_with(503, Connect::default()).await;
    slow.rest_until(1001).await;
    assert_eq!(within("to shut down", shutdown).await.ok(), Some(0));

    let refused = bed.refused(Connect::default()).await;
    assert!(matches!(refused.status, None | Some(503)), "{refused:?}");
    assert_eq!(bed.server.opened(), 1);
    bed.finish().await;
}

/// A client that does not go by itself is cut at the deadline, and counted.
pub async fn the_deadline_is_kept_by_force(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| {
            config.outbox = OutboxLimits::new(64, 1 << 20);
            config.close_timeout = 60_000;
        })
        .serve()
        .await;
    let (_stuck, spark) = bed.pair().await;
    pressure::fill(&spark).await;
    let options = Shutdown {
        reconnect: false,
        deadline: Duration::from_millis(200),
    };
    let forced = within("to shut down", bed.server.shutdown(options)).await;
    assert_eq!(forced, 1);
    assert_eq!(bed.server.connections(), 0);
    assert_eq!(
        bed.closed(&spark).await,
        CloseReason::Shutdown { reconnect: false }
    );
    bed.finish().await;
}
