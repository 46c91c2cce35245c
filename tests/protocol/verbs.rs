//! Every verb in its exact shape.

use std::{
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use stellarfw::Stellar;
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Received, error, host};

fn ok() -> Value {
    json!({ "status": "OK" })
}

fn ok_true() -> Value {
    json!({ "status": "OK", "data": true })
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64
}

#[tokio::test]
async fn details_view() {
    let before = now();
    let host = host(Stellar::builder().room("second")).await;
    let session = "0123456789abcdef0123456789abcdef01234567";
    let mut peer = host
        .connect(&format!("/primus?sessionID={session}"), &[])
        .await
        .unwrap();
    peer.welcomed().await;
    let response = peer.ask(&json!({ "event": "detailsView" })).await;
    let data = &response["data"];
    let connection = host.stellar.connections().remove(0);
    let remote = connection.remote().unwrap();
    let at = data["connectedAt"].as_u64().unwrap();
    assert!(before <= at && at <= now());
    assert_eq!(
        response,
        json!({
            "status": "OK",
            "data": {
                "id": connection.id().as_str(),
                "fingerprint": session,
                "remoteIP": "127.0.0.1",
                "remotePort": remote.port(),
                "params": {},
                "connectedAt": at,
                "rooms": [],
                "totalActions": 0,
                "pendingActions": 0,
            },
            "messageCount": 1,
            "context": "response",
        })
    );
    let keys: Vec<_> = data
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let expected = [
        "id",
        "fingerprint",
        "remoteIP",
        "remotePort",
        "params",
        "connectedAt",
        "rooms",
        "totalActions",
        "pendingActions",
    ];
    assert_eq!(keys, expected);

    peer.join("second").await;
    peer.join("defaultRoom").await;
    peer.call(json!({ "action": "none" })).await;
    let later = peer.ask(&json!({ "event": "detailsView" })).await;
    assert_eq!(
        later["data"]["rooms"],
        json!(["second", "defaultRoom"]),
        "in the order of joining"
    );
    assert_eq!(later["data"]["totalActions"], 1);
    assert_eq!(later["data"]["pendingActions"], 0);
    assert_eq!(later["data"]["connectedAt"], at);
}

#[tokio::test]
async fn a_connection_without_a_session_has_no_fingerprint() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    let response = peer.ask(&json!({ "event": "detailsView" })).await;
    assert_eq!(response["data"]["fingerprint"], Value::Null);
}

#[tokio::test]
async fn joining_viewing_and_leaving() {
    let host = host(Stellar::builder()).await;
    let (mut ann, mut bob) = (host.peer().await, host.peer().await);
    let before = now();
    ann.expect(
        json!({ "event": "roomAdd", "room": "defaultRoom" }),
        ok_true(),
    )
    .await;
    bob.expect(
        json!({ "room": "defaultRoom", "event": "roomJoin" }),
        ok_true(),
    )
    .await;
    let response = bob
        .ask(&json!({ "event": "roomView", "room": "defaultRoom" }))
        .await;
    let (a, b) = (ann.id().await, bob.id().await);
    let joined = |id: &str| {
        let at = response["data"]["members"][id]["joinedAt"]
            .as_u64()
            .unwrap();
        assert!(before <= at && at <= now());
        json!({ "id": id, "joinedAt": at })
    };
    let expected = json!({
        "status": "OK",
        "data": {
            "room": "defaultRoom",
            "members": { &a: joined(&a), &b: joined(&b) },
            "membersCount": 2,
        },
        "messageCount": 2,
        "context": "response",
    });
    assert_eq!(response, expected);
    ann.expect(
        json!({ "event": "roomLeave", "room": "defaultRoom" }),
        ok_true(),
    )
    .await;
    let response = bob
        .ask(&json!({ "event": "roomView", "room": "defaultRoom" }))
        .await;
    assert_eq!(response["data"]["membersCount"], 1);
    assert!(response["data"]["members"].get(&a).is_none());
}

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
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
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
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
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

#[tokio::test]
async fn quit_and_exit_end_the_connection_for_good() {
    for verb in ["quit", "exit"] {
        let host = host(Stellar::builder()).await;
        let mut peer = host.peer().await;
        peer.join("defaultRoom").await;
        peer.send(&json!({ "event": verb })).await;
        let (before, code) = peer.closed().await;
        assert_eq!(before, [json!("primus::server::close")]);
        assert_eq!(code, Some(1000));
        host.is_empty().await;
    }
}

