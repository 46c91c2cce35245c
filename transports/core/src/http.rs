//! HTTP for engines: body types, the answers that all engines share, and the tower service.

use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use serde_json::json;

use crate::{auth::Refusal, server::Server};

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// A body of whatever kind.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;
/// A request as engines get it.
pub type Request = http::Request<Body>;
/// A response as engines give it.
pub type Response = http::Response<Body>;

/// The address of the peer, put into a request's extensions by whoever accepted its connection.
/// Without it sparks have no address, and trusted proxies cannot be told from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// The server's own address, put into a request's extensions by whoever accepted its connection.
/// Without it a server cannot tell that it is reached by its own machine alone; see
/// [`Hosts`](crate::Hosts).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local(pub SocketAddr);

/// Put into the extensions of requests that came over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Secure;

/// Wraps any body.
pub fn body<B>(body: B) -> Body
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    body.map_err(Into::into).boxed_unsync()
}

/// A response of this status with this text.
#[must_use]
pub fn text(status: StatusCode, text: impl Into<Bytes>) -> Response {
    with_type(status, "text/plain; charset=utf-8", text.into())
}

/// A response of this status without a body.
#[must_use]
pub fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(body(Full::default()));
    *response.status_mut() = status;
    response
}

/// A response of this status with this JSON.
#[must_use]
pub fn json(status: StatusCode, value: &serde_json::Value) -> Response {
    with_type(status, "application/json", value.to_string().into())
}

/// 404 Not Found.
#[must_use]
pub fn not_found() -> Response {
    text(StatusCode::NOT_FOUND, "Not found\n")
}

fn with_type(status: StatusCode, content_type: &'static str, bytes: Bytes) -> Response {
    let mut response = Response::new(body(Full::new(bytes)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The answer to a client that is not let in. On an upgrade the connection is closed with it, as
/// nothing else can come over it. A page whose origin is refused may read it, so that its client
/// knows that it is refused, and does not take it for a fault of the network.
#[must_use]
pub fn refused(refusal: &Refusal, upgrade: bool) -> Response {
    let mut response = json(refusal.status, &json!({ "error": refusal.message }));
    let headers = response.headers_mut();
    if let Some(value) = &refusal.www_authenticate {
        headers.insert(header::WWW_AUTHENTICATE, value.clone());
    }
    if let Some(origin) = &refusal.reader {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
    if upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Whether a path is `mount` or lies under it, segment by segment: `/primus` owns `/primus/x` and
/// not `/primusfoo`.
#[must_use]
pub fn is_under(path: &str, mount: &str) -> bool {
    path.strip_prefix(mount.trim_end_matches('/'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A server's engines as a tower service; made by [`Server::service`].
///
/// It answers the requests under the server's paths and 404 for all others. A peer's address is
/// taken from the extension [`Peer`].
#[derive(Clone, Debug)]
pub struct HttpService {
    server: Server,
}

impl HttpService {
    pub(crate) fn new(server: Server) -> Self {
        Self { server }
    }
}

impl<B> tower_service::Service<http::Request<B>> for HttpService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let server = self.server.clone();
        let request = request.map(body);
        Box::pin(async move { Ok(server.serve(request).await) })
    }
}

#[cfg(test)]
mod tests {
    use super::is_under;

    #[test]
    fn paths_are_matched_by_segment() {
        assert!(is_under("/primus", "/primus"));
        assert!(is_under("/primus/", "/primus"));
        assert!(is_under("/primus/spec", "/primus/"));
        assert!(!is_under("/primusfoo", "/primus"));
        assert!(!is_under("/", "/primus"));
        assert!(is_under("/x", "/"));
    }
}
