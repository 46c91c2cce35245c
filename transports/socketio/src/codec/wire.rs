//! Values as they are on the wire, taken apart and put together without being decoded.

use std::{borrow::Cow, io::Cursor};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// How values are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Json,
    MessagePack,
}

/// A piece of an object that is put together.
pub(crate) type Field<'a> = (&'a str, Cow<'a, [u8]>);

impl Wire {
    /// A string.
    pub(crate) fn string(self, text: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() + 5);
        match self {
            // Writing a string into a vector cannot fail.
            Self::Json => serde_json::to_writer(&mut out, text).unwrap_or_default(),
            Self::MessagePack => rmp::encode::write_str(&mut out, text).unwrap_or_default(),
        }
        out
    }

    /// Nothing.
    pub(crate) fn null(self) -> &'static [u8] {
        match self {
            Self::Json => b"null",
            Self::MessagePack => &[0xc0],
        }
    }

    /// The text of a string.
    pub(crate) fn text(self, raw: &[u8]) -> Option<Cow<'_, str>> {
        #[derive(Deserialize)]
        struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
        let text: Text<'_> = match self {
            Self::Json => serde_json::from_slice(raw).ok()?,
            Self::MessagePack => rmp_serde::from_slice(raw).ok()?,
        };
        Some(text.0)
    }

    /// A list.
    pub(crate) fn list(self, items: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Json => [b"[", &items.join(&b","[..])[..], b"]"].concat(),
            Self::MessagePack => {
                let mut out = Vec::new();
                let len = u32::try_from(items.len()).unwrap_or_default();
                rmp::encode::write_array_len(&mut out, len).ok();
                out.extend(items.concat());
                out
            }
        }
    }

    /// An object of these fields.
    pub(crate) fn object(self, fields: &[Field<'_>]) -> Vec<u8> {
        let empty: &[u8] = match self {
            Self::Json => b"{}",
            Self::MessagePack => &[0x80],
        };
        self.extend(empty, fields).unwrap_or_default()
    }

    /// An object with these fields added; none if it is no object.
    pub(crate) fn extend(self, object: &[u8], fields: &[Field<'_>]) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(object.len() + 64);
        match self {
            Self::Json => {
                let inner = object.trim_ascii();
                let inner = inner.strip_prefix(b"{")?.strip_suffix(b"}")?;
                out.push(b'{');
                out.extend_from_slice(inner);
                let mut first = inner.trim_ascii().is_empty();
                for (key, value) in fields {
                    if !std::mem::take(&mut first) {
                        out.push(b',');
                    }
                    out.extend(self.string(key));
                    out.push(b':');
                    out.extend_from_slice(value);
                }
                out.push(b'}');
            }
            Self::MessagePack => {
                let (count, at) = map_header(object)?;
                let count = count.checked_add(u32::try_from(fields.len()).ok()?)?;
                rmp::encode::write_map_len(&mut out, count).ok()?;
                out.extend_from_slice(&object[at..]);
                for (key, value) in fields {
                    out.extend(self.string(key));
                    out.extend_from_slice(value);
                }
            }
        }
        Some(out)
    }

    /// An object without one of its fields, given as the value lies in it.
    pub(crate) fn without(self, object: &[u8], key: &str, value: &[u8]) -> Option<Vec<u8>> {
        let from = (value.as_ptr() as usize).checked_sub(object.as_ptr() as usize)?;
        let to = from.checked_add(value.len())?;
        let before = object.get(..from)?;
        let after = object.get(to..)?;
        let key = self.string(key);
        match self {
            Self::Json => {
                let before = before.strip_suffix(b":")?.strip_suffix(&key[..])?;
                let (before, after) = match before.strip_suffix(b",") {
                    Some(before) => (before, after),
                    None => (before, after.strip_prefix(b",").unwrap_or(after)),
                };
                Some([before, after].concat())
            }
            Self::MessagePack => {
                let (count, at) = map_header(object)?;
                let before = before.strip_suffix(&key[..])?;
                let mut out = Vec::with_capacity(object.len());
                rmp::encode::write_map_len(&mut out, count.checked_sub(1)?).ok()?;
                out.extend_from_slice(before.get(at..)?);
                out.extend_from_slice(after);
                Some(out)
            }
        }
    }

    /// Some fields of an object, where they lie in it. Of a key that stands twice the last one
    /// counts. None if it is no object.
    pub(crate) fn fields<'a, const N: usize>(
        self,
        object: &'a [u8],
        keys: [&str; N],
    ) -> Option<[Option<&'a [u8]>; N]> {
        let mut found = [None; N];
        let mut note = |key: &str, value: &'a [u8]| {
            if let Some(at) = keys.iter().position(|known| *known == key) {
                found[at] = Some(value);
            }
        };
        match self {
            Self::Json => each_json_field(object, note)?,
            Self::MessagePack => {
                let (count, at) = map_header(object)?;
                let mut values = Values::new(object, at);
                for _ in 0..count {
                    let key = values.next()?;
                    let value = values.next()?;
                    if let Some(key) = self.text(key) {
                        note(&key, value);
                    }
                }
            }
        }
        Some(found)
    }

    /// The items of a list, where they lie in it. None if it is no list.
    pub(crate) fn items(self, list: &[u8]) -> Option<Vec<&[u8]>> {
        self.some_items(list, usize::MAX)
    }

    /// The items of a client's event. None if it has more than [`MOST_ARGS`]: where each is a byte long,
    /// a list of them takes many times their length.
    pub(crate) fn args(self, list: &[u8]) -> Option<Vec<&[u8]>> {
        self.some_items(list, MOST_ARGS)
    }

    fn some_items(self, list: &[u8], most: usize) -> Option<Vec<&[u8]>> {
        match self {
            Self::Json => {
                let mut reader = serde_json::Deserializer::from_slice(list);
                let items = reader.deserialize_seq(Items { most }).ok()?;
                reader.end().ok()?;
                Some(items)
            }
            Self::MessagePack => {
                let mut cursor = Cursor::new(list);
                let count = rmp::decode::read_array_len(&mut cursor).ok()?;
                usize::try_from(count).ok().filter(|count| *count <= most)?;
                let mut values = Values::new(list, usize::try_from(cursor.position()).ok()?);
                (0..count).map(|_| values.next()).collect()
            }
        }
    }
}

