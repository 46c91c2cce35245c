//! Many clients and many messages.

use serde_json::{Value, json};
use stellarfw::{
    Stellar,
    actions::{ActionResult, Params},
    transport::OutboxLimits,
};

use crate::support::{Received, host};

/// Each member hears each message once, and those of one sender in the order they were said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_members_hear_everything_once_and_in_order() {
    const MEMBERS: usize = 200;
    const SPEAKERS: usize = 4;
    const EACH: usize = 25;
    let host = host(Stellar::builder().room("silent")).await;
    let mut peers = host.peers(MEMBERS).await;
    let mut ids = Vec::new();
    for peer in &mut peers {
        peer.join("defaultRoom").await;
        ids.push(peer.id().await);
    }
    let mut outsider = host.peer().await;
    outsider.join("silent").await;

    let mut tasks = Vec::new();
    for (at, mut peer) in peers.into_iter().enumerate() {
        let ids = ids.clone();
        tasks.push(tokio::spawn(async move {
            let mut unanswered = 0;
            if at < SPEAKERS {
                let say = |n: usize| json!({ "event": "say", "room": "defaultRoom", "message": n });
                peer.send_all((0..EACH).map(say)).await;
                unanswered = EACH;
            }
            let mut next = [0; SPEAKERS];
            while unanswered > 0 || next != [EACH; SPEAKERS] {
                let heard = peer.recv().await;
                if heard["context"] == "response" {
                    assert_eq!(heard["status"], "OK");
                    unanswered -= 1;
                    continue;
                }
                let from = ids
                    .iter()
                    .position(|id| heard["from"] == id.as_str())
                    .unwrap();
                assert_eq!(heard["message"], next[from], "from {from} to {at}");
                next[from] += 1;
            }
            peer.heard_nothing_more().await;
            peer
        }));
    }
    let mut peers = Vec::new();
    for task in tasks {
        peers.push(task.await.unwrap());
    }
    outsider.heard_nothing_more().await;
    outsider.goodbye().await;
    drop(peers);
    host.is_empty().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_in_order_both_ways() {
    const COUNT: u64 = 10_000;
    let builder = Stellar::builder()
        .configure(|config| config.server.outbox = OutboxLimits::new(64_000, 64 << 20))
        .action("echo", async |Params(params): Params<Value>| {
            ActionResult::Ok(json!({ "n": params["n"] }))
        });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    let first = peer.count + 1;
    let message = |n: u64| match n % 2 {
        0 => json!({ "event": "say", "room": "defaultRoom", "message": n }),
        _ => json!({ "event": "action", "params": { "action": "echo", "n": n } }),
    };
    let (mut answered, mut heard) = (0, 0);
    let mut sent = 0;
    while answered < COUNT {
        // In large pieces, as a pipe would have them.
        if sent < COUNT && sent - answered < 2_000 {
            peer.send_all((sent..sent + 1_000).map(message)).await;
            sent += 1_000;
        }
        let value = peer.recv().await;
        if value["context"] == "response" {
            assert_eq!(value["messageCount"], first + answered);
            if answered % 2 == 1 {
                assert_eq!(value["n"], answered);
            }
            answered += 1;
        } else {
            assert_eq!(value["message"], heard);
            heard += 2;
        }
    }
    while heard < COUNT {
        assert_eq!(peer.recv().await["message"], heard);
        heard += 2;
    }
    let connection = host.stellar.connections().remove(0);
    for n in 0..COUNT {
        connection.push(&json!({ "n": n })).unwrap();
    }
    for n in 0..COUNT {
        assert_eq!(peer.recv().await["n"], n);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_come_and_go_leave_nothing_behind() {
    let host = host(Stellar::builder()).await;
    for turn in 0..10 {
        let mut peers = host.peers(30).await;
        for (at, peer) in peers.iter_mut().enumerate() {
            if at % 3 != 0 {
                peer.join("defaultRoom").await;
            }
        }
        let connections = host.stellar.connections();
        for (at, mut peer) in peers.into_iter().enumerate() {
            match at % 4 {
                0 => peer.goodbye().await,
                1 => drop(peer),
                2 => peer.send(&json!({ "event": "quit" })).await,
                _ => {
                    let id = peer.id().await;
                    let found = connections.iter().find(|c| c.id().as_str() == id);
                    found.unwrap().spark().end_with_reconnect();
                    while let Received::Json(_) = peer.next().await {}
                }
            }
        }
        host.is_empty().await;
        assert_eq!(host.stellar.transport().opened(), (turn + 1) * 30);
    }
}
