//! Inputs that are declared secret.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use stellarfw::{
    Builder, Stellar,
    actions::{Action, ActionResult, Format, Input, Params},
};

use crate::support::host;

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "what is read is not looked at")]
struct Login {
    name: String,
    #[schemars(extend("writeOnly" = true))]
    password: Kind,
}

#[derive(Deserialize, JsonSchema)]
enum Kind {
    Right,
}

fn builder() -> Builder {
    let login = Action::new("login", async || ActionResult::Ok(()))
        .input(Input::required("name"))
        .input(
            Input::required("password")
                .secret()
                .check(|value| match value.as_str() {
                    Some("right") => Ok(()),
                    _ => Err(format!("{value} is wrong")),
                }),
        )
        .input(Input::optional("pin").secret().format(Format::Integer));
    Stellar::builder()
        .add_action(login)
        .typed_action("typed", async |Params(_): Params<Login>| {
            ActionResult::Ok(())
        })
        .action("other", async || ActionResult::Ok(()))
}

#[tokio::test]
async fn what_is_secret_is_in_no_answer() {
    let host = host(builder()).await;
    let json =
        r#"{"name":"ann","password":"hunter2","pin":987654,"more":[{"password":"hunter2"}]}"#;
    for path in [
        "/api/login",
        "/api/logni",
        "/api?action=login",
        "/api/login?password=hunter2",
    ] {
        let reply = host.post(path, json).await;
        let text = reply.text();
        assert!(
            !text.contains("hunter2") && !text.contains("987654"),
            "{path}: {text}"
        );
        let received = &reply.json()["requesterInformation"]["receivedParams"];
        assert_eq!(received["name"], "ann", "{path}");
        assert_eq!(received["password"], Value::Null, "{path}");
    }
    let reply = host
        .get("/api/login?name=ann&password=right&pin=1234")
        .await;
    assert_eq!(reply.status, 200);
    let received = &reply.json()["requesterInformation"]["receivedParams"];
    assert_eq!(*received, json!({ "name": "ann", "action": "login" }));
    // It is no secret of another action.
    let reply = host.get("/api/other?password=shown").await;
    let received = &reply.json()["requesterInformation"]["receivedParams"];
    assert_eq!(received["password"], "shown");
}

#[tokio::test]
async fn errors_do_not_repeat_what_is_secret() {
    let host = host(builder()).await;
    let mut peer = host.peer().await;
    for (action, pin) in [("login", json!("98x")), ("typed", Value::Null)] {
        let params = json!({ "action": action, "name": "ann", "password": "hunter2", "pin": pin });
        let over_http = host
            .post(&format!("/api/{action}"), &params.to_string())
            .await;
        assert_eq!(over_http.status, 400, "{}", over_http.text());
        let over_connection = peer.call(params).await.to_string();
        for text in [over_http.text(), &over_connection] {
            assert!(
                text.contains("error") && text.contains("password\":"),
                "{text}"
            );
            assert!(!text.contains("hunter2") && !text.contains("98x"), "{text}");
        }
    }
}

#[tokio::test]
async fn documents_say_that_they_are_secret() {
    let host = host(builder()).await;
    let document = host.get("/docs/openapi.json").await.json();
    let password = &document["components"]["schemas"]["action.login"]["properties"]["password"];
    assert_eq!(password["format"], "password", "{document}");
    assert_eq!(password["writeOnly"], true);
    let page = host.get("/docs").await;
    let is_hidden = |line: &str| line.contains("password") && line.contains("type=\"password\"");
    assert!(page.text().lines().any(is_hidden));
}
