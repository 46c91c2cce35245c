//! A server whose handler notes what happens, and what its clients see.

use std::time::Duration;

use serde_json::Value;
use stellarfw_engineio::{EngineIo, EngineIoConfig};
use stellarfw_transport::{
    CloseReason, CodecError, Flow, Handler, Message, Server, ServerBuilder, ServerConfig, Spark,
};
use tokio::sync::mpsc;

use super::support::{
    http::{Answer, Http},
    line::{self, Line, Packet, Way},
    site::Site,
};

#[derive(Debug)]
pub enum Event {
    Open(Spark),
    Message(Value),
    Close(CloseReason),
}

struct Notes(mpsc::UnboundedSender<Event>);

impl Handler for Notes {
    fn open(&self, spark: &Spark) -> Flow {
        self.0.send(Event::Open(spark.clone())).ok();
        Flow::DONE
    }

    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        self.0.send(Event::Message(spark.decode(message)?)).ok();
        Ok(Flow::DONE)
    }

    fn error(&self, _: &Spark, _: &CodecError) {}

    fn close(&self, _: &Spark, reason: &CloseReason) {
        self.0.send(Event::Close(reason.clone())).ok();
    }
}

pub struct Bed {
    pub server: Server,
    pub site: Site,
    events: mpsc::UnboundedReceiver<Event>,
}

pub async fn bed(engine: EngineIoConfig, change: impl FnOnce(&mut ServerConfig)) -> Bed {
    bed_of(engine, change, |server| server).await
}

pub async fn bed_of(
    engine: EngineIoConfig,
    change: impl FnOnce(&mut ServerConfig),
    build: impl FnOnce(ServerBuilder) -> ServerBuilder,
) -> Bed {
    let (notes, events) = mpsc::unbounded_channel();
    let server = Server::builder()
        .configure(|config| config.ping_interval = 0)
        .configure(change)
        .transport(EngineIo::new(engine))
        .handler(Notes(notes));
    let server = build(server).build();
    let mut site = Site::default();
    site.serve(&server).await;
    Bed {
        server,
        site,
        events,
    }
}

impl Bed {
    pub async fn event(&mut self) -> Event {
        let event = tokio::time::timeout(Duration::from_secs(20), self.events.recv());
        event.await.unwrap().unwrap()
    }

    pub async fn connect(&mut self, way: Way) -> (Line, Spark) {
        let line = line::connect(self.site.address(), way, "/primus/", "", &[]);
        let line = line.await.unwrap().unwrap();
        match self.event().await {
            Event::Open(spark) => (line, spark),
            other => panic!("{other:?}"),
        }
    }

    pub async fn closed(&mut self) -> CloseReason {
        match self.event().await {
            Event::Close(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    pub async fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let headers: Vec<_> = headers.iter().map(own).collect();
        let mut http = Http::connect(self.site.address()).await.unwrap();
        http.ask(method, target, &headers, b"").await.unwrap()
    }
}

pub fn default(_: &mut ServerConfig) {}

/// All messages until there are as many.
pub async fn hear(line: &mut Line, count: usize) -> Vec<Value> {
    let mut heard = Vec::new();
    while heard.len() < count {
        match line.next().await.unwrap() {
            Packet::Text(text) => match text.strip_prefix('4') {
                Some(text) => heard.push(serde_json::from_str(text).unwrap()),
                None => assert_eq!(text, "2"),
            },
            other => panic!("{other:?}"),
        }
    }
    heard
}

/// The end of one on polling, with nothing before it but pings.
pub async fn ended(line: &mut Line) {
    loop {
        match line.next().await.unwrap() {
            Packet::Text(text) if text == "2" => {}
            packet => return assert_eq!(packet, Packet::text("1")),
        }
    }
}

/// The WebSocket's goodbye.
pub async fn goodbye(line: &mut Line) -> u16 {
    loop {
        if let Packet::Close(code) = line.next().await.unwrap() {
            return code;
        }
    }
}
