//! What one client does wrong is that client's alone.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use serde_json::json;
use stellarfw::{
    Stellar,
    actions::ActionResult,
    transport::{InboxLimits, OutboxLimits},
};
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Peer, Received, error, host, soon, until};

/// Two clients that talk to each other.
async fn still_talk(ann: &mut Peer, bob: &mut Peer) {
    let id = ann.id().await;
    ann.say("defaultRoom", json!("still here")).await;
    assert_eq!(bob.heard("defaultRoom", Some(&id)).await, "still here");
    assert_eq!(ann.heard("defaultRoom", Some(&id)).await, "still here");
}

#[tokio::test]
async fn garbage() {
    let host = host(Stellar::builder()).await;
    let (mut ann, mut bob, mut bad) = (host.peer().await, host.peer().await, host.peer().await);
    for peer in [&mut ann, &mut bob, &mut bad] {
        peer.join("defaultRoom").await;
    }
    for n in 0..1_000_u32 {
        bad.send_message(Message::binary(n.to_le_bytes().to_vec()))
            .await;
        bad.send_raw("\"".repeat(n as usize % 50) + "x").await;
    }
    bad.send_raw("[".repeat(100_000)).await;
    bad.send_raw("{\"event\":\"say\",\"room\":\"defaultRoom\",\"message\":\"unfinished")
        .await;
    still_talk(&mut ann, &mut bob).await;
    // Even the one that sent it goes on.
    bad.recv().await;
    bad.leave("defaultRoom").await;
}

#[tokio::test]
async fn a_message_that_is_too_long() {
    const MAX: usize = 100_000;
    let host = host(Stellar::builder().configure(|config| config.server.max_length = MAX)).await;
    let (mut ann, mut bob, mut bad) = (host.peer().await, host.peer().await, host.peer().await);
    for peer in [&mut ann, &mut bob, &mut bad] {
        peer.join("defaultRoom").await;
    }
    let frame = r#"{"event":"nonsense","x":""}"#.len();
    let fits = format!(
        r#"{{"event":"nonsense","x":"{}"}}"#,
        "x".repeat(MAX - frame)
    );
    assert_eq!(bad.ask_text(fits.clone()).await["status"]["code"], "014");
    bad.send_raw(fits + " ").await;
    let (before, code) = bad.closed().await;
    assert_eq!((before, code), (vec![], Some(1009)));
    until("the member's leaving", async || {
        host.stellar
            .rooms()
            .status("defaultRoom")
            .await
            .unwrap()
            .members
            .len()
            == 2
    })
    .await;
    still_talk(&mut ann, &mut bob).await;
}

/// Verbs pile up behind one that waits: so many are kept, the others are refused at once.
#[tokio::test]
async fn more_verbs_than_may_wait() {
    let gate = Arc::new(Semaphore::new(0));
    let wait = gate.clone();
    let builder = Stellar::builder()
        .configure(|config| config.max_pending_verbs = 10)
        .room("slow")
        .on_join(move |_, room| {
            let wait = wait.clone();
            async move {
                if &*room == "slow" {
                    wait.acquire().await.unwrap().forget();
                }
                Ok(())
            }
        });
    let host = host(builder).await;
    let (mut ann, mut bob, mut bad) = (host.peer().await, host.peer().await, host.peer().await);
    for peer in [&mut ann, &mut bob, &mut bad] {
        peer.join("defaultRoom").await;
    }
    bad.send_all([json!({ "event": "roomAdd", "room": "slow" })])
        .await;
    let verbs = [
        json!({ "event": "detailsView" }),
        json!({ "event": "roomAdd", "room": "none" }),
        json!({ "event": "roomLeave", "room": "none" }),
        json!({ "event": "roomView", "room": "slow" }),
        json!({ "event": "say", "room": "defaultRoom", "message": 1 }),
    ];
    bad.send_all((0..100).map(|n| verbs[n % verbs.len()].clone()))
        .await;
    let refusal = error("007", "You have too many pending requests");
    for n in 10..100_usize {
        let response = bad.recv().await;
        assert_eq!(response["messageCount"], n + 3);
        let mut body = json!({ "status": refusal, "error": refusal });
        if matches!(n % 5, 1 | 2) {
            body["data"] = json!(false);
        }
        assert_eq!(crate::support::body_of(response, n as u64 + 3), body);
    }
    still_talk(&mut ann, &mut bob).await;
    gate.add_permits(1);
    for n in 0..11_usize {
        assert_eq!(bad.response_of(n as u64 + 2).await["messageCount"], n + 2);
    }
}

