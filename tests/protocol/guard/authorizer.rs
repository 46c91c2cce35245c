//! The authorizer in front of the API, the documents and public files.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use stellarfw::{
    Builder, Extensions, Stellar,
    actions::{ActionResult, Call, Caller, Extension, SendFile},
    transport::{OriginPolicy, Peer, Refusal},
};

use crate::support::{Folder, error, host};

struct User(String);

struct Tenant(u32);

const ANN: (&str, &str) = ("Authorization", "Bearer ann");
const BASIC: (&str, &str) = ("Authorization", "Basic ann");
const COOKIE: (&str, &str) = ("Cookie", "login=ann");

/// Lets in who has a token or a cookie of ann's.
fn guarded() -> Builder {
    Stellar::builder()
        .action(
            "who",
            async |user: Extension<User>, tenant: Extension<Tenant>| {
                ActionResult::Ok(json!({ "who": user.0.0, "tenant": tenant.0.0 }))
            },
        )
        .action("open", async |user: Option<Extension<User>>| {
            ActionResult::Ok(json!({ "who": user.map(|user| user.0.0.clone()) }))
        })
        .action("headers", async |caller: Caller| {
            let Caller::Http(request) = caller else {
                return ActionResult::Ok(Value::Null);
            };
            let names: Vec<_> = request.headers.keys().map(|name| name.as_str()).collect();
            ActionResult::Ok(json!({ "names": names }))
        })
        .action("file", async || {
            ActionResult::Ok(SendFile("private/b.txt".into()))
        })
        .authorize(|parts| {
            let has = |name: &str, values: &[&str]| {
                let value = parts
                    .headers
                    .get(name)
                    .and_then(|value| value.to_str().ok());
                value.is_some_and(|value| values.contains(&value))
            };
            let is_ann =
                has("authorization", &["Bearer ann", "Basic ann"]) || has("cookie", &["login=ann"]);
            let knows_address = parts.extensions.get::<Peer>().is_some();
            async move {
                assert!(knows_address);
                match is_ann {
                    true => Ok(Some(
                        Extensions::new().with(User("ann".into())).with(Tenant(7)),
                    )),
                    false => Err(Refusal::new("who are you?").www_authenticate("Bearer")),
                }
            }
        })
}

