//! Packets of the namespace `/` as they are over a WebSocket, for those that go past the library.

use stellarfw_engineio::put_header;

use super::wire::Wire;

/// What a packet of MessagePack begins with, up to its type: `{"type":`.
const TYPE: &[u8] = b"\xa4type";
/// Its namespace, and the name of what follows: `"nsp":"/","data":`.
const REST: &[u8] = b"\xa3nsp\xa1/\xa4data";

/// The acknowledgement and the arguments of an event with nothing attached.
pub(crate) fn event(packet: &str) -> Option<(Option<i64>, &str)> {
    let rest = packet.strip_prefix("42")?;
    let at = rest.find(|c: char| !c.is_ascii_digit())?;
    let (ack, list) = rest.split_at(at);
    // A namespace begins with a slash.
    let ack = match ack {
        "" => None,
        ack => Some(ack.parse().ok()?),
    };
    list.starts_with('[').then_some((ack, list))
}

/// Writes packets of an encoding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer(pub(crate) Wire);

impl Writer {
    /// An event with its arguments.
    pub(crate) fn event(self, out: &mut Vec<u8>, name: &str, args: &[&[u8]]) {
        let name = self.0.string(name);
        match self.0 {
            Wire::Json => {
                let commas = args.len();
                let len = args.iter().map(|arg| arg.len()).sum::<usize>();
                put_header(out, false, 3 + name.len() + commas + len + 1);
                out.extend_from_slice(b"42[");
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
                let list = self.0.list(&items);
                let head = [&[0x83], TYPE, &[2], REST].concat();
                put_header(out, true, head.len() + list.len());
                out.extend_from_slice(&head);
                out.extend_from_slice(&list);
            }
        }
    }

    /// What the client's event of this number is answered.
    pub(crate) fn ack(self, out: &mut Vec<u8>, number: i64, value: &[u8]) {
        match self.0 {
            Wire::Json => {
                let number = number.to_string();
                put_header(out, false, 2 + number.len() + value.len() + 2);
                out.extend_from_slice(b"43");
                out.extend_from_slice(number.as_bytes());
                out.push(b'[');
                out.extend_from_slice(value);
                out.push(b']');
            }
            Wire::MessagePack => {
                let head = [&[0x84], TYPE, &[3], REST].concat();
                let list = self.0.list(&[value]);
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
        assert_eq!(event("42[\"a\"]"), Some((None, "[\"a\"]")));
        assert_eq!(event("4217[1]"), Some((Some(17), "[1]")));
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
            assert_eq!(event(other), None, "{other}");
        }
    }

    #[test]
    fn packets_are_what_the_protocol_says() {
        let mut out = Vec::new();
        let json = Writer(Wire::Json);
        json.event(&mut out, "us\"er", &[b"{}", b"1"]);
        json.ack(&mut out, 456, b"[2]");
        let first = b"42[\"us\\\"er\",{},1]";
        let second = b"43456[[2]]";
        let expected = [
            &[0x81, first.len() as u8],
            &first[..],
            &[0x81, second.len() as u8],
            second,
        ];
        assert_eq!(out, expected.concat());

        let packed = |value: &Value| rmp_serde::to_vec_named(value).unwrap();
        let pack = Writer(Wire::MessagePack);
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
        let expected = json!({ "type": 2, "nsp": "/", "data": ["user", { "a": 1 }, 2] });
        assert_eq!(read(&out), expected);
        let mut out = Vec::new();
        pack.ack(&mut out, 456, &packed(&json!([2])));
        let expected = json!({ "type": 3, "nsp": "/", "data": [[2]], "id": 456 });
        assert_eq!(read(&out), expected);
    }
}
