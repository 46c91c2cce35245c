//! Texts that do not change while the server runs, with caching: each encoding is made once.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use tokio::sync::OnceCell;
use tower_http::CompressionLevel;

use super::{
    coding::{CODINGS, Coding, encode},
    conditions::{Tag, Verdict},
    selected::Selected,
};

/// As hard as this is tried to make it short: it is done once.
const LEVEL: CompressionLevel = CompressionLevel::Precise(9);

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
        let coding = Coding::of(headers, |_| true);
        let place = CODINGS
            .into_iter()
            .zip(encoded)
            .find(|(known, _)| Some(*known) == coding);
        let (bytes, tag) = match place {
            None => plain,
            Some((coding, place)) => {
                place
                    .get_or_init(|| async {
                        let body = encode(plain.0.clone().into(), coding, LEVEL).await;
                        let bytes = to_bytes(body, usize::MAX).await.unwrap_or_else(|_| {
                            unreachable!("neither the text nor its encoder fails")
                        });
                        let tag = Tag::of(&bytes);
                        (bytes, tag)
                    })
                    .await
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
