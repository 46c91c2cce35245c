//! Encoded values, taken apart and put together without being decoded.

mod args;
mod json;
mod message_pack;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde::Deserialize;

pub use self::args::EventArgs;
pub(crate) use self::{
    json::each_json_field,
    message_pack::{array_header, put_array_len},
};
use self::{
    json::each_json_item,
    message_pack::{Values, map_header},
};

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

/// Returns the position of a part in the whole that it was taken from.
fn offset(whole: &[u8], part: &[u8]) -> Option<usize> {
    (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)
}
