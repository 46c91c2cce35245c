//! Thousands of sessions that were opened and never polled again.
//!
//! Runs in its own process, because it measures the memory of the process.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use async_trait::async_trait;
use serde_json::Value;
use stellarfw_conformance::half_open::{Ends, HalfOpen, MANY, PATIENCE, echo, thousands};
use stellarfw_sockjs::{SockJs, SockJsConfig};
use stellarfw_transport::{BoxFuture, CloseReason, Server};

use support::{
    http::{Http, Response},
    site::Site,
};

/// Maximum memory of a session in bytes, four times the measured value.
const MAX_BYTES: usize = 6 << 10;

struct Sessions {
    server: Server,
    site: Site,
    ends: Ends,
    /// A client that polls often enough to stay connected.
    bystander: Http,
}

async fn post(http: &mut Http, session: &str, what: &str, body: &str) -> Response {
    let path = format!("/primus/000/{session}/{what}");
    let response = http.request("POST", &path, &[], body.as_bytes());
    response.await.unwrap()
}

#[async_trait]
impl HalfOpen for Sessions {
    fn server(&self) -> &Server {
        &self.server
    }

    fn counted(&self) -> usize {
        MANY + 1
    }

    fn bring(&self, hand: usize, many: usize) -> BoxFuture<()> {
        let address = self.site.address;
        Box::pin(async move {
            let mut http = Http::connect(address).await.unwrap();
            for n in 0..many {
                let session = format!("half-{hand}-{n}");
                let response = post(&mut http, &session, "xhr", "").await;
                assert_eq!((response.status, response.text()), (200, "o\n"));
            }
        })
    }

    fn check_ends(&mut self) {
        self.ends.are_all(&CloseReason::Gone);
    }

    async fn serve_another(&mut self) {
        let http = &mut self.bystander;
        let sent = post(http, "bystander", "xhr_send", "[\"\\\"well\\\"\"]").await;
        assert_eq!(sent.status, 204);
        let back = post(http, "bystander", "xhr", "").await;
        assert_eq!(back.text(), "a[\"\\\"well\\\"\"]\n");
    }

    async fn refuse_one_more(&mut self) -> (u16, Value) {
        let mut http = Http::connect(self.site.address).await.unwrap();
        let response = post(&mut http, "more", "xhr", "").await;
        (response.status, response.json())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_abandoned_sessions() {
    let (echo, ends) = echo();
    let mut config = SockJsConfig::default();
    config.disconnect_delay = PATIENCE;
    let server = Server::builder()
        .configure(|config| {
            config.ping_interval = 0;
            config.max_connections = MANY + 1;
        })
        .transport(SockJs::new(config))
        .handler(echo)
        .build();
    let site = Site::new(&server).await;
    let mut bystander = Http::connect(site.address).await.unwrap();
    let opened = post(&mut bystander, "bystander", "xhr", "").await;
    assert_eq!(opened.text(), "o\n");
    let sessions = Sessions {
        server,
        site,
        ends,
        bystander,
    };
    thousands(sessions, MAX_BYTES).await;
}
