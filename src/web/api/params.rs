//! The parameters of an API request: from the query, then the body, which counts more, and then
//! the path.

use axum::body::{Body, HttpBody as _};
use http::{HeaderMap, StatusCode, header, request::Parts};
use http_body_util::BodyExt as _;
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};
use stellarfw_transport::{
    Budget, Lease,
    handshake::query_pairs,
    serve::{BodyError, PacedBody},
};

use super::multipart::{self, Uploads};
use crate::{
    actions::{RawParams, SecretNames, rewritten},
    protocol::json::{self, TreeSize, tree_size},
    web::WebSettings,
};

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

    /// 503: the memory budget is used up.
    pub(super) fn no_room() -> Self {
        Self(
            StatusCode::SERVICE_UNAVAILABLE,
            "There is no room for the body now".into(),
        )
    }

    pub(super) fn too_long(max: usize) -> Self {
        let text = format!("The body is longer than {max} bytes");
        Self(StatusCode::PAYLOAD_TOO_LARGE, text)
    }
}

/// The parameters, whether any of them came as text, and the files that came with them.
pub(super) struct Read {
    map: Map<String, Value>,
    texts: bool,
    /// A JSON body, which counts more than the map.
    json: Option<String>,
    /// What the path says, which counts more than all.
    path: Map<String, Value>,
    pub(super) uploads: Uploads,
    /// The parameters that are files.
    pub(super) files: Vec<String>,
    /// What they hold in memory.
    pub(super) lease: Lease,
}

/// Parameters that were read, for the action, and for their sender to be told of.
pub(super) struct Received {
    pub(super) raw_params: RawParams,
    files: Vec<String>,
}

impl Received {
    /// None were read.
    pub(super) fn nothing() -> Self {
        Self {
            raw_params: Map::new().into(),
            files: Vec::new(),
        }
    }

    /// As the answer shows them: without those of secret names, and without where its files lie, which
    /// is the server's own.
    pub(super) fn shown(&self, secrets: &SecretNames) -> Result<Box<RawValue>, serde_json::Error> {
        let mut map = match &self.raw_params {
            raw_params if !secrets.is_empty() => match raw_params.to_value() {
                Value::Object(map) => map,
                other => return to_raw_value(&other),
            },
            RawParams::Raw(json) => return RawValue::from_string((**json).to_owned()),
            RawParams::Packed(params) => return to_raw_value(&params.packed()),
            RawParams::Value(value) => return to_raw_value(&**value),
            RawParams::Texts(map) if self.files.is_empty() => return to_raw_value(&**map),
            RawParams::Texts(map) => (**map).clone(),
        };
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
        secrets.take_out(&mut map);
        to_raw_value(&map)
    }
}

impl Read {
    fn new(budget: &Budget) -> Self {
        Self {
            map: Map::new(),
            texts: false,
            json: None,
            path: Map::new(),
            uploads: Vec::new(),
            files: Vec::new(),
            lease: budget.lease(0),
        }
    }

    /// All of them together, the uploads, and the lease of what they hold.
    ///
    /// # Errors
    /// When the budget has no room for them as a tree of values.
    pub(super) fn finish(mut self) -> Result<(Received, Uploads, Lease), BadBody> {
        if let Some(json) = &self.json {
            // An action may ask for a tree of it.
            let tree = tree_size(json);
            self.lease.try_grow(tree).map_err(|_| BadBody::no_room())?;
        }
        let raw_params = match self.json {
            // JSON alone need not be parsed.
            Some(json) if !self.texts => RawParams::Raw(match self.path.is_empty() {
                true => json.into(),
                false => rewritten(&json, &self.path).into(),
            }),
            json => {
                if let Some(json) = json
                    && let Ok(Value::Object(body)) = serde_json::from_str(&json)
                {
                    self.map.extend(body);
                }
                self.map.extend(self.path);
                match self.texts {
                    true => RawParams::texts(self.map),
                    false => self.map.into(),
                }
            }
        };
        let received = Received {
            raw_params,
            files: self.files,
        };
        Ok((received, self.uploads, self.lease))
    }

