//! Pushes: what the server sends without being asked.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use stellarfw_broker::{Publication, PublicationKind, Target};
use stellarfw_transport::{CodecError, Frame, Parser};

use super::Text;

/// A chat message as clients receive it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Chat<'a> {
    message: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a str>,
    from: Sender<'a>,
    context: &'static str,
    sent_at: u64,
}

/// The sender of a chat message: an id, or 0 for the server.
struct Sender<'a>(Option<&'a str>);

impl Serialize for Sender<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(id) => serializer.serialize_str(id),
            None => serializer.serialize_u8(0),
        }
    }
}

/// Encodes a publication once for all its receivers. `None` for one that is not delivered as it is,
/// and for one that the codec cannot encode.
pub(crate) fn publication_frame(parser: &Parser, publication: &Publication) -> Option<Frame> {
    let result = match &publication.kind {
        PublicationKind::Say(content) => Text::of(parser, content).and_then(|message| {
            parser.encode(&Chat {
                message,
                room: match &publication.target {
                    Target::Room(room) => Some(room),
                    _ => None,
                },
                from: Sender(publication.from.as_deref()),
                context: "user",
                sent_at: publication.sent_at,
            })
        }),
        PublicationKind::Push(content) => {
            Text::of(parser, content).and_then(|message| parser.encode(&message))
        }
        _ => return None,
    };
    result
        .inspect_err(|error| tracing::error!(%error, "a publication could not be encoded"))
        .map(Frame::for_many)
        .ok()
}

/// Encodes a push with the context that the value has or, without one, `api`.
pub(crate) fn push_frame<T: Serialize + ?Sized>(
    parser: &Parser,
    value: &T,
) -> Result<Frame, CodecError> {
    let mut object = object(value).map_err(CodecError::new)?;
    let own = object.get("context").and_then(Value::as_str);
    // A push that calls itself a response would be taken for one.
    if own.is_none_or(|own| own == "response") {
        object.insert("context".into(), "api".into());
    }
    parser.encode(&object)
}

/// Encodes a push with this context.
pub(crate) fn context_frame<T: Serialize + ?Sized>(
    parser: &Parser,
    value: &T,
    context: &str,
) -> Result<Frame, CodecError> {
    parser.encode(&push_object(value, context).map_err(CodecError::new)?)
}

/// Returns a push as an object with this context. A value that is no object becomes
/// `{"message":<value>}`.
pub(crate) fn push_object<T: Serialize + ?Sized>(
    value: &T,
    context: &str,
) -> Result<Map<String, Value>, serde_json::Error> {
    let mut object = object(value)?;
    object.insert("context".into(), context.into());
    Ok(object)
}

fn object<T: Serialize + ?Sized>(value: &T) -> Result<Map<String, Value>, serde_json::Error> {
    Ok(match serde_json::to_value(value)? {
        Value::Object(map) => map,
        other => Map::from_iter([("message".to_owned(), other)]),
    })
}
