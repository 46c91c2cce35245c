//! JSON values in their text form.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A JSON value in its text form: cheap to share, and sent on without being parsed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Content(Arc<RawValue>);

impl Content {
    /// Serializes a value.
    ///
    /// # Errors
    /// When the value has no JSON form, such as a map whose keys are no strings.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(value).map(|raw| Self(raw.into()))
    }

    /// Copies a JSON text that is parsed already.
    #[must_use]
    pub fn of_raw(raw: &RawValue) -> Self {
        Self(raw.to_owned().into())
    }

    /// Parses a JSON text without copying it.
    ///
    /// # Errors
    /// When the text is no JSON.
    pub fn of_json(text: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text).map(|raw| Self(raw.into()))
    }

    /// Returns the JSON text.
    #[must_use]
    pub fn as_raw(&self) -> &RawValue {
        &self.0
    }

    /// Returns the length of the JSON text in bytes; it is never 0.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no JSON text is empty")]
    pub fn len(&self) -> usize {
        self.0.get().len()
    }

    /// Parses the value.
    ///
    /// # Errors
    /// When no tree of values can hold it: it is nested deeper than 127 levels, or has a lone
    /// surrogate or a number beyond the range of a double.
    pub fn to_value(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::from_str(self.0.get())
    }
}
