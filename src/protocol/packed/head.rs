//! What a value of MessagePack begins with.

use std::borrow::Cow;

/// A scalar, or how many values follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Head<'a> {
    Nil,
    Bool(bool),
    Unsigned(u64),
    /// A negative number.
    Signed(i64),
    Float(f64),
    /// A string, of which not every client sends UTF-8.
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    /// An extension: its type and its bytes.
    Extension(i8, &'a [u8]),
    /// A list of so many values.
    List(usize),
    /// A map of so many entries.
    Map(usize),
}

impl<'a> Head<'a> {
    /// Reads the head at the front of bytes; `None` if they are no MessagePack or broken off. Returns
    /// what follows it.
    pub(super) fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (marker, rest) = bytes.split_first()?;
        let head = match *marker {
            number @ 0x00..=0x7f => (Self::Unsigned(number.into()), rest),
            head @ 0x80..=0x8f => (Self::Map(usize::from(head & 0x0f)), rest),
            head @ 0x90..=0x9f => (Self::List(usize::from(head & 0x0f)), rest),
            head @ 0xa0..=0xbf => text(rest, usize::from(head & 0x1f))?,
            0xc0 => (Self::Nil, rest),
            0xc1 => return None,
            0xc2 => (Self::Bool(false), rest),
            0xc3 => (Self::Bool(true), rest),
            0xc4 => sized(rest, 1, binary)?,
            0xc5 => sized(rest, 2, binary)?,
            0xc6 => sized(rest, 4, binary)?,
            0xc7 => sized(rest, 1, extension)?,
            0xc8 => sized(rest, 2, extension)?,
            0xc9 => sized(rest, 4, extension)?,
            0xca => {
                array(rest).map(|(it, rest)| (Self::Float(f32::from_be_bytes(it).into()), rest))?
            }
            0xcb => array(rest).map(|(it, rest)| (Self::Float(f64::from_be_bytes(it)), rest))?,
            0xcc => unsigned(rest, 1)?,
            0xcd => unsigned(rest, 2)?,
            0xce => unsigned(rest, 4)?,
            0xcf => unsigned(rest, 8)?,
            0xd0 => array(rest).map(|(it, rest)| (number(i8::from_be_bytes(it).into()), rest))?,
            0xd1 => array(rest).map(|(it, rest)| (number(i16::from_be_bytes(it).into()), rest))?,
            0xd2 => array(rest).map(|(it, rest)| (number(i32::from_be_bytes(it).into()), rest))?,
            0xd3 => array(rest).map(|(it, rest)| (number(i64::from_be_bytes(it)), rest))?,
            0xd4 => extension(rest, 1)?,
            0xd5 => extension(rest, 2)?,
            0xd6 => extension(rest, 4)?,
            0xd7 => extension(rest, 8)?,
            0xd8 => extension(rest, 16)?,
            0xd9 => sized(rest, 1, text)?,
            0xda => sized(rest, 2, text)?,
            0xdb => sized(rest, 4, text)?,
            0xdc => sized(rest, 2, |rest, count| Some((Self::List(count), rest)))?,
            0xdd => sized(rest, 4, |rest, count| Some((Self::List(count), rest)))?,
            0xde => sized(rest, 2, |rest, count| Some((Self::Map(count), rest)))?,
            0xdf => sized(rest, 4, |rest, count| Some((Self::Map(count), rest)))?,
            negative @ 0xe0..=0xff => (number(i64::from(negative.cast_signed())), rest),
        };
        Some(head)
    }

    /// Returns `true` for what JSON has as null.
    pub(super) fn is_null(self) -> bool {
        match self {
            Self::Nil => true,
            Self::Float(number) => !number.is_finite(),
            _ => false,
        }
    }

    /// Returns `true` for what has a text as a key of an object. The text of a list or a map would have
    /// quotes, a key of theirs quotes in quotes, and so on: as long as two to the power of the depth.
    pub(super) fn is_key(self) -> bool {
        match self {
            Self::Text(bytes) => std::str::from_utf8(bytes).is_ok(),
            Self::Bytes(_) | Self::Extension(..) | Self::List(_) | Self::Map(_) => false,
            _ => true,
        }
    }
}

impl<'a> Head<'a> {
    /// The text of what [is a key](Self::is_key).
    pub(super) fn to_key(self) -> Cow<'a, str> {
        match self {
            Self::Text(bytes) => String::from_utf8_lossy(bytes),
            Self::Bool(value) => value.to_string().into(),
            Self::Unsigned(number) => number.to_string().into(),
            Self::Signed(number) => number.to_string().into(),
            Self::Float(number) => serde_json::Value::from(number).to_string().into(),
            _ => "null".into(),
        }
    }
}

/// A head and what follows it.
type Read<'a> = Option<(Head<'a>, &'a [u8])>;

fn number<'a>(number: i64) -> Head<'a> {
    u64::try_from(number).map_or(Head::Signed(number), Head::Unsigned)
}

fn array<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    let (array, rest) = bytes.split_first_chunk()?;
    Some((*array, rest))
}

/// A number in so many bytes, at most 8.
fn big_endian(bytes: &[u8], width: usize) -> Option<(u64, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(width)?;
    let number = digits
        .iter()
        .fold(0, |sum, digit| sum << 8 | u64::from(*digit));
    Some((number, rest))
}

fn unsigned(bytes: &[u8], width: usize) -> Read<'_> {
    big_endian(bytes, width).map(|(number, rest)| (Head::Unsigned(number), rest))
}

/// What is read by a length that stands before it, in so many bytes.
fn sized<'a>(
    bytes: &'a [u8],
    width: usize,
    read: impl FnOnce(&'a [u8], usize) -> Read<'a>,
) -> Read<'a> {
    let (length, rest) = big_endian(bytes, width)?;
    read(rest, usize::try_from(length).ok()?)
}

fn text(bytes: &[u8], length: usize) -> Read<'_> {
    let (text, rest) = bytes.split_at_checked(length)?;
    Some((Head::Text(text), rest))
}

fn binary(bytes: &[u8], length: usize) -> Read<'_> {
    let (binary, rest) = bytes.split_at_checked(length)?;
    Some((Head::Bytes(binary), rest))
}

fn extension(bytes: &[u8], length: usize) -> Read<'_> {
    let (kind, rest) = bytes.split_first()?;
    let (data, rest) = rest.split_at_checked(length)?;
    Some((Head::Extension(kind.cast_signed(), data), rest))
}
