//! What one client can take of the server's memory is leased from its budget.

use std::sync::Arc;

use serde_json::{Value, json};
use stellarfw::{
    Builder, Stellar,
    actions::{Action, ActionResult, Call, Input, Params},
    transport::Parser,
};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Folder, Host, Peer, body_of, error, host, soon, until};

const BUDGET: usize = 1 << 20;

/// A server with little room, and an action that waits until it is told.
fn small() -> (Builder, Arc<Notify>) {
    let go = Arc::<Notify>::default();
    let waits = go.clone();
    let builder = Stellar::builder()
        .action("wait", move |_: Params<Value>| {
            let go = waits.clone();
            async move {
                go.notified().await;
                ActionResult::Ok(json!({ "done": true }))
            }
        })
        .action("length", async |Params(params): Params<Value>| {
            let text = params["text"].as_str().unwrap_or_default();
            ActionResult::Ok(json!({ "length": text.len() }))
        })
        .configure(|config| config.server.memory_budget = Some(BUDGET));
    (builder, go)
}

#[tokio::test]
async fn pending_actions_hold_their_parameters_in_the_budget() {
    let (builder, go) = small();
    let host = host(builder).await;
    let mut first = host.peer().await;
    let mut second = host.peer().await;
    let text = "x".repeat(300_000);
    first
        .send(&json!({ "event": "action", "params": { "action": "wait", "text": text } }))
        .await;
    let budget = host.stellar.transport().budget().clone();
    until("the call", async || budget.used() >= text.len()).await;
    let refused = second
        .call(json!({ "action": "length", "text": text }))
        .await;
    assert_eq!(
        refused["error"],
        error("007", "You have too many pending requests")
    );
    // Small ones go on.
    let answer = second
        .call(json!({ "action": "length", "text": "ab" }))
        .await;
    assert_eq!(answer["length"], 2);
    go.notify_one();
    until("its end", async || budget.used() < text.len()).await;
    let answer = second
        .call(json!({ "action": "length", "text": text }))
        .await;
    assert_eq!(answer["length"], text.len());
}

#[tokio::test]
async fn a_file_that_has_no_room_is_refused() {
    let folder = Folder::new();
    folder.write("large.bin", vec![0xff; 600_000]);
    folder.write("small.bin", vec![0xff; 10_000]);
    let (builder, _) = small();
    let host = host(builder.public(folder.path())).await;
    let mut peer = host.peer().await;
    let large = peer
        .ask(&json!({ "event": "file", "file": "large.bin" }))
        .await;
    assert_eq!(
        large["error"],
        error("007", "You have too many pending requests")
    );
    let small = peer
        .ask(&json!({ "event": "file", "file": "small.bin" }))
        .await;
    assert_eq!(small["length"], 10_000);
    // Over HTTP it is not held, but sent in pieces.
    assert_eq!(host.get("/large.bin").await.body.len(), 600_000);
    let budget = host.stellar.transport().budget();
    until("the end of all leases", async || budget.used() < 10_000).await;
}

#[tokio::test]
async fn downloads_hold_a_piece_each_and_are_refused_without_room() {
    let folder = Folder::new();
    // More than the kernel buffers.
    folder.write("large.bin", vec![0xff; 32 << 20]);
    let builder = small().0.public(folder.path());
    let host = host(builder.configure(|config| {
        config.server.memory_budget = Some(150_000);
    }))
    .await;
    let budget = host.stellar.transport().budget().clone();
    let unread = [
        host.start("GET /large.bin", &[], b"").await,
        host.start("GET /large.bin", &[], b"").await,
    ];
    until("two downloads", async || budget.used() == 2 << 16).await;
    let refused = host.get("/large.bin").await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(host.http("HEAD /large.bin", &[], b"").await.status, 200);
    for unread in unread {
        assert_eq!(unread.reply().await.body.len(), 32 << 20);
    }
    until("their end", async || budget.used() == 0).await;
}

