//! Actions over a connection: what they return, how many there may be, and how they end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stellarfw::{
    Builder, Connection, Stellar, StellarError,
    actions::{Action, ActionError, ActionResult, Call, Caller, FromCall, Params, Shared},
};
use tokio::sync::{Notify, Semaphore};

use crate::support::{Received, error, host, soon, until};

fn action(name: &str) -> Value {
    json!({ "event": "action", "params": { "action": name } })
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    item: String,
    #[serde(default = "one")]
    how_many: u32,
    note: Option<String>,
    kind: Kind,
}

fn one() -> u32 {
    1
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    Express,
    Plain,
}

#[derive(Serialize)]
struct Ordered {
    item: String,
    total: u32,
    note: Option<String>,
    kind: Kind,
}

#[tokio::test]
async fn typed_parameters_and_typed_results() {
    let builder = Stellar::builder().action("order", async |Params(order): Params<Order>| {
        ActionResult::Ok(Ordered {
            item: order.item,
            total: order.how_many * 7,
            note: order.note,
            kind: order.kind,
        })
    });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let params =
        json!({ "action": "order", "item": "tea", "howMany": 3, "kind": "express", "other": [1] });
    peer.send(&json!({ "event": "action", "params": params }))
        .await;
    assert_eq!(
        peer.recv().await,
        json!({
            "item": "tea", "total": 21, "note": null, "kind": "express",
            "messageCount": 1, "context": "response",
        })
    );
    let params = json!({ "action": "order", "item": "tea", "note": "n", "kind": "plain" });
    let expected = json!({ "item": "tea", "total": 7, "note": "n", "kind": "plain" });
    assert_eq!(peer.call(params).await, expected);
    let params = json!({ "action": "order", "item": "tea", "kind": "slow" });
    let response = peer.call(params).await;
    assert_eq!(response["error"]["kind"]["code"], "003");
}

#[tokio::test]
async fn results_of_every_kind() {
    let builder = Stellar::builder()
        .action("unit", async || ActionResult::Ok(()))
        .action("text", async || ActionResult::Ok("text"))
        .action("number", async || ActionResult::Ok(1.5))
        .action("bool", async || ActionResult::Ok(false))
        .action("list", async || ActionResult::Ok(vec![json!(1), json!({})]))
        .action("none", async || ActionResult::Ok(None::<u8>))
        .action("empty", async || ActionResult::Ok(json!({})))
        .action("own", async || {
            ActionResult::Ok(
                json!({ "context": "alert", "messageCount": 99, "messageId": 1, "a": 1 }),
            )
        })
        .action("impossible", async || {
            ActionResult::Ok(json!({ "a": 1 }).as_object().map(|_| NoJson))
        });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    for (name, expected) in [
        ("unit", json!({})),
        ("text", json!({ "data": "text" })),
        ("number", json!({ "data": 1.5 })),
        ("bool", json!({ "data": false })),
        ("list", json!({ "data": [1, {}] })),
        ("none", json!({ "data": null })),
        ("empty", json!({})),
        (
            "impossible",
            json!({ "error": error("001", "The server experienced an internal error") }),
        ),
    ] {
        peer.expect(action(name), expected).await;
    }
    // What every response has cannot be set by the action.
    let response = peer.ask(&action("own")).await;
    assert_eq!(response["a"], 1);
    assert_eq!(response["context"], "response");
    assert_eq!(response["messageCount"], peer.count);
}

struct NoJson;

impl Serialize for NoJson {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it has no JSON form"))
    }
}

#[tokio::test]
async fn errors_of_every_kind() {
    let builder = Stellar::builder()
        .action("text", async || ActionResult::<()>::Err("sold out".into()))
        .action("object", async || {
            ActionResult::<()>::Err(json!({ "code": "x", "left": [0] }).into())
        })
        .action("coded", async || {
            ActionResult::<()>::Err(StellarError::not_in_room("c", "r").into())
        })
        .action("named", async || {
            ActionResult::<()>::Err(StellarError::room_deleted("r").into())
        })
        .action("beside", async || {
            let error = ActionError::from("no")
                .with("tried", 3)
                .with("error", "not this");
            ActionResult::<()>::Err(error)
        });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    for (name, expected) in [
        ("text", json!({ "error": "sold out" })),
        ("object", json!({ "error": { "code": "x", "left": [0] } })),
        (
            "coded",
            json!({ "error": error("016", "Connection (c) not in room (r)") }),
        ),
        (
            "named",
            json!({ "error": {
                "code": "018",
                "message": "Room (r) has been deleted",
                "name": "ConnectionRoomHasBeenDeleted Error",
            } }),
        ),
        ("beside", json!({ "tried": 3, "error": "no" })),
    ] {
        peer.expect(action(name), expected).await;
    }
}

#[tokio::test]
async fn declared_inputs_are_required() {
    let ok = async || ActionResult::Ok(());
    let builder = Stellar::builder().add_action(
        Action::new("a", ok)
            .requires("x")
            .requires("y")
            .accepts("z"),
    );
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let missing = |name: &str| format!("The {name} field is required.");
    for (params, fields) in [
        (json!({ "action": "a" }), vec!["x", "y"]),
        (json!({ "action": "a", "x": null, "y": 0 }), vec!["x"]),
        (json!({ "action": "a", "x": false }), vec!["y"]),
        (json!({ "action": "a", "x": [], "y": {}, "z": 1 }), vec![]),
    ] {
        let error: serde_json::Map<_, _> = fields
            .iter()
            .map(|name| (name.to_string(), json!(missing(name))))
            .collect();
        let expected = if fields.is_empty() {
            json!({})
        } else {
            json!({ "error": error })
        };
        assert_eq!(peer.call(params).await, expected);
    }
}

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
    let (builder, gate, begun) = waiting(Stellar::builder());
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
    assert_eq!(connection.pending_actions(), 2);
    gate.add_permits(2);
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

