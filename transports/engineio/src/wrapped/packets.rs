//! Payloads of the polling transport, which are what the library reads and writes: taken apart into
//! the packets they hold, and made of one.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::HeaderValue;
use stellarfw_transport::Message;

/// What stands between two packets of a payload (protocol 4).
const SEPARATOR: u8 = 0x1e;
/// So many digits a packet's length has at most (protocol 3), and the colon.
const LONGEST_LENGTH: usize = 21;

/// A packet as it is over a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    /// With its type in front.
    Text(&'a str),
    /// A message of bytes, without a type.
    Binary(Vec<u8>),
}

/// Whether a payload of this type is one of protocol 3 that has bytes in it.
pub(crate) fn is_binary(content_type: &HeaderValue) -> bool {
    *content_type == HeaderValue::from_static("application/octet-stream")
}

/// Calls a function for each packet of a payload, until one cannot be read. Whether all could.
///
/// `binary`: the payload is one of protocol 3 that has bytes in it.
pub(crate) fn read(
    payload: &[u8],
    protocol: u8,
    binary: bool,
    mut f: impl FnMut(Packet<'_>),
) -> bool {
    let mut rest = payload;
    while !rest.is_empty() {
        let packet = match (protocol, binary) {
            (3, true) => split_binary(&mut rest),
            (3, false) => split_text(&mut rest).and_then(|packet| text(packet, "b4")),
            _ => str::from_utf8(split_separated(&mut rest))
                .ok()
                .and_then(|packet| text(packet, "b")),
        };
        let Some(packet) = packet else {
            return false;
        };
        f(packet);
    }
    true
}

/// A packet of a payload that is text, in which this begins a message of bytes in base64.
fn text<'a>(packet: &'a str, bytes: &str) -> Option<Packet<'a>> {
    match packet.strip_prefix(bytes) {
        Some(bytes) => STANDARD.decode(bytes).ok().map(Packet::Binary),
        None => Some(Packet::Text(packet)),
    }
}

/// The bytes of a packet that is a message of bytes in base64, if it is one that can be read.
pub(crate) fn from_base64(packet: &str, protocol: u8) -> Option<Vec<u8>> {
    match text(packet, if protocol == 3 { "b4" } else { "b" })? {
        Packet::Binary(bytes) => Some(bytes),
        Packet::Text(_) => None,
    }
}

/// Whether a packet of protocol 3 is bytes in base64 without the type that belongs between its `b` and
/// them: so the library writes several messages that it is given at once. The length tells, because
/// base64 comes in fours.
fn is_untyped(packet: &str) -> bool {
    packet.starts_with('b') && packet.len() % 4 == 1
}

/// A payload of protocol 3 with the types in it that the library has left out; none if it has not.
pub(crate) fn typed(payload: &[u8], binary: bool) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = payload;
    let mut copied = 0;
    while !rest.is_empty() {
        let at = payload.len() - rest.len();
        let packet = match binary {
            true => split_binary(&mut rest)?,
            false => Packet::Text(split_text(&mut rest)?),
        };
        let Packet::Text(text) = packet else {
            continue;
        };
        if !is_untyped(text) {
            continue;
        }
        out.extend_from_slice(&payload[copied..at]);
        copied = payload.len() - rest.len();
        let length = (text.len() + 1).to_string();
        if binary {
            out.push(0);
            out.extend(length.bytes().map(|digit| digit - b'0'));
            out.push(0xff);
        } else {
            out.extend_from_slice(length.as_bytes());
            out.push(b':');
        }
        out.extend_from_slice(b"b4");
        out.extend_from_slice(&text.as_bytes()[1..]);
    }
    if copied == 0 {
        return None;
    }
    out.extend_from_slice(&payload[copied..]);
    Some(out)
}

/// Returns `true` if a payload of protocol 4 would hold this text as several packets.
pub(crate) fn is_split(text: &str) -> bool {
    text.as_bytes().contains(&SEPARATOR)
}

/// The first packet of a payload of protocol 4.
fn split_separated<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let end = rest.iter().position(|byte| *byte == SEPARATOR);
    let end = end.unwrap_or(rest.len());
    let packet = &rest[..end];
    *rest = rest.get(end + 1..).unwrap_or_default();
    packet
}

