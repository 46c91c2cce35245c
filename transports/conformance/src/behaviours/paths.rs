//! The paths of a server and its engine.

use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use stellarfw_transport::http::{Body, body};

use super::Subject;
use crate::{
    fixture::{Fixture, OrFail, Setup},
    harness::Connect,
};

/// Requests a path from the server without a network.
async fn get(fixture: &Fixture, path: &str) -> (StatusCode, Vec<u8>) {
    let request: Request<Body> = Request::builder()
        .uri(path)
        .body(body(http_body_util::Empty::new()))
        .or_fail();
    let response = fixture.server.serve(request).await;
    let status = response.status();
    let bytes = response.into_body().collect().await;
    let bytes = bytes.or_fail().to_bytes();
    (status, bytes.to_vec())
}

/// Checks whether the engine accepts connections at a path.
///
/// An engine without headers has no paths, so the server answers 404.
async fn assert_serves(fixture: &Fixture, path: &str, expected: bool) {
    if !fixture.capabilities.headers {
        assert_eq!(get(fixture, path).await.0, StatusCode::NOT_FOUND, "{path}");
    } else if expected {
        let (client, spark) = fixture.pair_with(Connect::default().path(path)).await;
        client.disconnect().await;
        fixture.closed(&spark).await;
    } else {
        let refused = fixture.refused(Connect::default().path(path)).await;
        // The HTTP server may answer instead of the engine.
        let status = refused.status.unwrap_or(404);
        assert_eq!(status, 404, "{path}: {refused:?}");
    }
}

/// `/primus` matches, `/primusfoo` does not.
pub async fn the_pathname_is_matched_by_segment(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    assert_serves(&fixture, "/primus", true).await;
    assert_serves(&fixture, "/primusfoo", false).await;
    assert_serves(&fixture, "/prim", false).await;
    assert_serves(&fixture, "/x/primus", false).await;
    assert_eq!(get(&fixture, "/").await.0, StatusCode::NOT_FOUND);
    fixture.finish().await;
}

/// The pathname is a setting.
pub async fn the_pathname_can_be_chosen(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| config.pathname = "/deep/live".into())
        .serve()
        .await;
    assert_serves(&fixture, "/deep/live", true).await;
    assert_serves(&fixture, "/deep", false).await;
    assert_serves(&fixture, "/primus", false).await;
    assert_eq!(get(&fixture, "/deep/live/spec").await.0, StatusCode::OK);
    fixture.finish().await;
}

/// An engine is also served at the conventional path of its protocol.
pub async fn the_engine_answers_at_its_own_path(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let paths = fixture.server.paths();
    assert_eq!(paths[0], "/primus");
    match fixture.engine.path() {
        Some(path) => {
            assert!(
                path.starts_with('/') && paths.iter().any(|known| known == path),
                "{path}"
            );
            assert_serves(&fixture, path, true).await;
        }
        None => assert_eq!(paths.len(), 1),
    }
    fixture.finish().await;
}

/// `<pathname>/spec` describes the server for clients.
pub async fn the_spec_describes_the_server(harness: Subject) {
    let fixture = Setup::new(&harness)
        .configure(|config| config.ping_interval = 12_345)
        .serve()
        .await;
    let (status, bytes) = get(&fixture, "/primus/spec").await;
    assert_eq!(status, StatusCode::OK);
    let spec: Value = serde_json::from_slice(&bytes).or_fail();
    assert_eq!(spec["pingInterval"], 12_345);
    assert_eq!(spec["pathname"], "/primus");
    assert_eq!(spec["parser"], "json");
    assert!(
        spec["version"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{spec}"
    );
    let transformer = if fixture.engine.name() == "ws" {
        "websockets"
    } else {
        fixture.engine.name()
    };
    assert_eq!(spec["transformer"], transformer);
    fixture.finish().await;
}
