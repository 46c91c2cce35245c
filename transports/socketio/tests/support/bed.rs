//! A server whose handler notes what happens, and clients by hand.

use std::time::Duration;

use serde_json::Value;
use stellarfw_socketio::{Auth, Events, SocketIo, SocketIoConfig};
use stellarfw_transport::{
    CloseReason, CodecError, Flow, Handler, Message, Refusal, Server, ServerConfig, Spark,
};
use tokio::sync::mpsc;

use super::{
    line::{self, Line, Packet, Way},
    site::Site,
    verbs::Verbs,
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

pub async fn bed(change: impl FnOnce(&mut ServerConfig)) -> Bed {
    bed_with(SocketIoConfig::default(), change).await
}

pub async fn bed_with(config: SocketIoConfig, change: impl FnOnce(&mut ServerConfig)) -> Bed {
    let (notes, events) = mpsc::unbounded_channel();
    let server = Server::builder()
        .configure(|config| config.ping_interval = 0)
        .configure(change)
        .authorize(|parts| {
            let auth = parts.extensions.get::<Auth>();
            let name = auth.and_then(|Auth(auth)| auth["name"].as_str().map(str::to_owned));
            async move {
                match name.as_deref() {
                    Some("eve") => Err(Refusal::new("not \"eve\"")),
                    Some("panic") => panic!("as asked"),
                    _ => Ok(name),
                }
            }
        })
        .extension(Events::new(Verbs))
        .transport(SocketIo::new(config))
        .handler(Notes(notes))
        .build();
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

    pub async fn line(&self, way: Way) -> Line {
        let line = line::connect(self.site.address(), way, "/socket.io/", "", &[]);
        line.await.unwrap().unwrap()
    }

    pub async fn connect(&mut self, way: Way) -> (Line, Spark) {
        let mut line = self.line(way).await;
        say(&mut line, "40").await;
        assert!(next(&mut line).await.unwrap().starts_with("40{\"sid\":"));
        match self.event().await {
            Event::Open(spark) => (line, spark),
            other => panic!("{other:?}"),
        }
    }

    pub async fn message(&mut self) -> Value {
        match self.event().await {
            Event::Message(value) => value,
            other => panic!("{other:?}"),
        }
    }

    pub async fn closed(&mut self) -> CloseReason {
        match self.event().await {
            Event::Close(reason) => reason,
            other => panic!("{other:?}"),
        }
    }
}

pub fn default(_: &mut ServerConfig) {}

pub async fn say(line: &mut Line, packet: &str) {
    line.send(&[Packet::text(packet)]).await.unwrap();
}

/// The next packet but Engine.IO's own; none at the end.
pub async fn next(line: &mut Line) -> Option<String> {
    let next = async {
        loop {
            match line.next().await {
                Ok(Packet::Text(text)) if matches!(&text[..], "1" | "2" | "6") => {}
                Ok(Packet::Text(text)) => return Some(text),
                Ok(Packet::Close(code)) => return Some(format!("close {code}")),
                Ok(Packet::Binary(bytes)) => panic!("{bytes:?}"),
                Err(_) => return None,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), next)
        .await
        .unwrap()
}

pub const WAYS: [Way; 3] = [Way::Polling, Way::WebSocket, Way::Upgrade];
