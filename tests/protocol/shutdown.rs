//! The end of a server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use stellarfw::{Stellar, actions::ActionResult, transport::Shutdown};
use tokio::sync::Semaphore;

use crate::support::{error, host, soon, until};

#[tokio::test]
async fn clients_are_sent_away() {
    let host = host(Stellar::builder()).await;
    let mut peers = host.peers(3).await;
    for peer in &mut peers {
        peer.join("defaultRoom").await;
    }
    let forced = soon("the shutdown", host.stellar.shutdown(Shutdown::default()));
    let (forced, ()) = tokio::join!(forced, async {
        for peer in &mut peers {
            let (before, code) = peer.closed().await;
            assert_eq!(
                (before, code),
                (vec![json!("primus::server::close")], Some(1001))
            );
        }
        // They answer the goodbye by being read to the end.
        for peer in peers {
            peer.goodbye().await;
        }
    });
    assert_eq!(forced, 0);
    host.is_empty().await;
    assert!(host.connect("/primus", &[]).await.is_err());
}

#[tokio::test]
async fn clients_are_asked_to_come_again() {
    let mut host = host(Stellar::builder()).await;
    let mut peers = host.peers(3).await;
    host.stop();
    for peer in &mut peers {
        let (before, code) = peer.closed().await;
        assert_eq!((before, code), (vec![], Some(1001)));
    }
    for peer in peers {
        peer.goodbye().await;
    }
    host.stopped().await;
}

/// As long as a request over HTTP is under way, those over connections are told why they are
/// refused.
#[tokio::test]
async fn actions_are_refused_and_what_is_under_way_may_finish() {
    let (gate, begun) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicU32::new(0)));
    let (wait, count) = (gate.clone(), begun.clone());
    let builder = Stellar::builder()
        .action("slow", move || {
            let (wait, count) = (wait.clone(), count.clone());
            async move {
                count.fetch_add(1, Ordering::AcqRel);
                wait.acquire().await.unwrap().forget();
                ActionResult::Ok(json!({ "done": true }))
            }
        })
        .action("fast", async || ActionResult::Ok(json!({ "fast": true })));
    let mut host = host(builder).await;
    let mut peer = host.peer().await;
    let slow = json!({ "event": "action", "params": { "action": "slow" } });
    peer.send(&slow).await;
    let request = host.start("GET /api/slow", &[], b"").await;
    until("the actions' beginning", async || {
        begun.load(Ordering::Acquire) == 2
    })
    .await;
    host.stop();
    let refused = json!({ "error": error("006", "The server is shutting down") });
    soon("the refusal", async {
        while peer.call(json!({ "action": "fast" })).await != refused {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Verbs are still served.
    peer.join("defaultRoom").await;
    gate.add_permits(2);
    let reply = request.reply().await;
    assert_eq!((reply.status, &reply.json()["done"]), (200, &json!(true)));
    assert_eq!(peer.response_of(1).await["done"], true);
    let (before, code) = peer.closed().await;
    assert_eq!((before, code), (vec![], Some(1001)));
    peer.goodbye().await;
    host.stopped().await;
}

#[tokio::test]
async fn a_call_over_http_gets_006_too() {
    let host = host(Stellar::builder().action("a", async || ActionResult::Ok(()))).await;
    host.stellar.shutdown(Shutdown::default()).await;
    let reply = host.get("/api/a").await;
    let refusal = error("006", "The server is shutting down");
    assert_eq!((reply.status, &reply.json()["error"]), (503, &refusal));
}

/// A client that does not answer the goodbye is cut.
#[tokio::test]
async fn nobody_can_hold_it_up() {
    let builder = Stellar::builder().configure(|config| config.server.close_timeout = 600_000);
    let host = host(builder).await;
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    let deadline = Duration::from_millis(50);
    let options = Shutdown {
        reconnect: true,
        deadline,
    };
    let forced = soon("the shutdown", host.stellar.shutdown(options)).await;
    assert!(forced <= 1);
    host.is_empty().await;
    drop(peer);
}

/// Who asks is told when to come back; everyone else hears what they always did.
#[tokio::test]
async fn a_client_that_asks_is_told_when_to_reconnect() {
    let asks = |goodbye| json!({ "event": "detailsView", "params": { "goodbye": goodbye } });
    let told = json!({ "context": "goodbye", "reconnectWithin": 9_000 });
    for (within, drains) in [(9_000, true), (9_000, false), (0, true)] {
        let builder = Stellar::builder().configure(|config| {
            config.drain.reconnect_within = within;
        });
        let host = host(builder).await;
        let mut peers = host.peers(3).await;
        peers[0].ask(&asks(json!(true))).await;
        peers[1].ask(&asks(json!("true"))).await;
        let stellar = host.stellar.clone();
        let stopping = tokio::spawn(async move {
            let options = Shutdown {
                reconnect: true,
                ..Shutdown::default()
            };
            if drains {
                stellar.drain().await
            } else {
                stellar.shutdown(options).await
            }
        });
        for (at, peer) in peers.iter_mut().enumerate() {
            let (before, code) = peer.closed().await;
            let expected = if at == 0 && within > 0 {
                vec![told.clone()]
            } else {
                vec![]
            };
            assert_eq!(
                (before, code),
                (expected, Some(1001)),
                "{at} {within} {drains}"
            );
        }
        for peer in peers {
            peer.goodbye().await;
        }
        soon("the end", stopping).await.unwrap();
    }
    // One that is told to stay away is told nothing else.
    let builder = Stellar::builder().configure(|config| config.drain.reconnect_within = 9_000);
    let host = host(builder).await;
    let mut peer = host.peer().await;
    peer.ask(&asks(json!(true))).await;
    let stopping = host.stellar.shutdown(Shutdown::default());
    let (_, (before, _)) = tokio::join!(stopping, async {
        let heard = peer.closed().await;
        peer.goodbye().await;
        heard
    });
    assert_eq!(before, [json!("primus::server::close")]);
}
