//! Order, integrity and limits of messages.

use serde_json::{Value, json};
use stellarfw_transport::{CloseReason, Delivery, Frame, Kind, Parser};

use super::Subject;
use crate::fixture::{Event, Fixture, OrFail, Setup, filler};

const MANY: u32 = 10_000;
const CLIENTS: u32 = 4;
const BATCH: u32 = 50;

/// Ten thousand messages from a client arrive in order.
pub async fn incoming_order_is_kept(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (mut client, _) = fixture.pair().await;
    for n in 0..MANY {
        client.send_value(n).await;
    }
    for n in 0..MANY {
        assert_eq!(fixture.message().await, n);
    }
    fixture.finish().await;
}

/// Ten thousand messages to a client arrive in order.
pub async fn outgoing_order_is_kept(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (mut client, spark) = fixture.pair().await;
    for n in 0..MANY {
        spark
            .send(&n)
            .unwrap_or_else(|error| panic!("message {n}: {error}"));
    }
    for n in 0..MANY {
        assert_eq!(client.recv().await, n);
    }
    fixture.finish().await;
}

/// Each client receives its own messages back in order while all send and receive concurrently.
pub async fn order_is_kept_in_both_directions(harness: Subject) {
    let fixture = Setup::new(&harness).echo().serve().await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(fixture.pair().await.0);
    }
    let tasks: Vec<_> = (0..CLIENTS)
        .zip(clients)
        .map(|(number, mut client)| {
            tokio::spawn(async move {
                for batch in 0..MANY / CLIENTS / BATCH {
                    for n in 0..BATCH {
                        client.send_value((number, batch, n)).await;
                    }
                    for n in 0..BATCH {
                        assert_eq!(client.recv().await, json!([number, batch, n]));
                    }
                }
                client
            })
        })
        .collect();
    for task in tasks {
        task.await.or_fail();
    }
    fixture.finish().await;
}

/// A thread outside any runtime can send.
pub async fn any_thread_can_send(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (mut client, spark) = fixture.pair().await;
    let sender = spark.clone();
    let thread = std::thread::spawn(move || {
        for n in 0..100 {
            sender.send(&n).or_fail();
        }
        sender.end();
    });
    let mut expected: Vec<Value> = (0..100).map(Value::from).collect();
    expected.push("primus::server::close".into());
    assert_eq!(client.recv_until_close(1000).await, expected);
    assert!(thread.join().is_ok());
    fixture.finish().await;
}

/// Starts a fixture with [`Parser::Raw`].
///
/// Returns `None` if the engine refuses to start, which only an engine without binary may do.
async fn raw(harness: &Subject) -> Option<Fixture> {
    let setup = Setup::new(harness)
        .with(|builder| builder.parser(Parser::Raw))
        .echo();
    match setup.try_serve().await {
        Ok(fixture) => Some(fixture),
        Err(error) => {
            let capabilities = harness.engine().0.capabilities();
            assert!(!capabilities.binary, "{error}");
            None
        }
    }
}

/// Text passes unchanged with [`Parser::Raw`].
pub async fn raw_text_is_untouched(harness: Subject) {
    let Some(fixture) = raw(&harness).await else {
        return;
    };
    let (mut client, _) = fixture.pair().await;
    for text in [
        "x",
        "{not json",
        "a\nb\r\n\0c",
        "\"primus::ping::1\"",
        "żółw 🐢 \u{2028}\u{feff}",
    ] {
        client.send(Frame::text(text)).await;
        let (_, frame) = fixture.frame().await;
        assert_eq!(
            (frame.kind(), &frame.payload()[..]),
            (Kind::Text, text.as_bytes())
        );
        assert_eq!(client.recv_frame().await, Frame::text(text));
    }
    fixture.finish().await;
}

/// Bytes pass unchanged with [`Parser::Raw`]. An engine without binary drops them.
pub async fn raw_binary_is_untouched(harness: Subject) {
    let Some(fixture) = raw(&harness).await else {
        return;
    };
    let (mut client, spark) = fixture.pair().await;
    let all = Frame::binary((0..=255).collect::<Vec<u8>>());
    if fixture.capabilities.binary {
        for frame in [
            all,
            Frame::binary(&b"text"[..]),
            Frame::binary(vec![0; 70_000]),
        ] {
            client.send(frame.clone()).await;
            assert_eq!(fixture.frame().await.1, frame);
            assert_eq!(client.recv_frame().await, frame);
        }
    } else {
        spark.send_frame(all, Delivery::Reliable).ok();
        spark
            .send_frame(Frame::text("after"), Delivery::Reliable)
            .or_fail();
        assert_eq!(client.recv_frame().await, Frame::text("after"));
    }
    fixture.finish().await;
}

