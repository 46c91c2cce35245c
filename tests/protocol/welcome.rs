//! The welcome, the count of messages, and what a response carries back.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};
use stellarfw::{Stellar, actions::ActionResult};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{error, host, soon};

fn details() -> Value {
    json!({ "event": "detailsView" })
}

#[tokio::test]
async fn it_is_the_first_message() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.connect("/primus", &[]).await.unwrap();
    assert_eq!(
        peer.recv_text().await,
        r#"{"welcome":"Hello human! Welcome to Stellar","context":"api"}"#
    );
    peer.heard_nothing_more().await;
}

#[tokio::test]
async fn its_text_is_the_applications() {
    let builder =
        Stellar::builder().configure(|config| config.welcome = Some("\u{2028}\"Hi\"".into()));
    let host = host(builder).await;
    let mut peer = host.connect("/primus", &[]).await.unwrap();
    assert_eq!(
        peer.recv_text().await,
        r#"{"welcome":"\u2028\"Hi\"","context":"api"}"#
    );
}

#[tokio::test]
async fn it_can_be_off() {
    let host = host(Stellar::builder().configure(|config| config.welcome = None)).await;
    let mut peer = host.connect("/primus", &[]).await.unwrap();
    peer.heard_nothing_more().await;
}

#[tokio::test]
async fn it_can_be_held_back() {
    let host = host(Stellar::builder().configure(|config| config.welcome_delay = 200)).await;
    let mut peer = host.connect("/primus", &[]).await.unwrap();
    let response = peer.ask(&details()).await;
    assert_eq!(response["messageCount"], 1);
    peer.welcomed().await;
}

/// While an application's hook still decides about a connection, pushes are not for it yet.
#[tokio::test]
async fn nothing_is_pushed_before_it() {
    let (go, opening) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
    let (wait, begun) = (go.clone(), opening.clone());
    let builder = Stellar::builder().with_server(move |server| {
        server.on_connection(move |_| {
            let (wait, begun) = (wait.clone(), begun.clone());
            async move {
                begun.store(true, Ordering::Release);
                wait.notified().await;
            }
        })
    });
    let host = host(builder).await;
    let mut peer = host.connect("/primus", &[]).await.unwrap();
    peer.send(&details()).await;
    soon("the hook", async {
        while !opening.load(Ordering::Acquire) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    host.stellar
        .alert(&json!({ "alert": "early" }))
        .await
        .unwrap();
    assert!(host.stellar.connections().is_empty());
    go.notify_one();
    peer.welcomed().await;
    assert_eq!(peer.response().await["messageCount"], 1);
    peer.heard_nothing_more().await;
}

#[tokio::test]
async fn every_message_counts_from_one_and_invalid_ones_too() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    for text in [
        r#"{"event":"detailsView"}"#,
        "5",
        "-1.5",
        "null",
        "true",
        "[]",
        r#"[{"event":"detailsView"}]"#,
        r#""detailsView""#,
        r#""primus::no::control""#,
        "{}",
        r#"{"event":null}"#,
        r#"{"event":"nonsense"}"#,
        r#"{"event":"action"}"#,
        r#"{"event":"file"}"#,
        r#"{"\ud800":1}"#,
    ] {
        // Comparing the count is what the answer is awaited for.
        let response = peer.ask_text(text).await;
        assert_eq!(response["context"], "response", "{text}");
    }
    assert_eq!(peer.count, 15);
}

#[tokio::test]
async fn what_cannot_be_decoded_and_what_is_the_transports_does_not_count() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    for garbage in [
        "",
        "{",
        "nul",
        r#"{"event":}"#,
        "{}{}",
        "\u{1}",
        "'x'",
        r#"{"event":"x"]"#,
    ] {
        peer.send_raw(garbage).await;
    }
    peer.send_message(Message::binary(vec![0xff, 0xfe])).await;
    peer.send_raw(r#""primus::pong::5""#).await;
    peer.send_raw(r#""primus::ping::7""#).await;
    assert_eq!(peer.recv().await, "primus::pong::7");
    peer.send_raw(r#""primus::id::""#).await;
    let id = peer.recv().await;
    let id = id
        .as_str()
        .unwrap()
        .strip_prefix("primus::id::")
        .unwrap()
        .to_owned();
    let response = peer.ask(&details()).await;
    assert_eq!(response["messageCount"], 1);
    assert_eq!(response["data"]["id"], id.as_str());
}

#[tokio::test]
async fn json_in_binary_frames_is_read_too() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    peer.count += 1;
    peer.send_message(Message::binary(details().to_string().into_bytes()))
        .await;
    assert_eq!(peer.response().await["status"], "OK");
}

#[tokio::test]
async fn a_new_connection_starts_again() {
    let host = host(Stellar::builder()).await;
    for _ in 0..2 {
        let mut peer = host.peer().await;
        for count in 1..=3 {
            assert_eq!(peer.ask(&details()).await["messageCount"], count);
        }
        peer.goodbye().await;
    }
    host.is_empty().await;
}

#[tokio::test]
async fn a_message_id_comes_back_whatever_it_is() {
    let builder = Stellar::builder().action("ok", async || ActionResult::Ok(json!({ "ok": 1 })));
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let ids = [
        r#""abc""#,
        "7",
        "null",
        "false",
        r#"{"a":[1,{"b":null}]}"#,
        "[]",
        r#""""#,
        "0.1",
        "12345678901234567890123",
        r#""\ud800""#,
    ];
    for id in ids {
        for message in [
            r#""event":"detailsView""#,
            r#""event":"roomAdd""#,
            r#""event":"nonsense""#,
            r#""event":"file","file":"none""#,
            r#""event":"action","params":{"action":"ok"}"#,
            r#""event":"action","params":{"action":"none"}"#,
        ] {
            peer.send_text(format!(r#"{{{message},"messageId":{id}}}"#))
                .await;
            let text = peer.recv_text().await;
            let echoed = format!(r#""messageId":{id},"#);
            assert!(text.contains(&echoed), "{text} has no {echoed}");
            assert!(
                text.contains(&format!(r#""messageCount":{}"#, peer.count)),
                "{text}"
            );
        }
    }
    let response = peer.ask(&details()).await;
    assert!(response.get("messageId").is_none());
}

#[tokio::test]
async fn a_message_id_is_not_a_word_of_a_legacy_message() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    let response = peer
        .ask(&json!({ "event": "say", "room": "defaultRoom", "messageId": 1 }))
        .await;
    assert_eq!(response["messageId"], 1);
    assert_eq!(
        response["status"],
        error("015", "Both room and message are required")
    );
}
