//! Packets as text, with attachments as binary messages behind them: `socket.io-parser`.

use std::borrow::Cow;

use serde::{Serialize, de::IgnoredAny};

use super::{Args, Body, Head, MAX_ATTACHMENTS, Packet, Reply};

/// Parses `<type>[<attachments>-][<namespace>,][<ack>][<data>]`.
pub(super) fn parse(text: &str) -> Option<Packet<'_>> {
    let kind = *text.as_bytes().first()?;
    let rest = text.get(1..)?;
    let (attachments, rest) = match kind {
        b'5' | b'6' => {
            let (count, rest) = rest.split_once('-')?;
            (digits(count)?, rest)
        }
        _ => (0, rest),
    };
    let attachments = usize::try_from(attachments).ok()?;
    if attachments > MAX_ATTACHMENTS {
        return None;
    }
    let (namespace, rest) = match rest.starts_with('/') {
        // Without data the comma may be missing.
        true => rest.split_once(',').unwrap_or((rest, "")),
        false => ("/", rest),
    };
    if namespace.contains(|c: char| c.is_control()) {
        return None;
    }
    let body = match kind {
        b'0' => Body::Connect(json(rest)?),
        b'1' => Body::Disconnect,
        b'2' | b'5' => {
            let (ack, list) = acknowledged(rest)?;
            Body::Event { ack, list }
        }
        b'3' | b'6' => {
            let (ack, list) = acknowledged(rest)?;
            (ack.is_some() && json(std::str::from_utf8(list).ok()?)?.is_some()).then_some(())?;
            Body::Ack
        }
        _ => return None,
    };
    Some(Packet {
        namespace: Cow::Borrowed(namespace),
        body,
        attachments,
    })
}

/// Splits the number of an acknowledgement from the list behind it.
fn acknowledged(text: &str) -> Option<(Option<i64>, &[u8])> {
    let at = text.find('[')?;
    let (ack, list) = text.split_at(at);
    let ack = match ack {
        "" => None,
        ack => Some(digits(ack)?),
    };
    Some((ack, list.as_bytes()))
}

/// Returns the value if there is any, or `None` if it is not JSON.
fn json(text: &str) -> Option<Option<&[u8]>> {
    if text.is_empty() {
        return Some(None);
    }
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    Some(Some(text.as_bytes()))
}

/// Reads a number of digits alone, without a sign.
fn digits(text: &str) -> Option<i64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

pub(super) fn write(
    namespace: &str,
    head: Head<'_>,
    args: Args<'_>,
    attachments: usize,
) -> Vec<u8> {
    let (len, name) = match (args, head) {
        (Args::Items(items), Head::Event(name)) => (lengths(items), name),
        (Args::Items(items), Head::Ack(_)) => (lengths(items), ""),
        (Args::List(list), Head::Event(name)) => (list.len(), name),
        (Args::List(list), Head::Ack(_)) => (list.len(), ""),
    };
    let mut out = Vec::with_capacity(len + namespace.len() + name.len() + 32);
    out.push(match (head, attachments) {
        (Head::Event(_), 0) => b'2',
        (Head::Ack(_), 0) => b'3',
        (Head::Event(_), _) => b'5',
        (Head::Ack(_), _) => b'6',
    });
    if attachments > 0 {
        put_number(&mut out, attachments as u64);
        out.push(b'-');
    }
    put_namespace(&mut out, namespace);
    if let Head::Ack(id) = head {
        put_number(&mut out, id.unsigned_abs());
    }
    out.push(b'[');
    let start = out.len();
    if let Head::Event(name) = head {
        put_string(&mut out, name);
    }
    match args {
        Args::Items(items) => {
            for item in items {
                separate(&mut out, start);
                out.extend_from_slice(item);
            }
        }
        Args::List(list) => {
            let inner = list.trim_ascii();
            let inner = inner.strip_prefix(b"[").unwrap_or(inner);
            let inner = inner.strip_suffix(b"]").unwrap_or(inner).trim_ascii();
            if !inner.is_empty() {
                separate(&mut out, start);
                out.extend_from_slice(inner);
            }
        }
    }
    out.push(b']');
    out
}

fn lengths(items: &[&[u8]]) -> usize {
    items.iter().map(|item| item.len() + 1).sum()
}

fn separate(out: &mut Vec<u8>, start: usize) {
    if out.len() > start {
        out.push(b',');
    }
}

pub(super) fn reply(namespace: &str, reply: Reply<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(namespace.len() + 48);
    out.push(match reply {
        Reply::Connected(_) => b'0',
        Reply::Disconnect => b'1',
        Reply::Refused(_) => b'4',
    });
    put_namespace(&mut out, namespace);
    match reply {
        Reply::Connected(Some(sid)) => put_field(&mut out, "sid", sid),
        Reply::Refused(message) => put_field(&mut out, "message", message),
        Reply::Connected(None) | Reply::Disconnect => {}
    }
    out
}

fn put_namespace(out: &mut Vec<u8>, namespace: &str) {
    if namespace != "/" {
        out.extend_from_slice(namespace.as_bytes());
        out.push(b',');
    }
}

