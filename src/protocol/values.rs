//! JSON text for any codec: JSON takes it as it is, others are given the values in it one by one.

use std::{borrow::Cow, cell::Cell, str};

use serde::{
    Serialize, Serializer,
    ser::{Error as _, SerializeMap as _, SerializeSeq as _},
};
use serde_json::{Number, value::RawValue};
use stellarfw_broker::Content;
use stellarfw_transport::{CodecError, Parser};

use super::json::{PLAIN, fits_value, skip_string};

/// A JSON text as a value that a codec encodes.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Text<'a> {
    Raw(&'a RawValue),
    Values(Values<'a>),
}

impl<'a> Text<'a> {
    /// Returns the content in the form that is encoded.
    ///
    /// # Errors
    /// If the codec needs values and the text has what no value can hold.
    pub(crate) fn of(parser: &Parser, content: &'a Content) -> Result<Self, CodecError> {
        let raw = content.as_raw();
        match parser {
            Parser::Json => Ok(Self::Raw(raw)),
            _ if fits_value(raw.get()) => Ok(Self::Values(Values::of(raw.get()))),
            _ => Err(CodecError::new(format_args!("the content is not {PLAIN}"))),
        }
    }
}

/// The values of a JSON text, read from it as they are serialized. No tree of them is built: beside the
/// text there is the length of each list and object, which formats with lengths write first.
#[derive(Debug)]
pub(crate) struct Values<'a> {
    json: &'a str,
    lengths: Vec<u32>,
}

impl<'a> Values<'a> {
    /// Of valid JSON that values can hold.
    fn of(json: &'a str) -> Self {
        Self {
            json,
            lengths: lengths(json.as_bytes()),
        }
    }
}

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cursor = Cursor {
            rest: Cell::new(self.json.as_bytes()),
            lengths: Cell::new(&self.lengths),
        };
        Front(&cursor).serialize(serializer)
    }
}

/// The length of each list and object of valid JSON, in the order in which they begin.
fn lengths(json: &[u8]) -> Vec<u32> {
    let mut lengths = Vec::with_capacity(containers(json));
    // The lists and objects that are open, and whether something is in the innermost.
    let mut open: Vec<usize> = Vec::new();
    let mut rest = json;
    while let [byte, after @ ..] = rest {
        rest = match byte {
            b'"' => skip_string(after).0,
            _ => after,
        };
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' | b':' => continue,
            b']' | b'}' => {
                open.pop();
                continue;
            }
            b',' => {
                if let Some(at) = open.last() {
                    lengths[*at] += 1;
                }
                continue;
            }
            _ => {}
        }
        if let Some(at) = open.last()
            && lengths[*at] == 0
        {
            lengths[*at] = 1;
        }
        if matches!(byte, b'[' | b'{') {
            open.push(lengths.len());
            lengths.push(0);
        }
    }
    lengths
}

/// How many lists and objects are in valid JSON.
fn containers(json: &[u8]) -> usize {
    let mut rest = json;
    let mut count = 0;
    while let Some(at) = memchr::memchr3(b'[', b'{', b'"', rest) {
        let (byte, after) = (rest[at], rest.get(at + 1..).unwrap_or_default());
        rest = match byte {
            b'"' => skip_string(after).0,
            _ => {
                count += 1;
                after
            }
        };
    }
    count
}

/// What is left of a text, and of the lengths in it.
struct Cursor<'a> {
    rest: Cell<&'a [u8]>,
    lengths: Cell<&'a [u32]>,
}

impl<'a> Cursor<'a> {
    /// Takes what stands between values: spaces, commas and colons.
    fn skip_between(&self) {
        let mut rest = self.rest.get();
        while let [b' ' | b'\n' | b'\r' | b'\t' | b',' | b':', after @ ..] = rest {
            rest = after;
        }
        self.rest.set(rest);
    }

    /// Takes the end of a list or an object.
    fn skip_end(&self) {
        self.skip_between();
        let rest = self.rest.get();
        self.rest.set(rest.get(1..).unwrap_or_default());
    }

    fn next_length(&self) -> usize {
        let lengths = self.lengths.get();
        let (first, rest) = lengths.split_first().unwrap_or((&0, &[]));
        self.lengths.set(rest);
        *first as usize
    }

