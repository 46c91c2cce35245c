//! Texts that do not change while the server runs, with caching: each encoding is made once.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, header};
use tokio::sync::OnceCell;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_http::{CompressionLevel, compression::CompressionLayer};

use super::etag::Tag;

/// Ways to write the text, the one that is liked best first.
const ENCODINGS: [&str; 3] = ["br", "gzip", "identity"];

/// As hard as this is tried to make it short: it is done once.
const LEVEL: CompressionLevel = CompressionLevel::Precise(9);

/// A text that does not change while the server runs. Its clones are one.
#[derive(Clone)]
pub(super) struct Fixed(Arc<Inner>);

struct Inner {
    text: Bytes,
    content_type: HeaderValue,
    /// In each encoding, from when it is first asked for.
    encoded: [OnceCell<(Bytes, Tag)>; 3],
}

impl Fixed {
    pub(super) fn new(text: String, content_type: HeaderValue) -> Self {
        Self(Arc::new(Inner {
            text: text.into(),
            content_type,
            encoded: Default::default(),
        }))
    }

    pub(super) async fn answer(&self, headers: &HeaderMap) -> Response {
        let Inner {
            text,
            content_type,
            encoded,
        } = &*self.0;
        let (index, encoding) = ENCODINGS
            .into_iter()
            .enumerate()
            .find(|(_, name)| accepts(headers, name))
            .unwrap_or((2, "identity"));
        let (bytes, tag) = encoded[index]
            .get_or_init(|| async {
                let bytes = encode(text, encoding).await;
                let tag = Tag::of(&bytes);
                (bytes, tag)
            })
            .await;
        let mut response = if tag.is_known(headers) {
            tag.not_modified()
        } else {
            let mut response = Response::new(Body::from(bytes.clone()));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, content_type.clone());
            if encoding != "identity" {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
            }
            response
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, tag.value());
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        // Kept by browsers, and asked about each time: the settings may change with a restart.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        response
    }
}

/// Whether a client takes an encoding (RFC 9110 section 12.5.3), by its name.
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| {
            let (name, weight) = item.split_once(';').unwrap_or((item, "q=1"));
            let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
            let refused = weight
                .trim()
                .parse::<f32>()
                .is_ok_and(|weight| weight == 0.0);
            name.trim().eq_ignore_ascii_case(encoding) && !refused
        })
}

/// A type that the service takes for one worth to be compressed.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain");

/// Encodes with the service that does it for the other texts.
async fn encode(text: &Bytes, encoding: &'static str) -> Bytes {
    let plain = text.clone();
    let service =
        CompressionLayer::new()
            .quality(LEVEL)
            .layer(service_fn(move |_: Request<Body>| {
                let mut response = Response::new(Body::from(plain.clone()));
                response.headers_mut().insert(header::CONTENT_TYPE, TEXT);
                std::future::ready(Ok::<_, std::convert::Infallible>(response))
            }));
    let mut request = Request::new(Body::empty());
    request
        .headers_mut()
        .insert(header::ACCEPT_ENCODING, HeaderValue::from_static(encoding));
    let Ok(response) = service.oneshot(request).await;
    let body = Body::new(response.into_body());
    to_bytes(body, usize::MAX)
        .await
        .unwrap_or_else(|_| unreachable!("neither the text nor its encoder fails"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_those_of_the_header() {
        let accepted = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, value.parse().unwrap());
            ENCODINGS.map(|encoding| accepts(&headers, encoding))
        };
        assert_eq!(accepted("gzip, deflate, br"), [true, true, false]);
        assert_eq!(accepted("BR;q=0.5,gzip;q=0"), [true, false, false]);
        assert_eq!(accepted("gzip; q=0.0, identity"), [false, false, true]);
        assert_eq!(accepted("brotli"), [false, false, false]);
        assert!(!accepts(&HeaderMap::new(), "br"));
    }

    #[tokio::test]
    async fn the_encoded_text_is_shorter_and_the_plain_one_as_it_was() {
        let text = Bytes::from("stellar ".repeat(1000));
        assert_eq!(encode(&text, "identity").await, text);
        assert!(encode(&text, "br").await.len() < 200);
        assert_eq!(encode(&text, "gzip").await[..2], [0x1f, 0x8b]);
    }
}
