//! Errors of rooms.

use serde_json::{Value, json};
use stellarfw::{Stellar, StellarError};

use super::not_strings;
use crate::support::{Peer, error, host, named_error, no_room};

#[tokio::test]
async fn rooms_that_are_not_named() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    let required = || error("021", "A room is required");
    let mut messages = vec![json!({}), json!({ "room": "" })];
    messages.extend(
        not_strings()
            .into_iter()
            .map(|room| json!({ "room": room })),
    );
    for mut message in messages {
        for verb in ["roomAdd", "roomJoin", "roomLeave"] {
            message["event"] = json!(verb);
            peer.refused_false(message.clone(), required()).await;
        }
        message["event"] = json!("roomView");
        peer.refused(message.clone(), required()).await;
        let params = json!({ "room": message["room"], "event": "e", "data": 1 });
        peer.refused(json!({ "event": "event", "params": params }), required())
            .await;
        message["event"] = json!("say");
        message["message"] = json!("hi");
        peer.refused(message, error("015", "Both room and message are required"))
            .await;
    }
    // The room of an event is one of its params.
    for params in [
        json!(null),
        json!(5),
        json!("x"),
        json!([]),
        json!({}),
        json!([{ "room": "defaultRoom" }]),
    ] {
        let message = json!({ "event": "event", "room": "defaultRoom", "params": params });
        peer.refused(message, required()).await;
    }
    peer.refused(
        json!({ "event": "event", "room": "defaultRoom" }),
        required(),
    )
    .await;
}

#[tokio::test]
async fn rooms_that_there_are_not() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    for room in [
        "none",
        " defaultRoom",
        "DEFAULTROOM",
        "\u{0}",
        "defaultRoom\u{2028}",
        "__proto__",
    ] {
        refused_everywhere(&mut peer, room, &no_room(room)).await;
    }
    // What was sent is told, but not for megabytes of it.
    let long = "r".repeat(1_000_000);
    let told = no_room(&format!("{}…", "r".repeat(200)));
    refused_everywhere(&mut peer, &long, &told).await;
}

#[tokio::test]
async fn rooms_that_one_is_not_in() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    let id = peer.id().await;
    let refusal = error(
        "016",
        format!("Connection ({id}) not in room (defaultRoom)"),
    );
    for verb in ["say", "view", "event", "leave"] {
        match verb {
            "leave" => {
                peer.refused_false(
                    json!({ "event": "roomLeave", "room": "defaultRoom" }),
                    refusal.clone(),
                )
                .await
            }
            _ => {
                peer.refused(request(verb, "defaultRoom"), refusal.clone())
                    .await
            }
        }
    }
    peer.heard_nothing_more().await;
}

fn request(verb: &str, room: &str) -> Value {
    match verb {
        "say" => json!({ "event": "say", "room": room, "message": "hi" }),
        "view" => json!({ "event": "roomView", "room": room }),
        _ => json!({ "event": "event", "params": { "room": room, "event": "e" } }),
    }
}

async fn refused_everywhere(peer: &mut Peer, room: &str, error: &Value) {
    for verb in ["roomAdd", "roomJoin", "roomLeave"] {
        peer.refused_false(json!({ "event": verb, "room": room }), error.clone())
            .await;
    }
    for verb in ["say", "view", "event"] {
        peer.refused(request(verb, room), error.clone()).await;
    }
}

#[tokio::test]
async fn a_room_that_one_is_in() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    let id = peer.id().await;
    peer.join("defaultRoom").await;
    let refusal = error(
        "017",
        format!("Connection ({id}) already in room (defaultRoom)"),
    );
    peer.refused_false(
        json!({ "event": "roomAdd", "room": "defaultRoom" }),
        refusal.clone(),
    )
    .await;
    peer.refused_false(
        json!({ "event": "roomJoin", "room": "defaultRoom" }),
        refusal,
    )
    .await;
}

#[tokio::test]
async fn a_room_that_was_destroyed() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    host.stellar.rooms().destroy("defaultRoom").await.unwrap();
    let deleted = named_error(
        "018",
        "Room (defaultRoom) has been deleted",
        "ConnectionRoomHasBeenDeleted Error",
    );
    let heard = peer.heard("defaultRoom", None).await;
    assert_eq!(heard, json!({ "event": "destroy", "data": deleted }));
    refused_everywhere(&mut peer, "defaultRoom", &no_room("defaultRoom")).await;
}

#[tokio::test]
async fn more_rooms_than_one_may_be_in() {
    let builder = Stellar::builder().configure(|config| {
        config.max_rooms = 2;
        config.starting_chat_rooms = ["a", "b", "c"].map(str::to_owned).to_vec();
    });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let id = peer.id().await;
    peer.join("a").await;
    peer.join("b").await;
    let refusal = error(
        "023",
        format!("Connection ({id}) is in too many rooms (2 max)"),
    );
    peer.refused_false(json!({ "event": "roomAdd", "room": "c" }), refusal)
        .await;
    peer.leave("a").await;
    peer.join("c").await;
}

#[tokio::test]
async fn a_join_that_a_hook_refuses() {
    let builder = Stellar::builder()
        .on_join(async |_, room| Err(StellarError::room_not_exist(&format!("{room}, you know"))));
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let refusal = no_room("defaultRoom, you know");
    peer.refused_false(
        json!({ "event": "roomAdd", "room": "defaultRoom" }),
        refusal,
    )
    .await;
    let status = host.stellar.rooms().status("defaultRoom").await.unwrap();
    assert!(status.members.is_empty());
}
