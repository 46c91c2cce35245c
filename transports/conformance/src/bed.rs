//! The test bed: a server with the engine under test, a handler that notes what happens, and
//! clients that are easy to talk with.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use parking_lot::Mutex;
use serde_json::Value;
use stellarfw_transport::{
    Capabilities, CloseReason, CodecError, Delivery, Flow, Frame, Handler, Message, Parser, Server,
    ServerBuilder, ServerConfig, Shutdown, Spark, StartError, Transport,
};
use tokio::sync::{mpsc, watch};

use crate::harness::{Client, Connect, Harness, Received, Refused, Stage};

/// Far more than anything takes, so that running into it means that something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// For what cannot fail, or the behaviour does not hold.
pub(crate) trait Must<T> {
    fn must(self) -> T;
}

impl<T, E: fmt::Display> Must<T> for Result<T, E> {
    #[track_caller]
    fn must(self) -> T {
        match self {
            Ok(value) => value,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Waits for a future that must come to an end.
pub(crate) async fn within<T>(what: impl fmt::Display, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    within(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// Something that waits until it is opened.
#[derive(Clone)]
pub(crate) struct Gate(watch::Sender<bool>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn open(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn passed(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut gate = self.0.subscribe();
        async move {
            gate.wait_for(|open| *open).await.ok();
        }
    }
}

/// Text that does not compress to nothing, the same for the same length.
pub(crate) fn filler(len: usize) -> String {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(b'0' + (state % 75) as u8)
        })
        .map(|c| if c == '\\' { '/' } else { c })
        .collect()
}

/// What the handler notes.
#[derive(Debug)]
pub(crate) enum Event {
    Open(Spark),
    Message(Spark, Frame),
    Error(Spark),
    Close(Spark, CloseReason),
}

type OnOpen = Box<dyn Fn(&Spark) -> Flow + Send + Sync>;
type OnMessage = Box<dyn Fn(&Spark, Message<'_>) -> Flow + Send + Sync>;

/// The sparks there were, and how often each was reported open and closed.
type Books = Arc<Mutex<Vec<Entry>>>;

struct Entry {
    spark: Spark,
    opened: usize,
    closed: usize,
}

fn enter(books: &Books, spark: &Spark, change: impl FnOnce(&mut Entry)) {
    let mut books = books.lock();
    // Not by id: an id may be given again when its spark is gone.
    let at = books.iter().position(|entry| entry.spark == *spark);
    let at = at.unwrap_or_else(|| {
        books.push(Entry {
            spark: spark.clone(),
            opened: 0,
            closed: 0,
        });
        books.len() - 1
    });
    change(&mut books[at]);
}

struct Probe {
    events: mpsc::UnboundedSender<Event>,
    books: Books,
    on_open: OnOpen,
    on_message: OnMessage,
}

impl Probe {
    fn note(&self, event: Event) {
        self.events.send(event).ok();
    }
}

impl Handler for Probe {
    fn open(&self, spark: &Spark) -> Flow {
        enter(&self.books, spark, |entry| entry.opened += 1);
        self.note(Event::Open(spark.clone()));
        (self.on_open)(spark)
    }

    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        if spark.parser().has_control() {
            spark.decode::<Value>(message)?;
        }
        self.note(Event::Message(spark.clone(), message.to_frame()));
        Ok((self.on_message)(spark, message))
    }

    fn error(&self, spark: &Spark, _: &CodecError) {
        self.note(Event::Error(spark.clone()));
    }

    fn close(&self, spark: &Spark, reason: &CloseReason) {
        enter(&self.books, spark, |entry| entry.closed += 1);
        self.note(Event::Close(spark.clone(), reason.clone()));
    }
}

/// Sends a message back as it came.
pub(crate) fn echo(spark: &Spark, message: Message<'_>) -> Flow {
    spark
        .send_frame(message.to_frame(), Delivery::Reliable)
        .ok();
    Flow::DONE
}

/// What a bed is made of.
pub(crate) struct Setup {
    builder: ServerBuilder,
    engine: Arc<dyn Transport>,
    stage: Box<dyn Stage>,
    on_open: OnOpen,
    on_message: OnMessage,
}

impl Setup {
    /// A server with the harness's engine and without heartbeats, which notes messages and
    /// answers nothing.
    pub(crate) fn new(harness: &Arc<dyn Harness>) -> Self {
        let (engine, stage) = harness.engine();
        Self {
            builder: Server::builder()
                .shared_transport(engine.clone())
                .configure(|config| config.ping_interval = 0),
            engine,
            stage,
            on_open: Box::new(|_| Flow::DONE),
            on_message: Box::new(|_, _| Flow::DONE),
        }
    }

    pub(crate) fn configure(self, change: impl FnOnce(&mut ServerConfig)) -> Self {
        self.with(|builder| builder.configure(change))
    }

    pub(crate) fn with(mut self, change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        self.builder = change(self.builder);
        self
    }

    pub(crate) fn on_open(mut self, f: impl Fn(&Spark) -> Flow + Send + Sync + 'static) -> Self {
        self.on_open = Box::new(f);
        self
    }

    pub(crate) fn on_message(
        mut self,
        f: impl Fn(&Spark, Message<'_>) -> Flow + Send + Sync + 'static,
    ) -> Self {
        self.on_message = Box::new(f);
        self
    }

    pub(crate) fn echo(self) -> Self {
        self.on_message(echo)
    }

    pub(crate) async fn serve(self) -> Bed {
        self.try_serve().await.must()
    }

    pub(crate) async fn try_serve(mut self) -> Result<Bed, StartError> {
        let (events, noted) = mpsc::unbounded_channel();
        let books = Books::default();
        let server = self
            .builder
            .handler(Probe {
                events,
                books: books.clone(),
                on_open: self.on_open,
                on_message: self.on_message,
            })
            .build();
        let addresses = server.start().await?;
        self.stage.serve(&server, &addresses).await;
        Ok(Bed {
            capabilities: self.engine.capabilities(),
            engine: self.engine,
            server,
            stage: self.stage,
            noted: tokio::sync::Mutex::new(noted),
            books,
        })
    }
}

/// A served server.
pub(crate) struct Bed {
    pub(crate) capabilities: Capabilities,
    pub(crate) engine: Arc<dyn Transport>,
    pub(crate) server: Server,
    stage: Box<dyn Stage>,
    noted: tokio::sync::Mutex<mpsc::UnboundedReceiver<Event>>,
    books: Books,
}

impl Bed {
    /// What the stage makes of an attempt to connect.
    pub(crate) async fn attempt(&self, connect: Connect) -> Result<Visitor, Refused> {
        let client = within("to connect", self.stage.connect(connect)).await?;
        Ok(Visitor {
            client,
            parser: self.server.parser().clone(),
            close_codes: self.capabilities.close_codes,
        })
    }

    pub(crate) async fn connect(&self, connect: Connect) -> Visitor {
        match self.attempt(connect).await {
            Ok(visitor) => visitor,
            Err(refused) => panic!("not let in: {refused:?}"),
        }
    }

    /// Connects, and waits for the spark.
    pub(crate) async fn pair_with(&self, connect: Connect) -> (Visitor, Spark) {
        let visitor = self.connect(connect).await;
        let spark = self.opened().await;
        (visitor, spark)
    }

    pub(crate) async fn pair(&self) -> (Visitor, Spark) {
        self.pair_with(Connect::default()).await
    }

    /// Connects in vain. Engines that tell nothing close the client before it gets anything.
    pub(crate) async fn refused(&self, connect: Connect) -> Refused {
        let what = format!("{connect:?}");
        match self.attempt(connect).await {
            Err(refused) => refused,
            Ok(_) if self.capabilities.refusal => panic!("let in with {what}"),
            Ok(mut visitor) => match visitor.next().await {
                Received::Closed(_) => Refused::default(),
                Received::Payload(frame) => panic!("let in with {what}: got {frame:?}"),
            },
        }
    }

    /// Connects in vain, with this status where the engine can tell it.
    pub(crate) async fn refused_with(&self, status: u16, connect: Connect) -> Refused {
        let refused = self.refused(connect).await;
        let expected = self.capabilities.refusal.then_some(status);
        assert_eq!(refused.status, expected, "{refused:?}");
        refused
    }

    pub(crate) async fn event(&self) -> Event {
        let mut noted = self.noted.lock().await;
        match within("for something to happen", noted.recv()).await {
            Some(event) => event,
            None => panic!("the server is gone"),
        }
    }

    pub(crate) async fn opened(&self) -> Spark {
        match self.event().await {
            Event::Open(spark) => spark,
            other => panic!("a spark was to open, instead: {other:?}"),
        }
    }

    pub(crate) async fn frame(&self) -> (Spark, Frame) {
        match self.event().await {
            Event::Message(spark, frame) => (spark, frame),
            other => panic!("a message was to come, instead: {other:?}"),
        }
    }

    /// The next message, which must come.
    pub(crate) async fn message(&self) -> Value {
        let (spark, frame) = self.frame().await;
        spark.decode(frame.as_message()).must()
    }

    /// The next spark to close, which must be this one.
    pub(crate) async fn closed(&self, spark: &Spark) -> CloseReason {
        match self.event().await {
            Event::Close(closed, reason) => {
                assert_eq!(&closed, spark, "another spark was closed: {reason:?}");
                reason
            }
            other => panic!("a spark was to close, instead: {other:?}"),
        }
    }

    /// Waits for a spark's end, whatever else happens before.
    pub(crate) async fn closed_at_last(&self, spark: &Spark) -> CloseReason {
        loop {
            if let Event::Close(closed, reason) = self.event().await
                && closed == *spark
            {
                return reason;
            }
        }
    }

    /// That a client comes and goes as if nothing had happened.
    pub(crate) async fn is_well(&self) {
        let (mut visitor, spark) = self.pair().await;
        spark.send("well?").must();
        assert_eq!(visitor.hear().await, "well?");
        visitor.say("well").await;
        assert_eq!(self.message().await, "well");
        visitor.vanish().await;
        self.closed_at_last(&spark).await;
    }

    /// Shuts the server down and checks the books: every spark was closed once.
    pub(crate) async fn finish(self) {
        let soon = Shutdown {
            reconnect: true,
            deadline: Duration::from_millis(50),
        };
        within("to shut down", self.server.shutdown(soon)).await;
        until("all sparks are gone", || self.server.connections() == 0).await;
        until("every spark is reported closed", || {
            self.books.lock().iter().all(|entry| entry.closed > 0)
        })
        .await;
        for Entry {
            spark,
            opened,
            closed,
        } in &*self.books.lock()
        {
            // A panic in an earlier hook may have kept the handler from hearing of the opening.
            assert!(*opened <= 1, "{spark:?} was opened {opened} times");
            assert_eq!(*closed, 1, "{spark:?} was closed {closed} times");
        }
    }
}

/// A client that speaks in values.
pub(crate) struct Visitor {
    pub(crate) client: Box<dyn Client>,
    parser: Parser,
    close_codes: bool,
}

impl Visitor {
    pub(crate) fn encode(&self, value: &(impl serde::Serialize + ?Sized)) -> Frame {
        self.parser.encode(value).must()
    }

    pub(crate) async fn try_send(&mut self, frame: Frame) -> std::io::Result<()> {
        within("to send", self.client.send(frame)).await
    }

    pub(crate) async fn send(&mut self, frame: Frame) {
        self.try_send(frame).await.must();
    }

    pub(crate) async fn say(&mut self, value: impl serde::Serialize) {
        let frame = self.encode(&value);
        self.send(frame).await;
    }

    pub(crate) async fn next(&mut self) -> Received {
        within("to receive", self.client.next()).await
    }

    /// The next payload, which must come.
    pub(crate) async fn payload(&mut self) -> Frame {
        match self.next().await {
            Received::Payload(frame) => frame,
            Received::Closed(code) => panic!("closed instead of a payload, with {code:?}"),
        }
    }

    /// The next value, which must come.
    pub(crate) async fn hear(&mut self) -> Value {
        let frame = self.payload().await;
        self.decode(&frame)
    }

    pub(crate) fn decode(&self, frame: &Frame) -> Value {
        match self.parser.decode(frame.as_message()) {
            Ok(value) => value,
            Err(error) => panic!("undecodable {frame:?}: {error}"),
        }
    }

    /// All values until the end, and the end's code.
    pub(crate) async fn rest(&mut self) -> (Vec<Value>, Option<u16>) {
        let mut values = Vec::new();
        loop {
            match self.next().await {
                Received::Payload(frame) => values.push(self.decode(&frame)),
                Received::Closed(code) => return (values, code),
            }
        }
    }

    /// All values until the end, which must be of this code where there are codes.
    pub(crate) async fn rest_until(&mut self, code: u16) -> Vec<Value> {
        let (values, end) = self.rest().await;
        assert_eq!(end, self.close_codes.then_some(code), "after {values:?}");
        values
    }

    pub(crate) async fn goodbye(self, code: u16) {
        within("to say goodbye", self.client.goodbye(code)).await;
    }

    pub(crate) async fn vanish(self) {
        within("to vanish", self.client.vanish()).await;
    }
}
