//! Hooks of rooms, and listeners.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use serde_json::json;
use stellarfw::{Stellar, StellarError, rooms::Event};

use super::rooms::{Seen, code, seen};
use crate::support::{error, host, until};

#[tokio::test]
async fn leave_hooks_run_once_whatever_the_way() {
    let count = Arc::new(AtomicU32::new(0));
    let counter = count.clone();
    let builder = Stellar::builder().room("other").on_leave(move |_, _| {
        let counter = counter.clone();
        async move {
            tokio::task::yield_now().await;
            counter.fetch_add(1, Ordering::AcqRel);
        }
    });
    let host = host(builder).await;
    let rooms = host.stellar.rooms();
    let reach = |number| {
        let count = count.clone();
        async move {
            until("the leave hook", async || {
                count.load(Ordering::Acquire) == number
            })
            .await;
        }
    };
    let mut peer = host.peer().await;
    let id = peer.id().await;
    peer.join("defaultRoom").await;
    peer.leave("defaultRoom").await;
    reach(1).await;
    peer.ask(&json!({ "event": "roomLeave", "room": "defaultRoom" }))
        .await;
    peer.join("defaultRoom").await;
    rooms.leave(&id, "defaultRoom").await.unwrap();
    reach(2).await;
    peer.join("defaultRoom").await;
    rooms.destroy("defaultRoom").await.unwrap();
    reach(3).await;
    rooms.create("defaultRoom").await.unwrap();
    peer.heard("defaultRoom", None).await;
    peer.join("defaultRoom").await;
    peer.join("other").await;
    peer.goodbye().await;
    host.is_empty().await;
    reach(5).await;
    // Nothing is left that a hook could still run for.
    rooms.destroy("defaultRoom").await.unwrap();
    rooms.destroy("other").await.unwrap();
    assert_eq!(count.load(Ordering::Acquire), 5);
}

#[tokio::test]
async fn join_hooks_run_in_order_and_the_first_refusal_counts() {
    let calls = Seen::default();
    let (first, second) = (calls.clone(), calls.clone());
    let builder = Stellar::builder()
        .room("closed")
        .on_join(move |connection, room| {
            first.lock().unwrap().push(format!("first {room}"));
            let refused = &*room == "closed";
            let error = StellarError::not_in_room(connection.id(), "the list of guests");
            async move {
                tokio::task::yield_now().await;
                if refused { Err(error) } else { Ok(()) }
            }
        })
        .on_join(move |_, room| {
            second.lock().unwrap().push(format!("second {room}"));
            async { Ok(()) }
        });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let id = peer.id().await;
    peer.join("defaultRoom").await;
    let refusal = error(
        "016",
        format!("Connection ({id}) not in room (the list of guests)"),
    );
    peer.refused_false(json!({ "event": "roomAdd", "room": "closed" }), refusal)
        .await;
    assert_eq!(code(host.stellar.rooms().join(&id, "closed").await), "016");
    assert!(
        host.stellar
            .rooms()
            .status("closed")
            .await
            .unwrap()
            .members
            .is_empty()
    );
    let expected = [
        "first defaultRoom",
        "second defaultRoom",
        "first closed",
        "first closed",
    ];
    assert_eq!(seen(&calls), expected);
}

#[tokio::test]
async fn what_is_said_may_be_rewritten_or_refused() {
    let builder = Stellar::builder()
        .on_say_receive(async |connection, mut say| {
            assert_eq!(say.from.as_deref(), Some(connection.id().as_str()));
            if say.message == "bad" {
                return Err(StellarError::blocked_connection("bad language"));
            }
            if let Some(text) = say.message.as_str() {
                say.message = text.to_uppercase().into();
            }
            Ok(say)
        })
        .on_say_receive(async |_, mut say| {
            tokio::task::yield_now().await;
            say.message = json!([say.message]);
            Ok(say)
        });
    let host = host(builder).await;
    let (mut ann, mut bob) = (host.peer().await, host.peer().await);
    ann.join("defaultRoom").await;
    bob.join("defaultRoom").await;
    let id = ann.id().await;
    ann.say("defaultRoom", json!("hello")).await;
    assert_eq!(bob.heard("defaultRoom", Some(&id)).await, json!(["HELLO"]));
    assert_eq!(ann.heard("defaultRoom", Some(&id)).await, json!(["HELLO"]));
    let refusal = error(
        "005",
        "This action does not support the bad language connection type",
    );
    ann.refused(
        json!({ "event": "say", "room": "defaultRoom", "message": "bad" }),
        refusal,
    )
    .await;
    let event =
        json!({ "event": "event", "params": { "room": "defaultRoom", "event": "e", "data": 1 } });
    ann.expect(event, json!({ "status": "OK" })).await;
    assert_eq!(
        bob.heard("defaultRoom", Some(&id)).await,
        json!([{ "event": "e", "data": 1 }])
    );
    // The server's own words are not received from anyone.
    host.stellar
        .rooms()
        .broadcast("defaultRoom", "bad")
        .await
        .unwrap();
    assert_eq!(bob.heard("defaultRoom", None).await, "bad");
    bob.heard_nothing_more().await;
}

