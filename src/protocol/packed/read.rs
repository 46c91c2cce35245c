//! Reading a Rust type from MessagePack as if it were JSON.
//!
//! Types that ask for bytes get them as they are. All others see what JSON would have, so that a type
//! read here is what would be read from the value's JSON text.

use std::{borrow::Cow, cell::Cell};

use serde::{
    Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, IntoDeserializer, MapAccess,
        SeqAccess, VariantAccess, Visitor,
        value::{BorrowedStrDeserializer, Error, SeqDeserializer, StringDeserializer},
    },
    forward_to_deserialize_any,
};

use super::{MAX_DEPTH, Packed, head::Head, skip, take_head};

/// What values take in a list, in bytes. Lists have room for four at first, and double it as they grow.
const BYTE: usize = 4;
const NUMBER: usize = 4 * size_of::<u64>();
const TEXT: usize = 4 * size_of::<String>();
const ANY: usize = 4 * size_of::<serde_json::Value>();

/// What an entry of a map takes besides its value, in bytes.
const ENTRY: usize = 3 * (size_of::<String>() + 2 * size_of::<usize>());

/// Bytes are reported in steps.
const STEP: usize = 16 << 10;

/// Adds up the memory that a type may take, and reports it before it is taken.
pub(crate) struct Meter<'m> {
    /// Returns `false` if there is no room for so many bytes more.
    charge: &'m dyn Fn(usize) -> bool,
    pending: Cell<usize>,
    is_refused: Cell<bool>,
}

impl<'m> Meter<'m> {
    pub(crate) fn new(charge: &'m dyn Fn(usize) -> bool) -> Self {
        Self {
            charge,
            pending: Cell::new(0),
            is_refused: Cell::new(false),
        }
    }

    /// Returns `true` if there was no room.
    pub(crate) fn is_refused(&self) -> bool {
        self.is_refused.get()
    }

    fn add(&self, bytes: usize) -> Result<(), Error> {
        self.pending.set(self.pending.get() + bytes);
        self.settle(STEP)
    }

    /// Reports what was added, if it is more than `least` bytes.
    fn settle(&self, least: usize) -> Result<(), Error> {
        if self.pending.get() > least && !(self.charge)(self.pending.take()) {
            self.is_refused.set(true);
            return Err(Error::custom("the memory budget has no room"));
        }
        Ok(())
    }
}

impl Packed<'_> {
    /// Reads the value as a type. Errors name no field: reading its JSON text tells which one it was.
    ///
    /// # Errors
    /// If the value is not of the type, or the type asks for something that only JSON's own reader
    /// knows.
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.read_within(&Meter::new(&|_| true))
    }

    /// Reads the value as a type, and reports the memory that the type may take to a meter.
    ///
    /// # Errors
    /// As [`read`](Self::read), and when the meter refuses.
    pub(crate) fn read_within<T: DeserializeOwned>(self, meter: &Meter<'_>) -> Result<T, Error> {
        let read = T::deserialize(Reader {
            rest: &mut &*self.0,
            meter,
        })?;
        meter.settle(0)?;
        Ok(read)
    }
}

/// Reads the value at the front of valid bytes, and takes it from them.
struct Reader<'c, 'de> {
    rest: &'c mut &'de [u8],
    meter: &'c Meter<'c>,
}

impl<'de> Reader<'_, 'de> {
    fn peek(&self) -> Head<'de> {
        take_head(&mut &**self.rest)
    }
}

macro_rules! metered {
    ($cost:expr => $($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.meter.add($cost)?;
            self.visit(visitor)
        })*
    };
}

