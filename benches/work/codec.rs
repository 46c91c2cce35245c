//! The work of the codecs.

use std::hint::black_box;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stellarfw::transport::{Frame, Parser};
use tokio::runtime::Runtime;

use super::{Entry, Repeat};

pub(super) const WORK: &[Entry] = &[
    ("decode/JSON, any value", 1, |_| {
        decode::<Value>(Parser::Json)
    }),
    ("decode/JSON, known fields", 1, |_| {
        decode::<Request>(Parser::Json)
    }),
    ("decode/MessagePack, any value", 1, |_| {
        decode::<Value>(Parser::MessagePack)
    }),
    ("encode/JSON", 1, |runtime| encode(runtime, Parser::Json)),
    ("encode/MessagePack", 1, |runtime| {
        encode(runtime, Parser::MessagePack)
    }),
];

#[derive(Deserialize)]
#[expect(dead_code, reason = "only reading it is of interest")]
struct Request {
    event: String,
    params: Params,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only reading it is of interest")]
struct Params {
    action: String,
    text: String,
}

fn encoded(parser: &Parser, value: &Value) -> Frame {
    parser
        .encode(value)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn decode<T: for<'de> Deserialize<'de> + 'static>(parser: Parser) -> Repeat<'static> {
    let frame = encoded(&parser, &super::stellar::action());
    Box::new(move || {
        let value: T = parser
            .decode(black_box(frame.as_message()))
            .unwrap_or_else(|error| panic!("{error}"));
        black_box(&value);
    })
}

/// A response: a body followed by the common fields.
fn encode(_: &Runtime, parser: Parser) -> Repeat<'_> {
    #[derive(Serialize)]
    struct Tail {
        #[serde(rename = "messageCount")]
        count: u64,
        context: &'static str,
    }
    let body = json!({ "text": super::text() });
    let tail = Tail {
        count: 1_000,
        context: "response",
    };
    Box::new(move || {
        let frame = parser
            .encode_with(black_box(&body), black_box(&tail))
            .unwrap_or_else(|error| panic!("{error}"));
        black_box(&frame);
    })
}
