//! The HTTP methods that actions declare.

use serde_json::json;
use stellarfw::{
    Builder, Stellar,
    actions::{Action, ActionResult},
};

use crate::support::host;

fn action(name: &str) -> Action {
    Action::new(name, async || ActionResult::Ok(json!({ "done": true })))
}

fn builder() -> Builder {
    Stellar::builder()
        .add_action(action("any"))
        .add_action(action("pay").methods(["post"]))
        .add_action(action("read").methods(["GET"]))
        .add_action(action("change").methods(["PUT", "DELETE"]))
        .add_action(action("old").versioned(1).methods(["GET"]))
        .add_action(action("old").versioned(2).methods(["POST"]))
        .add_action(action("grouped").group("admin"))
        .add_action(action("own").group("admin").methods(["GET"]))
        .group("admin", |action| action.default_methods(["PATCH"]))
}

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// The methods with which a path is answered; all others are refused in the same way.
async fn answered(builder: Builder, path: &str) -> Vec<&'static str> {
    let host = host(builder).await;
    let mut answered = Vec::new();
    for method in METHODS {
        let reply = host.http(&format!("{method} {path}"), &[], b"").await;
        if reply.status == 200 {
            answered.push(method);
            continue;
        }
        assert_eq!(reply.status, 405, "{method} {path}");
        let allow = reply.header("allow").unwrap();
        assert!(allow.ends_with("OPTIONS"), "{allow}");
        assert!(
            !allow.split(", ").any(|allowed| allowed == method),
            "{allow}"
        );
        if method != "HEAD" {
            let error = reply.json()["error"].as_str().unwrap().to_owned();
            assert!(error.contains("does not answer to"), "{error}");
        }
    }
    let options = host.http(&format!("OPTIONS {path}"), &[], b"").await;
    assert_eq!(options.status, 200, "{path}");
    let allow = options.header("allow").unwrap();
    let mut listed: Vec<_> = allow
        .split(", ")
        .filter(|name| *name != "OPTIONS")
        .collect();
    listed.sort_by_key(|name| METHODS.iter().position(|method| method == name));
    assert_eq!(listed, answered, "{path}");
    answered
}

#[tokio::test]
async fn an_action_answers_to_the_methods_it_declares() {
    for (path, methods) in [
        ("/api/any", &METHODS[..]),
        ("/api/pay", &["POST"]),
        ("/api?action=pay", &["POST"]),
        ("/api/read", &["GET", "HEAD"]),
        ("/api/change", &["PUT", "DELETE"]),
        ("/api/old", &["POST"]),
        ("/api/old?apiVersion=1", &["GET", "HEAD"]),
        ("/api/grouped", &["PATCH"]),
        ("/api/own", &["GET", "HEAD"]),
    ] {
        assert_eq!(answered(builder(), path).await, methods, "{path}");
    }
    let host = host(builder()).await;
    let reply = host.get("/api/change").await;
    assert_eq!(reply.header("allow"), Some("PUT, DELETE, OPTIONS"));
    // Named in the body as well, and over connections as ever.
    let reply = host.post("/api", r#"{"action":"read"}"#).await;
    assert_eq!(reply.status, 405);
    let mut peer = host.peer().await;
    let answer = peer.call(json!({ "action": "pay" })).await;
    assert_eq!(answer, json!({ "done": true }));
}

#[tokio::test]
async fn there_is_a_default_for_the_whole_server() {
    let posted = || {
        builder()
            .route("get", "/read-it", "any")
            .route("get", "/pay-it", "pay")
            .route("all", "/all", "any")
            .configure(|config| config.action_methods = vec!["post".into()])
    };
    for (path, methods) in [
        ("/api/any", &["POST"][..]),
        ("/api/read", &["GET", "HEAD"]),
        ("/api/grouped", &["PATCH"]),
        ("/api/all", &["POST"]),
    ] {
        assert_eq!(answered(posted(), path).await, methods, "{path}");
    }
    // A route that names a method declares it, unless the action says otherwise.
    let host = host(posted()).await;
    assert_eq!(host.get("/api/read-it").await.status, 200);
    assert_eq!(host.get("/api/pay-it").await.status, 405);
}

#[tokio::test]
async fn the_document_has_the_methods_that_are_answered() {
    let builder = builder().route("all", "/routed", "change");
    let host = host(builder).await;
    let paths = host.get("/docs/openapi.json").await.json()["paths"].clone();
    let methods = |path: &str| {
        let item = paths[path].as_object().unwrap();
        item.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(methods("/api/any"), ["get", "post"]);
    assert_eq!(methods("/api/pay"), ["post"]);
    assert_eq!(methods("/api/read"), ["get"]);
    assert_eq!(methods("/api/change"), ["put", "delete"]);
    assert_eq!(methods("/api/grouped"), ["patch"]);
    assert_eq!(methods("/api/routed"), ["put", "delete"]);
}

#[tokio::test]
async fn methods_that_there_are_not_are_refused_at_the_build() {
    let odd = Stellar::builder().add_action(action("odd").methods(["FETCH"]));
    let error = odd.build().await.unwrap_err().to_string();
    assert!(
        error.contains("\"odd\"") && error.contains("FETCH"),
        "{error}"
    );
    let odd = Stellar::builder().configure(|config| config.action_methods = vec!["HEAD".into()]);
    assert!(
        odd.build()
            .await
            .unwrap_err()
            .to_string()
            .contains("actionMethods")
    );
}
