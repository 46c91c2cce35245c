//! Declared inputs, and middleware of actions, connections and chat.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU32, Ordering},
};

use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use stellarfw::{
    BuildError, ChatMiddleware, ConnectionMiddleware, Stellar, StellarError,
    actions::{
        Action, ActionError, ActionResult, Call, Caller, Format, Input, Middleware, Params,
        SendFile,
    },
};
use tokio::sync::Notify;

use crate::support::{Folder, error, host, until};

/// An action that gives back what it got.
fn echo(name: &str) -> Action {
    Action::new(name, async |call: Call| {
        let mut value = call.value();
        if let Some(map) = value.as_object_mut() {
            map.shift_remove("action");
        }
        ActionResult::Ok(value)
    })
}

#[tokio::test]
async fn inputs_are_filled_in_converted_and_judged() {
    #[derive(Deserialize)]
    struct Trip {
        days: u32,
        name: String,
    }
    let action = Action::new("trip", async |Params(trip): Params<Trip>| {
        ActionResult::Ok(json!({ "days": trip.days + 1, "name": trip.name }))
    })
    .input(
        Input::required("days")
            .format(Format::Integer)
            .validate("integer|between:1,9"),
    )
    .input(Input::optional("name").default("nobody").validate("alpha"));
    let host = host(Stellar::builder().add_action(action)).await;
    let mut peer = host.peer().await;
    let call = |more: Value| {
        let mut params = json!({ "action": "trip" });
        params
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        params
    };
    assert_eq!(
        peer.call(call(json!({ "days": "3" }))).await,
        json!({ "days": 4, "name": "nobody" })
    );
    assert_eq!(
        peer.call(call(json!({ "days": 10, "name": "R2" }))).await,
        json!({ "error": {
            "days": "The days must be between 1 and 9.",
            "name": "The name must only contain letters.",
        } })
    );
    assert_eq!(
        peer.call(call(json!({}))).await,
        json!({ "error": { "days": "The days field is required." } })
    );
    assert_eq!(
        peer.call(call(json!({ "days": [] }))).await,
        json!({ "error": { "days": error("003", "Param 'days' has an invalid type, expected integer") } })
    );
    let reply = host.get("/api/trip?days=3&name=Ann").await;
    assert_eq!((reply.status, &reply.json()["days"]), (200, &json!(4)));
    let reply = host.get("/api/trip?days=x").await;
    assert_eq!(
        (reply.status, &reply.json()["error"]["days"]["code"]),
        (400, &json!("003"))
    );
}

#[tokio::test]
async fn middleware_runs_around_actions_by_priority() {
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    let logging = |name: &'static str, priority: i32| {
        let (before, after) = (log.clone(), log.clone());
        Middleware::new(name)
            .priority(priority)
            .before(move |mut call: Call| {
                before.lock().push(format!("{name} before"));
                let seen = call.value()["seen"].as_u64().unwrap_or_default();
                call.set("seen", seen + 1);
                async move { Ok(call) }
            })
            .after(move |_, mut fields| {
                after.lock().push(format!("{name} after"));
                fields.insert(name.into(), true.into());
                async move { Ok(fields) }
            })
    };
    let refuse =
        Middleware::new("refuse").before(async |call: Call| match call.value()["key"].as_str() {
            Some("open") => Ok(call),
            _ => Err(ActionError::from(
                json!({ "code": "900", "message": "No key" }),
            )),
        });
    let spoil = Middleware::new("spoil")
        .after(async |_, _| Err(ActionError::from("spoilt").with("kept", 1)));
    let builder = Stellar::builder()
        .middleware(logging("late", 200).global())
        .middleware(logging("early", 1).global())
        .middleware(refuse)
        .middleware(spoil)
        .add_action(echo("plain"))
        .add_action(echo("locked").middleware("refuse"))
        .add_action(echo("spoilt").middleware("spoil"))
        .add_action(echo("grouped").group("locks"))
        .group("locks", |action| action.middleware("refuse"));
    let host = host(builder).await;
    let mut peer = host.peer().await;
    assert_eq!(
        peer.call(json!({ "action": "plain" })).await,
        json!({ "seen": 2, "early": true, "late": true })
    );
    assert_eq!(
        *log.lock(),
        ["early before", "late before", "early after", "late after"]
    );
    let refused = json!({ "error": { "code": "900", "message": "No key" } });
    for name in ["locked", "grouped"] {
        assert_eq!(peer.call(json!({ "action": name })).await, refused);
    }
    let fine = peer
        .call(json!({ "action": "locked", "key": "open" }))
        .await;
    assert_eq!(fine["key"], "open");
    assert_eq!(
        peer.call(json!({ "action": "spoilt" })).await,
        json!({ "kept": 1, "error": "spoilt" })
    );
}

