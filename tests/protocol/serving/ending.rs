//! Stopping in an orderly way.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};
use stellarfw::{actions::ActionResult, config::DrainConfig};
use tokio::sync::Semaphore;

use super::who;
use crate::support::{error, host, until};

#[tokio::test]
async fn connections_leave_in_waves_and_with_their_answers() {
    let (gate, begun) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicU32::new(0)));
    let (wait, count) = (gate.clone(), begun.clone());
    let builder = who()
        .configure(|config| {
            config.drain = DrainConfig::default();
            config.drain.spread = 300;
            config.drain.deadline = 60_000;
        })
        .action("slow", move || {
            let (wait, count) = (wait.clone(), count.clone());
            async move {
                count.fetch_add(1, Ordering::AcqRel);
                wait.acquire().await.unwrap().forget();
                ActionResult::Ok(json!({ "done": true }))
            }
        });
    let mut host = host(builder).await;
    let mut busy = host.peer().await;
    busy.send(&json!({ "event": "action", "params": { "action": "slow" } }))
        .await;
    let slow = busy.count;
    until("its beginning", async || begun.load(Ordering::Acquire) == 1).await;
    let idle = host.peers(9).await;
    host.stop();
    for mut peer in idle {
        let (before, code) = peer.closed().await;
        assert_eq!((before, code), (vec![], Some(1001)));
        peer.goodbye().await;
    }
    // Nobody new, and nothing new of those who are to leave.
    assert!(host.connect("/primus", &[]).await.is_err());
    let refused = json!({ "error": error("006", "The server is shutting down") });
    loop {
        let answer = busy.call(json!({ "action": "who" })).await;
        if answer == refused {
            break;
        }
        assert_eq!(answer["who"], "me");
    }
    gate.add_permits(1);
    let answer = busy.response_of(slow).await;
    assert_eq!(answer["done"], true);
    let (before, code) = busy.closed().await;
    assert_eq!((before, code), (vec![], Some(1001)));
    busy.goodbye().await;
    host.stopped().await;
}

#[tokio::test]
async fn what_never_ends_is_cut_at_the_deadline() {
    let builder = who()
        .configure(|config| {
            config.drain = DrainConfig::default();
            config.drain.deadline = 50;
        })
        .action("never", async || {
            std::future::pending::<()>().await;
            ActionResult::Ok(json!({}))
        });
    let mut host = host(builder).await;
    let mut peer = host.peer().await;
    peer.send(&json!({ "event": "action", "params": { "action": "never" } }))
        .await;
    until("its beginning", async || {
        host.stellar
            .connections()
            .iter()
            .any(|c| c.pending_actions() == 1)
    })
    .await;
    host.stop();
    let (before, _) = peer.closed().await;
    assert_eq!(before, Vec::<Value>::new());
    peer.goodbye().await;
    host.stopped().await;
}
