//! Errors of actions.

use std::time::Duration;

use serde_json::{Value, json};
use stellarfw::{
    Stellar,
    actions::{Action, ActionResult, Params},
};

use crate::support::{error, host};

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
