//! Public files over HTTP.

use std::{
    fs::Metadata,
    io::SeekFrom,
    ops::Range,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::SystemTime,
};

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, any},
};
use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use stellarfw_transport::Lease;
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _, Take},
};
use tokio_util::io::ReaderStream;

use super::{
    coding::{CODINGS, Coding, EXTENSIONS, is_compressible},
    compressor::{Compressor, Key, Source},
    conditions::{Tag, Verdict},
    guard::{authorize_visit, confine},
    home::HomePage,
    selected::Selected,
    session::Session,
};
use crate::{
    files::{FileError, Opened, content_type, mime_of, open_named, segments},
    web::Web,
};

/// As much of a file is read at once, in bytes.
const CHUNK: usize = 64 << 10;

/// What is shorter is not compressed.
const SHORT: u64 = 64;

pub(super) fn routes(web: &Arc<Web>) -> MethodRouter {
    let web = web.clone();
    let home = HomePage::of(&web);
    any(move |request: Request| {
        let (web, home) = (web.clone(), home.clone());
        async move { answer(&web, home.as_ref(), request).await }
    })
}

async fn answer(web: &Web, home: Option<&HomePage>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let allow = [(header::ALLOW, "GET, HEAD")];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    let (mut parts, _) = request.into_parts();
    let Some(path) = decode(parts.uri.path()) else {
        return not_found();
    };
    // The cookie may be taken out for the authorizer.
    let session = Session::of_page(web, &parts);
    let guard = &web.settings.guard;
    let has_authorizer = web.server.has_authorizer();
    let is_guarded = has_authorizer && guard.covers(&path);
    if is_guarded && let Err(refused) = authorize_visit(web, &mut parts).await {
        return refused;
    }
    let seconds = web.settings.file_max_age;
    let lifetime = match seconds {
        0 => "no-cache".to_owned(),
        seconds => format!("max-age={seconds}"),
    };
    // A page gets its session with it, so that its connection has the fingerprint at once. No shared
    // cache may give it to anybody else.
    let is_page = |mime: &str| mime == "text/html";
    let lifetime_of = |mime: &str| match (&session, seconds) {
        (Some(_), _) if is_page(mime) => format!("private, {lifetime}"),
        (_, 0) => lifetime.clone(),
        _ => format!("public, {lifetime}"),
    };
    let Some(found) = find(web, &path).await else {
        let Some(home) = home.filter(|_| parts.uri.path() == "/") else {
            return not_found();
        };
        let is_guarded = has_authorizer && guard.docs;
        if is_guarded && let Err(refused) = authorize_visit(web, &mut parts).await {
            return refused;
        }
        let mut response = home.answer(&parts.headers).await;
        if is_guarded {
            confine(response.headers_mut());
        }
        return response;
    };
    let is_page = is_page(&found.mime);
    let lifetime = lifetime_of(&found.mime);
    let answer = found.answer(web, &parts.method, &parts.headers, &lifetime);
    let mut response = answer.await;
    if is_guarded {
        confine(response.headers_mut());
    }
    if is_page && let Some(session) = session {
        session.tell(response.headers_mut());
    }
    response
}

/// A public file as the answer to a request for something else. Ranges and conditions count for GET
/// and HEAD; for any other method they would be of what it was sent to.
pub(super) async fn file(web: &Web, path: &str, parts: &Parts) -> Response {
    let Some(found) = find(web, path).await else {
        return not_found();
    };
    let mut headers = HeaderMap::new();
    let (method, headers) = match parts.method {
        Method::GET | Method::HEAD => (&parts.method, &parts.headers),
        _ => {
            for value in parts.headers.get_all(header::ACCEPT_ENCODING) {
                headers.append(header::ACCEPT_ENCODING, value.clone());
            }
            (&Method::GET, &headers)
        }
    };
    // The action may have chosen it for this client alone.
    found
        .answer(web, method, headers, "private, no-cache")
        .await
}

/// A file at a path of its own, for pages to load.
pub(super) async fn script(
    web: &Web,
    path: &Path,
    method: &Method,
    headers: &HeaderMap,
) -> Response {
    let Ok(opened) = open_named(path, EXTENSIONS).await else {
        return not_found();
    };
    Found::opened(opened)
        .answer(web, method, headers, "no-cache")
        .await
}

/// A file that was found.
struct Found {
    /// Where it is, which tells it from other files.
    path: PathBuf,
    mime: String,
    content: Content,
    length: u64,
    modified: Option<SystemTime>,
    tag: Tag,
    /// Its compressed forms that lie beside it.
    compressed: Vec<(Coding, Box<Self>)>,
}

enum Content {
    File(File),
    Bytes(Bytes),
}

async fn find(web: &Web, path: &str) -> Option<Found> {
    let files = &web.files;
    let segments = segments(path)?;
    match files.open(&segments, EXTENSIONS).await {
        Ok(opened) => return Some(Found::opened(opened)),
        Err(FileError::NotFound) => {}
        Err(_) => return None,
    }
    let built_in = files.built_in(&segments)?;
    Some(Found {
        path: segments.iter().collect(),
        tag: Tag::of(&built_in.bytes),
        length: built_in.bytes.len() as u64,
        content: Content::Bytes(built_in.bytes),
        mime: built_in.mime,
        modified: None,
        compressed: Vec::new(),
    })
}

