//! The protocol over a broker that takes its time.

use serde_json::json;
use stellarfw::Stellar;

use crate::support::{LateBroker, Received, error, host, no_room, until};

#[cfg(feature = "conformance")]
mod suite {
    use std::sync::Arc;

    use stellarfw::broker::Broker;

    use crate::support::LateBroker;

    async fn brokers() -> Vec<Arc<dyn Broker>> {
        vec![Arc::new(LateBroker::new())]
    }

    stellarfw::broker_suite!(brokers().await);
}

#[tokio::test]
async fn verbs_keep_their_order_and_their_shapes() {
    let host = host(Stellar::builder().broker(LateBroker::new())).await;
    let (mut ann, mut bob) = (host.peer().await, host.peer().await);
    bob.join("defaultRoom").await;
    let id = ann.id().await;
    let first = ann.count;
    let room = "defaultRoom";
    ann.send_all([
        json!({ "event": "roomAdd", "room": room }),
        json!({ "event": "say", "room": room, "message": 1 }),
        json!({ "event": "roomView", "room": room }),
        json!({ "event": "say", "room": room, "message": 2 }),
        json!({ "event": "roomAdd", "room": "none" }),
        json!({ "event": "roomLeave", "room": room }),
        json!({ "event": "say", "room": room, "message": 3 }),
        json!({ "event": "roomAdd", "room": room }),
        json!({ "event": "detailsView" }),
    ])
    .await;
    let ok = json!({ "status": "OK" });
    let not_in = error(
        "016",
        format!("Connection ({id}) not in room (defaultRoom)"),
    );
    let none = no_room("none");
    let expected = [
        Some(json!({ "status": "OK", "data": true })),
        Some(ok.clone()),
        None,
        Some(ok),
        Some(json!({ "status": none, "error": none, "data": false })),
        Some(json!({ "status": "OK", "data": true })),
        Some(json!({ "status": not_in, "error": not_in })),
        Some(json!({ "status": "OK", "data": true })),
        None,
    ];
    let mut heard = Vec::new();
    let mut answered = 0;
    while answered < expected.len() {
        let value = ann.recv().await;
        if value["context"] == "user" {
            heard.push(value["message"].clone());
            continue;
        }
        let count = first + 1 + answered as u64;
        let body = crate::support::body_of(value, count);
        match &expected[answered] {
            Some(expected) => assert_eq!(body, *expected, "{answered}"),
            None if answered == 2 => assert_eq!(body["data"]["membersCount"], 2),
            None => assert_eq!(body["data"]["rooms"], json!([room])),
        }
        answered += 1;
    }
    // What is still under way when one leaves may or may not come; what comes is in order.
    assert!(
        heard.len() <= 2 && heard.is_sorted_by_key(|n| n.as_u64()),
        "{heard:?}"
    );
    for n in 1..=2 {
        assert_eq!(bob.heard(room, Some(&id)).await, n);
    }
    bob.heard_nothing_more().await;
    drop((ann, bob));
    host.is_empty().await;
}

#[tokio::test]
async fn a_client_that_leaves_halfway_leaves_nothing_behind() {
    let host = host(Stellar::builder().room("other").broker(LateBroker::new())).await;
    for turn in 0..50 {
        let mut peer = host.peer().await;
        let join = |room: &str| json!({ "event": "roomAdd", "room": room });
        let leave = |room: &str| json!({ "event": "roomLeave", "room": room });
        peer.send_all([
            join("defaultRoom"),
            join("other"),
            leave("defaultRoom"),
            join("defaultRoom"),
            json!({ "event": "say", "room": "other", "message": turn }),
        ])
        .await;
        match turn % 3 {
            0 => drop(peer),
            1 => peer.goodbye().await,
            _ => {
                peer.send(&json!({ "event": "quit" })).await;
                while let Received::Json(_) = peer.next().await {}
            }
        }
    }
    host.is_empty().await;
}

#[tokio::test]
async fn a_destroyed_room_is_told_of_before_it_is_left() {
    let host = host(Stellar::builder().broker(LateBroker::new())).await;
    let mut peer = host.peer().await;
    for _ in 0..10 {
        peer.join("defaultRoom").await;
        let rooms = host.stellar.rooms();
        rooms.broadcast("defaultRoom", "last").await.unwrap();
        rooms.destroy("defaultRoom").await.unwrap();
        assert_eq!(peer.heard("defaultRoom", None).await, "last");
        assert_eq!(peer.heard("defaultRoom", None).await["event"], "destroy");
        until("the books' closing", async || {
            host.stellar
                .connections()
                .iter()
                .all(|connection| connection.rooms().is_empty())
        })
        .await;
        rooms.create("defaultRoom").await.unwrap();
    }
    peer.heard_nothing_more().await;
}
