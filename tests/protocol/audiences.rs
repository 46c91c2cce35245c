//! Who receives what: rooms with a limit, several rooms at once, all but one; and what bounds the
//! listeners of events.

use std::sync::Arc;

use serde_json::json;
use stellarfw::{Connection, Stellar, rooms::RoomError};
use tokio::sync::Semaphore;

use crate::support::{LateBroker, Peer, error, host};

fn code<T: std::fmt::Debug>(result: Result<T, RoomError>) -> &'static str {
    match result {
        Err(RoomError::Stellar(error)) => error.code(),
        other => panic!("an error with a code was expected: {other:?}"),
    }
}

fn connection(host: &crate::support::Host, id: &str) -> Connection {
    host.stellar.connection(id).unwrap()
}

async fn three(host: &crate::support::Host) -> [(Peer, String); 3] {
    let mut peers = [host.peer().await, host.peer().await, host.peer().await].map(Some);
    let mut all = Vec::new();
    for peer in &mut peers {
        let mut peer = peer.take().unwrap();
        let id = peer.id().await;
        all.push((peer, id));
    }
    all.try_into().unwrap_or_else(|_| unreachable!())
}

#[tokio::test]
async fn a_room_has_places_for_so_many() {
    for late in [false, true] {
        let builder = Stellar::builder().room_for("pair", 2);
        let builder = match late {
            true => builder.broker(LateBroker::new()),
            false => builder,
        };
        let host = host(builder).await;
        let [(mut ann, _), (mut bob, _), (mut eve, eve_id)] = three(&host).await;
        ann.join("pair").await;
        bob.join("pair").await;
        let full = error("024", "Room (pair) is full");
        let refused = json!({ "status": full, "error": full, "data": false });
        let join = json!({ "event": "roomAdd", "room": "pair" });
        eve.expect(join.clone(), refused.clone()).await;
        let rooms = host.stellar.rooms();
        assert_eq!(code(rooms.join(&eve_id, "pair").await), "024");
        assert_eq!(rooms.status("pair").await.unwrap().members.len(), 2);
        // Refused, it hears nothing of the room.
        rooms.broadcast("pair", "for two").await.unwrap();
        assert_eq!(ann.heard("pair", None).await, "for two");
        assert_eq!(bob.heard("pair", None).await, "for two");
        let details = eve.ask(&json!({ "event": "detailsView" })).await;
        assert_eq!(details["data"]["rooms"], json!([]));
        // Who leaves, or goes, makes room.
        bob.goodbye().await;
        crate::support::until("a place", async || {
            rooms.status("pair").await.unwrap().members.len() == 1
        })
        .await;
        eve.expect(join, json!({ "status": "OK", "data": true }))
            .await;
    }
}

#[tokio::test]
async fn limits_come_from_the_settings() {
    let config = stellarfw::config::Sources::new()
        .set("maxMembers", "1")
        .set("roomLimits.defaultRoom", "0")
        .set("startingChatRooms", "[\"defaultRoom\", \"other\"]")
        .load()
        .unwrap();
    let host = host(Stellar::builder().config(config)).await;
    let [(mut ann, _), (_bob, bob), (_eve, eve)] = three(&host).await;
    let rooms = host.stellar.rooms();
    assert_eq!(code(rooms.join(&bob, "defaultRoom").await), "024");
    ann.join("other").await;
    assert_eq!(code(rooms.join(&bob, "other").await), "024");
    rooms.create("made").await.unwrap();
    rooms.join(&bob, "made").await.unwrap();
    assert_eq!(code(rooms.join(&eve, "made").await), "024");
    let two = stellarfw::rooms::RoomOptions::max_members(2);
    rooms.create_with("wide", two).await.unwrap();
    rooms.join(&bob, "wide").await.unwrap();
    rooms.join(&eve, "wide").await.unwrap();
}

