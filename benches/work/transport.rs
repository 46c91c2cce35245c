//! The work of the transport layer, between an engine and its outlet.

use std::hint::black_box;

use serde_json::{Value, json};
use stellarfw::transport::{
    CloseReason, CodecError, Flow, Handler, Message, Parser, Server, Spark, turn,
};
use tokio::runtime::Runtime;

use super::{Entry, Repeat, sink};

pub(super) const WORK: &[Entry] = &[
    ("transport/echo, JSON", 1, |runtime| {
        echo(runtime, Parser::Json)
    }),
    ("transport/echo, MessagePack", 1, |runtime| {
        echo(runtime, Parser::MessagePack)
    }),
];

struct Echo;

impl Handler for Echo {
    fn open(&self, _: &Spark) -> Flow {
        Flow::DONE
    }
    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        let value: Value = spark.decode(message)?;
        spark.send(&value).ok();
        Ok(Flow::DONE)
    }
    fn error(&self, _: &Spark, _: &CodecError) {}
    fn close(&self, _: &Spark, _: &CloseReason) {}
}

fn echo(runtime: &Runtime, parser: Parser) -> Repeat<'_> {
    let server = Server::builder()
        .parser(parser.clone())
        .configure(|config| config.ping_interval = 0)
        .handler(Echo)
        .build();
    let mut inlet = runtime.block_on(sink::open(&server));
    let frame = parser
        .encode(&json!(super::text()))
        .unwrap_or_else(|error| panic!("{error}"));
    Box::new(move || {
        let _turn = turn();
        inlet.receive(black_box(frame.as_message()));
    })
}
