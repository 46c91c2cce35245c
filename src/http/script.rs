//! `/stellar-client`: the browser client, with caching.

use axum::{Router, routing::get};
use http::{HeaderMap, HeaderValue};

use super::fixed::Fixed;
use crate::{
    Stellar,
    client::{Variant, render},
};

pub(super) fn routes(stellar: &Stellar) -> Router {
    let serve = |variant| {
        let script = Fixed::new(
            render(&stellar.app, &stellar.server, variant),
            HeaderValue::from_static("text/javascript; charset=utf-8"),
        );
        get(move |headers: HeaderMap| std::future::ready(script.answer(&headers)))
    };
    Router::new()
        .route("/stellar-client", serve(Variant::Minified))
        .route("/stellar-client.js", serve(Variant::Plain))
        .route("/stellar-client.min.js", serve(Variant::Minified))
}
