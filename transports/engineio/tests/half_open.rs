//! Thousands of sessions whose clients opened them and never came again. Alone in its process,
//! because it looks at the memory of that.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use std::net::SocketAddr;

use async_trait::async_trait;
use serde_json::Value;
use stellarfw_conformance::half_open::{Ends, HalfOpen, MANY, PATIENCE, echo, thousands};
use stellarfw_engineio::{EngineIo, EngineIoConfig};
use stellarfw_transport::{BoxFuture, CloseReason, Server};

use support::{
    http::{Answer, Http},
    line::{self, Line, Packet, Way},
    site::Site,
};

/// So many bytes a session may hold, three times of what it does.
const EACH: usize = 6 << 10;

struct Sessions {
    server: Server,
    address: SocketAddr,
    ends: Ends,
    bystander: Line,
}

async fn ask(http: &mut Http) -> Answer {
    let answer = http.ask("GET", "/primus/?EIO=4&transport=polling", &[], b"");
    answer.await.unwrap()
}

#[async_trait]
impl HalfOpen for Sessions {
    fn server(&self) -> &Server {
        &self.server
    }

    fn counted(&self) -> usize {
        MANY + 1
    }

    fn bring(&self, _: usize, many: usize) -> BoxFuture<()> {
        let address = self.address;
        Box::pin(async move {
            let mut http = Http::connect(address).await.unwrap();
            for _ in 0..many {
                assert_eq!(ask(&mut http).await.status, 200);
            }
        })
    }

    fn check_ends(&mut self) {
        self.ends.are_all(&CloseReason::HeartbeatTimeout);
    }

    async fn serve_another(&mut self) {
        let well = Packet::text("4\"well\"");
        self.bystander
            .send(std::slice::from_ref(&well))
            .await
            .unwrap();
        assert_eq!(self.bystander.next().await.unwrap(), well);
    }

    async fn refuse_one_more(&mut self) -> (u16, Value) {
        let mut http = Http::connect(self.address).await.unwrap();
        let answer = ask(&mut http).await;
        (answer.status, answer.json())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_that_never_poll() {
    let (echo, ends) = echo();
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
        .handler(echo)
        .build();
    let mut site = Site::default();
    site.serve(&server).await;
    let address = site.address();
    let bystander = line::connect(address, Way::WebSocket, "/primus/", "", &[]);
    let sessions = Sessions {
        server,
        address,
        ends,
        bystander: bystander.await.unwrap().unwrap(),
    };
    thousands(sessions, EACH).await;
}
