//! Encoding of the protocol's frames and decoding of a client's messages.

use std::{borrow::Cow, cell::Cell, fmt::Write as _};

use serde::Deserialize;
use stellarfw_transport::{Frame, Kind, Message, Outbox, Waiting, plain};

/// The first frame of every session.
pub(crate) const OPEN: &str = "o";
/// The heartbeat frame.
pub(crate) const HEARTBEAT: &str = "h";

/// Maximum number of messages in one request or WebSocket message.
const MAX_MESSAGES: usize = 65_536;

/// Encodes queued payloads as one `a` frame.
///
/// Takes at least one payload, and more while the frame is shorter than `limit` bytes. Returns the
/// frame with the number and size of the payloads, or `None` if the outbox is empty.
pub(crate) fn batch(outbox: &mut Outbox, limit: usize) -> Option<(String, Waiting)> {
    let mut text = String::new();
    let mut taken = Waiting::default();
    while text.len() < limit
        && let Some(frame) = outbox.pop()
    {
        let Message::Text(payload) = frame.as_message() else {
            debug_assert_eq!(frame.kind(), Kind::Binary);
            tracing::warn!("dropped a binary payload: SockJS carries text only");
            continue;
        };
        if text.is_empty() {
            text.reserve(payload.len() + payload.len() / 4 + 8);
        }
        text.push_str(if taken.frames == 0 { "a[" } else { "," });
        push_payload(&mut text, &frame, payload);
        taken.frames += 1;
        taken.bytes += payload.len();
    }
    if taken.frames == 0 {
        return None;
    }
    text.push(']');
    Some((text, taken))
}

/// Appends a payload as a JSON string. A shared frame is encoded once for all its receivers.
fn push_payload(out: &mut String, frame: &Frame, payload: &str) {
    let quoted = |payload: &str| {
        let mut text = String::with_capacity(payload.len() + payload.len() / 4 + 8);
        quote(&mut text, payload);
        text
    };
    if frame.is_for_many()
        && let Some(shared) = frame.translated(("sockjs", 0), |_| Some(quoted(payload).into()))
        && let Ok(shared) = std::str::from_utf8(&shared)
    {
        out.push_str(shared);
    } else {
        quote(out, payload);
    }
}

/// Encodes the `c` frame that closes a session.
pub(crate) fn close_frame(code: u16, text: &str) -> String {
    let text = match (code, text) {
        (1000, "") => "Normal closure",
        (_, text) => text,
    };
    let mut frame = format!("c[{code},");
    quote(&mut frame, text);
    frame.push(']');
    frame
}

/// Appends a text as a JSON string.
///
/// Also escapes the characters that browsers and proxies are known to alter.
pub(crate) fn quote(out: &mut String, text: &str) {
    out.push('"');
    let bytes = text.as_bytes();
    let mut from = 0;
    let mut at = 0;
    while at < bytes.len() {
        at += plain::ascii(&bytes[at..]);
        let Some(byte) = bytes.get(at) else {
            break;
        };
        let (escape, len) = match byte {
            b'"' => ("\\\"", 1),
            b'\\' => ("\\\\", 1),
            b'\n' => ("\\n", 1),
            b'\r' => ("\\r", 1),
            b'\t' => ("\\t", 1),
            0x08 => ("\\b", 1),
            0x0c => ("\\f", 1),
            0..=0x1f => ("", 1),
            0xe2 | 0xef if is_fragile(bytes, at) => ("", 3),
            _ => {
                at += 1;
                // Skip the rest of a non-ASCII run without restarting the ASCII search.
                while bytes
                    .get(at)
                    .is_some_and(|b| *b >= 0x80 && !matches!(b, 0xe2 | 0xef))
                {
                    at += 1;
                }
                continue;
            }
        };
        out.push_str(&text[from..at]);
        if escape.is_empty() {
            for c in text[at..at + len].chars() {
                // Writing to a `String` cannot fail.
                write!(out, "\\u{:04x}", u32::from(c)).ok();
            }
        } else {
            out.push_str(escape);
        }
        at += len;
        from = at;
    }
    out.push_str(&text[from..]);
    out.push('"');
}

/// Returns `true` for U+200C–200F, U+2028–202F, U+2060–206F and U+FFF0–FFFF.
fn is_fragile(bytes: &[u8], at: usize) -> bool {
    matches!(
        bytes[at..],
        [0xe2, 0x80, 0x8c..=0x8f | 0xa8..=0xaf, ..]
            | [0xe2, 0x81, 0xa0..=0xaf, ..]
            | [0xef, 0xbf, 0xb0..=0xbf, ..]
    )
}

