//! Encoded values, taken apart and put together without being decoded.

use std::{borrow::Cow, fmt, io::Cursor};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// The encoding of packets and payloads.
///
/// Its functions work on encoded values: they find the fields of an object or the items of a list as
/// ranges of the input, and build objects and lists from encoded parts. Nothing is decoded to a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// JSON text.
    Json,
    /// MessagePack.
    MessagePack,
}

/// A field of an object: its key, and its encoded value.
pub type Field<'a> = (&'a str, Cow<'a, [u8]>);

/// The most items of a client's event, its name included.
const MAX_ITEMS: usize = 65_536;
/// The deepest nesting of a MessagePack value.
const MAX_DEPTH: usize = 128;

impl Encoding {
    /// Encodes a string.
    #[must_use]
    pub fn string(self, text: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() + 5);
        self.put_string(&mut out, text);
        out
    }

    /// Appends an encoded string.
    pub(crate) fn put_string(self, out: &mut Vec<u8>, text: &str) {
        // Writing a string into a vector cannot fail.
        match self {
            Self::Json => serde_json::to_writer(out, text).unwrap_or_default(),
            Self::MessagePack => rmp::encode::write_str(out, text).unwrap_or_default(),
        }
    }

    /// Returns the encoded null.
    #[must_use]
    pub fn null(self) -> &'static [u8] {
        match self {
            Self::Json => b"null",
            Self::MessagePack => &[0xc0],
        }
    }

    /// Decodes a string. Returns `None` for any other value.
    #[must_use]
    pub fn text(self, value: &[u8]) -> Option<Cow<'_, str>> {
        #[derive(Deserialize)]
        struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
        let text: Text<'_> = match self {
            Self::Json => serde_json::from_slice(value).ok()?,
            Self::MessagePack => rmp_serde::from_slice(value).ok()?,
        };
        Some(text.0)
    }

    /// Builds a list of encoded items.
    #[must_use]
    pub fn list(self, items: &[&[u8]]) -> Vec<u8> {
        let len = items.iter().map(|item| item.len() + 1).sum::<usize>();
        let mut out = Vec::with_capacity(len + 5);
        match self {
            Self::Json => {
                out.push(b'[');
                for (n, item) in items.iter().enumerate() {
                    if n > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(item);
                }
                out.push(b']');
            }
            Self::MessagePack => {
                put_array_len(&mut out, items.len());
                for item in items {
                    out.extend_from_slice(item);
                }
            }
        }
        out
    }

    /// Builds an object of encoded fields.
    #[must_use]
    pub fn object(self, fields: &[Field<'_>]) -> Vec<u8> {
        let empty: &[u8] = match self {
            Self::Json => b"{}",
            Self::MessagePack => &[0x80],
        };
        self.extend(empty, fields).unwrap_or_default()
    }

    /// Returns the object with these fields appended, or `None` if the value is not an object.
    #[must_use]
    pub fn extend(self, object: &[u8], fields: &[Field<'_>]) -> Option<Vec<u8>> {
        let more = fields
            .iter()
            .map(|(key, value)| key.len() + value.len() + 8);
        let mut out = Vec::with_capacity(object.len() + more.sum::<usize>());
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
                    self.put_string(&mut out, key);
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
                    self.put_string(&mut out, key);
                    out.extend_from_slice(value);
                }
            }
        }
        Some(out)
    }

    /// Returns the object without one of its fields.
    ///
    /// `value` is the field's value as [`fields`](Self::fields) returned it for the same object.
    #[must_use]
    pub fn without(self, object: &[u8], key: &str, value: &[u8]) -> Option<Vec<u8>> {
        let from = offset(object, value)?;
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

    /// Returns the values of these keys, or `None` if the value is not an object.
    ///
    /// The last value counts where a key is repeated.
    #[must_use]
    pub fn fields<'a, const N: usize>(
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

    /// Returns the items of a list, or `None` if the value is not a list.
    #[must_use]
    pub fn items(self, list: &[u8]) -> Option<Vec<&[u8]>> {
        match self {
            Self::Json => {
                let mut items = Vec::new();
                each_json_item(list, usize::MAX, |item| items.push(item))?;
                Some(items)
            }
            Self::MessagePack => {
                let (count, at) = array_header(list)?;
                let mut values = Values::new(list, at);
                (0..count).map(|_| values.next()).collect()
            }
        }
    }

    /// Reads the list of a client's event: its name, and its arguments.
    ///
    /// Returns `None` if the value is not a list of 1 to 65,536 items that begins with a string.
    pub(crate) fn event(self, list: &[u8]) -> Option<(Cow<'_, str>, EventArgs<'_>)> {
        let mut name: Option<&[u8]> = None;
        let mut args = EventArgs::new(self);
        let mut note = |item| match name {
            None => name = Some(item),
            Some(_) => args.note(item),
        };
        match self {
            Self::Json => each_json_item(list, MAX_ITEMS, note)?,
            Self::MessagePack => {
                let (count, at) = array_header(list)?;
                if usize::try_from(count).ok()? > MAX_ITEMS {
                    return None;
                }
                let mut values = Values::new(list, at);
                for _ in 0..count {
                    note(values.next()?);
                }
                if values.at != list.len() {
                    return None;
                }
            }
        }
        if let (Some(first), Some(last)) = (args.first[0], args.last) {
            let (from, to) = (offset(list, first)?, offset(list, last)? + last.len());
            args.inner = list.get(from..to)?;
        }
        Some((self.text(name?)?, args))
    }
}

