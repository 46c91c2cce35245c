//! A served engine whose handler echoes, and requests to it.

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
    http::{Answer, Http},
    site::Site,
    socket::Socket,
};

/// Far more than anything takes.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub enum Event {
    Open(Spark),
    Message(String),
    Close(CloseReason),
}

/// Echoes. Those who come with `?close` are sent away; those with `?mute` get no echo; `wait` is
/// handled only when the test lets it.
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

pub struct Bed {
    pub server: Server,
    pub site: Site,
    /// Lets one `wait` pass for each permit.
    pub gate: std::sync::Arc<Semaphore>,
    events: mpsc::UnboundedReceiver<Event>,
}

/// A bed with the settings by default, but for the server's pings: there are none.
pub async fn bed() -> Bed {
    bed_with(|_| {}, |_| {}).await
}

pub async fn bed_with(
    engine: impl FnOnce(&mut SockJsConfig),
    server: impl FnOnce(&mut ServerConfig),
) -> Bed {
    bed_of(engine, |builder| builder.configure(server)).await
}

pub async fn bed_of(
    engine: impl FnOnce(&mut SockJsConfig),
    change: impl FnOnce(ServerBuilder) -> ServerBuilder,
) -> Bed {
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
    Bed {
        server,
        site,
        gate,
        events,
    }
}

/// The path of a session that no other test has.
pub fn session() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("/000/{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Waits for what must happen.
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

impl Bed {
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

    /// Asks for a path below the mount, over a connection of its own.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut http = self.http().await;
        let (target, headers) = (format!("/primus{path}"), owned(headers));
        let asked = http.ask(method, &target, &headers, body.as_bytes());
        within(asked).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "").await
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.ask("POST", path, &[], body).await
    }

    /// Opens a session by polling.
    pub async fn open(&mut self, session: &str, query: &str) -> Spark {
        let answer = self.post(&format!("{session}/xhr{query}"), "").await;
        assert_eq!((answer.status, answer.text()), (200, "o\n"));
        self.opened().await
    }

    /// What one poll brings.
    pub async fn poll(&self, session: &str) -> String {
        let answer = self.post(&format!("{session}/xhr"), "").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text().to_owned()
    }

    /// Sends messages, which must be taken.
    pub async fn send(&self, session: &str, body: &str) {
        let answer = self.post(&format!("{session}/xhr_send"), body).await;
        assert_eq!((answer.status, answer.text()), (204, ""), "{answer:?}");
    }

    /// A response that goes on.
    pub async fn stream(&self, method: &str, path: &str) -> Stream {
        let mut http = self.http().await;
        let target = format!("/primus{path}");
        http.send(method, &target, &[], b"").await.unwrap();
        let head = within(http.answer_head()).await.unwrap();
        Stream {
            http,
            head,
            text: String::new(),
        }
    }

    pub async fn socket(&self, path: &str, headers: &[(&str, &str)]) -> Result<Socket, Answer> {
        let (target, headers) = (format!("/primus{path}"), owned(headers));
        let upgrade = Socket::upgrade(self.http().await, &target, &headers);
        within(upgrade).await.unwrap()
    }
}

/// A response that is read bit by bit.
pub struct Stream {
    pub http: Http,
    pub head: Answer,
    text: String,
}

impl Stream {
    /// The next text up to and with this end.
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

    /// All that is left, to the end of the response.
    pub async fn rest(&mut self) -> String {
        while let Some(part) = within(self.http.part()).await.unwrap() {
            self.text += std::str::from_utf8(&part).unwrap();
        }
        std::mem::take(&mut self.text)
    }
}
