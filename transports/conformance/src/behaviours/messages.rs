//! What becomes of messages.

use serde_json::{Value, json};
use stellarfw_transport::{CloseReason, Delivery, Frame, Kind, Parser};

use super::Subject;
use crate::bed::{Bed, Event, Must, Setup, filler};

const MANY: u32 = 10_000;
const CLIENTS: u32 = 4;
const BATCH: u32 = 50;

/// Ten thousand messages of a client arrive in order.
pub async fn order_is_kept_in(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (mut visitor, _) = bed.pair().await;
    for n in 0..MANY {
        visitor.say(n).await;
    }
    for n in 0..MANY {
        assert_eq!(bed.message().await, n);
    }
    bed.finish().await;
}

/// Ten thousand messages to a client arrive in order.
pub async fn order_is_kept_out(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (mut visitor, spark) = bed.pair().await;
    for n in 0..MANY {
        spark
            .send(&n)
            .unwrap_or_else(|error| panic!("message {n}: {error}"));
    }
    for n in 0..MANY {
        assert_eq!(visitor.hear().await, n);
    }
    bed.finish().await;
}

/// Ten thousand messages of several clients come back to each in order, sent and received at once.
pub async fn order_is_kept_both_ways_at_once(harness: Subject) {
    let bed = Setup::new(&harness).echo().serve().await;
    let mut visitors = Vec::new();
    for _ in 0..CLIENTS {
        visitors.push(bed.pair().await.0);
    }
    let tasks: Vec<_> = (0..CLIENTS)
        .zip(visitors)
        .map(|(client, mut visitor)| {
            tokio::spawn(async move {
                for batch in 0..MANY / CLIENTS / BATCH {
                    for n in 0..BATCH {
                        visitor.say((client, batch, n)).await;
                    }
                    for n in 0..BATCH {
                        assert_eq!(visitor.hear().await, json!([client, batch, n]));
                    }
                }
                visitor
            })
        })
        .collect();
    for task in tasks {
        task.await.must();
    }
    bed.finish().await;
}

/// Any thread can send, also one that knows nothing of async.
pub async fn any_thread_can_send(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (mut visitor, spark) = bed.pair().await;
    let sender = spark.clone();
    let thread = std::thread::spawn(move || {
        for n in 0..100 {
            sender.send(&n).must();
        }
        sender.end();
    });
    let mut expected: Vec<Value> = (0..100).map(Value::from).collect();
    expected.push("primus::server::close".into());
    assert_eq!(visitor.rest_until(1000).await, expected);
    assert!(thread.join().is_ok());
    bed.finish().await;
}

/// A bed without a codec, if the engine has such a thing. One that lacks binary may refuse it.
async fn raw(harness: &Subject) -> Option<Bed> {
    let setup = Setup::new(harness)
        .with(|builder| builder.parser(Parser::Raw))
        .echo();
    match setup.try_serve().await {
        Ok(bed) => Some(bed),
        Err(error) => {
            let capabilities = harness.engine().0.capabilities();
            assert!(!capabilities.binary, "{error}");
            None
        }
    }
}

/// Text passes untouched where no codec touches it.
pub async fn raw_text_is_untouched(harness: Subject) {
    let Some(bed) = raw(&harness).await else {
        return;
    };
    let (mut visitor, _) = bed.pair().await;
    for text in [
        "x",
        "{not json",
        "a\nb\r\n\0c",
        "\"primus::ping::1\"",
        "żółw 🐢 \u{2028}\u{feff}",
    ] {
        visitor.send(Frame::text(text)).await;
        let (_, frame) = bed.frame().await;
        assert_eq!(
            (frame.kind(), &frame.payload()[..]),
            (Kind::Text, text.as_bytes())
        );
        assert_eq!(visitor.payload().await, Frame::text(text));
    }
    bed.finish().await;
}

/// Bytes pass untouched. An engine that lacks binary leaves them out and harms nothing else.
pub async fn raw_binary_is_untouched(harness: Subject) {
    let Some(bed) = raw(&harness).await else {
        return;
    };
    let (mut visitor, spark) = bed.pair().await;
    let all = Frame::binary((0..=255).collect::<Vec<u8>>());
    if bed.capabilities.binary {
        for frame in [
            all,
            Frame::binary(&b"text"[..]),
            Frame::binary(vec![0; 70_000]),
        ] {
            visitor.send(frame.clone()).await;
            assert_eq!(bed.frame().await.1, frame);
            assert_eq!(visitor.payload().await, frame);
        }
    } else {
        spark.send_frame(all, Delivery::Reliable).ok();
        spark
            .send_frame(Frame::text("after"), Delivery::Reliable)
            .must();
        assert_eq!(visitor.payload().await, Frame::text("after"));
    }
    bed.finish().await;
}

