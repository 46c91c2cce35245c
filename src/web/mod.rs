//! Everything that is served over HTTP besides the engines.

mod api;
mod client;
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
mod settings;
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
    OriginPolicy, Parser, Peer, Provenance, Refusal, RefusedOrigins, Server,
    http::{is_under, refused},
};
use tower::ServiceExt as _;

pub(crate) use self::{
    api::remove_left_over,
    client::{Variant, integrity, render as client_script},
    compressor::Compressor,
    health::{PATHS as HEALTH_PATHS, routes as health_routes},
    settings::{ClientSettings, WebSettings},
};
pub use self::{cors::Cors, guard::GuardConfig, settings::ScriptsConfig};
use crate::{
    actions::{ActionService, Route},
    connections::{Availability, Sessions},
    files::Files,
    reference::Source,
};

/// What the handlers of HTTP are given.
pub(crate) struct Web {
    pub(crate) settings: WebSettings,
    pub(crate) server: Server,
    pub(crate) actions: Arc<ActionService>,
    pub(crate) files: Arc<Files>,
    pub(crate) sessions: Option<Sessions>,
    pub(crate) availability: Arc<Availability>,
    pub(crate) compressor: Arc<Compressor>,
    /// Declared routes of the API.
    pub(crate) routes: Arc<[Route]>,
    /// What the reference describes.
    pub(crate) reference: Source,
    pub(crate) parser: Parser,
}

/// All routes of a server.
pub(crate) fn router(web: &Arc<Web>, with_files: bool) -> Router {
    let api = web.settings.api_path.trim_end_matches('/').to_owned();
    let mut router = Router::new();
    if with_files {
        router = router.fallback_service(statics::routes(web));
    }
    // Files and texts are compressed for those who take it. Not the API's answers: they hold secrets
    // beside what the request brought, and then the compressed length tells of the secret (BREACH).
    router = router
        .merge(script::routes(web))
        .merge(script::other_routes(web))
        .merge(reference::routes(web))
        .merge(api::routes(web, &api));
    if let Some(cors) = web.settings.cors.layer() {
        router = router.layer(cors);
    }
    if web.settings.health {
        router = router.merge(health::routes(web.availability.clone()));
    }
    let mut paths = web.server.paths();
    for path in &mut paths {
        path.truncate(path.trim_end_matches('/').len());
    }
    paths.sort_unstable();
    paths.dedup();
    let engines = paths.clone();
    for path in paths {
        let service = web.server.service();
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
        health: web.settings.health,
        server: web.server.clone(),
        cors: web.settings.cors.clone(),
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
pub(crate) fn with_known_hosts(server: &Server, router: Router) -> Router {
    let server = server.clone();
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