/// Outgoing JSON escapes U+2028 and U+2029. Incoming JSON may contain either form.
pub async fn line_separators_are_escaped(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (mut client, spark) = fixture.pair().await;
    let text = "a\u{2028}b\u{2029}c";
    spark.send(text).or_fail();
    let frame = client.recv_frame().await;
    assert_eq!(&frame.payload()[..], br#""a\u2028b\u2029c""#);
    client.send(Frame::text(format!("\"{text}\""))).await;
    assert_eq!(fixture.message().await, text);
    client.send(frame).await;
    assert_eq!(fixture.message().await, text);
    fixture.finish().await;
}

/// Messages of 1 MiB arrive intact in both directions, between small ones.
pub async fn large_messages_arrive_intact(harness: Subject) {
    let fixture = Setup::new(&harness).echo().serve().await;
    let (mut client, _) = fixture.pair().await;
    let large = filler(1 << 20);
    for _ in 0..3 {
        client.send_value("before").await;
        client.send_value(&large).await;
        client.send_value("after").await;
        assert_eq!(client.recv().await, "before");
        assert!(
            client.recv().await == *large,
            "the large message was altered"
        );
        assert_eq!(client.recv().await, "after");
    }
    fixture.finish().await;
}

const MAX_LENGTH: usize = 5_000;

/// A message of exactly `maxLength` bytes passes.
pub async fn a_message_of_the_maximum_length_passes(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| config.max_length = MAX_LENGTH)
        .echo()
        .serve()
        .await;
    let (mut client, _) = fixture.pair().await;
    for _ in 0..3 {
        let longest = client.encode(&filler(MAX_LENGTH - 2));
        assert_eq!(longest.len(), MAX_LENGTH);
        client.send(longest.clone()).await;
        assert_eq!(client.recv_frame().await, longest);
    }
    fixture.finish().await;
}

/// One byte more than `maxLength` closes the sender with 1009, and no other client.
pub async fn an_oversized_message_closes_its_sender_only(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| config.max_length = MAX_LENGTH)
        .serve()
        .await;
    for excess in [1, 1_000, 1 << 20] {
        let (mut other, other_spark) = fixture.pair().await;
        let (mut client, spark) = fixture.pair().await;
        let frame = client.encode(&filler(MAX_LENGTH - 2 + excess));
        // The server may close before the last byte is sent.
        client.try_send(frame).await.ok();
        assert_eq!(client.recv_until_close(1009).await, Vec::<Value>::new());
        assert_eq!(fixture.closed(&spark).await, CloseReason::TooLarge);

        other.send_value("still here").await;
        assert_eq!(fixture.message().await, "still here");
        other.disconnect().await;
        fixture.closed(&other_spark).await;
    }
    fixture.finish().await;
}

/// A message that the codec cannot decode is reported once and dropped. The spark stays open.
pub async fn an_undecodable_message_is_dropped(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (mut client, spark) = fixture.pair().await;
    for broken in ["{\"a\":", "nonsense", "[1,2]]", "\"primus::"] {
        client.send_value("before").await;
        client.send(Frame::text(broken)).await;
        client.send_value("after").await;
        assert_eq!(fixture.message().await, "before");
        match fixture.event().await {
            Event::Error(of) => assert_eq!(of, spark),
            other => panic!("expected an error event, got {other:?}"),
        }
        assert_eq!(fixture.message().await, "after");
    }
    assert!(spark.is_open());
    fixture.finish().await;
}

/// Unknown `primus::` messages are delivered to the application.
pub async fn unknown_control_messages_are_data(harness: Subject) {
    let fixture = Setup::new(&harness).echo().serve().await;
    let (mut client, _) = fixture.pair().await;
    for text in [
        "primus::",
        "primus::x",
        "primus::pingpong::1",
        "primus::id::mine",
        "primus::server::close",
        " primus::id::",
        "Primus::id::",
    ] {
        client.send_value(text).await;
        assert_eq!(fixture.message().await, text);
        assert_eq!(client.recv().await, text);
    }
    client.send_value(json!({ "a": "primus::id::" })).await;
    assert_eq!(fixture.message().await, json!({ "a": "primus::id::" }));
    fixture.finish().await;
}

/// A message whose client disconnects half-way is not delivered.
pub async fn a_partial_message_is_never_delivered(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (mut client, spark) = fixture.pair().await;
    client.send_value("complete").await;
    assert_eq!(fixture.message().await, "complete");
    let half = client.encode(&filler(10_000));
    client.raw.send_half(half).await;
    client.disconnect().await;
    // The next event is the close: neither a message nor an error came before.
    fixture.closed(&spark).await;
    fixture.assert_healthy().await;
    fixture.finish().await;
}

/// Random bytes close at most the spark of the client that sends them.
pub async fn garbage_closes_its_sender_only(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (mut other, other_spark) = fixture.pair().await;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..20 {
        let (mut client, spark) = fixture.pair().await;
        let mut bytes = vec![0; 2_000];
        for byte in &mut bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state as u8;
        }
        client.raw.send_garbage(&bytes).await;
        client.disconnect().await;
        fixture.closed_eventually(&spark).await;
    }
    other.send_value("still here").await;
    assert_eq!(fixture.message().await, "still here");
    assert!(other_spark.is_open());
    fixture.finish().await;
}
