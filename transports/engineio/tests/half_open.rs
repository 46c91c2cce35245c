//! Thousands of sessions whose clients opened them and never came again: what they hold, who is
//! served meanwhile, and that they go. Alone in its process, because it looks at the memory of that.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use std::time::Duration;

use stellarfw_engineio::{EngineIo, EngineIoConfig};
use stellarfw_transport::{CloseReason, CodecError, Flow, Handler, Message, Server, Spark};
use tokio::{sync::mpsc, task::JoinSet};

use support::{
    http::{Answer, Http},
    line::{self, Line, Packet, Way},
    memory::{grown, resident},
    site::Site,
};

const MANY: usize = 5_000;
/// So many bytes a session may hold, three times of what it does.
const EACH: usize = 32 << 10;
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

async fn ask(http: &mut Http) -> Answer {
    let answer = http.ask("GET", "/primus/?EIO=4&transport=polling", &[], b"");
    tokio::time::timeout(Duration::from_secs(60), answer)
        .await
        .unwrap()
        .unwrap()
}

/// Opens so many sessions, a few at the same time.
async fn open(site: &Site) {
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let mut http = Http::connect(site.address()).await.unwrap();
        tasks.spawn(async move {
            for _ in 0..MANY / 8 {
                assert_eq!(ask(&mut http).await.status, 200);
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

/// All of them end, for that they were not heard of.
async fn go(ended: &mut mpsc::UnboundedReceiver<CloseReason>) {
    for _ in 0..MANY {
        let end = tokio::time::timeout(Duration::from_secs(120), ended.recv());
        let end = end.await.unwrap().unwrap();
        assert_eq!(end, CloseReason::HeartbeatTimeout);
    }
}

/// Somebody else's message comes back.
async fn is_served(line: &mut Line) {
    let served = async {
        line.send(&[Packet::text("4\"well\"")]).await.unwrap();
        while line.next().await.unwrap() != Packet::text("4\"well\"") {}
    };
    let served = tokio::time::timeout(Duration::from_secs(60), served);
    served.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_that_never_poll() {
    let (ends, mut ended) = mpsc::unbounded_channel();
    let mut config = EngineIoConfig::default();
    config.ping_timeout = PATIENCE;
    // Nobody here answers pings.
    config.ping_interval = 3_600_000;
    let server = Server::builder()
        .configure(|config| {
            config.ping_interval = 0;
            config.max_connections = MANY + 1;
        })
        .transport(EngineIo::new(config))
        .handler(Echo(ends))
        .build();
    let mut site = Site::default();
    site.serve(&server).await;
    let bystander = line::connect(site.address(), Way::WebSocket, "/primus/", "", &[]);
    let mut bystander = bystander.await.unwrap().unwrap();
    is_served(&mut bystander).await;

    let before = resident();
    let first = {
        let opening = open(&site);
        tokio::pin!(opening);
        // Meanwhile as well as afterwards.
        loop {
            tokio::select! {
                () = &mut opening => break,
                () = is_served(&mut bystander) => {}
            }
        }
        assert_eq!(server.connections(), MANY + 1);
        grown(before)
    };
    is_served(&mut bystander).await;
    assert!(first <= MANY * EACH, "{} bytes each", first / MANY);

    // There is a bound, and it holds.
    let mut http = Http::connect(site.address()).await.unwrap();
    let answer = ask(&mut http).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["error"], "Too many connections");

    go(&mut ended).await;
    assert_eq!(server.connections(), 1);
    is_served(&mut bystander).await;

    // As many again live in what the others have left. The allocator takes some more at first.
    open(&site).await;
    let second = grown(before);
    go(&mut ended).await;
    open(&site).await;
    assert_eq!(server.connections(), MANY + 1);
    let third = grown(before);
    assert!(
        third <= second + first / 4,
        "{first}, {second}, {third} bytes"
    );
    is_served(&mut bystander).await;
}
