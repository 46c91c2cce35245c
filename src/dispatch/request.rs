//! A client's message, read once: the known fields, each still in its own encoding.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use stellarfw_broker::Content;
use stellarfw_transport::{CodecError, Holding, Message, Parser, Spark, SparkLease};

use crate::protocol::packed::Packed;

/// As many bytes are enough for an error message, which cuts what it reports.
const REPORTED: usize = 512;

/// One field, still in the encoding it came in.
#[derive(Clone, Debug)]
pub(crate) enum Field<'a> {
    Raw(&'a RawValue),
    Packed(Packed<'a>),
}

impl<'a> Field<'a> {
    /// The field's text, if it is a string.
    pub(crate) fn as_str(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Packed(value) => value.as_str().map(Cow::Borrowed),
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
    pub(crate) fn to_text(&self) -> Cow<'a, str> {
        match (self.as_str(), self) {
            (Some(text), _) => text,
            (None, Self::Raw(raw)) => raw.get().into(),
            (None, Self::Packed(value)) => value.to_json().into(),
        }
    }

    /// The text of the field for an error message, which cuts it.
    pub(crate) fn to_reported(&self) -> Cow<'a, str> {
        match (self.as_str(), self) {
            (Some(text), _) => text,
            (None, Self::Raw(raw)) => raw.get().into(),
            (None, Self::Packed(value)) => value.to_json_start(REPORTED).into(),
        }
    }

    /// The length of the field as JSON, in bytes.
    pub(crate) fn json_len(&self) -> usize {
        match self {
            Self::Raw(raw) => raw.get().len(),
            Self::Packed(value) => value.json_len(),
        }
    }

    pub(crate) fn to_content(&self) -> Option<Content> {
        match self {
            Self::Raw(raw) => Some(Content::of_raw(raw)),
            Self::Packed(value) => Content::of_json(value.to_json()).ok(),
        }
    }

    /// Reads the field as an object's known fields.
    pub(crate) fn to_request(&self) -> Option<Request<'a>> {
        match self {
            Self::Raw(raw) => serde_json::from_str(raw.get()).ok(),
            Self::Packed(value) => value.entries().map(|_| Request::of_packed(*value)),
        }
    }

    /// Reads the field as a type; `None` if it is not of that type.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        match self {
            Self::Raw(raw) => serde_json::from_str(raw.get()).ok(),
            Self::Packed(value) => value.read().ok(),
        }
    }

    /// Returns the entry of a name, if the field is an object and the entry is there and not null.
    pub(crate) fn entry(&self, name: &str) -> Option<Field<'a>> {
        let entry = match self {
            Self::Raw(raw) => {
                let mut json = serde_json::Deserializer::from_str(raw.get());
                Self::Raw(Pick(name).deserialize(&mut json).ok().flatten()?)
            }
            Self::Packed(value) => Self::Packed(value.get(name)?),
        };
        let is_null = match entry {
            Self::Raw(raw) => raw.get() == "null",
            Self::Packed(value) => value.is_null(),
        };
        (!is_null).then_some(entry)
    }
}

/// Finds the last entry of a name in an object of JSON.
struct Pick<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Pick<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Pick<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some((key, value)) = map.next_entry::<Cow<'de, str>, &'de RawValue>()? {
            if key == self.0 {
                found = Some(value);
            }
        }
        Ok(found)
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

/// The JSON text of a message in a codec of the application's own, and its bytes in the memory budget.
#[derive(Debug, Default)]
pub(crate) struct Transcoded(Option<(String, SparkLease)>);

impl<'a> Request<'a> {
    /// Reads a message. That of a codec of the application's own becomes JSON first, which `text` holds.
    ///
    /// # Errors
    /// When it is not of the codec at all.
    pub(crate) fn read(
        spark: &Spark,
        message: Message<'a>,
        text: &'a mut Transcoded,
    ) -> Result<Self, CodecError> {
        match spark.parser() {
            Parser::Json => Parser::Json.decode(message),
            Parser::MessagePack => Ok(Self::of_packed(Packed::of_message(message)?)),
            parser => {
                let Json(json) = parser.decode(message)?;
                let lease = spark.lease(Holding::Inbound, json.len());
                let (json, _) = text.0.insert((json, lease));
                serde_json::from_str(json).map_err(CodecError::new)
            }
        }
    }

    fn of_packed(value: Packed<'a>) -> Self {
        let mut request = Self::default();
        for (key, value) in value.entries().into_iter().flatten() {
            request.put(&Key::of(&key), Field::Packed(value));
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

/// The JSON text of a value of any format: bytes, which JSON has not, become lists of numbers, and keys
/// that are numbers and the like their text. No tree of values is built.
struct Json(String);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = String::new();
        Write {
            text: &mut text,
            is_key: false,
            levels: 127,
        }
        .deserialize(deserializer)?;
        text.shrink_to_fit();
        Ok(Self(text))
    }
}

/// Writes a value at the end of a text.
struct Write<'t> {
    text: &'t mut String,
    /// It is a key, which has to be a scalar.
    is_key: bool,
    /// So many levels of lists and objects it may have.
    levels: usize,
}

