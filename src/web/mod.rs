//! Everything that is served over HTTP besides the engines.

mod api;
pub(crate) mod client;
mod coding;
mod compressor;
mod conditions;
mod cors;
mod fixed;
mod guard;
mod health;
mod home;
mod reference;
mod script;
mod selected;
mod session;
mod statics;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    middleware::{self, Next},
    response::Response,
    routing::any,
};
use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt as _;
use stellarfw_transport::{
    OriginPolicy, Peer, Provenance, Refusal, RefusedOrigins, Server,
    http::{is_under, refused},
};
use tower::ServiceExt as _;

use crate::Stellar;

pub use self::{api::BadRoute, cors::Cors, guard::GuardConfig};
pub(crate) use self::{
    api::{Route, remove_left_over},
    compressor::Compressor,
    health::{PATHS as HEALTH_PATHS, routes as health_routes},
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
                    Ok(response) => response.map(|body| Body::new(body.boxed_unsync())),
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
        health: stellar.app.config.health,
        server: stellar.server.clone(),
        cors: stellar.app.config.cors.clone(),
        refused: RefusedOrigins::new("cors.origins"),
    });
    router.layer(middleware::from_fn_with_state(pages, front))
}

/// Which pages of other origins may read what is not an engine's.
struct Pages {
    engines: Vec<String>,
    /// Health checks name the server in ways of their own.
    health: bool,
    server: Server,
    cors: Cors,
    refused: RefusedOrigins,
}

impl Pages {
    /// Returns `true` if an engine answers at this path.
    fn is_engines(&self, path: &str) -> bool {
        self.engines.iter().any(|mount| is_under(path, mount))
    }

    /// Refuses a request for a host that is not served. Engines do that by themselves.
    fn check_host(&self, request: &Request) -> Result<(), Refusal> {
        let path = request.uri().path();
        let is_health = self.health && matches!(path, "/healthz" | "/readyz");
        if is_health || self.is_engines(path) {
            return Ok(());
        }
        self.server.check_host(request)
    }

    /// Reports a page that may not read the answer. Its browser says only that the request failed.
    fn look(&self, request: &Request) {
        let headers = request.headers();
        let Some(origin) = headers.get(header::ORIGIN) else {
            return;
        };
        if !self.is_engines(request.uri().path())
            && !self.cors.lists(origin)
            && OriginPolicy::Same.judge(headers, request.uri(), None) == Provenance::Foreign
        {
            self.refused.report(headers, request.uri());
        }
    }
}

/// What comes before every route: where axum knows the peer's address, the engines shall know it too,
/// and hosts that are not served are refused.
async fn front(State(pages): State<Arc<Pages>>, mut request: Request, next: Next) -> Response {
    if request.extensions().get::<Peer>().is_none()
        && let Some(ConnectInfo(address)) = request.extensions().get().copied()
    {
        request.extensions_mut().insert(Peer(address));
    }
    let mut response = match pages.check_host(&request) {
        Ok(()) => {
            pages.look(&request);
            next.run(request).await
        }
        Err(refusal) => refused(&refusal, false).map(Body::new),
    };
    if response.status().is_client_error() || response.status().is_server_error() {
        harden(response.headers_mut());
    }
    response
}

/// Hosts that are not served are refused, on a router of its own.
pub(crate) fn with_known_hosts(stellar: &Stellar, router: Router) -> Router {
    let server = stellar.server.clone();
    let check = move |request: Request, next: Next| {
        let verdict = server.check_host(&request);
        async move {
            match verdict {
                Ok(()) => next.run(request).await,
                Err(refusal) => refused(&refusal, false).map(Body::new),
            }
        }
    };
    router.layer(middleware::from_fn(check))
}

/// What browsers may do with a page that is an error: nothing.
fn harden(headers: &mut HeaderMap) {
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
}
