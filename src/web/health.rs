//! `/healthz` and `/readyz`: whether the process lives, and whether it wants more connections.

use std::sync::Arc;

use axum::{Router, routing::get};
use http::{StatusCode, header};

use crate::connections::Availability;

/// Where they are: these answer when no connection has a place left.
pub(crate) const PATHS: [&str; 2] = ["/healthz", "/readyz"];

pub(crate) fn routes(availability: Arc<Availability>) -> Router {
    let ready = move || {
        let answer = if availability.is_ready() {
            (StatusCode::OK, "ready\n")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
        };
        std::future::ready((answer.0, [(header::CACHE_CONTROL, "no-store")], answer.1))
    };
    let [alive, is_ready] = PATHS;
    Router::new()
        .route(alive, get(|| std::future::ready("ok\n")))
        .route(is_ready, get(ready))
}
