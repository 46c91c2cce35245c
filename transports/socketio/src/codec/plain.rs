//! Payloads that say themselves what event they are.

use std::borrow::Cow;

use serde::{Serialize, Serializer, ser::SerializeTuple as _};
use serde_json::Value;

use super::{Raw, outgoing::is_clients_own, wire::Wire};

/// `{event, args}`, or `{messageId, args}` for an acknowledgement.
pub(crate) struct Plain<'a> {
    pub(crate) event: Option<Cow<'a, str>>,
    pub(crate) id: Option<Cow<'a, str>>,
    pub(crate) args: Args<'a>,
}

impl<'a> Plain<'a> {
    /// Reads a payload; none if it is another value.
    pub(crate) fn read(wire: Wire, payload: &'a [u8]) -> Option<Self> {
        let [event, id, args] = wire.fields(payload, ["event", "messageId", "args"])?;
        let event = event.and_then(|event| wire.text(event));
        let id = id.and_then(|id| wire.text(id));
        let known = match &event {
            Some(event) => !is_clients_own(event),
            None => id.is_some(),
        };
        known.then_some(())?;
        Some(Self {
            event,
            id,
            args: Args::read(wire, args?)?,
        })
    }
}

/// The arguments of an event: each is one of its own.
pub(crate) enum Args<'a> {
    /// As they are encoded already.
    Raw(Wire, Vec<&'a [u8]>),
    /// With bytes among them, which JSON carries as attachments.
    Attached(Vec<Value>, Attachments),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attachments {
    count: usize,
    bytes: usize,
}

impl<'a> Args<'a> {
    fn read(wire: Wire, list: &'a [u8]) -> Option<Self> {
        if wire == Wire::Json && memchr::memmem::find(list, b"\"Buffer\"").is_some() {
            let values: Vec<Value> = serde_json::from_slice(list).ok()?;
            let mut found = Attachments::default();
            values.iter().for_each(|value| found.add(value));
            if found.count > 0 {
                return Some(Self::Attached(values, found));
            }
        }
        Some(Self::Raw(wire, wire.items(list)?))
    }

    /// How many messages of a WebSocket they take.
    pub(crate) fn messages(&self) -> usize {
        match self {
            Self::Raw(..) => 1,
            Self::Attached(_, found) => 1 + found.count,
        }
    }

    /// How many bytes they take at least.
    pub(crate) fn least(&self) -> usize {
        match self {
            Self::Raw(_, items) => items.iter().map(|item| item.len()).sum(),
            Self::Attached(_, found) => found.bytes,
        }
    }
}

impl Attachments {
    fn add(&mut self, value: &Value) {
        if let Some(bytes) = buffer(value) {
            self.count += 1;
            self.bytes += bytes.len();
            return;
        }
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(map) => map.values().for_each(|item| self.add(item)),
            _ => {}
        }
    }
}

/// The bytes of what Node's `Buffer` is in JSON.
fn buffer(value: &Value) -> Option<Vec<u8>> {
    let map = value.as_object().filter(|map| map.len() == 2)?;
    if map.get("type")?.as_str()? != "Buffer" {
        return None;
    }
    let byte = |value: &Value| u8::try_from(value.as_u64()?).ok();
    map.get("data")?.as_array()?.iter().map(byte).collect()
}

impl Serialize for Args<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A tuple, because that is what has its items as arguments.
        match self {
            Self::Raw(wire, items) => {
                let mut tuple = serializer.serialize_tuple(items.len())?;
                for item in items {
                    tuple.serialize_element(&Raw(*wire, item))?;
                }
                tuple.end()
            }
            Self::Attached(values, _) => {
                let mut tuple = serializer.serialize_tuple(values.len())?;
                for value in values {
                    tuple.serialize_element(&Attached(value))?;
                }
                tuple.end()
            }
        }
    }
}

/// A value whose bytes are bytes.
struct Attached<'a>(&'a Value);

impl Serialize for Attached<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(bytes) = buffer(self.0) {
            return serializer.serialize_bytes(&bytes);
        }
        match self.0 {
            Value::Array(items) => serializer.collect_seq(items.iter().map(Attached)),
            Value::Object(map) => {
                serializer.collect_map(map.iter().map(|(key, value)| (key, Attached(value))))
            }
            other => other.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Option<(Option<String>, Option<String>, usize)> {
        let payload = serde_json::to_vec(value).unwrap();
        let plain = Plain::read(Wire::Json, &payload)?;
        let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        Some((owned(plain.event), owned(plain.id), plain.args.messages()))
    }

    #[test]
    fn events_and_acknowledgements_are_told_from_other_values() {
        let some = |text: &str| Some(text.to_owned());
        for (value, expected) in [
            (
                json!({ "event": "a", "args": [] }),
                Some((some("a"), None, 1)),
            ),
            (
                json!({ "event": "a", "args": [1], "messageId": "7" }),
                Some((some("a"), some("7"), 1)),
            ),
            (
                json!({ "messageId": "7", "args": [1, 2] }),
                Some((None, some("7"), 1)),
            ),
            (json!({ "event": "connect", "args": [] }), None),
            (json!({ "event": "a" }), None),
            (json!({ "event": "a", "args": 1 }), None),
            (json!({ "args": [] }), None),
            (json!([1]), None),
            (json!("text"), None),
        ] {
            assert_eq!(read(&value), expected, "{value}");
        }
    }

    #[test]
    fn bytes_are_found_wherever_they_are() {
        let bytes = json!({ "type": "Buffer", "data": [1, 255] });
        let args = |args: Value| read(&json!({ "event": "a", "args": args })).unwrap().2;
        assert_eq!(args(json!([bytes, { "x": [bytes] }, "Buffer"])), 3);
        for other in [
            json!({ "type": "Buffer", "data": [256] }),
            json!({ "type": "Buffer", "data": "x" }),
            json!({ "type": "Buffer" }),
            json!({ "type": "Buffer", "data": [1], "more": 1 }),
        ] {
            assert_eq!(args(json!([other])), 1, "{other}");
        }
    }
}
