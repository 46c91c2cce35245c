//! Shutdown of a server.

use std::time::Duration;

use serde_json::Value;
use stellarfw_transport::{CloseReason, OutboxLimits, Shutdown};

use super::{Subject, pressure};
use crate::{
    fixture::{OrFail, Setup, until, within},
    harness::Connect,
};

const CLIENTS: usize = 5;

/// Shuts down with connected clients. Returns the values that each client received.
async fn received_at_shutdown(harness: &Subject, reconnect: bool) -> Vec<Vec<Value>> {
    let fixture = Setup::new(harness).serve().await;
    let mut clients = Vec::new();
    let mut sparks = Vec::new();
    for n in 0..CLIENTS {
        let (client, spark) = fixture.pair().await;
        spark.send(&n).or_fail();
        clients.push(client);
        sparks.push(spark);
    }
    let server = fixture.server.clone();
    let shutdown = tokio::spawn(async move {
        let options = Shutdown {
            reconnect,
            deadline: Duration::from_secs(60),
        };
        server.shutdown(options).await
    });
    let mut received = Vec::new();
    for client in &mut clients {
        received.push(client.recv_until_close(1001).await);
    }
    let forced = within("shutdown", shutdown).await;
    assert_eq!(
        forced.ok(),
        Some(0),
        "a client that reads must not be aborted"
    );
    assert!(fixture.server.is_stopping());
    assert_eq!(fixture.server.connections(), 0);
    for spark in sparks {
        assert_eq!(
            spark.close_reason(),
            Some(&CloseReason::Shutdown { reconnect })
        );
    }
    fixture.finish().await;
    received
}

/// By default clients receive `primus::server::close` after the messages sent before.
pub async fn clients_are_told_not_to_reconnect(harness: Subject) {
    for (n, received) in received_at_shutdown(&harness, false)
        .await
        .into_iter()
        .enumerate()
    {
        assert_eq!(received, [n.into(), Value::from("primus::server::close")]);
    }
}

/// With `reconnect` clients receive no `primus::server::close`, so that they reconnect.
pub async fn clients_are_asked_to_reconnect(harness: Subject) {
    for (n, received) in received_at_shutdown(&harness, true)
        .await
        .into_iter()
        .enumerate()
    {
        assert_eq!(received, [n]);
    }
}

/// Connections during and after the shutdown are refused, with 503 where the server still answers.
pub async fn new_connections_are_refused(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| {
            config.outbox = OutboxLimits::new(64, 1 << 20);
            config.close_timeout = 60_000;
        })
        .serve()
        .await;
    // A client that does not read delays the end of the shutdown.
    let (mut slow, spark) = fixture.pair().await;
    pressure::fill(&spark).await;
    let server = fixture.server.clone();
    let shutdown = tokio::spawn(async move {
        let options = Shutdown {
            reconnect: true,
            deadline: Duration::from_secs(60),
        };
        server.shutdown(options).await
    });
    until("the shutdown has begun", || fixture.server.is_stopping()).await;
    fixture.refused_with(503, Connect::default()).await;
    slow.recv_until_close(1001).await;
    assert_eq!(within("shutdown", shutdown).await.ok(), Some(0));

    let refused = fixture.refused(Connect::default()).await;
    assert!(matches!(refused.status, None | Some(503)), "{refused:?}");
    assert_eq!(fixture.server.opened(), 1);
    fixture.finish().await;
}

/// A client that does not close by the deadline is aborted and counted.
pub async fn connections_are_aborted_at_the_deadline(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| {
            config.outbox = OutboxLimits::new(64, 1 << 20);
            config.close_timeout = 60_000;
        })
        .serve()
        .await;
    let (_stuck, spark) = fixture.pair().await;
    pressure::fill(&spark).await;
    let options = Shutdown {
        reconnect: false,
        deadline: Duration::from_millis(200),
    };
    let forced = within("shutdown", fixture.server.shutdown(options)).await;
    assert_eq!(forced, 1);
    assert_eq!(fixture.server.connections(), 0);
    assert_eq!(
        fixture.closed(&spark).await,
        CloseReason::Shutdown { reconnect: false }
    );
    fixture.finish().await;
}
