//! What a client is told when the server changes its memberships: nothing, unless it asks.

use serde_json::{Value, json};
use stellarfw::{Stellar, transport::Parser};

use crate::support::{Peer, host};

fn asks() -> Value {
    json!({ "event": "detailsView", "params": { "memberships": true } })
}

fn push(room: &str, joined: bool) -> Value {
    json!({ "context": "membership", "room": room, "joined": joined })
}

/// Asks for the details, and gives the id.
async fn ask(peer: &mut Peer, message: &Value) -> String {
    let details = peer.ask(message).await;
    details["data"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_client_that_asks_is_told_what_the_server_does() {
    for parser in [Parser::Json, Parser::MessagePack] {
        let builder = Stellar::builder().room("other").parser(parser.clone());
        let host = host(builder).await;
        let rooms = host.stellar.rooms();
        let mut peer = host.connect("/primus", &[]).await.unwrap().speaking(parser);
        peer.welcomed().await;
        let id = ask(&mut peer, &asks()).await;
        rooms.join(&id, "other").await.unwrap();
        assert_eq!(peer.recv().await, push("other", true));
        rooms.leave(&id, "other").await.unwrap();
        assert_eq!(peer.recv().await, push("other", false));
        // What comes to nothing is not told, nor what the client does itself.
        rooms.join(&id, "nowhere").await.unwrap_err();
        rooms.leave(&id, "other").await.unwrap_err();
        let joined = peer
            .ask(&json!({ "event": "roomAdd", "room": "other" }))
            .await;
        assert_eq!(joined["data"], true);
        rooms.join(&id, "other").await.unwrap_err();
        peer.ask(&json!({ "event": "roomLeave", "room": "other" }))
            .await;
        peer.heard_nothing_more().await;
    }
}

#[tokio::test]
async fn whoever_does_not_ask_is_told_nothing() {
    let host = host(Stellar::builder().room("other")).await;
    let rooms = host.stellar.rooms();
    for message in [
        json!({ "event": "detailsView" }),
        json!({ "event": "detailsView", "params": null }),
        json!({ "event": "detailsView", "params": true }),
        json!({ "event": "detailsView", "params": "memberships" }),
        json!({ "event": "detailsView", "params": ["memberships"] }),
        json!({ "event": "detailsView", "params": { "memberships": false } }),
        json!({ "event": "detailsView", "params": { "memberships": 1 } }),
        json!({ "event": "detailsView", "params": { "memberships": "true" } }),
        json!({ "event": "detailsView", "params": { "memberships": { "a": [true] } } }),
        json!({ "event": "detailsView", "memberships": true }),
    ] {
        let mut peer = host.peer().await;
        let id = ask(&mut peer, &message).await;
        rooms.join(&id, "other").await.unwrap();
        rooms.leave(&id, "other").await.unwrap();
        peer.heard_nothing_more().await;
    }
    // One connection's wish is its own.
    let (mut one, mut other) = (host.peer().await, host.peer().await);
    ask(&mut one, &asks()).await;
    let id = ask(&mut other, &json!({ "event": "detailsView" })).await;
    rooms.join(&id, "other").await.unwrap();
    one.heard_nothing_more().await;
    other.heard_nothing_more().await;
}
