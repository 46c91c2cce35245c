//! An event map with one command, as a layer above the transport layer has several.

use std::borrow::Cow;

use stellarfw_socketio::{Audience, ClientEvent, Emission, EventMap, MessageEvents};

/// `say` with a room and a message is `{event, room, message}`.
pub struct Verbs;

impl EventMap for Verbs {
    fn payload<'a>(&self, event: &ClientEvent<'_, 'a>) -> Cow<'a, [u8]> {
        let (Some(room), Some(message)) = (event.args.get(0), event.args.get(1)) else {
            return MessageEvents.payload(event);
        };
        if event.name != "say" {
            return MessageEvents.payload(event);
        }
        let encoding = event.encoding;
        let mut fields = vec![
            ("event", encoding.string("say").into()),
            ("room", room.into()),
            ("message", message.into()),
        ];
        let id = event.message_id.map(|id| encoding.string(id).into());
        fields.extend(id.map(|id| ("messageId", id)));
        encoding.object(&fields).into()
    }

    fn events<'a>(&self, payload: &'a [u8], audience: Audience) -> Emission<'a> {
        MessageEvents.events(payload, audience)
    }
}