    /// Takes what the path says in the place of whatever has its key.
    pub(super) fn set(&mut self, key: &str, value: String) {
        self.path.insert(key.to_owned(), value.into());
    }

    /// As [`set`](Self::set), of a text in which a number may stand.
    pub(super) fn set_text(&mut self, key: &str, value: String) {
        self.texts = true;
        self.set(key, value);
    }

    /// Takes a text; a key that comes again makes a list.
    pub(super) fn put_text(&mut self, key: String, value: String) {
        self.texts = true;
        self.put(key, Value::String(value));
    }

    /// Takes what a form holds, which counts more than what is there.
    fn take_form(&mut self, mut form: Self) {
        self.texts = true;
        self.map.extend(form.map);
        self.uploads.append(&mut form.uploads);
        self.files.append(&mut form.files);
        let held = self.lease.bytes() + form.lease.bytes();
        form.lease.resize(0);
        self.lease.resize(held);
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
pub(super) async fn read(
    parts: &Parts,
    body: Body,
    settings: &WebSettings,
    budget: &Budget,
) -> Result<Read, BadBody> {
    let mut read = Read::new(budget);
    read.put_pairs(parts.uri.query().unwrap_or_default());
    let mime = mime(&parts.headers);
    let is_form = mime.as_deref() == Some("multipart/form-data");
    let most = if is_form {
        settings.max_upload
    } else {
        settings.max_body
    };
    // What can be refused by its headers is: the client need not send it.
    if !body.is_end_stream() {
        is_read(mime.as_deref())?;
        if body.size_hint().lower() > most as u64 {
            return Err(BadBody::too_long(most));
        }
    }
    let body = Body::new(PacedBody::new(body, settings.body_pace));
    if is_form {
        let mut form = Read::new(budget);
        multipart::read(&mut form, &parts.headers, body, settings).await?;
        read.take_form(form);
        return Ok(read);
    }
    let bytes = whole(body, settings.max_body, &mut read.lease).await?;
    if bytes.is_empty() {
        return Ok(read);
    }
    match mime.as_deref() {
        Some("application/x-www-form-urlencoded") => match std::str::from_utf8(&bytes) {
            Ok(text) => {
                // Each of many short parameters takes much more than its text.
                let mut size = TreeSize::default();
                size.add_text(bytes.len());
                size.add_object(text.split('&').count());
                read.lease
                    .try_grow(size.bytes())
                    .map_err(|_| BadBody::no_room())?;
                let mut form = Read::new(budget);
                form.put_pairs(text);
                read.take_form(form);
            }
            Err(_) => return Err(BadBody::bad("The form is not UTF-8")),
        },
        Some("application/json") | None => read.json = Some(object(bytes)?),
        Some(_) => is_read(mime.as_deref())?,
    }
    Ok(read)
}

/// Reads a body of at most `max` bytes into memory that is leased.
async fn whole(mut body: Body, max: usize, lease: &mut Lease) -> Result<Vec<u8>, BadBody> {
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(expected.min(FIRST));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unread(&error))?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        if bytes.len() + data.len() > max {
            return Err(BadBody::too_long(max));
        }
        lease.try_grow(data.len()).map_err(|_| BadBody::no_room())?;
        bytes.extend_from_slice(data);
    }
    Ok(bytes)
}

/// So many bytes are set aside for a body at once; a length is only a promise.
const FIRST: usize = 64 << 10;

/// The object that a JSON body is, or has as its `payload`.
fn object(bytes: Vec<u8>) -> Result<String, BadBody> {
    let bad =
        |error: &dyn std::fmt::Display| BadBody::bad(format!("The body is not JSON: {error}"));
    json::check(&bytes).map_err(|error| bad(&error))?;
    let json = String::from_utf8(bytes).map_err(|error| bad(&error))?;
    match json.trim_start().as_bytes().first() {
        Some(b'{') => Ok(json),
        Some(b'[') => Ok(format!("{{\"payload\":{json}}}")),
        _ => Err(BadBody::bad(
            "The JSON body is neither an object nor an array",
        )),
    }
}

/// Why a body could not be read to its end.
fn unread(error: &axum::Error) -> BadBody {
    if BodyError::is_late(error) {
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
