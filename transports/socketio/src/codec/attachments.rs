//! Bytes among an event's arguments. JSON has none, so they are binary messages of their own behind the
//! event, in which a placeholder stands for each; in a payload they are what Node's `Buffer` is in JSON,
//! `{"type":"Buffer","data":[…]}`.

use std::cell::RefCell;

use bytes::Bytes;
use serde::{
    Serialize, Serializer,
    ser::{SerializeMap as _, SerializeTuple as _},
};
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

/// Puts attached bytes where they belong. None if that is no JSON.
pub(crate) fn inline(list: &str, attached: &[Bytes]) -> Option<Vec<u8>> {
    let value: Value = serde_json::from_str(list).ok()?;
    let bytes: usize = attached.iter().map(Bytes::len).sum();
    let mut out = Vec::with_capacity(list.len() + 4 * bytes);
    let whole = Filled {
        value: &value,
        bytes: &Unused::new(attached),
        form: Form::Buffer,
    };
    serde_json::to_writer(&mut out, &whole).ok()?;
    Some(out)
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

/// What bytes are in a value.
#[derive(Clone, Copy)]
enum Form {
    /// As a payload has them.
    Buffer,
    /// As the library wants them.
    Bytes,
}

/// A value whose placeholders are filled.
struct Filled<'a, 'b> {
    value: &'a Value,
    bytes: &'a Unused<'b>,
    form: Form,
}

impl Serialize for Filled<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let filled = |value| Filled { value, ..*self };
        match (self.bytes.take(self.value), self.form) {
            (None, _) => match self.value {
                Value::Array(items) => serializer.collect_seq(items.iter().map(filled)),
                Value::Object(map) => {
                    serializer.collect_map(map.iter().map(|(key, value)| (key, filled(value))))
                }
                other => other.serialize(serializer),
            },
            (Some(bytes), Form::Bytes) => serializer.serialize_bytes(bytes),
            (Some(bytes), Form::Buffer) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("type", "Buffer")?;
                map.serialize_entry("data", bytes)?;
                map.end()
            }
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
                form: Form::Bytes,
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
        let back: Value = serde_json::from_slice(&inline(&list, &attached).unwrap()).unwrap();
        assert_eq!(back, json!(args));
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
        let whole = inline(&list, &[Bytes::from_static(&[1])]).unwrap();
        let value: Value = serde_json::from_slice(&whole).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(&list).unwrap());
        assert_eq!(inline("[", &[]), None);
    }

    #[test]
    fn bytes_are_put_in_once_however_often_they_are_named() {
        let attached = [Bytes::from(vec![7; 10_000])];
        let list = format!("[\"a\"{}]", format!(",{}", placeholder(0)).repeat(1_000));
        let whole = inline(&list, &attached).unwrap();
        assert!(whole.len() < list.len() + 4 * 10_000);
        let value: Value = serde_json::from_slice(&whole).unwrap();
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
