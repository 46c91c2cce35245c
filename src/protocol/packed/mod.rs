//! MessagePack that stays the bytes it arrived as, with the meaning that it has as JSON.
//!
//! A value is validated once and then read in place: its fields, its strings, a Rust type. JSON text is
//! written only where text is needed, into memory whose size is computed beforehand.
//!
//! What JSON lacks has one form everywhere: bytes are a list of numbers, an extension is its type and its
//! bytes (type 0, which JavaScript's typed arrays are written as, is the bytes alone), a key that is a
//! number, a boolean or null is its text, and a number that is not finite is null.

mod head;
mod read;

use std::{borrow::Cow, cell::Cell};

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use stellarfw_transport::{CodecError, Message};

use self::head::Head;
pub(crate) use self::read::Meter;
use super::json::{TreeSize, json_len};

/// Levels of lists and maps that a value may have, as many as JSON.
const MAX_DEPTH: usize = 127;

/// One valid value of MessagePack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packed<'a>(&'a [u8]);

impl<'a> Packed<'a> {
    /// Validates a message: one value, nested in at most 127 levels, and nothing after it.
    ///
    /// # Errors
    /// If the message is text or is not such a value.
    pub(crate) fn of_message(message: Message<'a>) -> Result<Self, CodecError> {
        let Message::Binary(bytes) = message else {
            return Err(CodecError::new(
                "MessagePack is binary, this is a text payload",
            ));
        };
        match skip(bytes, MAX_DEPTH)? {
            [] => Ok(Self(bytes)),
            _ => Err(CodecError::new("bytes follow the value")),
        }
    }

    /// Wraps bytes that [`bytes`](Self::bytes) returned.
    pub(crate) fn of_valid(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Returns the value's bytes.
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Returns the string that the value is.
    pub(crate) fn as_str(self) -> Option<&'a str> {
        match self.head() {
            Head::Text(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// Returns `true` for what JSON has as null.
    pub(crate) fn is_null(self) -> bool {
        self.head().is_null()
    }

    /// Returns the entries of a map in order; `None` if the value is no map.
    pub(crate) fn entries(self) -> Option<Entries<'a>> {
        let mut rest = self.0;
        match take_head(&mut rest) {
            Head::Map(left) => Some(Entries { left, rest }),
            _ => None,
        }
    }

    /// Returns the last entry of a name, which is the one that counts.
    pub(crate) fn get(self, name: &str) -> Option<Packed<'a>> {
        let named = self.entries()?.filter(|(key, _)| key == name);
        named.last().map(|(_, value)| value)
    }

    /// Returns the length of the value as JSON text, in bytes. It takes no memory.
    pub(crate) fn json_len(self) -> usize {
        json_len(&self)
    }

    /// Writes the value as JSON text, into exactly as much memory as it takes.
    pub(crate) fn to_json(self) -> String {
        let mut text = Vec::with_capacity(self.json_len());
        serde_json::to_writer(&mut text, &self).ok();
        String::from_utf8(text).unwrap_or_default()
    }

    /// Writes the beginning of the value as JSON text, at most `most` bytes of it, for an error message.
    pub(crate) fn to_json_start(self, most: usize) -> String {
        let mut text = vec![0; most];
        let mut room = &mut *text;
        // It fails where there is no more room.
        serde_json::to_writer(&mut room, &self).ok();
        let left = room.len();
        text.truncate(most - left);
        let end = text.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        end.to_owned()
    }

    /// Returns `true` for a list, a map, bytes and an extension.
    pub(crate) fn is_container(self) -> bool {
        match self.head() {
            Head::Text(bytes) => std::str::from_utf8(bytes).is_err(),
            head => !head.is_key(),
        }
    }

    /// Returns a bound for the memory of the value as a tree, in bytes.
    pub(crate) fn tree_size(self) -> usize {
        let mut size = TreeSize::default();
        add_tree(&mut &*self.0, &mut size);
        size.bytes()
    }

    fn head(self) -> Head<'a> {
        take_head(&mut &*self.0)
    }
}

/// Takes the head at the front of valid bytes.
fn take_head<'a>(bytes: &mut &'a [u8]) -> Head<'a> {
    let (head, rest) = Head::read(bytes).unwrap_or((Head::Nil, &[]));
    *bytes = rest;
    head
}

