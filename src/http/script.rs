//! `/stellar-client`: the browser client, with caching.

use axum::{Router, body::Body, response::Response, routing::get};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

use super::etag::Tag;
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
    tag: Tag,
}

impl Script {
    fn new(text: String) -> Self {
        Self {
            tag: Tag::of(text.as_bytes()),
            text: text.into(),
        }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let mut response = if self.tag.is_known(headers) {
            self.tag.not_modified()
        } else {
            let mut response = Response::new(Body::from(self.text.clone()));
            response.headers_mut().insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/javascript; charset=utf-8"),
            );
            response
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, self.tag.value());
        // Kept by browsers, and asked about each time: the settings may change with a restart.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        response
    }
}
