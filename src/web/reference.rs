//! `/docs` and the documents beside it, with caching.

use std::sync::Arc;

use axum::{Router, extract::Request, response::Response, routing::get};
use http::{HeaderValue, StatusCode, header};

use super::{
    fixed::Fixed,
    guard::{authorize_visit, confine},
    session::Session,
};
use crate::{reference::documents, web::Web};

pub(super) fn routes(web: &Arc<Web>) -> Router {
    if !web.settings.docs {
        return Router::new();
    }
    // The page's own addresses are relative to the one without a slash, wherever it is mounted.
    let moved = || async {
        (
            StatusCode::PERMANENT_REDIRECT,
            [(header::LOCATION, "../docs")],
        )
    };
    let mut router = Router::new().route("/docs/", get(moved));
    for document in documents(&web.reference) {
        let fixed = Fixed::new(document.text, document.mime);
        let (web, policy) = (web.clone(), document.policy);
        // A page that got its token in the query has none in the addresses of what it loads.
        let is_guarded =
            !document.is_asset && web.settings.guard.docs && web.server.has_authorizer();
        let handler = move |request: Request| {
            let (fixed, web, policy) = (fixed.clone(), web.clone(), policy.clone());
            async move {
                let (mut parts, _) = request.into_parts();
                // The cookie may be taken out for the authorizer.
                let session = Session::of_page(&web, &parts);
                if is_guarded && let Err(refused) = authorize_visit(&web, &mut parts).await {
                    return refused;
                }
                let mut response = fixed.answer(&parts.headers).await;
                let headers = response.headers_mut();
                let same = HeaderValue::from_static("same-origin");
                headers.insert(header::REFERRER_POLICY, same);
                if is_guarded {
                    confine(headers);
                }
                if let Some(policy) = policy {
                    page(session, policy, &mut response);
                }
                response
            }
        };
        router = router.route(document.path, get(handler));
    }
    router
}

/// What a page has besides: what it may load, and the session, so that its connection has the
/// fingerprint at once.
fn page(session: Option<Session>, policy: HeaderValue, response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    if let Some(session) = session {
        // No shared cache may give it to anybody else.
        let private = HeaderValue::from_static("private, no-cache");
        headers.insert(header::CACHE_CONTROL, private);
        session.tell(headers);
    }
}
