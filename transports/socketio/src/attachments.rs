//! Bytes among the arguments of an event.
//!
//! JSON has no bytes. In a packet they are binary messages behind the event, with a placeholder for
//! each. In a payload they are `{"type":"Buffer","encoding":"base64","data":"…"}`. What Node makes of
//! a `Buffer` in JSON, `{"type":"Buffer","data":[…]}`, is understood as well, but never written: a list of
//! numbers takes up to four times the length of the bytes, base64 takes four thirds.

use std::ops::Range;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;

use crate::encoding::{Encoding, each_json_field};

/// The deepest nesting in which bytes are looked for.
const MAX_DEPTH: usize = 64;
/// The key of a placeholder.
const KEY: &[u8] = b"\"_placeholder\"";
/// The members in a payload that stand for attached bytes, up to the base64.
const HEAD: &[u8] = b"\"type\":\"Buffer\",\"encoding\":\"base64\",\"data\":\"";

const ENCODING: Encoding = Encoding::Json;

/// Returns the placeholder for the attachment of this number.
pub(crate) fn placeholder(number: usize) -> String {
    format!("{{\"_placeholder\":true,\"num\":{number}}}")
}

/// Returns the number of the attachment that a value stands for, if it is a placeholder.
pub(crate) fn placeholder_number(value: &[u8]) -> Option<usize> {
    let [is_placeholder, number] = ENCODING.fields(value, ["_placeholder", "num"])?;
    (is_placeholder? == b"true").then(|| number_of(number?))?
}

/// The payload would be larger than a message may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Replaces the placeholders in a payload by the attached bytes.
///
/// Each attachment replaces one placeholder, so that a short payload with many placeholders for the same
/// attachment does not grow without bound. The result is allocated at its exact size, and not at all if
/// it exceeds `max_length`.
///
/// Placeholders are found as clients write them, `"_placeholder":true,"num":0` or in the other order;
/// other members beside them stay.
pub(crate) fn inline(
    payload: Vec<u8>,
    attachments: &[Bytes],
    max_length: usize,
) -> Result<Vec<u8>, TooLarge> {
    let mut unused: Vec<Option<&Bytes>> = attachments.iter().map(Some).collect();
    let mut replaced = Vec::new();
    let mut len = payload.len();
    let mut end = 0;
    for key in memchr::memmem::find_iter(&payload, KEY) {
        let placeholder = Placeholder::at(&payload, key).filter(|found| found.range.start >= end);
        let Some(Placeholder { range, number }) = placeholder else {
            continue;
        };
        end = range.end;
        if let Some(bytes) = unused.get_mut(number).and_then(Option::take) {
            // The closing quote included.
            len = len - range.len() + HEAD.len() + bytes.len().div_ceil(3) * 4 + 1;
            replaced.push((range, bytes));
        }
    }
    if len > max_length {
        return Err(TooLarge);
    }
    if replaced.is_empty() {
        return Ok(payload);
    }
    let mut out = vec![0; len];
    let (mut from, mut to) = (0, 0);
    let mut put = |bytes: &[u8], to: &mut usize| {
        out[*to..*to + bytes.len()].copy_from_slice(bytes);
        *to += bytes.len();
    };
    for (range, bytes) in replaced {
        put(&payload[from..range.start], &mut to);
        put(HEAD, &mut to);
        for chunk in bytes.chunks(CHUNK) {
            let mut text = [0; CHUNK / 3 * 4];
            let len = STANDARD.encode_slice(chunk, &mut text).unwrap_or_default();
            put(&text[..len], &mut to);
        }
        put(b"\"", &mut to);
        from = range.end;
    }
    put(&payload[from..], &mut to);
    Ok(out)
}

/// Bytes that are encoded at a time; a multiple of three, so that the parts are one text.
const CHUNK: usize = 3 * 256;

/// The two members of an object that are a placeholder.
struct Placeholder {
    range: Range<usize>,
    number: usize,
}

impl Placeholder {
    /// Reads the placeholder whose key `"_placeholder"` is at this position.
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
        // In the other order.
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

/// Returns the text after a member's value, if the value is this one.
fn member<'a>(rest: &'a [u8], value: &[u8]) -> Option<&'a [u8]> {
    let rest = rest.trim_ascii_start().strip_prefix(b":")?;
    rest.trim_ascii_start().strip_prefix(value)
}

fn number_of(digits: &[u8]) -> Option<usize> {
    str::from_utf8(digits).ok()?.parse().ok()
}

/// The arguments of an event with placeholders, and the bytes that these stand for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Extracted {
    pub(crate) args: Vec<Vec<u8>>,
    pub(crate) attachments: Vec<Bytes>,
}

