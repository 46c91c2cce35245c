//! Every error that the web engines can produce: its exact text in its exact shape, for every
//! way that leads to it.

use std::time::Duration;

use serde_json::{Value, json};
use stellarfw::{
    Stellar, StellarError,
    actions::{Action, ActionResult, Params},
};

use crate::support::{Peer, error, host, named_error, no_room};

/// What is no string.
fn not_strings() -> Vec<Value> {
    vec![
        json!(null),
        json!(0),
        json!(1.5),
        json!(true),
        json!([]),
        json!(["defaultRoom"]),
        json!({}),
    ]
}

#[tokio::test]
async fn unknown_verbs() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    let verb = |text: &str| error("014", format!("Verb not found or not allowed ({text})"));
    for name in [
        "nonsense",
        "Say",
        "detailsview",
        " say",
        "say ",
        "",
        "__proto__",
        "constructor",
        "\u{1F600}",
        "\n",
    ] {
        peer.refused(json!({ "event": name }), verb(name)).await;
    }
    for (event, told) in [
        (json!(null), "null"),
        (json!(5), "5"),
        (json!(false), "false"),
        (json!(["say"]), r#"["say"]"#),
        (json!({ "a": 1 }), r#"{"a":1}"#),
    ] {
        peer.refused(json!({ "event": event }), verb(told)).await;
    }
    for message in [
        json!({}),
        json!({ "room": "defaultRoom" }),
        json!([]),
        json!(5),
        json!("say"),
        json!(null),
        json!(true),
    ] {
        peer.refused(message, verb("undefined")).await;
    }
    let long = "é".repeat(5_000_000);
    let told = verb(&format!("{}…", "é".repeat(100)));
    peer.refused(json!({ "event": long }), told).await;
}

#[tokio::test]
async fn of_a_key_that_stands_twice_the_last_counts() {
    let builder = Stellar::builder()
        .room("a")
        .room("b")
        .action("one", async || ActionResult::Ok(json!({ "n": 1 })))
        .action("two", async || ActionResult::Ok(json!({ "n": 2 })));
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let response = peer
        .ask_text(r#"{"event":"nonsense","room":"b","event":"roomAdd","room":"a"}"#)
        .await;
    assert_eq!(response["data"], true);
    assert_eq!(
        peer.ask(&json!({ "event": "detailsView" })).await["data"]["rooms"],
        json!(["a"])
    );
    let response = peer
        .ask_text(r#"{"event":"say","room":"a","message":1,"message":2}"#)
        .await;
    assert_eq!(response["status"], "OK");
    assert_eq!(peer.recv().await["message"], 2);
    let response = peer
        .ask_text(r#"{"event":"action","params":{"action":"one"},"params":{"action":"one","action":"two"}}"#)
        .await;
    assert_eq!(response["n"], 2);
    let response = peer
        .ask_text(r#"{"event":"event","params":{"room":"b","event":"x","room":"a","event":"y"}}"#)
        .await;
    assert_eq!(response["status"], "OK");
    assert_eq!(peer.recv().await["message"]["event"], "y");
}

#[tokio::test]
async fn rooms_that_are_not_named() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    let required = || error("021", "A room is required");
    let mut messages = vec![json!({}), json!({ "room": "" })];
    messages.extend(
        not_strings()
            .into_iter()
            .map(|room| json!({ "room": room })),
    );
    for mut message in messages {
        for verb in ["roomAdd", "roomJoin", "roomLeave"] {
            message["event"] = json!(verb);
            peer.refused_false(message.clone(), required()).await;
        }
        message["event"] = json!("roomView");
        peer.refused(message.clone(), required()).await;
        let params = json!({ "room": message["room"], "event": "e", "data": 1 });
        peer.refused(json!({ "event": "event", "params": params }), required())
            .await;
        message["event"] = json!("say");
        message["message"] = json!("hi");
        peer.refused(message, error("015", "Both room and message are required"))
            .await;
    }
    // The room of an event is one of its params.
    for params in [
        json!(null),
        json!(5),
        json!("x"),
        json!([]),
        json!({}),
        json!([{ "room": "defaultRoom" }]),
    ] {
        let message = json!({ "event": "event", "room": "defaultRoom", "params": params });
        peer.refused(message, required()).await;
    }
    peer.refused(
        json!({ "event": "event", "room": "defaultRoom" }),
        required(),
    )
    .await;
}

#[tokio::test]
async fn messages_that_are_not_there() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    let both = || error("015", "Both room and message are required");
    for message in [
        json!({ "event": "say" }),
        json!({ "event": "say", "room": "defaultRoom" }),
        json!({ "event": "say", "message": "hi" }),
    ] {
        peer.refused(message, both()).await;
    }
    let mut names = not_strings();
    names.push(json!(""));
    for event in names {
        let params = json!({ "room": "defaultRoom", "event": event });
        peer.refused(json!({ "event": "event", "params": params }), both())
            .await;
    }
    peer.refused(
        json!({ "event": "event", "params": { "room": "defaultRoom" } }),
        both(),
    )
    .await;
    peer.heard_nothing_more().await;
}

#[tokio::test]
async fn rooms_that_there_are_not() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    for room in [
        "none",
        " defaultRoom",
        "DEFAULTROOM",
        "\u{0}",
        "defaultRoom\u{2028}",
        "__proto__",
    ] {
        refused_everywhere(&mut peer, room, &no_room(room)).await;
    }
    // What was sent is told, but not for megabytes of it.
    let long = "r".repeat(1_000_000);
    let told = no_room(&format!("{}…", "r".repeat(200)));
    refused_everywhere(&mut peer, &long, &told).await;
}

#[tokio::test]
async fn rooms_that_one_is_not_in() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    let id = peer.id().await;
    let refusal = error(
        "016",
        format!("Connection ({id}) not in room (defaultRoom)"),
    );
    for verb in ["say", "view", "event", "leave"] {
        match verb {
            "leave" => {
                peer.refused_false(
                    json!({ "event": "roomLeave", "room": "defaultRoom" }),
                    refusal.clone(),
                )
                .await
            }
            _ => {
                peer.refused(request(verb, "defaultRoom"), refusal.clone())
                    .await
            }
        }
    }
    peer.heard_nothing_more().await;
}

fn request(verb: &str, room: &str) -> Value {
    match verb {
        "say" => json!({ "event": "say", "room": room, "message": "hi" }),
        "view" => json!({ "event": "roomView", "room": room }),
        _ => json!({ "event": "event", "params": { "room": room, "event": "e" } }),
    }
}

async fn refused_everywhere(peer: &mut Peer, room: &str, error: &Value) {
    for verb in ["roomAdd", "roomJoin", "roomLeave"] {
        peer.refused_false(json!({ "event": verb, "room": room }), error.clone())
            .await;
    }
    for verb in ["say", "view", "event"] {
        peer.refused(request(verb, room), error.clone()).await;
    }
}

#[tokio::test]
async fn a_room_that_one_is_in() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    let id = peer.id().await;
    peer.join("defaultRoom").await;
    let refusal = error(
        "017",
        format!("Connection ({id}) already in room (defaultRoom)"),
    );
    peer.refused_false(
        json!({ "event": "roomAdd", "room": "defaultRoom" }),
        refusal.clone(),
    )
    .await;
    peer.refused_false(
        json!({ "event": "roomJoin", "room": "defaultRoom" }),
        refusal,
    )
    .await;
}

