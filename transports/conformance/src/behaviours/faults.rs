//! Panics of the application close their own spark only.

use std::sync::atomic::{AtomicUsize, Ordering};

use stellarfw_transport::{CloseReason, Flow, Message, Packet, Spark};

use super::Subject;
use crate::{
    fixture::{Event, Fixture, Setup, echo},
    harness::Connect,
};

fn is_bomb(message: Message<'_>) -> bool {
    message.as_str() == Some("\"bomb\"")
}

/// Checks that a bomb closes its sender with 1011 and leaves another client connected.
///
/// `echoed` lists the values that the sender may still receive.
async fn assert_isolated(fixture: Fixture, echoed: &[&str]) {
    for _ in 0..3 {
        let (mut other, other_spark) = fixture.pair().await;
        let (mut client, spark) = fixture.pair().await;
        client.send_value("bomb").await;
        let after = client.encode("after");
        client.try_send(after).await.ok();
        for value in client.recv_until_close(1011).await {
            assert!(echoed.iter().any(|text| value == *text), "{value}");
        }
        assert_eq!(fixture.closed_eventually(&spark).await, CloseReason::Panic);

        other.send_value("still here").await;
        assert_eq!(other.recv().await, "still here");
        assert_eq!(fixture.message().await, "still here");
        other.disconnect().await;
        fixture.closed(&other_spark).await;
    }
    fixture.finish().await;
}

/// A panic in the message handler.
pub async fn a_panic_closes_its_spark_only(harness: Subject) {
    let setup = Setup::new(&harness).on_message(|spark, message| {
        assert!(!is_bomb(message), "intentional panic");
        echo(spark, message)
    });
    assert_isolated(setup.serve().await, &[]).await;
}

/// A panic in the future of the message handler.
pub async fn a_panic_in_a_future_closes_its_spark_only(harness: Subject) {
    let setup = Setup::new(&harness).on_message(|spark, message| {
        if is_bomb(message) {
            return Flow::start(async {
                tokio::task::yield_now().await;
                panic!("intentional panic");
            });
        }
        echo(spark, message)
    });
    assert_isolated(setup.serve().await, &[]).await;
}

/// A panic in the connection hook.
pub async fn a_panic_in_the_connection_hook_closes_its_spark_only(harness: Subject) {
    let count = AtomicUsize::new(0);
    let fixture = Setup::new(&harness)
        .with(|builder| {
            builder.on_connection(move |_| {
                let unlucky = count.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
                async move {
                    tokio::task::yield_now().await;
                    assert!(!unlucky, "intentional panic");
                }
            })
        })
        .on_open(|spark| {
            spark.send("welcome").ok();
            Flow::DONE
        })
        .serve()
        .await;
    for _ in 0..3 {
        let mut unlucky = fixture.connect(Connect::default()).await;
        assert!(unlucky.recv_until_close(1011).await.is_empty());
        match fixture.event().await {
            Event::Close(_, reason) => assert_eq!(reason, CloseReason::Panic),
            other => panic!("expected a close event, got {other:?}"),
        }
        let (mut lucky, spark) = fixture.pair().await;
        assert_eq!(lucky.recv().await, "welcome");
        lucky.disconnect().await;
        fixture.closed(&spark).await;
    }
    fixture.finish().await;
}

/// A panic in a transform of incoming messages.
pub async fn a_panic_in_an_incoming_transform_closes_its_spark_only(harness: Subject) {
    let setup = Setup::new(&harness)
        .with(|builder| {
            builder.transform_incoming(|_: &Spark, packet: Packet| {
                assert!(!is_bomb(packet.frame().as_message()), "intentional panic");
                Flow::Ready(Some(packet))
            })
        })
        .echo();
    assert_isolated(setup.serve().await, &[]).await;
}

/// A panic in a transform of outgoing messages.
pub async fn a_panic_in_an_outgoing_transform_closes_its_spark_only(harness: Subject) {
    let setup = Setup::new(&harness)
        .with(|builder| {
            builder.transform_outgoing(|_: &Spark, packet: Packet| {
                assert!(!is_bomb(packet.frame().as_message()), "intentional panic");
                Flow::Ready(Some(packet))
            })
        })
        .echo();
    assert_isolated(setup.serve().await, &[]).await;
}

/// A panic in the future of a transform of outgoing messages.
pub async fn a_panic_in_an_outgoing_future_closes_its_spark_only(harness: Subject) {
    let setup = Setup::new(&harness)
        .with(|builder| {
            builder.transform_outgoing(|_: &Spark, packet: Packet| {
                if !is_bomb(packet.frame().as_message()) {
                    return Flow::Ready(Some(packet));
                }
                Flow::start(async {
                    tokio::task::yield_now().await;
                    panic!("intentional panic");
                })
            })
        })
        .echo();
    // The second message may be queued before the panic, and is then sent.
    assert_isolated(setup.serve().await, &["after"]).await;
}