impl Extracted {
    /// Takes the bytes out of a payload's arguments. Returns `None` if there are none.
    pub(crate) fn of<'a>(args: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let mut extracted = Self::default();
        for arg in args {
            let mut out = Vec::with_capacity(arg.len());
            extract(arg, &mut out, &mut extracted.attachments, MAX_DEPTH);
            extracted.args.push(out);
        }
        (!extracted.attachments.is_empty()).then_some(extracted)
    }
}

/// Returns `true` if there may be bytes in a value.
pub(crate) fn may_hold_bytes(value: &[u8]) -> bool {
    memchr::memmem::find(value, b"\"Buffer\"").is_some()
}

/// Appends a value, with placeholders for the bytes in it.
fn extract(value: &[u8], out: &mut Vec<u8>, attachments: &mut Vec<Bytes>, depth: usize) {
    let known = match value.first() {
        _ if depth == 0 || !may_hold_bytes(value) => None,
        Some(b'[') => extract_list(value, out, attachments, depth - 1),
        Some(b'{') => extract_object(value, out, attachments, depth - 1),
        _ => None,
    };
    if known.is_none() {
        out.extend_from_slice(value);
    }
}

fn extract_list(
    list: &[u8],
    out: &mut Vec<u8>,
    attachments: &mut Vec<Bytes>,
    depth: usize,
) -> Option<()> {
    for (n, item) in ENCODING.items(list)?.into_iter().enumerate() {
        out.push(if n == 0 { b'[' } else { b',' });
        extract(item, out, attachments, depth);
    }
    out.push(b']');
    Some(())
}

fn extract_object(
    object: &[u8],
    out: &mut Vec<u8>,
    attachments: &mut Vec<Bytes>,
    depth: usize,
) -> Option<()> {
    let mut fields = Vec::new();
    each_json_field(object, |key, value| fields.push((key.to_owned(), value)))?;
    if let Some(bytes) = buffer(&fields) {
        out.extend(placeholder(attachments.len()).into_bytes());
        attachments.push(bytes.into());
        return Some(());
    }
    for (n, (key, value)) in fields.into_iter().enumerate() {
        out.push(if n == 0 { b'{' } else { b',' });
        ENCODING.put_string(out, &key);
        out.push(b':');
        extract(value, out, attachments, depth);
    }
    out.push(b'}');
    Some(())
}