/// The first packet of a payload of protocol 3: `length:packet`, in UTF-16's units.
fn split_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let at = rest.iter().take(LONGEST_LENGTH).position(|b| *b == b':')?;
    let mut length: usize = str::from_utf8(&rest[..at]).ok()?.parse().ok()?;
    let packets = &rest[at + 1..];
    // A unit is three bytes at most: so no more than this packet is read.
    let most = length.saturating_mul(3).min(packets.len());
    let text = match str::from_utf8(&packets[..most]) {
        Ok(text) => text,
        Err(error) => str::from_utf8(&packets[..error.valid_up_to()]).ok()?,
    };
    let mut end = 0;
    let mut chars = text.chars();
    while length > 0 {
        let c = chars.next()?;
        length = length.checked_sub(c.len_utf16())?;
        end += c.len_utf8();
    }
    *rest = &packets[end..];
    Some(&text[..end])
}

/// The first packet of a payload of protocol 3 that has bytes in it: 0 or 1, the digits of its
/// length, 255, and then text, or a message's type and its bytes.
fn split_binary<'a>(rest: &mut &'a [u8]) -> Option<Packet<'a>> {
    let (kind, digits) = rest.split_first()?;
    let end = digits.iter().position(|byte| *byte == 0xff)?;
    let length = digits[..end].iter().try_fold(0_usize, |length, digit| {
        length.checked_mul(10)?.checked_add(usize::from(*digit))
    })?;
    let from = end + 1;
    let packet = digits.get(from..from.checked_add(length)?)?;
    *rest = &digits[from + length..];
    match kind {
        0 => str::from_utf8(packet).ok().map(Packet::Text),
        _ => packet.get(1..).map(|bytes| Packet::Binary(bytes.to_vec())),
    }
}

/// The payload of a message, a text with the packet's type in front, and of the messages of bytes that
/// belong to it, as a client sends it. None if a payload cannot hold that text as one packet.
pub(crate) fn of(message: Message<'_>, attached: &[Bytes], protocol: u8) -> Option<Vec<u8>> {
    if let Message::Text(text) = message
        && protocol != 3
        && is_split(text)
    {
        return None;
    }
    let mut payload = of_one(message, protocol);
    for bytes in attached {
        if protocol != 3 {
            payload.push(SEPARATOR);
        }
        payload.extend(of_one(Message::Binary(bytes), protocol));
    }
    Some(payload)
}

