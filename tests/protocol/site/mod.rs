//! What is served besides the API: sessions, the client's script, public files, the engines.

mod files;
mod home;
mod rfc;
mod sessions;

use axum::{Router, routing::get};
use serde_json::{Value, json};
use stellarfw::Stellar;

use crate::{
    http::echo,
    support::{Folder, Host, host},
};

#[tokio::test]
async fn what_the_transports_answer() {
    let host = host(Stellar::builder()).await;
    let spec = host.get("/primus/spec").await;
    assert_eq!(spec.status, 200);
    assert_eq!(
        spec.json(),
        json!({
            "version": "8.0.9",
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
async fn scripts_of_other_libraries_are_where_pages_look_for_them() {
    let folder = Folder::new();
    let primus = folder.write("primus.js", "the user's primus.js");
    let socketio = folder.write("socket.io.js", "the user's socket.io.js");
    let builder = || {
        let (primus, socketio) = (primus.clone(), socketio.clone());
        Stellar::builder().configure(move |config| {
            config.scripts.primus = Some(primus);
            config.scripts.socketio = Some(socketio);
        })
    };
    let all = ["ws", "engine.io", "socket.io", "sockjs"];
    for primary in all {
        let rest = all.into_iter().filter(|name| *name != primary);
        let builder = rest.fold(builder().transport(primary), stellarfw::Builder::transport);
        let host = host(builder).await;
        for (path, text) in [
            ("/primus/primus.js", "the user's primus.js"),
            ("/primus/primus.js?x=1", "the user's primus.js"),
            ("/socket.io/socket.io.js", "the user's socket.io.js"),
        ] {
            let reply = host.get(path).await;
            assert_eq!(
                (reply.status, reply.text()),
                (200, text),
                "{path} with {primary}"
            );
            let mime = reply.header("content-type");
            assert_eq!(mime, Some("text/javascript; charset=utf-8"));
            assert_eq!(reply.header("set-cookie"), None);
            let tag = [("If-None-Match", reply.header("etag").unwrap())];
            let known = host.http(&format!("GET {path}"), &tag, b"").await;
            assert_eq!(known.status, 304, "{path} with {primary}");
            let post = host.http(&format!("POST {path}"), &[], b"").await;
            assert_eq!((post.status, post.header("allow")), (405, Some("GET,HEAD")));
        }
    }
    let moved = builder().configure(|config| {
        config.server.pathname = "/live/primus".into();
        config.socketio.path = "/live/socket.io".into();
        config.transports = vec!["ws".into(), "socket.io".into()];
    });
    let moved = host(moved).await;
    for (path, status) in [
        ("/live/primus/primus.js", 200),
        ("/live/socket.io/socket.io.js", 200),
        ("/primus/primus.js", 404),
        ("/socket.io/socket.io.js", 404),
    ] {
        assert_eq!(moved.get(path).await.status, status, "{path}");
    }
    let missing = builder().configure(|config| config.scripts.primus = Some("none.js".into()));
    let fault = missing.build().await.unwrap_err().to_string();
    assert!(
        fault.contains("scripts.primus") && fault.contains("none.js"),
        "{fault}"
    );
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
