//! What one message costs inside of the server: no sockets, only decode, dispatch, encode and
//! queueing. `cargo bench --bench messages`

use std::{hint::black_box, sync::atomic::AtomicUsize, sync::atomic::Ordering};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use stellarfw::{
    Stellar,
    actions::{ActionResult, Params},
    transport::{
        CloseReason, CodecError, Flow, Frame, Handler, Inlet, Message, Outlet, Parser, PushError,
        Server, Spark, Waiting,
    },
};
use tokio::runtime::Runtime;

/// An outlet that takes everything and keeps nothing.
#[derive(Default)]
struct Sink(AtomicUsize);

impl Outlet for Sink {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        self.0.fetch_add(frame.len(), Ordering::Relaxed);
        Ok(())
    }
    fn flush(&self) {}
    fn waiting(&self) -> Waiting {
        Waiting::default()
    }
    fn ping(&self) {}
    fn close(&self, _: &CloseReason) {}
    fn abort(&self) {}
}

async fn open(server: &Server) -> Inlet {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    match server.admit("bench", &mut parts).await {
        Ok(admission) => server.open(admission, Sink::default()),
        Err(refusal) => panic!("refused: {refusal}"),
    }
}

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

#[derive(serde::Deserialize, serde::Serialize)]
struct Payload {
    text: String,
}

async fn echo(Params(payload): Params<Payload>) -> ActionResult<Payload> {
    Ok(payload)
}

async fn stellar() -> Stellar {
    let built = Stellar::builder()
        .room("bench")
        .action("echo", echo)
        .configure(|config| config.server.ping_interval = 0)
        .build();
    match built.await {
        Ok(stellar) => stellar,
        Err(error) => panic!("{error}"),
    }
}

fn transport(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap_or_else(|error| panic!("{error}"));
    let _entered = runtime.enter();
    let text = format!("\"{}\"", "x".repeat(62));
    let mut group = c.benchmark_group("transport");
    for parser in [Parser::Json, Parser::MessagePack] {
        let server = Server::builder()
            .parser(parser.clone())
            .configure(|config| config.ping_interval = 0)
            .handler(Echo)
            .build();
        let mut inlet = runtime.block_on(open(&server));
        let frame = parser
            .encode(&json!({ "text": text, "n": [1, 2, 3] }))
            .unwrap_or_else(|error| panic!("{error}"));
        group.bench_function(BenchmarkId::new("echo", parser.name()), |b| {
            b.iter(|| inlet.receive(black_box(frame.as_message())));
        });
    }
    group.finish();
}

fn requests(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap_or_else(|error| panic!("{error}"));
    let _entered = runtime.enter();
    let stellar = runtime.block_on(stellar());
    let mut inlet = runtime.block_on(open(stellar.transport()));
    let mut group = c.benchmark_group("request");
    for (name, message) in [
        ("detailsView", json!({ "event": "detailsView" })),
        (
            "action",
            json!({ "event": "action", "params": { "action": "echo", "text": "x".repeat(64) } }),
        ),
        ("unknown verb", json!({ "event": "nothing" })),
    ] {
        let text = message.to_string();
        group.bench_function(name, |b| {
            b.iter(|| inlet.receive(Message::Text(black_box(&text))));
        });
    }
    group.finish();
}

fn say(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap_or_else(|error| panic!("{error}"));
    let _entered = runtime.enter();
    let join = json!({ "event": "roomAdd", "room": "bench" }).to_string();
    let said = json!({ "event": "say", "room": "bench", "message": "x".repeat(64) }).to_string();
    let mut group = c.benchmark_group("say");
    for members in [1_usize, 10, 100, 1_000, 10_000] {
        let stellar = runtime.block_on(stellar());
        let mut inlets: Vec<Inlet> = (0..members)
            .map(|_| runtime.block_on(open(stellar.transport())))
            .collect();
        for inlet in &mut inlets {
            inlet.receive(Message::Text(&join));
        }
        group.throughput(Throughput::Elements(members as u64));
        group.bench_function(BenchmarkId::from_parameter(members), |b| {
            b.iter(|| {
                let _turn = stellarfw::transport::turn();
                inlets[0].receive(Message::Text(black_box(&said)));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, transport, requests, say);
criterion_main!(benches);
