//! Actions that go wrong: whatever they do, their callers get one answer and their places back.

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
    actions::{Action, ActionResult, Call, SendFile},
    transport::Parser,
};

use crate::support::{Peer, error, host, until};

const MAX: usize = 10_000;

/// A value whose form fails half-way.
struct Broken;

impl serde::Serialize for Broken {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it has no form"))
    }
}

/// Counts how many are alive.
struct Alive(Arc<AtomicU32>);

impl Alive {
    fn new(count: &Arc<AtomicU32>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn builder(alive: &Arc<AtomicU32>, parser: Parser) -> Builder {
    let (kept, endless) = (alive.clone(), alive.clone());
    Stellar::builder()
        .parser(parser)
        .configure(|config| config.server.max_length = MAX)
        .action("fine", async || ActionResult::Ok(json!({ "fine": true })))
        .action("panics", async || -> ActionResult { panic!("at once") })
        .action("panics_later", async || -> ActionResult {
            tokio::task::yield_now().await;
            panic!("later")
        })
        .add_action(
            Action::new("endless", move || {
                let alive = Alive::new(&endless);
                async move {
                    let _alive = alive;
                    std::future::pending::<()>().await;
                    ActionResult::Ok(())
                }
            })
            .within(Duration::from_millis(5)),
        )
        .action("waits", move || {
            let alive = Alive::new(&kept);
            async move {
                let _alive = alive;
                std::future::pending::<()>().await;
                ActionResult::Ok(())
            }
        })
        .action("long", async || ActionResult::Ok("x".repeat(2 * MAX)))
        .action("long_error", async || -> ActionResult {
            Err("x".repeat(2 * MAX).into())
        })
        .action("broken", async || ActionResult::Ok(Broken))
        .action("refuses", async || -> ActionResult { Err("no".into()) })
        .action("no_file", async || {
            ActionResult::Ok(SendFile("none.txt".into()))
        })
        .action("calls", async |call: Call| {
            let name = call.value()["name"].as_str().unwrap_or_default().to_owned();
            call.call(&name, json!({})).await
        })
}

/// Every way to go wrong but the lengths, which differ by codec, with its answer and HTTP status.
fn cases() -> Vec<(Value, Value, u16)> {
    let internal = || error("001", "The server experienced an internal error");
    let timeout = || error("022", "Response timeout for action 'endless'");
    let of = |action: &str| json!({ "action": action });
    let inside = |name: &str| json!({ "action": "calls", "name": name });
    vec![
        (of("fine"), json!({ "fine": true }), 200),
        (of("panics"), json!({ "error": internal() }), 500),
        (of("panics_later"), json!({ "error": internal() }), 500),
        (of("broken"), json!({ "error": internal() }), 500),
        (of("endless"), json!({ "error": timeout() }), 400),
        (of("refuses"), json!({ "error": "no" }), 400),
        // What goes wrong in an action that it calls is its own error.
        (inside("panics"), json!({ "error": internal() }), 500),
        (inside("broken"), json!({ "error": internal() }), 500),
        (inside("endless"), json!({ "error": timeout() }), 400),
        (inside("refuses"), json!({ "error": "no" }), 400),
        (
            inside("calls"),
            json!({ "error": error("004", "Unknown action () or invalid apiVersion") }),
            404,
        ),
    ]
}

async fn pending(peer: &mut Peer) -> Value {
    let details = peer.ask(&json!({ "event": "detailsView" })).await;
    details["data"]["pendingActions"].clone()
}

#[tokio::test]
async fn each_has_one_answer_and_gives_its_place_back() {
    for parser in [Parser::Json, Parser::MessagePack] {
        let alive = Arc::new(AtomicU32::new(0));
        let host = host(builder(&alive, parser.clone())).await;
        let peer = host.connect("/primus", &[]).await.unwrap();
        let mut peer = peer.speaking(parser);
        peer.welcomed().await;
        // More often than there are places.
        for _ in 0..10 {
            for (params, answer, _) in cases() {
                assert_eq!(peer.call(params.clone()).await, answer, "{params}");
                assert_eq!(pending(&mut peer).await, 0, "{params}");
            }
            for action in ["long", "long_error"] {
                let response = peer.call(json!({ "action": action })).await;
                let message = response["error"]["message"].as_str().unwrap();
                assert_eq!(response["error"]["code"], "008", "{response:.200}");
                assert!(
                    message.ends_with(&format!(" received/{MAX} max)")),
                    "{message}"
                );
                assert_eq!(pending(&mut peer).await, 0);
            }
            let file = peer.call(json!({ "action": "no_file" })).await;
            assert_eq!(file["error"], error("010", "The requested file not exists"));
            assert_eq!(pending(&mut peer).await, 0);
        }
        assert_eq!(alive.load(Ordering::Acquire), 0);
        peer.heard_nothing_more().await;
    }
}

#[tokio::test]
async fn each_has_its_status_over_http() {
    let alive = Arc::new(AtomicU32::new(0));
    let host = host(builder(&alive, Parser::Json)).await;
    for (params, answer, status) in cases() {
        let reply = host.post("/api", &params.to_string()).await;
        assert_eq!(reply.status, status, "{params}");
        for (field, value) in answer.as_object().unwrap() {
            assert_eq!(&reply.json()[field], value, "{params}");
        }
    }
    // What a message may hold is no bound of an HTTP answer.
    let reply = host.get("/api/long").await;
    assert_eq!(
        (reply.status, reply.json()["data"].as_str().map(str::len)),
        (200, Some(2 * MAX))
    );
    assert_eq!(alive.load(Ordering::Acquire), 0);
}

/// A client that has gone gets nothing, and keeps nothing from the others.
#[tokio::test]
async fn whose_client_has_gone() {
    let alive = Arc::new(AtomicU32::new(0));
    let builder = builder(&alive, Parser::Json).configure(|config| config.action_timeout = 200);
    let host = host(builder).await;
    let mut connections = Vec::new();
    for way in 0..3 {
        let mut peer = host.peer().await;
        peer.send_all(
            (0..5).map(|_| json!({ "event": "action", "params": { "action": "waits" } })),
        )
        .await;
        until("the actions' beginning", async || {
            alive.load(Ordering::Acquire) >= 5
        })
        .await;
        connections.push(host.stellar.connections().remove(0));
        match way {
            0 => peer.goodbye().await,
            1 => peer.break_off().await,
            _ => drop(peer),
        }
        host.is_empty().await;
        until("the actions' end", async || {
            alive.load(Ordering::Acquire) == 0
        })
        .await;
    }
    for connection in connections {
        until("the places", async || connection.pending_actions() == 0).await;
    }
    let mut peer = host.peer().await;
    assert_eq!(
        peer.call(json!({ "action": "fine" })).await,
        json!({ "fine": true })
    );
    // Nor does one that has gone during its HTTP request.
    drop(host.start("GET /api/waits", &[], b"").await);
    until("the action's end", async || {
        alive.load(Ordering::Acquire) == 0
    })
    .await;
    assert_eq!(host.get("/api/fine").await.status, 200);
}
