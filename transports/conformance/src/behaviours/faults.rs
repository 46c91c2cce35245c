//! The application's faults end at their spark.

use std::sync::atomic::{AtomicUsize, Ordering};

use stellarfw_transport::{CloseReason, Flow, Message, Packet, Spark};

use super::Subject;
use crate::{
    bed::{Bed, Event, Setup, echo},
    harness::Connect,
};

fn is_bomb(message: Message<'_>) -> bool {
    message.as_str() == Some("\"bomb\"")
}

/// Two clients; the one that sends a bomb is ended with 1011, the other stays. `heard` is what the
/// first may hear of what it sends behind the bomb.
async fn survives(bed: Bed, heard: &[&str]) {
    for _ in 0..3 {
        let (mut other, other_spark) = bed.pair().await;
        let (mut visitor, spark) = bed.pair().await;
        visitor.say("bomb").await;
        let after = visitor.encode("after");
        visitor.try_send(after).await.ok();
        for value in visitor.rest_until(1011).await {
            assert!(heard.iter().any(|text| value == *text), "{value}");
        }
        assert_eq!(bed.closed_at_last(&spark).await, CloseReason::Panic);

        other.say("still here").await;
        assert_eq!(other.hear().await, "still here");
        assert_eq!(bed.message().await, "still here");
        other.vanish().await;
        bed.closed(&other_spark).await;
    }
    bed.finish().await;
}

/// A panic in the message handler.
pub async fn a_panic_ends_its_spark_only(harness: Subject) {
    let setup = Setup::new(&harness).on_message(|spark, message| {
        assert!(!is_bomb(message), "as asked for");
        echo(spark, message)
    });
    survives(setup.serve().await, &[]).await;
}

/// A panic in a future that the message handler gave.
pub async fn a_panic_in_a_future_ends_its_spark_only(harness: Subject) {
    let setup = Setup::new(&harness).on_message(|spark, message| {
        if is_bomb(message) {
            return Flow::start(async {
                tokio::task::yield_now().await;
                panic!("as asked for");
            });
        }
        echo(spark, message)
    });
    survives(setup.serve().await, &[]).await;
}

/// A panic while a spark opens.
pub async fn a_panic_at_the_opening_ends_its_spark_only(harness: Subject) {
    let count = AtomicUsize::new(0);
    let bed = Setup::new(&harness)
        .with(|builder| {
            builder.on_connection(move |_| {
                let unlucky = count.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
                async move {
                    tokio::task::yield_now().await;
                    assert!(!unlucky, "as asked for");
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
        let mut unlucky = bed.connect(Connect::default()).await;
        assert!(unlucky.rest_until(1011).await.is_empty());
        match bed.event().await {
            Event::Close(_, reason) => assert_eq!(reason, CloseReason::Panic),
            other => panic!("a spark was to close, instead: {other:?}"),
        }
        let (mut lucky, spark) = bed.pair().await;
        assert_eq!(lucky.hear().await, "welcome");
        lucky.vanish().await;
        bed.closed(&spark).await;
    }
    bed.finish().await;
}

/// A panic in a transform of what comes in.
pub async fn a_panic_in_an_incoming_transform_ends_its_spark_only(harness: Subject) {
    let setup = Setup::new(&harness)
        .with(|builder| {
            builder.transform_incoming(|_: &Spark, packet: Packet| {
                assert!(!is_bomb(packet.frame().as_message()), "as asked for");
                Flow::Ready(Some(packet))
            })
        })
        .echo();
    survives(setup.serve().await, &[]).await;
}

/// A panic in a transform of what goes out.
pub async fn a_panic_in_an_outgoing_transform_ends_its_spark_only(harness: Subject) {
    let setup = Setup::new(&harness)
        .with(|builder| {
            builder.transform_outgoing(|_: &Spark, packet: Packet| {
                assert!(!is_bomb(packet.frame().as_message()), "as asked for");
                Flow::Ready(Some(packet))
            })
        })
        .echo();
    survives(setup.serve().await, &[]).await;
}

/// A panic in the future of a transform of what goes out.
pub async fn a_panic_in_an_outgoing_future_ends_its_spark_only(harness: Subject) {
    let setup = Setup::new(&harness)
        .with(|builder| {
            builder.transform_outgoing(|_: &Spark, packet: Packet| {
                if !is_bomb(packet.frame().as_message()) {
                    return Flow::Ready(Some(packet));
                }
                Flow::start(async {
                    tokio::task::yield_now().await;
                    panic!("as asked for");
                })
            })
        })
        .echo();
    // It may have been sent while the panic was still to come, and then it goes out.
    survives(setup.serve().await, &["after"]).await;
}
