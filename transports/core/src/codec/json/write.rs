//! Writing JSON, the very text that `serde_json` writes. Strings are copied in runs, where
//! `serde_json` looks at each byte: they are most of what messages are made of. What is written
//! seldom is left to it.

use serde::{
    Serialize, Serializer,
    ser::{
        Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
        SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
    },
};
use serde_json::Error;

use crate::plain;

/// Structs whose names begin so are no structs but say something to `serde_json`: a text that is
/// JSON already.
const PRIVATE: &str = "$serde_json::private::";

/// Appends a value as JSON.
///
/// # Errors
/// When it has no such form: a key that is neither text nor number, or an error of its own.
pub(super) fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), Error> {
    value.serialize(Writer(out))
}

struct Writer<'a>(&'a mut Vec<u8>);

impl<'a> Writer<'a> {
    fn text(self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn list(self, end: &'static str) -> List<'a> {
        List {
            out: self.0,
            first: true,
            end,
        }
    }

    /// `{"variant":`
    fn variant(&mut self, variant: &str) {
        self.0.push(b'{');
        string(self.0, variant);
        self.0.push(b':');
    }
}

macro_rules! left {
    ($($method:ident: $type:ty)*) => {
        $(fn $method(self, value: $type) -> Result<(), Error> {
            serde_json::to_writer(self.0, &value)
        })*
    };
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = List<'a>;
    type SerializeMap = List<'a>;
    type SerializeStruct = Struct<'a>;
    type SerializeStructVariant = List<'a>;

    left! {
        serialize_i8: i8 serialize_i16: i16 serialize_i32: i32 serialize_i64: i64
        serialize_i128: i128
        serialize_u8: u8 serialize_u16: u16 serialize_u32: u32 serialize_u64: u64
        serialize_u128: u128
        serialize_f32: f32 serialize_f64: f64
        serialize_char: char serialize_bytes: &[u8]
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.text(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        string(self.0, value);
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.text("null");
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.variant(variant);
        write(self.0, value)?;
        self.text("}");
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List<'a>, Error> {
        self.0.push(b'[');
        Ok(self.list("]"))
    }

    fn serialize_tuple(self, len: usize) -> Result<List<'a>, Error> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<List<'a>, Error> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List<'a>, Error> {
        self.variant(variant);
        self.0.push(b'[');
        Ok(self.list("]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<List<'a>, Error> {
        self.0.push(b'{');
        Ok(self.list("}"))
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Struct<'a>, Error> {
        if name.starts_with(PRIVATE) {
            return Ok(Struct::Private(self.0, name));
        }
        self.serialize_map(Some(len)).map(Struct::Plain)
    }

    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List<'a>, Error> {
        self.variant(variant);
        self.0.push(b'{');
        Ok(self.list("}}"))
    }
}

/// An array or an object that is being written.
struct List<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
    end: &'static str,
}

impl List<'_> {
    fn next(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.next();
        write(self.out, value)
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Error> {
        self.next();
        string(self.out, key);
        self.out.push(b':');
        write(self.out, value)
    }

    fn finish(self) -> Result<(), Error> {
        Writer(self.out).text(self.end);
        Ok(())
    }
}

impl SerializeSeq for List<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

impl SerializeTuple for List<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

impl SerializeTupleStruct for List<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

impl SerializeTupleVariant for List<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

impl SerializeMap for List<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.next();
        let from = self.out.len();
        write(self.out, key)?;
        match self.out.get(from) {
            Some(b'"') => {}
            // Numbers and truth values are keys as the text of theirs.
            Some(b'-' | b'0'..=b'9' | b't' | b'f') => {
                self.out.insert(from, b'"');
                self.out.push(b'"');
            }
            _ => return Err(Error::custom("key must be a string")),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.out.push(b':');
        write(self.out, value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

impl SerializeStructVariant for List<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.field(key, value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

enum Struct<'a> {
    Plain(List<'a>),
    /// Of this name, which says something to `serde_json`.
    Private(&'a mut Vec<u8>, &'static str),
}

impl SerializeStruct for Struct<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        match self {
            Self::Plain(list) => list.field(key, value),
            Self::Private(out, name) => {
                serde_json::to_writer(&mut **out, &Private(name, key, value))
            }
        }
    }

    fn end(self) -> Result<(), Error> {
        match self {
            Self::Plain(list) => list.finish(),
            Self::Private(..) => Ok(()),
        }
    }
}

/// A struct of `serde_json`'s own with its only field.
struct Private<'a, T: ?Sized>(&'static str, &'static str, &'a T);

impl<T: Serialize + ?Sized> Serialize for Private<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct(self.0, 1)?;
        out.serialize_field(self.1, self.2)?;
        out.end()
    }
}

/// Appends a text as a string (RFC 8259 section 7), with no escape that is not needed.
fn string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (run, after) = rest.split_at(plain::in_string(rest));
        out.extend_from_slice(run);
        let [byte, after @ ..] = after else {
            break;
        };
        let short = match byte {
            b'"' | b'\\' => *byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            _ => b'u',
        };
        out.extend_from_slice(&[b'\\', short]);
        if short == b'u' {
            let digit = |n: u8| HEX[usize::from(n & 15)];
            out.extend_from_slice(&[b'0', b'0', digit(byte >> 4), digit(*byte)]);
        }
        rest = after;
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests;
