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

pub(super) fn ok() -> Value {
    json!({ "status": "OK" })
}

fn ok_true() -> Value {
    json!({ "status": "OK", "data": true })
}

pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64
}

#[tokio::test]
async fn details_view() {
    let before = now();
    let host = host(Stellar::builder().room("second")).await;
    let session = host.session();
    let mut peer = host
        .connect(&format!("/primus?sessionID={}", session.token()), &[])
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
                "fingerprint": session.fingerprint(),
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