#[tokio::test]
async fn nothing_is_done_after_quit() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    let builder = Stellar::builder().on_say_receive(move |_, say| {
        sink.lock().unwrap().push(say.message.clone());
        async { Ok(say) }
    });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    peer.send_all([
        json!({ "event": "say", "room": "defaultRoom", "message": 1 }),
        json!({ "event": "quit" }),
        json!({ "event": "say", "room": "defaultRoom", "message": 2 }),
        json!({ "event": "detailsView" }),
    ])
    .await;
    let (before, _) = peer.closed().await;
    assert_eq!(before[0]["messageCount"], 2);
    assert_eq!(before[1]["message"], 1);
    assert_eq!(before[2], "primus::server::close");
    assert_eq!(before.len(), 3);
    host.is_empty().await;
    assert_eq!(*seen.lock().unwrap(), [json!(1)]);
}

#[tokio::test]
async fn verbs_keep_their_order_behind_a_slow_hook() {
    let gate = Arc::new(Semaphore::new(0));
    let wait = gate.clone();
    let builder = Stellar::builder().room("slow").on_join(move |_, room| {
        let wait = wait.clone();
        async move {
            if &*room == "slow" {
                wait.acquire().await.unwrap().forget();
            }
            Ok(())
        }
    });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let id = peer.id().await;
    let first = peer.count + 1;
    peer.send_all([
        json!({ "event": "roomAdd", "room": "slow" }),
        json!({ "event": "say", "room": "slow", "message": "in" }),
        json!({ "event": "roomView", "room": "slow" }),
        json!({ "event": "roomAdd", "room": "slow" }),
        json!({ "event": "roomLeave", "room": "slow" }),
        json!({ "event": "say", "room": "slow", "message": "out" }),
        json!({ "event": "detailsView" }),
        // Not a verb, so it need not wait.
        json!({ "event": "file", "file": "none" }),
        // Neither does what cannot be done at all.
        json!({ "event": "nonsense" }),
    ])
    .await;
    assert_eq!(peer.recv().await["messageCount"], first + 7);
    assert_eq!(peer.recv().await["messageCount"], first + 8);
    gate.add_permits(1);
    let mut next = async |count: u64| {
        let response = peer.recv().await;
        if response["context"] == "response" {
            assert_eq!(response["messageCount"], first + count);
        }
        response
    };
    assert_eq!(next(0).await["data"], true);
    assert_eq!(next(1).await["status"], "OK");
    assert_eq!(next(1).await["message"], "in");
    assert_eq!(next(2).await["data"]["membersCount"], 1);
    let already = error("017", format!("Connection ({id}) already in room (slow)"));
    assert_eq!(next(3).await["status"], already);
    assert_eq!(next(4).await["data"], true);
    let not_in = error("016", format!("Connection ({id}) not in room (slow)"));
    assert_eq!(next(5).await["status"], not_in);
    assert_eq!(next(6).await["data"]["rooms"], json!([]));
}

#[tokio::test]
async fn params_never_stick() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    for verb in [
        "paramAdd",
        "paramDelete",
        "paramView",
        "paramsView",
        "paramsDelete",
    ] {
        let refusal = error("014", format!("Verb not found or not allowed ({verb})"));
        let message = json!({ "event": verb, "key": "k", "value": "v", "params": { "k": "v" } });
        peer.refused(message, refusal).await;
    }
    let response = peer.ask(&json!({ "event": "detailsView" })).await;
    assert_eq!(response["data"]["params"], json!({}));
}

