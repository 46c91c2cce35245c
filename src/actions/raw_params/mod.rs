//! The parameters of a call, and reading them as a type with the protocol's errors.

mod reader;

use std::sync::Arc;

use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, value::RawValue};
use stellarfw_transport::SparkLease;

use self::reader::{ParamsError, Reader, Wrong};
use super::{error::ActionError, fields::each, param_index::ParamIndex};
use crate::protocol::{
    StellarError,
    json::{PLAIN, fits_value, is_dense},
    packed::{Meter, Packed},
};

/// What stands among the parameters and says which action is called.
pub(super) const CALLED_BY: [&str; 2] = ["action", "apiVersion"];

/// So many parameters are named in errors, of objects that have very many.
const NAMED: usize = 1_000;

/// A list or an object without what is in it, of JSON that is one of them.
pub(super) fn empty_like(json: &str) -> Value {
    match json.as_bytes().first() {
        Some(b'[') => Value::Array(Vec::new()),
        Some(b'{') => Value::Object(Map::new()),
        _ => serde_json::from_str(json).unwrap_or_default(),
    }
}

/// About how many bytes a tree takes.
fn size_of_tree(value: &Value) -> usize {
    let inside = match value {
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(size_of_tree).sum(),
        Value::Object(map) => size_of_entries(map),
        _ => 0,
    };
    size_of::<Value>() + inside
}

fn size_of_entries(map: &Map<String, Value>) -> usize {
    let entries = map.iter();
    entries
        .map(|(key, value)| size_of::<String>() + key.len() + size_of_tree(value))
        .sum()
}

/// Parameters in MessagePack, and what they and the values made of them hold of the memory budget.
#[derive(Debug)]
pub(crate) struct PackedParams {
    bytes: Box<[u8]>,
    lease: Mutex<SparkLease>,
}

impl PackedParams {
    /// Copies parameters that are leased.
    pub(crate) fn new(params: Packed<'_>, lease: SparkLease) -> Self {
        Self {
            bytes: params.bytes().into(),
            lease: lease.into(),
        }
    }

    pub(crate) fn packed(&self) -> Packed<'_> {
        Packed::of_valid(&self.bytes)
    }

    /// Leases bytes until the call is over. Returns `false` if there is no room.
    fn charge(&self, bytes: usize) -> bool {
        self.lease.lock().try_grow(bytes).is_ok()
    }

    /// Writes the parameters as JSON that is leased.
    ///
    /// # Errors
    /// 007 if the memory budget has no room for it.
    fn to_json(&self) -> Result<Arc<str>, ActionError> {
        let length = self.packed().json_len();
        // It is read in a tree whose dense parts are left out, and copied into a shared text.
        match self.charge(4 * length) {
            true => Ok(self.packed().to_json().into()),
            false => Err(StellarError::too_many_pending().into()),
        }
    }
}

/// The parameters of a call; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum RawParams {
    /// JSON that is not parsed yet.
    Raw(Arc<str>),
    /// MessagePack that is not parsed yet.
    Packed(Arc<PackedParams>),
    /// Values, from within the server.
    Value(Arc<Value>),
    /// Texts, from a URL or a form: a number may stand in them as text.
    Texts(Arc<Map<String, Value>>),
}

impl From<&RawValue> for RawParams {
    fn from(raw: &RawValue) -> Self {
        Self::Raw(raw.get().into())
    }
}

impl From<Value> for RawParams {
    fn from(value: Value) -> Self {
        Self::Value(Arc::new(value))
    }
}

impl From<Map<String, Value>> for RawParams {
    fn from(map: Map<String, Value>) -> Self {
        Value::Object(map).into()
    }
}

impl RawParams {
    /// What came in a URL or a form.
    pub(crate) fn texts(map: Map<String, Value>) -> Self {
        Self::Texts(Arc::new(map))
    }

    pub(crate) fn to_value(&self) -> Value {
        match self {
            // What no value can hold was refused when the call came.
            Self::Raw(raw) => serde_json::from_str(raw).unwrap_or_default(),
            Self::Packed(params) => params.packed().read().unwrap_or_default(),
            Self::Value(value) => (**value).clone(),
            Self::Texts(map) => Value::Object((**map).clone()),
        }
    }

    /// The parameters as JSON, where they are MessagePack; `None` where they are anything else.
    ///
    /// # Errors
    /// 007 if the memory budget has no room for it.
    pub(crate) fn unpacked(&self) -> Result<Option<Self>, ActionError> {
        match self {
            Self::Packed(params) => Ok(Some(Self::Raw(params.to_json()?))),
            _ => Ok(None),
        }
    }