impl Found {
    /// An open file, with the compressed forms beside it. What is told of it and what is sent are of
    /// one open file: it may be replaced meanwhile.
    fn opened(opened: Opened) -> Self {
        let mime = mime_of(&opened.path.to_string_lossy());
        let modified = opened.metadata.modified().ok();
        let one = |file: std::fs::File, metadata: &Metadata, coding: Option<Coding>| Self {
            path: opened.path.clone(),
            mime: mime.clone(),
            tag: Tag::of_file(
                metadata.modified().ok(),
                metadata.len(),
                coding.map(Coding::name),
            ),
            content: Content::File(File::from_std(file)),
            length: metadata.len(),
            modified,
            compressed: Vec::new(),
        };
        let mut found = one(opened.file, &opened.metadata, None);
        for (index, file, metadata) in opened.beside {
            let coding = CODINGS[index];
            let beside = one(file, &metadata, Some(coding));
            found.compressed.push((coding, Box::new(beside)));
        }
        found
    }

    /// Answers a GET or HEAD.
    async fn answer(
        mut self,
        web: &Web,
        method: &Method,
        headers: &HeaderMap,
        lifetime: &str,
    ) -> Response {
        let compressor = &web.compressor;
        let is_compressible =
            self.length >= SHORT && compressor.takes(self.length) && is_compressible(&self.mime);
        let beside = |coding| {
            self.compressed
                .iter()
                .position(|(known, _)| *known == coding)
        };
        let is_negotiated = is_compressible || !self.compressed.is_empty();
        // Parts are of the file as it is: those who want one can rely on its length.
        let is_ranged = *method == Method::GET && headers.contains_key(header::RANGE);
        let coding = if is_ranged {
            None
        } else {
            Coding::of(headers, |coding| {
                is_compressible || beside(coding).is_some()
            })
        };
        let content_type = content_type(&self.mime);
        // What is compressed here has no length before, and other bytes with another encoder.
        let on_the_fly = coding.filter(|coding| beside(*coding).is_none());
        if let Some(at) = coding.and_then(beside) {
            let (_, compressed) = self.compressed.swap_remove(at);
            self = *compressed;
        }
        let tag = match on_the_fly {
            Some(_) => self.tag.weak(),
            None => self.tag.clone(),
        };
        let mut selected = Selected {
            content_type: &content_type,
            coding,
            is_negotiated,
            tag: &tag,
            modified: self.modified,
            length: on_the_fly.is_none().then_some(self.length),
            has_ranges: coding.is_none(),
            cache_control: HeaderValue::from_str(lifetime)
                .unwrap_or(HeaderValue::from_static("no-cache")),
        };
        let verdict = selected.judge(method, headers);
        let part = match &verdict {
            Verdict::Whole => 0..self.length,
            Verdict::Part(part) => part.clone(),
            _ => return selected.answer(&verdict, None),
        };
        if *method == Method::HEAD {
            return selected.answer(&verdict, None);
        }
        if let Some(coding) = on_the_fly {
            if let Some(bytes) = self.compressed(coding, compressor).await {
                selected.length = Some(bytes.len() as u64);
                return selected.answer(&verdict, Some(bytes.into()));
            }
            (selected.coding, selected.tag) = (None, &self.tag);
            (selected.length, selected.has_ranges) = (Some(self.length), true);
        }
        // What is in memory is shared; of what is read, a piece is held at a time.
        let held = match self.content {
            Content::File(_) => CHUNK.min(usize::try_from(part.end - part.start).unwrap_or(CHUNK)),
            Content::Bytes(_) => 0,
        };
        let Ok(lease) = web.server.budget().try_lease(held) else {
            let second = [(header::RETRY_AFTER, "1")];
            return (StatusCode::SERVICE_UNAVAILABLE, second).into_response();
        };
        match self.content.body(part, lease).await {
            Ok(body) => selected.answer(&verdict, Some(body)),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }

    /// Its content in a coding; none if it is to be sent as it is.
    async fn compressed(&self, coding: Coding, compressor: &Compressor) -> Option<Bytes> {
        let key = Key {
            path: self.path.clone(),
            tag: self.tag.value(),
            coding,
        };
        let source = match &self.content {
            Content::Bytes(bytes) => Source::Bytes(bytes.clone()),
            Content::File(file) => Source::File(file.try_clone().await.ok()?.into_std().await),
        };
        compressor.get(&key, source, self.length).await
    }
}

impl Content {
    async fn body(self, part: Range<u64>, lease: Lease) -> std::io::Result<Body> {
        let length = part.end.saturating_sub(part.start);
        match self {
            Self::Bytes(bytes) => {
                let at = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.slice(at(part.start)..at(part.end)).into())
            }
            Self::File(mut file) => {
                // From the start, too: who compressed it has read it to its end.
                file.seek(SeekFrom::Start(part.start)).await?;
                let stream = ReaderStream::with_capacity(file.take(length), CHUNK);
                let pieces = Pieces {
                    stream,
                    _lease: lease,
                };
                Ok(Body::from_stream(pieces))
            }
        }
    }
}

/// A file in pieces, one of which is held at a time.
struct Pieces {
    stream: ReaderStream<Take<File>>,
    _lease: Lease,
}

impl Stream for Pieces {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.stream).poll_next(cx)
    }
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
