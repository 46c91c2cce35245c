//! The frames of the protocol, and the messages of a client: texts in, texts out.

use std::{borrow::Cow, cell::Cell, fmt::Write as _};

use serde::Deserialize;
use stellarfw_transport::{Frame, Kind, Message, Outbox, Waiting, plain};

/// The first frame of every session.
pub(crate) const OPEN: &str = "o";
/// The frame that says nothing but that the connection is there.
pub(crate) const HEARTBEAT: &str = "h";

/// So many messages may come at once.
const MOST: usize = 65_536;

/// Takes what waits and makes one `a` frame of it: at least one payload, and more for as long as
/// the frame is shorter than `limit`. None when nothing waits. Tells how much it took.
pub(crate) fn batch(outbox: &mut Outbox, limit: usize) -> Option<(String, Waiting)> {
    let mut text = String::new();
    let mut taken = Waiting::default();
    while text.len() < limit
        && let Some(frame) = outbox.pop()
    {
        let Message::Text(payload) = frame.as_message() else {
            debug_assert_eq!(frame.kind(), Kind::Binary);
            tracing::warn!("a binary payload was left out: SockJS carries text only");
            continue;
        };
        if text.is_empty() {
            text.reserve(payload.len() + payload.len() / 4 + 8);
        }
        text.push_str(if taken.frames == 0 { "a[" } else { "," });
        put(&mut text, &frame, payload);
        taken.frames += 1;
        taken.bytes += payload.len();
    }
    if taken.frames == 0 {
        return None;
    }
    text.push(']');
    Some((text, taken))
}

/// Appends a payload as a string of JSON: a publication is made one once, for all its receivers.
fn put(out: &mut String, frame: &Frame, payload: &str) {
    let quoted = |payload: &str| {
        let mut text = String::with_capacity(payload.len() + payload.len() / 4 + 8);
        quote(&mut text, payload);
        text
    };
    if frame.is_for_many()
        && let Some(made) = frame.translated(("sockjs", 0), |_| Some(quoted(payload).into()))
        && let Ok(made) = std::str::from_utf8(&made)
    {
        out.push_str(made);
    } else {
        quote(out, payload);
    }
}

/// The frame that ends a session.
pub(crate) fn goodbye(code: u16, text: &str) -> String {
    let text = match (code, text) {
        (1000, "") => "Normal closure",
        (_, text) => text,
    };
    let mut frame = format!("c[{code},");
    quote(&mut frame, text);
    frame.push(']');
    frame
}

/// Appends a text as a string of JSON. Besides what JSON asks for, the characters are escaped that
/// browsers and proxies were seen to change on the way.
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
                // The rest of what is no ASCII, without looking for all the others at each byte.
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
                // Writing to a String does not fail.
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

/// U+200C to 200F, U+2028 to 202F, U+2060 to 206F, U+FFF0 to FFFF.
fn is_fragile(bytes: &[u8], at: usize) -> bool {
    matches!(
        bytes[at..],
        [0xe2, 0x80, 0x8c..=0x8f | 0xa8..=0xaf, ..]
            | [0xe2, 0x81, 0xa0..=0xaf, ..]
            | [0xef, 0xbf, 0xb0..=0xbf, ..]
    )
}

/// What a client sent is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// There is nothing, or something else than texts.
    NoPayload,
    /// It is not JSON.
    BrokenJson,
    /// It holds more messages than may come at once.
    TooMany,
}

thread_local! {
    static UNESCAPED: Cell<String> = const { Cell::new(String::new()) };
}

/// Calls a function with the message of an array of one text, which is what nearly all clients
/// send; false if the text is none, or one that only the parser understands.
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
    // Taken out: whatever is called meanwhile would get another.
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

/// Appends a string of JSON, and gives back what follows it. None if something is wrong with it, or
/// if a surrogate is in it.
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
                        // A sign would be read, too.
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

/// The messages of an array of texts.
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

/// The messages of an array of texts, or the one of a text.
pub(crate) fn messages_or_one(text: &str) -> Result<Vec<Cow<'_, str>>, Malformed> {
    if text.trim_start().starts_with('"') {
        let Text(one) = serde_json::from_str(text).map_err(|_| Malformed::BrokenJson)?;
        return Ok(vec![one]);
    }
    messages(text)
}

/// A text, borrowed where nothing in it is escaped.
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
                f.write_str("an array of texts")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut seq: A,
            ) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(Text(text)) = seq.next_element()? {
                    if list.len() == MOST {
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
    fn what_waits_becomes_one_frame() {
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
        assert_eq!(goodbye(1000, ""), r#"c[1000,"Normal closure"]"#);
        assert_eq!(goodbye(3000, "Go away!"), r#"c[3000,"Go away!"]"#);
        assert_eq!(goodbye(3000, "\"\n"), r#"c[3000,"\"\n"]"#);
    }

    fn single(text: &str) -> Option<String> {
        let mut message = None;
        let called = with_single(text, |text| message = Some(text.to_owned()));
        assert_eq!(called, message.is_some());
        message
    }

    /// Either it reads a text as the parser does, or not at all.
    #[test]
    fn one_message_is_what_the_parser_says_it_is() {
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
        // One that calls for another meanwhile.
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
        let many = format!("[{}\"\"]", "\"\",".repeat(MOST));
        assert_eq!(messages(&many), Err(Malformed::TooMany));
    }
}
