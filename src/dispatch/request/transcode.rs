//! JSON text from the values of another codec.

use std::fmt::{self, Write as _};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};

/// The JSON text of a value of any format: bytes, which JSON has not, become lists of numbers, and keys
/// that are numbers and the like their text. No tree of values is built.
pub(super) struct Json(pub(super) String);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = String::new();
        Write {
            text: &mut text,
            is_key: false,
            levels: 127,
        }
        .deserialize(deserializer)?;
        text.shrink_to_fit();
        Ok(Self(text))
    }
}

/// Writes a value at the end of a text.
struct Write<'t> {
    text: &'t mut String,
    /// It is a key, which has to be a scalar.
    is_key: bool,
    /// So many levels of lists and objects it may have.
    levels: usize,
}

impl Write<'_> {
    fn scalar<T: Serialize + ?Sized, E: de::Error>(self, value: &T) -> Result<(), E> {
        let json = serde_json::to_string(value).map_err(E::custom)?;
        // A key that is a number or null is its text.
        let is_text = json.starts_with('"');
        let quote = if self.is_key && !is_text { "\"" } else { "" };
        self.text.extend([quote, &json, quote]);
        Ok(())
    }

    /// The same for the content of a wrapper.
    fn again(&mut self) -> Write<'_> {
        Write {
            text: self.text,
            is_key: self.is_key,
            levels: self.levels,
        }
    }

    fn inside<E: de::Error>(&mut self) -> Result<Write<'_>, E> {
        if self.is_key {
            return Err(E::custom("a key is a list or a map"));
        }
        let levels = self.levels.checked_sub(1);
        let levels = levels.ok_or_else(|| E::custom("the value has too many levels"))?;
        Ok(Write {
            text: self.text,
            is_key: false,
            levels,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Write<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Write<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.scalar(&())
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        self.scalar(&())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        mut self,
        deserializer: D,
    ) -> Result<(), D::Error> {
        let start = self.text.len();
        self.again().deserialize(deserializer)?;
        // Extensions of MessagePack are a type and bytes; those of type 0 are bytes.
        let written = self.text.get(start..).unwrap_or_default();
        let bytes = written
            .strip_prefix("[0,[")
            .and_then(|rest| rest.strip_suffix("]]"));
        if bytes.is_some_and(|bytes| !bytes.contains(['[', ']', '"'])) {
            self.text.pop();
            self.text.replace_range(start..start + 3, "");
        }
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.scalar(&value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.scalar(&value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.scalar(&value)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.scalar(&value)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<(), E> {
        let mut this = self;
        let inside = this.inside()?;
        inside.text.push('[');
        for (n, byte) in bytes.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            write!(inside.text, "{comma}{byte}").map_err(E::custom)?;
        }
        inside.text.push(']');
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        self.inside::<A::Error>()?.text.push('[');
        let mut is_first = true;
        loop {
            let end = self.text.len();
            if !std::mem::take(&mut is_first) {
                self.text.push(',');
            }
            if seq.next_element_seed(self.inside()?)?.is_none() {
                self.text.truncate(end);
                break;
            }
        }
        self.text.push(']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.inside::<A::Error>()?.text.push('{');
        let mut is_first = true;
        loop {
            let end = self.text.len();
            if !std::mem::take(&mut is_first) {
                self.text.push(',');
            }
            let key = Write {
                is_key: true,
                ..self.inside()?
            };
            if map.next_key_seed(key)?.is_none() {
                self.text.truncate(end);
                break;
            }
            self.text.push(':');
            map.next_value_seed(self.inside()?)?;
        }
        self.text.push('}');
        Ok(())
    }
}
