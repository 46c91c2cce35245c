//! Everything that is served over HTTP besides the engines.

mod api;
mod coding;
mod compressor;
mod conditions;
mod cors;
mod fixed;
mod health;
mod home;
mod paths;
mod reference;
mod script;
mod selected;
mod session;
mod statics;

use std::sync::Arc;

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    middleware::{self, Next},
    response::Response,
    routing::any,
};
use http::header;
use http_body_util::BodyExt as _;
use stellarfw_transport::{OriginPolicy, Peer, Provenance, RefusedOrigins, http::is_under};
use tower::ServiceExt as _;

use crate::Stellar;

pub use self::{api::BadRoute, cors::Cors};
pub(crate) use self::{
    api::{Route, remove_left_over},
    compressor::Compressor,
    health::{PATHS as HEALTH_PATHS, routes as health_routes},
    paths::{clash, is_path},
};

/// All routes of a server.
pub(crate) fn router(stellar: &Stellar, with_files: bool) -> Router {
    let api = stellar.app.config.api_path.trim_end_matches('/').to_owned();
    let mut router = Router::new();
    if with_files {
        router = router.fallback_service(statics::routes(stellar));
    }
    // Files and texts are compressed for those who take it. Not the API's answers: they hold secrets
    // beside what the request brought, and then the compressed length tells of the secret (BREACH).
    router = router
        .merge(script::routes(stellar))
        .merge(script::other_routes(stellar))
        .merge(reference::routes(stellar))
        .merge(api::routes(stellar, &api));
    if let Some(cors) = stellar.app.config.cors.layer() {
        router = router.layer(cors);
    }
    if stellar.app.config.health {
        router = router.merge(health::routes(stellar));
    }
    let mut paths = stellar.server.paths();
    for path in &mut paths {
        path.truncate(path.trim_end_matches('/').len());
    }
    paths.sort_unstable();
    paths.dedup();
    let engines = paths.clone();
    for path in paths {
        let service = stellar.server.service();
        let handler = any(move |request: Request| {
            let service = service.clone();
            async move {
                match service.oneshot(request).await {
                    Ok(response) => response.map(|body| axum::body::Body::new(body.boxed_unsync())),
                    Err(never) => match never {},
                }
            }
        });
        router = router
            .route(&path, handler.clone())
            .route(&format!("{path}/"), handler.clone())
            .route(&format!("{path}/{{*rest}}"), handler);
    }
    let pages = Arc::new(Pages {
        engines,
        cors: stellar.app.config.cors.clone(),
        refused: RefusedOrigins::new("cors.origins"),
    });
    router.layer(middleware::from_fn_with_state(pages, peer))
}

/// Which pages of other origins may read what is not an engine's.
struct Pages {
    engines: Vec<String>,
    cors: Cors,
    refused: RefusedOrigins,
}

impl Pages {
    /// Reports a page that may not read the answer. Its browser says only that the request failed.
    fn look(&self, request: &Request) {
        let headers = request.headers();
        let Some(origin) = headers.get(header::ORIGIN) else {
            return;
        };
        let path = request.uri().path();
        let is_engines = self.engines.iter().any(|mount| is_under(path, mount));
        if !is_engines
            && !self.cors.lists(origin)
            && OriginPolicy::Same.judge(headers, request.uri(), None) == Provenance::Foreign
        {
            self.refused.report(headers, request.uri());
        }
    }
}

/// Where axum knows the peer's address, the engines shall know it too.
async fn peer(State(pages): State<Arc<Pages>>, mut request: Request, next: Next) -> Response {
    pages.look(&request);
    if request.extensions().get::<Peer>().is_none()
        && let Some(ConnectInfo(address)) = request.extensions().get().copied()
    {
        request.extensions_mut().insert(Peer(address));
    }
    next.run(request).await
}
