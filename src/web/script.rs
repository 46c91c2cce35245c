//! `/stellar-client`: the browser client and its source maps.

use std::sync::Arc;

use axum::{Router, routing::get};
use http::{HeaderMap, HeaderValue, Method};

use super::{fixed::Fixed, statics};
use crate::web::{Variant, Web, client_script};

const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
const MAP: HeaderValue = HeaderValue::from_static("application/json");

pub(super) fn routes(web: &Web) -> Router {
    let mut router = Router::new();
    for variant in [Variant::Plain, Variant::Minified] {
        let script = client_script(web, variant);
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

/// The scripts of other libraries, at the paths where their own servers have them.
pub(super) fn other_routes(web: &Arc<Web>) -> Router {
    let config = &web.settings;
    let pathname = web.server.config().pathname.trim_end_matches('/');
    let engines = web.server.transports();
    let socketio = engines.iter().find(|engine| engine.name() == "socket.io");
    let socketio = socketio.and_then(|engine| engine.path());
    let socketio = socketio.unwrap_or("/socket.io").trim_end_matches('/');
    let mut scripts = vec![
        (format!("{pathname}/primus.js"), &config.scripts.primus),
        (format!("{socketio}/socket.io.js"), &config.scripts.socketio),
    ];
    // Beside each of its pages for iframes, which name the script relative to themselves.
    for (at, engine) in engines.iter().enumerate() {
        if engine.name() == "sockjs" {
            let own = engine.path().filter(|own| *own != pathname);
            let primary = (at == 0).then_some(pathname);
            let paths = primary.into_iter().chain(own).map(|path| {
                let path = format!("{}/sockjs.js", path.trim_end_matches('/'));
                (path, &config.scripts.sockjs)
            });
            scripts.extend(paths);
        }
    }
    let mut router = Router::new();
    for (path, file) in scripts {
        if let Some(file) = file.clone() {
            let web = web.clone();
            let handler = async move |method: Method, headers: HeaderMap| {
                statics::script(&web, &file, &method, &headers).await
            };
            router = router.route(&path, get(handler));
        }
    }
    router
}

fn serve(router: Router, path: &str, text: Fixed) -> Router {
    router.route(
        path,
        get(async move |headers: HeaderMap| text.answer(&headers).await),
    )
}

#[cfg(test)]
#[cfg(all(
    feature = "ws",
    feature = "engineio",
    feature = "socketio",
    feature = "sockjs"
))]
mod tests {
    use axum::body::{Body, to_bytes};
    use http::{Request, header};
    use tower::ServiceExt as _;

    use super::*;
    use crate::Stellar;

    async fn served(stellar: &Stellar, encoding: &'static str) -> usize {
        let request = Request::get("/stellar-client")
            .header(header::ACCEPT_ENCODING, encoding)
            .body(Body::empty())
            .unwrap();
        let response = routes(&stellar.web()).oneshot(request).await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_ENCODING], encoding);
        to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap()
            .len()
    }

    // As `client/scripts/build.mjs` has them, but of what is really sent.
    #[tokio::test]
    async fn the_script_is_as_small_as_the_guide_says() {
        let all = ["ws", "engine.io", "socket.io", "sockjs"];
        for (engines, most) in [
            (&all[..1], 8_192),
            (&all[1..2], 9_472),
            (&all[2..3], 9_984),
            (&all[3..], 9_472),
            (&all[..], 12_288),
        ] {
            let named: Vec<String> = engines.iter().map(|&name| name.into()).collect();
            let stellar = Stellar::builder()
                .configure(move |config| config.transports = named)
                .build()
                .await
                .unwrap();
            for encoding in ["gzip", "br"] {
                let size = served(&stellar, encoding).await;
                assert!(size <= most, "{engines:?}: {size} bytes of {encoding}");
            }
        }
    }
}
