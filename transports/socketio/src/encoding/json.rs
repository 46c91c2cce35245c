//! The structure of JSON values.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// Calls a function for each item of a JSON list of at most `max` items. Returns `None` for any other
/// value.
pub(super) fn each_json_item<'a>(
    list: &'a [u8],
    max: usize,
    f: impl FnMut(&'a [u8]),
) -> Option<()> {
    let mut reader = serde_json::Deserializer::from_slice(list);
    reader.deserialize_seq(JsonItems { max, f }).ok()?;
    reader.end().ok()
}

struct JsonItems<F> {
    max: usize,
    f: F,
}

impl<'de, F: FnMut(&'de [u8])> Visitor<'de> for JsonItems<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {} items", self.max)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let mut count = 0;
        while let Some(item) = list.next_element::<&RawValue>()? {
            if count == self.max {
                return Err(serde::de::Error::invalid_length(self.max + 1, &self));
            }
            count += 1;
            (self.f)(item.get().as_bytes());
        }
        Ok(())
    }
}

/// Calls a function for each field of a JSON object. Returns `None` for any other value.
pub(crate) fn each_json_field<'a>(object: &'a [u8], f: impl FnMut(&str, &'a [u8])) -> Option<()> {
    let mut json = serde_json::Deserializer::from_slice(object);
    json.deserialize_map(JsonFields(f)).ok()
}

struct JsonFields<F>(F);

impl<'de, F: FnMut(&str, &'de [u8])> Visitor<'de> for JsonFields<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            let value: &'de RawValue = map.next_value()?;
            self.0(&key, value.get().as_bytes());
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
