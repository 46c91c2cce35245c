//! The API over HTTP.

use serde_json::{Value, json};
use stellarfw::{
    Stellar,
    actions::{Action, ActionResult, Call, Params},
};

use crate::support::{error, host};

pub(super) fn echo() -> stellarfw::Builder {
    Stellar::builder()
        .action("echo", async |call: Call| {
            ActionResult::Ok(json!({ "got": call.value(), "by": call.caller().transport() }))
        })
        .action("typed", async |Params(Typed { n, flag }): Params<Typed>| {
            ActionResult::Ok(json!({ "n": n, "flag": flag }))
        })
        .action("list", async || ActionResult::Ok([1, 2]))
        .action("fails", async || ActionResult::<()>::Err("no".into()))
        .action("breaks", async || -> ActionResult { panic!("it breaks") })
        .add_action(Action::new("hidden", async || ActionResult::Ok(())).private())
        .add_action(Action::new("elsewhere", async || ActionResult::Ok(())).block("http"))
}

#[derive(serde::Deserialize)]
struct Typed {
    n: i32,
    #[serde(default)]
    flag: bool,
}

const JSON: (&str, &str) = ("Content-Type", "application/json");

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

#[tokio::test]
async fn an_answer_has_the_actions_fields_and_two_more() {
    let host = host(echo().configure(|config| {
        config.name = "My API".into();
        config.api_version = "7".into();
    }))
    .await;
    let reply = host.get("/api?action=echo&k=v&n=5").await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let session = reply.header("x-sessionid").unwrap();
    let got = json!({ "action": "echo", "k": "v", "n": "5" });
    let answer = reply.json();
    let id = answer["requesterInformation"]["id"].as_str().unwrap();
    assert!(id.len() >= 20, "{id}");
    let time = answer["serverInformation"]["currentTime"].as_u64().unwrap();
    assert!(time > 1_600_000_000_000);
    let took = answer["serverInformation"]["requestDuration"]
        .as_u64()
        .unwrap();
    assert_eq!(
        answer,
        json!({
            "got": got,
            "by": "http",
            "serverInformation": {
                "serverName": "My API",
                "apiVersion": "7",
                "requestDuration": took,
                "currentTime": time,
            },
            "requesterInformation": {
                "id": id,
                "fingerprint": session,
                "remoteIP": "127.0.0.1",
                "receivedParams": got,
            },
        })
    );
}

