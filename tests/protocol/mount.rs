//! The server as a part of an axum app.

use axum::{Router, routing::get};
use serde_json::json;
use stellarfw::{Stellar, actions::ActionResult};

use crate::support::Host;

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
