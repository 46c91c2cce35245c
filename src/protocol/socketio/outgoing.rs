//! From payloads to the server's events.

use stellarfw_socketio::{
    Audience, Emission, Encoding, ServerArgs, ServerEvent, default_event, is_control,
};

/// Names that have a meaning for the clients themselves (the first six), or for Stellar.
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

/// Further names that have a meaning for clients of Socket.IO 2.
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

/// Names of events of the server and of stellar-client, which a member's event must not have.
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

/// The client that a payload is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) named_events: bool,
    pub(super) is_v2: bool,
}

impl From<Audience> for Client {
    fn from(audience: Audience) -> Self {
        Self {
            named_events: audience.named_events,
            is_v2: audience.is_v2,
        }
    }
}

/// Returns the events of a payload, by its `context`.
pub(super) fn events(encoding: Encoding, payload: &[u8], client: Client) -> Emission<'_> {
    let message = || Emission::Event("message".into());
    if is_control(encoding, payload) {
        return Emission::Event(default_event(encoding, payload).into());
    }
    if memchr::memmem::find(payload, b"context").is_none() {
        return message();
    }
    let keys = ["context", "messageId", "welcome", "message"];
    let Some([Some(context), id, welcome, said]) = encoding.fields(payload, keys) else {
        return message();
    };
    let context = encoding.text(context);
    match context.as_deref() {
        Some("response") => response(encoding, payload, id).unwrap_or_else(message),
        Some(context) if client.named_events => match context {
            "user" => said
                .and_then(|said| room_event(encoding, payload, said, client.is_v2))
                .unwrap_or_else(|| Emission::Event("user".into())),
            "alert" => Emission::Event("alert".into()),
            "api" if welcome.is_some() => Emission::Event("welcome".into()),
            "api" => Emission::Event("api".into()),
            // A context of the application's own.
            _ => Emission::Events(vec![
                event("message", vec![payload]),
                event("api", vec![payload]),
            ]),
        },
        _ => message(),
    }
}

fn event<'a>(name: impl Into<std::borrow::Cow<'a, str>>, args: Vec<&'a [u8]>) -> ServerEvent<'a> {
    ServerEvent {
        name: name.into(),
        args: ServerArgs::Items(args.into_iter().map(Into::into).collect()),
    }
}

/// Returns the acknowledgement that a response is.
fn response<'a>(
    encoding: Encoding,
    payload: &'a [u8],
    id: Option<&'a [u8]>,
) -> Option<Emission<'a>> {
    let id = id?;
    let rest = encoding.without(payload, "messageId", id)?;
    Some(Emission::Ack {
        id: encoding.text(id)?,
        args: ServerArgs::Items(vec![rest.into()]),
        otherwise: Some("message"),
    })
}

/// Returns the events of a room's event: `user`, and its own name if that is not reserved.
fn room_event<'a>(
    encoding: Encoding,
    push: &'a [u8],
    message: &'a [u8],
    is_v2: bool,
) -> Option<Emission<'a>> {
    let [name, data] = encoding.fields(message, ["event", "data"])?;
    let name = encoding.text(name?)?;
    let is_reserved = name.is_empty()
        || RESERVED.contains(&&*name)
        || (is_v2 && RESERVED_IN_V2.contains(&&*name))
        || (RESERVED_FOR_MEMBERS.contains(&&*name) && !is_from_server(encoding, push));
    if is_reserved {
        return None;
    }
    let data = data.unwrap_or(encoding.null());
    Some(Emission::Events(vec![
        event("user", vec![push]),
        event(name, vec![data, push]),
    ]))
}

/// Returns `true` if the server itself is the sender: then `from` is a number, else a connection's id.
fn is_from_server(encoding: Encoding, push: &[u8]) -> bool {
    let from = encoding.fields(push, ["from"]).and_then(|[from]| from);
    from.is_some_and(|from| encoding.text(from).is_none())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use stellarfw_transport::Parser;

    use super::*;

    const V4: Client = Client {
        named_events: true,
        is_v2: false,
    };

    fn name(value: &Value) -> [String; 2] {
        let packed = Parser::MessagePack.encode(value).unwrap();
        let json = serde_json::to_vec(value).unwrap();
        let payloads = [
            (Encoding::Json, &json[..]),
            (Encoding::MessagePack, packed.payload()),
        ];
        payloads.map(|(encoding, payload)| match events(encoding, payload, V4) {
            Emission::Event(name) => name.into(),
            Emission::Events(events) => {
                let names: Vec<_> = events.iter().map(|event| &*event.name).collect();
                let ServerArgs::Items(last) = &events[1].args else {
                    panic!("the arguments are items");
                };
                assert_eq!(events[0].args, ServerArgs::Items(vec![payload.into()]));
                assert_eq!(&**last.last().unwrap(), payload);
                match names[..] {
                    ["message", "api"] => "message and api".into(),
                    ["user", name] => format!("room {name} {}", last[0] != encoding.null()),
                    _ => panic!("{names:?}"),
                }
            }
            Emission::Ack {
                id,
                args: ServerArgs::Items(args),
                otherwise,
            } => {
                assert_eq!(otherwise, Some("message"));
                let keys = ["messageId", "context"];
                let [none, context] = encoding.fields(&args[0], keys).unwrap();
                assert!(none.is_none() && context.is_some());
                format!("response {id}")
            }
            other => panic!("{other:?}"),
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
                json!({ "message": { "event": "e", "data": 1 }, "context": "user" }),
                "room e true",
            ),
            (
                json!({ "message": { "event": "e" }, "context": "user" }),
                "room e false",
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
        let unnamed = Client {
            named_events: false,
            ..V4
        };
        for push in [
            r#"{"message":"hi","context":"user"}"#,
            r#"{"context":"else"}"#,
            r#"{"context":"api"}"#,
        ] {
            let emission = events(Encoding::Json, push.as_bytes(), unnamed);
            assert_eq!(emission, Emission::Event("message".into()));
        }
    }

    #[test]
    fn the_event_of_a_member_cannot_pass_for_one_of_the_server() {
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
        let v2 = Client { is_v2: true, ..V4 };
        for event in RESERVED_IN_V2 {
            let payload = serde_json::to_vec(&push(event, json!(0))).unwrap();
            let emission = events(Encoding::Json, &payload, v2);
            assert_eq!(emission, Emission::Event("user".into()));
        }
    }
}
