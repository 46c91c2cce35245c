//! Bytes among an event's arguments. JSON has none, so they are binary messages of their own behind the
//! event, in which a placeholder stands for each; in a payload they are what Node's `Buffer` is in JSON,
//! `{"type":"Buffer","data":[…]}`.

use std::{cell::RefCell, ops::Range};

use bytes::Bytes;
use serde::{Serialize, Serializer, ser::SerializeTuple as _};
use serde_json::Value;

use super::wire::{Wire, each_json_field};

/// So many may an event have.
pub(crate) const MOST: usize = 1_024;
/// So deep they are looked for.
const DEEPEST: usize = 64;

/// What stands in an event for the bytes attached to it.
pub(crate) fn placeholder(number: usize) -> String {
    format!("{{\"_placeholder\":true,\"num\":{number}}}")
}

/// Which bytes a value stands for.
pub(crate) fn number(value: &Value) -> Option<usize> {
    let is_one = value.get("_placeholder")?.as_bool()?;
    let number = value.get("num")?.as_u64()?;
    is_one.then(|| usize::try_from(number).ok())?
}

/// A payload with the bytes that belong to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Whole {
    Payload(Vec<u8>),
    /// It would be longer than a message may be.
    TooLong,
}

/// Puts attached bytes where their placeholders are, each in one place: a short text with many
/// placeholders of the same would otherwise become as long as its sender likes. The payload takes
/// exactly as much memory as it is long, and none if it is longer than `longest`.
///
/// Placeholders are found as clients write them, `"_placeholder":true,"num":0` or the other way round,
/// and the members beside them stay.
pub(crate) fn inline(payload: Vec<u8>, attached: &[Bytes], longest: usize) -> Whole {
    let mut unused: Vec<Option<&Bytes>> = attached.iter().map(Some).collect();
    let mut holes = Vec::new();
    let mut len = payload.len();
    let mut end = 0;
    for key in memchr::memmem::find_iter(&payload, KEY) {
        let hole = Hole::at(&payload, key).filter(|hole| hole.range.start >= end);
        let Some(hole) = hole else {
            continue;
        };
        end = hole.range.end;
        if let Some(bytes) = unused.get_mut(hole.number).and_then(Option::take) {
            let list = bytes.iter().map(|byte| digits(*byte) + 1).sum::<usize>();
            // Each but the last has a comma behind it, and that has the bracket.
            len = len - hole.range.len() + HEAD.len() + list.max(1);
            holes.push((hole.range, bytes));
        }
    }
    if len > longest {
        return Whole::TooLong;
    }
    if holes.is_empty() {
        return Whole::Payload(payload);
    }
    let mut out = Vec::with_capacity(len);
    let mut from = 0;
    for (range, bytes) in holes {
        out.extend_from_slice(&payload[from..range.start]);
        out.extend_from_slice(HEAD);
        for (n, byte) in bytes.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            put_number(&mut out, *byte);
        }
        out.push(b']');
        from = range.end;
    }
    out.extend_from_slice(&payload[from..]);
    Whole::Payload(out)
}

const KEY: &[u8] = b"\"_placeholder\"";
/// What stands before the bytes of Node's `Buffer` in JSON.
const HEAD: &[u8] = b"\"type\":\"Buffer\",\"data\":[";

/// Two members of an object that stand for attached bytes.
struct Hole {
    range: Range<usize>,
    number: usize,
}

impl Hole {
    /// Those of which the placeholder's key is here.
    fn at(json: &[u8], key: usize) -> Option<Self> {
        let (before, rest) = (json[..key].trim_ascii_end(), &json[key + KEY.len()..]);
        let after = member(rest, b"true")?;
        if let Some(after) = after.trim_ascii_start().strip_prefix(b",")
            && let Some(after) = after.trim_ascii_start().strip_prefix(b"\"num\"")
            && matches!(before.last(), Some(b'{' | b','))
        {
            let after = after
                .trim_ascii_start()
                .strip_prefix(b":")?
                .trim_ascii_start();
            let len = after
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            return Some(Self {
                range: key..json.len() - after.len() + len,
                number: number_of(&after[..len])?,
            });
        }
        // The other way round.
        let before = before.strip_suffix(b",")?.trim_ascii_end();
        let len = before
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (before, digits) = before.split_at(before.len() - len);
        let before = before.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
        let before = before.strip_suffix(b"\"num\"")?;
        matches!(before.trim_ascii_end().last(), Some(b'{' | b',')).then_some(())?;
        Some(Self {
            range: before.len()..json.len() - after.len(),
            number: number_of(digits)?,
        })
    }
}

