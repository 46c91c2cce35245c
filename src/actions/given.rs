//! The parameters of a call, and reading them as a type with the protocol's errors.

use std::{fmt, sync::Arc};

use parking_lot::Mutex;
use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::{Map, Value, value::RawValue};
use stellarfw_transport::SparkLease;

use super::{error::ActionError, fields::each, survey::Survey};
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
pub(crate) enum Given {
    /// JSON that is not parsed yet.
    Raw(Arc<str>),
    /// MessagePack that is not parsed yet.
    Packed(Arc<PackedParams>),
    /// Values, from within the server.
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
    pub(crate) fn check(&self, survey: &Survey) -> Result<(), ActionError> {
        let Self::Raw(raw) = self else {
            return Ok(());
        };
        if survey.is_readable || fits_value(raw) {
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
            let needs_it = matches!(&other, Err(GivenError { field: Some(field), wrong: Wrong::Missing })
                if CALLED_BY.contains(&field.as_str()));
            return if needs_it { result } else { other }.map_err(ActionError::from);
        }
        result.map_err(ActionError::from)
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

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GivenError> {
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
        seed.deserialize(Key(key)).map(Some)
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

/// A key of an object: always a text, also where it is read as a number or a boolean.
#[derive(Clone, Copy)]
struct Key<'a>(&'a str);

macro_rules! key {
    ($($method:ident $visit:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GivenError> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => visitor.visit_borrowed_str(self.0),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = GivenError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GivenError> {
        visitor.visit_borrowed_str(self.0)
    }

    key!(deserialize_bool visit_bool
        deserialize_i8 visit_i8 deserialize_i16 visit_i16 deserialize_i32 visit_i32
        deserialize_i64 visit_i64 deserialize_i128 visit_i128
        deserialize_u8 visit_u8 deserialize_u16 visit_u16 deserialize_u32 visit_u32
        deserialize_u64 visit_u64 deserialize_u128 visit_u128
        deserialize_f32 visit_f32 deserialize_f64 visit_f64);

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GivenError> {
        visitor.visit_some(self)
    }

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
        visitor.visit_enum(self.0.into_deserializer())
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;
    use std::collections::HashMap;

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
    fn types_of_no_other_fields_are_read_beside_the_name_of_the_action() {
        #[derive(Debug, Deserialize, PartialEq)]
        #[serde(deny_unknown_fields)]
        struct Strict {
            a: i32,
        }
        #[derive(Debug, Deserialize, PartialEq)]
        struct Named {
            action: String,
        }
        let called = json!({ "action": "x", "apiVersion": 2, "a": 1 });
        assert_eq!(raw(&called).read::<Strict>().unwrap(), Strict { a: 1 });
        let map: HashMap<String, u8> = raw(&called).read().unwrap();
        assert_eq!(map.into_iter().collect::<Vec<_>>(), [("a".to_owned(), 1)]);
        assert_eq!(raw(&called).read::<Named>().unwrap().action, "x");
        let more = json!({ "action": "x", "a": 1, "b": 2 });
        assert!(raw(&more).read::<Strict>().is_err());
        let missing = raw(&json!({ "action": "x" })).read::<Strict>().unwrap_err();
        assert_eq!(missing.error(), &json!({ "a": "The a field is required." }));
        let named = raw(&json!({ "action": 5 })).read::<Named>().unwrap_err();
        assert!(named.error()["action"]["message"].is_string(), "{named:?}");
    }

    #[test]
    fn keys_are_read_as_json_has_them() {
        #[derive(Debug, Deserialize, PartialEq, Eq, Hash)]
        enum Colour {
            Red,
        }
        #[derive(Debug, Deserialize, PartialEq, Eq, Hash)]
        struct Id(u64);
        #[derive(Debug, Deserialize, PartialEq)]
        struct Maps {
            numbers: HashMap<i8, u8>,
            flags: HashMap<bool, u8>,
            colours: HashMap<Colour, u8>,
            ids: HashMap<Id, u8>,
        }
        let good = json!({
            "numbers": { "-7": 1 }, "flags": { "true": 2 }, "colours": { "Red": 3 }, "ids": { "4": 4 },
        });
        for make in [raw, |value: &Value| value.clone().into()] {
            let maps: Maps = make(&good).read().unwrap();
            assert_eq!((maps.numbers[&-7], maps.flags[&true]), (1, 2));
            assert_eq!((maps.colours[&Colour::Red], maps.ids[&Id(4)]), (3, 4));
            for (name, key) in [
                ("numbers", "300"),
                ("flags", "yes"),
                ("colours", "Blue"),
                ("ids", "x"),
            ] {
                let mut bad = good.clone();
                bad[name] = json!({ key: 1 });
                let error = make(&bad).read::<Maps>().unwrap_err();
                assert!(error.error()[name].is_object(), "{error:?}");
            }
        }
    }

    #[test]
    fn tuples_have_as_many_items_as_places() {
        type Pair = std::collections::BTreeMap<String, (u8, u8)>;
        for make in [raw, |value: &Value| value.clone().into()] {
            assert!(make(&json!({ "a": [1, 2] })).read::<Pair>().is_ok());
            for bad in [json!([1]), json!([1, 2, 3]), json!([])] {
                let error = make(&json!({ "a": bad })).read::<Pair>().unwrap_err();
                assert_eq!(error.error()["a"]["code"], "003", "{bad}");
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
        let mut once = map.clone();
        once.insert("list".into(), "2".into());
        assert_eq!(Given::texts(once).read::<Typed>().unwrap().list, [2.0]);
        assert!(Given::from(map).read::<Typed>().is_err());
    }
}
