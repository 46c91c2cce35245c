//! Packets as MessagePack maps, in which binary values stay in place: `socket.io-msgpack-parser`.

use super::{Args, Body, Head, Packet, Reply};
use crate::encoding::{Encoding, array_header, put_array_len};

const CONNECT: u8 = 0;
const DISCONNECT: u8 = 1;
const EVENT: u8 = 2;
const ACK: u8 = 3;
const CONNECT_ERROR: u8 = 4;

const ENCODING: Encoding = Encoding::MessagePack;
const NIL: &[u8] = &[0xc0];

/// Parses `{type, nsp, data?, id?}`.
pub(super) fn parse(bytes: &[u8]) -> Option<Packet<'_>> {
    let [kind, namespace, data, ack] = ENCODING.fields(bytes, ["type", "nsp", "data", "id"])?;
    let namespace = ENCODING.text(namespace?)?;
    let data = data.filter(|data| *data != NIL);
    let ack = match ack {
        None | Some(NIL) => None,
        Some(mut ack) => Some(rmp::decode::read_int(&mut ack).ok()?),
    };
    let body = match rmp::decode::read_int(&mut kind?).ok()? {
        CONNECT => Body::Connect(data),
        DISCONNECT => Body::Disconnect,
        EVENT => Body::Event { ack, list: data? },
        ACK => {
            (ack.is_some() && array_header(data?).is_some()).then_some(())?;
            Body::Ack
        }
        _ => return None,
    };
    Some(Packet {
        namespace,
        body,
        attachments: 0,
    })
}

pub(super) fn write(namespace: &str, head: Head<'_>, args: Args<'_>) -> Vec<u8> {
    let (count, list) = match args {
        Args::Items(items) => (items.len(), &[][..]),
        Args::List(list) => match array_header(list) {
            Some((count, at)) => (count as usize, &list[at..]),
            None => (0, &[][..]),
        },
    };
    let len = match args {
        Args::Items(items) => items.iter().map(|item| item.len()).sum(),
        Args::List(list) => list.len(),
    };
    let mut out = Vec::with_capacity(len + namespace.len() + 64);
    let (kind, fields) = match head {
        Head::Event(_) => (EVENT, 3),
        Head::Ack(_) => (ACK, 4),
    };
    begin(&mut out, kind, fields, namespace);
    ENCODING.put_string(&mut out, "data");
    match head {
        Head::Event(name) => {
            put_array_len(&mut out, count + 1);
            ENCODING.put_string(&mut out, name);
        }
        Head::Ack(_) => put_array_len(&mut out, count),
    }
    match args {
        Args::Items(items) => items.iter().for_each(|item| out.extend_from_slice(item)),
        Args::List(_) => out.extend_from_slice(list),
    }
    if let Head::Ack(id) = head {
        ENCODING.put_string(&mut out, "id");
        // Writing into a vector cannot fail.
        rmp::encode::write_sint(&mut out, id).ok();
    }
    out
}

pub(super) fn reply(namespace: &str, reply: Reply<'_>) -> Vec<u8> {
    let (kind, field) = match reply {
        Reply::Connected(sid) => (CONNECT, sid.map(|sid| ("sid", sid))),
        Reply::Disconnect => (DISCONNECT, None),
        Reply::Refused(message) => (CONNECT_ERROR, Some(("message", message))),
    };
    let mut out = Vec::with_capacity(namespace.len() + 64);
    begin(&mut out, kind, 2 + u8::from(field.is_some()), namespace);
    if let Some((key, value)) = field {
        ENCODING.put_string(&mut out, "data");
        out.push(0x81);
        ENCODING.put_string(&mut out, key);
        ENCODING.put_string(&mut out, value);
    }
    out
}