/// What follows a member's value, if it is this one.
fn member<'a>(rest: &'a [u8], value: &[u8]) -> Option<&'a [u8]> {
    let rest = rest.trim_ascii_start().strip_prefix(b":")?;
    rest.trim_ascii_start().strip_prefix(value)
}

fn number_of(digits: &[u8]) -> Option<usize> {
    str::from_utf8(digits).ok()?.parse().ok()
}

fn digits(byte: u8) -> usize {
    match byte {
        100.. => 3,
        10.. => 2,
        _ => 1,
    }
}

fn put_number(out: &mut Vec<u8>, byte: u8) {
    if byte >= 100 {
        out.push(b'0' + byte / 100);
    }
    if byte >= 10 {
        out.push(b'0' + byte / 10 % 10);
    }
    out.push(b'0' + byte % 10);
}

/// Attached bytes that no placeholder has been filled with. Each fills one: a short text with many
/// placeholders of the same would otherwise become as long as its sender likes.
struct Unused<'a>(RefCell<Vec<Option<&'a [u8]>>>);

impl<'a> Unused<'a> {
    fn new(attached: &'a [Bytes]) -> Self {
        Self(RefCell::new(
            attached.iter().map(|b| Some(&b[..])).collect(),
        ))
    }

    /// The bytes that a value stands for, if it does.
    fn take(&self, value: &Value) -> Option<&'a [u8]> {
        self.0.borrow_mut().get_mut(number(value)?)?.take()
    }
}

/// A value whose placeholders are filled.
struct Filled<'a, 'b> {
    value: &'a Value,
    bytes: &'a Unused<'b>,
}

impl Serialize for Filled<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let filled = |value| Filled { value, ..*self };
        match self.bytes.take(self.value) {
            Some(bytes) => serializer.serialize_bytes(bytes),
            None => match self.value {
                Value::Array(items) => serializer.collect_seq(items.iter().map(filled)),
                Value::Object(map) => {
                    serializer.collect_map(map.iter().map(|(key, value)| (key, filled(value))))
                }
                other => other.serialize(serializer),
            },
        }
    }
}

/// An event's arguments as they are sent, each with placeholders, and the bytes these stand for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parted {
    pub(crate) args: Vec<Vec<u8>>,
    pub(crate) attached: Vec<Bytes>,
}

impl Parted {
    /// Takes the bytes out of a payload's arguments. None if there are none.
    pub(crate) fn of(args: &[&[u8]]) -> Option<Self> {
        if !args.iter().any(|arg| may_hold_bytes(arg)) {
            return None;
        }
        let mut parted = Self::default();
        for arg in args {
            let mut out = Vec::new();
            part(arg, &mut out, &mut parted.attached, DEEPEST);
            parted.args.push(out);
        }
        (!parted.attached.is_empty()).then_some(parted)
    }

    /// How many bytes of a payload they take at least.
    pub(crate) fn least(&self) -> usize {
        self.attached.iter().map(Bytes::len).sum()
    }
}

/// As the library wants it: a tuple, because that is what has its items as arguments, in which bytes are
/// bytes.
impl Serialize for Parted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.args.len())?;
        let bytes = Unused::new(&self.attached);
        for arg in &self.args {
            let value: Value = serde_json::from_slice(arg).map_err(serde::ser::Error::custom)?;
            tuple.serialize_element(&Filled {
                value: &value,
                bytes: &bytes,
            })?;
        }
        tuple.end()
    }
}

fn may_hold_bytes(value: &[u8]) -> bool {
    memchr::memmem::find(value, b"\"Buffer\"").is_some()
}

/// Appends a value, with placeholders for the bytes in it.
fn part(value: &[u8], out: &mut Vec<u8>, attached: &mut Vec<Bytes>, deepest: usize) {
    let known = match value.first() {
        _ if deepest == 0 || !may_hold_bytes(value) => None,
        Some(b'[') => part_list(value, out, attached, deepest - 1),
        Some(b'{') => part_object(value, out, attached, deepest - 1),
        _ => None,
    };
    if known.is_none() {
        out.extend_from_slice(value);
    }
}

