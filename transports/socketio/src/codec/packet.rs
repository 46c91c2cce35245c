//! Packets as they are over a WebSocket, for those that go past the library.

use stellarfw_engineio::put_header;

use super::wire::Wire;

/// What a packet of MessagePack begins with, up to its type: `{"type":`.
const TYPE: &[u8] = b"\xa4type";
/// The acknowledgement and the arguments of an event of this namespace with nothing attached.
pub(crate) fn event<'a>(packet: &'a str, namespace: &str) -> Option<(Option<i64>, &'a str)> {
    let rest = packet.strip_prefix("42")?;
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

/// Writes packets of an encoding, of a namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) wire: Wire,
    pub(crate) namespace: &'a str,
}

impl<'a> Writer<'a> {
    /// What stands in JSON between a packet's type and its number: nothing, or a name and a comma.
    fn between(self) -> [&'a [u8]; 2] {
        match self.namespace {
            "/" => [b"", b""],
            name => [name.as_bytes(), b","],
        }
    }

    /// What a packet of MessagePack begins with, up to its arguments.
    fn head(self, fields: u8, kind: u8) -> Vec<u8> {
        let mut head = [&[fields], TYPE, &[kind], b"\xa3nsp"].concat();
        head.extend(self.wire.string(self.namespace));
        head.extend_from_slice(b"\xa4data");
        head
    }

    /// An event with its arguments.
    pub(crate) fn event(self, out: &mut Vec<u8>, name: &str, args: &[&[u8]]) {
        let name = self.wire.string(name);
        match self.wire {
            Wire::Json => {
                let [namespace, comma] = self.between();
                let commas = args.len();
                let len = args.iter().map(|arg| arg.len()).sum::<usize>();
                let head = 2 + namespace.len() + comma.len();
                put_header(out, false, head + name.len() + commas + len + 2);
                out.extend_from_slice(b"42");
                out.extend_from_slice(namespace);
                out.extend_from_slice(comma);
                out.push(b'[');
                out.extend_from_slice(&name);
                for arg in args {
                    out.push(b',');
                    out.extend_from_slice(arg);
                }
                out.push(b']');
            }
            Wire::MessagePack => {
                let mut items = vec![&name[..]];
                items.extend_from_slice(args);
                let list = self.wire.list(&items);
                let head = self.head(0x83, 2);
                put_header(out, true, head.len() + list.len());
                out.extend_from_slice(&head);
                out.extend_from_slice(&list);
            }
        }
    }

    /// What the client's event of this number is answered.
    pub(crate) fn ack(self, out: &mut Vec<u8>, number: i64, args: &[&[u8]]) {
        match self.wire {
            Wire::Json => {
                let [namespace, comma] = self.between();
                let number = number.to_string();
                let commas = args.len().saturating_sub(1);
                let len = args.iter().map(|arg| arg.len()).sum::<usize>();
                let head = 2 + namespace.len() + comma.len() + number.len();
                put_header(out, false, head + commas + len + 2);
                out.extend_from_slice(b"43");
                out.extend_from_slice(namespace);
                out.extend_from_slice(comma);
                out.extend_from_slice(number.as_bytes());
                out.push(b'[');
                for (n, arg) in args.iter().enumerate() {
                    if n > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(arg);
                }
                out.push(b']');
            }
            Wire::MessagePack => {
                let head = self.head(0x84, 3);
                let list = self.wire.list(args);
                let mut id = b"\xa2id".to_vec();
                rmp::encode::write_sint(&mut id, number).ok();
                put_header(out, true, head.len() + list.len() + id.len());
                out.extend_from_slice(&head);
                out.extend_from_slice(&list);
                out.extend_from_slice(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn events_are_told_from_other_packets() {
        assert_eq!(event("42[\"a\"]", "/"), Some((None, "[\"a\"]")));
        assert_eq!(event("4217[1]", "/"), Some((Some(17), "[1]")));
        assert_eq!(event("42/a,17[1]", "/a"), Some((Some(17), "[1]")));
        for other in ["42[1]", "42/ab,[1]", "42/a[1]", "42/a", "42/a,/b,[1]"] {
            assert_eq!(event(other, "/a"), None, "{other}");
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
            assert_eq!(event(other, "/"), None, "{other}");
        }
    }

    #[test]
    fn packets_are_what_the_protocol_says() {
        let mut out = Vec::new();
        let json = Writer {
            wire: Wire::Json,
            namespace: "/",
        };
        json.event(&mut out, "us\"er", &[b"{}", b"1"]);
        json.ack(&mut out, 456, &[b"[2]", b"3"]);
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
        json.event(&mut out, "x", &[]);
        json.ack(&mut out, 4, &[]);
        assert_eq!(out, b"\x81\x0a42/a,[\"x\"]\x81\x0843/a,4[]");

        let packed = |value: &Value| rmp_serde::to_vec_named(value).unwrap();
        let pack = Writer {
            wire: Wire::MessagePack,
            namespace: "/a",
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
        );
        let expected = json!({ "type": 2, "nsp": "/a", "data": ["user", { "a": 1 }, 2] });
        assert_eq!(read(&out), expected);
        let mut out = Vec::new();
        pack.ack(&mut out, 456, &[&packed(&json!([2])), &packed(&json!(3))]);
        let expected = json!({ "type": 3, "nsp": "/a", "data": [[2], 3], "id": 456 });
        assert_eq!(read(&out), expected);
    }
}
