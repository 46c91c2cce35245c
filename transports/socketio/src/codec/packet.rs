//! Packets as they are over a WebSocket, for those that go past the library.

use std::borrow::Cow;

use bytes::Bytes;
use stellarfw_engineio::wrapped::put_header;

use super::wire::Wire;

/// Engine.IO's type of a message.
const MESSAGE: u8 = 4;
/// Socket.IO's types.
const EVENT: u8 = 2;
const ACK: u8 = 3;

/// What a map of few fields begins with in MessagePack, and what its first key is here.
const MAP: u8 = 0x80;
const NIL: u8 = 0xc0;
const TYPE: &[u8] = b"\xa4type";

/// The acknowledgement and the arguments of an event of this namespace with so many attachments.
pub(crate) fn event<'a>(
    packet: &'a str,
    attached: usize,
    namespace: &str,
) -> Option<(Option<i64>, &'a str)> {
    let rest = match attached {
        0 => packet.strip_prefix("42")?,
        // Their number was read before they came.
        _ => packet.strip_prefix("45")?.split_once('-')?.1,
    };
    let rest = match namespace {
        "/" => rest,
        name => rest.strip_prefix(name)?.strip_prefix(',')?,
    };
    let at = rest.find(|c: char| !c.is_ascii_digit())?;
    let (ack, list) = rest.split_at(at);
    let ack = match ack {
        "" => None,
        ack => Some(ack.parse().ok()?),
    };
    // Another namespace begins with a slash.
    list.starts_with('[').then_some((ack, list))
}

/// The acknowledgement and the arguments of an event of this namespace in MessagePack.
pub(crate) fn packed_event<'a>(
    packet: &'a [u8],
    namespace: &str,
) -> Option<(Option<i64>, &'a [u8])> {
    let wire = Wire::MessagePack;
    let [kind, name, data, ack] = wire.fields(packet, ["type", "nsp", "data", "id"])?;
    if kind? != [EVENT] || wire.text(name?)? != namespace {
        return None;
    }
    let ack = match ack {
        None | Some([NIL]) => None,
        Some(mut ack) => Some(rmp::decode::read_int(&mut ack).ok()?),
    };
    Some((ack, data?))
}

/// Writes packets of an encoding, of a namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) wire: Wire,
    pub(crate) namespace: &'a str,
    /// Messages of bytes have Engine.IO's type in front (protocol 3).
    pub(crate) typed: bool,
}

