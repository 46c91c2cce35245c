//! An application's own data of a connection.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicU32, Ordering},
};

use parking_lot::Mutex;
use serde_json::json;
use stellarfw::{
    Builder, Connection, ConnectionMiddleware, Extensions, Stellar, StellarError,
    actions::{Action, ActionResult, Call, Extension, Middleware},
    transport::{Refusal, handshake::query_value},
};

use crate::support::{error, host, until};

/// What the authorizer finds out.
#[derive(Debug)]
struct User(String);

/// What the application counts.
#[derive(Default)]
struct Seen(AtomicU32);

impl Seen {
    fn more(connection: &Connection) -> u32 {
        let seen = connection.extensions().get_or_insert_with(Self::default);
        seen.0.fetch_add(1, Ordering::AcqRel) + 1
    }
}

/// Lets in who says a name.
fn named(builder: Builder) -> Builder {
    builder.authorize(|parts| {
        let name = query_value(&parts.uri, "name").map(|name| name.into_owned());
        async move {
            name.map(|name| Some(User(name)))
                .ok_or_else(|| Refusal::new("Who?"))
        }
    })
}

fn name(connection: &Connection) -> String {
    let user = connection.extensions().get::<User>();
    user.map_or_else(|| "nobody".into(), |user| user.0.clone())
}

#[tokio::test]
async fn it_is_there_wherever_the_connection_is() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let note = {
        let log = log.clone();
        move |place: &str, connection: &Connection| {
            let count = Seen::more(connection);
            log.lock()
                .push(format!("{count} {place} {}", name(connection)));
        }
    };
    let notes = [(); 7].map(|()| note.clone());
    let [create, join, receive, each, event, leave, destroy] = notes;
    let before = note;
    let builder = named(Stellar::builder())
        .connections(
            ConnectionMiddleware::new()
                .create(move |connection| {
                    create("create", &connection);
                    async { Ok(()) }
                })
                .destroy(move |connection| {
                    destroy("destroy", &connection);
                    async {}
                }),
        )
        .on_join(move |connection, _| {
            join("join", &connection);
            async { Ok(()) }
        })
        .on_say_receive(move |connection, said| {
            receive("receive", &connection);
            async { Ok(said) }
        })
        .on_say(move |connection, said| {
            each("say", connection);
            Some(said)
        })
        .on_event("wave", move |happened| {
            event("event", &happened.connection);
            async {}
        })
        .on_leave(move |connection, _| {
            leave("leave", &connection);
            async {}
        })
        .middleware(Middleware::new("note").global().before(move |call: Call| {
            if let Some(connection) = call.caller().connection() {
                before("middleware", connection);
            }
            async { Ok(call) }
        }))
        .action(
            "who",
            async |user: Extension<User>, seen: Extension<Seen>| {
                let seen = seen.0.0.load(Ordering::Acquire);
                ActionResult::Ok(json!({ "name": user.0.0, "seen": seen }))
            },
        );
    let host = host(builder).await;
    let mut ann = host.connect("/primus?name=ann", &[]).await.unwrap();
    ann.welcomed().await;
    ann.join("defaultRoom").await;
    ann.say("defaultRoom", json!("hi")).await;
    ann.recv().await;
    let params = json!({ "room": "defaultRoom", "event": "wave", "data": 1 });
    ann.expect(
        json!({ "event": "event", "params": params }),
        json!({ "status": "OK" }),
    )
    .await;
    ann.recv().await;
    let answer = ann.call(json!({ "action": "who" })).await;
    assert_eq!(answer["name"], "ann");
    // Another connection has another.
    let mut bo = host.connect("/primus?name=bo", &[]).await.unwrap();
    bo.welcomed().await;
    let answer = bo.call(json!({ "action": "who" })).await;
    assert_eq!(
        (&answer["name"], &answer["seen"]),
        (&json!("bo"), &json!(2))
    );
    bo.goodbye().await;
    until("bo is gone", async || host.stellar.connections().len() == 1).await;
    ann.goodbye().await;
    until("both are gone", async || {
        log.lock()
            .iter()
            .filter(|line| line.contains("destroy"))
            .count()
            == 2
    })
    .await;

    let of = |who: &str| -> Vec<String> {
        let log = log.lock();
        let own = log.iter().filter(|line| line.ends_with(who));
        own.map(|line| line.trim_end_matches(who).trim().to_owned())
            .collect()
    };
    assert_eq!(of("bo"), ["1 create", "2 middleware", "3 destroy"]);
    let ann = of("ann");
    assert_eq!(ann[..3], ["1 create", "2 join", "3 receive"]);
    for (at, place) in ["say", "event", "middleware", "leave", "destroy"]
        .iter()
        .enumerate()
    {
        let found = ann.iter().any(|line| line.ends_with(place));
        assert!(found, "{at}: no {place} in {ann:?}");
    }
    assert!(ann.last().unwrap().ends_with("destroy"), "{ann:?}");
}

