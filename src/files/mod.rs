//! Public files: found by path, and never outside of their folders.

mod sending;
mod source;

use std::{path::PathBuf, sync::Arc, time::SystemTime};

use bytes::Bytes;
use http::HeaderValue;
use stellarfw_transport::{Budget, Flow};

pub use self::source::Embedded;
pub(crate) use self::{
    sending::{Content, Sending, SentFile},
    source::{Opened, open_named, segments},
};
use crate::protocol::StellarError;

/// Where files are looked for: folders in order, then what is built in.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) embedded: Vec<Embedded>,
    pub(crate) follow_symlinks: bool,
    pub(crate) sending: Arc<Sending>,
}

/// A file that was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) bytes: Bytes,
    pub(crate) mime: String,
    pub(crate) modified: SystemTime,
}

/// A file that was not.
#[derive(Debug)]
pub(crate) enum FileError {
    NotFound,
    TooBig {
        size: usize,
        max: usize,
    },
    /// The budget has no room for it.
    NoRoom,
    Unreadable(std::io::Error),
}

impl FileError {
    pub(crate) fn for_client(&self) -> StellarError {
        match self {
            Self::NotFound => StellarError::file_not_found(),
            Self::TooBig { size, max } => StellarError::too_big(*size, *max),
            Self::NoRoom => StellarError::too_many_pending(),
            // The kind says enough; the whole error may tell a path.
            Self::Unreadable(error) => StellarError::file_unreadable(error.kind()),
        }
    }
}

impl Files {
    /// A file of at most `max` bytes for clients, read once for all who are being sent it. What is
    /// built in is there at once.
    pub(crate) fn send(
        &self,
        path: &str,
        max: usize,
        budget: &Budget,
    ) -> Flow<Result<Arc<SentFile>, FileError>> {
        let Some(segments) = segments(path) else {
            return Flow::Ready(Err(FileError::NotFound));
        };
        let built_in = self.built_in(&segments).ok_or(FileError::NotFound);
        let built_in = built_in.and_then(|found| SentFile::of(found, budget));
        if self.folders.is_empty() {
            return Flow::Ready(built_in);
        }
        let (folders, follow) = (self.folders.clone(), self.follow_symlinks);
        let (sending, budget) = (self.sending.clone(), budget.clone());
        Flow::Wait(Box::pin(async move {
            for folder in folders {
                match source::open(&folder, &segments, follow, &[]).await {
                    Ok(opened) => return sending.share(opened, max, &budget).await,
                    Err(FileError::NotFound) => {}
                    Err(error) => return Err(error),
                }
            }
            built_in
        }))
    }

    /// Opens a file in one of the folders, for a folder's own path its index, and those beside it
    /// with one of the endings.
    pub(crate) async fn open(
        &self,
        segments: &[String],
        endings: &'static [&'static str],
    ) -> Result<Opened, FileError> {
        for folder in &self.folders {
            match source::open(folder, segments, self.follow_symlinks, endings).await {
                Err(FileError::NotFound) => {}
                ended => return ended,
            }
        }
        Err(FileError::NotFound)
    }

    /// A file that is built in.
    pub(crate) fn built_in(&self, segments: &[String]) -> Option<Found> {
        let path = segments.join("/");
        self.embedded
            .iter()
            .find(|file| file.path == path || (path.is_empty() && file.path == "index.html"))
            .map(Embedded::found)
    }
}

/// The media type of a file's name, without parameters.
pub(crate) fn mime_of(path: &str) -> String {
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    match mime.essence_str() {
        // RFC 9239: its other names are obsolete.
        "application/javascript" | "application/x-javascript" => "text/javascript".to_owned(),
        mime => mime.to_owned(),
    }
}

/// A media type as HTTP tells it: with a charset where browsers would guess one. XML says itself how
/// it is encoded, and is UTF-8 otherwise.
pub(crate) fn content_type(mime: &str) -> HeaderValue {
    let is_xml = mime == "text/xml" || mime.ends_with("+xml");
    let is_text =
        mime.starts_with("text/") || mime.ends_with("+json") || mime == "application/json";
    let value = if is_text && !is_xml {
        HeaderValue::from_str(&format!("{mime}; charset=utf-8"))
    } else {
        HeaderValue::from_str(mime)
    };
    value.unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_bare_and_texts_have_a_charset_over_http() {
        for (name, mime, over_http) in [
            ("a.html", "text/html", "text/html; charset=utf-8"),
            ("a.txt", "text/plain", "text/plain; charset=utf-8"),
            ("a.css", "text/css", "text/css; charset=utf-8"),
            ("a.md", "text/markdown", "text/markdown; charset=utf-8"),
            ("a.csv", "text/csv", "text/csv; charset=utf-8"),
            ("a.vtt", "text/vtt", "text/vtt; charset=utf-8"),
            ("a.js", "text/javascript", "text/javascript; charset=utf-8"),
            ("a.mjs", "text/javascript", "text/javascript; charset=utf-8"),
            (
                "a.json",
                "application/json",
                "application/json; charset=utf-8",
            ),
            ("a.xml", "text/xml", "text/xml"),
            ("a.svg", "image/svg+xml", "image/svg+xml"),
            ("a.xhtml", "application/xhtml+xml", "application/xhtml+xml"),
            ("a.png", "image/png", "image/png"),
            ("a.wasm", "application/wasm", "application/wasm"),
            ("a.woff2", "font/woff2", "font/woff2"),
            ("a", "application/octet-stream", "application/octet-stream"),
        ] {
            assert_eq!(mime_of(name), mime, "{name}");
            assert_eq!(content_type(mime), over_http, "{name}");
        }
    }
}