#[tokio::test]
async fn the_api_is_as_guarded_as_the_sockets() {
    let host = host(guarded().route("get", "/users/:id", "who")).await;
    for line in [
        "GET /api/who",
        "HEAD /api/who",
        "POST /api/who",
        "PUT /api/none",
        "DELETE /api",
        "GET /api?action=who",
        "GET /api/users/7",
        "GET /api/who?callback=cb",
    ] {
        let reply = host.http(line, &[], b"").await;
        assert_eq!(reply.status, 401, "{line}");
        if !line.starts_with("HEAD") {
            assert_eq!(reply.json(), json!({ "error": "who are you?" }), "{line}");
        }
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("set-cookie"), None);
    }
    // What browsers ask before is not a call.
    assert_eq!(host.http("OPTIONS /api/who", &[], b"").await.status, 200);
    let refused = host.connect("/primus", &[]).await;
    assert!(refused.is_err());

    for line in ["GET /api/who", "POST /api/who", "GET /api/users/7"] {
        let reply = host.http(line, &[ANN], b"").await;
        assert_eq!(reply.status, 200, "{line}");
        assert_eq!(reply.json()["who"], "ann");
        assert_eq!(reply.json()["tenant"], 7);
    }
    let mut peer = host.connect("/primus", &[ANN]).await.unwrap();
    peer.welcomed().await;
    let answer = peer.call(json!({ "action": "who" })).await;
    assert_eq!(answer, json!({ "who": "ann", "tenant": 7 }));
    // The scripts, without which no page could ask for a password, are for everyone.
    for path in ["/stellar-client", "/primus/spec", "/healthz"] {
        assert_eq!(host.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn an_authorizer_sees_no_body_and_is_asked_once() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let builder = Stellar::builder()
        .action("echo", async |call: Call| ActionResult::Ok(call.value()))
        .authorize(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            async { Err::<Option<User>, _>(Refusal::new("no")) }
        });
    let host = host(builder).await;
    // The body is still to come when the refusal is there.
    let headers = [
        ("Content-Length", "1000000"),
        ("Content-Type", "application/json"),
    ];
    let reply = host.http("POST /api/echo", &headers, b"").await;
    assert_eq!(reply.status, 401);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn settings_open_the_api_and_the_documents() {
    let open = guarded().configure(|config| {
        config.guard.api = false;
        config.guard.docs = false;
    });
    let open = host(open).await;
    assert_eq!(open.get("/api/open").await.json()["who"], Value::Null);
    // Nobody was asked, so nothing is known, not even of who would have been let in.
    let reply = open.http("GET /api/who", &[ANN], b"").await;
    let blocked = error(
        "005",
        "This action does not support the http connection type",
    );
    assert_eq!((reply.status, &reply.json()["error"]), (400, &blocked));
    assert!(open.connect("/primus", &[]).await.is_err());
    assert_eq!(open.get("/docs").await.status, 200);

    let closed = host(guarded()).await;
    for path in [
        "/",
        "/docs",
        "/docs/openapi.json",
        "/docs/asyncapi.json",
        "/stellar-client.d.ts",
    ] {
        let reply = closed.get(path).await;
        assert_eq!(
            (reply.status, reply.header("set-cookie")),
            (401, None),
            "{path}"
        );
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        let reply = closed.http(&format!("GET {path}"), &[ANN], b"").await;
        assert_eq!(reply.status, 200, "{path}");
        assert!(reply.header("cache-control").unwrap().contains("private"));
        assert_eq!(reply.header("referrer-policy"), Some("same-origin"));
    }
    // What the page is made of says nothing of the application, and comes without the page's query.
    for path in ["/docs/docs.js", "/docs/docs.css", "/docs/logo.svg"] {
        assert_eq!(closed.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn public_files_are_guarded_where_they_ask_for_it() {
    let folder = Folder::of(&[
        ("a.txt", "a"),
        ("private/b.txt", "b"),
        ("private/deep/c.html", "<p>"),
        ("private/b.txt.gz", "gz"),
        ("privateer.txt", "p"),
    ]);
    let builder = guarded().public(folder.path()).configure(|config| {
        config.guard.files = vec!["/private".into()];
        config.file_max_age = 60;
    });
    let host = host(builder).await;
    for path in ["/a.txt", "/privateer.txt"] {
        let reply = host.get(path).await;
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("cache-control"), Some("public, max-age=60"));
    }
    for path in [
        "/private/b.txt",
        "/private/deep/c.html",
        "/private/b.txt.gz",
        "/private/missing",
        "//private/b.txt",
        "/./private/b.txt",
        "/%70rivate/b.txt",
        "/private%2Fb.txt",
        "/Private/b.txt",
        "/private/./b.txt",
    ] {
        for method in ["GET", "HEAD"] {
            let reply = host.http(&format!("{method} {path}"), &[], b"").await;
            assert_eq!(reply.status, 401, "{method} {path}");
            assert_eq!(reply.header("set-cookie"), None);
        }
    }
    // A way around that the files know nothing of.
    assert_eq!(host.get("/x/../private/b.txt").await.status, 404);
    let reply = host.http("GET /private/b.txt", &[ANN], b"").await;
    assert_eq!((reply.status, reply.text()), (200, "b"));
    assert_eq!(reply.header("cache-control"), Some("private, max-age=60"));
    assert_eq!(
        reply.header("cross-origin-resource-policy"),
        Some("same-origin")
    );
    let tag = reply.header("etag").unwrap().to_owned();
    let known = [("If-None-Match", tag.as_str())];
    assert_eq!(
        host.http("GET /private/b.txt", &known, b"").await.status,
        401
    );
    // The action decides on what it sends.
    assert_eq!(host.http("GET /api/file", &[ANN], b"").await.text(), "b");

    let bad = guarded().configure(|config| config.guard.files = vec!["private".into()]);
    assert!(
        bad.build()
            .await
            .unwrap_err()
            .to_string()
            .contains("guard.files")
    );
}

/// A page of another site has its visitor's browser send cookies and kept passwords along.
#[tokio::test]
async fn what_a_browser_sends_by_itself_does_not_count_for_foreign_pages() {
    let folder = Folder::of(&[("private/b.txt", "b")]);
    let builder = guarded().public(folder.path()).configure(|config| {
        config.guard.files = vec!["/private".into()];
        config.jsonp = true;
    });
    let host = host(builder).await;
    let foreign: &[(&str, &str)] = &[
        ("Origin", "https://evil.example"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Referer", "https://evil.example/"),
    ];
    for credentials in [COOKIE, BASIC] {
        for line in ["GET /api/who", "POST /api/who"] {
            assert_eq!(host.http(line, &[credentials], b"").await.status, 200);
            for page in foreign {
                let reply = host.http(line, &[credentials, *page], b"").await;
                assert_eq!(reply.status, 401, "{line} {page:?}");
            }
        }
        let script = "GET /api/who?callback=cb";
        assert_eq!(host.http(script, &[credentials], b"").await.status, 401);
        // What it loads into itself, but for what its visitor opens from it.
        let site = ("Sec-Fetch-Site", "cross-site");
        for path in ["/private/b.txt", "/docs", "/"] {
            let line = format!("GET {path}");
            for dest in ["script", "image", "iframe", "empty"] {
                let headers = [credentials, site, ("Sec-Fetch-Dest", dest)];
                assert_eq!(host.http(&line, &headers, b"").await.status, 401, "{dest}");
            }
            let headers = [credentials, site, ("Sec-Fetch-Dest", "document")];
            assert_eq!(host.http(&line, &headers, b"").await.status, 200, "{path}");
        }
    }
    // A script that sends a token of its own is the owner's.
    let headers = [ANN, COOKIE, foreign[0]];
    let reply = host.http("POST /api/headers", &headers, b"").await;
    assert_eq!(reply.status, 200);
    let names = reply.json()["names"].to_string();
    assert!(
        names.contains("authorization") && !names.contains("cookie"),
        "{names}"
    );

    let listed = guarded().configure(|config| {
        config.server.origins = OriginPolicy::List(vec!["https://app.example".into()]);
    });
    let listed = crate::support::host(listed).await;
    let headers = [COOKIE, ("Origin", "https://app.example")];
    assert_eq!(
        listed.http("POST /api/who", &headers, b"").await.status,
        200
    );
}

#[tokio::test]
async fn an_authorizer_that_hangs_is_given_a_handshakes_time() {
    let builder = Stellar::builder()
        .configure(|config| config.server.handshake_timeout = 20)
        .authorize(|_| std::future::pending::<Result<Option<User>, Refusal>>());
    let host = host(builder).await;
    let reply = host.get("/api/x").await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.json()["error"], "The authorizer took too long");
}

#[tokio::test]
async fn pages_of_our_own_are_in_nobodys_frame() {
    let host = host(Stellar::builder()).await;
    for (line, accept) in [
        ("GET /", "text/html"),
        ("GET /docs", "text/html"),
        ("GET /missing", "text/html"),
        ("GET /api/none", "application/json"),
        ("POST /missing", "text/html"),
        ("GET /primus/nothing", "text/html"),
    ] {
        let reply = host.http(line, &[("Accept", accept)], b"").await;
        let policy = reply.header("content-security-policy").unwrap();
        let is_closed = ["frame-ancestors 'none'", "frame-ancestors 'self'"];
        assert!(
            is_closed.iter().any(|own| policy.contains(own)),
            "{line}: {policy}"
        );
        assert_eq!(
            reply.header("x-content-type-options"),
            Some("nosniff"),
            "{line}"
        );
        assert_eq!(
            reply.header("referrer-policy"),
            Some("same-origin"),
            "{line}"
        );
    }
}
