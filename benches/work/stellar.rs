//! The work of the Stellar layer: a request up to its response, a `say` up to its deliveries.

use std::hint::black_box;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stellarfw::{
    Stellar,
    actions::{ActionResult, Params},
    rooms::ByteRate,
    transport::{Inlet, Message, turn},
};
use tokio::runtime::Runtime;

use super::{Entry, Repeat, sink};

pub(super) const WORK: &[Entry] = &[
    ("request/action", 1, |runtime| request(runtime, &action())),
    ("request/detailsView", 1, |runtime| {
        request(runtime, &json!({ "event": "detailsView" }))
    }),
    ("request/unknown verb", 1, |runtime| {
        request(runtime, &json!({ "event": "nothing" }))
    }),
    ("say/1 member", 1, |runtime| say(runtime, 1)),
    ("say/10 members", 10, |runtime| say(runtime, 10)),
    ("say/100 members", 100, |runtime| say(runtime, 100)),
    ("say/1,000 members", 1_000, |runtime| say(runtime, 1_000)),
    ("say/10,000 members", 10_000, |runtime| say(runtime, 10_000)),
];

#[derive(Deserialize, Serialize)]
struct Payload {
    text: String,
}

async fn echo(Params(payload): Params<Payload>) -> ActionResult<Payload> {
    Ok(payload)
}

/// A call of the action `echo`.
pub(super) fn action() -> Value {
    json!({ "event": "action", "params": { "action": "echo", "text": super::text() } })
}

async fn stellar() -> Stellar {
    let built = Stellar::builder()
        .room("bench")
        .action("echo", echo)
        .configure(|config| {
            config.server.ping_interval = 0;
            // The rate is counted, as by default, and never exceeded.
            config.publish_rate.connection = ByteRate::new(u64::MAX, u64::MAX);
            config.publish_rate.client = ByteRate::new(u64::MAX, u64::MAX);
            config.publish_rate.room = ByteRate::new(u64::MAX, u64::MAX);
        })
        .build();
    match built.await {
        Ok(stellar) => stellar,
        Err(error) => panic!("{error}"),
    }
}

fn request<'a>(runtime: &'a Runtime, message: &Value) -> Repeat<'a> {
    let stellar = runtime.block_on(stellar());
    let mut inlet = runtime.block_on(sink::open(stellar.transport()));
    let text = message.to_string();
    Box::new(move || {
        let _turn = turn();
        inlet.receive(Message::Text(black_box(&text)));
    })
}

fn say(runtime: &Runtime, members: usize) -> Repeat<'_> {
    let join = json!({ "event": "roomAdd", "room": "bench" }).to_string();
    let said = json!({ "event": "say", "room": "bench", "message": super::text() }).to_string();
    let stellar = runtime.block_on(stellar());
    let mut inlets: Vec<Inlet> = (0..members)
        .map(|_| runtime.block_on(sink::open(stellar.transport())))
        .collect();
    for inlet in &mut inlets {
        inlet.receive(Message::Text(&join));
    }
    Box::new(move || {
        // An engine batches the messages of one read.
        let _turn = turn();
        inlets[0].receive(Message::Text(black_box(&said)));
    })
}
