//! From a payload to a server's event.

use std::borrow::Cow;

use super::wire::Wire;

/// What a payload is sent as.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// An event of this name, with the payload.
    Named(&'static str),
    /// Such an event, and besides it that of a room: its name and its data.
    OfRoom(Cow<'a, str>, Option<&'a [u8]>),
    /// The response to an event with an acknowledgement: what that is found by, and the payload
    /// without it.
    Response(Cow<'a, str>, Vec<u8>),
}

/// What is sent to every client as it is, whatever it is called here.
const MESSAGE: Event<'static> = Event::Named("message");

/// Names that mean something to the clients themselves (the first six), or to us.
const RESERVED: [&str; 12] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
    "message",
    "primus",
    "user",
    "alert",
    "api",
    "welcome",
];

/// Tells by its context what a payload is.
pub(crate) fn event(wire: Wire, payload: &[u8], named: bool) -> Event<'_> {
    if is_control(wire, payload) {
        return Event::Named("primus");
    }
    if memchr::memmem::find(payload, b"context").is_none() {
        return MESSAGE;
    }
    let keys = ["context", "messageId", "welcome", "message"];
    let Some([Some(context), id, welcome, message]) = wire.fields(payload, keys) else {
        return MESSAGE;
    };
    let context = wire.text(context);
    match context.as_deref() {
        Some("response") => response(wire, payload, id).unwrap_or(MESSAGE),
        Some("user") if named => {
            let of_room = message.and_then(|message| of_room(wire, message));
            of_room.unwrap_or(Event::Named("user"))
        }
        Some("alert") if named => Event::Named("alert"),
        Some("api") if named && welcome.is_some() => Event::Named("welcome"),
        Some("api") if named => Event::Named("api"),
        _ => MESSAGE,
    }
}

/// The event of a payload that names none.
pub(crate) fn fallback(wire: Wire, payload: &[u8]) -> &'static str {
    if is_control(wire, payload) {
        "primus"
    } else {
        "message"
    }
}

/// Whether an event of this name would not reach those who listen to it.
pub(crate) fn is_clients_own(event: &str) -> bool {
    RESERVED[..6].contains(&event)
}

fn response<'a>(wire: Wire, payload: &'a [u8], id: Option<&'a [u8]>) -> Option<Event<'a>> {
    let id = id?;
    let text = wire.text(id)?;
    let rest = wire.without(payload, "messageId", id)?;
    Some(Event::Response(text, rest))
}

fn of_room(wire: Wire, message: &[u8]) -> Option<Event<'_>> {
    let [name, data] = wire.fields(message, ["event", "data"])?;
    let name = wire.text(name?)?;
    (!name.is_empty() && !RESERVED.contains(&&*name)).then_some(Event::OfRoom(name, data))
}

/// Whether it is one of Primus's control messages, which no application listens for.
fn is_control(wire: Wire, payload: &[u8]) -> bool {
    if memchr::memmem::find(&payload[..payload.len().min(16)], b"primus::").is_none() {
        return false;
    }
    let Some(text) = wire.text(payload) else {
        return false;
    };
    text == "primus::server::close"
        || ["primus::ping::", "primus::pong::", "primus::id::"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn name(value: &Value) -> [String; 2] {
        let packed = rmp_serde::to_vec_named(value).unwrap();
        let json = serde_json::to_vec(value).unwrap();
        [(Wire::Json, &json), (Wire::MessagePack, &packed)].map(|(wire, payload)| {
            match event(wire, payload, true) {
                Event::Named(name) => name.into(),
                Event::OfRoom(name, data) => format!("room {name} {}", data.is_some()),
                Event::Response(id, rest) => {
                    let [none, context] = wire.fields(&rest, ["messageId", "context"]).unwrap();
                    assert!(none.is_none() && context.is_some());
                    format!("response {id}")
                }
            }
        })
    }

    #[test]
    fn a_payload_is_named_by_its_context() {
        for (value, expected) in [
            (json!("primus::ping::1"), "primus"),
            (json!("primus::server::close"), "primus"),
            (json!("primus::mine"), "message"),
            (json!("context"), "message"),
            (json!({ "a": { "context": "user" } }), "message"),
            (json!({ "context": "else" }), "message"),
            (json!({ "context": 7 }), "message"),
            (json!({ "welcome": "hello", "context": "api" }), "welcome"),
            (json!({ "context": "api", "x": 1 }), "api"),
            (json!({ "context": "alert" }), "alert"),
            (json!({ "message": "hi", "context": "user" }), "user"),
            (
                json!({ "message": { "event": "e", "data": null }, "context": "user" }),
                "room e true",
            ),
            (
                json!({ "message": { "event": "connect" }, "context": "user" }),
                "user",
            ),
            (
                json!({ "message": { "event": 1 }, "context": "user" }),
                "user",
            ),
            (
                json!({ "status": "OK", "messageCount": 1, "context": "response" }),
                "message",
            ),
            (
                json!({ "status": "OK", "messageCount": 1, "messageId": "x", "context": "response" }),
                "response x",
            ),
            (
                json!({ "messageId": "x", "context": "response" }),
                "response x",
            ),
            (json!({ "messageId": 7, "context": "response" }), "message"),
        ] {
            assert_eq!(name(&value), [expected, expected], "{value}");
        }
        let push = br#"{"message":"hi","context":"user"}"#;
        assert_eq!(event(Wire::Json, push, false), MESSAGE);
    }
}
