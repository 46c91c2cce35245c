//! The parameters of an API request: from the query, the path and the body.

use axum::body::{Body, to_bytes};
use http::{StatusCode, header, request::Parts};
use serde_json::{Map, Value};
use stellarfw_transport::handshake::query_pairs;

use crate::actions::Given;

/// What was wrong with a body: the status and the text to answer with.
#[derive(Debug)]
pub(super) struct BadBody(pub(super) StatusCode, pub(super) String);

/// Parameters, and whether any of them came as text from a URL or a form.
pub(super) struct Read {
    pub(super) map: Map<String, Value>,
    texts: bool,
}

impl Read {
    pub(super) fn into_input(self) -> Given {
        if self.texts {
            Given::Texts(self.map)
        } else {
            Given::Value(Value::Object(self.map))
        }
    }
}

/// Reads the parameters: first the query, then the body's, which count more.
pub(super) async fn read(parts: &Parts, body: Body, max: usize) -> Result<Read, BadBody> {
    let mut read = Read {
        map: Map::new(),
        texts: false,
    };
    read.take_texts(parts.uri.query().unwrap_or_default());
    let mime = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase());
    let bytes = to_bytes(body, max).await.map_err(|_| {
        let text = format!("The body is longer than {max} bytes or broke off");
        BadBody(StatusCode::PAYLOAD_TOO_LARGE, text)
    })?;
    if bytes.is_empty() {
        return Ok(read);
    }
    match mime.as_deref() {
        Some("application/x-www-form-urlencoded") => match std::str::from_utf8(&bytes) {
            Ok(text) => read.take_texts(text),
            Err(_) => return Err(bad("The form is not UTF-8")),
        },
        Some("application/json") | None => match serde_json::from_slice(&bytes) {
            Ok(Value::Object(map)) => read.map.extend(map),
            Ok(Value::Array(list)) => {
                read.map.insert("payload".into(), Value::Array(list));
            }
            Ok(_) => return Err(bad("The JSON body is neither an object nor an array")),
            Err(error) => return Err(bad(&format!("The body is not JSON: {error}"))),
        },
        Some(other) => {
            let text = format!("Bodies of type {other} are not read here");
            return Err(BadBody(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
    }
    Ok(read)
}

fn bad(text: &str) -> BadBody {
    BadBody(StatusCode::BAD_REQUEST, text.to_owned())
}

impl Read {
    /// Takes the pairs of a query or form; a key that comes again makes a list.
    fn take_texts(&mut self, text: &str) {
        for (key, value) in query_pairs(text) {
            self.texts = true;
            let value = Value::String(value.into_owned());
            match self.map.get_mut(key.as_ref()) {
                None => {
                    self.map.insert(key.into_owned(), value);
                }
                Some(Value::Array(list)) => list.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
    }
}
