//! Codecs: how values become payloads and payloads become values.
//!
//! A server speaks one codec, called its *parser* as in Primus. [`Parser::Json`],
//! [`Parser::MessagePack`] and [`Parser::Raw`] are built in and cost no dynamic call; a codec of
//! your own implements [`Codec`] and goes in as [`Parser::Custom`].

mod json;
mod message_pack;

use std::{borrow::Cow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::frame::{Frame, Message};

/// What is given a deserializer by [`Codec::decode`].
pub type Visit<'v, 'de> =
    dyn FnMut(&mut dyn erased_serde::Deserializer<'de>) -> Result<(), erased_serde::Error> + 'v;

/// A codec that is not built in.
///
/// ```
/// use stellarfw_transport::{codec::{Codec, CodecError, Visit}, Frame, Message, Parser};
///
/// /// JSON with a letter in front, as an example of a format of one's own.
/// struct Lettered;
///
/// impl Codec for Lettered {
///     fn name(&self) -> &str { "lettered" }
///     fn encode(&self, value: &dyn erased_serde::Serialize) -> Result<Frame, CodecError> {
///         let json = serde_json::to_string(value).map_err(CodecError::new)?;
///         Ok(Frame::text(format!("L{json}")))
///     }
///     fn decode<'de>(&self, message: Message<'de>, visit: &mut Visit<'_, 'de>) -> Result<(), CodecError> {
///         let text = message.as_str().and_then(|t| t.strip_prefix('L'))
///             .ok_or_else(|| CodecError::new("a letter was expected"))?;
///         let mut json = serde_json::Deserializer::from_str(text);
///         visit(&mut <dyn erased_serde::Deserializer>::erase(&mut json)).map_err(CodecError::new)
///     }
/// }
///
/// let parser = Parser::custom(Lettered);
/// let frame = parser.encode(&[1, 2]).unwrap();
/// assert_eq!(&frame.payload()[..], b"L[1,2]");
/// let back: Vec<u8> = parser.decode(frame.as_message()).unwrap();
/// assert_eq!(back, [1, 2]);
/// ```
pub trait Codec: Send + Sync + 'static {
    /// The name told to clients in `/primus/spec`.
    fn name(&self) -> &str;

    /// Encodes one value as one payload.
    ///
    /// # Errors
    /// When the format cannot hold the value.
    fn encode(&self, value: &dyn erased_serde::Serialize) -> Result<Frame, CodecError>;

    /// Decodes one payload: hands `visit` a deserializer over the whole of it, once.
    ///
    /// # Errors
    /// When the payload is not of the format, or `visit` fails.
    fn decode<'de>(
        &self,
        message: Message<'de>,
        visit: &mut Visit<'_, 'de>,
    ) -> Result<(), CodecError>;
}

/// The codec of a server.
#[derive(Clone, Default)]
pub enum Parser {
    /// JSON in text payloads (binary payloads of UTF-8 are read too). U+2028 and U+2029 go out
    /// escaped, as Primus does for clients that evaluate scripts.
    #[default]
    Json,
    /// MessagePack in binary payloads, structs as maps with named fields.
    MessagePack,
    /// No codec: payloads pass untouched, and so there are no `primus::` control messages.
    Raw,
    /// A codec of the user's own.
    Custom(Arc<dyn Codec>),
}

impl Parser {
    /// Wraps a codec of your own.
    pub fn custom(codec: impl Codec) -> Self {
        Self::Custom(Arc::new(codec))
    }

    /// The parser of a built-in name: `json`, `messagepack` (also `msgpack`) or `raw`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "messagepack" | "msgpack" => Some(Self::MessagePack),
            "raw" => Some(Self::Raw),
            _ => None,
        }
    }

    /// The name that `/primus/spec` tells.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Json => "json",
            Self::MessagePack => "msgpack",
            Self::Raw => "raw",
            Self::Custom(codec) => codec.name(),
        }
    }

    /// Encodes one value as one frame.
    ///
    /// # Errors
    /// When the format cannot hold the value; always for [`Parser::Raw`], which holds no values.
    pub fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Frame, CodecError> {
        match self {
            Self::Json => json::encode(value),
            Self::MessagePack => message_pack::encode(value),
            Self::Raw => Err(CodecError::new("the raw parser encodes no values")),
            Self::Custom(codec) => codec.encode(&&value),
        }
    }

    /// Encodes a value that is an object, with `tail` appended as further fields of it.
    ///
    /// The built-in codecs splice the two encodings instead of building a tree of values. Where a
    /// key stands in both, readers that keep the last one (all of JavaScript's) see `tail`'s.
    ///
    /// # Errors
    /// When either cannot be encoded or does not encode as an object.
    pub fn encode_with<T, U>(&self, object: &T, tail: &U) -> Result<Frame, CodecError>
    where
        T: Serialize + ?Sized,
        U: Serialize + ?Sized,
    {
        match self {
            Self::Json => json::encode_with(object, tail),
            Self::MessagePack => message_pack::encode_with(object, tail),
            Self::Raw => Err(CodecError::new("the raw parser encodes no values")),
            Self::Custom(codec) => {
                let to_map = |value| match value {
                    Ok(serde_json::Value::Object(map)) => Ok(map),
                    Ok(_) => Err(CodecError::new("the value is not an object")),
                    Err(error) => Err(CodecError::new(error)),
                };
                let mut map = to_map(serde_json::to_value(object))?;
                map.extend(to_map(serde_json::to_value(tail))?);
                codec.encode(&map)
            }
        }
    }

    /// Decodes one payload.
    ///
    /// # Errors
    /// When the payload is not of the format or not of `T`'s shape; always for [`Parser::Raw`].
    pub fn decode<'de, T: Deserialize<'de>>(&self, message: Message<'de>) -> Result<T, CodecError> {
        match self {
            Self::Json => json::decode(message),
            Self::MessagePack => message_pack::decode(message),
            Self::Raw => Err(CodecError::new("the raw parser decodes no values")),
            Self::Custom(codec) => {
                let mut out = None;
                codec.decode(message, &mut |deserializer| {
                    out = Some(erased_serde::deserialize(deserializer)?);
                    Ok(())
                })?;
                out.ok_or_else(|| CodecError::new("the codec gave no value"))
            }
        }
    }

    /// The control message (`primus::…`) that a payload is, if it is one.
    ///
    /// Cheap for payloads that are none: a few bytes are compared before anything is decoded.
    #[must_use]
    pub fn control<'a>(&self, message: Message<'a>) -> Option<Cow<'a, str>> {
        match self {
            Self::Json => json::control(message).map(Cow::Borrowed),
            Self::MessagePack => message_pack::control(message).map(Cow::Borrowed),
            Self::Raw => None,
            Self::Custom(_) => {
                memchr::memmem::find(message.as_bytes(), CONTROL_PREFIX.as_bytes())?;
                let text: String = self.decode(message).ok()?;
                text.starts_with(CONTROL_PREFIX).then_some(Cow::Owned(text))
            }
        }
    }

    /// Whether control messages exist in this codec; [`Parser::Raw`] has none.
    #[must_use]
    pub fn has_control(&self) -> bool {
        !matches!(self, Self::Raw)
    }
}

/// What every control message begins with.
pub(crate) const CONTROL_PREFIX: &str = "primus::";

impl fmt::Debug for Parser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parser({})", self.name())
    }
}

/// A payload could not be decoded, or a value not encoded.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct CodecError {
    message: String,
}

impl CodecError {
    /// An error with the given text.
    pub fn new(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
        }
    }
}