fn of_one(message: Message<'_>, protocol: u8) -> Vec<u8> {
    let packet = match message {
        Message::Text(text) => text.to_owned(),
        Message::Binary(bytes) => {
            let mut packet = String::from(if protocol == 3 { "b4" } else { "b" });
            STANDARD.encode_string(bytes, &mut packet);
            packet
        }
    };
    match protocol {
        3 => format!("{}:{packet}", packet.encode_utf16().count()).into_bytes(),
        _ => packet.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(payload: &[u8], protocol: u8, binary: bool) -> Option<Vec<Packet<'static>>> {
        let mut packets = Vec::new();
        let whole = read(payload, protocol, binary, |packet| {
            packets.push(match packet {
                Packet::Text(text) => Packet::Text(String::from(text).leak()),
                Packet::Binary(bytes) => Packet::Binary(bytes),
            });
        });
        whole.then_some(packets)
    }

    #[test]
    fn a_payload_is_taken_apart_in_every_form() {
        let bytes = || Packet::Binary(vec![0, 255, 1]);
        let expected = vec![Packet::Text("4a:€😀"), bytes(), Packet::Text("2")];
        let payload = "4a:€😀\x1ebAP8B\x1e2";
        assert_eq!(all(payload.as_bytes(), 4, false), Some(expected.clone()));
        let payload = "6:4a:€😀6:b4AP8B1:2";
        assert_eq!(all(payload.as_bytes(), 3, false), Some(expected.clone()));
        let payload = [
            b"\0\x01\0\xff4a:\xe2\x82\xac\xf0\x9f\x98\x80" as &[u8],
            b"\x01\x04\xff\x04\0\xff\x01",
            b"\0\x01\xff2",
        ];
        assert_eq!(all(&payload.concat(), 3, true), Some(expected));
        for (protocol, binary) in [(4, false), (3, false), (3, true)] {
            assert_eq!(all(b"", protocol, binary), Some(Vec::new()));
        }
    }

    #[test]
    fn types_that_are_missing_are_put_in() {
        // Bytes whose base64 begins as a type does.
        let bytes = [0xe0, 0, 0];
        assert_eq!(STANDARD.encode(bytes), "4AAA");
        let payload = "4:42[]5:b4AAA6:b4AP8B9:bAP8BAP8B1:2";
        let expected = "4:42[]6:b44AAA6:b4AP8B10:b4AP8BAP8B1:2";
        let found = typed(payload.as_bytes(), false).unwrap();
        assert_eq!(str::from_utf8(&found).unwrap(), expected);
        assert_eq!(typed(expected.as_bytes(), false), None);
        let packets = all(expected.as_bytes(), 3, false).unwrap();
        assert_eq!(packets[1], Packet::Binary(bytes.to_vec()));

        let payload = b"\0\x04\xff42[]\0\x05\xffbAP8B\x01\x02\xff\x04b\0\x01\xff2";
        let expected = b"\0\x04\xff42[]\0\x06\xffb4AP8B\x01\x02\xff\x04b\0\x01\xff2";
        assert_eq!(typed(payload, true).unwrap(), expected);
        assert_eq!(typed(expected, true), None);

        // Text that begins so has a type of its own before it.
        assert_eq!(typed(b"6:4b4AAA2:4b", false), None);
        assert_eq!(typed(b"", false), None);
        assert_eq!(typed(b"x", false), None);
    }

    #[test]
    fn each_packet_of_a_payload_is_read_once() {
        // What is behind a packet is not looked at: a thousand of them would be looked at so often.
        let payload = [&b"3:4\xf0\x9f\x98\x801:2"[..], &[0xff; 64]].concat();
        let mut rest = &payload[..];
        assert_eq!(split_text(&mut rest), Some("4😀"));
        assert_eq!(split_text(&mut rest), Some("2"));
        assert_eq!(rest, [0xff; 64]);
        assert_eq!(split_text(&mut rest), None);
    }

    #[test]
    fn what_is_no_payload_is_told() {
        for (payload, protocol, binary) in [
            (&b"4\xff"[..], 4, false),
            (b"b!", 4, false),
            (b"3:4a", 3, false),
            (b"x:4a", 3, false),
            (b"4a", 3, false),
            // A length that ends within a character of two units.
            ("2:4😀".as_bytes(), 3, false),
            (b"2:4\xff", 3, false),
            (b"0000000000000000000001:4", 3, false),
            (b"\0\x02", 3, true),
            (b"\0\x02\xff4", 3, true),
            (b"\0\xfe\xff4", 3, true),
            (&[1; 64], 3, true),
        ] {
            assert_eq!(all(payload, protocol, binary), None, "{payload:?}");
        }
    }

    #[test]
    fn one_message_is_a_payload_that_reads_as_it() {
        for protocol in [3, 4] {
            for text in ["4", "42[\"a\"]", "4€😀"] {
                let payload = of(Message::Text(text), &[], protocol).unwrap();
                let read = all(&payload, protocol, false);
                assert_eq!(read, Some(vec![Packet::Text(String::from(text).leak())]));
            }
            for bytes in [&[][..], &[0], &[4, 0, 255, 7]] {
                let payload = of(Message::Binary(bytes), &[], protocol).unwrap();
                let read = all(&payload, protocol, false);
                assert_eq!(read, Some(vec![Packet::Binary(bytes.to_vec())]));
            }
        }
        let attached = [Bytes::from_static(&[0, 255]), Bytes::new()];
        for protocol in [3, 4] {
            let payload = of(Message::Text("452-[]"), &attached, protocol).unwrap();
            let mut expected = vec![Packet::Text("452-[]")];
            expected.extend(attached.iter().map(|bytes| Packet::Binary(bytes.to_vec())));
            assert_eq!(all(&payload, protocol, false), Some(expected));
        }
        // What parts the packets of a payload cannot be in one.
        assert_eq!(of(Message::Text("42\x1e41"), &[], 4), None);
        let payload = of(Message::Text("42\x1e41"), &[], 3).unwrap();
        assert_eq!(
            all(&payload, 3, false),
            Some(vec![Packet::Text("42\x1e41")])
        );
        assert_eq!(from_base64("bAP8B", 4), Some(vec![0, 255, 1]));
        assert_eq!(from_base64("b4AP8B", 3), Some(vec![0, 255, 1]));
        for (packet, protocol) in [("bAP8B", 3), ("b!", 4), ("4AP8B", 4), ("b", 3)] {
            assert_eq!(from_base64(packet, protocol), None, "{packet}");
        }
    }
}