fn put_field(out: &mut Vec<u8>, key: &str, value: &str) {
    out.push(b'{');
    put_string(out, key);
    out.push(b':');
    put_string(out, value);
    out.push(b'}');
}

fn put_string(out: &mut Vec<u8>, text: &str) {
    // Writing a string into a vector cannot fail.
    let mut json = serde_json::Serializer::new(out);
    text.serialize(&mut json).ok();
}

fn put_number(out: &mut Vec<u8>, number: u64) {
    // Writing a number into a vector cannot fail.
    std::io::Write::write_fmt(out, format_args!("{number}")).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet<'a>(namespace: &'a str, body: Body<'a>, attachments: usize) -> Option<Packet<'a>> {
        Some(Packet {
            namespace: namespace.into(),
            body,
            attachments,
        })
    }

    fn event(ack: Option<i64>, list: &str) -> Body<'_> {
        let list = list.as_bytes();
        Body::Event { ack, list }
    }

    #[test]
    fn packets_are_parsed() {
        for (text, namespace, body, attachments) in [
            ("0", "/", Body::Connect(None), 0),
            ("0{\"a\":1}", "/", Body::Connect(Some(b"{\"a\":1}")), 0),
            ("0/a", "/a", Body::Connect(None), 0),
            ("0/a,", "/a", Body::Connect(None), 0),
            ("0/a?x=1", "/a?x=1", Body::Connect(None), 0),
            ("0/a,{}", "/a", Body::Connect(Some(b"{}")), 0),
            ("1", "/", Body::Disconnect, 0),
            ("1/é,", "/é", Body::Disconnect, 0),
            ("2[\"a\"]", "/", event(None, "[\"a\"]"), 0),
            ("217[1]", "/", event(Some(17), "[1]"), 0),
            ("2/a,17[1]", "/a", event(Some(17), "[1]"), 0),
            ("512-/a,17[1]", "/a", event(Some(17), "[1]"), 12),
            ("51-[\"a-b\"]", "/", event(None, "[\"a-b\"]"), 1),
            ("50-[\"a\"]", "/", event(None, "[\"a\"]"), 0),
            ("51024-[\"a\"]", "/", event(None, "[\"a\"]"), 1_024),
            ("37[\"x\"]", "/", Body::Ack, 0),
            ("61-/a,7[]", "/a", Body::Ack, 1),
        ] {
            assert_eq!(parse(text), packet(namespace, body, attachments), "{text}");
        }
    }

    #[test]
    fn other_messages_are_malformed() {
        for text in [
            "",
            "9",
            "7",
            "é",
            "2",
            "217",
            "2{}",
            "2-1[\"a\"]",
            "2+1[\"a\"]",
            "2/a",
            "2/a[1]",
            "2/a,/b,[1]",
            "21-[]",
            "299999999999999999999[]",
            "3[\"x\"]",
            "37[",
            "4{}",
            "5-[\"a\"]",
            "5[\"a\"]",
            "5+1-[\"a\"]",
            "51025-[\"a\"]",
            "599999999999999999999-[]",
            "0{",
            "0/\u{1e}1",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn packets_are_written() {
        let items: [&[u8]; 2] = [b"{}", b"1"];
        for (namespace, head, args, attachments, expected) in [
            (
                "/",
                Head::Event("us\"er"),
                Args::Items(&items),
                0,
                "2[\"us\\\"er\",{},1]",
            ),
            ("/a", Head::Event("x"), Args::Items(&[]), 0, "2/a,[\"x\"]"),
            (
                "/a",
                Head::Event("x"),
                Args::Items(&items),
                12,
                "512-/a,[\"x\",{},1]",
            ),
            (
                "/",
                Head::Event("x"),
                Args::List(b" [1, 2 ] "),
                0,
                "2[\"x\",1, 2]",
            ),
            ("/", Head::Event("x"), Args::List(b"[ ]"), 0, "2[\"x\"]"),
            ("/", Head::Ack(456), Args::Items(&items), 0, "3456[{},1]"),
            ("/a", Head::Ack(4), Args::Items(&[]), 1, "61-/a,4[]"),
            ("/", Head::Ack(0), Args::List(b"[[2],3]"), 0, "30[[2],3]"),
        ] {
            let written = write(namespace, head, args, attachments);
            assert_eq!(String::from_utf8(written).unwrap(), expected);
        }
        for (namespace, packet, expected) in [
            ("/", Reply::Connected(Some("x")), "0{\"sid\":\"x\"}"),
            ("/", Reply::Connected(None), "0"),
            ("/a", Reply::Connected(Some("x")), "0/a,{\"sid\":\"x\"}"),
            ("/", Reply::Disconnect, "1"),
            ("/a", Reply::Disconnect, "1/a,"),
            (
                "/a",
                Reply::Refused("no \"x\""),
                "4/a,{\"message\":\"no \\\"x\\\"\"}",
            ),
        ] {
            let written = reply(namespace, packet);
            assert_eq!(String::from_utf8(written).unwrap(), expected);
        }
    }
}
