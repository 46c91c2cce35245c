//! Thousands of sessions whose clients never asked to be let into a namespace. Alone in its
//! process, because it looks at the memory of that.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use stellarfw_conformance::half_open::{HalfOpen, MANY, PATIENCE, thousands};
use stellarfw_socketio::SocketIoConfig;
use stellarfw_transport::{BoxFuture, Server, Spark};

use support::{
    bed::{Bed, bed_with, next, say},
    http::{Answer, Http},
    line::{Line, Way},
};

/// So many bytes a session may hold, twice of what it does.
const EACH: usize = 8 << 10;

struct Sessions {
    bed: Bed,
    line: Line,
    spark: Spark,
}

async fn ask(http: &mut Http) -> Answer {
    let answer = http.ask("GET", "/socket.io/?EIO=4&transport=polling", &[], b"");
    answer.await.unwrap()
}

#[async_trait]
impl HalfOpen for Sessions {
    fn server(&self) -> &Server {
        &self.bed.server
    }

    /// None of them is let in.
    fn counted(&self) -> usize {
        assert_eq!(self.bed.server.opened(), 1);
        1
    }

    /// They come as soon as there are places for them.
    fn bring(&self, _: usize, many: usize) -> BoxFuture<()> {
        let address = self.bed.site.address();
        Box::pin(async move {
            let mut http = Http::connect(address).await.unwrap();
            for _ in 0..many {
                while ask(&mut http).await.status != 200 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        })
    }

    fn check_ends(&mut self) {}

    async fn serve_another(&mut self) {
        say(&mut self.line, "42[\"message\",\"well\"]").await;
        assert_eq!(self.bed.message().await, "well");
        self.spark.send("well").unwrap();
        let answer = next(&mut self.line).await;
        assert_eq!(answer.unwrap(), "42[\"message\",\"well\"]");
    }

    async fn refuse_one_more(&mut self) -> (u16, Value) {
        let mut http = Http::connect(self.bed.site.address()).await.unwrap();
        let answer = ask(&mut http).await;
        (answer.status, answer.json())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_that_never_ask_to_be_let_in() {
    let mut config = SocketIoConfig::default();
    // Nobody here answers pings.
    config.ping_interval = 3_600_000;
    config.ping_timeout = 10 * PATIENCE;
    config.connect_timeout = Some(PATIENCE);
    let mut bed = bed_with(config, |config| {
        config.max_handshakes = MANY;
        config.max_handshakes_per_address = 0;
    })
    .await;
    let (line, spark) = bed.connect(Way::WebSocket).await;
    thousands(Sessions { bed, line, spark }, EACH).await;
}