#[tokio::test]
async fn a_room_that_was_destroyed() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    host.stellar.rooms().destroy("defaultRoom").await.unwrap();
    let deleted = named_error(
        "018",
        "Room (defaultRoom) has been deleted",
        "ConnectionRoomHasBeenDeleted Error",
    );
    let heard = peer.heard("defaultRoom", None).await;
    assert_eq!(heard, json!({ "event": "destroy", "data": deleted }));
    refused_everywhere(&mut peer, "defaultRoom", &no_room("defaultRoom")).await;
}

#[tokio::test]
async fn more_rooms_than_one_may_be_in() {
    let builder = Stellar::builder().configure(|config| {
        config.max_rooms = 2;
        config.starting_chat_rooms = ["a", "b", "c"].map(str::to_owned).to_vec();
    });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let id = peer.id().await;
    peer.join("a").await;
    peer.join("b").await;
    let refusal = error(
        "023",
        format!("Connection ({id}) is in too many rooms (2 max)"),
    );
    peer.refused_false(json!({ "event": "roomAdd", "room": "c" }), refusal)
        .await;
    peer.leave("a").await;
    peer.join("c").await;
}

#[tokio::test]
async fn a_join_that_a_hook_refuses() {
    let builder = Stellar::builder()
        .on_join(async |_, room| Err(StellarError::room_not_exist(&format!("{room}, you know"))));
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let refusal = no_room("defaultRoom, you know");
    peer.refused_false(
        json!({ "event": "roomAdd", "room": "defaultRoom" }),
        refusal,
    )
    .await;
    let status = host.stellar.rooms().status("defaultRoom").await.unwrap();
    assert!(status.members.is_empty());
}

