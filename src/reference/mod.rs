//! What a server tells of itself: a page for people, OpenAPI and AsyncAPI for tools, types for
//! TypeScript. All of it is made of the declared actions and the settings, once, at the start.
//!
//! Private actions are in none of them.

mod asyncapi;
mod catalog;
mod openapi;
mod page;
mod pattern;
mod sample;
mod schema;
mod source;
mod types;
mod typescript;
mod words;

use http::HeaderValue;

use self::catalog::Catalog;
pub(crate) use self::{
    page::home::Home,
    source::{Channel, ReferenceSettings, Source},
};

/// A document and where it is served.
pub(crate) struct Document {
    pub(crate) path: &'static str,
    pub(crate) mime: HeaderValue,
    pub(crate) text: String,
    /// A page is told what it may load: its own files and nothing else.
    pub(crate) policy: Option<HeaderValue>,
    /// It says nothing of the application, and is the same on every server.
    pub(crate) is_asset: bool,
}

/// No inline script, no inline style, nothing of other origins, and no frame around it that is
/// not the server's own: a click on a button of the page calls an action.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// All documents of a server.
pub(crate) fn documents(source: &Source) -> Vec<Document> {
    let catalog = Catalog::of(source);
    let document = |path, mime: &'static str, text: String| Document {
        path,
        mime: HeaderValue::from_static(mime),
        text,
        policy: None,
        is_asset: false,
    };
    let asset = |path, mime, text: &str| Document {
        is_asset: true,
        ..document(path, mime, text.to_owned())
    };
    let json = "application/json; charset=utf-8";
    vec![
        Document {
            policy: Some(HeaderValue::from_static(POLICY)),
            ..document("/docs", "text/html; charset=utf-8", page::render(&catalog))
        },
        asset(
            "/docs/docs.js",
            "text/javascript; charset=utf-8",
            include_str!("page/docs.js"),
        ),
        asset(
            "/docs/docs.css",
            "text/css; charset=utf-8",
            include_str!("page/docs.css"),
        ),
        asset(
            "/docs/logo.svg",
            "image/svg+xml",
            include_str!("page/logo.svg"),
        ),
        document(
            "/docs/openapi.json",
            json,
            pretty(&openapi::render(&catalog)),
        ),
        document(
            "/docs/asyncapi.json",
            json,
            pretty(&asyncapi::render(&catalog)),
        ),
        document(
            "/stellar-client.d.ts",
            "text/plain; charset=utf-8",
            typescript::render(&catalog),
        ),
    ]
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}
