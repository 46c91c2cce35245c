//! The test fixture: a served engine with an echo handler, and requests to it.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use stellarfw_sockjs::{SockJs, SockJsConfig};
use stellarfw_transport::{
    CloseReason, CodecError, Delivery, Flow, Handler, Message, Parser, Server, ServerBuilder,
    ServerConfig, Spark,
};
use tokio::sync::{Semaphore, mpsc};

use crate::support::{
    http::{Http, Response},
    site::Site,
    socket::Socket,
};

/// Bound of a single wait, far above what a loaded machine needs.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub enum Event {
    Open(Spark),
    Message(String),
    Close(CloseReason),
}

/// An echo handler with test switches.
///
/// The query `close` closes the spark, and `mute` turns the echo off. The message `wait` blocks the
/// handler until the test adds a permit to the gate.
struct Echo {
    events: mpsc::UnboundedSender<Event>,
    gate: std::sync::Arc<Semaphore>,
}

impl Handler for Echo {
    fn open(&self, spark: &Spark) -> Flow {
        self.events.send(Event::Open(spark.clone())).ok();
        if spark.handshake().query().contains("close") {
            spark.close(CloseReason::Protocol {
                code: 3000,
                message: "Go away!".into(),
            });
        }
        Flow::DONE
    }

    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        let frame = message.to_frame();
        let text = String::from_utf8_lossy(frame.payload()).into_owned();
        let waits = text == "wait";
        self.events.send(Event::Message(text)).ok();
        if waits {
            let gate = self.gate.clone();
            return Ok(Flow::start(async move {
                gate.acquire().await.unwrap().forget();
            }));
        }
        if spark.handshake().query() != "mute" {
            spark.send_frame(frame, Delivery::Reliable).ok();
        }
        Ok(Flow::DONE)
    }

    fn error(&self, _: &Spark, _: &CodecError) {}

    fn close(&self, _: &Spark, reason: &CloseReason) {
        self.events.send(Event::Close(reason.clone())).ok();
    }
}

pub struct Fixture {
    pub server: Server,
    pub site: Site,
    /// Each permit releases one `wait`.
    pub gate: std::sync::Arc<Semaphore>,
    events: mpsc::UnboundedReceiver<Event>,
}

/// Starts a fixture with the default settings and without pings of the server.
pub async fn fixture() -> Fixture {
    fixture_with(|_| {}, |_| {}).await
}

pub async fn fixture_with(
    engine: impl FnOnce(&mut SockJsConfig),
    server: impl FnOnce(&mut ServerConfig),
) -> Fixture {
    fixture_from(engine, |builder| builder.configure(server)).await
}

pub async fn fixture_from(
    engine: impl FnOnce(&mut SockJsConfig),
    change: impl FnOnce(ServerBuilder) -> ServerBuilder,
) -> Fixture {
    let (sender, events) = mpsc::unbounded_channel();
    let gate = std::sync::Arc::new(Semaphore::new(0));
    let mut config = SockJsConfig::default();
    engine(&mut config);
    let builder = Server::builder()
        .configure(|config| config.ping_interval = 0)
        .parser(Parser::Raw)
        .handler(Echo {
            events: sender,
            gate: gate.clone(),
        })
        .transport(SockJs::new(config));
    let server = change(builder).build();
    server.start().await.unwrap();
    let site = Site::new(&server).await;
    Fixture {
        server,
        site,
        gate,
        events,
    }
}

/// Returns the path of a new session, unique among the tests.
pub fn session() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("/000/{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Awaits a future, and fails if it does not complete in time.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}

/// Waits until a condition holds.
pub async fn until(mut condition: impl FnMut() -> bool) {
    within(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

pub fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    headers.iter().map(own).collect()
}

impl Fixture {
    pub async fn event(&mut self) -> Event {
        within(self.events.recv()).await.unwrap()
    }

    pub async fn opened(&mut self) -> Spark {
        match self.event().await {
            Event::Open(spark) => spark,
            other => panic!("{other:?}"),
        }
    }

    pub async fn message(&mut self) -> String {
        match self.event().await {
            Event::Message(text) => text,
            other => panic!("{other:?}"),
        }
    }

    pub async fn closed(&mut self) -> CloseReason {
        match self.event().await {
            Event::Close(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    pub async fn http(&self) -> Http {
        Http::connect(self.site.address).await.unwrap()
    }

    /// Sends a request below the mount over a new connection.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let mut http = self.http().await;
        let (target, headers) = (format!("/primus{path}"), owned(headers));
        let response = http.request(method, &target, &headers, body.as_bytes());
        within(response).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request("GET", path, &[], "").await
    }

    pub async fn post(&self, path: &str, body: &str) -> Response {
        self.request("POST", path, &[], body).await
    }

    /// Opens a session by polling.
    pub async fn open(&mut self, session: &str, query: &str) -> Spark {
        let response = self.post(&format!("{session}/xhr{query}"), "").await;
        assert_eq!((response.status, response.text()), (200, "o\n"));
        self.opened().await
    }

    /// Polls once and returns the body.
    pub async fn poll(&self, session: &str) -> String {
        let response = self.post(&format!("{session}/xhr"), "").await;
        assert_eq!(response.status, 200, "{response:?}");
        response.text().to_owned()
    }

    /// Sends messages, which must be accepted.
    pub async fn send(&self, session: &str, body: &str) {
        let response = self.post(&format!("{session}/xhr_send"), body).await;
        assert_eq!(
            (response.status, response.text()),
            (204, ""),
            "{response:?}"
        );
    }

    /// Opens a streaming response.
    pub async fn stream(&self, method: &str, path: &str) -> Stream {
        let mut http = self.http().await;
        let target = format!("/primus{path}");
        http.send(method, &target, &[], b"").await.unwrap();
        let head = within(http.response_head()).await.unwrap();
        Stream {
            http,
            head,
            text: String::new(),
        }
    }

    pub async fn socket(&self, path: &str, headers: &[(&str, &str)]) -> Result<Socket, Response> {
        let (target, headers) = (format!("/primus{path}"), owned(headers));
        let upgrade = Socket::upgrade(self.http().await, &target, &headers);
        within(upgrade).await.unwrap()
    }
}

/// A streaming response.
pub struct Stream {
    pub http: Http,
    pub head: Response,
    text: String,
}

impl Stream {
    /// Reads the text up to and including `end`.
    pub async fn to(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.text.find(end) {
                let rest = self.text.split_off(at + end.len());
                return std::mem::replace(&mut self.text, rest);
            }
            let part = within(self.http.part()).await.unwrap();
            let Some(part) = part else {
                panic!("the response ended with {:?}", self.text);
            };
            self.text += std::str::from_utf8(&part).unwrap();
        }
    }

    /// Reads the text to the end of the response.
    pub async fn rest(&mut self) -> String {
        while let Some(part) = within(self.http.part()).await.unwrap() {
            self.text += std::str::from_utf8(&part).unwrap();
        }
        std::mem::take(&mut self.text)
    }
}