/// A malformed body or message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// It is empty or not an array of strings.
    NoPayload,
    /// It is not JSON.
    BrokenJson,
    /// It holds more than [`MAX_MESSAGES`] messages.
    TooMany,
}

thread_local! {
    static UNESCAPED: Cell<String> = const { Cell::new(String::new()) };
}

/// Calls `f` with the message of an array of one string, the usual case.
///
/// Returns `false` without a call if the text is anything else, or needs the full parser.
pub(crate) fn with_single(text: &str, f: impl FnOnce(&str)) -> bool {
    const KEPT: usize = 64 << 10;
    let Some(rest) = text.strip_prefix("[\"") else {
        return false;
    };
    let len = plain::in_string(rest.as_bytes());
    if &rest[len..] == "\"]" {
        f(&rest[..len]);
        return true;
    }
    // Taken out of the cell, because `f` may reenter this function.
    let mut unescaped = UNESCAPED.take();
    unescaped.clear();
    let is_one = unescape(rest, &mut unescaped) == Some("]");
    if is_one {
        f(&unescaped);
    }
    if unescaped.capacity() <= KEPT {
        UNESCAPED.set(unescaped);
    }
    is_one
}

/// Appends the contents of a JSON string and returns the text after its closing quote.
///
/// Returns `None` if the string is malformed or contains an escaped surrogate.
fn unescape<'a>(mut text: &'a str, out: &mut String) -> Option<&'a str> {
    loop {
        let len = plain::in_string(text.as_bytes());
        out.push_str(&text[..len]);
        text = &text[len..];
        let mut bytes = text.bytes();
        match (bytes.next()?, bytes.next()) {
            (b'"', _) => return Some(&text[1..]),
            (b'\\', Some(escape)) => {
                let (c, len) = match escape {
                    b'"' | b'\\' | b'/' => (char::from(escape), 2),
                    b'b' => ('\x08', 2),
                    b'f' => ('\x0c', 2),
                    b'n' => ('\n', 2),
                    b'r' => ('\r', 2),
                    b't' => ('\t', 2),
                    b'u' => {
                        let digits = text.get(2..6)?;
                        // `from_str_radix` also accepts a sign.
                        let all = digits.bytes().all(|b| b.is_ascii_hexdigit());
                        let number = u32::from_str_radix(digits, 16).ok().filter(|_| all)?;
                        (char::from_u32(number)?, 6)
                    }
                    _ => return None,
                };
                out.push(c);
                text = &text[len..];
            }
            _ => return None,
        }
    }
}

/// Parses an array of strings.
pub(crate) fn messages(text: &str) -> Result<Vec<Cow<'_, str>>, Malformed> {
    if text.is_empty() {
        return Err(Malformed::NoPayload);
    }
    let Texts(list) = serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data if error.to_string().starts_with(TOO_MANY) => {
            Malformed::TooMany
        }
        serde_json::error::Category::Data => Malformed::NoPayload,
        _ => Malformed::BrokenJson,
    })?;
    Ok(list)
}

/// Parses an array of strings or a single string.
pub(crate) fn messages_or_one(text: &str) -> Result<Vec<Cow<'_, str>>, Malformed> {
    if text.trim_start().starts_with('"') {
        let Text(one) = serde_json::from_str(text).map_err(|_| Malformed::BrokenJson)?;
        return Ok(vec![one]);
    }
    messages(text)
}

/// A string, borrowed if nothing in it is escaped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Texts<'a>(Vec<Cow<'a, str>>);

const TOO_MANY: &str = "too many messages";

