//! Payloads that say themselves what event they are.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Serialize, Serializer, ser::SerializeTuple as _};

use super::{Raw, attachments::Parted, outgoing::is_clients_own, wire::Wire};

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
    Parted(Parted),
}

impl<'a> Args<'a> {
    fn read(wire: Wire, list: &'a [u8]) -> Option<Self> {
        let args = wire.items(list)?;
        let parted = match wire {
            Wire::Json => Parted::of(&args),
            Wire::MessagePack => None,
        };
        Some(parted.map_or(Self::Raw(wire, args), Self::Parted))
    }

    /// As they are sent.
    pub(crate) fn items(&self) -> Vec<&[u8]> {
        match self {
            Self::Raw(_, items) => items.clone(),
            Self::Parted(parted) => parted.args.iter().map(Vec::as_slice).collect(),
        }
    }

    /// What is sent behind them.
    pub(crate) fn attached(&self) -> &[Bytes] {
        match self {
            Self::Raw(..) => &[],
            Self::Parted(parted) => &parted.attached,
        }
    }

    /// How many bytes they take at least.
    pub(crate) fn least(&self) -> usize {
        match self {
            Self::Raw(_, items) => items.iter().map(|item| item.len()).sum(),
            Self::Parted(parted) => parted.least(),
        }
    }
}

impl Serialize for Args<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            // A tuple, because that is what has its items as arguments.
            Self::Raw(wire, items) => {
                let mut tuple = serializer.serialize_tuple(items.len())?;
                for item in items {
                    tuple.serialize_element(&Raw(*wire, item))?;
                }
                tuple.end()
            }
            Self::Parted(parted) => parted.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The event, what it answers, and how many are attached.
    fn read(value: &Value) -> Option<(Option<String>, Option<String>, usize)> {
        let payload = serde_json::to_vec(value).unwrap();
        let plain = Plain::read(Wire::Json, &payload)?;
        let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        Some((
            owned(plain.event),
            owned(plain.id),
            plain.args.attached().len(),
        ))
    }

    #[test]
    fn events_and_acknowledgements_are_told_from_other_values() {
        let some = |text: &str| Some(text.to_owned());
        for (value, expected) in [
            (
                json!({ "event": "a", "args": [] }),
                Some((some("a"), None, 0)),
            ),
            (
                json!({ "event": "a", "args": [1], "messageId": "7" }),
                Some((some("a"), some("7"), 0)),
            ),
            (
                json!({ "messageId": "7", "args": [1, 2] }),
                Some((None, some("7"), 0)),
            ),
            (
                json!({ "event": "a", "args": [{ "type": "Buffer", "data": [1] }] }),
                Some((some("a"), None, 1)),
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
}