impl Write<'_> {
    fn scalar<T: Serialize + ?Sized, E: de::Error>(self, value: &T) -> Result<(), E> {
        let json = serde_json::to_string(value).map_err(E::custom)?;
        // A key that is a number or null is its text.
        let is_text = json.starts_with('"');
        let quote = if self.is_key && !is_text { "\"" } else { "" };
        self.text.extend([quote, &json, quote]);
        Ok(())
    }

    /// The same for the content of a wrapper.
    fn again(&mut self) -> Write<'_> {
        Write {
            text: self.text,
            is_key: self.is_key,
            levels: self.levels,
        }
    }

    fn inside<E: de::Error>(&mut self) -> Result<Write<'_>, E> {
        if self.is_key {
            return Err(E::custom("a key is a list or a map"));
        }
        let levels = self.levels.checked_sub(1);
        let levels = levels.ok_or_else(|| E::custom("the value has too many levels"))?;
        Ok(Write {
            text: self.text,
            is_key: false,
            levels,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Write<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Write<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.scalar(&())
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        self.scalar(&())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        mut self,
        deserializer: D,
    ) -> Result<(), D::Error> {
        let start = self.text.len();
        self.again().deserialize(deserializer)?;
        // Extensions of MessagePack are a type and bytes; those of type 0 are bytes.
        let written = self.text.get(start..).unwrap_or_default();
        let bytes = written
            .strip_prefix("[0,[")
            .and_then(|rest| rest.strip_suffix("]]"));
        if bytes.is_some_and(|bytes| !bytes.contains(['[', ']', '"'])) {
            self.text.pop();
            self.text.replace_range(start..start + 3, "");
        }
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.scalar(&value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.scalar(&value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.scalar(&value)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.scalar(&value)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<(), E> {
        let mut this = self;
        let inside = this.inside()?;
        inside.text.push('[');
        for (n, byte) in bytes.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            write!(inside.text, "{comma}{byte}").map_err(E::custom)?;
        }
        inside.text.push(']');
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        self.inside::<A::Error>()?.text.push('[');
        let mut is_first = true;
        loop {
            let end = self.text.len();
            if !std::mem::take(&mut is_first) {
                self.text.push(',');
            }
            if seq.next_element_seed(self.inside()?)?.is_none() {
                self.text.truncate(end);
                break;
            }
        }
        self.text.push(']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.inside::<A::Error>()?.text.push('{');
        let mut is_first = true;
        loop {
            let end = self.text.len();
            if !std::mem::take(&mut is_first) {
                self.text.push(',');
            }
            let key = Write {
                is_key: true,
                ..self.inside()?
            };
            if map.next_key_seed(key)?.is_none() {
                self.text.truncate(end);
                break;
            }
            self.text.push(':');
            map.next_value_seed(self.inside()?)?;
        }
        self.text.push('}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Request<'_> {
        Parser::Json.decode(Message::Text(text)).unwrap()
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
            let message = Message::Text(text);
            assert!(
                Parser::Json.decode::<Request<'_>>(message).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn other_codecs_give_the_same_fields() {
        let value =
            serde_json::json!({ "event": "say", "room": "r", "message": [1, null], "x": 1 });
        let frame = Parser::MessagePack.encode(&value).unwrap();
        let request = Request::of_packed(Packed::of_message(frame.as_message()).unwrap());
        assert_eq!(request.event.unwrap().as_str().as_deref(), Some("say"));
        assert_eq!(request.message.unwrap().to_text(), "[1,null]");
        assert_eq!(request.others.len(), 1);
    }

    #[test]
    fn entries_are_the_last_of_their_name_and_not_null() {
        let text = r#"{"a":[1],"b":null,"a":7,"c":"x","\u0064":true}"#;
        let frame = Parser::MessagePack
            .encode(&serde_json::from_str::<serde_json::Value>(text).unwrap())
            .unwrap();
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        let packed = Packed::of_message(frame.as_message()).unwrap();
        for field in [Field::Raw(raw), Field::Packed(packed)] {
            assert_eq!(field.entry("a").unwrap().read::<u64>(), Some(7));
            assert!(field.entry("b").is_none() && field.entry("none").is_none());
            assert_eq!(field.entry("c").unwrap().read::<u64>(), None);
            assert_eq!(field.entry("d").unwrap().read::<bool>(), Some(true));
            assert!(field.entry("c").unwrap().entry("a").is_none());
        }
    }

    #[test]
    fn a_codec_of_the_applications_own_becomes_json_without_a_tree() {
        let json = |bytes: &[u8]| {
            let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes);
            Json::deserialize(&mut deserializer).map(|json| json.0)
        };
        let value =
            serde_json::json!({ "a": [1, -2, 1.5, null, true, "x\"\u{1}"], "b": {}, "c": [] });
        let bytes = rmp_serde::to_vec_named(&value).unwrap();
        assert_eq!(json(&bytes).unwrap(), value.to_string());
        // {1: bin(2 bytes)} has no JSON form of its own, and is decodable all the same.
        assert_eq!(
            json(&[0x81, 0x01, 0xc4, 0x02, 0x07, 0x08]).unwrap(),
            r#"{"1":[7,8]}"#
        );
        // Extensions of type 0 and of type 5, of two bytes each.
        let extensions = [0x92, 0xc7, 0x02, 0x00, 0x07, 0x08, 0xd5, 0x05, 0x07, 0x08];
        assert_eq!(json(&extensions).unwrap(), "[[7,8],[5,[7,8]]]");
        for nested in [
            [0x81].repeat(100),
            [[0x81; 50].as_slice(), &[0xa0; 51]].concat(),
            [0x91].repeat(128),
        ] {
            assert!(json(&nested).is_err());
        }
        let most = [[0x91].repeat(127).as_slice(), &[0x01]].concat();
        assert!(json(&most).is_ok());
    }
}