#[tokio::test]
async fn an_authorizer_can_give_several_values() {
    struct Tenant(u32);
    let builder = Stellar::builder()
        .authorize(|_| async {
            Ok(Some(
                Extensions::new().with(User("ann".into())).with(Tenant(7)),
            ))
        })
        .action(
            "who",
            async |user: Extension<User>, tenant: Extension<Tenant>| {
                ActionResult::Ok(json!({ "name": user.0.0, "tenant": tenant.0.0 }))
            },
        );
    let host = host(builder).await;
    for mut peer in host.peers(2).await {
        let answer = peer.call(json!({ "action": "who" })).await;
        assert_eq!(answer, json!({ "name": "ann", "tenant": 7 }));
    }
}

#[tokio::test]
async fn actions_say_what_they_need() {
    let builder = Stellar::builder()
        .action("must", async |user: Extension<User>| {
            ActionResult::Ok(json!({ "name": user.0.0 }))
        })
        .typed_action("may", async |user: Option<Extension<User>>| {
            let name = user.as_ref().map_or("stranger", |user| &user.0.0);
            ActionResult::Ok(json!({ "name": name }))
        })
        .add_action(Action::new("login", async |connection: Connection| {
            connection.extensions().insert(User("ann".into()));
            ActionResult::Ok(())
        }));
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let internal = error("001", "The server experienced an internal error");
    assert_eq!(
        peer.call(json!({ "action": "must" })).await["error"],
        internal
    );
    assert_eq!(
        peer.call(json!({ "action": "may" })).await["name"],
        "stranger"
    );
    peer.call(json!({ "action": "login" })).await;
    for action in ["must", "may"] {
        assert_eq!(peer.call(json!({ "action": action })).await["name"], "ann");
    }
    // A request has no connection.
    let reply = host.get("/api/must").await;
    assert_eq!(
        (reply.status, &reply.json()["error"]["code"]),
        (400, &json!("005"))
    );
    assert_eq!(host.get("/api/may").await.json()["name"], "stranger");
}

/// The slot of a spark is Stellar's, whoever comes first.
#[tokio::test]
async fn nothing_can_take_the_place_of_the_servers_own_state() {
    let refused = Arc::new(AtomicU32::new(0));
    let count = refused.clone();
    let builder = Stellar::builder().with_server(|server| {
        server.on_connection(move |spark| {
            let count = count.clone();
            async move {
                if spark.attach(User("ann".into())).is_err() {
                    count.fetch_add(1, Ordering::AcqRel);
                }
            }
        })
    });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    assert_eq!(refused.load(Ordering::Acquire), 1);
    peer.join("defaultRoom").await;
    let connection = host.stellar.connections().remove(0);
    assert!(connection.spark().attach(7_u8).is_err());
    assert!(connection.spark().attachment::<User>().is_none());
}

/// A value that is watched, and a connection that has it.
fn watched() -> (
    Weak<User>,
    impl Fn(&Connection) + Clone + Send + Sync + 'static,
) {
    let user = Arc::new(User("ann".into()));
    let weak = Arc::downgrade(&user);
    let place = Arc::new(Mutex::new(Some(user)));
    (weak, move |connection: &Connection| {
        if let Some(user) = place.lock().take() {
            connection.extensions().insert(user);
        }
    })
}

#[tokio::test]
async fn it_is_dropped_when_the_connection_has_ended() {
    for end in ["leaves", "is refused", "is ended", "has a hook that panics"] {
        let (weak, give) = watched();
        let kept = Arc::new(Mutex::new(None));
        let keep = kept.clone();
        let during = weak.clone();
        let builder = Stellar::builder()
            .connections(
                ConnectionMiddleware::new()
                    .create(move |connection| {
                        give(&connection);
                        // A handle that somebody keeps.
                        *keep.lock() = Some(connection);
                        async move {
                            match end {
                                "is refused" => Err(StellarError::custom("900", "No")),
                                _ => Ok(()),
                            }
                        }
                    })
                    .destroy(move |_| {
                        assert!(
                            during.upgrade().is_some(),
                            "it is there until the last hook"
                        );
                        async {}
                    }),
            )
            .on_leave(move |_, _| async move {
                tokio::task::yield_now().await;
                assert!(end != "has a hook that panics", "on purpose");
            });
        let host = host(builder).await;
        let mut peer = host.connect("/primus", &[]).await.unwrap();
        match end {
            "is refused" => {
                peer.closed().await;
            }
            _ => {
                peer.welcomed().await;
                peer.join("defaultRoom").await;
                assert!(weak.upgrade().is_some());
                if end == "is ended" {
                    kept.lock().as_ref().unwrap().spark().end();
                    peer.closed().await;
                } else {
                    peer.goodbye().await;
                }
            }
        }
        until(end, async || weak.upgrade().is_none()).await;
        let connection = kept.lock().take().unwrap();
        connection.extensions().insert(User("late".into()));
        assert!(
            connection.extensions().is_empty(),
            "nothing is kept of one that {end}"
        );
    }
}
