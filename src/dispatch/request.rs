//! A client's message, read once: the known fields, each still in its own encoding.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};
use stellarfw_transport::{CodecError, Message, Parser};

use stellarfw_broker::Content;

/// One field: of JSON the text as it came, of other codecs the value.
#[derive(Clone, Debug)]
pub(crate) enum Field<'a> {
    Raw(&'a RawValue),
    /// In a box, because it is the larger by far, and the rarer one.
    Value(Box<Value>),
}

impl Field<'_> {
    /// The field's text, if it is a string.
    pub(crate) fn as_str(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Value(value) => value.as_str().map(Cow::Borrowed),
            Self::Raw(raw) => {
                let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
                if inner.contains('\\') {
                    serde_json::from_str(raw.get()).ok().map(Cow::Owned)
                } else {
                    Some(Cow::Borrowed(inner))
                }
            }
        }
    }

    /// A string's text, or any other value as JSON.
    pub(crate) fn to_text(&self) -> Cow<'_, str> {
        match (self.as_str(), self) {
            (Some(text), _) => text,
            (None, Self::Raw(raw)) => raw.get().into(),
            (None, Self::Value(value)) => value.to_string().into(),
        }
    }

    pub(crate) fn to_content(&self) -> Option<Content> {
        match self {
            Self::Raw(raw) => Some(Content::of_raw(raw)),
            Self::Value(value) => Content::new(value).ok(),
        }
    }

    /// Reads the field as an object's known fields.
    pub(crate) fn to_request(&self) -> Option<Request<'_>> {
        match self {
            Self::Raw(raw) => serde_json::from_str(raw.get()).ok(),
            Self::Value(value) => value.as_object().cloned().map(Request::of_map),
        }
    }
}

/// The known fields of a message. A message that is no object has none of them.
#[derive(Debug, Default)]
pub(crate) struct Request<'a> {
    pub(crate) event: Option<Field<'a>>,
    pub(crate) room: Option<Field<'a>>,
    pub(crate) message: Option<Field<'a>>,
    pub(crate) data: Option<Field<'a>>,
    pub(crate) params: Option<Field<'a>>,
    pub(crate) file: Option<Field<'a>>,
    pub(crate) message_id: Option<Field<'a>>,
    /// All other fields, in order: only a `say` of the oldest clients needs them.
    pub(crate) others: Vec<Field<'a>>,
}

impl<'a> Request<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// When it is not of the codec at all.
    pub(crate) fn read(parser: &Parser, message: Message<'a>) -> Result<Self, CodecError> {
        match parser {
            Parser::Json => parser.decode(message),
            _ => match parser.decode::<Tree>(message)?.0 {
                Value::Object(map) => Ok(Request::of_map(map)),
                _ => Ok(Request::default()),
            },
        }
    }

    fn of_map(map: Map<String, Value>) -> Self {
        let mut request = Self::default();
        for (key, value) in map {
            request.put(&Key::of(&key), Field::Value(Box::new(value)));
        }
        request
    }

    fn put(&mut self, key: &Key, field: Field<'a>) {
        let place = match key {
            Key::Event => &mut self.event,
            Key::Room => &mut self.room,
            Key::Message => &mut self.message,
            Key::Data => &mut self.data,
            Key::Params => &mut self.params,
            Key::File => &mut self.file,
            Key::MessageId => &mut self.message_id,
            Key::Other => {
                // More than any client of old sent, and less than would cost anything.
                if self.others.len() < 64 {
                    self.others.push(field);
                }
                return;
            }
        };
        *place = Some(field);
    }
}

#[derive(Debug)]
enum Key {
    Event,
    Room,
    Message,
    Data,
    Params,
    File,
    MessageId,
    Other,
}

impl Key {
    fn of(text: &str) -> Self {
        match text {
            "event" => Self::Event,
            "room" => Self::Room,
            "message" => Self::Message,
            "data" => Self::Data,
            "params" => Self::Params,
            "file" => Self::File,
            "messageId" => Self::MessageId,
            _ => Self::Other,
        }
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = Key;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_bytes<E>(self, text: &[u8]) -> Result<Key, E> {
                Ok(std::str::from_utf8(text).map_or(Key::Other, Key::of))
            }
        }
        // As bytes, because a key of JavaScript may hold what is no UTF-8 (a lone surrogate).
        deserializer.deserialize_bytes(KeyVisitor)
    }
}