#[tokio::test]
async fn bodies_over_http_are_held_in_the_budget() {
    let (builder, go) = small();
    let host = host(builder).await;
    let text = "x".repeat(200_000);
    let body = json!({ "text": text }).to_string();
    let form = format!("text={text}");
    let part =
        format!("--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n{text}\r\n--x--\r\n");
    let bodies = [
        ("application/json", &body),
        ("application/x-www-form-urlencoded", &form),
        ("multipart/form-data; boundary=x", &part),
    ];
    let budget = host.stellar.transport().budget().clone();
    for (mime, body) in bodies {
        let headers = [("Content-Type", mime)];
        let send = async |action: &str| {
            let line = format!("POST /api/{action}");
            host.start(&line, &headers, body.as_bytes()).await
        };
        let waiting = [send("wait").await, send("wait").await];
        until("the bodies", async || budget.used() > 3 * text.len()).await;
        let refused = host
            .http("POST /api/length", &headers, body.as_bytes())
            .await;
        assert_eq!(refused.status, 503, "{mime}: {refused:?}");
        assert_eq!(refused.header("retry-after"), Some("1"));
        let ok = host.post("/api/length", "{\"text\":\"ab\"}").await;
        assert_eq!(ok.json()["length"], 2);
        for waiting in waiting {
            go.notify_one();
            let answer = waiting.reply().await;
            assert_eq!(answer.status, 200, "{mime}");
            let params = &answer.json()["requesterInformation"]["receivedParams"];
            assert_eq!(params["text"], text.as_str());
        }
        soon("the end of all leases", async {
            until("it", async || budget.used() == 0).await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_json_body_stays_as_it_came_and_other_parameters_come_on_top() {
    let builder = Stellar::builder().action("echo", async |Params(params): Params<Value>| {
        ActionResult::Ok(json!({ "params": params }))
    });
    let host = host(builder).await;
    for (target, body, expected) in [
        (
            "/api/echo",
            "{\"a\":1}",
            json!({ "a": 1, "action": "echo" }),
        ),
        (
            "/api/echo",
            " [1,2] ",
            json!({ "payload": [1, 2], "action": "echo" }),
        ),
        (
            "/api",
            "{\"action\":\"echo\",\"a\":[]}",
            json!({ "action": "echo", "a": [] }),
        ),
        (
            "/api/echo",
            "{\"action\":\"other\"}",
            json!({ "action": "echo" }),
        ),
        (
            "/api/echo?a=0&b=2",
            "{\"a\":1}",
            json!({ "a": 1, "b": "2", "action": "echo" }),
        ),
        ("/api/echo", "{}", json!({ "action": "echo" })),
    ] {
        let answer = host.post(target, body).await;
        assert_eq!(answer.status, 200, "{target} {body}: {answer:?}");
        let answer = answer.json();
        assert_eq!(answer["params"], expected, "{target} {body}");
        let received = &answer["requesterInformation"]["receivedParams"];
        assert_eq!(*received, expected, "{target} {body}");
    }
    for body in [
        "1",
        "\"a\"",
        "{",
        "[1",
        "{\"a\":1e999}",
        "{\"a\":\"\\ud800\"}",
        "{}x",
    ] {
        assert_eq!(host.post("/api/echo", body).await.status, 400, "{body}");
    }
}

/// A server that speaks MessagePack, and a client of it.
async fn packed(builder: Builder, budget: usize) -> (Host, Peer) {
    let builder = builder.parser(Parser::MessagePack);
    let host = host(builder.configure(|config| {
        config.server.memory_budget = Some(budget);
    }))
    .await;
    let mut peer = host.connect("/primus", &[]).await.unwrap();
    peer = peer.speaking(Parser::MessagePack);
    peer.welcomed().await;
    (host, peer)
}

/// A call in MessagePack of an action with one more parameter, already encoded.
async fn call_packed(peer: &mut Peer, action: &str, value: &[u8]) -> Value {
    let action = [&[0xa0 | action.len() as u8], action.as_bytes()].concat();
    let message = [
        b"\x82\xa5event\xa6action\xa6params\x82\xa6action".as_slice(),
        &action,
        b"\xa5value",
        value,
    ];
    peer.count += 1;
    peer.send_message(Message::binary(message.concat())).await;
    let response = peer.response().await;
    body_of(response, peer.count)
}

#[derive(serde::Deserialize)]
struct Bytes {
    value: Vec<u8>,
}

#[tokio::test]
async fn parameters_in_message_pack_are_read_from_the_bytes_that_came() {
    let builder = Stellar::builder()
        .action("bytes", async |Params(Bytes { value }): Params<Bytes>| {
            ActionResult::Ok(json!({ "length": value.len() }))
        })
        .action("any", async |Params(params): Params<Value>| {
            let items = params["value"].as_array().map_or(0, Vec::len);
            ActionResult::Ok(json!({ "length": items }))
        })
        .action("call", async |call: Call| {
            let value = call.value();
            ActionResult::Ok(json!({ "length": value["value"].as_array().map_or(0, Vec::len) }))
        })
        .action("none", async || ActionResult::Ok(json!({})));
    // Room for the bytes and a list of numbers, and not for one of a million values.
    let (host, mut peer) = packed(builder, 16 << 20).await;
    let items = vec![7; 1 << 20];
    let binary = [&[0xc6, 0x00, 0x10, 0x00, 0x00], items.as_slice()].concat();
    let list = [&[0xdd, 0x00, 0x10, 0x00, 0x00], items.as_slice()].concat();
    let refused = json!({ "error": error("007", "You have too many pending requests") });
    let budget = host.stellar.transport().budget().clone();
    for (name, value) in [("binary", &binary), ("list", &list)] {
        assert_eq!(
            call_packed(&mut peer, "none", value).await,
            json!({}),
            "{name}"
        );
        for action in ["any", "call"] {
            let answer = call_packed(&mut peer, action, value).await;
            assert_eq!(answer, refused, "{action} of a {name}");
        }
        until("the end of all leases", async || budget.used() == 0).await;
    }
    let length = json!({ "length": 1 << 20 });
    assert_eq!(call_packed(&mut peer, "bytes", &binary).await, length);
    // What there is room for is a value.
    for action in ["bytes", "any", "call"] {
        let few = b"\x93\x01\x02\x03";
        let length = json!({ "length": 3 });
        assert_eq!(
            call_packed(&mut peer, action, few).await,
            length,
            "{action}"
        );
    }
    until("the end of all leases", async || budget.used() == 0).await;
}

#[tokio::test]
async fn inputs_in_message_pack_are_judged_on_text_that_is_leased() {
    let answer = async |call: Call| ActionResult::Ok(json!({ "n": call.value()["n"] }));
    let builder = Stellar::builder()
        .add_action(
            Action::new("judged", answer)
                .input(Input::required("value").validate("array|max:10"))
                .input(Input::optional("n").default(7)),
        )
        .add_action(Action::new("needed", async || ActionResult::Ok(json!({}))).requires("value"));
    let (host, mut peer) = packed(builder, 2 << 20).await;
    let list = |items: &[u8]| [&[0xdc], &(items.len() as u16).to_be_bytes()[..], items].concat();
    assert_eq!(
        call_packed(&mut peer, "judged", &list(&[1; 3])).await,
        json!({ "n": 7 })
    );
    let long = json!({ "error": { "value": "The value may not have more than 10 items." } });
    assert_eq!(
        call_packed(&mut peer, "judged", &list(&[1; 10_000])).await,
        long
    );
    // 200 KiB that are 800 KiB as text, and are not made that where there is no room for it.
    let large = [
        &[0xdd, 0x00, 0x03, 0x20, 0x00],
        vec![100; 0x32000].as_slice(),
    ]
    .concat();
    let refused = json!({ "error": error("007", "You have too many pending requests") });
    assert_eq!(call_packed(&mut peer, "judged", &large).await, refused);
    // Whether it is there is seen in the bytes.
    assert_eq!(call_packed(&mut peer, "needed", &large).await, json!({}));
    let missing = json!({ "error": { "value": "The value field is required." } });
    assert_eq!(call_packed(&mut peer, "needed", &[0xc0]).await, missing);
    let budget = host.stellar.transport().budget().clone();
    until("the end of all leases", async || budget.used() == 0).await;
}

#[tokio::test]
async fn small_parameters_of_pending_actions_count_as_what_may_be_made_of_them() {
    let (builder, go) = small();
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let text = vec!["0"; 1_000].join(",");
    let call = format!(r#"{{"event":"action","params":{{"action":"wait","list":[{text}]}}}}"#);
    peer.send_text(call).await;
    let budget = host.stellar.transport().budget().clone();
    let values = 1_000 * size_of::<Value>();
    until("the tree", async || budget.used() > values).await;
    go.notify_one();
    peer.response().await;
    until("its end", async || budget.used() == 0).await;
}

#[tokio::test]
async fn a_long_message_id_counts_while_its_answer_is_awaited() {
    let (builder, go) = small();
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let id = "x".repeat(200_000);
    let call = json!({ "event": "action", "messageId": id, "params": { "action": "wait" } });
    peer.send(&call).await;
    let budget = host.stellar.transport().budget().clone();
    until("the id", async || budget.used() >= id.len()).await;
    go.notify_one();
    assert_eq!(peer.response().await["messageId"], id.as_str());
    until("its end", async || budget.used() < 10_000).await;
}

#[tokio::test]
async fn verbs_behind_a_hook_count_until_they_run() {
    let (builder, go) = small();
    let waits = go.clone();
    let builder = builder.on_join(move |_, _| {
        let go = waits.clone();
        async move {
            go.notified().await;
            Ok(())
        }
    });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let text = "x".repeat(100_000);
    peer.send(&json!({ "event": "roomAdd", "room": "defaultRoom" }))
        .await;
    let say = json!({ "event": "say", "room": "defaultRoom", "message": text });
    for _ in 0..3 {
        peer.send(&say).await;
    }
    let budget = host.stellar.transport().budget().clone();
    until("the verbs", async || {
        budget.uses().inbound >= 3 * text.len()
    })
    .await;
    go.notify_one();
    for count in 2..=4 {
        assert_eq!(peer.response_of(count).await["status"], "OK");
    }
    until("their end", async || budget.uses().inbound == 0).await;
}

#[tokio::test]
async fn hooks_and_listeners_get_no_values_that_there_is_no_room_for() {
    let list = |items: usize| Value::from(vec![0; items]);
    let hooked = Stellar::builder().on_say_receive(async |_, say| Ok(say));
    let heard = Stellar::builder().on_event("seen", async |event| drop(event.data));
    let no_room = error("007", "You have too many pending requests");
    for (builder, field) in [(hooked, "message"), (heard, "data")] {
        let host = host(builder.configure(|config| {
            config.server.memory_budget = Some(BUDGET);
        }))
        .await;
        let mut peer = host.peer().await;
        peer.join("defaultRoom").await;
        let send = |items| match field {
            "message" => json!({ "event": "say", "room": "defaultRoom", "message": list(items) }),
            _ => json!({
                "event": "event",
                "params": { "room": "defaultRoom", "event": "seen", "data": list(items) },
            }),
        };
        peer.refused(send(100_000), no_room.clone()).await;
        peer.expect(send(100), json!({ "status": "OK" })).await;
        let id = peer.id().await;
        peer.heard("defaultRoom", Some(&id)).await;
        let budget = host.stellar.transport().budget().clone();
        until("the end of all leases", async || budget.used() == 0).await;
    }
}

#[tokio::test]
async fn views_that_there_is_no_room_for_are_refused() {
    let rooms: Vec<_> = (0..40).map(|n| format!("{n:0200}")).collect();
    let builder = rooms
        .iter()
        .fold(Stellar::builder(), |builder, room| builder.room(room));
    let host = host(builder.configure(|config| {
        config.server.memory_budget = Some(6_000);
    }))
    .await;
    let mut peers = host.peers(20).await;
    for peer in &mut peers {
        peer.join("defaultRoom").await;
    }
    let no_room = error("007", "You have too many pending requests");
    let peer = &mut peers[0];
    let view = json!({ "event": "roomView", "room": "defaultRoom" });
    peer.refused(view, no_room.clone()).await;
    let page = json!({ "event": "roomView", "room": "defaultRoom", "params": { "limit": 5 } });
    assert_eq!(peer.ask(&page).await["data"]["membersCount"], 20);
    let details = json!({ "event": "detailsView" });
    assert_eq!(peer.ask(&details).await["status"], "OK");
    for room in &rooms {
        peer.join(room).await;
    }
    peer.refused(details, no_room).await;
    let budget = host.stellar.transport().budget().clone();
    until("the end of all leases", async || budget.used() == 0).await;
}

#[tokio::test]
async fn large_answers_that_are_not_read_count_as_outbound() {
    const LENGTH: usize = 8 << 20;
    let builder = Stellar::builder()
        .action("large", async || {
            ActionResult::Ok(json!({ "text": "x".repeat(LENGTH) }))
        })
        .configure(|config| config.server.outbox.bytes = 8 * LENGTH);
    let host = host(builder).await;
    let mut peer = host.peer().await;
    // Of these the kernel buffers one or two.
    for _ in 0..6 {
        peer.send(&json!({ "event": "action", "params": { "action": "large" } }))
            .await;
    }
    let budget = host.stellar.transport().budget().clone();
    until("the answers", async || budget.uses().outbound > 3 * LENGTH).await;
    for count in 1..=6 {
        let answer = peer.response_of(count).await;
        assert_eq!(answer["text"].as_str().map(str::len), Some(LENGTH));
    }
    until("their end", async || budget.used() == 0).await;
}

#[tokio::test]
async fn answers_over_http_count_until_they_are_written() {
    const LENGTH: usize = 32 << 20;
    let host = host(Stellar::builder().action("large", async || {
        // More than the kernel buffers.
        ActionResult::Ok(json!({ "text": "x".repeat(LENGTH) }))
    }))
    .await;
    let unread = host.start("GET /api/large", &[], b"").await;
    let budget = host.stellar.transport().budget().clone();
    until("the answer", async || budget.uses().outbound > LENGTH).await;
    assert!(unread.reply().await.body.len() > LENGTH);
    until("its end", async || budget.used() == 0).await;
}
