//! Rooms that many use at once, and what is left of them.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};
use stellarfw::{Builder, Stellar};
use tokio::sync::Semaphore;

use super::rooms::code;
use crate::support::{LateBroker, Peer, host, soon, until};

#[tokio::test]
async fn leaving_during_a_join_hook_leaves_nothing_behind() {
    let (gate, begun) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicU32::new(0)));
    let (wait, count) = (gate.clone(), begun.clone());
    let left = Arc::new(AtomicU32::new(0));
    let leaving = left.clone();
    let builder = Stellar::builder()
        .on_join(move |_, _| {
            let wait = wait.clone();
            count.fetch_add(1, Ordering::AcqRel);
            async move {
                wait.acquire().await.unwrap().forget();
                Ok(())
            }
        })
        .on_leave(move |_, _| {
            leaving.fetch_add(1, Ordering::AcqRel);
            async {}
        });
    let host = host(builder).await;
    let rooms = host.stellar.rooms();
    for by_server in [false, true] {
        let mut peer = host.peer().await;
        let id = peer.id().await;
        let before = begun.load(Ordering::Acquire);
        let joining = {
            let (rooms, id) = (rooms.clone(), id.clone());
            let join = async move { rooms.join(&id, "defaultRoom").await };
            if by_server {
                Some(tokio::spawn(join))
            } else {
                peer.send(&json!({ "event": "roomAdd", "room": "defaultRoom" }))
                    .await;
                None
            }
        };
        until("the hook", async || {
            begun.load(Ordering::Acquire) == before + 1
        })
        .await;
        peer.goodbye().await;
        until("the connection's end", async || {
            host.stellar.connections().is_empty()
        })
        .await;
        gate.add_permits(1);
        if let Some(joining) = joining {
            assert_eq!(code(soon("the join", joining).await.unwrap()), "016");
        }
        host.is_empty().await;
    }
    // Whatever was entered was left.
    until("the leave hooks", async || {
        left.load(Ordering::Acquire) <= 2
    })
    .await;
    host.is_empty().await;
}

/// Joins, leaves and destroys as fast as can be, from both sides, and asks afterwards whether the
/// books agree.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_leave_the_books_in_agreement() {
    race(Stellar::builder()).await;
}

/// The same where every answer of the broker comes late.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_over_a_slow_broker_leave_the_books_in_agreement() {
    race(Stellar::builder().broker(LateBroker::new())).await;
}

async fn race(builder: Builder) {
    let (joined, left) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let counter = left.clone();
    let builder = builder.on_leave(move |_, _| {
        counter.fetch_add(1, Ordering::AcqRel);
        async {}
    });
    let host = Arc::new(host(builder).await);
    let rooms = host.stellar.rooms();
    let destroyer = {
        let rooms = rooms.clone();
        tokio::spawn(async move {
            for _ in 0..400 {
                rooms.destroy("defaultRoom").await.unwrap();
                rooms.create("defaultRoom").await.unwrap();
                tokio::task::yield_now().await;
            }
        })
    };
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let mut peer: Peer = host.peer().await;
        let id = peer.id().await;
        let (rooms, joined) = (rooms.clone(), joined.clone());
        tasks.push(tokio::spawn(async move {
            let server = tokio::spawn(async move {
                for turn in 0..200 {
                    if turn % 2 == 0 {
                        if rooms.join(&id, "defaultRoom").await.is_ok() {
                            joined.fetch_add(1, Ordering::AcqRel);
                        }
                    } else {
                        rooms.leave(&id, "defaultRoom").await.ok();
                    }
                    tokio::task::yield_now().await;
                }
                joined
            });
            let mut own = 0;
            for _ in 0..100 {
                let response = peer
                    .ask(&json!({ "event": "roomAdd", "room": "defaultRoom" }))
                    .await;
                own += u32::from(response["data"] == true);
                peer.ask(&json!({ "event": "roomLeave", "room": "defaultRoom" }))
                    .await;
            }
            server.await.unwrap().fetch_add(own, Ordering::AcqRel);
            peer
        }));
    }
    let mut peers = Vec::new();
    for task in tasks {
        peers.push(soon("the clients", task).await.unwrap());
    }
    soon("the destroyer", destroyer).await.unwrap();
    // Who is in by its own account is in by the broker's.
    let mut known: Vec<String> = Vec::new();
    for peer in &mut peers {
        let id = peer.id().await;
        let details = peer.ask(&json!({ "event": "detailsView" })).await;
        if details["data"]["rooms"] == json!(["defaultRoom"]) {
            known.push(id);
        }
    }
    let status = rooms.status("defaultRoom").await.unwrap();
    let mut members: Vec<String> = status.members.iter().map(|m| m.id.to_string()).collect();
    members.sort();
    known.sort();
    assert_eq!(members, known);
    for peer in peers {
        peer.goodbye().await;
    }
    host.is_empty().await;
    until("the leave hooks", async || {
        left.load(Ordering::Acquire) >= joined.load(Ordering::Acquire)
    })
    .await;
}

/// The rooms of a connection that races against its own end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn joins_that_race_the_end_leave_nothing_behind() {
    let host = host(Stellar::builder()).await;
    let rooms = host.stellar.rooms();
    for _ in 0..100 {
        let mut peer = host.peer().await;
        let id = peer.id().await;
        let joining = tokio::spawn({
            let (rooms, id) = (rooms.clone(), id.clone());
            async move { rooms.join(&id, "defaultRoom").await.is_ok() }
        });
        let connection = host.stellar.connection(&id);
        peer.send(&json!({ "event": "roomAdd", "room": "defaultRoom" }))
            .await;
        if let Some(connection) = connection {
            connection.spark().abort();
        }
        drop(peer);
        joining.await.unwrap();
    }
    host.is_empty().await;
}

#[tokio::test]
async fn a_room_without_members_costs_nothing() {
    let host = host(Stellar::builder()).await;
    let mut peers = host.peers(10).await;
    for _ in 0..3 {
        for peer in &mut peers {
            peer.join("defaultRoom").await;
        }
        for peer in &mut peers {
            peer.leave("defaultRoom").await;
        }
    }
    let connections = host.stellar.connections();
    assert_eq!(connections.len(), 10);
    assert!(
        connections
            .iter()
            .all(|connection| connection.rooms().is_empty())
    );
    assert_eq!(host.stellar.transport().connections(), 10);
    for peer in peers {
        peer.goodbye().await;
    }
    host.is_empty().await;
    assert!(host.stellar.connections().is_empty());
    assert_eq!(host.stellar.transport().opened(), 10);
}

/// What was captured by a message is let go when the last member has left.
#[tokio::test]
async fn nothing_holds_on_to_a_connection_that_has_gone() {
    let builder = Stellar::builder().on_say_receive(async |_, say| {
        tokio::task::yield_now().await;
        Ok(say)
    });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    peer.say("defaultRoom", Value::Null).await;
    let weak = {
        let token = Arc::new(());
        let connection = host.stellar.connections().remove(0);
        let weak = Arc::downgrade(&token);
        connection.extensions().insert(token);
        weak
    };
    assert!(weak.upgrade().is_some());
    peer.goodbye().await;
    host.is_empty().await;
    until("its data is dropped", async || weak.upgrade().is_none()).await;
}
