//! Codecs: a decode and encode round trip preserves the value.

use std::collections::BTreeMap;

use serde_json::Value;
use stellarfw::transport::{Message, Parser};

/// Decodes bytes with each codec. Decoded values must survive an encode and decode round trip.
pub fn codecs(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        check(&Parser::Json, Message::Text(text));
        check(&Parser::MessagePack, Message::Text(text));
    }
    check(&Parser::Json, Message::Binary(bytes));
    check(&Parser::MessagePack, Message::Binary(bytes));
}

fn check(parser: &Parser, message: Message<'_>) {
    let control = parser.control(message);
    if let Some(control) = &control {
        assert!(control.starts_with("primus::"));
    }
    let Ok(value) = parser.decode::<Value>(message) else {
        return;
    };
    if let Some(control) = control {
        assert_eq!(value, *control);
    }
    // Each codec must preserve values that either codec decoded.
    for parser in [Parser::Json, Parser::MessagePack] {
        let frame = match parser.encode(&value) {
            Ok(frame) => frame,
            Err(error) => panic!("{parser:?} cannot encode {value}: {error}"),
        };
        let separators = ['\u{2028}', '\u{2029}'];
        let text = frame.as_message().as_str().map(str::to_owned);
        if matches!(parser, Parser::Json) {
            assert!(text.is_some_and(|text| !text.contains(separators)));
        }
        assert_eq!(back(&parser, frame.as_message()), value, "{parser:?}");

        let tail = BTreeMap::from([("\u{2028}tail", 7)]);
        let spliced = parser.encode_with(&value, &tail);
        match &value {
            Value::Object(map) => {
                let mut expected = map.clone();
                expected.insert("\u{2028}tail".to_owned(), 7.into());
                let frame = spliced.unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(back(&parser, frame.as_message()), Value::Object(expected));
            }
            _ => assert!(spliced.is_err(), "{value} has no fields"),
        }
    }
}

fn back(parser: &Parser, message: Message<'_>) -> Value {
    match parser.decode(message) {
        Ok(value) => value,
        Err(error) => panic!("{parser:?} cannot decode its own output: {error}"),
    }
}
