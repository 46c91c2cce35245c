//! Which pages of other origins may use the API.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, header};
use serde::{Deserialize, Serialize};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::session;

/// Cross-origin resource sharing of the API, the client script and the public files.
///
/// Off by default: then browsers keep other origins from reading answers. Connections have their
/// own rule, [`ServerConfig::origins`](stellarfw_transport::ServerConfig::origins).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Cors {
    /// The origins, such as `https://example.com`, or `*` for all. Default: none.
    pub origins: Vec<String>,
    /// Whether cookies may be sent along; not together with `*`. Default false.
    pub credentials: bool,
    /// The headers that requests may have besides the usual ones. Default: `content-type`.
    pub headers: Vec<String>,
    /// Seconds that browsers may remember the answer for. Default 600.
    pub max_age: u64,
}

impl Default for Cors {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            credentials: false,
            headers: vec!["content-type".into()],
            max_age: 600,
        }
    }
}

impl Cors {
    /// What is wrong with the settings.
    pub(crate) fn fault(&self) -> Option<String> {
        let any = self.origins.iter().any(|origin| origin == "*");
        if any && self.credentials {
            return Some("cors.credentials cannot be true when cors.origins has \"*\"".into());
        }
        let bad_origin =
            |origin: &&String| origin.as_str() != "*" && HeaderValue::from_str(origin).is_err();
        if let Some(origin) = self.origins.iter().find(bad_origin) {
            return Some(format!("cors.origins: {origin:?} is no origin"));
        }
        let bad_header = |name: &&String| name.parse::<HeaderName>().is_err();
        let name = self.headers.iter().find(bad_header)?;
        Some(format!("cors.headers: {name:?} is no name of a header"))
    }

    /// Returns `true` if pages of this origin may read answers.
    pub(super) fn lists(&self, origin: &HeaderValue) -> bool {
        let is_it = |listed: &String| {
            listed == "*" || listed.trim_end_matches('/').as_bytes() == origin.as_bytes()
        };
        self.origins.iter().any(is_it)
    }

    pub(super) fn layer(&self) -> Option<CorsLayer> {
        if self.origins.is_empty() {
            return None;
        }
        let origins = if self.origins.iter().any(|origin| origin == "*") {
            AllowOrigin::any()
        } else {
            let values = self
                .origins
                .iter()
                .map(|origin| origin.trim_end_matches('/'));
            AllowOrigin::list(values.filter_map(|origin| HeaderValue::from_str(origin).ok()))
        };
        let names = self
            .headers
            .iter()
            .filter_map(|name| name.parse::<HeaderName>().ok());
        let layer = CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([
                Method::GET,
                Method::HEAD,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ])
            .allow_headers(names.collect::<Vec<_>>())
            .allow_credentials(self.credentials)
            .expose_headers([session::HEADER, header::ETAG])
            .max_age(Duration::from_secs(self.max_age));
        Some(layer)
    }
}
