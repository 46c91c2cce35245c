//! What is said in rooms, and events: every message in its exact shape.

use serde_json::{Value, json};
use stellarfw::Stellar;

use super::verbs::{now, ok};
use crate::support::host;

#[tokio::test]
async fn saying_reaches_every_member_and_the_sender() {
    let host = host(Stellar::builder().room("other")).await;
    let (mut ann, mut bob, mut eve) = (host.peer().await, host.peer().await, host.peer().await);
    ann.join("defaultRoom").await;
    bob.join("defaultRoom").await;
    eve.join("other").await;
    let before = now();
    ann.send(&json!({ "event": "say", "room": "defaultRoom", "message": "hello" }))
        .await;
    // First the answer, then the delivery; both exactly.
    assert_eq!(
        ann.recv().await,
        json!({ "status": "OK", "messageCount": 2, "context": "response" })
    );
    let id = ann.id().await;
    let push = bob.recv().await;
    let at = push["sentAt"].as_u64().unwrap();
    assert!(before <= at && at <= now());
    let expected = json!({
        "message": "hello",
        "room": "defaultRoom",
        "from": id,
        "context": "user",
        "sentAt": at,
    });
    assert_eq!(push, expected);
    assert_eq!(ann.recv().await, expected);
    for peer in [&mut ann, &mut bob, &mut eve] {
        peer.heard_nothing_more().await;
    }
}

#[tokio::test]
async fn the_answer_comes_before_ones_own_delivery_also_behind_slow_hooks() {
    let builder = Stellar::builder().on_say_receive(async |_, say| {
        tokio::task::yield_now().await;
        Ok(say)
    });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    let id = peer.id().await;
    let first = peer.count + 1;
    let says = (0..50).map(|n| json!({ "event": "say", "room": "defaultRoom", "message": n }));
    peer.send_all(says).await;
    for n in 0..50 {
        let response = peer.recv().await;
        assert_eq!(
            response,
            json!({ "status": "OK", "messageCount": first + n, "context": "response" })
        );
        assert_eq!(peer.heard("defaultRoom", Some(&id)).await, n);
    }
}

#[tokio::test]
async fn a_message_may_be_any_json() {
    let host = host(Stellar::builder()).await;
    let (mut ann, mut bob) = (host.peer().await, host.peer().await);
    ann.join("defaultRoom").await;
    bob.join("defaultRoom").await;
    let id = ann.id().await;
    let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
    let messages = [
        "null",
        "true",
        "0",
        "-0.0",
        "1e400",
        "0.1234567890123456789",
        "123456789012345678901234567890",
        r#""""#,
        r#""text""#,
        r#""\ud800 alone""#,
        r#""\ud83d\ude00""#,
        r#""\u0000\u001f\"\\\/""#,
        r#"[]"#,
        r#"{}"#,
        r#"{"b":1,"a":{"c":[null,{"d":[]}]},"b":2}"#,
        r#"{"context":"response","messageCount":1}"#,
        deep.as_str(),
    ];
    for message in messages {
        // Whatever the order of the keys.
        let forms = [
            format!(r#"{{"event":"say","room":"defaultRoom","message":{message}}}"#),
            format!(r#"{{"message":{message},"room":"defaultRoom","event":"say"}}"#),
            format!(r#"{{ "room" : "defaultRoom" , "message" : {message} , "event" : "say" }}"#),
        ];
        for form in forms {
            ann.send_text(form).await;
            let count = ann.count;
            let answer =
                format!(r#"{{"status":"OK","messageCount":{count},"context":"response"}}"#);
            assert_eq!(ann.recv_text().await, answer);
            let begin = format!(
                r#"{{"message":{message},"room":"defaultRoom","from":"{id}","context":"user","sentAt":"#
            );
            for peer in [&mut ann, &mut bob] {
                let text = peer.recv_text().await;
                assert!(text.starts_with(&begin), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn line_separators_go_out_escaped() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    peer.send_text(
        "{\"event\":\"say\",\"room\":\"defaultRoom\",\"message\":\"a\u{2028}b\u{2029}\"}",
    )
    .await;
    peer.recv_text().await;
    assert!(
        peer.recv_text()
            .await
            .starts_with(r#"{"message":"a\u2028b\u2029","#)
    );
}

#[tokio::test]
async fn a_legacy_message_is_the_words_beside_it() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    let id = peer.id().await;
    let cases = [
        (
            json!({ "event": "say", "room": "defaultRoom", "text": "hello" }),
            "hello",
        ),
        (
            json!({ "a": "one", "event": "say", "b": 2, "room": "defaultRoom", "c": true, "d": null, "e": [1] }),
            "one 2 true  [1]",
        ),
    ];
    for (request, said) in cases {
        peer.expect(request, ok()).await;
        assert_eq!(peer.heard("defaultRoom", Some(&id)).await, said);
    }
    // A message that is there counts, whatever stands beside it.
    let request = json!({ "event": "say", "room": "defaultRoom", "x": "y", "message": null });
    peer.expect(request, ok()).await;
    assert_eq!(peer.heard("defaultRoom", Some(&id)).await, Value::Null);
}

#[tokio::test]
async fn an_event_is_a_message_with_a_name() {
    let host = host(Stellar::builder()).await;
    let (mut ann, mut bob) = (host.peer().await, host.peer().await);
    ann.join("defaultRoom").await;
    bob.join("defaultRoom").await;
    let id = ann.id().await;
    let request = |data: Value| json!({ "event": "event", "params": { "room": "defaultRoom", "event": "turn", "data": data } });
    for data in [
        json!({ "x": [1, null] }),
        json!(null),
        json!("text"),
        json!(0.1),
    ] {
        ann.expect(request(data.clone()), ok()).await;
        for peer in [&mut ann, &mut bob] {
            let heard = peer.heard("defaultRoom", Some(&id)).await;
            assert_eq!(heard, json!({ "event": "turn", "data": data }));
        }
    }
    // Without data they are null.
    let request = json!({ "event": "event", "params": { "event": "turn", "room": "defaultRoom" } });
    ann.expect(request, ok()).await;
    let heard = bob.heard("defaultRoom", Some(&id)).await;
    assert_eq!(heard, json!({ "event": "turn", "data": null }));
}

#[tokio::test]
async fn an_events_data_pass_untouched() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
    for data in [r#""\ud800""#, "1e999", deep.as_str()] {
        peer.send_text(format!(
            r#"{{"event":"event","params":{{"room":"defaultRoom","event":"e","data":{data}}}}}"#
        ))
        .await;
        peer.recv_text().await;
        let begin = format!(r#"{{"message":{{"event":"e","data":{data}}},"room":"#);
        let text = peer.recv_text().await;
        assert!(text.starts_with(&begin), "{text}");
    }
}
