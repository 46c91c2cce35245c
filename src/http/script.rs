//! `/stellar-client`: the browser client and its source maps.

use axum::{Router, routing::get};
use http::{HeaderMap, HeaderValue};

use super::fixed::Fixed;
use crate::{
    Stellar,
    client::{Variant, render},
};

const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
const MAP: HeaderValue = HeaderValue::from_static("application/json");

pub(super) fn routes(stellar: &Stellar) -> Router {
    let mut router = Router::new();
    for variant in [Variant::Plain, Variant::Minified] {
        let script = render(&stellar.app, &stellar.server, variant);
        let text = Fixed::new(script.text, SCRIPT);
        let path = format!("/{}", variant.file());
        router = serve(router, &path, text.clone());
        if variant == Variant::Minified {
            router = serve(router, "/stellar-client", text);
        }
        let map = Fixed::new(script.map, MAP);
        router = serve(router, &format!("{path}.map"), map);
    }
    router
}

fn serve(router: Router, path: &str, text: Fixed) -> Router {
    router.route(
        path,
        get(async move |headers: HeaderMap| text.answer(&headers).await),
    )
}