impl<'de> Deserialize<'de> for Texts<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Texts<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an array of strings")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut seq: A,
            ) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(Text(text)) = seq.next_element()? {
                    if list.len() == MAX_MESSAGES {
                        return Err(serde::de::Error::custom(TOO_MANY));
                    }
                    list.push(text);
                }
                Ok(Texts(list))
            }
        }

        deserializer.deserialize_seq(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use stellarfw_transport::{Frame, OutboxLimits};

    use super::*;

    fn quoted(text: &str) -> String {
        let mut out = String::new();
        quote(&mut out, text);
        out
    }

    #[test]
    fn fragile_characters_are_escaped_and_no_others() {
        let fragile = |c: char| {
            matches!(u32::from(c),
                0..=0x1f | 0x200c..=0x200f | 0x2028..=0x202f | 0x2060..=0x206f | 0xfff0..=0xffff)
        };
        for c in (0..0x1_1000).filter_map(char::from_u32) {
            let text = c.to_string();
            let out = quoted(&text);
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
            let escaped = out.as_bytes()[1] == b'\\';
            assert_eq!(escaped, fragile(c) || c == '"' || c == '\\', "{c:?}");
            if u32::from(c) > 0x1f && fragile(c) {
                assert_eq!(out, format!("\"\\u{:04x}\"", u32::from(c)));
            }
        }
        assert_eq!(quoted("  \0\n\r "), r#""  \u0000\n\r ""#);
        assert_eq!(
            quoted("a\u{2028}\u{2029}b🐢c\u{feff}"),
            "\"a\\u2028\\u2029b🐢c\u{feff}\""
        );
    }

    #[test]
    fn queued_payloads_become_one_frame() {
        let mut outbox = Outbox::new(Arc::new(OutboxLimits::default()));
        assert!(batch(&mut outbox, 100).is_none());
        outbox.push(Frame::text("x")).unwrap();
        outbox.push(Frame::binary(&b"\0"[..])).unwrap();
        outbox.push(Frame::text("\"y\"")).unwrap();
        let (text, taken) = batch(&mut outbox, 100).unwrap();
        assert_eq!(text, r#"a["x","\"y\""]"#);
        assert_eq!((taken.frames, taken.bytes), (2, 4));
        for _ in 0..3 {
            outbox.push(Frame::text("0123456789")).unwrap();
        }
        assert_eq!(batch(&mut outbox, 20).unwrap().1.frames, 2);
        assert_eq!(batch(&mut outbox, 20).unwrap().1.frames, 1);
        outbox.push(Frame::binary(&b"\0"[..])).unwrap();
        assert!(batch(&mut outbox, 100).is_none());
    }

    #[test]
    fn goodbyes() {
        assert_eq!(close_frame(1000, ""), r#"c[1000,"Normal closure"]"#);
        assert_eq!(close_frame(3000, "Go away!"), r#"c[3000,"Go away!"]"#);
        assert_eq!(close_frame(3000, "\"\n"), r#"c[3000,"\"\n"]"#);
    }

    fn single(text: &str) -> Option<String> {
        let mut message = None;
        let called = with_single(text, |text| message = Some(text.to_owned()));
        assert_eq!(called, message.is_some());
        message
    }

    /// The fast path agrees with the parser or declines the text.
    #[test]
    fn the_fast_path_agrees_with_the_parser() {
        for text in [
            r#"[""]"#,
            r#"["a"]"#,
            r#"["\"text\""]"#,
            r#"["\b\f\n\r\t\/\\ \u0000\u00e4\u2028\uFFFF x"]"#,
            "[\"ä€🐢 0123456789abcdef\"]",
        ] {
            assert_eq!(messages(text).unwrap(), [single(text).unwrap()], "{text}");
        }
        for text in [
            "",
            "[",
            "[]",
            "[\"",
            "[\"a",
            "[\"a\"",
            "[\"a\"]]",
            "[\"a\"] ",
            "[\"a\",\"b\"]",
            "[\"a\n\"]",
            "[\"\\n\n\"]",
            "[\"\\\"]",
            "[\"\\x\"]",
            "[\"\\u+123\"]",
            "[\"\\u12\"]",
            "[\"\\ud83d\\ude00\"]",
            "[\"\\ud800\"]",
            "[\"\\u123ä\"]",
            "\"a\"",
            "[1]",
        ] {
            assert_eq!(single(text), None, "{text}");
        }
        // A reentrant call.
        assert!(with_single(r#"["\"a\""]"#, |outer| {
            assert_eq!(single(r#"["\"b\""]"#).unwrap(), "\"b\"");
            assert_eq!(outer, "\"a\"");
        }));
    }

    #[test]
    fn messages_are_texts_in_an_array() {
        assert_eq!(
            messages(r#" ["a","\u0062\"",""] "#).unwrap(),
            ["a", "b\"", ""]
        );
        assert!(messages("[]").unwrap().is_empty());
        for broken in ["[\"x", "[\"x\"]]", "x", "[\"\\ud800\"]", "[\"a\",]"] {
            assert_eq!(messages(broken), Err(Malformed::BrokenJson), "{broken}");
        }
        for other in [
            "",
            "{}",
            "\"x\"",
            "1",
            "[1]",
            "[[\"x\"]]",
            "[null]",
            "[{\"a\":1}]",
        ] {
            assert_eq!(messages(other), Err(Malformed::NoPayload), "{other}");
        }
        assert_eq!(messages_or_one("\"x\"").unwrap(), ["x"]);
        assert_eq!(messages_or_one("[\"x\",\"y\"]").unwrap(), ["x", "y"]);
        assert_eq!(messages_or_one("\"x"), Err(Malformed::BrokenJson));
        let many = format!("[{}\"\"]", "\"\",".repeat(MAX_MESSAGES));
        assert_eq!(messages(&many), Err(Malformed::TooMany));
    }
}
