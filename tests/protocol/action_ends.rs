//! How actions end, how many there may be at once, and in which order they answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use stellarfw::{
    Builder, Stellar,
    actions::{Action, ActionResult, Call, Params},
};
use tokio::sync::{Notify, Semaphore};

use super::actions::action;
use crate::support::{Received, error, host, soon, until};

#[tokio::test]
async fn a_panic_is_an_internal_error_and_no_more() {
    let builder = Stellar::builder()
        .action("at_once", async || -> ActionResult { panic!("at once") })
        .action("before", || -> std::future::Ready<ActionResult> {
            panic!("before it begins")
        })
        .action("later", async || -> ActionResult {
            tokio::task::yield_now().await;
            panic!("later")
        })
        .action("fine", async || ActionResult::Ok(json!({ "fine": true })));
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let internal = json!({ "error": error("001", "The server experienced an internal error") });
    for name in ["at_once", "before", "later", "at_once"] {
        peer.expect(action(name), internal.clone()).await;
        peer.expect(action("fine"), json!({ "fine": true })).await;
        let details = peer.ask(&json!({ "event": "detailsView" })).await;
        assert_eq!(details["data"]["pendingActions"], 0);
    }
}

#[tokio::test]
async fn one_more_than_may_be_under_way_is_refused_at_once() {
    let (builder, gate, _) = waiting(Stellar::builder());
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let call = |n: u64| json!({ "event": "action", "params": { "action": "wait", "n": n } });
    peer.send_all((1..=7).map(call)).await;
    let refused = json!({ "error": error("007", "You have too many pending requests") });
    for count in [6, 7] {
        let response = peer.recv().await;
        assert_eq!(crate::support::body_of(response, count), refused);
    }
    let details = peer.ask(&json!({ "event": "detailsView" })).await;
    assert_eq!(details["data"]["pendingActions"], 5);
    assert_eq!(
        details["data"]["totalActions"], 5,
        "what was refused was not called"
    );
    // Another connection has places of its own.
    let mut other = host.peer().await;
    other.send(&call(1)).await;
    gate.add_permits(6);
    let mut counts = Vec::new();
    for _ in 0..5 {
        let response = peer.recv().await;
        assert_eq!(response["n"], response["messageCount"]);
        counts.push(response["messageCount"].as_u64().unwrap());
    }
    counts.sort_unstable();
    assert_eq!(counts, [1, 2, 3, 4, 5]);
    assert_eq!(other.response().await["n"], 1);
    // A response that has come has given its place free.
    let details = peer.ask(&json!({ "event": "detailsView" })).await;
    assert_eq!(details["data"]["pendingActions"], 0);
    gate.add_permits(1);
    assert_eq!(peer.ask(&call(8)).await["n"], 8);
    peer.heard_nothing_more().await;
}

#[tokio::test]
async fn how_many_is_a_setting() {
    let (builder, gate, _) =
        waiting(Stellar::builder().configure(|config| config.simultaneous_actions = 1));
    let host = host(builder).await;
    let mut peer = host.peer().await;
    for _ in 0..20 {
        peer.send_all([action("wait"), action("wait")]).await;
        assert_eq!(peer.response().await["error"]["code"], "007");
        gate.add_permits(1);
        let first = peer.count - 1;
        assert!(peer.response_of(first).await.get("error").is_none());
    }
}

