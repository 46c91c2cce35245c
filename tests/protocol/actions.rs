//! Actions over a connection: what they take and what they return.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stellarfw::{
    Connection, Stellar, StellarError,
    actions::{Action, ActionError, ActionResult, Call, Caller, FromCall, Params, Shared},
};

use crate::support::{error, host};

pub(super) fn action(name: &str) -> Value {
    json!({ "event": "action", "params": { "action": name } })
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
    let session = host.session();
    let cookie = format!("a=b; sessionID={}", session.token());
    let mut peer = host
        .connect("/primus", &[("cookie", cookie.as_str())])
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
    peer.expect(action("session"), json!({ "id": session.fingerprint() }))
        .await;
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
