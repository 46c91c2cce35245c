//! `/stellar-client`: the browser client, with caching.

use axum::{
    Router,
    body::Body,
    response::{IntoResponse as _, Response},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};

use crate::{
    Stellar,
    client::{Variant, render},
};

pub(super) fn routes(stellar: &Stellar) -> Router {
    let serve = |variant| {
        let script = Script::new(render(&stellar.app, &stellar.server, variant));
        get(move |headers: HeaderMap| std::future::ready(script.answer(&headers)))
    };
    Router::new()
        .route("/stellar-client", serve(Variant::Minified))
        .route("/stellar-client.js", serve(Variant::Plain))
        .route("/stellar-client.min.js", serve(Variant::Minified))
}

/// A text that does not change while the server runs.
#[derive(Clone)]
struct Script {
    text: Bytes,
    tag: HeaderValue,
}

impl Script {
    fn new(text: String) -> Self {
        let hash = STANDARD.encode(Sha256::digest(text.as_bytes()));
        let tag = HeaderValue::from_str(&format!("\"{hash}\""));
        Self {
            tag: tag.unwrap_or_else(|_| unreachable!("base64 is a header value")),
            text: text.into(),
        }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let known = headers.get_all(header::IF_NONE_MATCH).iter().any(|value| {
            value.to_str().is_ok_and(|value| {
                let tag = self.tag.to_str().unwrap_or_default();
                value
                    .split(',')
                    .map(|known| known.trim().trim_start_matches("W/"))
                    .any(|known| known == tag || known == "*")
            })
        });
        let mut response = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = Response::new(Body::from(self.text.clone()));
            response.headers_mut().insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/javascript; charset=utf-8"),
            );
            response
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, self.tag.clone());
        // Kept by browsers, and asked about each time: the settings may change with a restart.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        response
    }
}