impl<'de> Reader<'_, 'de> {
    fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Self { rest, meter } = self;
        match take_head(rest) {
            Head::Nil => visitor.visit_unit(),
            Head::Bool(value) => visitor.visit_bool(value),
            Head::Unsigned(number) => visitor.visit_u64(number),
            Head::Signed(number) => visitor.visit_i64(number),
            Head::Float(number) if number.is_finite() => visitor.visit_f64(number),
            Head::Float(_) => visitor.visit_unit(),
            Head::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => visitor.visit_borrowed_str(text),
                Err(_) => numbers(bytes, meter, visitor),
            },
            Head::Bytes(bytes) | Head::Extension(0, bytes) => numbers(bytes, meter, visitor),
            Head::Extension(kind, bytes) => {
                let mut parts = Parts {
                    kind: Some(kind),
                    bytes: Some(bytes),
                    meter,
                };
                let read = visitor.visit_seq(&mut parts)?;
                none_left(parts.bytes.map_or(0, |_| 1))?;
                Ok(read)
            }
            Head::List(left) => {
                let mut items = Items { left, rest, meter };
                let read = visitor.visit_seq(&mut items)?;
                none_left(items.left)?;
                Ok(read)
            }
            Head::Map(left) => {
                let mut entries = Items { left, rest, meter };
                let read = visitor.visit_map(&mut entries)?;
                none_left(entries.left)?;
                Ok(read)
            }
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'_, 'de> {
    type Error = Error;

    metered!(NUMBER => deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_unit
        deserialize_identifier);
    metered!(ANY => deserialize_any deserialize_seq deserialize_map);

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Head::Text(text) = self.peek() {
            self.meter.add(TEXT + text.len())?;
        }
        self.visit(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.visit(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.visit(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.meter.add(ANY)?;
        self.visit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.peek().is_null() {
            take_head(self.rest);
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek() {
            Head::Bytes(bytes) | Head::Extension(0, bytes) => {
                self.meter.add(TEXT + bytes.len())?;
                take_head(self.rest);
                visitor.visit_borrowed_bytes(bytes)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match take_head(self.rest) {
            Head::Text(bytes) => {
                let name = std::str::from_utf8(bytes).map_err(Error::custom)?;
                visitor.visit_enum(BorrowedStrDeserializer::new(name))
            }
            Head::Map(1) => visitor.visit_enum(self),
            _ => Err(Error::custom("a variant is a text or one entry")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        *self.rest = skip(self.rest, MAX_DEPTH).unwrap_or_default();
        visitor.visit_unit()
    }
}

/// Items that are left over are an error, as in JSON.
fn none_left(count: usize) -> Result<(), Error> {
    match count {
        0 => Ok(()),
        _ => Err(Error::custom("not all was read")),
    }
}

/// Reads bytes as a list of numbers.
fn numbers<'de, V: Visitor<'de>>(
    bytes: &[u8],
    meter: &Meter<'_>,
    visitor: V,
) -> Result<V::Value, Error> {
    let numbers = bytes.iter().map(|byte| Byte(*byte, meter));
    let mut items = SeqDeserializer::new(numbers);
    let read = visitor.visit_seq(&mut items)?;
    items.end()?;
    Ok(read)
}

/// A byte as a number. A list of values takes much more for each than one of bytes.
struct Byte<'m>(u8, &'m Meter<'m>);

impl<'de> IntoDeserializer<'de, Error> for Byte<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! byte {
    ($cost:expr => $($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.1.add($cost)?;
            visitor.visit_u8(self.0)
        })*
    };
}

impl<'de> Deserializer<'de> for Byte<'_> {
    type Error = Error;

    byte!(BYTE => deserialize_u8);
    byte!(NUMBER => deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64);
    byte!(ANY => deserialize_any);

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct enum
        identifier ignored_any
    }
}

/// The values of a list or the entries of a map, at the front of bytes.
struct Items<'c, 'de> {
    left: usize,
    rest: &'c mut &'de [u8],
    meter: &'c Meter<'c>,
}

impl<'de> Items<'_, 'de> {
    fn value(&mut self) -> Reader<'_, 'de> {
        Reader {
            rest: self.rest,
            meter: self.meter,
        }
    }

    /// Counts one, if one is left.
    fn take(&mut self) -> bool {
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or_default();
        left.is_some()
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        match self.take() {
            true => seed.deserialize(self.value()).map(Some),
            false => Ok(None),
        }
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        match self.take() {
            true => {
                let key = take_head(self.rest).to_key();
                self.meter.add(ENTRY + key.len())?;
                read_key(key, seed).map(Some)
            }
            false => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.value())
    }
}

fn read_key<'de, K: DeserializeSeed<'de>>(key: Cow<'de, str>, seed: K) -> Result<K::Value, Error> {
    match key {
        Cow::Borrowed(key) => seed.deserialize(BorrowedStrDeserializer::new(key)),
        Cow::Owned(key) => seed.deserialize(StringDeserializer::new(key)),
    }
}

/// The type of an extension and its bytes, a list of two.
struct Parts<'a> {
    kind: Option<i8>,
    bytes: Option<&'a [u8]>,
    meter: &'a Meter<'a>,
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if let Some(kind) = self.kind.take() {
            let kind = i64::from(kind);
            return match u64::try_from(kind) {
                Ok(kind) => seed.deserialize(kind.into_deserializer()),
                Err(_) => seed.deserialize(kind.into_deserializer()),
            }
            .map(Some);
        }
        let Some(bytes) = self.bytes.take() else {
            return Ok(None);
        };
        let numbers = bytes.iter().map(|byte| Byte(*byte, self.meter));
        seed.deserialize(SeqDeserializer::new(numbers)).map(Some)
    }
}

impl<'de> EnumAccess<'de> for Reader<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name = read_key(take_head(self.rest).to_key(), seed)?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Reader<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match take_head(self.rest).is_null() {
            true => Ok(()),
            false => Err(Error::custom("the variant holds nothing")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.visit(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.visit(visitor)
    }
}