impl Writer<'_> {
    /// An event with its arguments, and with bytes that are attached to it.
    pub(crate) fn event(self, out: &mut Vec<u8>, name: &str, args: &[&[u8]], attached: &[Bytes]) {
        let name = self.wire.string(name);
        match self.wire {
            Wire::Json => self.json(out, EVENT, None, Some(&name), args, attached),
            Wire::MessagePack => {
                let mut items = vec![&name[..]];
                items.extend_from_slice(args);
                self.packed(out, EVENT, None, &items);
            }
        }
    }

    /// What the client's event of this number is answered.
    pub(crate) fn ack(self, out: &mut Vec<u8>, number: i64, args: &[&[u8]], attached: &[Bytes]) {
        match self.wire {
            Wire::Json => self.json(out, ACK, Some(number), None, args, attached),
            Wire::MessagePack => self.packed(out, ACK, Some(number), args),
        }
    }

    fn json(
        self,
        out: &mut Vec<u8>,
        kind: u8,
        number: Option<i64>,
        name: Option<&[u8]>,
        args: &[&[u8]],
        attached: &[Bytes],
    ) {
        let kind: Cow<'_, str> = match (kind, attached.len()) {
            (EVENT, 0) => "42".into(),
            (_, 0) => "43".into(),
            (EVENT, count) => format!("45{count}-").into(),
            (_, count) => format!("46{count}-").into(),
        };
        let [namespace, comma] = match self.namespace {
            "/" => ["", ""],
            name => [name, ","],
        };
        let number = number.map(|number| number.to_string());
        let number = number.as_deref().unwrap_or_default();
        let head = [&kind, namespace, comma, number, "["];
        let items = || name.into_iter().chain(args.iter().copied());
        let len = items().map(|item| item.len() + 1).sum::<usize>().max(1);
        let len = head.iter().map(|part| part.len()).sum::<usize>() + len;
        put_header(out, false, len);
        for part in head {
            out.extend_from_slice(part.as_bytes());
        }
        for (n, item) in items().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            out.extend_from_slice(item);
        }
        out.push(b']');
        for bytes in attached {
            self.binary(out, &[bytes]);
        }
    }

    fn packed(self, out: &mut Vec<u8>, kind: u8, number: Option<i64>, args: &[&[u8]]) {
        let fields = 3 + u8::from(number.is_some());
        let mut head = [&[MAP | fields], TYPE, &[kind], b"\xa3nsp"].concat();
        head.extend(self.wire.string(self.namespace));
        head.extend_from_slice(b"\xa4data");
        let list = self.wire.list(args);
        let mut id = Vec::new();
        if let Some(number) = number {
            id.extend_from_slice(b"\xa2id");
            // Writing into a vector cannot fail.
            rmp::encode::write_sint(&mut id, number).ok();
        }
        self.binary(out, &[&head, &list, &id]);
    }

    /// A message of bytes.
    fn binary(self, out: &mut Vec<u8>, parts: &[&[u8]]) {
        let kind = self.typed.then_some(MESSAGE);
        let len = parts.iter().map(|part| part.len()).sum::<usize>();
        put_header(out, true, len + usize::from(kind.is_some()));
        out.extend(kind);
        for part in parts {
            out.extend_from_slice(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn events_are_told_from_other_packets() {
        assert_eq!(event("42[\"a\"]", 0, "/"), Some((None, "[\"a\"]")));
        assert_eq!(event("4217[1]", 0, "/"), Some((Some(17), "[1]")));
        assert_eq!(event("42/a,17[1]", 0, "/a"), Some((Some(17), "[1]")));
        assert_eq!(event("4512-/a,17[1]", 12, "/a"), Some((Some(17), "[1]")));
        assert_eq!(event("451-[\"a-b\"]", 1, "/"), Some((None, "[\"a-b\"]")));
        assert_eq!(event("461-7[]", 1, "/"), None);
        for other in ["42[1]", "42/ab,[1]", "42/a[1]", "42/a", "42/a,/b,[1]"] {
            assert_eq!(event(other, 0, "/a"), None, "{other}");
        }
        for other in [
            "42",
            "4217",
            "42/a,[\"a\"]",
            "421-[]",
            "43[]",
            "42{}",
            "2",
            "",
            "4299999999999999999999[]",
        ] {
            assert_eq!(event(other, 0, "/"), None, "{other}");
        }
    }

    #[test]
    fn packets_are_what_the_protocol_says() {
        let mut out = Vec::new();
        let json = Writer {
            wire: Wire::Json,
            namespace: "/",
            typed: false,
        };
        json.event(&mut out, "us\"er", &[b"{}", b"1"], &[]);
        json.ack(&mut out, 456, &[b"[2]", b"3"], &[]);
        let first = b"42[\"us\\\"er\",{},1]";
        let second = b"43456[[2],3]";
        let expected = [
            &[0x81, first.len() as u8],
            &first[..],
            &[0x81, second.len() as u8],
            second,
        ];
        assert_eq!(out, expected.concat());
        let mut out = Vec::new();
        let json = Writer {
            namespace: "/a",
            ..json
        };
        json.event(&mut out, "x", &[], &[]);
        json.ack(&mut out, 4, &[], &[]);
        assert_eq!(out, b"\x81\x0a42/a,[\"x\"]\x81\x0843/a,4[]");
        let mut out = Vec::new();
        let attached = [Bytes::from_static(&[7]), Bytes::new()];
        json.event(&mut out, "x", &[b"1"], &attached);
        let typed = Writer {
            typed: true,
            ..json
        };
        typed.ack(&mut out, 4, &[], &attached[..1]);
        let expected = [
            &b"\x81\x0e452-/a,[\"x\",1]\x82\x01\x07\x82\x00"[..],
            b"\x81\x0a461-/a,4[]\x82\x02\x04\x07",
        ];
        assert_eq!(out, expected.concat());

        let packed = |value: &Value| rmp_serde::to_vec_named(value).unwrap();
        let pack = Writer {
            wire: Wire::MessagePack,
            namespace: "/a",
            typed: false,
        };
        let read = |out: &[u8]| -> Value {
            assert_eq!(out[0], 0x82);
            assert_eq!(usize::from(out[1]), out.len() - 2);
            rmp_serde::from_slice(&out[2..]).unwrap()
        };
        let mut out = Vec::new();
        pack.event(
            &mut out,
            "user",
            &[&packed(&json!({ "a": 1 })), &packed(&json!(2))],
            &[],
        );
        let expected = json!({ "type": 2, "nsp": "/a", "data": ["user", { "a": 1 }, 2] });
        assert_eq!(read(&out), expected);
        let mut out = Vec::new();
        pack.ack(
            &mut out,
            456,
            &[&packed(&json!([2])), &packed(&json!(3))],
            &[],
        );
        let expected = json!({ "type": 3, "nsp": "/a", "data": [[2], 3], "id": 456 });
        assert_eq!(read(&out), expected);
    }

    #[test]
    fn events_of_messagepack_are_told_from_other_packets() {
        let packed = |value: &Value| rmp_serde::to_vec_named(value).unwrap();
        for (packet, expected) in [
            (
                json!({ "type": 2, "data": ["a", 1], "options": {}, "id": 300, "nsp": "/" }),
                Some(Some(300)),
            ),
            (
                json!({ "nsp": "/", "type": 2, "data": ["a", 1] }),
                Some(None),
            ),
            (
                json!({ "nsp": "/", "type": 2, "data": ["a", 1], "id": null }),
                Some(None),
            ),
            (json!({ "nsp": "/a", "type": 2, "data": ["a", 1] }), None),
            (json!({ "nsp": "/", "type": 3, "data": [1], "id": 1 }), None),
            (
                json!({ "nsp": "/", "type": 2, "data": [1], "id": "1" }),
                None,
            ),
            (json!({ "nsp": "/", "type": 2 }), None),
            (json!({ "type": 2, "data": ["a", 1] }), None),
            (json!([2]), None),
        ] {
            let bytes = packed(&packet);
            let found = packed_event(&bytes, "/");
            assert_eq!(found.map(|(ack, _)| ack), expected, "{packet}");
            if let Some((_, data)) = found {
                assert_eq!(data, packed(&json!(["a", 1])), "{packet}");
            }
        }
        assert_eq!(packed_event(b"\x83", "/"), None);
    }
}
