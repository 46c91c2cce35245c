//! What is served besides the API: sessions, the client's script, public files, the engines.

use std::os::unix::fs::symlink;

use axum::{Router, routing::get};
use serde_json::{Value, json};
use stellarfw::{
    Embedded, Stellar,
    actions::{ActionResult, Call},
};

use super::http::echo;
use crate::support::{Folder, Host, host};

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

/// Polls until a client's details have come, and gives their text.
async fn details(host: &Host, poll: &str, headers: &[(&str, &str)]) -> String {
    loop {
        let reply = host.http(poll, headers, b"").await;
        assert_eq!(reply.status, 200, "{poll}: {}", reply.text());
        if reply.text().contains("fingerprint") {
            return reply.text().to_owned();
        }
    }
}

#[tokio::test]
async fn one_session_over_every_engine() {
    let builder = Stellar::builder().configure(|config| {
        config.transports = ["engine.io", "socket.io", "sockjs"]
            .map(String::from)
            .to_vec();
    });
    let host = host(builder).await;
    let session = host
        .get("/api")
        .await
        .header("x-sessionid")
        .unwrap()
        .to_owned();
    let cookie = format!("sessionID={session}");
    let query = format!("&sessionID={session}");
    let cookie = [("Cookie", cookie.as_str())];
    let ways: [(&str, &[(&str, &str)]); 2] = [("", &cookie), (&query, &[])];
    for (at, (query, headers)) in ways.into_iter().enumerate() {
        for (path, messages) in [
            ("/engine.io/", &[r#"4{"event":"detailsView"}"#][..]),
            (
                "/socket.io/",
                &["40", r#"42["message",{"event":"detailsView"}]"#][..],
            ),
        ] {
            let url = format!("{path}?EIO=4&transport=polling{query}");
            let opened = host.http(&format!("GET {url}"), headers, b"").await;
            let opened: Value = serde_json::from_str(&opened.text()[1..]).unwrap();
            let url = format!("{url}&sid={}", opened["sid"].as_str().unwrap());
            for message in messages {
                let sent = host
                    .http(&format!("POST {url}"), headers, message.as_bytes())
                    .await;
                assert_eq!(sent.status, 200, "{path}: {}", sent.text());
            }
            let told = details(&host, &format!("GET {url}"), headers).await;
            assert!(told.contains(&session), "{path}{query}: {told}");
        }
        let query = query.replacen('&', "?", 1);
        let path = format!("POST /sockjs/000/session{at}");
        let opened = host.http(&format!("{path}/xhr{query}"), headers, b"").await;
        assert_eq!(opened.text(), "o\n");
        let message = br#"["{\"event\":\"detailsView\"}"]"#;
        let sent = host
            .http(&format!("{path}/xhr_send"), headers, message)
            .await;
        assert_eq!(sent.status, 204);
        let told = details(&host, &format!("{path}/xhr"), headers).await;
        assert!(told.contains(&session), "sockjs{query}: {told}");
    }
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
