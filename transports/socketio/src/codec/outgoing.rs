//! From a payload to a server's event.

use std::borrow::Cow;

use super::wire::Wire;

/// What a payload is sent as.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// An event of this name, with the payload.
    Named(&'static str),
    /// A push with a context of the application's own: an event `message`, and besides it `api`.
    Own,
    /// An event `user`, and besides it that of a room: its name and its data.
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

/// Names that mean something to clients of Socket.IO 2 besides those.
const RESERVED_IN_V2: [&str; 10] = [
    "connect_timeout",
    "connecting",
    "error",
    "ping",
    "pong",
    "reconnect",
    "reconnect_attempt",
    "reconnect_error",
    "reconnect_failed",
    "reconnecting",
];

/// Names that a member's event does not come under: what the server says under them, and what
/// stellar-client emits by itself.
const RESERVED_FOR_MEMBERS: [&str; 10] = [
    "connected",
    "destroy",
    "disconnected",
    "error",
    "membership",
    "reconnect",
    "reconnecting",
    "say",
    "send",
    "state",
];

/// Which events a client is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Audience {
    /// Pushes under names of their own.
    pub(crate) named: bool,
    /// The client speaks Socket.IO 2.
    pub(crate) is_v2: bool,
}

/// Tells by its context what a payload is.
pub(crate) fn event(wire: Wire, payload: &[u8], Audience { named, is_v2 }: Audience) -> Event<'_> {
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
            let of_room = message.and_then(|message| of_room(wire, payload, message, is_v2));
            of_room.unwrap_or(Event::Named("user"))
        }
        Some("alert") if named => Event::Named("alert"),
        Some("api") if named && welcome.is_some() => Event::Named("welcome"),
        Some("api") if named => Event::Named("api"),
        Some(_) if named => Event::Own,
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

/// The event that a room's message is, if it may come under its own name.
fn of_room<'a>(wire: Wire, push: &[u8], message: &'a [u8], is_v2: bool) -> Option<Event<'a>> {
    let [name, data] = wire.fields(message, ["event", "data"])?;
    let name = wire.text(name?)?;
    let is_reserved = name.is_empty()
        || RESERVED.contains(&&*name)
        || (is_v2 && RESERVED_IN_V2.contains(&&*name))
        || (RESERVED_FOR_MEMBERS.contains(&&*name) && !is_from_server(wire, push));
    (!is_reserved).then_some(Event::OfRoom(name, data))
}

/// Whether the server itself said it: then `from` is a number, else a connection's id.
fn is_from_server(wire: Wire, push: &[u8]) -> bool {
    let from = wire.fields(push, ["from"]).and_then(|[from]| from);
    from.is_some_and(|from| wire.text(from).is_none())
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

    const V4: Audience = Audience {
        named: true,
        is_v2: false,
    };

    fn name(value: &Value) -> [String; 2] {
        let packed = rmp_serde::to_vec_named(value).unwrap();
        let json = serde_json::to_vec(value).unwrap();
        [(Wire::Json, &json), (Wire::MessagePack, &packed)].map(|(wire, payload)| {
            match event(wire, payload, V4) {
                Event::Named(name) => name.into(),
                Event::Own => "message and api".into(),
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
            (json!({ "context": "else" }), "message and api"),
            (
                json!({ "context": "else", "welcome": 1 }),
                "message and api",
            ),
            (json!({ "context": "connect" }), "message and api"),
            (json!({ "context": null }), "message"),
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
        let unnamed = Audience { named: false, ..V4 };
        for push in [
            r#"{"message":"hi","context":"user"}"#,
            r#"{"context":"else"}"#,
            r#"{"context":"api"}"#,
        ] {
            assert_eq!(event(Wire::Json, push.as_bytes(), unnamed), MESSAGE);
        }
    }

    #[test]
    fn what_a_member_says_does_not_pass_for_the_server() {
        let push = |event: &str, from: Value| {
            let message = json!({ "event": event, "data": { "code": "018" } });
            json!({ "message": message, "from": from, "room": "r", "context": "user" })
        };
        for event in RESERVED_FOR_MEMBERS {
            assert_eq!(name(&push(event, json!("an id"))), ["user", "user"]);
            assert_eq!(name(&push(event, json!("0"))), ["user", "user"]);
            let own = format!("room {event} true");
            assert_eq!(name(&push(event, json!(0))), [own.clone(), own]);
        }
        for event in RESERVED {
            for from in [json!("an id"), json!(0)] {
                assert_eq!(name(&push(event, from)), ["user", "user"], "{event}");
            }
        }
        assert_eq!(name(&push("ping", json!("an id")))[0], "room ping true");
        let v2 = Audience { is_v2: true, ..V4 };
        for event in RESERVED_IN_V2 {
            let payload = serde_json::to_vec(&push(event, json!(0))).unwrap();
            assert_eq!(super::event(Wire::Json, &payload, v2), Event::Named("user"));
        }
    }
}