/// Returns the bytes of an object that stands for them.
fn buffer(fields: &[(String, &[u8])]) -> Option<Vec<u8>> {
    let get = |key: &str| {
        let field = fields.iter().find(|(name, _)| name == key);
        field.map(|(_, value)| *value)
    };
    if ENCODING.text(get("type")?)? != "Buffer" {
        return None;
    }
    let data = get("data")?;
    match (fields.len(), get("encoding")) {
        (2, None) => serde_json::from_slice(data).ok(),
        (3, Some(encoding)) if ENCODING.text(encoding)? == "base64" => {
            STANDARD.decode(&*ENCODING.text(data)?).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn extracted(args: &[Value]) -> Option<(Vec<Value>, Vec<Bytes>)> {
        let args: Vec<_> = args.iter().map(Value::to_string).collect();
        let extracted = Extracted::of(args.iter().map(String::as_bytes))?;
        let read = |arg: &Vec<u8>| serde_json::from_slice(arg).unwrap();
        let args = extracted.args.iter().map(read).collect();
        Some((args, extracted.attachments))
    }

    fn inlined(payload: &str, attachments: &[Bytes]) -> Value {
        let payload = inline(payload.into(), attachments, usize::MAX).unwrap();
        serde_json::from_slice(&payload).unwrap()
    }

    /// As bytes are in payloads.
    fn buffer(bytes: &[u8]) -> Value {
        json!({ "type": "Buffer", "encoding": "base64", "data": STANDARD.encode(bytes) })
    }

    #[test]
    fn bytes_are_found_at_any_place_and_put_back() {
        let hole = |n| serde_json::from_str::<Value>(&placeholder(n)).unwrap();
        let args = [
            buffer(&[1, 255]),
            json!({ "x\"": [buffer(&[]), 1], "y": [], "z": {} }),
            json!("Buffer"),
            json!([[buffer(&[7])]]),
        ];
        let (with_holes, attachments) = extracted(&args).unwrap();
        let expected = [
            hole(0),
            json!({ "x\"": [hole(1), 1], "y": [], "z": {} }),
            json!("Buffer"),
            json!([[hole(2)]]),
        ];
        assert_eq!(with_holes, expected);
        assert_eq!(attachments, [&[1, 255][..], &[], &[7]]);
        let list = Value::from(with_holes).to_string();
        assert_eq!(inlined(&list, &attachments), json!(args));

        // As Node writes them.
        let node = json!({ "data": [1, 255], "type": "Buffer" });
        let (with_holes, attachments) = extracted(&[node]).unwrap();
        assert_eq!(with_holes, [hole(0)]);
        assert_eq!(attachments, [&[1, 255][..]]);
    }

    #[test]
    fn other_values_are_not_bytes() {
        for other in [
            json!({ "type": "Buffer", "data": [256] }),
            json!({ "type": "Buffer", "data": [-1] }),
            json!({ "type": "Buffer", "data": "AQ==" }),
            json!({ "type": "Buffer", "data": null }),
            json!({ "type": "Buffer" }),
            json!({ "type": "Buffer", "data": [1], "more": 1 }),
            json!({ "type": "Buffer", "date": [1] }),
            json!({ "type": "Buffer", "encoding": "base64", "data": "!" }),
            json!({ "type": "Buffer", "encoding": "base64", "data": [1] }),
            json!({ "type": "Buffer", "encoding": "hex", "data": "01" }),
            json!({ "Buffer": [] }),
        ] {
            assert_eq!(extracted(std::slice::from_ref(&other)), None, "{other}");
        }
        // Beyond the depth in which bytes are looked for.
        let deep = format!(
            "{}{{\"type\":\"Buffer\",\"data\":[1]}}{}",
            "[".repeat(10_000),
            "]".repeat(10_000)
        );
        assert_eq!(Extracted::of([deep.as_bytes()]), None);
    }

    #[test]
    fn placeholders_without_an_attachment_stay() {
        let list = format!("[\"a\",{},{{\"_placeholder\":1}}]", placeholder(1));
        let value = inlined(&list, &[Bytes::from_static(&[1])]);
        assert_eq!(value, serde_json::from_str::<Value>(&list).unwrap());
        assert_eq!(placeholder_number(placeholder(7).as_bytes()), Some(7));
        for other in ["{\"_placeholder\":1,\"num\":7}", "{\"num\":7}", "7", "[]"] {
            assert_eq!(placeholder_number(other.as_bytes()), None);
        }
    }

    #[test]
    fn placeholders_are_found_as_clients_write_them_and_nowhere_else() {
        let bytes = buffer(&[0, 9, 10, 99, 100, 255]);
        let attachments = [Bytes::from_static(&[0, 9, 10, 99, 100, 255])];
        for hole in [
            r#"{"_placeholder":true,"num":0}"#,
            r#"{"num":0,"_placeholder":true}"#,
            r#"{ "_placeholder" : true , "num" : 0 }"#,
            "{\n\"num\": 0,\n\"_placeholder\": true\n}",
        ] {
            assert_eq!(inlined(hole, &attachments), bytes, "{hole}");
            let list = format!("[1,{hole},{hole}]");
            let value = inlined(&list, &attachments);
            assert_eq!(value[1], bytes, "{list}");
            assert_ne!(value[2], bytes, "{list}");
        }
        // Other members stay.
        let more = r#"{"a":1,"_placeholder":true,"num":0,"action":"x"}"#;
        let mut expected = bytes.clone();
        expected["a"] = json!(1);
        expected["action"] = json!("x");
        assert_eq!(inlined(more, &attachments), expected);
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
            assert_eq!(inlined(other, &attachments), value, "{other}");
        }
        let doubled = r#"{"_placeholder":true,"num":0,"_placeholder":true,"num":1}"#;
        let attachments = [Bytes::from_static(&[1]), Bytes::from_static(&[2])];
        assert_eq!(inlined(doubled, &attachments)["type"], "Buffer");
        // A payload that is cut anywhere is no JSON, and causes no panic.
        for end in 0..doubled.len() {
            inline(doubled[..end].into(), &attachments, usize::MAX).unwrap();
        }
    }

    #[test]
    fn a_payload_takes_less_than_twice_its_bytes_and_nothing_if_it_is_too_large() {
        let bytes: Vec<u8> = (0..=255).collect();
        let attachments = [Bytes::from(bytes.repeat(40)), Bytes::new()];
        let list = format!("[{},{}]", placeholder(0), placeholder(1));
        let payload = inline(list.clone().into(), &attachments, usize::MAX).unwrap();
        assert_eq!(payload.capacity(), payload.len());
        assert!(
            payload.len() < 2 * attachments[0].len(),
            "{}",
            payload.len()
        );
        let exact = inline(list.clone().into(), &attachments, payload.len());
        assert_eq!(exact.as_ref(), Ok(&payload));
        let short = inline(list.into(), &attachments, payload.len() - 1);
        assert_eq!(short, Err(TooLarge));
    }

    #[test]
    fn an_attachment_replaces_one_placeholder() {
        let attachments = [Bytes::from(vec![7; 10_000])];
        let list = format!("[\"a\"{}]", format!(",{}", placeholder(0)).repeat(1_000));
        let value = inlined(&list, &attachments);
        assert!(value.to_string().len() < list.len() + 2 * 10_000);
        assert_eq!(value[1], buffer(&[7; 10_000]));
        assert_eq!(value[2]["num"], 0);
    }
}