/// So many items an event of a client may have, its name among them.
const MOST_ARGS: usize = 65_536;

/// Reads the items of a list as they lie in it.
struct Items {
    most: usize,
}

impl<'de> Visitor<'de> for Items {
    type Value = Vec<&'de [u8]>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a list of at most {} items", self.most)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<&RawValue>()? {
            if items.len() == self.most {
                return Err(serde::de::Error::invalid_length(self.most + 1, &self));
            }
            items.push(item.get().as_bytes());
        }
        Ok(items)
    }
}

/// How many fields an object has, and where they begin.
fn map_header(object: &[u8]) -> Option<(u32, usize)> {
    let mut cursor = Cursor::new(object);
    let count = rmp::decode::read_map_len(&mut cursor).ok()?;
    Some((count, usize::try_from(cursor.position()).ok()?))
}

/// The values of MessagePack one after the other.
struct Values<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Values<'a> {
    fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let mut reader = rmp_serde::Deserializer::new(Cursor::new(rest));
        reader.set_max_depth(128);
        IgnoredAny::deserialize(&mut reader).ok()?;
        let len = usize::try_from(reader.position()).ok()?;
        self.at += len;
        rest.get(..len)
    }
}

/// Calls a function for each field of an object of JSON. None if it is no object.
pub(crate) fn each_json_field<'a>(object: &'a [u8], f: impl FnMut(&str, &'a [u8])) -> Option<()> {
    let mut json = serde_json::Deserializer::from_slice(object);
    json.deserialize_map(JsonFields(f)).ok()
}