/// Takes the value at the front of valid bytes and adds what it takes as a tree.
fn add_tree(bytes: &mut &[u8], size: &mut TreeSize) {
    match take_head(bytes) {
        Head::Nil | Head::Bool(_) | Head::Unsigned(_) | Head::Signed(_) | Head::Float(_) => {}
        Head::Text(text) if std::str::from_utf8(text).is_ok() => size.add_text(text.len()),
        Head::Text(bytes) | Head::Bytes(bytes) => size.add_list(bytes.len()),
        Head::Extension(_, bytes) => {
            size.add_list(2);
            size.add_list(bytes.len());
        }
        Head::List(count) => {
            size.add_list(count);
            for _ in 0..count {
                add_tree(bytes, size);
            }
        }
        Head::Map(count) => {
            size.add_object(count);
            for _ in 0..count {
                size.add_text(take_head(bytes).to_key().len());
                add_tree(bytes, size);
            }
        }
    }
}

/// The entries of a map.
pub(crate) struct Entries<'a> {
    left: usize,
    rest: &'a [u8],
}

impl<'a> Iterator for Entries<'a> {
    type Item = (Cow<'a, str>, Packed<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let key = take_head(&mut self.rest).to_key();
        let rest = skip(self.rest, MAX_DEPTH).unwrap_or_default();
        let (value, _) = self.rest.split_at(self.rest.len() - rest.len());
        self.rest = rest;
        Some((key, Packed(value)))
    }
}

/// Returns what follows the value at the front, which may have so many levels.
fn skip(bytes: &[u8], levels: usize) -> Result<&[u8], CodecError> {
    let (head, mut rest) =
        Head::read(bytes).ok_or_else(|| CodecError::new("the value is broken off or invalid"))?;
    // What the value becomes in JSON has levels of its own.
    let own = match &head {
        Head::Text(_) | Head::Nil | Head::Bool(_) => 0,
        Head::Unsigned(_) | Head::Signed(_) | Head::Float(_) => 0,
        Head::Bytes(_) | Head::List(_) | Head::Map(_) => 1,
        Head::Extension(..) => 2,
    };
    let inside = levels
        .checked_sub(own)
        .ok_or_else(|| CodecError::new("the value has too many levels"))?;
    match head {
        Head::List(count) => {
            for _ in 0..count {
                rest = skip(rest, inside)?;
            }
        }
        Head::Map(count) => {
            for _ in 0..count {
                if !Head::read(rest).is_some_and(|(key, _)| key.is_key()) {
                    return Err(CodecError::new("a key is a list or a map"));
                }
                rest = skip(skip(rest, inside)?, inside)?;
            }
        }
        _ => {}
    }
    Ok(rest)
}

/// The value as JSON, for a serializer of JSON.
impl Serialize for Packed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Front(&Cell::new(self.0)).serialize(serializer)
    }
}

/// The value at the front of valid bytes, which is taken from them as it is serialized: each byte is
/// looked at once, however deep it stands.
struct Front<'c, 'a>(&'c Cell<&'a [u8]>);

impl<'a> Front<'_, 'a> {
    fn take_head(&self) -> Head<'a> {
        let mut bytes = self.0.get();
        let head = take_head(&mut bytes);
        self.0.set(bytes);
        head
    }
}

impl Serialize for Front<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.take_head() {
            Head::Nil => serializer.serialize_unit(),
            Head::Bool(value) => serializer.serialize_bool(value),
            Head::Unsigned(number) => serializer.serialize_u64(number),
            Head::Signed(number) => serializer.serialize_i64(number),
            Head::Float(number) => serializer.serialize_f64(number),
            Head::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => serializer.serialize_str(text),
                Err(_) => serializer.collect_seq(bytes),
            },
            Head::Bytes(bytes) | Head::Extension(0, bytes) => serializer.collect_seq(bytes),
            Head::Extension(kind, bytes) => (kind, bytes).serialize(serializer),
            Head::List(count) => serializer.collect_seq((0..count).map(|_| Front(self.0))),
            Head::Map(count) => {
                let mut map = serializer.serialize_map(Some(count))?;
                for _ in 0..count {
                    map.serialize_entry(&*self.take_head().to_key(), &Front(self.0))?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests;
