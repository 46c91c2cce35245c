//! From a client's event to a payload.
//!
//! Event `message` is the payload itself. Every other event is what a payload would have as its
//! `event`, with its arguments under the names that the known ones have.

use std::borrow::Cow;

use super::wire::{Field, Wire};

/// The payload of an event; `id` is what its acknowledgement is found by. An event without what
/// it needs gives a payload that is none, so that it is reported as every undecodable one.
pub(crate) fn payload(wire: Wire, event: &str, args: &[&[u8]], id: Option<&str>) -> Vec<u8> {
    let id: Option<Field<'_>> = id.map(|id| ("messageId", wire.string(id).into()));
    if matches!(event, "message" | "primus") {
        let [payload] = args else {
            return Vec::new();
        };
        let with_id = id.and_then(|id| wire.extend(payload, &[id]));
        return with_id.unwrap_or_else(|| payload.to_vec());
    }
    let mut fields: Vec<Field<'_>> = vec![("event", wire.string(event).into())];
    let names: &[&str] = match event {
        "roomAdd" | "roomJoin" | "roomLeave" | "roomView" => &["room"],
        "say" => &["room", "message"],
        "file" => &["file"],
        _ => &[],
    };
    match event {
        "action" => fields.push(("params", action(wire, args))),
        "event" => fields.push(("params", named(wire, args, &["room", "event", "data"]))),
        "detailsView" | "quit" | "exit" => {}
        _ if names.is_empty() => fields.push(("args", wire.list(args).into())),
        _ => {
            fields.extend(id);
            let whole = named(wire, args, names);
            return wire.extend(&whole, &fields).unwrap_or_default();
        }
    }
    fields.extend(id);
    wire.object(&fields)
}

/// An object as it is, or one of the arguments by their names.
fn named<'a>(wire: Wire, args: &[&'a [u8]], names: &[&'a str]) -> Cow<'a, [u8]> {
    if let [object] = args
        && wire.extend(object, &[]).is_some()
    {
        return Cow::Borrowed(object);
    }
    let args = args.iter().map(|arg| Cow::Borrowed(*arg));
    let fields: Vec<Field<'_>> = names.iter().copied().zip(args).collect();
    wire.object(&fields).into()
}

/// `({action,…})`, `("name",{…})` or `("name")`.
fn action<'a>(wire: Wire, args: &[&'a [u8]]) -> Cow<'a, [u8]> {
    match args {
        [name, params, ..] if wire.text(name).is_some() => {
            let action = [("action", Cow::Borrowed(*name))];
            let with_name = wire.extend(params, &action);
            with_name.unwrap_or_else(|| wire.object(&action)).into()
        }
        args => named(wire, args, &["action"]),
    }
}

/// An event as it is.
pub(crate) fn plain(wire: Wire, event: &str, args: &[&[u8]], id: Option<&str>) -> Vec<u8> {
    let mut fields: Vec<Field<'_>> = vec![
        ("event", wire.string(event).into()),
        ("args", wire.list(args).into()),
    ];
    fields.extend(id.map(|id| ("messageId", wire.string(id).into())));
    wire.object(&fields)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(event: &str, args: &[Value], id: Option<&str>, expected: Value) {
        let raw: Vec<_> = args
            .iter()
            .map(|a| serde_json::to_vec(a).unwrap())
            .collect();
        let raw: Vec<_> = raw.iter().map(Vec::as_slice).collect();
        let json = payload(Wire::Json, event, &raw, id);
        assert_eq!(serde_json::from_slice::<Value>(&json).unwrap(), expected);

        let raw: Vec<_> = args
            .iter()
            .map(|a| rmp_serde::to_vec_named(a).unwrap())
            .collect();
        let raw: Vec<_> = raw.iter().map(Vec::as_slice).collect();
        let packed = payload(Wire::MessagePack, event, &raw, id);
        assert_eq!(rmp_serde::from_slice::<Value>(&packed).unwrap(), expected);
    }

    #[test]
    fn events_become_what_stellar_reads() {
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
        assert!(payload(Wire::Json, "message", &[], None).is_empty());
    }
}
