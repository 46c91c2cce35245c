//! From a client's events to requests.

use std::borrow::Cow;

use stellarfw_socketio::{ClientEvent, Encoding, EventArgs, EventMap as _, Field, MessageEvents};

/// Returns the request of an event. An event that is no verb is a message of the application.
pub(super) fn payload<'a>(event: &ClientEvent<'_, 'a>) -> Cow<'a, [u8]> {
    let (encoding, args) = (event.encoding, &event.args);
    let names: &[&str] = match event.name {
        "roomAdd" | "roomJoin" | "roomLeave" | "roomView" => &["room"],
        "say" => &["room", "message"],
        "file" => &["file"],
        "detailsView" | "quit" | "exit" => return request(event, None).into(),
        "action" => return request(event, Some(action(encoding, args))).into(),
        "event" => {
            let params = named(encoding, args, &["room", "event", "data"]);
            return request(event, Some(params)).into();
        }
        _ => return MessageEvents.payload(event),
    };
    let fields = [Some(verb(event)), message_id(event)];
    let fields: Vec<Field<'_>> = fields.into_iter().flatten().collect();
    let object = encoding.extend(&named(encoding, args, names), &fields);
    object.unwrap_or_default().into()
}

/// Returns `{event, params?, messageId?}`.
fn request(event: &ClientEvent<'_, '_>, params: Option<Cow<'_, [u8]>>) -> Vec<u8> {
    let params = params.map(|params| ("params", params));
    let fields = [Some(verb(event)), params, message_id(event)];
    let fields: Vec<Field<'_>> = fields.into_iter().flatten().collect();
    event.encoding.object(&fields)
}

fn verb(event: &ClientEvent<'_, '_>) -> Field<'static> {
    ("event", event.encoding.string(event.name).into())
}

fn message_id(event: &ClientEvent<'_, '_>) -> Option<Field<'static>> {
    let id = event.message_id?;
    Some(("messageId", event.encoding.string(id).into()))
}

/// Returns the only argument if it is an object, or an object of the arguments by these names.
fn named<'a>(encoding: Encoding, args: &EventArgs<'a>, names: &[&str]) -> Cow<'a, [u8]> {
    if let Some(object) = args.single()
        && encoding.fields(object, []).is_some()
    {
        return Cow::Borrowed(object);
    }
    let fields = names.iter().enumerate().map_while(|(index, name)| {
        let value = args.get(index)?;
        Some((*name, Cow::Borrowed(value)))
    });
    let fields: Vec<Field<'_>> = fields.collect();
    encoding.object(&fields).into()
}

/// Returns the parameters of `({action, …})`, `("name", {…})` or `("name")`.
fn action<'a>(encoding: Encoding, args: &EventArgs<'a>) -> Cow<'a, [u8]> {
    let name = args.get(0).filter(|name| encoding.text(name).is_some());
    let Some(name) = name else {
        return named(encoding, args, &["action"]);
    };
    let field = [("action", Cow::Borrowed(name))];
    let with_name = args
        .get(1)
        .and_then(|params| encoding.extend(params, &field));
    with_name.unwrap_or_else(|| encoding.object(&field)).into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use stellarfw_socketio::{Encoding, Events};
    use stellarfw_transport::{Message, Parser};

    use crate::protocol::socketio::StellarEvents;

    fn check(event: &str, args: &[Value], id: Option<&str>, expected: Value) {
        let list: Vec<Value> = std::iter::once(json!(event))
            .chain(args.iter().cloned())
            .collect();
        for (parser, encoding) in [
            (Parser::Json, Encoding::Json),
            (Parser::MessagePack, Encoding::MessagePack),
        ] {
            let list = parser.encode(&list).unwrap();
            let events = Events::new(StellarEvents);
            let payload = events.payload(encoding, list.payload(), || id.map(str::to_owned));
            let payload = payload.unwrap();
            let message = match str::from_utf8(&payload) {
                Ok(text) if encoding == Encoding::Json => Message::Text(text),
                _ => Message::Binary(&payload),
            };
            let value: Value = parser.decode(message).unwrap();
            assert_eq!(value, expected, "{event} {args:?}");
        }
    }

    #[test]
    fn events_become_requests() {
        for (event, args, expected) in [
            (
                "message",
                json!([{ "event": "x" }]),
                json!({ "event": "x" }),
            ),
            ("message", json!(["text"]), json!("text")),
            (
                "roomAdd",
                json!(["r"]),
                json!({ "event": "roomAdd", "room": "r" }),
            ),
            (
                "roomView",
                json!([{ "room": "r" }]),
                json!({ "room": "r", "event": "roomView" }),
            ),
            (
                "say",
                json!(["r", [1]]),
                json!({ "event": "say", "room": "r", "message": [1] }),
            ),
            ("say", json!(["r"]), json!({ "event": "say", "room": "r" })),
            ("detailsView", json!([]), json!({ "event": "detailsView" })),
            (
                "file",
                json!(["a.txt"]),
                json!({ "event": "file", "file": "a.txt" }),
            ),
            (
                "action",
                json!([{ "action": "a", "x": 1 }]),
                json!({ "event": "action", "params": { "action": "a", "x": 1 } }),
            ),
            (
                "action",
                json!(["a", { "x": 1 }]),
                json!({ "event": "action", "params": { "x": 1, "action": "a" } }),
            ),
            (
                "action",
                json!(["a"]),
                json!({ "event": "action", "params": { "action": "a" } }),
            ),
            (
                "event",
                json!(["r", "typing", { "by": "ann" }]),
                json!({ "event": "event", "params": { "room": "r", "event": "typing", "data": { "by": "ann" } } }),
            ),
            (
                "event",
                json!([{ "room": "r", "event": "e" }]),
                json!({ "event": "event", "params": { "room": "r", "event": "e" } }),
            ),
            (
                "else",
                json!([1, "x"]),
                json!({ "event": "else", "args": [1, "x"] }),
            ),
        ] {
            let args = args.as_array().unwrap();
            check(event, args, None, expected.clone());
            let mut with_id = expected;
            if let Some(object) = with_id.as_object_mut() {
                object.insert("messageId".into(), "7".into());
            }
            check(event, args, Some("7"), with_id);
        }
    }
}