#[tokio::test]
async fn what_is_heard_may_be_rewritten_or_dropped_for_each() {
    let builder = Stellar::builder()
        .on_say(|receiver, mut say| {
            if say.message["to"] == receiver.id().as_str() {
                say.message = json!("for you");
                Some(say)
            } else if say.message["not"] == receiver.id().as_str() {
                None
            } else {
                Some(say)
            }
        })
        .on_say(|_, say| (say.message != "nobody").then_some(say));
    let host = host(builder).await;
    let (mut ann, mut bob) = (host.peer().await, host.peer().await);
    ann.join("defaultRoom").await;
    bob.join("defaultRoom").await;
    let (a, b) = (ann.id().await, bob.id().await);
    let message = json!({ "to": b });
    ann.say("defaultRoom", message.clone()).await;
    assert_eq!(bob.heard("defaultRoom", Some(&a)).await, "for you");
    assert_eq!(ann.heard("defaultRoom", Some(&a)).await, message);
    let message = json!({ "not": b });
    ann.say("defaultRoom", message.clone()).await;
    assert_eq!(ann.heard("defaultRoom", Some(&a)).await, message);
    ann.say("defaultRoom", json!("nobody")).await;
    host.stellar
        .rooms()
        .emit("defaultRoom", "e", &1)
        .await
        .unwrap();
    for peer in [&mut ann, &mut bob] {
        assert_eq!(
            peer.heard("defaultRoom", None).await,
            json!({ "event": "e", "data": 1 })
        );
        peer.heard_nothing_more().await;
    }
}

/// Every hook does with the rooms what it likes, in the very room that it is called for.
#[tokio::test]
async fn hooks_may_use_the_rooms_themselves() {
    let cell: Arc<Mutex<Option<Stellar>>> = Arc::default();
    let stellar = |cell: &Arc<Mutex<Option<Stellar>>>| cell.lock().unwrap().clone().unwrap();
    let [join, leave, receive, listen] = [cell.clone(), cell.clone(), cell.clone(), cell.clone()];
    let each = cell.clone();
    let builder = Stellar::builder()
        .room("other")
        .on_join(move |_, room| {
            let rooms = stellar(&join).rooms();
            async move {
                rooms.status(&room).await.unwrap();
                rooms.broadcast(&room, "someone comes").await.unwrap();
                Ok(())
            }
        })
        .on_leave(move |_, room| {
            let rooms = stellar(&leave).rooms();
            async move {
                rooms.broadcast(&room, "someone went").await.ok();
                rooms.broadcast("other", "someone went").await.ok();
            }
        })
        .on_say_receive(move |connection, say| {
            let rooms = stellar(&receive).rooms();
            async move {
                rooms.broadcast("other", &say.message).await.unwrap();
                if say.message == "leave" {
                    rooms.leave(connection.id(), &say.room).await.unwrap();
                }
                Ok(say)
            }
        })
        .on_say(move |connection, say| {
            assert!(connection.is_in(&say.room));
            assert!(
                stellar(&each)
                    .connections()
                    .iter()
                    .any(|known| known == connection)
            );
            Some(say)
        })
        .on_event("destroy me", move |event: Event| {
            let rooms = stellar(&listen).rooms();
            async move { rooms.destroy(&event.room).await.unwrap() }
        });
    let host = host(builder).await;
    *cell.lock().unwrap() = Some(host.stellar.clone());
    let rooms = host.stellar.rooms();
    let (mut ann, mut watcher) = (host.peer().await, host.peer().await);
    watcher.join("other").await;
    let id = ann.id().await;
    ann.join("defaultRoom").await;
    ann.say("defaultRoom", json!("hi")).await;
    assert_eq!(ann.heard("defaultRoom", Some(&id)).await, "hi");
    assert_eq!(watcher.heard("other", None).await, "hi");
    ann.say("defaultRoom", json!("leave")).await;
    assert_eq!(watcher.heard("other", None).await, "leave");
    assert_eq!(watcher.heard("other", None).await, "someone went");
    ann.join("defaultRoom").await;
    let event =
        json!({ "event": "event", "params": { "room": "defaultRoom", "event": "destroy me" } });
    ann.expect(event, json!({ "status": "OK" })).await;
    assert_eq!(ann.heard("defaultRoom", None).await["event"], "destroy");
    let received = watcher.heard("other", None).await;
    assert_eq!(received, json!({ "event": "destroy me", "data": null }));
    assert_eq!(watcher.heard("other", None).await, "someone went");
    assert!(!rooms.exists("defaultRoom").await.unwrap());
    ann.goodbye().await;
    watcher.goodbye().await;
    host.is_empty().await;
    // The hooks keep the server alive by what they have captured.
    cell.lock().unwrap().take();
}