/// JSON goes out with U+2028 and U+2029 escaped, and comes in either way.
pub async fn line_separators_are_escaped(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (mut visitor, spark) = bed.pair().await;
    let text = "a\u{2028}b\u{2029}c";
    spark.send(text).must();
    let frame = visitor.payload().await;
    assert_eq!(&frame.payload()[..], br#""a\u2028b\u2029c""#);
    visitor.send(Frame::text(format!("\"{text}\""))).await;
    assert_eq!(bed.message().await, text);
    visitor.send(frame).await;
    assert_eq!(bed.message().await, text);
    bed.finish().await;
}

/// A mebibyte arrives whole, both ways, and does not harm the small ones around it.
pub async fn large_messages_arrive_whole(harness: Subject) {
    let bed = Setup::new(&harness).echo().serve().await;
    let (mut visitor, _) = bed.pair().await;
    let large = filler(1 << 20);
    for _ in 0..3 {
        visitor.say("before").await;
        visitor.say(&large).await;
        visitor.say("after").await;
        assert_eq!(visitor.hear().await, "before");
        assert!(
            visitor.hear().await == *large,
            "the large message was changed"
        );
        assert_eq!(visitor.hear().await, "after");
    }
    bed.finish().await;
}

const MAX_LENGTH: usize = 5_000;

/// A message of exactly `maxLength` bytes passes.
pub async fn a_message_of_the_longest_length_passes(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| config.max_length = MAX_LENGTH)
        .echo()
        .serve()
        .await;
    let (mut visitor, _) = bed.pair().await;
    for _ in 0..3 {
        let longest = visitor.encode(&filler(MAX_LENGTH - 2));
        assert_eq!(longest.len(), MAX_LENGTH);
        visitor.send(longest.clone()).await;
        assert_eq!(visitor.payload().await, longest);
    }
    bed.finish().await;
}

/// One byte more than `maxLength` ends the sender with 1009, and nobody else.
pub async fn a_longer_message_ends_its_sender_only(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| config.max_length = MAX_LENGTH)
        .serve()
        .await;
    for too_much in [1, 1_000, 1 << 20] {
        let (mut other, other_spark) = bed.pair().await;
        let (mut visitor, spark) = bed.pair().await;
        let frame = visitor.encode(&filler(MAX_LENGTH - 2 + too_much));
        // The server may have closed before the last byte has left.
        visitor.try_send(frame).await.ok();
        assert_eq!(visitor.rest_until(1009).await, Vec::<Value>::new());
        assert_eq!(bed.closed(&spark).await, CloseReason::TooLarge);

        other.say("still here").await;
        assert_eq!(bed.message().await, "still here");
        other.vanish().await;
        bed.closed(&other_spark).await;
    }
    bed.finish().await;
}

/// What is not of the codec is reported once and dropped; the spark stays.
pub async fn an_undecodable_message_is_dropped(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (mut visitor, spark) = bed.pair().await;
    for broken in ["{\"a\":", "nonsense", "[1,2]]", "\"primus::"] {
        visitor.say("before").await;
        visitor.send(Frame::text(broken)).await;
        visitor.say("after").await;
        assert_eq!(bed.message().await, "before");
        match bed.event().await {
            Event::Error(of) => assert_eq!(of, spark),
            other => panic!("an error was to be reported, instead: {other:?}"),
        }
        assert_eq!(bed.message().await, "after");
    }
    assert!(spark.is_open());
    bed.finish().await;
}

/// A `primus::x` that is not of the protocol is the application's.
pub async fn unknown_control_messages_are_data(harness: Subject) {
    let bed = Setup::new(&harness).echo().serve().await;
    let (mut visitor, _) = bed.pair().await;
    for text in [
        "primus::",
        "primus::x",
        "primus::pingpong::1",
        "primus::id::mine",
        "primus::server::close",
        " primus::id::",
        "Primus::id::",
    ] {
        visitor.say(text).await;
        assert_eq!(bed.message().await, text);
        assert_eq!(visitor.hear().await, text);
    }
    visitor.say(json!({ "a": "primus::id::" })).await;
    assert_eq!(bed.message().await, json!({ "a": "primus::id::" }));
    bed.finish().await;
}

/// A client that is gone in the middle of a message has not sent it.
pub async fn a_broken_message_is_never_delivered(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (mut visitor, spark) = bed.pair().await;
    visitor.say("whole").await;
    assert_eq!(bed.message().await, "whole");
    let half = visitor.encode(&filler(10_000));
    visitor.client.send_half(half).await;
    visitor.vanish().await;
    // The next event is the close: neither a message nor an error came before.
    bed.closed(&spark).await;
    bed.is_well().await;
    bed.finish().await;
}

/// Whatever bytes a client sends, at most its own spark ends.
pub async fn garbage_ends_its_sender_only(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (mut other, other_spark) = bed.pair().await;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..20 {
        let (mut visitor, spark) = bed.pair().await;
        let mut bytes = vec![0; 2_000];
        for byte in &mut bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state as u8;
        }
        visitor.client.send_garbage(&bytes).await;
        visitor.vanish().await;
        bed.closed_at_last(&spark).await;
    }
    other.say("still here").await;
    assert_eq!(bed.message().await, "still here");
    assert!(other_spark.is_open());
    bed.finish().await;
}