/// Only for JSON: the fields are borrowed as raw text. Of a key that stands twice the last one
/// counts, as in JavaScript.
impl<'de: 'a, 'a> Deserialize<'de> for Request<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RequestVisitor;
        impl<'de> Visitor<'de> for RequestVisitor {
            type Value = Request<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a message")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Request<'de>, A::Error> {
                let mut request = Request::default();
                while let Some(key) = map.next_key::<Key>()? {
                    request.put(&key, Field::Raw(map.next_value()?));
                }
                Ok(request)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Request<'de>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Request::default())
            }
            fn visit_unit<E>(self) -> Result<Request<'de>, E> {
                Ok(Request::default())
            }
            fn visit_bool<E>(self, _: bool) -> Result<Request<'de>, E> {
                Ok(Request::default())
            }
            fn visit_i64<E>(self, _: i64) -> Result<Request<'de>, E> {
                Ok(Request::default())
            }
            fn visit_u64<E>(self, _: u64) -> Result<Request<'de>, E> {
                Ok(Request::default())
            }
            fn visit_f64<E>(self, _: f64) -> Result<Request<'de>, E> {
                Ok(Request::default())
            }
            fn visit_str<E>(self, _: &str) -> Result<Request<'de>, E> {
                Ok(Request::default())
            }
        }
        deserializer.deserialize_any(RequestVisitor)
    }
}

/// A tree of values from any format: bytes, which JSON has not, become arrays of numbers, and
/// keys that are numbers and the like their text.
struct Tree(Value);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TreeVisitor;
        impl<'de> Visitor<'de> for TreeVisitor {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_none<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
                Tree::deserialize(d).map(|tree| tree.0)
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
                // MessagePack's extension types: the tag and the bytes. JavaScript's typed arrays are
                // bytes too, which notepack writes as the type 0.
                let Tree(mut value) = Tree::deserialize(d)?;
                if let Some([tag, bytes @ Value::Array(_)]) =
                    value.as_array_mut().map(Vec::as_mut_slice)
                    && *tag == 0
                {
                    return Ok(bytes.take());
                }
                Ok(value)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_string<E>(self, value: String) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
                Ok(bytes.into())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut list = Vec::new();
                while let Some(Tree(value)) = seq.next_element()? {
                    list.push(value);
                }
                Ok(list.into())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut object = Map::new();
                while let Some((Tree(key), Tree(value))) = map.next_entry()? {
                    let key = match key {
                        Value::String(text) => text,
                        // No object has such keys. Their text would have quotes, a key of theirs
                        // quotes in quotes, and so on: as long as two to the power of the depth.
                        Value::Array(_) | Value::Object(_) => {
                            return Err(de::Error::custom("a key is a list or a map"));
                        }
                        other => other.to_string(),
                    };
                    object.insert(key, value);
                }
                Ok(object.into())
            }
        }
        deserializer.deserialize_any(TreeVisitor).map(Tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Request<'_> {
        Request::read(&Parser::Json, Message::Text(text)).unwrap()
    }

    #[test]
    fn known_fields_are_found_and_the_last_of_two_counts() {
        let request = json(r#"{"room":"a","message":{"x":[1]},"event":"say","room":"b\u0021"}"#);
        assert_eq!(request.event.unwrap().as_str().as_deref(), Some("say"));
        assert_eq!(request.room.unwrap().as_str().as_deref(), Some("b!"));
        assert_eq!(request.message.unwrap().to_text(), r#"{"x":[1]}"#);
        assert!(request.params.is_none());
    }

    #[test]
    fn what_is_no_object_has_no_fields() {
        for text in ["1", "-1", "1.5", "null", "true", "\"say\"", "[1,{}]", "{}"] {
            assert!(json(text).event.is_none(), "{text}");
        }
        for text in ["", "{", "{\"event\":}", "nul", "{\"a\":1}x"] {
            assert!(
                Request::read(&Parser::Json, Message::Text(text)).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn other_codecs_give_the_same_fields() {
        let value =
            serde_json::json!({ "event": "say", "room": "r", "message": [1, null], "x": 1 });
        let frame = Parser::MessagePack.encode(&value).unwrap();
        let request = Request::read(&Parser::MessagePack, frame.as_message()).unwrap();
        assert_eq!(request.event.unwrap().as_str().as_deref(), Some("say"));
        assert_eq!(request.message.unwrap().to_text(), "[1,null]");
        assert_eq!(request.others.len(), 1);
        // {1: bin(2 bytes)} has no JSON form of its own, and is decodable all the same.
        let odd = [0x81, 0x01, 0xc4, 0x02, 0x07, 0x08];
        let tree: Tree = Parser::MessagePack.decode(Message::Binary(&odd)).unwrap();
        assert_eq!(tree.0, serde_json::json!({ "1": [7, 8] }));
        // [ext of type 0, ext of type 5], of two bytes each.
        let extensions = [0x92, 0xc7, 0x02, 0x00, 0x07, 0x08, 0xd5, 0x05, 0x07, 0x08];
        let tree: Tree = Parser::MessagePack
            .decode(Message::Binary(&extensions))
            .unwrap();
        assert_eq!(tree.0, serde_json::json!([[7, 8], [5, [7, 8]]]));
        // Maps as keys of maps: a few bytes that would be gigabytes of escapes.
        let deep = [0x81].repeat(100);
        assert!(
            Parser::MessagePack
                .decode::<Tree>(Message::Binary(&deep))
                .is_err()
        );
        let key = [[0x81; 50].as_slice(), &[0xa0; 51]].concat();
        assert!(
            Parser::MessagePack
                .decode::<Tree>(Message::Binary(&key))
                .is_err()
        );
    }
}