#[tokio::test]
async fn listeners_hear_members_only() {
    let heard = Seen::default();
    let [all, one, other] = [heard.clone(), heard.clone(), heard.clone()];
    let tell = |list: &Seen, who: &str, event: &Event| {
        let line = format!("{who} {} {} {}", event.room, event.event, event.data);
        list.lock().unwrap().push(line);
    };
    let builder = Stellar::builder()
        .room("other")
        .on_event("turn", move |event| {
            tell(&all, "all", &event);
            async {}
        })
        .on_room_event("defaultRoom", "turn", move |event| {
            tell(&one, "one", &event);
            async {}
        })
        .on_room_event("other", "turn", move |event| {
            tell(&other, "other", &event);
            async {}
        });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let emit = |room: &str, event: &str| json!({ "event": "event", "params": { "room": room, "event": event, "data": { "n": 1 } } });
    assert_eq!(
        peer.ask(&emit("defaultRoom", "turn")).await["status"]["code"],
        "016"
    );
    assert_eq!(
        peer.ask(&emit("none", "turn")).await["status"]["code"],
        "019"
    );
    assert!(seen(&heard).is_empty());
    peer.join("defaultRoom").await;
    peer.ask(&emit("defaultRoom", "turn")).await;
    peer.ask(&emit("defaultRoom", "other")).await;
    // A name that sounds like another room's event is but a name.
    peer.ask(&emit("defaultRoom", "other.turn")).await;
    peer.ask(&json!({ "event": "say", "room": "defaultRoom", "message": { "event": "turn" } }))
        .await;
    let expected = [
        "all defaultRoom turn {\"n\":1}",
        "one defaultRoom turn {\"n\":1}",
    ];
    assert_eq!(seen(&heard), expected);
}

#[tokio::test]
async fn a_hook_that_panics_harms_nobody_but_its_sender() {
    let builder = Stellar::builder()
        .room("other")
        .on_leave(|_, room| {
            assert!(&*room != "defaultRoom", "at once");
            async move { assert!(&*room != "other", "later") }
        })
        .on_say_receive(async |_, say| {
            assert!(say.message != "at once");
            tokio::task::yield_now().await;
            assert!(say.message != "later");
            Ok(say)
        })
        .on_say(|receiver, say| {
            assert!(say.message["breaks"] != receiver.id().as_str());
            Some(say)
        })
        .on_event("breaks", async |_| panic!("a listener"));
    let host = host(builder).await;
    let mut watcher = host.peer().await;
    watcher.join("defaultRoom").await;
    let watching = watcher.id().await;
    for message in ["at once", "later"] {
        let mut peer = host.peer().await;
        peer.join("defaultRoom").await;
        peer.join("other").await;
        peer.send(&json!({ "event": "say", "room": "defaultRoom", "message": message }))
            .await;
        let (before, code) = peer.closed().await;
        assert_eq!((before, code), (vec![], Some(1011)));
        until("the member's leaving", async || {
            let status = async |room| {
                host.stellar
                    .rooms()
                    .status(room)
                    .await
                    .unwrap()
                    .members
                    .len()
            };
            status("defaultRoom").await == 1 && status("other").await == 0
        })
        .await;
    }
    // Behind a slow verb.
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    peer.send_all([
        json!({ "event": "say", "room": "defaultRoom", "message": "fine" }),
        json!({ "event": "say", "room": "defaultRoom", "message": "at once" }),
        json!({ "event": "say", "room": "defaultRoom", "message": "never" }),
    ])
    .await;
    let (_, code) = peer.closed().await;
    assert_eq!(code, Some(1011));
    until("the member's leaving", async || {
        host.stellar
            .rooms()
            .status("defaultRoom")
            .await
            .unwrap()
            .members
            .len()
            == 1
    })
    .await;
    assert_eq!(watcher.recv().await["message"], "fine");

    let mut peer = host.peer().await;
    let id = peer.id().await;
    peer.join("defaultRoom").await;
    let message = json!({ "breaks": watching });
    peer.say("defaultRoom", message.clone()).await;
    assert_eq!(peer.heard("defaultRoom", Some(&id)).await, message);
    let event = json!({ "event": "event", "params": { "room": "defaultRoom", "event": "breaks" } });
    peer.expect(event, json!({ "status": "OK" })).await;
    assert_eq!(
        watcher.heard("defaultRoom", Some(&id)).await["event"],
        "breaks"
    );
    peer.leave("defaultRoom").await;
    host.stellar.rooms().destroy("defaultRoom").await.unwrap();
    assert_eq!(watcher.heard("defaultRoom", None).await["event"], "destroy");
    assert_eq!(
        watcher.ask(&json!({ "event": "detailsView" })).await["data"]["rooms"],
        json!([])
    );
}
