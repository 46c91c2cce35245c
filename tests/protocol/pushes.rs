//! What the server sends by itself.

use serde_json::{Value, json};
use stellarfw::Stellar;

use crate::support::host;

#[tokio::test]
async fn an_alert_is_for_all() {
    let host = host(Stellar::builder()).await;
    let mut peers = host.peers(3).await;
    for (value, expected) in [
        (
            json!({ "text": "hi" }),
            json!({ "text": "hi", "context": "alert" }),
        ),
        (
            json!({ "context": "api", "a": 1 }),
            json!({ "context": "alert", "a": 1 }),
        ),
        (
            json!("text"),
            json!({ "message": "text", "context": "alert" }),
        ),
        (json!(null), json!({ "message": null, "context": "alert" })),
        (json!([1]), json!({ "message": [1], "context": "alert" })),
        (json!({}), json!({ "context": "alert" })),
    ] {
        host.stellar.alert(&value).await.unwrap();
        for peer in &mut peers {
            assert_eq!(peer.recv().await, expected);
        }
    }
    host.stellar.connections()[0]
        .alert(&json!({ "one": true }))
        .unwrap();
    let mut heard = 0;
    for peer in &mut peers {
        peer.send(&json!({ "event": "detailsView" })).await;
        let first = peer.recv().await;
        if first == json!({ "one": true, "context": "alert" }) {
            heard += 1;
        } else {
            assert_eq!(first["context"], "response");
        }
    }
    assert_eq!(heard, 1);
}

#[tokio::test]
async fn one_can_be_sent_to() {
    let host = host(Stellar::builder()).await;
    let (mut ann, mut bob) = (host.peer().await, host.peer().await);
    let id = ann.id().await;
    for (value, expected) in [
        (
            json!({ "text": "hi" }),
            json!({ "text": "hi", "context": "api" }),
        ),
        (
            json!({ "context": "response", "messageCount": 1 }),
            json!({ "context": "api", "messageCount": 1 }),
        ),
        (json!(5), json!({ "message": 5, "context": "api" })),
    ] {
        host.stellar.send_to(&id, &value).await.unwrap();
        assert_eq!(ann.recv().await, expected);
    }
    host.stellar.send_to("nobody", &json!({})).await.unwrap();
    bob.heard_nothing_more().await;
}

#[tokio::test]
async fn a_push_is_never_taken_for_a_response() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    let connection = host.stellar.connections().remove(0);
    for (value, context) in [
        (json!({ "a": 1 }), json!("api")),
        (json!({ "a": 1, "context": "response" }), json!("api")),
        (json!({ "a": 1, "context": null }), json!("api")),
        (json!({ "a": 1, "context": 5 }), json!("api")),
        (json!({ "a": 1, "context": ["response"] }), json!("api")),
        (json!({ "a": 1, "context": "own" }), json!("own")),
        (json!({ "a": 1, "context": "alert" }), json!("alert")),
    ] {
        connection.push(&value).unwrap();
        assert_eq!(
            peer.recv().await,
            json!({ "a": 1, "context": context }),
            "{value}"
        );
    }
    connection.push("text").unwrap();
    assert_eq!(
        peer.recv().await,
        json!({ "message": "text", "context": "api" })
    );
    connection.push(&Value::Null).unwrap();
    assert_eq!(
        peer.recv().await,
        json!({ "message": null, "context": "api" })
    );
    // In the order in which they were sent, and not counted.
    for n in 0..100 {
        connection.push(&json!({ "n": n })).unwrap();
    }
    for n in 0..100 {
        assert_eq!(peer.recv().await["n"], n);
    }
    let response = peer.ask(&json!({ "event": "detailsView" })).await;
    assert_eq!(response["messageCount"], 1);
}

#[tokio::test]
async fn nobody_is_sent_to_after_the_end() {
    let host = host(Stellar::builder()).await;
    let peer = host.peer().await;
    let connection = host.stellar.connections().remove(0);
    peer.goodbye().await;
    host.is_empty().await;
    assert!(connection.push(&json!({})).is_err());
    assert!(host.stellar.connection(connection.id()).is_none());
    host.stellar
        .send_to(connection.id(), &json!({}))
        .await
        .unwrap();
}
