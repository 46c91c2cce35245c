//! Texts that do not change while the server runs, with caching: each encoding is made once.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use tokio::sync::OnceCell;

use super::{
    coding::{CODINGS, Coding},
    compressor::compress_text,
    conditions::{Tag, Verdict},
    selected::Selected,
};

/// A text that does not change while the server runs. Its clones are one.
#[derive(Clone)]
pub(super) struct Fixed(Arc<Inner>);

struct Inner {
    content_type: HeaderValue,
    plain: (Bytes, Tag),
    /// In each encoding, from when it is first asked for.
    encoded: [OnceCell<(Bytes, Tag)>; CODINGS.len()],
}

impl Fixed {
    pub(super) fn new(text: String, content_type: HeaderValue) -> Self {
        let tag = Tag::of(text.as_bytes());
        Self(Arc::new(Inner {
            content_type,
            plain: (text.into(), tag),
            encoded: Default::default(),
        }))
    }

    /// Answers a GET, or a HEAD whose body the router leaves out.
    pub(super) async fn answer(&self, headers: &HeaderMap) -> Response {
        let Inner {
            content_type,
            plain,
            encoded,
        } = &*self.0;
        let mut coding = Coding::of(headers, |_| true);
        let place = CODINGS
            .into_iter()
            .zip(encoded)
            .find(|(known, _)| Some(*known) == coding);
        let (bytes, tag) = match place {
            None => plain,
            Some((known, place)) => {
                let made = place
                    .get_or_try_init(|| async {
                        let bytes = compress_text(plain.0.clone(), known).await?;
                        let tag = Tag::of(&bytes);
                        Ok::<_, std::io::Error>((bytes, tag))
                    })
                    .await;
                // Only a runtime that shuts down does not get there.
                made.unwrap_or_else(|_| {
                    coding = None;
                    plain
                })
            }
        };
        let selected = Selected {
            content_type,
            coding,
            is_negotiated: true,
            tag,
            modified: None,
            length: Some(bytes.len() as u64),
            has_ranges: false,
            // Kept by browsers, and asked about each time: the settings may change with a restart.
            cache_control: HeaderValue::from_static("no-cache"),
        };
        let verdict = selected.judge(&Method::GET, headers);
        let body = (verdict == Verdict::Whole).then(|| Body::from(bytes.clone()));
        selected.answer(&verdict, body)
    }
}
