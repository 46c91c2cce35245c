//! Reading a type from values, with errors that name the field.

use std::fmt;

use serde::{
    Deserializer,
    de::{
        self, DeserializeSeed, IntoDeserializer, MapAccess, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::Value;

use crate::actions::error::ActionError;

/// Reads a type from values, and tells which field was missing or wrong.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) value: &'a Value,
    /// Texts may be read as numbers and booleans.
    pub(super) lenient: bool,
}

/// What was wrong with the parameters.
#[derive(Debug)]
pub(super) struct ParamsError {
    pub(super) field: Option<String>,
    pub(super) wrong: Wrong,
}

#[derive(Debug)]
pub(super) enum Wrong {
    Missing,
    /// Something of another type or value was expected.
    Type(String),
    Other(String),
}

impl From<ParamsError> for ActionError {
    fn from(error: ParamsError) -> Self {
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

impl fmt::Display for ParamsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.wrong {
            Wrong::Missing => f.write_str("a field is missing"),
            Wrong::Type(expected) => write!(f, "expected {expected}"),
            Wrong::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ParamsError {}

impl de::Error for ParamsError {
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

impl ParamsError {
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
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
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
    type Error = ParamsError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
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
                let mut items = SeqDeserializer::new(items);
                let read = visitor.visit_seq(&mut items)?;
                // More than a tuple has places for is as wrong as less.
                items.end()?;
                Ok(read)
            }
            Value::Object(map) => visitor.visit_map(Entries {
                entries: map.iter(),
                current: None,
                lenient: self.lenient,
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
        match self.value {
            Value::Null => visitor.visit_none(),
            Value::String(text) if self.lenient && text.is_empty() => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
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
    ) -> Result<V::Value, ParamsError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParamsError> {
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

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
        match self.value {
            // In a URL or a form, a key that stands once is a list of one as well.
            Value::String(_) if self.lenient => {
                visitor.visit_seq(SeqDeserializer::new(std::iter::once(self)))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct
        identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, ParamsError> for Reader<'de> {
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
    type Error = ParamsError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ParamsError> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        self.current = Some((key, value));
        seed.deserialize(Key(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, ParamsError> {
        let Some((key, value)) = self.current.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        let lenient = self.lenient;
        seed.deserialize(Reader { value, lenient })
            .map_err(|error| error.under(key))
    }
}

/// A key of an object: always a text, also where it is read as a number or a boolean.
#[derive(Clone, Copy)]
struct Key<'a>(&'a str);

macro_rules! key {
    ($($method:ident $visit:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => visitor.visit_borrowed_str(self.0),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = ParamsError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
        visitor.visit_borrowed_str(self.0)
    }

    key!(deserialize_bool visit_bool
        deserialize_i8 visit_i8 deserialize_i16 visit_i16 deserialize_i32 visit_i32
        deserialize_i64 visit_i64 deserialize_i128 visit_i128
        deserialize_u8 visit_u8 deserialize_u16 visit_u16 deserialize_u32 visit_u32
        deserialize_u64 visit_u64 deserialize_u128 visit_u128
        deserialize_f32 visit_f32 deserialize_f64 visit_f64);

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamsError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParamsError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParamsError> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}
