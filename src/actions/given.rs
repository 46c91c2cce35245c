//! The parameters of a call, and reading them as a type with the protocol's errors.

use std::{fmt, sync::Arc};

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::{Map, Value, value::RawValue};

use super::{error::ActionError, fields::RawEntries, survey::Survey};
use crate::readable::{PLAIN, is_readable};

/// The parameters of a call; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    /// JSON that is not parsed yet.
    Raw(Arc<str>),
    /// Values, from other codecs.
    Value(Arc<Value>),
    /// Texts, from a URL or a form: a number may stand in them as text.
    Texts(Arc<Map<String, Value>>),
}

impl From<&RawValue> for Given {
    fn from(raw: &RawValue) -> Self {
        Self::Raw(raw.get().into())
    }
}

impl From<Value> for Given {
    fn from(value: Value) -> Self {
        Self::Value(Arc::new(value))
    }
}

impl From<Map<String, Value>> for Given {
    fn from(map: Map<String, Value>) -> Self {
        Value::Object(map).into()
    }
}

impl Given {
    /// What came in a URL or a form.
    pub(crate) fn texts(map: Map<String, Value>) -> Self {
        Self::Texts(Arc::new(map))
    }

    pub(crate) fn to_value(&self) -> Value {
        match self {
            // What no value can hold was refused when the call came.
            Self::Raw(raw) => serde_json::from_str(raw).unwrap_or_default(),
            Self::Value(value) => (**value).clone(),
            Self::Texts(map) => Value::Object((**map).clone()),
        }
    }

    /// Refuses JSON that no tree of values can hold, and names the parameter that it is in.
    pub(crate) fn check(&self, survey: &Survey) -> Result<(), ActionError> {
        let Self::Raw(raw) = self else {
            return Ok(());
        };
        if survey.is_readable || is_readable(raw) {
            return Ok(());
        }
        let entries: RawEntries<'_> = serde_json::from_str(raw).unwrap_or_default();
        let wrong = entries.0.iter().find(|(key, value)| {
            // Inside of something, as it stands in the parameters: that is a level, too.
            let alone = format!("[{}]", value.get());
            key.is_lone() || serde_json::from_str::<Value>(&alone).is_err()
        });
        let name = wrong.map(|(key, _)| key.to_text()).unwrap_or_default();
        Err(ActionError::invalid(&name, PLAIN))
    }

    /// Reads the parameters as a type.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, ActionError> {
        let lenient = matches!(self, Self::Texts(_));
        if let Self::Raw(raw) = self
            && let Ok(value) = serde_json::from_str(raw)
        {
            return Ok(value);
        }
        // The slow way finds out which field it was.
        let value = match self.to_value() {
            value @ Value::Object(_) => value,
            _ => Value::Object(Map::new()),
        };
        let reader = Reader {
            value: &value,
            lenient,
        };
        T::deserialize(reader).map_err(ActionError::from)
    }
}

/// Reads a type from values, and tells which field was missing or wrong.
#[derive(Clone, Copy)]
struct Reader<'a> {
    value: &'a Value,
    lenient: bool,
}

/// What was wrong with the parameters.
#[derive(Debug)]
struct GivenError {
    field: Option<String>,
    wrong: Wrong,
}

#[derive(Debug)]
enum Wrong {
    Missing,
    /// Something of another type or value was expected.
    Type(String),
    Other(String),
}

impl From<GivenError> for ActionError {
    fn from(error: GivenError) -> Self {
        match (&error.field, &error.wrong) {
            (Some(field), Wrong::Missing) => Self::missing(&[field]),
            (Some(field), Wrong::Type(expected) | Wrong::Other(expected)) => {
                Self::invalid(field, type_name(expected))
            }
            (None, _) => error.to_string().into(),
        }
    }
}

/// What serde expected, in the words that StellarFW has for types.
fn type_name(expected: &str) -> &str {
    match expected {
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128"
        | "usize" => "integer",
        "f32" | "f64" => "float",
        "a string" | "str" | "string" | "a character" => "string",
        "a boolean" | "bool" => "bool",
        "a sequence" => "array",
        "a map" => "object",
        text if text.starts_with("struct ") => "object",
        text if text.starts_with("a tuple") => "array",
        text => text,
    }
}

impl fmt::Display for GivenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.wrong {
            Wrong::Missing => f.write_str("a field is missing"),
            Wrong::Type(expected) => write!(f, "expected {expected}"),
            Wrong::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for GivenError {}

impl de::Error for GivenError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            field: None,
            wrong: Wrong::Other(message.to_string()),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            field: Some(field.to_owned()),
            wrong: Wrong::Missing,
        }
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self {
            field: None,
            wrong: Wrong::Type(expected.to_string()),
        }
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self {
            field: None,
            wrong: Wrong::Type(expected.to_string()),
        }
    }
}

