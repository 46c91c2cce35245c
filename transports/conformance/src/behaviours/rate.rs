//! What becomes of those who send too much.

use stellarfw_transport::{CloseReason, MessageRate, Spark};

use super::Subject;
use crate::bed::{Bed, Must, Setup, Visitor, until};

/// So many messages are taken at once, and as many refused.
const BURST: u32 = 4;
/// Far more than that.
const MANY: u32 = 1_000;

/// A server whose sparks have used up what they may send for longer than any test takes.
async fn strict(harness: &Subject) -> Bed {
    Setup::new(harness)
        .configure(|config| config.message_rate = MessageRate::new(0.000_1, BURST))
        .echo()
        .serve()
        .await
}

/// Sends numbers from 0 on; whether all could be sent.
async fn count_up(visitor: &mut Visitor, to: u32) -> bool {
    for n in 0..to {
        let frame = visitor.encode(&n);
        if visitor.try_send(frame).await.is_err() {
            return false;
        }
    }
    true
}

/// That the spark was ended for its rate, and its client was told so and nothing else.
async fn is_ended(bed: &Bed, visitor: &mut Visitor, spark: &Spark) {
    let heard = visitor.rest_until(1008).await;
    assert!(heard.is_empty(), "{heard:?}");
    assert_eq!(bed.closed_at_last(spark).await, CloseReason::RateLimit);
}

/// A burst is taken and what is over it is not; the connection stays, and others are not concerned.
pub async fn messages_over_the_rate_are_refused(harness: Subject) {
    let bed = strict(&harness).await;
    let (mut hasty, spark) = bed.pair().await;
    let (mut other, _) = bed.pair().await;
    assert!(count_up(&mut hasty, 2 * BURST).await);
    for n in 0..BURST {
        assert_eq!(hasty.hear().await, n);
        assert_eq!(bed.message().await, n);
    }
    // Whatever is left of them may be read later than the last answer is heard.
    until("those over the rate are refused", || {
        bed.server.counts().over_rate >= u64::from(BURST)
    })
    .await;
    other.say("calm").await;
    assert_eq!(other.hear().await, "calm");
    assert_eq!(bed.message().await, "calm");
    // It can still be sent to, and nothing else came of what was refused.
    spark.send("still here").must();
    assert_eq!(hasty.hear().await, "still here");
    assert!(spark.is_open());
    assert_eq!(bed.server.counts().over_rate, u64::from(BURST));
    bed.finish().await;
}

/// Sends one thing until it cannot, or has done so far more often than it may.
async fn flood(visitor: &mut Visitor, value: &str) {
    let frame = visitor.encode(value);
    for _ in 0..MANY {
        if visitor.try_send(frame.clone()).await.is_err() {
            return;
        }
    }
}

/// Who goes on is ended with 1008, and may come again.
pub async fn who_goes_on_is_ended(harness: Subject) {
    let bed = strict(&harness).await;
    let (mut hasty, spark) = bed.pair().await;
    for n in 0..BURST {
        hasty.say(n).await;
        assert_eq!(hasty.hear().await, n);
    }
    flood(&mut hasty, "more").await;
    is_ended(&bed, &mut hasty, &spark).await;
    assert_eq!(bed.server.counts().over_rate, u64::from(BURST) + 1);
    // Whoever comes again begins anew.
    let (mut again, _) = bed.pair().await;
    again.say("again").await;
    assert_eq!(again.hear().await, "again");
    bed.finish().await;
}

/// Control messages count, too: over the rate they have no answer, and then they end the spark.
pub async fn control_messages_count(harness: Subject) {
    for control in ["primus::id::", "primus::ping::1"] {
        let bed = strict(&harness).await;
        let (mut hasty, spark) = bed.pair().await;
        for _ in 0..BURST {
            hasty.say(control).await;
            hasty.hear().await;
        }
        flood(&mut hasty, control).await;
        is_ended(&bed, &mut hasty, &spark).await;
        bed.finish().await;
    }
}

/// The bound of a client holds over all its connections; what it is refused ends none of them before
/// that one has been refused as much itself.
pub async fn a_client_has_one_rate_over_all_its_connections(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| {
            config.message_rate_per_client = MessageRate::new(0.000_1, BURST);
        })
        .echo()
        .serve()
        .await;
    let (mut first, _) = bed.pair().await;
    for n in 0..BURST / 2 {
        first.say(n).await;
        assert_eq!(first.hear().await, n);
        assert_eq!(bed.message().await, n);
    }
    let (mut second, spark) = bed.pair().await;
    for n in 0..BURST / 2 {
        second.say(n).await;
        assert_eq!(second.hear().await, n);
        assert_eq!(bed.message().await, n);
    }
    let (mut third, other) = bed.pair().await;
    let same = spark.client().zip(other.client());
    assert!(same.is_some_and(|(one, other)| std::sync::Arc::ptr_eq(one, other)));
    let refused = |count| bed.server.counts().over_rate >= count;
    third.say("more").await;
    until("the newcomer is refused", || refused(1)).await;
    second.say("more").await;
    until("the other one is refused", || refused(2)).await;
    assert!(spark.is_open() && other.is_open());
    spark.send("still here").must();
    assert_eq!(second.hear().await, "still here");
    flood(&mut third, "more").await;
    is_ended(&bed, &mut third, &other).await;
    assert!(spark.is_open());
    bed.finish().await;
}

/// By default there is no rate.
pub async fn without_a_rate_nothing_is_refused(harness: Subject) {
    let bed = Setup::new(&harness).echo().serve().await;
    let (mut hasty, _spark) = bed.pair().await;
    for n in 0..MANY {
        hasty.say(n).await;
        assert_eq!(hasty.hear().await, n);
    }
    assert_eq!(bed.server.counts().over_rate, 0);
    bed.finish().await;
}
