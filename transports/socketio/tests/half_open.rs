//! Thousands of sessions whose clients never asked to be let into a namespace: what they hold, who
//! is served meanwhile, and that they go. Alone in its process, because it looks at the memory of that.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use std::{net::SocketAddr, time::Duration};

use stellarfw_socketio::SocketIoConfig;
use stellarfw_transport::Spark;
use tokio::task::JoinSet;

use support::{
    bed::{Bed, bed_with, next, say},
    http::{Answer, Http},
    line::{Line, Way},
    memory::{grown, resident},
};

const MANY: usize = 5_000;
/// So many bytes a session may hold, twice of what it does.
const EACH: usize = 32 << 10;
/// Milliseconds until they end; all of them are opened within it.
const PATIENCE: u64 = 15_000;

async fn ask(http: &mut Http) -> Answer {
    let answer = http.ask("GET", "/socket.io/?EIO=4&transport=polling", &[], b"");
    tokio::time::timeout(Duration::from_secs(60), answer)
        .await
        .unwrap()
        .unwrap()
}

/// Opens so many sessions, a few at the same time, as soon as there are places for them. In the end
/// all of them have one at the same moment.
async fn open(address: SocketAddr) {
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let mut http = Http::connect(address).await.unwrap();
        tasks.spawn(async move {
            for _ in 0..MANY / 8 {
                while ask(&mut http).await.status != 200 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        });
    }
    let all = async {
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(180), all)
        .await
        .unwrap();
    // There is a bound, and it holds.
    let mut http = Http::connect(address).await.unwrap();
    let answer = ask(&mut http).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["error"], "Too many connections");
}

/// Somebody else's message comes in, and an answer goes out.
async fn is_served(bed: &mut Bed, line: &mut Line, spark: &Spark) {
    say(line, "42[\"message\",\"well\"]").await;
    assert_eq!(bed.message().await, "well");
    spark.send("well").unwrap();
    assert_eq!(next(line).await.unwrap(), "42[\"message\",\"well\"]");
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_that_never_ask_to_be_let_in() {
    let mut config = SocketIoConfig::default();
    // Nobody here answers pings.
    config.ping_interval = 3_600_000;
    config.ping_timeout = 10 * PATIENCE;
    config.connect_timeout = Some(PATIENCE);
    let mut bed = bed_with(config, |config| config.max_handshakes = MANY).await;
    let (mut line, spark) = bed.connect(Way::WebSocket).await;
    is_served(&mut bed, &mut line, &spark).await;

    let address = bed.site.address();
    let before = resident();
    let mut grew = Vec::new();
    for _ in 0..3 {
        let opening = open(address);
        tokio::pin!(opening);
        loop {
            tokio::select! {
                () = &mut opening => break,
                () = is_served(&mut bed, &mut line, &spark) => {}
            }
        }
        grew.push(grown(before));
        is_served(&mut bed, &mut line, &spark).await;
    }
    let [first, second, third] = grew[..] else {
        unreachable!("there were three");
    };
    assert!(first <= MANY * EACH, "{} bytes each", first / MANY);
    // As many again live in what the others have left. The allocator takes some more at first.
    assert!(third <= second + first / 4, "{grew:?} bytes");
    // None of them was let in.
    assert_eq!((bed.server.opened(), bed.server.connections()), (1, 1));
}
