//! The parameters of an API request: from the query, then the body, which counts more, and then
//! the path.

use std::error::Error as _;

use axum::body::{Body, HttpBody as _, to_bytes};
use http::{HeaderMap, StatusCode, header, request::Parts};
use http_body_util::LengthLimitError;
use serde_json::{Map, Value};
use stellarfw_transport::{
    handshake::query_pairs,
    serve::{BodyError, PacedBody},
};

use super::multipart::{self, Uploads};
use crate::{actions::Given, config::Config};

/// What was wrong with a body: the status and the text to answer with.
#[derive(Debug)]
pub(super) struct BadBody(pub(super) StatusCode, pub(super) String);

impl BadBody {
    pub(super) fn bad(text: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, text.into())
    }

    pub(super) fn late() -> Self {
        Self(
            StatusCode::REQUEST_TIMEOUT,
            "The body did not come in time".into(),
        )
    }

    pub(super) fn too_long(max: usize) -> Self {
        let text = format!("The body is longer than {max} bytes");
        Self(StatusCode::PAYLOAD_TOO_LARGE, text)
    }
}

/// The parameters, whether any of them came as text, and the files that came with them.
#[derive(Default)]
pub(super) struct Read {
    pub(super) map: Map<String, Value>,
    texts: bool,
    pub(super) uploads: Uploads,
    /// The parameters that are files.
    pub(super) files: Vec<String>,
}

impl Read {
    pub(super) fn into_given(self) -> (Given, Uploads) {
        let given = if self.texts {
            Given::texts(self.map)
        } else {
            self.map.into()
        };
        (given, self.uploads)
    }

    /// The parameters as their sender is told of them: where its files lie is the server's own.
    pub(super) fn told(&self) -> Value {
        let mut map = self.map.clone();
        for name in &self.files {
            let Some(value) = map.get_mut(name) else {
                continue;
            };
            let list = match value {
                Value::Array(list) => list.as_mut_slice(),
                one => std::slice::from_mut(one),
            };
            for file in list.iter_mut().filter_map(Value::as_object_mut) {
                file.shift_remove("path");
            }
        }
        Value::Object(map)
    }

    /// Takes a text; a key that comes again makes a list.
    pub(super) fn put_text(&mut self, key: String, value: String) {
        self.texts = true;
        self.put(key, Value::String(value));
    }

    /// Takes a text in the place of whatever has its key.
    pub(super) fn set_text(&mut self, key: String, value: String) {
        self.texts = true;
        self.map.insert(key, Value::String(value));
    }

    /// Takes what a form holds, which counts more than what is there.
    fn take_form(&mut self, form: Self) {
        self.texts = true;
        self.map.extend(form.map);
        self.uploads.extend(form.uploads);
        self.files.extend(form.files);
    }

    pub(super) fn put(&mut self, key: String, value: Value) {
        match self.map.get_mut(&key) {
            None => {
                self.map.insert(key, value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }

    fn put_pairs(&mut self, text: &str) {
        for (key, value) in query_pairs(text) {
            self.put_text(key.into_owned(), value.into_owned());
        }
    }
}

/// Reads the parameters of a request.
pub(super) async fn read(parts: &Parts, body: Body, config: &Config) -> Result<Read, BadBody> {
    let mut read = Read::default();
    read.put_pairs(parts.uri.query().unwrap_or_default());
    let mime = mime(&parts.headers);
    let is_form = mime.as_deref() == Some("multipart/form-data");
    let most = if is_form {
        config.max_upload
    } else {
        config.max_body
    };
    // What can be refused by its headers is: the client need not send it.
    if !body.is_end_stream() {
        is_read(mime.as_deref())?;
        if body.size_hint().lower() > most as u64 {
            return Err(BadBody::too_long(most));
        }
    }
    let body = Body::new(PacedBody::new(body, config.http.body_pace()));
    if is_form {
        let mut form = Read::default();
        multipart::read(&mut form, &parts.headers, body, config).await?;
        read.take_form(form);
        return Ok(read);
    }
    let bytes = to_bytes(body, config.max_body)
        .await
        .map_err(|error| unread(&error, config.max_body))?;
    if bytes.is_empty() {
        return Ok(read);
    }
    match mime.as_deref() {
        Some("application/x-www-form-urlencoded") => match std::str::from_utf8(&bytes) {
            Ok(text) => {
                let mut form = Read::default();
                form.put_pairs(text);
                read.take_form(form);
            }
            Err(_) => return Err(BadBody::bad("The form is not UTF-8")),
        },
        Some("application/json") | None => match serde_json::from_slice(&bytes) {
            Ok(Value::Object(map)) => read.map.extend(map),
            Ok(Value::Array(list)) => {
                read.map.insert("payload".into(), Value::Array(list));
            }
            Ok(_) => {
                return Err(BadBody::bad(
                    "The JSON body is neither an object nor an array",
                ));
            }
            Err(error) => return Err(BadBody::bad(format!("The body is not JSON: {error}"))),
        },
        Some(_) => is_read(mime.as_deref())?,
    }
    Ok(read)
}

/// Why a body could not be read: it is longer than `max` bytes, or its framing is faulty.
fn unread(error: &axum::Error, max: usize) -> BadBody {
    if error.source().is_some_and(|it| it.is::<LengthLimitError>()) {
        BadBody::too_long(max)
    } else if BodyError::is_late(error) {
        BadBody::late()
    } else {
        BadBody::bad("The body broke off")
    }
}

/// Whether bodies of this type are read.
fn is_read(mime: Option<&str>) -> Result<(), BadBody> {
    match mime {
        None
        | Some("application/json" | "application/x-www-form-urlencoded" | "multipart/form-data") => {
            Ok(())
        }
        Some(other) => {
            let text = format!("Bodies of type {other} are not read here");
            Err(BadBody(StatusCode::UNSUPPORTED_MEDIA_TYPE, text))
        }
    }
}

fn mime(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let mime = value.split(';').next()?.trim();
    Some(mime.to_ascii_lowercase())
}
