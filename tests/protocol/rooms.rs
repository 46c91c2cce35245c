//! Rooms from the server's side.

use std::sync::{Arc, Mutex};

use serde_json::json;
use stellarfw::{BuildError, Stellar, rooms::RoomError};

use crate::support::{host, named_error, until};

pub(super) type Seen = Arc<Mutex<Vec<String>>>;

pub(super) fn seen(list: &Seen) -> Vec<String> {
    list.lock().unwrap().clone()
}

pub(super) fn code<T: std::fmt::Debug>(result: Result<T, RoomError>) -> &'static str {
    match result {
        Err(RoomError::Stellar(error)) => error.code(),
        other => panic!("an error with a code was expected: {other:?}"),
    }
}

#[tokio::test]
async fn the_server_creates_and_destroys() {
    let host = host(Stellar::builder().room("lobby")).await;
    let rooms = host.stellar.rooms();
    assert_eq!(rooms.list().await.unwrap(), ["defaultRoom", "lobby"]);
    rooms.create("new \u{1F600}").await.unwrap();
    assert_eq!(code(rooms.create("new \u{1F600}").await), "020");
    // A client could not name it.
    assert_eq!(code(rooms.create("").await), "021");
    assert!(matches!(
        Stellar::builder().room("").build().await,
        Err(BuildError::NamelessRoom)
    ));
    assert!(rooms.exists("new \u{1F600}").await.unwrap());
    assert_eq!(
        rooms.list().await.unwrap(),
        ["defaultRoom", "lobby", "new \u{1F600}"]
    );
    assert!(rooms.status("lobby").await.unwrap().members.is_empty());
    rooms.destroy("lobby").await.unwrap();
    assert!(!rooms.exists("lobby").await.unwrap());
    assert_eq!(code(rooms.destroy("lobby").await), "019");
    assert_eq!(code(rooms.status("lobby").await), "019");
    assert_eq!(code(rooms.broadcast("lobby", "x").await), "019");
    assert_eq!(code(rooms.emit("lobby", "e", "x").await), "019");
    assert_eq!(
        rooms
            .create("lobby")
            .await
            .map_err(|error| error.to_string()),
        Ok(())
    );
}

#[tokio::test]
async fn the_server_takes_members_in_and_out() {
    let host = host(Stellar::builder()).await;
    let rooms = host.stellar.rooms();
    let mut peer = host.peer().await;
    let id = peer.id().await;
    rooms.join(&id, "defaultRoom").await.unwrap();
    assert_eq!(code(rooms.join(&id, "defaultRoom").await), "017");
    assert_eq!(code(rooms.join(&id, "none").await), "019");
    assert_eq!(code(rooms.join(&id, "").await), "021");
    assert_eq!(code(rooms.join("nobody", "defaultRoom").await), "016");
    let status = rooms.status("defaultRoom").await.unwrap();
    assert_eq!(&*status.room, "defaultRoom");
    assert_eq!(status.members.len(), 1);
    assert_eq!(*status.members[0].id, *id);
    let details = peer.ask(&json!({ "event": "detailsView" })).await;
    assert_eq!(details["data"]["rooms"], json!(["defaultRoom"]));
    rooms.leave(&id, "defaultRoom").await.unwrap();
    assert_eq!(code(rooms.leave(&id, "defaultRoom").await), "016");
    assert_eq!(code(rooms.leave(&id, "none").await), "019");
    assert_eq!(code(rooms.leave("nobody", "defaultRoom").await), "016");
    assert!(
        rooms
            .status("defaultRoom")
            .await
            .unwrap()
            .members
            .is_empty()
    );
}

#[tokio::test]
async fn the_server_speaks() {
    let host = host(Stellar::builder().room("other")).await;
    let rooms = host.stellar.rooms();
    let (mut ann, mut bob) = (host.peer().await, host.peer().await);
    ann.join("defaultRoom").await;
    bob.join("other").await;
    let mut deep = json!(1);
    for _ in 0..300 {
        deep = json!([deep]);
    }
    for message in [json!("text"), json!(null), json!({ "a": [1] })] {
        rooms.broadcast("defaultRoom", &message).await.unwrap();
        assert_eq!(ann.heard("defaultRoom", None).await, message);
        rooms.emit("defaultRoom", "name", &message).await.unwrap();
        let heard = ann.heard("defaultRoom", None).await;
        assert_eq!(heard, json!({ "event": "name", "data": message }));
    }
    rooms.emit("defaultRoom", "deep", &deep).await.unwrap();
    assert!(
        ann.recv_text()
            .await
            .starts_with(r#"{"message":{"event":"deep","data":[[["#)
    );
    bob.heard_nothing_more().await;
}

#[tokio::test]
async fn a_destroyed_room_tells_its_members_and_then_has_none() {
    let left = Seen::default();
    let sink = left.clone();
    let builder = Stellar::builder().on_leave(move |connection, room| {
        sink.lock().unwrap().push(format!(
            "{} {room} {}",
            connection.id(),
            connection.is_in(&room)
        ));
        async {}
    });
    let host = host(builder).await;
    let mut peers = host.peers(3).await;
    for peer in &mut peers {
        peer.join("defaultRoom").await;
    }
    host.stellar
        .rooms()
        .broadcast("defaultRoom", "last")
        .await
        .unwrap();
    host.stellar.rooms().destroy("defaultRoom").await.unwrap();
    let deleted = named_error(
        "018",
        "Room (defaultRoom) has been deleted",
        "ConnectionRoomHasBeenDeleted Error",
    );
    for peer in &mut peers {
        assert_eq!(peer.heard("defaultRoom", None).await, "last");
        let heard = peer.heard("defaultRoom", None).await;
        assert_eq!(heard, json!({ "event": "destroy", "data": deleted }));
        let details = peer.ask(&json!({ "event": "detailsView" })).await;
        assert_eq!(details["data"]["rooms"], json!([]));
    }
    assert_eq!(seen(&left).len(), 3);
    assert!(
        seen(&left)
            .iter()
            .all(|line| line.ends_with(" defaultRoom false"))
    );
    // One of the same name is another room.
    host.stellar.rooms().create("defaultRoom").await.unwrap();
    for peer in &mut peers {
        peer.join("defaultRoom").await;
        peer.heard_nothing_more().await;
    }
    for peer in peers {
        peer.goodbye().await;
    }
    host.is_empty().await;
    until("the leave hooks", async || seen(&left).len() == 6).await;
}