/// The arguments of a client's event, encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventArgs<'a> {
    encoding: Encoding,
    first: [Option<&'a [u8]>; 4],
    last: Option<&'a [u8]>,
    count: usize,
    /// From the first to the last of them.
    inner: &'a [u8],
}

impl<'a> EventArgs<'a> {
    fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            first: [None; 4],
            last: None,
            count: 0,
            inner: &[],
        }
    }

    fn note(&mut self, item: &'a [u8]) {
        if let Some(slot) = self.first.get_mut(self.count) {
            *slot = Some(item);
        }
        self.last = Some(item);
        self.count += 1;
    }

    /// Returns the number of arguments.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns `true` if there are no arguments.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns one of the first four arguments.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        *self.first.get(index)?
    }

    /// Returns the argument if there is exactly one.
    #[must_use]
    pub fn single(&self) -> Option<&'a [u8]> {
        self.get(0).filter(|_| self.count == 1)
    }

    /// Builds the list of all arguments.
    #[must_use]
    pub fn to_list(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.inner.len() + 5);
        match self.encoding {
            Encoding::Json => {
                out.push(b'[');
                out.extend_from_slice(self.inner);
                out.push(b']');
            }
            Encoding::MessagePack => {
                put_array_len(&mut out, self.count);
                out.extend_from_slice(self.inner);
            }
        }
        out
    }
}

/// Appends the header of a list. A longer list than MessagePack can have never fits a message.
pub(crate) fn put_array_len(out: &mut Vec<u8>, len: usize) {
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    rmp::encode::write_array_len(out, len).ok();
}

/// Returns the position of a part in the whole that it was taken from.
fn offset(whole: &[u8], part: &[u8]) -> Option<usize> {
    (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)
}

/// Reads the header of a MessagePack map: the number of fields, and the position after it.
fn map_header(object: &[u8]) -> Option<(u32, usize)> {
    let mut cursor = Cursor::new(object);
    let count = rmp::decode::read_map_len(&mut cursor).ok()?;
    Some((count, usize::try_from(cursor.position()).ok()?))
}

/// Reads the header of a MessagePack array: the number of items, and the position after it.
pub(crate) fn array_header(list: &[u8]) -> Option<(u32, usize)> {
    let mut cursor = Cursor::new(list);
    let count = rmp::decode::read_array_len(&mut cursor).ok()?;
    Some((count, usize::try_from(cursor.position()).ok()?))
}

/// Reads MessagePack values one after the other.
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
        let len = value_len(rest, MAX_DEPTH)?;
        self.at += len;
        rest.get(..len)
    }
}