#[tokio::test]
async fn files_that_are_not_named() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    let message = "File is a required param to send a file";
    let body = json!({
        "error": error("012", message),
        "content": null,
        "mime": "text/html",
        "length": message.len(),
    });
    peer.expect(json!({ "event": "file" }), body.clone()).await;
    peer.expect(json!({ "event": "file", "file": "" }), body.clone())
        .await;
    for file in not_strings() {
        peer.expect(json!({ "event": "file", "file": file }), body.clone())
            .await;
    }
}

#[derive(serde::Deserialize)]
#[allow(dead_code, reason = "only read")]
struct Typed {
    int: i32,
    text: String,
    flag: bool,
    list: Vec<u8>,
    float: f64,
    inner: Inner,
}

#[derive(serde::Deserialize)]
#[allow(dead_code, reason = "only read")]
struct Inner {
    n: u8,
}

#[tokio::test]
async fn parameters_that_are_missing_or_of_another_type() {
    let builder = Stellar::builder().action("typed", async |Params(_): Params<Typed>| {
        ActionResult::Ok(())
    });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let good = json!({
        "action": "typed", "int": 1, "text": "t", "flag": true, "list": [1], "float": 0.5,
        "inner": { "n": 1 },
    });
    peer.expect(json!({ "event": "action", "params": good }), json!({}))
        .await;
    for field in ["int", "text", "flag", "list", "float", "inner"] {
        let mut params = good.clone();
        params.as_object_mut().unwrap().remove(field);
        let missing = json!({ field: format!("The {field} field is required.") });
        assert_eq!(peer.call(params).await, json!({ "error": missing }));
    }
    let wrong = [
        ("int", json!("1"), "int", "integer"),
        ("int", json!(1.5), "int", "integer"),
        ("int", json!(null), "int", "integer"),
        ("int", json!(2_147_483_648_u32), "int", "integer"),
        ("text", json!(1), "text", "string"),
        ("text", json!(null), "text", "string"),
        ("flag", json!("true"), "flag", "bool"),
        ("flag", json!(1), "flag", "bool"),
        ("list", json!("1"), "list", "array"),
        ("list", json!({}), "list", "array"),
        ("list", json!(["x"]), "list", "integer"),
        ("list", json!([256]), "list", "integer"),
        ("float", json!("0.5"), "float", "float"),
        ("inner", json!(1), "inner", "object"),
        ("inner", json!({ "n": -1 }), "inner.n", "integer"),
        ("inner", json!({ "n": "x" }), "inner.n", "integer"),
    ];
    for (field, value, named, expected) in wrong {
        let mut params = good.clone();
        params[field] = value.clone();
        let message = format!("Param '{named}' has an invalid type, expected {expected}");
        let expected = json!({ "error": { named: error("003", message) } });
        assert_eq!(peer.call(params).await, expected, "{field}: {value}");
    }
}