struct JsonFields<F>(F);

impl<'de, F: FnMut(&str, &'de [u8])> Visitor<'de> for JsonFields<F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const BOTH: [Wire; 2] = [Wire::Json, Wire::MessagePack];

    fn encode(wire: Wire, value: &Value) -> Vec<u8> {
        match wire {
            Wire::Json => serde_json::to_vec(value).unwrap(),
            Wire::MessagePack => rmp_serde::to_vec_named(value).unwrap(),
        }
    }

    fn decode(wire: Wire, raw: &[u8]) -> Value {
        match wire {
            Wire::Json => serde_json::from_slice(raw).unwrap(),
            Wire::MessagePack => rmp_serde::from_slice(raw).unwrap(),
        }
    }

    #[test]
    fn an_event_has_only_so_many_arguments() {
        for (wire, head, item, tail) in [
            (Wire::Json, "[0", ",0", "]"),
            (Wire::MessagePack, "", "", ""),
        ] {
            for count in [1, MOST_ARGS, MOST_ARGS + 1] {
                let list = match wire {
                    Wire::Json => [head, &item.repeat(count - 1), tail].concat().into_bytes(),
                    Wire::MessagePack => rmp_serde::to_vec(&vec![0; count]).unwrap(),
                };
                let args = wire.args(&list).map(|args| args.len());
                assert_eq!(args, (count <= MOST_ARGS).then_some(count));
                assert_eq!(wire.items(&list).unwrap().len(), count);
            }
        }
        assert_eq!(Wire::Json.args(b"[0] 1"), None);
        assert_eq!(Wire::Json.args(b"{}"), None);
    }

    #[test]
    fn objects_are_put_together_and_taken_apart() {
        for wire in BOTH {
            for count in [0, 1, 15, 16, 20] {
                let map = (0..count).map(|n| (format!("k{n}"), json!([n, { "x": "\"," }])));
                let object = encode(wire, &Value::Object(map.collect()));
                let added = [
                    ("a", wire.string("ż\"").into()),
                    ("k0", wire.string("last").into()),
                ];
                let longer = wire.extend(&object, &added).unwrap();
                let [a, none, k0] = wire.fields(&longer, ["a", "none", "k0"]).unwrap();
                assert_eq!(wire.text(a.unwrap()).unwrap(), "ż\"");
                assert_eq!(wire.text(k0.unwrap()).unwrap(), "last");
                assert!(none.is_none());
                let shorter = wire.without(&longer, "a", a.unwrap()).unwrap();
                let [a, k0] = wire.fields(&shorter, ["a", "k0"]).unwrap();
                assert!(a.is_none() && k0.is_some());
            }
            assert!(wire.extend(&encode(wire, &json!([1])), &[]).is_none());
            assert!(wire.fields(&encode(wire, &json!("x")), ["a"]).is_none());
        }
    }

    #[test]
    fn lists_are_too() {
        for wire in BOTH {
            let items = [json!(1), json!({ "a": [null] }), json!("x]")];
            let raw: Vec<_> = items.iter().map(|item| encode(wire, item)).collect();
            let raw: Vec<_> = raw.iter().map(Vec::as_slice).collect();
            let list = wire.list(&raw);
            assert_eq!(decode(wire, &list), json!(items));
            assert_eq!(wire.items(&list).unwrap(), raw);
            assert!(wire.items(&encode(wire, &json!({}))).is_none());
        }
    }

    #[test]
    fn nonsense_is_none_of_it() {
        for wire in BOTH {
            for raw in [
                &b""[..],
                b"{\"a\":",
                &[0xdf, 0xff, 0xff, 0xff, 0xff],
                &[0x81, 0xa1],
            ] {
                assert!(wire.fields(raw, ["a"]).is_none());
                assert!(wire.items(raw).is_none());
                assert!(wire.text(raw).is_none());
            }
        }
        let deep = vec![0x91; 100_000];
        assert!(Wire::MessagePack.items(&deep).is_none());
    }
}