#[tokio::test]
async fn what_comes_after_the_timeout_is_dropped() {
    let (sent, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (go, gone) = (sent.clone(), dropped.clone());
    struct Told(Arc<Notify>);
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let slow = move || {
        let (go, told) = (go.clone(), Told(gone.clone()));
        async move {
            let _told = told;
            go.notified().await;
            ActionResult::Ok(json!({ "late": true }))
        }
    };
    let builder = Stellar::builder()
        .configure(|config| config.action_timeout = 20)
        .action("slow", slow)
        .add_action(
            Action::new("patient", async || {
                tokio::time::sleep(Duration::from_millis(60)).await;
                ActionResult::Ok(json!({ "patient": true }))
            })
            .within(Duration::from_secs(60)),
        );
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let timeout = json!({ "error": error("022", "Response timeout for action 'slow'") });
    peer.expect(action("slow"), timeout).await;
    soon("the action's end", dropped.notified()).await;
    sent.notify_one();
    let details = peer.ask(&json!({ "event": "detailsView" })).await;
    assert_eq!(details["data"]["pendingActions"], 0);
    peer.expect(action("patient"), json!({ "patient": true }))
        .await;
    peer.heard_nothing_more().await;
}

#[tokio::test]
async fn a_result_that_is_too_long_is_not_sent() {
    const MAX: usize = 10_000;
    let builder = Stellar::builder()
        .configure(|config| config.server.max_length = MAX)
        .action("text", async |Params(params): Params<Value>| {
            let length = params["length"].as_u64().unwrap_or_default();
            ActionResult::Ok(json!({ "text": "x".repeat(length as usize) }))
        });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let response = peer
        .call(json!({ "action": "text", "length": 2 * MAX }))
        .await;
    let whole = 2 * MAX + r#"{"text":"","messageCount":1,"context":"response"}"#.len();
    let message = format!("Data length is too big ({whole} received/{MAX} max)");
    assert_eq!(response, json!({ "error": error("008", message) }));
    let fits = MAX - r#"{"text":"","messageCount":2,"context":"response"}"#.len();
    let response = peer.call(json!({ "action": "text", "length": fits })).await;
    assert_eq!(response["text"].as_str().unwrap().len(), fits);
    let response = peer
        .call(json!({ "action": "text", "length": fits + 1 }))
        .await;
    assert_eq!(response["error"]["code"], "008");
}

#[tokio::test]
async fn a_client_that_leaves_during_its_action_leaves_nothing_behind() {
    let (builder, _gate, begun) = waiting(Stellar::builder());
    let host = host(builder).await;
    let mut peer = host.peer().await;
    peer.send_all([action("wait"), action("wait")]).await;
    until("the actions' beginning", async || {
        begun.load(Ordering::Acquire) == 2
    })
    .await;
    let connection = host.stellar.connections().remove(0);
    peer.goodbye().await;
    host.is_empty().await;
    until("the actions' end", async || {
        connection.pending_actions() == 0
    })
    .await;
}

#[tokio::test]
async fn verbs_do_not_wait_for_actions() {
    let (builder, gate, _) = waiting(Stellar::builder());
    let host = host(builder).await;
    let mut peer = host.peer().await;
    peer.send(&action("wait")).await;
    peer.join("defaultRoom").await;
    peer.say("defaultRoom", json!("beside")).await;
    let id = peer.id().await;
    assert_eq!(peer.heard("defaultRoom", Some(&id)).await, "beside");
    gate.add_permits(1);
    assert!(peer.response_of(1).await.get("error").is_none());
}

#[tokio::test]
async fn actions_overtake_each_other() {
    let first = Arc::new(Notify::new());
    let (wait, done) = (first.clone(), first.clone());
    let builder = Stellar::builder()
        .action("first", move || {
            let wait = wait.clone();
            async move {
                wait.notified().await;
                ActionResult::Ok(())
            }
        })
        .action("second", move || {
            done.notify_one();
            async { ActionResult::Ok(()) }
        });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    peer.send_all([action("first"), action("second")]).await;
    assert_eq!(peer.recv().await["messageCount"], 2);
    assert_eq!(peer.recv().await["messageCount"], 1);
}

/// An action `wait` that takes until a permit is given, and counts how often it has begun.
fn waiting(builder: Builder) -> (Builder, Arc<Semaphore>, Arc<AtomicU32>) {
    let (gate, begun) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicU32::new(0)));
    let (wait, count) = (gate.clone(), begun.clone());
    let builder = builder.action("wait", move |Params(params): Params<Value>| {
        let (wait, count) = (wait.clone(), count.clone());
        async move {
            count.fetch_add(1, Ordering::AcqRel);
            wait.acquire().await.unwrap().forget();
            ActionResult::Ok(json!({ "n": params["n"] }))
        }
    });
    (builder, gate, begun)
}

/// Every request of many gets its one response, whatever becomes of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_response_for_each_request() {
    let builder = Stellar::builder()
        .action("now", async |call: Call| {
            ActionResult::Ok(json!({ "n": call.value()["n"] }))
        })
        .action("later", async |call: Call| {
            tokio::task::yield_now().await;
            ActionResult::Ok(json!({ "n": call.value()["n"] }))
        })
        .action("fails", async || ActionResult::<()>::Err("no".into()))
        .action("breaks", async || -> ActionResult { panic!("it breaks") })
        .add_action(
            Action::new("hangs", async || {
                std::future::pending::<()>().await;
                ActionResult::Ok(())
            })
            .within(Duration::from_millis(5)),
        );
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let names = ["now", "later", "fails", "breaks", "hangs", "none"];
    let mut answered = vec![0_u32; 601];
    for _ in 0..20 {
        let first = peer.count + 1;
        peer.send_all((0..30).map(|n| {
            json!({ "event": "action", "params": { "action": names[n % names.len()], "n": first + n as u64 } })
        }))
        .await;
        for _ in 0..30 {
            let response = match peer.next().await {
                Received::Json(value) => value,
                closed @ Received::Closed(_) => panic!("{closed:?}"),
            };
            let count = response["messageCount"].as_u64().unwrap();
            answered[count as usize] += 1;
            if let Some(n) = response.get("n") {
                assert_eq!(n, &response["messageCount"]);
            }
        }
    }
    assert!(
        answered[1..].iter().all(|times| *times == 1),
        "{answered:?}"
    );
    peer.heard_nothing_more().await;
}