#[tokio::test]
async fn what_is_blocked_is_a_transport() {
    let blocked = async |transport: &str| {
        let action = Action::new("a", async || ActionResult::Ok(())).block(transport);
        let built = Stellar::builder().add_action(action).build().await;
        built.map(|stellar| stellar.actions()[0].blocked().to_vec())
    };
    for (given, name) in [
        ("HTTP", "http"),
        ("websocket", "ws"),
        ("engineio", "engine.io"),
        ("socketio", "socket.io"),
        (" sockjs ", "sockjs"),
    ] {
        assert_eq!(blocked(given).await.unwrap(), [name], "{given}");
    }
    // One that is misspelled would leave the action open.
    let error = blocked("sokcjs").await.unwrap_err().to_string();
    assert!(
        error.contains("\"sokcjs\"") && error.contains("http, ws"),
        "{error}"
    );
}

#[tokio::test]
async fn actions_that_cannot_be_called() {
    let builder = Stellar::builder()
        .add_action(Action::new("hidden", async || ActionResult::Ok(())).private())
        .add_action(Action::new("elsewhere", async || ActionResult::Ok(())).block("WebSockets"))
        .add_action(Action::new("v", async || ActionResult::Ok(1)).versioned(1))
        .add_action(Action::new("v", async || ActionResult::Ok(3)).versioned(3))
        .add_action(
            Action::new("never", async || {
                std::future::pending::<()>().await;
                ActionResult::Ok(())
            })
            .within(Duration::from_millis(1)),
        );
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let mut refused = async |params: Value, code: &str, message: &str| {
        let body = json!({ "error": error(code, message) });
        peer.expect(json!({ "event": "action", "params": params }), body)
            .await;
    };
    refused(
        json!({ "action": "hidden" }),
        "002",
        "The action 'hidden' is private",
    )
    .await;
    let blocked = "This action does not support the ws connection type";
    refused(json!({ "action": "elsewhere" }), "005", blocked).await;
    refused(
        json!({ "action": "never" }),
        "022",
        "Response timeout for action 'never'",
    )
    .await;

    let unknown = |name: &str| format!("Unknown action ({name}) or invalid apiVersion");
    for name in ["none", "", "V", "v ", "hidden/", "\u{0}"] {
        refused(json!({ "action": name }), "004", &unknown(name)).await;
    }
    for (action, told) in [
        (json!(null), "null"),
        (json!(5), "5"),
        (json!(["v"]), r#"["v"]"#),
        (json!({ "v": 1 }), r#"{"v":1}"#),
    ] {
        refused(json!({ "action": action }), "004", &unknown(told)).await;
    }
    for params in [
        json!({}),
        json!(null),
        json!([]),
        json!("v"),
        json!(5),
        json!(true),
    ] {
        refused(params, "004", &unknown("undefined")).await;
    }
    for version in [
        json!(2),
        json!(1.5),
        json!(-1),
        json!("x"),
        json!([1]),
        json!(true),
        json!(1e99),
        json!({}),
    ] {
        refused(
            json!({ "action": "v", "apiVersion": version }),
            "004",
            &unknown("v"),
        )
        .await;
    }
    let long = "a".repeat(1_000_000);
    let told = unknown(&format!("{}…", "a".repeat(200)));
    refused(json!({ "action": long }), "004", &told).await;

    let body = json!({ "error": error("004", unknown("undefined")) });
    peer.expect(json!({ "event": "action" }), body.clone())
        .await;
    // The action's name is one of the params.
    peer.expect(json!({ "event": "action", "action": "v" }), body)
        .await;
    for (version, data) in [
        (json!(null), 3),
        (json!(1), 1),
        (json!("1"), 1),
        (json!(3), 3),
        (json!(1.0), 1),
    ] {
        assert_eq!(
            peer.call(json!({ "action": "v", "apiVersion": version }))
                .await,
            json!({ "data": data })
        );
    }
    assert_eq!(
        peer.call(json!({ "action": "v" })).await,
        json!({ "data": 3 })
    );
}
