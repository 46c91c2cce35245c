//! The parameters of a call, and reading them as a type with the protocol's errors.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, IgnoredAny, IntoDeserializer, MapAccess, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::{Map, Value, value::RawValue};

use super::error::ActionError;
use crate::readable::{PLAIN, is_readable};

/// The parameters of a call.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    /// JSON that is not parsed yet.
    Raw(Box<RawValue>),
    /// Values, from other codecs.
    Value(Value),
    /// Texts, from a URL or a form: a number may stand in them as text.
    Texts(Map<String, Value>),
}

impl Given {
    pub(crate) fn to_value(&self) -> Value {
        match self {
            // What no value can hold was refused when the call came.
            Self::Raw(raw) => serde_json::from_str(raw.get()).unwrap_or_default(),
            Self::Value(value) => value.clone(),
            Self::Texts(map) => Value::Object(map.clone()),
        }
    }

    /// Refuses JSON that no tree of values can hold, and names the parameter that it is in.
    pub(crate) fn check(&self) -> Result<(), ActionError> {
        let Self::Raw(raw) = self else {
            return Ok(());
        };
        if is_readable(raw) {
            return Ok(());
        }
        let entries: RawEntries<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
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
            && let Ok(value) = serde_json::from_str(raw.get())
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

/// What a call says besides its parameters.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a> {
    pub(crate) action: Option<Cow<'a, str>>,
    pub(crate) version: Option<Value>,
    /// An action that is no string, as JSON.
    odd: Option<String>,
}

/// A key of an object. As bytes, because a key of JavaScript may hold what is no UTF-8 (a lone
/// surrogate).
struct Key<'a>(Cow<'a, [u8]>);

impl Key<'_> {
    /// Whether it holds a surrogate that is not one of a pair.
    fn is_lone(&self) -> bool {
        std::str::from_utf8(&self.0).is_err()
    }

    fn to_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_bytes<E>(self, text: &'de [u8]) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_bytes<E>(self, text: &[u8]) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_bytes(KeyVisitor)
    }
}

/// The entries of an object of JSON, in order, each still as text.
#[derive(Default)]
struct RawEntries<'a>(Vec<(Key<'a>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for RawEntries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = RawEntries<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawEntries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(RawEntries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}

/// Two of the entries of an object of JSON; of a key that stands twice the last one counts.
#[derive(Default)]
struct RawFields<'a> {
    action: Option<&'a RawValue>,
    version: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for RawFields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = RawFields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawFields<'de>, A::Error> {
                let mut fields = RawFields::default();
                while let Some(Key(key)) = map.next_key()? {
                    match &*key {
                        b"action" => fields.action = Some(map.next_value()?),
                        b"apiVersion" => fields.version = Some(map.next_value()?),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

impl<'a> Fields<'a> {
    pub(crate) fn of(input: &'a Given) -> Self {
        match input {
            // What is no object has no fields.
            Given::Raw(raw) => Self::of_raw(serde_json::from_str(raw.get()).unwrap_or_default()),
            Given::Value(Value::Object(map)) | Given::Texts(map) => Self::of_map(map),
            Given::Value(_) => Self::default(),
        }
    }

    fn of_raw(fields: RawFields<'a>) -> Self {
        let action = fields.action.map(RawValue::get);
        let text = action.and_then(|raw| {
            let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
            if inner.contains('\\') {
                serde_json::from_str(raw).ok().map(Cow::Owned)
            } else {
                Some(Cow::Borrowed(inner))
            }
        });
        Self {
            odd: if text.is_none() {
                action.map(str::to_owned)
            } else {
                None
            },
            action: text,
            version: fields
                .version
                .and_then(|raw| serde_json::from_str(raw.get()).ok()),
        }
    }

    fn of_map(map: &'a Map<String, Value>) -> Self {
        let action = map.get("action");
        Self {
            action: action.and_then(Value::as_str).map(Cow::Borrowed),
            version: map.get("apiVersion").cloned(),
            odd: action
                .filter(|value| !value.is_string())
                .map(ToString::to_string),
        }
    }

    /// What was sent as the action, whatever it was.
    pub(crate) fn action_text(&self) -> Option<Cow<'_, str>> {
        let text = self.action.as_deref().or(self.odd.as_deref());
        text.map(Cow::Borrowed)
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
        Given::Raw(serde_json::value::to_raw_value(value).unwrap())
    }

    fn error(input: &Given) -> Value {
        input.read::<Typed>().unwrap_err().error().clone()
    }

    #[test]
    fn errors_name_the_field() {
        for make in [raw, |value: &Value| Given::Value(value.clone())] {
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
        let typed: Typed = Given::Texts(map.clone()).read().unwrap();
        assert_eq!((typed.a, typed.b.as_deref(), typed.c), (5, Some("7"), true));
        assert_eq!(typed.list, [1.5]);
        assert!(Given::Value(Value::Object(map)).read::<Typed>().is_err());
    }

    #[test]
    fn the_action_is_found_whatever_it_is() {
        let input = raw(&json!({ "action": "a\nb", "apiVersion": 2 }));
        let fields = Fields::of(&input);
        assert_eq!(fields.action.as_deref(), Some("a\nb"));
        assert_eq!(fields.version, Some(json!(2)));
        let input = raw(&json!({ "action": { "x": 1 } }));
        assert_eq!(
            Fields::of(&input).action_text().as_deref(),
            Some("{\"x\":1}")
        );
        let twice =
            Given::Raw(RawValue::from_string(r#"{"action":"a","action":"b"}"#.into()).unwrap());
        assert_eq!(Fields::of(&twice).action.as_deref(), Some("b"));
        assert_eq!(Fields::of(&Given::Value(Value::Null)).action_text(), None);
    }
}
