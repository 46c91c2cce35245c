//! JSON as Primus speaks it.

mod write;

use std::cell::Cell;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{CONTROL_PREFIX, CodecError};
use crate::frame::{Frame, Message};

/// As much is copied out of the thread's buffer; what is longer takes the buffer with it.
const COPIED: usize = 16 << 10;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

pub(super) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Frame, CodecError> {
    frame(|out| write(out, value))
}

pub(super) fn encode_with<T, U>(object: &T, tail: &U) -> Result<Frame, CodecError>
where
    T: Serialize + ?Sized,
    U: Serialize + ?Sized,
{
    frame(|out| {
        write(out, object)?;
        if out.first() != Some(&b'{') || out.pop() != Some(b'}') {
            return Err(CodecError::new("the value is not an object"));
        }
        let at = out.len();
        write(out, tail)?;
        match out.get(at) {
            Some(b'{') if out.len() == at + 2 => {
                // The tail is empty: only the closing brace is wanted.
                out.remove(at);
            }
            Some(b'{') if at == 1 => {
                out.remove(at);
            }
            Some(b'{') => out[at] = b',',
            _ => return Err(CodecError::new("the tail is not an object")),
        }
        Ok(())
    })
}

fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), CodecError> {
    write::write(out, value).map_err(CodecError::new)
}

/// A frame of what a function writes into the buffer of this thread: one allocation, of the size
/// that it takes.
fn frame(write: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>) -> Result<Frame, CodecError> {
    // Taken out: a value that encodes another while it is written gets a buffer of its own.
    let mut out = BUFFER.take();
    out.clear();
    let result = write(&mut out).and_then(|()| {
        let text = match escaped(&out)? {
            Some(text) => text.into(),
            None if out.len() <= COPIED => Bytes::copy_from_slice(&out),
            None => std::mem::take(&mut out).into(),
        };
        Frame::text_from_bytes(text)
            .map_err(|_| CodecError::new("the value was written as what is not UTF-8"))
    });
    if out.capacity() <= 2 * COPIED {
        BUFFER.set(out);
    }
    result
}

/// The text with U+2028 and U+2029 escaped, which JSON allows in strings and older JavaScript does
/// not; none if it has neither.
fn escaped(bytes: &[u8]) -> Result<Option<String>, CodecError> {
    // Both are E2 80 A8/A9 in UTF-8; outside of strings JSON has only ASCII, so every hit is
    // inside a string and may be escaped.
    let begins = |at: usize| matches!(bytes[at..], [0xE2, 0x80, 0xA8 | 0xA9, ..]);
    if !memchr::memchr_iter(0xE2, bytes).any(begins) {
        return Ok(None);
    }
    let text = std::str::from_utf8(bytes).map_err(CodecError::new)?;
    let text = text.replace('\u{2028}', "\\u2028");
    Ok(Some(text.replace('\u{2029}', "\\u2029")))
}

pub(super) fn decode<'de, T: Deserialize<'de>>(message: Message<'de>) -> Result<T, CodecError> {
    match message {
        Message::Text(text) => serde_json::from_str(text),
        Message::Binary(bytes) => serde_json::from_slice(bytes),
    }
    .map_err(CodecError::new)
}

pub(super) fn control(message: Message<'_>) -> Option<&str> {
    let inner = message.as_bytes().strip_prefix(b"\"")?;
    if !inner.starts_with(CONTROL_PREFIX.as_bytes()) {
        return None;
    }
    let text = message.as_str()?.strip_prefix('"')?.strip_suffix('"')?;
    // With an escape or an inner quote it is no control message that any client writes.
    memchr::memchr2(b'"', b'\\', text.as_bytes())
        .is_none()
        .then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(frame: &Frame) -> &str {
        std::str::from_utf8(frame.payload()).unwrap()
    }

    #[test]
    fn separators_go_out_escaped_and_come_back() {
        let frame = encode("a\u{2028}b\u{2029}\u{2019}").unwrap();
        assert_eq!(text(&frame), "\"a\\u2028b\\u2029\u{2019}\"");
        let back: String = decode(frame.as_message()).unwrap();
        assert_eq!(back, "a\u{2028}b\u{2029}\u{2019}");
    }

    #[test]
    fn a_tail_is_spliced_into_an_object() {
        #[derive(Serialize)]
        struct A {
            a: u8,
        }
        #[derive(Serialize)]
        struct Empty {}
        #[derive(Serialize)]
        struct B {
            b: &'static str,
        }
        assert_eq!(
            text(&encode_with(&A { a: 1 }, &B { b: "x" }).unwrap()),
            r#"{"a":1,"b":"x"}"#
        );
        assert_eq!(
            text(&encode_with(&Empty {}, &B { b: "x" }).unwrap()),
            r#"{"b":"x"}"#
        );
        assert_eq!(
            text(&encode_with(&A { a: 1 }, &Empty {}).unwrap()),
            r#"{"a":1}"#
        );
        assert_eq!(text(&encode_with(&Empty {}, &Empty {}).unwrap()), "{}");
        assert!(encode_with(&[1], &B { b: "x" }).is_err());
        assert!(encode_with(&A { a: 1 }, "x").is_err());
        assert!(encode_with("{}", &A { a: 1 }).is_err());
    }

    #[test]
    fn control_messages_are_strings_that_begin_with_primus() {
        let control = |t| control(Message::Text(t));
        assert_eq!(control("\"primus::pong::12\""), Some("primus::pong::12"));
        assert_eq!(control("\"primus::\""), Some("primus::"));
        assert_eq!(control("\"primus:\""), None);
        assert_eq!(control("\"primus::a\\n\""), None);
        assert_eq!(control("\"primus::"), None);
        assert_eq!(control("\""), None);
        assert_eq!(control("[\"primus::id::\"]"), None);
    }
}