    /// Leases what the parameters take as a tree, where that was not done when they came.
    ///
    /// # Errors
    /// 007 if the memory budget has no room for it.
    pub(crate) fn lease_tree(&self) -> Result<(), ActionError> {
        match self {
            Self::Packed(params) if !params.charge(params.packed().tree_size()) => {
                Err(StellarError::too_many_pending().into())
            }
            _ => Ok(()),
        }
    }

    /// The parameters as a tree for error texts, and the name of one that was left empty in it, as it
    /// would take too much memory.
    fn to_tree(&self) -> (Value, Option<String>) {
        let Self::Raw(raw) = self else {
            return (self.to_value(), None);
        };
        if !is_dense(raw) {
            return (self.to_value(), None);
        }
        let mut dense = None;
        let mut map = Map::new();
        // Names are not left out: an object of very many is a fault of another kind.
        each(raw, |key, value| {
            let name = key.to_text();
            if map.len() >= NAMED {
                dense.get_or_insert_with(|| name.into_owned());
                return;
            }
            let value = value.get();
            let tree = if is_dense(value) {
                dense.get_or_insert_with(|| name.clone().into_owned());
                empty_like(value)
            } else {
                serde_json::from_str(value).unwrap_or_default()
            };
            map.insert(name.into_owned(), tree);
        });
        (Value::Object(map), dense)
    }

    /// The names of the parameters, as far as they are of use in an error text; none if they are no
    /// object.
    pub(crate) fn names(&self) -> Option<Vec<String>> {
        match self {
            Self::Raw(raw) => raw.trim_start().starts_with('{').then(|| {
                let mut names = Vec::new();
                each(raw, |key, _| {
                    if names.len() < NAMED {
                        names.push(key.to_text().into_owned());
                    }
                });
                names
            }),
            Self::Packed(params) => {
                let names = params
                    .packed()
                    .entries()?
                    .map(|(name, _)| name.into_owned());
                Some(names.take(NAMED).collect())
            }
            Self::Value(value) => Some(value.as_object()?.keys().cloned().collect()),
            Self::Texts(map) => Some(map.keys().cloned().collect()),
        }
    }

    /// About how many bytes they hold.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Raw(raw) => raw.len(),
            Self::Packed(params) => params.bytes.len(),
            Self::Value(value) => size_of_tree(value),
            Self::Texts(map) => size_of_entries(map),
        }
    }

    /// Refuses JSON that no tree of values can hold, and names the parameter that it is in.
    pub(crate) fn check(&self, index: &ParamIndex) -> Result<(), ActionError> {
        let Self::Raw(raw) = self else {
            return Ok(());
        };
        if index.is_readable || fits_value(raw) {
            return Ok(());
        }
        let mut wrong = None;
        each(raw, |key, value| {
            // Inside of something, as it stands in the parameters: that is a level, too.
            if wrong.is_none() && (key.is_lone() || !fits_value(&format!("[{}]", value.get()))) {
                wrong = Some(key.to_text().into_owned());
            }
        });
        Err(ActionError::invalid(&wrong.unwrap_or_default(), PLAIN))
    }

    /// Reads the parameters as a type.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, ActionError> {
        let lenient = matches!(self, Self::Texts(_));
        if let Self::Packed(params) = self {
            let charge = |bytes| params.charge(bytes);
            let meter = Meter::new(&charge);
            return match params.packed().read_within(&meter) {
                Ok(value) => Ok(value),
                Err(_) if meter.is_refused() => Err(StellarError::too_many_pending().into()),
                Err(_) => Self::Raw(params.to_json()?).read(),
            };
        }
        if let Self::Raw(raw) = self
            && let Ok(value) = serde_json::from_str(raw)
        {
            return Ok(value);
        }
        // The slow way finds out which field it was.
        let (value, dense) = self.to_tree();
        let mut value = match value {
            value @ Value::Object(_) => value,
            _ => Value::Object(Map::new()),
        };
        let read = |value: &Value| T::deserialize(Reader { value, lenient });
        let result = read(&value);
        if let (Ok(_), Some(name)) = (&result, dense) {
            // The fault is in what was left out.
            return Err(ActionError::invalid(&name, "another type"));
        }
        if result.is_err()
            && let Some(map) = value.as_object_mut()
            && CALLED_BY
                .iter()
                .filter(|name| map.shift_remove(**name).is_some())
                .count()
                > 0
        {
            // A type that takes no other fields than its own, or all of one type.
            let other = read(&value);
            let needs_it = matches!(&other, Err(ParamsError { field: Some(field), wrong: Wrong::Missing })
                if CALLED_BY.contains(&field.as_str()));
            return if needs_it { result } else { other }.map_err(ActionError::from);
        }
        result.map_err(ActionError::from)
    }
}

#[cfg(test)]
mod tests;