#[tokio::test]
async fn parameters_come_from_the_query_the_path_and_the_body() {
    let host = host(echo()).await;
    let got = async |line: &str, headers: &[(&str, &str)], body: &str| {
        let reply = host.http(line, headers, body.as_bytes()).await;
        assert_eq!(reply.status, 200, "{line}: {}", reply.text());
        let mut answer = reply.json();
        assert_eq!(
            answer["got"],
            answer["requesterInformation"]["receivedParams"]
        );
        answer["got"].take()
    };
    for (line, headers, body, expected) in [
        (
            "GET /api/echo",
            &[] as &[_],
            "",
            json!({ "action": "echo" }),
        ),
        ("GET /api/echo/", &[], "", json!({ "action": "echo" })),
        (
            "GET /api/?action=echo",
            &[],
            "",
            json!({ "action": "echo" }),
        ),
        ("GET /api/%65cho", &[], "", json!({ "action": "echo" })),
        // The path counts more than the query.
        (
            "GET /api/echo?action=list",
            &[],
            "",
            json!({ "action": "echo" }),
        ),
        (
            "GET /api/echo?a=1&a=2&b=%C3%BC+x&c=&d&=e&%",
            &[],
            "",
            json!({ "a": ["1", "2"], "b": "ü x", "c": "", "d": "", "": "e", "%": "", "action": "echo" }),
        ),
        (
            "POST /api/echo",
            &[JSON],
            r#"{"a":{"b":[1,null]}}"#,
            json!({ "a": { "b": [1, null] }, "action": "echo" }),
        ),
        (
            "POST /api/echo?a=1&b=2",
            &[JSON],
            r#"{"a":5}"#,
            json!({ "a": 5, "b": "2", "action": "echo" }),
        ),
        (
            "POST /api",
            &[JSON],
            r#"{"action":"echo"}"#,
            json!({ "action": "echo" }),
        ),
        (
            "POST /api/echo",
            &[JSON],
            "[1,{}]",
            json!({ "payload": [1, {}], "action": "echo" }),
        ),
        (
            "POST /api/echo",
            &[("Content-Type", "Application/JSON; charset=utf-8")],
            "{}",
            json!({ "action": "echo" }),
        ),
        (
            "POST /api/echo",
            &[],
            r#"{"a":1}"#,
            json!({ "a": 1, "action": "echo" }),
        ),
        ("POST /api/echo", &[JSON], "", json!({ "action": "echo" })),
        (
            "POST /api/echo?a=1&b=2",
            &[FORM],
            "a=x%26y&a=z&c=+",
            json!({ "a": ["x&y", "z"], "b": "2", "c": " ", "action": "echo" }),
        ),
        (
            "PUT /api/echo",
            &[JSON],
            r#"{"a":1}"#,
            json!({ "a": 1, "action": "echo" }),
        ),
        (
            "PATCH /api/echo",
            &[JSON],
            r#"{"a":1}"#,
            json!({ "a": 1, "action": "echo" }),
        ),
        (
            "DELETE /api/echo?a=1",
            &[],
            "",
            json!({ "a": "1", "action": "echo" }),
        ),
    ] {
        assert_eq!(got(line, headers, body).await, expected, "{line} {body}");
    }
    // Texts of a URL or form may be numbers; those of JSON may not.
    let typed = async |line: &str, headers: &[(&str, &str)], body: &str| {
        let reply = host.http(line, headers, body.as_bytes()).await;
        let answer = reply.json();
        (reply.status, answer["n"].clone(), answer["error"].clone())
    };
    assert_eq!(
        typed("GET /api/typed?n=-5&flag=true", &[], "").await,
        (200, json!(-5), json!(null))
    );
    assert_eq!(
        typed("POST /api/typed", &[FORM], "n=7&flag=0").await,
        (200, json!(7), json!(null))
    );
    assert_eq!(
        typed("POST /api/typed", &[JSON], r#"{"n":7}"#).await,
        (200, json!(7), json!(null))
    );
    let wrong = json!({ "n": error("003", "Param 'n' has an invalid type, expected integer") });
    assert_eq!(
        typed("POST /api/typed", &[JSON], r#"{"n":"7"}"#).await,
        (400, json!(null), wrong.clone())
    );
    assert_eq!(
        typed("GET /api/typed?n=x", &[], "").await,
        (400, json!(null), wrong)
    );
    let missing = json!({ "n": "The n field is required." });
    assert_eq!(
        typed("GET /api/typed", &[], "").await,
        (400, json!(null), missing)
    );
}

#[tokio::test]
async fn errors_and_their_statuses() {
    let host = host(echo().configure(|config| config.max_body = 100)).await;
    let unknown = |name: &str| {
        json!(error(
            "004",
            format!("Unknown action ({name}) or invalid apiVersion")
        ))
    };
    for (line, status, expected) in [
        ("GET /api", 404, unknown("undefined")),
        ("GET /api/", 404, unknown("undefined")),
        ("GET /api/none", 404, unknown("none")),
        ("GET /api/a/b", 404, unknown("a/b")),
        ("GET /api/..%2fecho", 404, unknown("../echo")),
        ("GET /api/%ff", 404, unknown("%ff")),
        ("GET /api/echo?apiVersion=2", 404, unknown("echo")),
        ("GET /api/echo?apiVersion=1", 200, json!(null)),
        ("GET /api/fails", 400, json!("no")),
        (
            "GET /api/hidden",
            400,
            error("002", "The action 'hidden' is private"),
        ),
        (
            "GET /api/elsewhere",
            400,
            error(
                "005",
                "This action does not support the http connection type",
            ),
        ),
        (
            "GET /api/breaks",
            500,
            error("001", "The server experienced an internal error"),
        ),
    ] {
        let reply = host.http(line, &[], b"").await;
        let answer = reply.json();
        assert_eq!(
            (reply.status, &answer["error"]),
            (status, &expected),
            "{line}"
        );
        assert!(answer["serverInformation"]["serverName"].is_string());
        assert!(answer["requesterInformation"]["receivedParams"].is_object());
    }
    for (headers, body, status) in [
        (JSON, "{", 400),
        (JSON, "\"text\"", 400),
        (JSON, "5", 400),
        (JSON, "{} x", 400),
        (JSON, "\u{feff}{}", 400),
        (JSON, "{\"a\":\"\\ud800\"}", 400),
        (("Content-Type", "text/plain"), "a", 415),
        (("Content-Type", "multipart/form-data"), "a", 400),
    ] {
        let reply = host
            .http("POST /api/echo", &[headers], body.as_bytes())
            .await;
        assert_eq!(reply.status, status, "{body}");
        assert!(reply.json()["error"].is_string());
    }
    let reply = host.http("POST /api/echo", &[FORM], b"a=\xff").await;
    assert_eq!(reply.status, 400);
    let reply = host.http("POST /api/echo", &[FORM], &[b'x'; 101]).await;
    assert_eq!(reply.status, 413);
    let reply = host.http("POST /api/echo", &[FORM], &[b'x'; 100]).await;
    assert_eq!(reply.status, 200);
    assert_eq!(host.get("/api/list").await.json()["data"], json!([1, 2]));
}

#[tokio::test]
async fn methods() {
    let host = host(echo()).await;
    let reply = host.http("OPTIONS /api/echo", &[], b"").await;
    assert_eq!((reply.status, reply.text()), (200, ""));
    let reply = host.http("HEAD /api/echo", &[], b"").await;
    assert_eq!((reply.status, reply.text()), (200, ""));
    assert_eq!(
        reply.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    let reply = host.http("HEAD /api/none", &[], b"").await;
    assert_eq!((reply.status, reply.text()), (404, ""));
    for method in ["TRACE", "CONNECT", "BREW"] {
        let reply = host.http(&format!("{method} /api/echo"), &[], b"").await;
        assert!(
            matches!(reply.status, 400 | 405),
            "{method} {}",
            reply.status
        );
    }
}

#[tokio::test]
async fn a_script_can_ask_across_origins() {
    let host = host(echo().configure(|config| config.jsonp = true)).await;
    let reply = host.get("/api/echo?callback=jQuery.cb_1&x=%E2%80%A8").await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    let json = reply
        .text()
        .strip_prefix("/**/jQuery.cb_1(")
        .unwrap()
        .strip_suffix(");")
        .unwrap();
    assert!(!json.contains('\u{2028}'));
    let answer: Value = serde_json::from_str(json).unwrap();
    assert_eq!(answer["got"]["x"], "\u{2028}");
    for bad in ["alert(1)//", "a%3Cscript%3E", "", "a%20b", "1a"] {
        let reply = host.get(&format!("/api/echo?callback={bad}")).await;
        assert_eq!(
            reply.header("content-type"),
            Some("application/json; charset=utf-8"),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn cross_origin_reading_is_a_setting() {
    let origin = ("Origin", "https://good.example");
    let plain = host(echo()).await;
    let reply = plain.http("GET /api/echo", &[origin], b"").await;
    assert_eq!(reply.header("access-control-allow-origin"), None);
    let host = host(echo().configure(|config| {
        config.cors.origins = vec!["https://good.example".into()];
        config.cors.credentials = true;
    }))
    .await;
    let reply = host.http("GET /api/echo", &[origin], b"").await;
    assert_eq!(
        reply.header("access-control-allow-origin"),
        Some("https://good.example")
    );
    assert_eq!(
        reply.header("access-control-allow-credentials"),
        Some("true")
    );
    let bad = ("Origin", "https://good.example.evil");
    let reply = host.http("GET /api/echo", &[bad], b"").await;
    assert_eq!(reply.header("access-control-allow-origin"), None);
    let asked = ("Access-Control-Request-Method", "POST");
    let reply = host.http("OPTIONS /api/echo", &[origin, asked], b"").await;
    assert_eq!(reply.status, 200);
    assert!(
        reply
            .header("access-control-allow-methods")
            .unwrap()
            .contains("POST")
    );
}
