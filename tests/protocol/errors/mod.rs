//! Every error that the web engines can produce: its exact text in its exact shape, for every
//! way that leads to it.

mod actions;
mod rooms;

use serde_json::{Value, json};
use stellarfw::{Stellar, actions::ActionResult};

use crate::support::{error, host};

/// What is no string.
fn not_strings() -> Vec<Value> {
    vec![
        json!(null),
        json!(0),
        json!(1.5),
        json!(true),
        json!([]),
        json!(["defaultRoom"]),
        json!({}),
    ]
}

#[tokio::test]
async fn unknown_verbs() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    let verb = |text: &str| error("014", format!("Verb not found or not allowed ({text})"));
    for name in [
        "nonsense",
        "Say",
        "detailsview",
        " say",
        "say ",
        "",
        "__proto__",
        "constructor",
        "\u{1F600}",
        "\n",
    ] {
        peer.refused(json!({ "event": name }), verb(name)).await;
    }
    for (event, told) in [
        (json!(null), "null"),
        (json!(5), "5"),
        (json!(false), "false"),
        (json!(["say"]), r#"["say"]"#),
        (json!({ "a": 1 }), r#"{"a":1}"#),
    ] {
        peer.refused(json!({ "event": event }), verb(told)).await;
    }
    for message in [
        json!({}),
        json!({ "room": "defaultRoom" }),
        json!([]),
        json!(5),
        json!("say"),
        json!(null),
        json!(true),
    ] {
        peer.refused(message, verb("undefined")).await;
    }
    let long = "é".repeat(5_000_000);
    let told = verb(&format!("{}…", "é".repeat(100)));
    peer.refused(json!({ "event": long }), told).await;
}

#[tokio::test]
async fn of_a_key_that_stands_twice_the_last_counts() {
    let builder = Stellar::builder()
        .room("a")
        .room("b")
        .action("one", async || ActionResult::Ok(json!({ "n": 1 })))
        .action("two", async || ActionResult::Ok(json!({ "n": 2 })));
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let response = peer
        .ask_text(r#"{"event":"nonsense","room":"b","event":"roomAdd","room":"a"}"#)
        .await;
    assert_eq!(response["data"], true);
    assert_eq!(
        peer.ask(&json!({ "event": "detailsView" })).await["data"]["rooms"],
        json!(["a"])
    );
    let response = peer
        .ask_text(r#"{"event":"say","room":"a","message":1,"message":2}"#)
        .await;
    assert_eq!(response["status"], "OK");
    assert_eq!(peer.recv().await["message"], 2);
    let response = peer
        .ask_text(r#"{"event":"action","params":{"action":"one"},"params":{"action":"one","action":"two"}}"#)
        .await;
    assert_eq!(response["n"], 2);
    let response = peer
        .ask_text(r#"{"event":"event","params":{"room":"b","event":"x","room":"a","event":"y"}}"#)
        .await;
    assert_eq!(response["status"], "OK");
    assert_eq!(peer.recv().await["message"]["event"], "y");
}

#[tokio::test]
async fn messages_that_are_not_there() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    let both = || error("015", "Both room and message are required");
    for message in [
        json!({ "event": "say" }),
        json!({ "event": "say", "room": "defaultRoom" }),
        json!({ "event": "say", "message": "hi" }),
    ] {
        peer.refused(message, both()).await;
    }
    let mut names = not_strings();
    names.push(json!(""));
    for event in names {
        let params = json!({ "room": "defaultRoom", "event": event });
        peer.refused(json!({ "event": "event", "params": params }), both())
            .await;
    }
    peer.refused(
        json!({ "event": "event", "params": { "room": "defaultRoom" } }),
        both(),
    )
    .await;
    peer.heard_nothing_more().await;
}

#[tokio::test]
async fn files_that_are_not_named() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    let message = "File is a required param to send a file";
    let body = json!({
        "error": error("012", message),
        "content": null,
        "mime": "text/html",
        "length": message.len(),
    });
    peer.expect(json!({ "event": "file" }), body.clone()).await;
    peer.expect(json!({ "event": "file", "file": "" }), body.clone())
        .await;
    for file in not_strings() {
        peer.expect(json!({ "event": "file", "file": file }), body.clone())
            .await;
    }
}