#[tokio::test]
async fn actions_call_actions() {
    let builder = Stellar::builder()
        .add_action(
            Action::new("secret", async |caller: Caller| {
                ActionResult::Ok(json!({ "from": caller.transport() }))
            })
            .private(),
        )
        .action("open", async |call: Call| {
            let fields = call.call("secret", json!({})).await?;
            ActionResult::Ok(json!({ "inner": fields }))
        })
        .action("gone", async |call: Call| {
            call.call("nothing", json!({})).await.map(Value::Object)
        })
        .action("endless", async |call: Call| {
            call.call("endless", json!({})).await.map(Value::Object)
        });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let private = error("002", "The action 'secret' is private");
    assert_eq!(
        peer.call(json!({ "action": "secret" })).await,
        json!({ "error": private })
    );
    assert_eq!(
        peer.call(json!({ "action": "open" })).await,
        json!({ "inner": { "from": "internal" } })
    );
    let unknown = error("004", "Unknown action (nothing) or invalid apiVersion");
    assert_eq!(
        peer.call(json!({ "action": "gone" })).await,
        json!({ "error": unknown })
    );
    let internal = error("001", "The server experienced an internal error");
    assert_eq!(
        peer.call(json!({ "action": "endless" })).await,
        json!({ "error": internal })
    );
    let fields = host.stellar.call("secret", json!({})).await.unwrap();
    assert_eq!(Value::Object(fields), json!({ "from": "internal" }));
}

#[tokio::test]
async fn actions_that_do_not_render_and_those_that_send_files() {
    let folder = Folder::new();
    folder.write("report.txt", "twelve stars");
    let builder = Stellar::builder()
        .public(folder.path())
        .add_action(echo("quiet").render(false))
        .add_action(
            Action::new("quietly wrong", async || {
                ActionResult::<()>::Err("loud".into())
            })
            .render(false),
        )
        .action("report", async || {
            ActionResult::Ok(SendFile("report.txt".into()))
        })
        .action("lost", async || {
            ActionResult::Ok(SendFile("lost.txt".into()))
        });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    peer.send(&json!({ "event": "action", "params": { "action": "quiet" } }))
        .await;
    let next = peer.call(json!({ "action": "quietly wrong" })).await;
    assert_eq!(
        next,
        json!({ "error": "loud" }),
        "the first one has no response"
    );
    let report = peer.call(json!({ "action": "report" })).await;
    assert_eq!(
        (&report["content"], &report["length"]),
        (&json!("twelve stars"), &json!(12))
    );
    assert_eq!(report["error"], json!(null));
    let lost = peer.call(json!({ "action": "lost" })).await;
    assert_eq!(lost["error"]["code"], "010");

    let reply = host.get("/api/quiet").await;
    assert_eq!((reply.status, reply.text()), (204, ""));
    let reply = host.get("/api/report").await;
    assert_eq!((reply.status, reply.text()), (200, "twelve stars"));
    let ranged = host
        .http("GET /api/report", &[("Range", "bytes=0-5")], b"")
        .await;
    assert_eq!((ranged.status, ranged.text()), (206, "twelve"));
    assert_eq!(host.get("/api/lost").await.status, 404);
}

#[tokio::test]
async fn what_does_not_fit_together_is_no_server() {
    let refused = async |builder: stellarfw::Builder| builder.build().await.unwrap_err();
    let error = refused(Stellar::builder().add_action(echo("a").middleware("none"))).await;
    assert!(matches!(error, BuildError::Actions(_)), "{error}");
    let both = Stellar::builder()
        .add_action(echo("a").protected())
        .add_action(echo("a"));
    assert!(refused(both).await.to_string().contains("protected"));
    let input = Input::required("x").validate("min:few");
    let error = refused(Stellar::builder().add_action(echo("a").input(input))).await;
    assert!(error.to_string().contains("min:few"), "{error}");
    for (method, path) in [("put it", "/a"), ("get", "a"), ("get", "/a/:")] {
        let error = refused(Stellar::builder().route(method, path, "a")).await;
        assert!(matches!(error, BuildError::Route(_)), "{error}");
    }
    let twice = Stellar::builder()
        .route("get", "/:a", "x")
        .route("all", "/:b", "y");
    assert!(matches!(refused(twice).await, BuildError::Route(_)));
}