/// Returns the length of the MessagePack value at the beginning of `bytes`, if it is complete and
/// nested at most `depth` levels deep.
fn value_len(bytes: &[u8], depth: usize) -> Option<usize> {
    let first = *bytes.first()?;
    // A big-endian number of so many bytes after the first.
    let number = |size: usize| {
        let digits = bytes.get(1..=size)?.iter();
        Some(digits.fold(0, |number, byte| number << 8 | usize::from(*byte)))
    };
    let (head, body, values) = match first {
        0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => (1, 0, 0),
        0x80..=0x8f => (1, 0, 2 * usize::from(first & 0x0f)),
        0x90..=0x9f => (1, 0, usize::from(first & 0x0f)),
        0xa0..=0xbf => (1, usize::from(first & 0x1f), 0),
        0xc1 => return None,
        0xc4 | 0xd9 => (2, number(1)?, 0),
        0xc5 | 0xda => (3, number(2)?, 0),
        0xc6 | 0xdb => (5, number(4)?, 0),
        0xc7 => (3, number(1)?, 0),
        0xc8 => (4, number(2)?, 0),
        0xc9 => (6, number(4)?, 0),
        0xcc | 0xd0 => (2, 0, 0),
        0xcd | 0xd1 => (3, 0, 0),
        0xca | 0xce | 0xd2 => (5, 0, 0),
        0xcb | 0xcf | 0xd3 => (9, 0, 0),
        0xd4..=0xd8 => (2, 1 << (first - 0xd4), 0),
        0xdc => (3, 0, number(2)?),
        0xdd => (5, 0, number(4)?),
        0xde => (3, 0, number(2)?.checked_mul(2)?),
        0xdf => (5, 0, number(4)?.checked_mul(2)?),
    };
    let mut at = body.checked_add(head)?;
    if values > 0 {
        let depth = depth.checked_sub(1)?;
        for _ in 0..values {
            at += value_len(bytes.get(at..)?, depth)?;
        }
    }
    (at <= bytes.len()).then_some(at)
}