#[tokio::test]
async fn members_of_several_rooms_hear_it_once() {
    let each = [false, true];
    for hooked in each {
        let builder = Stellar::builder().room("a").room("b").room("c");
        let builder = match hooked {
            // With a hook that looks at each receiver the way is another.
            true => builder.on_say(|_, say| Some(say)),
            false => builder,
        };
        let host = host(builder).await;
        let [(mut ann, ann_id), (mut bob, _), (mut eve, _)] = three(&host).await;
        for room in ["a", "b"] {
            ann.join(room).await;
            bob.join(room).await;
        }
        bob.join("c").await;
        eve.join("c").await;
        let rooms = host.stellar.rooms();
        rooms.to(["b", "a"]).to("c").say("once").await.unwrap();
        rooms
            .to(["c"])
            .emit("last", &json!({ "n": 1 }))
            .await
            .unwrap();
        let last = json!({ "event": "last", "data": { "n": 1 } });
        assert_eq!(bob.heard("b", None).await, "once");
        assert_eq!(bob.heard("c", None).await, last);
        assert_eq!(eve.heard("c", None).await, "once");
        assert_eq!(eve.heard("c", None).await, last);
        assert_eq!(ann.heard("b", None).await, "once");

        // All but the one.
        let but = rooms.to(["a", "b"]).except(&connection(&host, &ann_id));
        but.say("for others").await.unwrap();
        let but = rooms.to(["a"]).except(&connection(&host, &ann_id));
        but.emit("more", "x").await.unwrap();
        rooms.broadcast("a", "for all").await.unwrap();
        assert_eq!(bob.heard("a", None).await, "for others");
        let more = json!({ "event": "more", "data": "x" });
        assert_eq!(bob.heard("a", None).await, more);
        assert_eq!(bob.heard("a", None).await, "for all");
        assert_eq!(ann.heard("a", None).await, "for all");

        // One that there is not: nobody hears.
        assert_eq!(code(rooms.to(["a", "none"]).say("x").await), "019");
        assert_eq!(code(rooms.to([] as [&str; 0]).say("x").await), "021");
        rooms.broadcast("a", "after").await.unwrap();
        assert_eq!(ann.heard("a", None).await, "after");
    }
}

#[tokio::test]
async fn slow_listeners_of_one_client_are_bounded() {
    let gate = Arc::new(Semaphore::new(0));
    let told = gate.clone();
    let builder = Stellar::builder()
        .configure(|config| config.max_pending_verbs = 2)
        .on_event("slow", move |_| {
            let gate = told.clone();
            async move { gate.acquire().await.unwrap().forget() }
        });
    let host = host(builder).await;
    let (mut ann, mut bob) = (host.peer().await, host.peer().await);
    ann.join("defaultRoom").await;
    bob.join("defaultRoom").await;
    let id = ann.id().await;
    let emit = |event: &str| json!({ "event": "event", "params": { "room": "defaultRoom", "event": event } });
    let ok = json!({ "status": "OK" });
    for _ in 0..2 {
        ann.expect(emit("slow"), ok.clone()).await;
    }
    let busy = error("007", "You have too many pending requests");
    let refused = json!({ "status": busy, "error": busy });
    ann.expect(emit("slow"), refused.clone()).await;
    // Others, and events nobody listens to, go on.
    ann.expect(emit("quick"), ok.clone()).await;
    bob.expect(emit("slow"), ok.clone()).await;
    for event in ["slow", "slow", "quick"] {
        let expected = json!({ "event": event, "data": null });
        assert_eq!(bob.heard("defaultRoom", Some(&id)).await, expected);
    }
    gate.add_permits(3);
    // Once they are done there is room again; until then it is busy.
    loop {
        let answer = ann.ask(&emit("slow")).await;
        if answer["status"] == "OK" {
            break;
        }
        assert_eq!(answer["status"]["code"], "007");
        tokio::task::yield_now().await;
    }
}
