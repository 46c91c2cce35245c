//! A client's message, read once: the known fields, each still in its own encoding.

mod transcode;

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use stellarfw_broker::Content;
use stellarfw_transport::{CodecError, Holding, Message, Parser, Spark, SparkLease};

use self::transcode::Json;
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

#[cfg(test)]
mod tests;