/// While a hook decides about a connection its messages are kept, and so many that the server
/// stops reading; nothing is lost, and nobody else waits.
#[tokio::test]
async fn more_messages_than_a_busy_opening_can_take() {
    let gate = Arc::new(Semaphore::new(0));
    let (wait, count) = (gate.clone(), Arc::new(AtomicU32::new(0)));
    let builder = Stellar::builder()
        .configure(|config| config.server.inbox = InboxLimits::new(8, 1 << 20))
        .with_server(move |server| {
            server.on_connection(move |_| {
                let (wait, count) = (wait.clone(), count.clone());
                async move {
                    // The third one waits.
                    if count.fetch_add(1, Ordering::AcqRel) == 2 {
                        wait.acquire().await.unwrap().forget();
                    }
                }
            })
        });
    let host = host(builder).await;
    let (mut ann, mut bob) = (host.peer().await, host.peer().await);
    ann.join("defaultRoom").await;
    bob.join("defaultRoom").await;
    let mut busy = host.connect("/primus", &[]).await.unwrap();
    busy.send_all((0..500).map(|n| json!({ "event": "nonsense", "n": n })))
        .await;
    still_talk(&mut ann, &mut bob).await;
    gate.add_permits(1);
    busy.welcomed().await;
    for n in 1..=500 {
        assert_eq!(busy.recv().await["messageCount"], n);
    }
}

#[tokio::test]
async fn a_client_that_does_not_read() {
    let builder = Stellar::builder()
        .configure(|config| config.server.outbox = OutboxLimits::new(100, 100_000));
    let host = host(builder).await;
    let (mut ann, mut bob, mut bad) = (host.peer().await, host.peer().await, host.peer().await);
    for peer in [&mut ann, &mut bob, &mut bad] {
        peer.join("defaultRoom").await;
    }
    let text = "x".repeat(50_000);
    soon("the slow one's end", async {
        while host.stellar.transport().slow_consumers() == 0 {
            let rooms = host.stellar.rooms();
            rooms.broadcast("defaultRoom", &text).await.unwrap();
            // Those who read hear everything meanwhile.
            assert_eq!(ann.heard("defaultRoom", None).await, text.as_str());
            assert_eq!(bob.heard("defaultRoom", None).await, text.as_str());
        }
    })
    .await;
    still_talk(&mut ann, &mut bob).await;
    assert_eq!(host.stellar.transport().slow_consumers(), 1);
    drop(bad);
    until("the member's leaving", async || {
        host.stellar
            .rooms()
            .status("defaultRoom")
            .await
            .unwrap()
            .members
            .len()
            == 2
    })
    .await;
}

#[tokio::test]
async fn a_panic() {
    let builder =
        Stellar::builder().action("breaks", async || -> ActionResult { panic!("it breaks") });
    let host = host(builder).await;
    let (mut ann, mut bob, mut bad) = (host.peer().await, host.peer().await, host.peer().await);
    for peer in [&mut ann, &mut bob, &mut bad] {
        peer.join("defaultRoom").await;
    }
    for _ in 0..10 {
        let response = bad.call(json!({ "action": "breaks" })).await;
        assert_eq!(response["error"]["code"], "001");
    }
    still_talk(&mut ann, &mut bob).await;
}

#[tokio::test]
async fn a_protocol_error_of_the_transport() {
    let host = host(Stellar::builder()).await;
    let (mut ann, mut bob) = (host.peer().await, host.peer().await);
    ann.join("defaultRoom").await;
    bob.join("defaultRoom").await;
    for _ in 0..5 {
        let mut bad = host.peer().await;
        bad.join("defaultRoom").await;
        bad.break_off().await;
    }
    until("the members' leaving", async || {
        host.stellar
            .rooms()
            .status("defaultRoom")
            .await
            .unwrap()
            .members
            .len()
            == 2
    })
    .await;
    still_talk(&mut ann, &mut bob).await;
}

#[tokio::test]
async fn many_calls_at_once() {
    let builder = Stellar::builder().action("wait", async || {
        std::future::pending::<()>().await;
        ActionResult::Ok(())
    });
    let host = host(builder).await;
    let (mut ann, mut bob, mut bad) = (host.peer().await, host.peer().await, host.peer().await);
    for peer in [&mut ann, &mut bob] {
        peer.join("defaultRoom").await;
    }
    bad.send_all((0..2_000).map(|_| json!({ "event": "action", "params": { "action": "wait" } })))
        .await;
    for count in 6..=2_000 {
        match bad.next().await {
            Received::Json(response) => {
                assert_eq!(response["messageCount"], count);
                assert_eq!(response["error"]["code"], "007");
            }
            closed @ Received::Closed(_) => panic!("{closed:?}"),
        }
    }
    still_talk(&mut ann, &mut bob).await;
}