#[tokio::test]
async fn message_pack_servers_speak_the_same_protocol() {
    use stellarfw::{actions::ActionResult, transport::Parser};

    let builder = Stellar::builder()
        .configure(|config| config.parser = "msgpack".into())
        .action("sum", async |call: stellarfw::actions::Call| {
            let value = call.value();
            ActionResult::Ok(
                json!({ "sum": value["a"].as_f64().unwrap() + value["b"].as_f64().unwrap() }),
            )
        })
        .action("list", async || ActionResult::Ok([1, 2]));
    let host = host(builder).await;
    let mut peer = host.connect("/primus", &[]).await.unwrap();
    // {"welcome": …, "context": "api"}, byte by byte.
    let mut welcome = vec![0x82, 0xa7];
    welcome.extend(b"welcome\xbfHello human! Welcome to Stellar\xa7context\xa3api");
    assert_eq!(peer.recv_bytes().await, welcome);
    let mut peer = peer.speaking(Parser::MessagePack);

    // {"event": "roomAdd", "room": "defaultRoom"}
    let mut join = vec![0x82, 0xa5];
    join.extend(b"event\xa7roomAdd\xa4room\xabdefaultRoom");
    peer.count += 1;
    peer.send_message(Message::binary(join)).await;
    let mut joined = vec![0x84, 0xa6];
    joined.extend(b"status\xa2OK\xa4data\xc3\xacmessageCount\x01\xa7context\xa8response");
    assert_eq!(peer.recv_bytes().await, joined);

    let id = peer.id().await;
    let response = peer.ask(&json!({ "event": "detailsView" })).await;
    assert_eq!(response["data"]["remoteIP"], "127.0.0.1");
    assert_eq!(response["data"]["rooms"], json!(["defaultRoom"]));
    let message = json!({ "a": [1, -2, 0.5, null, true, "x"], "b": { "c": {} } });
    peer.say("defaultRoom", message.clone()).await;
    assert_eq!(peer.heard("defaultRoom", Some(&id)).await, message);
    let event =
        json!({ "event": "event", "params": { "room": "defaultRoom", "event": "e", "data": 1 } });
    peer.expect(event, ok()).await;
    assert_eq!(
        peer.heard("defaultRoom", Some(&id)).await,
        json!({ "event": "e", "data": 1 })
    );
    assert_eq!(
        peer.call(json!({ "action": "sum", "a": 1, "b": 0.5 }))
            .await,
        json!({ "sum": 1.5 })
    );
    assert_eq!(
        peer.call(json!({ "action": "list" })).await,
        json!({ "data": [1, 2] })
    );
    let response = peer
        .ask(&json!({ "event": "roomView", "room": "defaultRoom" }))
        .await;
    assert_eq!(response["data"]["members"][&id]["id"], id);
    let refusal = error("014", "Verb not found or not allowed (no)");
    peer.refused(json!({ "event": "no" }), refusal).await;

    host.stellar
        .rooms()
        .broadcast("defaultRoom", "hi")
        .await
        .unwrap();
    assert_eq!(peer.heard("defaultRoom", None).await, "hi");
    host.stellar.alert(&json!({ "a": 1 })).await.unwrap();
    assert_eq!(peer.recv().await, json!({ "a": 1, "context": "alert" }));

    // Text is not of this codec: dropped, uncounted, and no harm done.
    peer.send_raw(r#"{"event":"detailsView"}"#).await;
    peer.send_message(Message::binary(vec![0xc1])).await;
    peer.leave("defaultRoom").await;
    peer.send(&json!({ "event": "quit" })).await;
    assert_eq!(
        peer.next().await,
        Received::Json(json!("primus::server::close"))
    );
}

#[tokio::test]
async fn numbers_keep_every_digit() {
    use stellarfw::actions::{ActionResult, Call};

    let echo = async |call: Call| ActionResult::Ok(json!({ "back": call.value()["n"] }));
    let receive = Stellar::builder()
        .action("echo", echo)
        .on_say_receive(async |_, say| Ok(say));
    let host = host(receive).await;
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    // As JavaScript prints doubles that it computed.
    let numbers = [
        "0.30000000000000004",
        "1.8446744073709558e+31",
        "5.0e-324",
        "123456.78901234567",
        "9007199254740993",
        "0.1",
        "4.35",
        "2.2250738585072014e-308",
        "7.0064923216240854e-45",
    ];
    for number in numbers {
        let exact: f64 = number.parse().unwrap();
        peer.send_text(format!(
            r#"{{"event":"action","params":{{"action":"echo","n":{number}}}}}"#
        ))
        .await;
        let text = peer.recv_text().await;
        let back = text
            .strip_prefix(r#"{"back":"#)
            .unwrap()
            .split(',')
            .next()
            .unwrap();
        assert_eq!(
            back.parse::<f64>().unwrap().to_bits(),
            exact.to_bits(),
            "{number}"
        );
        peer.send_text(format!(
            r#"{{"event":"say","room":"defaultRoom","message":{number}}}"#
        ))
        .await;
        peer.recv_text().await;
        let text = peer.recv_text().await;
        let back = text
            .strip_prefix(r#"{"message":"#)
            .unwrap()
            .split(',')
            .next()
            .unwrap();
        assert_eq!(
            back.parse::<f64>().unwrap().to_bits(),
            exact.to_bits(),
            "{number}"
        );
    }
}
