//! The API and all else that is served over HTTP.

use std::os::unix::fs::symlink;

use axum::{Router, routing::get};
use serde_json::{Value, json};
use stellarfw::{
    Embedded, Stellar,
    actions::{Action, ActionResult, Call, Params},
};

use crate::support::{Folder, Host, error, host};

fn echo() -> stellarfw::Builder {
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
    let host = host(echo()).await;
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

#[tokio::test]
async fn one_session_over_http_and_connections() {
    let builder = Stellar::builder().action("who", async |call: Call| {
        ActionResult::Ok(json!({ "who": call.caller().fingerprint() }))
    });
    let host = host(builder).await;
    let reply = host.get("/api/who").await;
    let session = reply.header("x-sessionid").unwrap().to_owned();
    assert!(session.len() == 40 && session.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let cookie = reply.header("set-cookie").unwrap();
    assert!(
        cookie.starts_with(&format!("sessionID={session}; Path=/")),
        "{cookie}"
    );
    assert_eq!(reply.json()["who"], session.as_str());
    let second = host.get("/api/who").await;
    assert_ne!(second.header("x-sessionid"), Some(session.as_str()));

    let cookie = format!("other=1; sessionID={session}");
    let headers = [("Cookie", cookie.as_str())];
    let again = host.http("GET /api/who", &headers, b"").await;
    assert_eq!(again.json()["who"], session.as_str());
    assert_eq!(again.header("x-sessionid"), Some(session.as_str()));
    assert_eq!(again.header("set-cookie"), None);
    let details = json!({ "event": "detailsView" });
    let mut by_cookie = host.connect("/primus", &headers).await.unwrap();
    by_cookie.welcomed().await;
    assert_eq!(
        by_cookie.ask(&details).await["data"]["fingerprint"],
        session.as_str()
    );
    assert_eq!(
        by_cookie.call(json!({ "action": "who" })).await["who"],
        session.as_str()
    );
    // The URL counts more than the cookie.
    let mut by_query = host
        .connect("/primus?a=b&sessionID=mine", &headers)
        .await
        .unwrap();
    by_query.welcomed().await;
    assert_eq!(by_query.ask(&details).await["data"]["fingerprint"], "mine");
    let own = [("Cookie", "sessionID=of-an_App1")];
    let reply = host.http("GET /api/who", &own, b"").await;
    assert_eq!(reply.json()["who"], "of-an_App1");
    // What cannot be a session's id is not taken over, over either.
    let long = format!("sessionID={}", "x".repeat(129));
    for bad in [
        "sessionID=",
        "sessionID=%00",
        "sessionID=<b>",
        "sessionID=a b",
        "sessionID",
        &long,
    ] {
        let reply = host.http("GET /api/who", &[("Cookie", bad)], b"").await;
        assert_eq!(reply.header("x-sessionid").unwrap().len(), 40, "{bad}");
        assert!(reply.header("set-cookie").is_some());
        let mut peer = host.connect("/primus", &[("Cookie", bad)]).await.unwrap();
        peer.welcomed().await;
        let fingerprint = &peer.ask(&details).await["data"]["fingerprint"];
        assert_eq!(*fingerprint, Value::Null, "{bad}");
    }
    let path = "/primus?sessionID=%3Cb%3E";
    let mut falls_back = host.connect(path, &headers).await.unwrap();
    falls_back.welcomed().await;
    let fingerprint = &falls_back.ask(&details).await["data"]["fingerprint"];
    assert_eq!(*fingerprint, session.as_str());
}

#[tokio::test]
async fn sessions_can_be_off() {
    let host = host(echo().configure(|config| config.session_cookie = None)).await;
    let reply = host.get("/api/echo").await;
    assert_eq!(
        (reply.header("set-cookie"), reply.header("x-sessionid")),
        (None, None)
    );
    assert_eq!(
        reply.json()["requesterInformation"]["fingerprint"],
        Value::Null
    );
    let mut peer = host
        .connect("/primus?sessionID=x", &[("Cookie", "sessionID=y")])
        .await
        .unwrap();
    peer.welcomed().await;
    let details = peer.ask(&json!({ "event": "detailsView" })).await;
    assert_eq!(details["data"]["fingerprint"], Value::Null);
}

#[tokio::test]
async fn the_client_script() {
    let host = host(Stellar::builder().configure(|config| {
        config.server.pathname = "/live".into();
        config.starting_chat_rooms = vec!["</script>".into()];
    }))
    .await;
    let whole = host.get("/stellar-client.js").await;
    let small = host.get("/stellar-client.min.js").await;
    let usual = host.get("/stellar-client").await;
    assert_eq!(usual.body, small.body);
    assert!(small.body.len() < whole.body.len());
    for reply in [&whole, &small, &usual] {
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.header("content-type"),
            Some("text/javascript; charset=utf-8")
        );
        let text = reply.text();
        assert!(!text.contains("__STELLAR_SETTINGS__"));
        assert!(text.contains(r#""path":"/live""#));
        assert!(!text.contains("</script>"));
    }
    let tag = small.header("etag").unwrap();
    assert_ne!(whole.header("etag"), Some(tag));
    for known in [
        tag.to_owned(),
        format!("W/{tag}"),
        format!("\"other\", {tag}"),
        "*".into(),
    ] {
        let reply = host
            .http(
                "GET /stellar-client.min.js",
                &[("If-None-Match", &known)],
                b"",
            )
            .await;
        assert_eq!((reply.status, reply.text()), (304, ""), "{known}");
        assert_eq!(reply.header("etag"), Some(tag));
    }
    let reply = host
        .http(
            "GET /stellar-client.min.js",
            &[("If-None-Match", "\"other\"")],
            b"",
        )
        .await;
    assert_eq!(reply.status, 200);
    let reply = host.http("HEAD /stellar-client", &[], b"").await;
    assert_eq!((reply.status, reply.text()), (200, ""));
    assert_eq!(
        host.http("POST /stellar-client", &[], b"").await.status,
        405
    );
}

#[tokio::test]
async fn compressed_for_those_who_take_it_and_never_the_api() {
    let folder = Folder::new();
    folder.write("a.txt", "compress me ".repeat(1_000));
    let host = host(echo().public(folder.path())).await;
    let takes = [("Accept-Encoding", "gzip")];
    for path in ["/stellar-client", "/a.txt"] {
        let plain = host.get(path).await;
        assert_eq!(plain.header("content-encoding"), None);
        let small = host.http(&format!("GET {path}"), &takes, b"").await;
        assert_eq!(small.header("content-encoding"), Some("gzip"), "{path}");
        assert!(small.body.len() < plain.body.len());
    }
    let long = format!("GET /api/echo?x={}", "x".repeat(2_000));
    assert_eq!(
        host.http(&long, &takes, b"")
            .await
            .header("content-encoding"),
        None
    );
}

#[tokio::test]
async fn public_files() {
    let (folder, other) = (Folder::new(), Folder::new());
    folder.write("index.html", "<p>root");
    folder.write("a b ü.txt", "0123456789");
    folder.write("data.json", "{}");
    other.write("index.html", "<p>other");
    other.write("only.txt", "only");
    let embedded = [Embedded {
        path: "in/built.css",
        bytes: b"a {}",
    }];
    let host = host(
        Stellar::builder()
            .public(folder.path())
            .public(other.path())
            .embedded(embedded),
    )
    .await;
    let reply = host.get("/").await;
    assert_eq!((reply.status, reply.text()), (200, "<p>root"));
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    // A page brings its session along; other files do not.
    assert_eq!(reply.header("x-sessionid").unwrap().len(), 40);
    assert!(reply.header("set-cookie").is_some());
    let path = "/a%20b%20%c3%bc.txt";
    let reply = host.get(path).await;
    assert_eq!((reply.status, reply.text()), (200, "0123456789"));
    assert_eq!(reply.header("set-cookie"), None);
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.header("content-length"), Some("10"));
    assert_eq!(host.get("/only.txt").await.text(), "only");
    assert_eq!(host.get("/in/built.css").await.text(), "a {}");
    let tag = host
        .get("/in/built.css")
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    let known = host
        .http("GET /in/built.css", &[("If-None-Match", &tag)], b"")
        .await;
    assert_eq!(known.status, 304);

    let get = format!("GET {path}");
    let part = host.http(&get, &[("Range", "bytes=2-4")], b"").await;
    assert_eq!((part.status, part.text()), (206, "234"));
    assert_eq!(part.header("content-range"), Some("bytes 2-4/10"));
    let part = host.http(&get, &[("Range", "bytes=-3")], b"").await;
    assert_eq!((part.status, part.text()), (206, "789"));
    assert_eq!(
        host.http(&get, &[("Range", "bytes=20-")], b"").await.status,
        416
    );
    let modified = reply.header("last-modified").unwrap();
    let known = host
        .http(&get, &[("If-Modified-Since", modified)], b"")
        .await;
    assert_eq!((known.status, known.text()), (304, ""));
    let old = [("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT")];
    assert_eq!(host.http(&get, &old, b"").await.status, 200);
    let old = [("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT")];
    assert_eq!(host.http(&get, &old, b"").await.status, 412);
    let head = host.http(&format!("HEAD {path}"), &[], b"").await;
    assert_eq!(
        (head.status, head.text(), head.header("content-length")),
        (200, "", Some("10"))
    );
    for method in ["POST", "PUT", "DELETE"] {
        assert_eq!(
            host.http(&format!("{method} {path}"), &[], b"")
                .await
                .status,
            405
        );
    }
    for missing in [
        "/none",
        "/none/",
        "/a b",
        "/apifoo",
        "/primusfoo",
        "/stellar-client.css",
    ] {
        let line = format!("GET {}", missing.replace(' ', "%20"));
        assert_eq!(host.http(&line, &[], b"").await.status, 404, "{missing}");
    }
}

#[tokio::test]
async fn nothing_leads_out_of_the_public_folder() {
    let outer = Folder::new();
    outer.write("secret.txt", "secret");
    outer.write("public2/secret.txt", "secret");
    outer.write("public/a.txt", "public");
    outer.write("public/b.txt", "public");
    outer.write("public/.env", "secret");
    outer.write("public/.git/config", "secret");
    let public = outer.path().join("public");
    symlink(outer.path().join("secret.txt"), public.join("out.txt")).unwrap();
    symlink(outer.path(), public.join("up")).unwrap();
    // A file's compressed form is a file like any other.
    symlink(outer.path().join("secret.txt"), public.join("b.txt.gz")).unwrap();
    symlink(outer.path().join("secret.txt"), public.join("b.txt.br")).unwrap();
    let host = host(Stellar::builder().public(&public)).await;
    assert_eq!(host.get("/a.txt").await.text(), "public");
    for path in [
        "/../secret.txt",
        "/../../../../../../../../etc/passwd",
        "/a/../../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/%2E%2E%2Fsecret.txt",
        "/%252e%252e/secret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/.%2e/secret.txt",
        "/%2e./secret.txt",
        "//etc/passwd",
        "///etc/passwd",
        "/%2fetc/passwd",
        "/..%00/secret.txt",
        "/a.txt%00",
        "/a.txt%00.html",
        "/..%c0%af../secret.txt",
        "/%ff",
        "/%",
        "/%zz",
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/./.env",
        "/out.txt",
        "/up/secret.txt",
        "/../public2/secret.txt",
        "/..;/secret.txt",
        "/a.txt/../../secret.txt",
        "/c:/secret.txt",
        "/public/../../secret.txt",
    ] {
        let reply = host.http(&format!("GET {path}"), &[], b"").await;
        assert!(
            matches!(reply.status, 400 | 404),
            "{path} gave {}",
            reply.status
        );
        assert!(!reply.text().contains("secret"), "{path}");
        assert!(!reply.text().contains("root:"), "{path}");
    }
    for coding in ["gzip", "br", "gzip, br"] {
        let reply = host
            .http("GET /b.txt", &[("Accept-Encoding", coding)], b"")
            .await;
        assert_ne!(reply.body, b"secret", "{coding}");
    }
}

#[tokio::test]
async fn what_the_transports_answer() {
    let host = host(Stellar::builder()).await;
    let spec = host.get("/primus/spec").await;
    assert_eq!(spec.status, 200);
    let version = spec.json()["version"].clone();
    assert_eq!(
        spec.json(),
        json!({
            "version": version,
            "pathname": "/primus",
            "parser": "json",
            "transformer": "websockets",
            "pingInterval": 30_000,
        })
    );
    for path in ["/primus", "/primus/", "/primus?x=1", "/ws"] {
        assert_eq!(host.get(path).await.status, 426, "{path}");
    }
    for path in ["/primusfoo", "/primus.js", "/primus/primus.js"] {
        assert_eq!(host.get(path).await.status, 404, "{path}");
    }
    assert!(host.connect("/primusfoo", &[]).await.is_err());
    for path in ["/primus", "/primus/", "/primus?_primuscb=abc", "/ws"] {
        let mut peer = host.connect(path, &[]).await.unwrap();
        peer.welcomed().await;
    }
}

#[tokio::test]
async fn who_may_not_connect_is_told() {
    use stellarfw::transport::Refusal;

    let builder = Stellar::builder().authorize(|parts| {
        let known = parts.uri.query() == Some("token=good");
        async move {
            if known {
                Ok(Some("ann"))
            } else {
                Err(Refusal::new("Who are you?"))
            }
        }
    });
    let host = host(builder).await;
    let tokio_tungstenite::tungstenite::Error::Http(response) =
        host.connect("/primus", &[]).await.err().unwrap()
    else {
        panic!("an answer was expected");
    };
    assert_eq!(response.status(), 401);
    let body: Value = serde_json::from_slice(response.body().as_ref().unwrap()).unwrap();
    assert_eq!(body, json!({ "error": "Who are you?" }));
    let mut peer = host.connect("/primus?token=good", &[]).await.unwrap();
    peer.welcomed().await;
    let connection = host.stellar.connections().remove(0);
    assert_eq!(connection.spark().identity::<&str>(), Some(&"ann"));
    // A page of another origin is not let in, unless it may be.
    let other = host
        .connect("/primus?token=good", &[("Origin", "https://evil.example")])
        .await;
    assert!(other.is_err());
    let own = format!("http://{}", host.address);
    assert!(
        host.connect("/primus?token=good", &[("Origin", &own)])
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn beside_other_routes_of_an_app() {
    let folder = Folder::new();
    folder.write("index.html", "the library's");
    let stellar = echo().public(folder.path()).build().await.unwrap();
    let app = Router::new()
        .route("/", get(async || "the app's"))
        .route("/health", get(async || "healthy"))
        .merge(stellar.router_without_files())
        .fallback(async || (http::StatusCode::NOT_FOUND, "the app's fallback"));
    let host = Host::of_router(stellar, app).await;
    assert_eq!(host.get("/").await.text(), "the app's");
    assert_eq!(host.get("/health").await.text(), "healthy");
    assert_eq!(host.get("/index.html").await.text(), "the app's fallback");
    assert_eq!(host.get("/none").await.status, 404);
    let answer = host.get("/api/echo").await.json();
    assert_eq!(answer["requesterInformation"]["remoteIP"], "127.0.0.1");
    assert_eq!(host.get("/stellar-client").await.status, 200);
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    let details = peer.ask(&json!({ "event": "detailsView" })).await;
    assert_eq!(details["data"]["remoteIP"], "127.0.0.1");

    // Below a path of the app's, too.
    let stellar = echo().public(folder.path()).build().await.unwrap();
    let app = Router::new()
        .route("/", get(async || "the app's"))
        .nest_service("/live", stellar.router());
    let nested = Host::of_router(stellar, app).await;
    assert_eq!(nested.get("/").await.text(), "the app's");
    assert_eq!(nested.get("/live/index.html").await.text(), "the library's");
    assert_eq!(nested.get("/live/api/echo").await.json()["by"], "http");
    let mut peer = nested.connect("/live/primus", &[]).await.unwrap();
    peer.welcomed().await;
}