#[derive(Debug)]
struct Pool(u32);

/// An extractor of the application's own.
struct Session(String);

impl FromCall for Session {
    fn from_call(call: &Call) -> Result<Self, ActionError> {
        let session = call.caller().fingerprint();
        session
            .map(|id| Self(id.to_owned()))
            .ok_or_else(|| "no session".into())
    }
}

#[tokio::test]
async fn what_an_action_can_take() {
    let builder = Stellar::builder()
        .share(Pool(7))
        .action("call", async |call: Call| {
            ActionResult::Ok(json!({ "name": call.action().name(), "value": call.value() }))
        })
        .action("caller", async |caller: Caller| {
            let connection = caller
                .connection()
                .map(|connection| connection.id().to_string());
            ActionResult::Ok(json!({ "transport": caller.transport(), "id": connection }))
        })
        .action("connection", async |connection: Connection| {
            ActionResult::Ok(json!({ "id": connection.id().as_str() }))
        })
        .action("shared", async |pool: Shared<Pool>| {
            ActionResult::Ok(json!({ "pool": pool.0 }))
        })
        .action("unshared", async |_: Shared<String>| ActionResult::Ok(()))
        .action("stellar", async |stellar: Stellar| {
            ActionResult::Ok(json!({ "rooms": stellar.rooms().list().await? }))
        })
        .action("session", async |session: Session| {
            ActionResult::Ok(json!({ "id": session.0 }))
        })
        .action(
            "all",
            async |call: Call,
                   _: Caller,
                   _: Connection,
                   pool: Shared<Pool>,
                   _: Stellar,
                   Params(n): Params<Value>,
                   _: Params<Value>,
                   _: Call| {
                ActionResult::Ok(
                    json!({ "n": n["n"], "pool": pool.0, "version": call.action().version() }),
                )
            },
        );
    let host = host(builder).await;
    let mut peer = host
        .connect("/primus", &[("cookie", "a=b; sessionID=abc")])
        .await
        .unwrap();
    peer.welcomed().await;
    let id = peer.id().await;
    let params = json!({ "action": "call", "x": [1] });
    assert_eq!(
        peer.call(params.clone()).await,
        json!({ "name": "call", "value": params })
    );
    peer.expect(action("caller"), json!({ "transport": "ws", "id": id }))
        .await;
    peer.expect(action("connection"), json!({ "id": id })).await;
    peer.expect(action("shared"), json!({ "pool": 7 })).await;
    let internal = json!({ "error": error("001", "The server experienced an internal error") });
    peer.expect(action("unshared"), internal.clone()).await;
    peer.expect(action("stellar"), json!({ "rooms": ["defaultRoom"] }))
        .await;
    peer.expect(action("session"), json!({ "id": "abc" })).await;
    let all = peer.call(json!({ "action": "all", "n": 5 })).await;
    assert_eq!(all, json!({ "n": 5, "pool": 7, "version": 1 }));
    let mut stranger = host.peer().await;
    stranger
        .expect(action("session"), json!({ "error": "no session" }))
        .await;

    let reply = host.get("/api/caller").await;
    assert_eq!(
        (reply.status, &reply.json()["transport"]),
        (200, &json!("http"))
    );
    let reply = host.get("/api/connection").await;
    let blocked = error(
        "005",
        "This action does not support the http connection type",
    );
    assert_eq!((reply.status, &reply.json()["error"]), (400, &blocked));
    let reply = host.get("/api/unshared").await;
    assert_eq!(
        (reply.status, &reply.json()["error"]),
        (500, &internal["error"])
    );
}

#[tokio::test]
async fn an_action_may_use_the_rooms_of_its_caller() {
    let builder =
        Stellar::builder().action("enter", async |connection: Connection, stellar: Stellar| {
            let rooms = stellar.rooms();
            rooms.join(connection.id(), "defaultRoom").await?;
            rooms.broadcast("defaultRoom", "entered").await?;
            connection.push(&json!({ "to": "you" })).ok();
            rooms.leave(connection.id(), "defaultRoom").await?;
            rooms.leave(connection.id(), "defaultRoom").await?;
            ActionResult::Ok(())
        });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let id = peer.id().await;
    peer.send(&action("enter")).await;
    assert_eq!(peer.heard("defaultRoom", None).await, "entered");
    assert_eq!(peer.recv().await, json!({ "to": "you", "context": "api" }));
    let response = peer.response().await;
    let not_in = error(
        "016",
        format!("Connection ({id}) not in room (defaultRoom)"),
    );
    assert_eq!(peer.body(response), json!({ "error": not_in }));
}

#[tokio::test]
async fn an_action_may_end_its_caller() {
    let builder = Stellar::builder().action("kick", async |connection: Connection| {
        connection.spark().end();
        ActionResult::Ok(json!({ "never": "seen" }))
    });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    peer.send(&action("kick")).await;
    let (before, code) = peer.closed().await;
    assert_eq!(
        (before, code),
        (vec![json!("primus::server::close")], Some(1000))
    );
    host.is_empty().await;
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
