//! Thousands of sessions whose clients opened them and never came again: what they hold, who is
//! served meanwhile, and that they go. Alone in its process, because it looks at the memory of that.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use std::{net::SocketAddr, time::Duration};

use stellarfw_sockjs::{SockJs, SockJsConfig};
use stellarfw_transport::{CloseReason, CodecError, Flow, Handler, Message, Server, Spark};
use tokio::{sync::mpsc, task::JoinSet};

use support::{
    http::{Answer, Http},
    memory::{grown, resident},
    site::Site,
};

const MANY: usize = 5_000;
/// So many bytes a session may hold, four times of what it does.
const EACH: usize = 6 << 10;
/// Milliseconds until they end; all of them are opened within it.
const PATIENCE: u64 = 15_000;

/// Echoes, and tells of the ends of those that did not leave by themselves.
struct Echo(mpsc::UnboundedSender<CloseReason>);

impl Handler for Echo {
    fn open(&self, _: &Spark) -> Flow {
        Flow::DONE
    }

    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        let value: serde_json::Value = spark.decode(message)?;
        spark.send(&value).ok();
        Ok(Flow::DONE)
    }

    fn error(&self, _: &Spark, _: &CodecError) {}

    fn close(&self, _: &Spark, reason: &CloseReason) {
        self.0.send(reason.clone()).ok();
    }
}

async fn post(http: &mut Http, session: &str, what: &str, body: &str) -> Answer {
    let path = format!("/primus/000/{session}/{what}");
    let answer = http.ask("POST", &path, &[], body.as_bytes());
    let answer = tokio::time::timeout(Duration::from_secs(60), answer);
    answer.await.unwrap().unwrap()
}

/// Opens so many sessions, a few at the same time.
async fn open(address: SocketAddr) {
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let mut http = Http::connect(address).await.unwrap();
        tasks.spawn(async move {
            for n in 0..MANY / 8 {
                let session = format!("half-{task}-{n}");
                let answer = post(&mut http, &session, "xhr", "").await;
                assert_eq!((answer.status, answer.text()), (200, "o\n"));
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

/// All of them end, for that nobody asked for them.
async fn go(ended: &mut mpsc::UnboundedReceiver<CloseReason>) {
    for _ in 0..MANY {
        let end = tokio::time::timeout(Duration::from_secs(120), ended.recv());
        assert_eq!(end.await.unwrap().unwrap(), CloseReason::Gone);
    }
}

/// Somebody else's message comes back.
async fn is_served(http: &mut Http) {
    let sent = post(http, "bystander", "xhr_send", "[\"\\\"well\\\"\"]").await;
    assert_eq!(sent.status, 204);
    let back = post(http, "bystander", "xhr", "").await;
    assert_eq!(back.text(), "a[\"\\\"well\\\"\"]\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_that_nobody_asks_for_again() {
    let (ends, mut ended) = mpsc::unbounded_channel();
    let mut config = SockJsConfig::default();
    config.disconnect_delay = PATIENCE;
    let server = Server::builder()
        .configure(|config| {
            config.ping_interval = 0;
            config.max_connections = MANY + 1;
        })
        .transport(SockJs::new(config))
        .handler(Echo(ends))
        .build();
    let site = Site::new(&server).await;
    let address = site.address;
    // It asks often enough to stay.
    let (stop, mut stopped) = tokio::sync::oneshot::channel();
    let mut http = Http::connect(address).await.unwrap();
    assert_eq!(post(&mut http, "bystander", "xhr", "").await.text(), "o\n");
    let bystander = tokio::spawn(async move {
        let mut served = 0;
        while stopped.try_recv().is_err() {
            is_served(&mut http).await;
            served += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        served
    });

    let before = resident();
    open(address).await;
    assert_eq!(server.connections(), MANY + 1);
    let first = grown(before);
    assert!(first <= MANY * EACH, "{} bytes each", first / MANY);

    // There is a bound, and it holds.
    let mut http = Http::connect(address).await.unwrap();
    let answer = post(&mut http, "more", "xhr", "").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["error"], "Too many connections");

    go(&mut ended).await;
    assert_eq!(server.connections(), 1);

    // As many again live in what the others have left. The allocator takes some more at first.
    open(address).await;
    let second = grown(before);
    go(&mut ended).await;
    open(address).await;
    assert_eq!(server.connections(), MANY + 1);
    let third = grown(before);
    assert!(
        third <= second + first / 4,
        "{first}, {second}, {third} bytes"
    );
    stop.send(()).unwrap();
    assert!(bystander.await.unwrap() > 0);
}