impl GivenError {
    /// Says under which field it happened; the outermost is the one that counts.
    fn under(mut self, field: &str) -> Self {
        self.field = Some(match self.field {
            None => field.to_owned(),
            Some(inner) => format!("{field}.{inner}"),
        });
        self
    }
}

macro_rules! number {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GivenError> {
            match self.as_number() {
                Some(number) => number.$method(visitor).map_err(de::Error::custom),
                None => self.deserialize_any(visitor),
            }
        })*
    };
}

impl Reader<'_> {
    /// The number that a text is, where texts may be numbers.
    fn as_number(&self) -> Option<Value> {
        match self.value {
            Value::String(text) if self.lenient => text.trim().parse().ok().map(Value::Number),
            _ => None,
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = GivenError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GivenError> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => {
                if let Some(value) = number.as_u64() {
                    visitor.visit_u64(value)
                } else if let Some(value) = number.as_i64() {
                    visitor.visit_i64(value)
                } else {
                    visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN))
                }
            }
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(list) => {
                let lenient = self.lenient;
                let items = list.iter().map(move |value| Reader { value, lenient });
                visitor.visit_seq(SeqDeserializer::new(items))
            }
            Value::Object(map) => visitor.visit_map(Entries {
                entries: map.iter(),
                current: None,
                lenient: self.lenient,
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GivenError> {
        match self.value {
            Value::Null => visitor.visit_none(),
            Value::String(text) if self.lenient && text.is_empty() => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GivenError> {
        match self.value {
            Value::String(text) if self.lenient => match text.as_str() {
                "true" | "1" | "on" => visitor.visit_bool(true),
                "false" | "0" | "off" | "" => visitor.visit_bool(false),
                _ => self.deserialize_any(visitor),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    number!(deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64);

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, GivenError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, GivenError> {
        match self.value {
            Value::String(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Value::Object(map) => {
                let lenient = self.lenient;
                let entries = map
                    .iter()
                    .map(move |(key, value)| (key.as_str(), Reader { value, lenient }));
                visitor.visit_enum(de::value::MapAccessDeserializer::new(MapDeserializer::new(
                    entries,
                )))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, GivenError> for Reader<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The entries of an object; an error in a value names its key.
struct Entries<'a> {
    entries: serde_json::map::Iter<'a>,
    current: Option<(&'a str, &'a Value)>,
    lenient: bool,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = GivenError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, GivenError> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        self.current = Some((key, value));
        seed.deserialize(key.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, GivenError> {
        let Some((key, value)) = self.current.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        let lenient = self.lenient;
        seed.deserialize(Reader { value, lenient })
            .map_err(|error| error.under(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Inner {
        n: u8,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Typed {
        a: i32,
        b: Option<String>,
        #[serde(default)]
        c: bool,
        #[serde(default)]
        list: Vec<f64>,
        inner: Option<Inner>,
    }

    fn raw(value: &Value) -> Given {
        (&*serde_json::value::to_raw_value(value).unwrap()).into()
    }

    fn error(input: &Given) -> Value {
        input.read::<Typed>().unwrap_err().error().clone()
    }

    #[test]
    fn errors_name_the_field() {
        for make in [raw, |value: &Value| value.clone().into()] {
            assert_eq!(
                error(&make(&json!({}))),
                json!({ "a": "The a field is required." })
            );
            assert_eq!(
                error(&make(&json!({ "a": "x" }))),
                json!({ "a": { "code": "003", "message": "Param 'a' has an invalid type, expected integer" } })
            );
            let deep = error(&make(&json!({ "a": 1, "inner": { "n": 300 } })));
            assert!(
                deep.get("inner").is_some() || deep.get("inner.n").is_some(),
                "{deep}"
            );
            for none in [json!(null), json!(5), json!([1])] {
                assert_eq!(
                    error(&make(&none)),
                    json!({ "a": "The a field is required." })
                );
            }
        }
    }

    #[test]
    fn texts_may_be_numbers() {
        let Value::Object(map) = json!({ "a": "5", "b": "7", "c": "true", "list": ["1.5"] }) else {
            unreachable!()
        };
        let typed: Typed = Given::texts(map.clone()).read().unwrap();
        assert_eq!((typed.a, typed.b.as_deref(), typed.c), (5, Some("7"), true));
        assert_eq!(typed.list, [1.5]);
        assert!(Given::from(map).read::<Typed>().is_err());
    }
}
