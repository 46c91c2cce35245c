//! The server as a part of an axum app.

use std::time::Duration;

use axum::{Router, routing::get};
use serde_json::json;
use stellarfw::{
    Stellar,
    actions::ActionResult,
    transport::serve::{Limits, Pace, serve},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::support::{Host, soon};

#[tokio::test]
async fn an_app_has_its_own_routes_beside_the_server() {
    let stellar = Stellar::builder()
        .action("one", async || ActionResult::Ok(json!({ "n": 1 })))
        .build()
        .await
        .unwrap();
    let app = Router::new()
        .route("/", get(async || "the app's own"))
        .merge(stellar.router_without_files())
        .fallback(get(async || "the app's fallback"));
    let host = Host::of_router(stellar, app).await;
    assert_eq!(host.get("/").await.text(), "the app's own");
    assert_eq!(host.get("/elsewhere").await.text(), "the app's fallback");
    assert_eq!(host.get("/api/one").await.json()["n"], 1);
    assert_eq!(host.get("/stellar-client").await.status, 200);
    assert_eq!(host.get("/primus/spec").await.json()["pathname"], "/primus");
    // By segment: what only begins like the path is the app's.
    assert_eq!(host.get("/primusfoo").await.text(), "the app's fallback");
    let mut peer = host.peer().await;
    assert_eq!(
        peer.call(json!({ "action": "one" })).await,
        json!({ "n": 1 })
    );
}

#[tokio::test]
async fn a_body_must_come_in_time_in_any_server() {
    let stellar = Stellar::builder()
        .action("who", async || ActionResult::Ok(json!({ "who": "me" })))
        .configure(|config| config.http.body_timeout = 100)
        .build()
        .await
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // A server that has no deadlines of its own.
    let mut limits = Limits::default();
    limits.body = Pace::new(Duration::ZERO, 0);
    let router = stellar.router();
    let never = std::future::pending();
    let task = tokio::spawn(serve(listener, router, limits, never));
    for mime in ["application/json", "multipart/form-data; boundary=x"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /api/who HTTP/1.1\r\nHost: localhost\r\nContent-Type: {mime}\r\nContent-Length: 9\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut buffer = [0; 64];
        soon("the answer", stream.read_exact(&mut buffer))
            .await
            .unwrap();
        let answer = String::from_utf8_lossy(&buffer);
        assert!(answer.starts_with("HTTP/1.1 408"), "{mime}: {answer}");
    }
    task.abort();
}
