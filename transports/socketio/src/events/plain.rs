//! Payloads that name their events themselves.

use std::borrow::Cow;

use super::{
    Audience, ClientEvent, Emission, EventMap, ServerArgs, ServerEvent, default_event,
    messages::as_object,
};

/// Names of events that clients emit themselves, and that do not reach listeners if a server sends them.
const RESERVED: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

/// An [`EventMap`] with events of any name, both ways.
///
/// The payload `{event, args}` is an event, with a field `messageId` if it has an acknowledgement. The payload
/// `{messageId, args}` acknowledges it.
#[derive(Clone, Copy, Debug)]
pub struct PlainEvents;

impl EventMap for PlainEvents {
    fn payload<'a>(&self, event: &ClientEvent<'_, 'a>) -> Cow<'a, [u8]> {
        as_object(event).into()
    }

    fn events<'a>(&self, payload: &'a [u8], audience: Audience) -> Emission<'a> {
        let encoding = audience.encoding;
        read(payload, audience)
            .unwrap_or_else(|| Emission::Event(default_event(encoding, payload).into()))
    }

    fn sends_attachments(&self) -> bool {
        true
    }
}

fn read(payload: &[u8], audience: Audience) -> Option<Emission<'_>> {
    let encoding = audience.encoding;
    let [event, id, args] = encoding.fields(payload, ["event", "messageId", "args"])?;
    let args = ServerArgs::List(args.filter(|args| is_list(audience, args))?);
    match event.and_then(|event| encoding.text(event)) {
        Some(name) => {
            let is_free = !RESERVED.contains(&&*name);
            is_free.then(|| Emission::Events(vec![ServerEvent { name, args }]))
        }
        None => Some(Emission::Ack {
            id: encoding.text(id?)?,
            args,
            otherwise: None,
        }),
    }
}

fn is_list(audience: Audience, value: &[u8]) -> bool {
    use crate::encoding::{Encoding, array_header};
    match audience.encoding {
        Encoding::Json => value.first() == Some(&b'['),
        Encoding::MessagePack => array_header(value).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::encoding::Encoding;

    #[test]
    fn events_and_acknowledgements_are_told_from_other_values() {
        let event = |name: &str| Some((Some(name.to_owned()), None));
        for (value, expected) in [
            (json!({ "event": "a", "args": [] }), event("a")),
            (
                json!({ "event": "a", "args": [1], "messageId": "7" }),
                event("a"),
            ),
            (
                json!({ "messageId": "7", "args": [1, 2] }),
                Some((None, Some("7".to_owned()))),
            ),
            (json!({ "event": "connect", "args": [] }), None),
            (json!({ "event": "a" }), None),
            (json!({ "event": "a", "args": 1 }), None),
            (json!({ "args": [] }), None),
            (json!([1]), None),
            (json!("text"), None),
        ] {
            for encoding in [Encoding::Json, Encoding::MessagePack] {
                let payload = match encoding {
                    Encoding::Json => serde_json::to_vec(&value).unwrap(),
                    Encoding::MessagePack => rmp_serde::to_vec_named(&value).unwrap(),
                };
                let audience = Audience::new(encoding, false, false);
                let found = match PlainEvents.events(&payload, audience) {
                    Emission::Event(name) => {
                        assert_eq!(name, "message");
                        None
                    }
                    Emission::Events(events) => Some((Some(events[0].name.to_string()), None)),
                    Emission::Ack { id, .. } => Some((None, Some(id.into_owned()))),
                };
                assert_eq!(found, expected, "{value}");
            }
        }
        let audience = Audience::new(Encoding::Json, false, false);
        let control = Value::from("primus::server::close").to_string();
        let control = PlainEvents.events(control.as_bytes(), audience);
        assert_eq!(control, Emission::Event("primus".into()));
    }
}
