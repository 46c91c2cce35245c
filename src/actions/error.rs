//! What comes of a call.

use http::Method;
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::{Map, Value, json};

use super::handler::Reply;
use crate::protocol::StellarError;

/// What an action returns.
pub type ActionResult<T = Value> = Result<T, ActionError>;

/// The error of an action: what stands under `error` in its response, and the fields beside it.
///
/// Made of a text, of a JSON object, or of a [`StellarError`]:
/// ```
/// use stellarfw::actions::ActionError;
///
/// let error = ActionError::from("there is no more").with("left", 0);
/// let error = ActionError::from(serde_json::json!({ "code": "sold-out" }));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ActionError(Box<Inner>);

#[derive(Clone, Debug, PartialEq)]
struct Inner {
    error: Value,
    fields: Map<String, Value>,
    status: Status,
    /// The value of `Allow` where the method was the fault.
    allow: Option<Box<str>>,
}

/// Which HTTP status goes with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    BadRequest,
    MethodNotAllowed,
    NotFound,
    TooMany,
    Internal,
    Unavailable,
}

impl ActionError {
    /// Adds a field beside the error. A value without a JSON form is left out.
    #[must_use]
    pub fn with(mut self, field: impl Into<String>, value: impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.0.fields.insert(field.into(), value);
        }
        self
    }

    /// The error as clients see it.
    #[must_use]
    pub fn error(&self) -> &Value {
        &self.0.error
    }

    /// The error of a call over HTTP by a method that the action does not answer to.
    pub(crate) fn method_not_allowed(action: &str, method: &Method, allow: String) -> Self {
        let text = format!("The action '{action}' does not answer to {method}");
        let mut error = Self::of(text.into(), Status::MethodNotAllowed);
        error.0.allow = Some(allow.into());
        error
    }

    /// The value of `Allow` where the method was the fault.
    pub(crate) fn allow(&self) -> Option<&str> {
        self.0.allow.as_deref()
    }

    /// Hides values in its texts.
    pub(crate) fn hide(&mut self, values: &[String]) {
        fn hide(error: &mut Value, values: &[String]) {
            match error {
                Value::String(text) => {
                    for value in values {
                        if text.contains(value) {
                            *text = text.replace(value, "[hidden]");
                        }
                    }
                }
                Value::Array(list) => list.iter_mut().for_each(|item| hide(item, values)),
                Value::Object(map) => map.values_mut().for_each(|value| hide(value, values)),
                _ => {}
            }
        }
        hide(&mut self.0.error, values);
    }

    pub(crate) fn status(&self) -> Status {
        self.0.status
    }

    fn of(error: Value, status: Status) -> Self {
        Self(Box::new(Inner {
            error,
            fields: Map::new(),
            status,
            allow: None,
        }))
    }

    /// The error of inputs that are required and were not sent.
    pub(crate) fn missing(names: &[&str]) -> Self {
        let mut error = Self::of(Value::Object(Map::new()), Status::BadRequest);
        error.miss(names);
        error
    }

    /// Adds inputs that were not sent, if it is an error of inputs.
    pub(crate) fn miss<T: AsRef<str>>(&mut self, names: &[T]) {
        if let Value::Object(errors) = &mut self.0.error {
            for name in names.iter().map(AsRef::as_ref) {
                let sentence = || format!("The {name} field is required.").into();
                errors.entry(name).or_insert_with(sentence);
            }
        }
    }

    /// The error of an input of the wrong type.
    pub(crate) fn invalid(name: &str, expected: &str) -> Self {
        let error = StellarError::invalid_type(name, expected);
        Self::of(json!({ name: error }), Status::BadRequest)
    }
}

impl From<&str> for ActionError {
    fn from(text: &str) -> Self {
        Self::of(text.into(), Status::BadRequest)
    }
}

impl From<String> for ActionError {
    fn from(text: String) -> Self {
        Self::of(text.into(), Status::BadRequest)
    }
}

impl From<Value> for ActionError {
    fn from(error: Value) -> Self {
        Self::of(error, Status::BadRequest)
    }
}

impl From<StellarError> for ActionError {
    fn from(error: StellarError) -> Self {
        let status = match error.code() {
            "001" => Status::Internal,
            "004" => Status::NotFound,
            "006" => Status::Unavailable,
            "007" | "025" => Status::TooMany,
            _ => Status::BadRequest,
        };
        Self::of(json!(error), status)
    }
}

impl Serialize for ActionError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.fields.len() + 1))?;
        for (key, value) in &self.0.fields {
            if key != "error" {
                map.serialize_entry(key, value)?;
            }
        }
        map.serialize_entry("error", &self.0.error)?;
        map.end()
    }
}

/// What came of a call.
pub(crate) enum Outcome {
    Reply(Reply),
    Error(ActionError),
    /// A public file is the answer.
    File(String),
    /// The action does not render.
    Nothing,
}

impl Outcome {
    /// The fields of a reply, or the error.
    pub(crate) fn into_fields(self) -> Result<Map<String, Value>, ActionError> {
        match self {
            Self::Reply(reply) => reply.to_fields().map_err(|error| {
                tracing::error!(%error, "what an action returned could not be encoded");
                StellarError::internal().into()
            }),
            Self::Error(error) => Err(error),
            Self::File(path) => Ok(Map::from_iter([("file".to_owned(), path.into())])),
            Self::Nothing => Ok(Map::new()),
        }
    }
}

impl<E: Into<ActionError>> From<E> for Outcome {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}