    /// Takes the string at the front, without its first quote.
    fn take_string(&self, after_quote: &'a [u8]) -> Result<Cow<'a, str>, serde_json::Error> {
        let (rest, _) = skip_string(after_quote);
        self.rest.set(rest);
        let (inner, _) = after_quote.split_at(after_quote.len() - rest.len());
        let inner = str::from_utf8(inner).map_err(serde_json::Error::custom)?;
        let inner = inner.strip_suffix('"').unwrap_or(inner);
        if inner.contains('\\') {
            return serde_json::from_str(&format!("\"{inner}\"")).map(Cow::Owned);
        }
        Ok(inner.into())
    }

    fn take_key(&self) -> Result<Cow<'a, str>, serde_json::Error> {
        self.skip_between();
        let rest = self.rest.get();
        self.take_string(rest.get(1..).unwrap_or_default())
    }

    /// Takes a number, a boolean or null.
    fn take_scalar(&self) -> &'a [u8] {
        let rest = self.rest.get();
        let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace();
        let end = rest.iter().position(ends).unwrap_or(rest.len());
        let (scalar, rest) = rest.split_at(end);
        self.rest.set(rest);
        scalar
    }
}

/// The value at the front of what is left.
struct Front<'c, 'a>(&'c Cursor<'a>);

impl Serialize for Front<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cursor = self.0;
        cursor.skip_between();
        match cursor.rest.get() {
            [b'"', after @ ..] => {
                let text = cursor.take_string(after).map_err(S::Error::custom)?;
                serializer.serialize_str(&text)
            }
            [b'[', after @ ..] => {
                cursor.rest.set(after);
                let length = cursor.next_length();
                let mut list = serializer.serialize_seq(Some(length))?;
                for _ in 0..length {
                    list.serialize_element(&Front(cursor))?;
                }
                cursor.skip_end();
                list.end()
            }
            [b'{', after @ ..] => {
                cursor.rest.set(after);
                let length = cursor.next_length();
                let mut map = serializer.serialize_map(Some(length))?;
                for _ in 0..length {
                    let key = cursor.take_key().map_err(S::Error::custom)?;
                    map.serialize_entry(&key, &Front(cursor))?;
                }
                cursor.skip_end();
                map.end()
            }
            _ => match cursor.take_scalar() {
                b"null" => serializer.serialize_unit(),
                b"true" => serializer.serialize_bool(true),
                b"false" => serializer.serialize_bool(false),
                number => {
                    let number: Number =
                        serde_json::from_slice(number).map_err(S::Error::custom)?;
                    number.serialize(serializer)
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use allocation_counter::measure;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn values_are_those_of_a_tree() {
        for text in [
            "null",
            " true ",
            "-0.5e3",
            "18446744073709551615",
            r#""""#,
            r#""a\"\\\u00e9 ]}:,""#,
            "[]",
            "[ ]",
            "{ }",
            "[[],[[ ]],{},{\"a\":[]}]",
            r#" { "a" : [ 1 , -2 , null , "x" ] , "k\u0065y" : { "" : false } , "n" : 1.5 } "#,
            "[1,[2,[3,[4]],5],6]",
        ] {
            let tree: Value = serde_json::from_str(text).unwrap();
            let content = Content::of_json(text.trim().to_owned()).unwrap();
            let parser = Parser::MessagePack;
            let frame = parser
                .encode(&Text::of(&parser, &content).unwrap())
                .unwrap();
            assert_eq!(
                frame.payload(),
                parser.encode(&tree).unwrap().payload(),
                "{text}"
            );
        }
        let large = json!(
            (0..70_000)
                .map(|n| json!([n, { "n": n }]))
                .collect::<Vec<_>>()
        );
        let content = Content::new(&large).unwrap();
        let parser = Parser::MessagePack;
        let frame = parser
            .encode(&Text::of(&parser, &content).unwrap())
            .unwrap();
        let back: Value = parser.decode(frame.as_message()).unwrap();
        assert_eq!(back, large);
    }

    #[test]
    fn what_no_value_can_hold_is_not_encoded() {
        for text in [r#""\ud800""#, "1e999", r#"[{"a":["\udc00"]}]"#] {
            let content = Content::of_json(text.to_owned()).unwrap();
            assert!(Text::of(&Parser::MessagePack, &content).is_err(), "{text}");
            assert!(Text::of(&Parser::Json, &content).is_ok());
        }
    }

    #[test]
    fn another_codec_takes_no_more_than_three_times_the_text() {
        for item in ["0", "[]", "{}", "\"\"", r#"{"a":0}"#] {
            let text = format!("[{}]", vec![item; 100_000].join(","));
            let length = text.len();
            let content = Content::of_json(text).unwrap();
            let taken = measure(|| {
                let parser = Parser::MessagePack;
                let text = Text::of(&parser, &content).unwrap();
                parser.encode(&text).unwrap();
            });
            let taken = taken.bytes_max as usize;
            assert!(taken <= 3 * length + 4_096, "{taken} of {length}: {item}");
        }
    }
}
