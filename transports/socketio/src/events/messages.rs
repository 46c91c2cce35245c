//! Payloads as events `message`.

use std::borrow::Cow;

use super::{Audience, ClientEvent, Emission, EventMap, ServerArgs, default_event};
use crate::encoding::{Encoding, Field};

/// The default [`EventMap`]: payloads are events `message`.
///
/// The argument of an event `message` is the payload. Any other event is the payload `{event, args}`.
///
/// The payload of an event with an acknowledgement has a field `messageId`. An object with that field
/// sent back is the acknowledgement.
#[derive(Clone, Copy, Debug)]
pub struct MessageEvents;

impl EventMap for MessageEvents {
    fn payload<'a>(&self, event: &ClientEvent<'_, 'a>) -> Cow<'a, [u8]> {
        if !matches!(event.name, "message" | "primus") {
            return as_object(event).into();
        }
        // Without its argument, or with several, there is nothing to decode.
        let payload = event.args.single().unwrap_or_default();
        let encoding = event.encoding;
        let with_id = event
            .message_id
            .and_then(|id| encoding.extend(payload, &[message_id(encoding, id)]));
        with_id.map_or(payload.into(), Cow::Owned)
    }

    fn events<'a>(&self, payload: &'a [u8], audience: Audience) -> Emission<'a> {
        let encoding = audience.encoding;
        acknowledgement(encoding, payload)
            .unwrap_or_else(|| Emission::Event(default_event(encoding, payload).into()))
    }
}

/// Returns the object `{event, args, messageId?}`.
pub(super) fn as_object(event: &ClientEvent<'_, '_>) -> Vec<u8> {
    let encoding = event.encoding;
    let mut fields: Vec<Field<'_>> = vec![
        ("event", encoding.string(event.name).into()),
        ("args", event.args.to_list().into()),
    ];
    fields.extend(event.message_id.map(|id| message_id(encoding, id)));
    encoding.object(&fields)
}

fn message_id(encoding: Encoding, id: &str) -> Field<'static> {
    ("messageId", encoding.string(id).into())
}

/// Returns the acknowledgement that an object with a `messageId` is.
fn acknowledgement(encoding: Encoding, payload: &[u8]) -> Option<Emission<'_>> {
    memchr::memmem::find(payload, b"messageId")?;
    let [id] = encoding.fields(payload, ["messageId"])?;
    let text = encoding.text(id?)?;
    let rest = encoding.without(payload, "messageId", id?)?;
    Some(Emission::Ack {
        id: text,
        args: ServerArgs::Items(vec![rest.into()]),
        otherwise: Some("message"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn payload(encoding: Encoding, event: &Value, message_id: Option<&str>) -> Option<Value> {
        let list = match encoding {
            Encoding::Json => serde_json::to_vec(event).unwrap(),
            Encoding::MessagePack => rmp_serde::to_vec_named(event).unwrap(),
        };
        let (name, args) = encoding.event(&list).unwrap();
        let event = ClientEvent {
            encoding,
            name: &name,
            args,
            message_id,
        };
        let payload = MessageEvents.payload(&event);
        match encoding {
            Encoding::Json => serde_json::from_slice(&payload).ok(),
            Encoding::MessagePack => rmp_serde::from_slice(&payload).ok(),
        }
    }

    #[test]
    fn the_argument_of_a_message_is_the_payload() {
        for encoding in [Encoding::Json, Encoding::MessagePack] {
            for (event, id, expected) in [
                (json!(["message", 1]), None, Some(json!(1))),
                (json!(["message", 1]), Some("x"), Some(json!(1))),
                (
                    json!(["message", { "a": 1 }]),
                    None,
                    Some(json!({ "a": 1 })),
                ),
                (
                    json!(["message", { "a": 1 }]),
                    Some("x"),
                    Some(json!({ "a": 1, "messageId": "x" })),
                ),
                (json!(["message"]), None, None),
                (json!(["message", 1, 2]), None, None),
                (
                    json!(["say", "r", 1]),
                    Some("x"),
                    Some(json!({ "event": "say", "args": ["r", 1], "messageId": "x" })),
                ),
                (
                    json!(["a"]),
                    None,
                    Some(json!({ "event": "a", "args": [] })),
                ),
            ] {
                assert_eq!(payload(encoding, &event, id), expected, "{event}");
            }
        }
    }

    #[test]
    fn a_payload_is_a_message_or_an_acknowledgement() {
        let audience = Audience::new(Encoding::Json, true, false);
        for (payload, expected) in [
            ("\"primus::ping::1\"", "primus"),
            ("\"primus::server::close\"", "primus"),
            ("\"primus::mine\"", "message"),
            ("{\"context\":\"user\"}", "message"),
            ("\"messageId\"", "message"),
            ("{\"messageId\":7}", "message"),
        ] {
            let emission = MessageEvents.events(payload.as_bytes(), audience);
            assert_eq!(emission, Emission::Event(expected.into()), "{payload}");
        }
        let ack = MessageEvents.events(b"{\"a\":1,\"messageId\":\"x\"}", audience);
        let expected = Emission::Ack {
            id: "x".into(),
            args: ServerArgs::Items(vec![b"{\"a\":1}".into()]),
            otherwise: Some("message"),
        };
        assert_eq!(ack, expected);
    }
}
