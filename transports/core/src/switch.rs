//! Settings that can be switched off, for `#[serde(with = "stellarfw_transport::switch")]`.
//!
//! The file formats of settings have no word for nothing. So `false` is none, and `true` is the
//! value with all its defaults where it has such; anything else is the value itself.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
//! #[serde(default)]
//! struct Compression {
//!     level: u8,
//! }
//!
//! #[derive(Serialize, Deserialize)]
//! struct Settings {
//!     #[serde(with = "stellarfw_transport::switch")]
//!     compression: Option<Compression>,
//! }
//!
//! let read = |text| serde_json::from_str::<Settings>(text).unwrap().compression;
//! assert_eq!(read(r#"{ "compression": false }"#), None);
//! assert_eq!(read(r#"{ "compression": true }"#), Some(Compression::default()));
//! assert_eq!(read(r#"{ "compression": { "level": 9 } }"#), Some(Compression { level: 9 }));
//! ```

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{
        Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::{BoolDeserializer, MapAccessDeserializer, MapDeserializer, SeqAccessDeserializer},
    },
};

/// Writes `false` for none.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<T: Serialize, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => value.serialize(serializer),
        None => serializer.serialize_bool(false),
    }
}

/// Reads `false` as none, as it does null in formats that have it.
///
/// # Errors
/// What the value itself is refused with.
pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_any(Switch(PhantomData))
}

struct Switch<T>(PhantomData<T>);

/// Hands a plain value on to the setting's own type.
macro_rules! hand_on {
    ($($method:ident: $type:ty),*) => {
        $(fn $method<E: Error>(self, value: $type) -> Result<Self::Value, E> {
            T::deserialize(value.into_deserializer()).map(Some)
        })*
    };
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Switch<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, or false for none")
    }

    fn visit_bool<E: Error>(self, on: bool) -> Result<Self::Value, E> {
        if !on {
            return Ok(None);
        }
        let empty = std::iter::empty::<(&str, &str)>();
        let with_defaults = T::deserialize(MapDeserializer::<_, E>::new(empty));
        with_defaults
            .or_else(|_| T::deserialize(BoolDeserializer::new(on)))
            .map(Some)
    }

    hand_on!(visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str, visit_string: String);

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<Self::Value, D::Error> {
        value.deserialize_any(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(seq)).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Settings {
        #[serde(with = "super")]
        name: Option<String>,
        #[serde(with = "super")]
        most: Option<u8>,
        #[serde(with = "super")]
        list: Option<Vec<u8>>,
    }

    fn read(name: &str, most: &str, list: &str) -> Result<Settings, String> {
        let text = format!(r#"{{"name":{name},"most":{most},"list":{list}}}"#);
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_read_as_they_are() {
        let settings = read(r#""a\n""#, "7", "[1,2]").unwrap();
        assert_eq!(settings.name.as_deref(), Some("a\n"));
        assert_eq!(settings.most, Some(7));
        assert_eq!(settings.list, Some(vec![1, 2]));
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
    }

    #[test]
    fn false_and_null_are_none() {
        let off = read("false", "null", "false").unwrap();
        assert_eq!((&off.name, off.most, &off.list), (&None, None, &None));
        let text = serde_json::to_string(&off).unwrap();
        assert_eq!(text, r#"{"name":false,"most":false,"list":false}"#);
    }

    #[test]
    fn what_is_neither_is_refused_in_the_words_of_the_value() {
        for (name, most, list, expected) in [
            ("true", "7", "[]", "boolean `true`, expected a string"),
            ("7", "7", "[]", "integer `7`, expected a string"),
            (r#""a""#, "256", "[]", "integer `256`, expected u8"),
            (r#""a""#, "7", "{}", "map, expected a sequence"),
        ] {
            let error = read(name, most, list).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