fn part_list(
    list: &[u8],
    out: &mut Vec<u8>,
    attached: &mut Vec<Bytes>,
    deepest: usize,
) -> Option<()> {
    for (n, item) in Wire::Json.items(list)?.into_iter().enumerate() {
        out.push(if n == 0 { b'[' } else { b',' });
        part(item, out, attached, deepest);
    }
    out.push(b']');
    Some(())
}

fn part_object(
    object: &[u8],
    out: &mut Vec<u8>,
    attached: &mut Vec<Bytes>,
    deepest: usize,
) -> Option<()> {
    let mut fields = Vec::new();
    each_json_field(object, |key, value| fields.push((key.to_owned(), value)))?;
    if let Some(bytes) = buffer(&fields) {
        out.extend(placeholder(attached.len()).into_bytes());
        attached.push(bytes.into());
        return Some(());
    }
    for (n, (key, value)) in fields.into_iter().enumerate() {
        out.push(if n == 0 { b'{' } else { b',' });
        out.extend(Wire::Json.string(&key));
        out.push(b':');
        part(value, out, attached, deepest);
    }
    out.push(b'}');
    Some(())
}

/// The bytes of what Node's `Buffer` is in JSON.
fn buffer(fields: &[(String, &[u8])]) -> Option<Vec<u8>> {
    let [one, other] = fields else {
        return None;
    };
    let (kind, data) = match (&one.0[..], &other.0[..]) {
        ("type", "data") => (one.1, other.1),
        ("data", "type") => (other.1, one.1),
        _ => return None,
    };
    if Wire::Json.text(kind)? != "Buffer" {
        return None;
    }
    serde_json::from_slice(data).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parted(args: &[Value]) -> Option<(Vec<Value>, Vec<Bytes>)> {
        let args: Vec<_> = args.iter().map(Value::to_string).collect();
        let args: Vec<_> = args.iter().map(String::as_bytes).collect();
        let parted = Parted::of(&args)?;
        let read = |arg: &Vec<u8>| serde_json::from_slice(arg).unwrap();
        Some((parted.args.iter().map(read).collect(), parted.attached))
    }

    fn filled(payload: &str, attached: &[Bytes]) -> Value {
        match inline(payload.into(), attached, usize::MAX) {
            Whole::Payload(whole) => serde_json::from_slice(&whole).unwrap(),
            Whole::TooLong => panic!("it is not too long"),
        }
    }

    #[test]
    fn bytes_are_found_wherever_they_are_and_go_back() {
        let buffer = |bytes: &[u8]| json!({ "type": "Buffer", "data": bytes });
        let hole = |n| serde_json::from_str::<Value>(&placeholder(n)).unwrap();
        let args = [
            buffer(&[1, 255]),
            json!({ "x\"": [buffer(&[]), 1], "y": [], "z": {} }),
            json!("Buffer"),
            json!([[buffer(&[7])]]),
        ];
        let (with_holes, attached) = parted(&args).unwrap();
        let expected = [
            hole(0),
            json!({ "x\"": [hole(1), 1], "y": [], "z": {} }),
            json!("Buffer"),
            json!([[hole(2)]]),
        ];
        assert_eq!(with_holes, expected);
        assert_eq!(attached, [&[1, 255][..], &[], &[7]]);

        let list = Value::from(with_holes).to_string();
        assert_eq!(filled(&list, &attached), json!(args));
    }

    #[test]
    fn what_only_looks_like_bytes_stays() {
        for other in [
            json!({ "type": "Buffer", "data": [256] }),
            json!({ "type": "Buffer", "data": [-1] }),
            json!({ "type": "Buffer", "data": "x" }),
            json!({ "type": "Buffer", "data": null }),
            json!({ "type": "Buffer" }),
            json!({ "type": "Buffer", "data": [1], "more": 1 }),
            json!({ "type": "Buffer", "date": [1] }),
            json!({ "Buffer": [] }),
        ] {
            assert_eq!(parted(std::slice::from_ref(&other)), None, "{other}");
        }
        // So deep that nobody means it.
        let deep = format!(
            "{}{{\"type\":\"Buffer\",\"data\":[1]}}{}",
            "[".repeat(10_000),
            "]".repeat(10_000)
        );
        assert_eq!(Parted::of(&[deep.as_bytes()]), None);
    }

    #[test]
    fn placeholders_of_nothing_stay() {
        let list = format!("[\"a\",{},{{\"_placeholder\":1}}]", placeholder(1));
        let value = filled(&list, &[Bytes::from_static(&[1])]);
        assert_eq!(value, serde_json::from_str::<Value>(&list).unwrap());
    }

    #[test]
    fn placeholders_are_found_as_clients_write_them_and_nowhere_else() {
        let bytes = json!({ "type": "Buffer", "data": [0, 9, 10, 99, 100, 255] });
        let attached = [Bytes::from_static(&[0, 9, 10, 99, 100, 255])];
        for hole in [
            r#"{"_placeholder":true,"num":0}"#,
            r#"{"num":0,"_placeholder":true}"#,
            r#"{ "_placeholder" : true , "num" : 0 }"#,
            "{\n\"num\": 0,\n\"_placeholder\": true\n}",
        ] {
            assert_eq!(filled(hole, &attached), bytes, "{hole}");
            let list = format!("[1,{hole},{hole}]");
            let value = filled(&list, &attached);
            assert_eq!(value[1], bytes, "{list}");
            assert_ne!(value[2], bytes, "{list}");
        }
        // What stands beside them stays.
        let more = r#"{"a":1,"_placeholder":true,"num":0,"action":"x"}"#;
        let expected = json!({ "a": 1, "type": "Buffer", "data": bytes["data"], "action": "x" });
        assert_eq!(filled(more, &attached), expected);
        for other in [
            r#"{"x\"_placeholder":true,"num":0}"#,
            r#"{"_placeholder":false,"num":0}"#,
            r#"{"_placeholder":true,"num":1}"#,
            r#"{"_placeholder":true,"num":-1}"#,
            r#"{"_placeholder":true,"num":99999999999999999999}"#,
            r#"{"_placeholder":true,"number":0}"#,
            r#"{"num":0,"_placeholder":1}"#,
            r#"{"x\"num":0,"_placeholder":true}"#,
            r#"["_placeholder",true,"num",0]"#,
            r#"{"_placeholder":true}"#,
            r#""\"_placeholder\":true,\"num\":0""#,
        ] {
            let value = serde_json::from_str::<Value>(other).unwrap();
            assert_eq!(filled(other, &attached), value, "{other}");
        }
        let doubled = r#"{"_placeholder":true,"num":0,"_placeholder":true,"num":1}"#;
        let attached = [Bytes::from_static(&[1]), Bytes::from_static(&[2])];
        assert_eq!(filled(doubled, &attached)["type"], "Buffer");
        // Cut anywhere, it is no JSON, and no fault of ours.
        for end in 0..doubled.len() {
            let _: Whole = inline(doubled[..end].into(), &attached, usize::MAX);
        }
    }

    #[test]
    fn a_payload_takes_as_much_memory_as_it_is_long_and_none_if_it_is_too_long() {
        let bytes: Vec<u8> = (0..=255).collect();
        let attached = [Bytes::from(bytes.repeat(4)), Bytes::new()];
        let list = format!("[{},{}]", placeholder(0), placeholder(1));
        let Whole::Payload(whole) = inline(list.clone().into(), &attached, usize::MAX) else {
            panic!("it is not too long");
        };
        assert_eq!(whole.capacity(), whole.len());
        assert_eq!(
            inline(list.clone().into(), &attached, whole.len()),
            Whole::Payload(whole.clone())
        );
        assert_eq!(
            inline(list.into(), &attached, whole.len() - 1),
            Whole::TooLong
        );
    }

    #[test]
    fn bytes_are_put_in_once_however_often_they_are_named() {
        let attached = [Bytes::from(vec![7; 10_000])];
        let list = format!("[\"a\"{}]", format!(",{}", placeholder(0)).repeat(1_000));
        let value = filled(&list, &attached);
        assert!(value.to_string().len() < list.len() + 4 * 10_000);
        assert_eq!(value[1]["data"].as_array().unwrap().len(), 10_000);
        assert_eq!(value[2]["num"], 0);

        // What only looks like a placeholder, behind one that is.
        let parted = Parted {
            args: vec![format!("[{0},{0}]", placeholder(0)).into_bytes()],
            attached: vec![Bytes::from_static(&[1])],
        };
        let sent = rmp_serde::to_vec(&parted).unwrap();
        assert_eq!(sent.iter().filter(|byte| **byte == 0xc4).count(), 1);
    }
}