/// Calls a function for each item of a JSON list of at most `max` items. Returns `None` for any other
/// value.
fn each_json_item<'a>(list: &'a [u8], max: usize, f: impl FnMut(&'a [u8])) -> Option<()> {
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const BOTH: [Encoding; 2] = [Encoding::Json, Encoding::MessagePack];

    fn encode(encoding: Encoding, value: &Value) -> Vec<u8> {
        match encoding {
            Encoding::Json => serde_json::to_vec(value).unwrap(),
            Encoding::MessagePack => rmp_serde::to_vec_named(value).unwrap(),
        }
    }

    fn decode(encoding: Encoding, raw: &[u8]) -> Value {
        match encoding {
            Encoding::Json => serde_json::from_slice(raw).unwrap(),
            Encoding::MessagePack => rmp_serde::from_slice(raw).unwrap(),
        }
    }

    #[test]
    fn an_event_has_a_name_and_a_bounded_number_of_arguments() {
        for encoding in BOTH {
            for count in [0, 1, 4, 5, MAX_ITEMS - 1, MAX_ITEMS] {
                let mut list = vec![json!("name")];
                list.extend(vec![json!(7); count]);
                let list = encode(encoding, &list.into());
                let Some((name, args)) = encoding.event(&list) else {
                    assert_eq!(count, MAX_ITEMS);
                    continue;
                };
                assert_eq!((&*name, args.len()), ("name", count));
                assert_eq!(args.single().is_some(), count == 1);
                assert_eq!(decode(encoding, &args.to_list()), json!(vec![7; count]));
                for index in 0..6 {
                    let expected = (index < count.min(4)).then(|| encode(encoding, &json!(7)));
                    assert_eq!(args.get(index), expected.as_deref());
                }
            }
            for other in [
                json!([]),
                json!([1]),
                json!([null, 1]),
                json!({}),
                json!("a"),
            ] {
                assert_eq!(encoding.event(&encode(encoding, &other)), None, "{other}");
            }
            let mut trailing = encode(encoding, &json!(["a"]));
            trailing.push(b'1');
            assert_eq!(encoding.event(&trailing), None);
        }
        // A lone surrogate is no text.
        assert_eq!(Encoding::Json.event(br#"["\ud800"]"#), None);
        let (_, args) = Encoding::Json.event(br#" [ "a" , 1 , [2] ] "#).unwrap();
        assert_eq!(args.to_list(), b"[1 , [2]]");
    }

    #[test]
    fn objects_are_put_together_and_taken_apart() {
        for encoding in BOTH {
            for count in [0, 1, 15, 16, 20] {
                let map = (0..count).map(|n| (format!("k{n}"), json!([n, { "x": "\"," }])));
                let object = encode(encoding, &Value::Object(map.collect()));
                let added = [
                    ("a", encoding.string("ż\"").into()),
                    ("k0", encoding.string("last").into()),
                ];
                let longer = encoding.extend(&object, &added).unwrap();
                let [a, none, k0] = encoding.fields(&longer, ["a", "none", "k0"]).unwrap();
                assert_eq!(encoding.text(a.unwrap()).unwrap(), "ż\"");
                assert_eq!(encoding.text(k0.unwrap()).unwrap(), "last");
                assert!(none.is_none());
                let shorter = encoding.without(&longer, "a", a.unwrap()).unwrap();
                let [a, k0] = encoding.fields(&shorter, ["a", "k0"]).unwrap();
                assert!(a.is_none() && k0.is_some());
            }
            assert!(
                encoding
                    .extend(&encode(encoding, &json!([1])), &[])
                    .is_none()
            );
            let text = encode(encoding, &json!("x"));
            assert!(encoding.fields(&text, ["a"]).is_none());
        }
    }

    #[test]
    fn lists_are_put_together_and_taken_apart() {
        for encoding in BOTH {
            let items = [json!(1), json!({ "a": [null] }), json!("x]")];
            let raw: Vec<_> = items.iter().map(|item| encode(encoding, item)).collect();
            let raw: Vec<_> = raw.iter().map(Vec::as_slice).collect();
            let list = encoding.list(&raw);
            assert_eq!(decode(encoding, &list), json!(items));
            assert_eq!(encoding.items(&list).unwrap(), raw);
            assert!(encoding.items(&encode(encoding, &json!({}))).is_none());
        }
    }

    #[test]
    fn malformed_values_have_no_parts() {
        for encoding in BOTH {
            for raw in [
                &b""[..],
                b"{\"a\":",
                &[0xdf, 0xff, 0xff, 0xff, 0xff],
                &[0xdd, 0xff, 0xff, 0xff, 0xff],
                &[0x81, 0xa1],
            ] {
                assert!(encoding.fields(raw, ["a"]).is_none());
                assert!(encoding.items(raw).is_none());
                assert!(encoding.event(raw).is_none());
                assert!(encoding.text(raw).is_none());
            }
        }
        let deep = vec![0x91; 100_000];
        assert!(Encoding::MessagePack.event(&deep).is_none());
        assert!(Encoding::MessagePack.items(&deep).is_none());
    }

    #[test]
    fn the_length_of_a_value_is_what_a_decoder_reads() {
        let text = |len| json!("x".repeat(len));
        let mut values = vec![
            json!(null),
            json!(true),
            json!(1.5),
            json!([]),
            json!({}),
            json!({ "a": { "b": [1, [2, "c"]] } }),
        ];
        values.extend([0, 31, 32, 255, 256, 65_536].map(text));
        values.extend([15, 16, 65_536].map(|len| json!(vec![1; len])));
        for power in 0..64 {
            values.extend([json!(1_u64 << power), json!(-(1_i64 << power.min(62)))]);
        }
        let mut encoded: Vec<Vec<u8>> = values
            .iter()
            .map(|value| encode(Encoding::MessagePack, value))
            .collect();
        for len in [0, 1, 2, 3, 4, 8, 16, 17, 255, 256, 65_536] {
            let bytes = vec![7; len];
            let (mut bin, mut ext) = (Vec::new(), Vec::new());
            rmp::encode::write_bin(&mut bin, &bytes).unwrap();
            rmp::encode::write_ext_meta(&mut ext, len as u32, 5).unwrap();
            ext.extend(bytes);
            encoded.extend([bin, ext]);
        }
        encoded.push([&[0xca][..], &1.5_f32.to_be_bytes()].concat());
        for value in encoded {
            let longer = [&value[..], b"rest"].concat();
            assert_eq!(value_len(&longer, 8), Some(value.len()), "{:x}", value[0]);
            for cut in (0..value.len()).rev().take(20) {
                assert_eq!(value_len(&value[..cut], 8), None, "{:x}", value[0]);
            }
        }
        assert_eq!(value_len(&[0xc1], 3), None);
        assert_eq!(value_len(&[0x91, 0x91, 0x91, 0xc0], 3), Some(4));
        assert_eq!(value_len(&[0x91, 0x91, 0x91, 0xc0], 2), None);
    }
}