/// Appends the header of a map of less than 16 fields, the type, and the namespace.
fn begin(out: &mut Vec<u8>, kind: u8, fields: u8, namespace: &str) {
    out.push(0x80 | fields);
    ENCODING.put_string(out, "type");
    out.push(kind);
    ENCODING.put_string(out, "nsp");
    ENCODING.put_string(out, namespace);
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn packed(value: &Value) -> Vec<u8> {
        rmp_serde::to_vec_named(value).unwrap()
    }

    #[test]
    fn packets_are_parsed() {
        let list = packed(&json!(["a", 1]));
        let auth = packed(&json!({ "a": 1 }));
        let event = |ack| Some(Body::Event { ack, list: &list });
        for (packet, expected) in [
            (
                json!({ "type": 2, "data": ["a", 1], "options": {}, "id": 300, "nsp": "/" }),
                event(Some(300)),
            ),
            (
                json!({ "nsp": "/", "type": 2, "data": ["a", 1] }),
                event(None),
            ),
            (
                json!({ "nsp": "/", "type": 2, "data": ["a", 1], "id": null }),
                event(None),
            ),
            (json!({ "nsp": "/", "type": 0 }), Some(Body::Connect(None))),
            (
                json!({ "nsp": "/", "type": 0, "data": null }),
                Some(Body::Connect(None)),
            ),
            (
                json!({ "nsp": "/", "type": 0, "data": { "a": 1 } }),
                Some(Body::Connect(Some(&auth))),
            ),
            (json!({ "nsp": "/", "type": 1 }), Some(Body::Disconnect)),
            (
                json!({ "nsp": "/", "type": 3, "data": [1], "id": 1 }),
                Some(Body::Ack),
            ),
            (json!({ "nsp": "/", "type": 3, "data": [1] }), None),
            (json!({ "nsp": "/", "type": 3, "data": 1, "id": 1 }), None),
            (
                json!({ "nsp": "/", "type": 2, "data": [1], "id": "1" }),
                None,
            ),
            (json!({ "nsp": "/", "type": 2 }), None),
            (json!({ "nsp": "/", "type": 4, "data": {} }), None),
            (json!({ "nsp": "/", "type": 300, "data": [] }), None),
            (json!({ "nsp": 1, "type": 2, "data": ["a", 1] }), None),
            (json!({ "type": 2, "data": ["a", 1] }), None),
            (json!([2]), None),
        ] {
            let bytes = packed(&packet);
            let found = parse(&bytes);
            let namespace = found.as_ref().map(|packet| packet.namespace.to_string());
            assert_eq!(
                namespace,
                expected.is_some().then(|| "/".into()),
                "{packet}"
            );
            assert_eq!(found.map(|packet| packet.body), expected, "{packet}");
        }
        assert_eq!(parse(b"\x83"), None);
        assert_eq!(parse(b""), None);
    }

    #[test]
    fn packets_are_written() {
        let items = [packed(&json!({ "a": 1 })), packed(&json!(2))];
        let items = [&items[0][..], &items[1]];
        let list = packed(&json!([{ "a": 1 }, 2]));
        let read = |bytes: Vec<u8>| -> Value { rmp_serde::from_slice(&bytes).unwrap() };
        for args in [Args::Items(&items), Args::List(&list)] {
            assert_eq!(
                read(write("/a", Head::Event("user"), args)),
                json!({ "type": 2, "nsp": "/a", "data": ["user", { "a": 1 }, 2] })
            );
            assert_eq!(
                read(write("/", Head::Ack(456), args)),
                json!({ "type": 3, "nsp": "/", "data": [{ "a": 1 }, 2], "id": 456 })
            );
        }
        for (packet, expected) in [
            (
                Reply::Connected(Some("x")),
                json!({ "type": 0, "nsp": "/a", "data": { "sid": "x" } }),
            ),
            (Reply::Connected(None), json!({ "type": 0, "nsp": "/a" })),
            (Reply::Disconnect, json!({ "type": 1, "nsp": "/a" })),
            (
                Reply::Refused("no"),
                json!({ "type": 4, "nsp": "/a", "data": { "message": "no" } }),
            ),
        ] {
            assert_eq!(read(reply("/a", packet)), expected);
        }
    }
}
