//! Public files over HTTP.

use std::{convert::Infallible, path::Path};

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, any},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use tower::ServiceExt as _;
use tower_http::services::ServeFile;

use super::{etag::Tag, home::HomePage, session::Session};
use crate::{
    Stellar,
    files::{Found, segments},
};

pub(super) fn routes(stellar: &Stellar) -> MethodRouter {
    let stellar = stellar.clone();
    let home = HomePage::of(&stellar);
    any(move |request: Request| {
        let (stellar, home) = (stellar.clone(), home.clone());
        async move { answer(&stellar, home.as_ref(), request).await }
    })
}

async fn answer(stellar: &Stellar, home: Option<&HomePage>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let session = Session::of(stellar.config(), request.headers(), request.extensions());
    let home = home.filter(|_| request.uri().path() == "/");
    let asked = home.map(|_| request.headers().clone());
    let mut response = match decode(request.uri().path()) {
        Some(path) => find(stellar, &path, request).await,
        None => not_found(),
    };
    if response.status() == StatusCode::NOT_FOUND
        && let (Some(home), Some(asked)) = (home, asked)
    {
        return home.answer(&asked).await;
    }
    let headers = response.headers_mut();
    let is_page = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    if is_page && let Some(session) = session {
        // A page gets its session with it, so that its connection has the fingerprint at once.
        session.tell(headers);
    }
    response
}

/// A file as the answer to a request for something else: with its ranges and conditions.
pub(super) async fn file(stellar: &Stellar, path: &str, parts: &Parts) -> Response {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = match parts.method {
        Method::HEAD => Method::HEAD,
        _ => Method::GET,
    };
    *request.headers_mut() = parts.headers.clone();
    find(stellar, path, request).await
}

async fn find(stellar: &Stellar, path: &str, request: Request) -> Response {
    let files = &stellar.app.files;
    let mut response = if let Some(path) = files.locate(path).await {
        // Ranges, conditional requests, types and precompressed files are the service's work.
        let follow = files.follow_symlinks;
        let mut service = ServeFile::new(&path);
        if has_compressed(&path, "br", follow).await {
            service = service.precompressed_br();
        }
        if has_compressed(&path, "gz", follow).await {
            service = service.precompressed_gzip();
        }
        let Ok::<_, Infallible>(response) = service.oneshot(request).await;
        response.map(Body::new)
    } else {
        match segments(path).and_then(|segments| files.built_in(&segments)) {
            Some(found) => built_in(found, request.method(), request.headers()),
            None => return not_found(),
        }
    };
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    let lifetime = match stellar.config().file_max_age {
        0 => "no-cache".to_owned(),
        seconds => format!("public, max-age={seconds}"),
    };
    if let Ok(value) = HeaderValue::from_str(&lifetime) {
        headers.insert(header::CACHE_CONTROL, value);
    }
    response
}

/// Whether a compressed form of a file lies beside it: as a file itself, because a symlink could
/// lead out of the folder.
async fn has_compressed(path: &Path, extension: &str, follow_symlinks: bool) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    let found = tokio::fs::symlink_metadata(&name).await;
    found.is_ok_and(|found| found.is_file() || (follow_symlinks && found.is_symlink()))
}

fn built_in(found: Found, method: &Method, headers: &HeaderMap) -> Response {
    let tag = Tag::of(&found.bytes);
    if tag.is_known(headers) {
        return tag.not_modified();
    }
    let length = found.bytes.len();
    let body = if *method == Method::HEAD {
        Body::empty()
    } else {
        Body::from(found.bytes)
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(header::ETAG, tag.value());
    if let Ok(mime) = HeaderValue::from_str(&found.mime) {
        headers.insert(header::CONTENT_TYPE, mime);
    }
    response
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "The requested file not exists\n").into_response()
}

/// A path with its percent escapes undone; none if that is not UTF-8.
pub(super) fn decode(path: &str) -> Option<String> {
    let mut out = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || bytes.next().and_then(|b| (b as char).to_digit(16));
            let (high, low) = (digit()?, digit()?);
            out.push((high * 16 + low) as u8);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}