#[tokio::test]
async fn connections_are_created_and_destroyed() {
    let (open, gone) = (Arc::new(Notify::new()), Arc::new(AtomicU32::new(0)));
    let (gate, count) = (open.clone(), gone.clone());
    let middleware = ConnectionMiddleware::new()
        .create(move |connection| {
            let gate = gate.clone();
            async move {
                gate.notified().await;
                match connection
                    .spark()
                    .handshake()
                    .query_value("name")
                    .as_deref()
                {
                    Some("nobody") => Err(StellarError::custom("901", "Nobody comes in")),
                    _ => Ok(()),
                }
            }
        })
        .destroy(move |connection| {
            assert!(connection.rooms().is_empty());
            count.fetch_add(1, Ordering::AcqRel);
            async {}
        });
    let host = host(Stellar::builder().connections(middleware)).await;

    let mut peer = host.connect("/primus", &[]).await.unwrap();
    peer.send(&json!({ "event": "roomAdd", "room": "defaultRoom" }))
        .await;
    host.stellar.alert(&json!({ "early": true })).await.unwrap();
    open.notify_one();
    // The welcome is the first, and what was sent meanwhile is answered after it.
    peer.welcomed().await;
    assert_eq!(peer.response().await["data"], true);
    drop(peer);
    until("the first one's end", async || {
        gone.load(Ordering::Acquire) == 1
    })
    .await;

    let mut peer = host.connect("/primus?name=nobody", &[]).await.unwrap();
    open.notify_one();
    let (messages, code) = peer.closed().await;
    assert_eq!(
        messages,
        [
            json!({ "error": error("901", "Nobody comes in"), "context": "api" }),
            json!("primus::server::close"),
        ]
    );
    assert_eq!(code, Some(1000));
    until("the second one's end", async || {
        gone.load(Ordering::Acquire) == 2
    })
    .await;
    host.is_empty().await;
}

#[tokio::test]
async fn chat_middleware_runs_by_priority_and_rooms_have_guards() {
    let order: Arc<Mutex<Vec<&'static str>>> = Arc::default();
    let boss: Arc<OnceLock<String>> = Arc::default();
    let joining = |name: &'static str, priority: i32| {
        let order = order.clone();
        ChatMiddleware::new().priority(priority).join(move |_, _| {
            order.lock().push(name);
            async { Ok(()) }
        })
    };
    let rewriting = |word: &'static str, priority: i32| {
        ChatMiddleware::new()
            .priority(priority)
            .on_say_receive(move |_, mut said| {
                said.message = format!("{} {word}", said.message.as_str().unwrap()).into();
                async { Ok(said) }
            })
    };
    let builder = Stellar::builder()
        .room("staff")
        .chat(joining("last", 200))
        .chat(joining("first", 1))
        .on_join({
            let order = order.clone();
            move |_, _| {
                order.lock().push("middle");
                async { Ok(()) }
            }
        })
        .chat(rewriting("b", 2))
        .chat(rewriting("a", 1))
        .guard_room("staff", {
            let boss = boss.clone();
            move |connection| {
                let is_boss = connection.fingerprint() == boss.get().map(String::as_str);
                async move {
                    match is_boss {
                        true => Ok(()),
                        false => Err(StellarError::custom("902", "Staff only")),
                    }
                }
            }
        });
    let host = host(builder).await;
    let session = host.session();
    boss.set(session.fingerprint().to_owned()).unwrap();
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    assert_eq!(*order.lock(), ["first", "middle", "last"]);
    peer.say("defaultRoom", json!("x")).await;
    let id = peer.id().await;
    assert_eq!(peer.heard("defaultRoom", Some(&id)).await, "x a b");
    let join = json!({ "event": "roomAdd", "room": "staff" });
    peer.refused_false(join, error("902", "Staff only")).await;
    let path = format!("/primus?sessionID={}", session.token());
    let mut boss = host.connect(&path, &[]).await.unwrap();
    boss.welcomed().await;
    boss.join("staff").await;
}
