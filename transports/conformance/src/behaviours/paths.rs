//! Where a server answers.

use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use stellarfw_transport::http::{Body, body};

use super::Subject;
use crate::{
    bed::{Bed, Must, Setup},
    harness::Connect,
};

/// Asks the server for a path, past all network.
async fn get(bed: &Bed, path: &str) -> (StatusCode, Vec<u8>) {
    let request: Request<Body> = Request::builder()
        .uri(path)
        .body(body(http_body_util::Empty::new()))
        .must();
    let response = bed.server.serve(request).await;
    let status = response.status();
    let bytes = response.into_body().collect().await;
    let bytes = bytes.must().to_bytes();
    (status, bytes.to_vec())
}

/// Nothing but what stands under the path answers there. Engines without paths answer nowhere.
async fn answers_at(bed: &Bed, path: &str, yes: bool) {
    if !bed.capabilities.headers {
        assert_eq!(get(bed, path).await.0, StatusCode::NOT_FOUND, "{path}");
    } else if yes {
        let (visitor, spark) = bed.pair_with(Connect::default().path(path)).await;
        visitor.vanish().await;
        bed.closed(&spark).await;
    } else {
        let refused = bed.refused(Connect::default().path(path)).await;
        // It may be the HTTP server that says so, whatever the engine can tell.
        let status = refused.status.unwrap_or(404);
        assert_eq!(status, 404, "{path}: {refused:?}");
    }
}

/// `/primus` is ours, `/primusfoo` is not.
pub async fn the_pathname_is_matched_by_segment(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    answers_at(&bed, "/primus", true).await;
    answers_at(&bed, "/primusfoo", false).await;
    answers_at(&bed, "/prim", false).await;
    answers_at(&bed, "/x/primus", false).await;
    assert_eq!(get(&bed, "/").await.0, StatusCode::NOT_FOUND);
    bed.finish().await;
}

/// The pathname is a setting.
pub async fn the_pathname_can_be_chosen(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| config.pathname = "/deep/live".into())
        .serve()
        .await;
    answers_at(&bed, "/deep/live", true).await;
    answers_at(&bed, "/deep", false).await;
    answers_at(&bed, "/primus", false).await;
    assert_eq!(get(&bed, "/deep/live/spec").await.0, StatusCode::OK);
    bed.finish().await;
}

/// Besides the pathname an engine answers at the path of its own convention.
pub async fn the_engine_answers_at_its_own_path(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let paths = bed.server.paths();
    assert_eq!(paths[0], "/primus");
    match bed.engine.path() {
        Some(path) => {
            assert!(
                path.starts_with('/') && paths.iter().any(|known| known == path),
                "{path}"
            );
            answers_at(&bed, path, true).await;
        }
        None => assert_eq!(paths.len(), 1),
    }
    bed.finish().await;
}

/// `<pathname>/spec` tells what a client must know.
pub async fn the_spec_tells_what_clients_need(harness: Subject) {
    let bed = Setup::new(&harness)
        .configure(|config| config.ping_interval = 12_345)
        .serve()
        .await;
    let (status, bytes) = get(&bed, "/primus/spec").await;
    assert_eq!(status, StatusCode::OK);
    let spec: Value = serde_json::from_slice(&bytes).must();
    assert_eq!(spec["pingInterval"], 12_345);
    assert_eq!(spec["pathname"], "/primus");
    assert_eq!(spec["parser"], "json");
    assert!(
        spec["version"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{spec}"
    );
    let transformer = if bed.engine.name() == "ws" {
        "websockets"
    } else {
        bed.engine.name()
    };
    assert_eq!(spec["transformer"], transformer);
    bed.finish().await;
}
