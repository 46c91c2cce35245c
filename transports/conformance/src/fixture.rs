//! The test fixture: a server with the engine under test, a recording handler, and typed clients.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use parking_lot::Mutex;
use serde_json::Value;
use stellarfw_transport::{
    Capabilities, CloseReason, CodecError, Delivery, Flow, Frame, Handler, Message, Parser, Server,
    ServerBuilder, ServerConfig, Shutdown, Spark, StartError, Transport,
};
use tokio::sync::{mpsc, watch};

use crate::harness::{Client, Connect, Harness, Received, Refused, TestServer};

/// Bound of a single wait, far above what a loaded machine needs.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Unwraps a result, or fails the behaviour with its error.
pub(crate) trait OrFail<T> {
    fn or_fail(self) -> T;
}

impl<T, E: fmt::Display> OrFail<T> for Result<T, E> {
    #[track_caller]
    fn or_fail(self) -> T {
        match self {
            Ok(value) => value,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Awaits a future, and fails if it does not complete in time.
pub(crate) async fn within<T>(what: impl fmt::Display, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(TIMEOUT, future).await {
        Ok(value) => value,
        Err(_) => panic!("timed out: {what}"),
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

/// A gate that futures wait at until it is opened.
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

/// Returns `len` bytes of poorly compressible text, the same for the same length.
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

/// A call of the handler.
#[derive(Debug)]
pub(crate) enum Event {
    Open(Spark),
    Message(Spark, Frame),
    Error(Spark),
    Close(Spark, CloseReason),
}

type OnOpen = Box<dyn Fn(&Spark) -> Flow + Send + Sync>;
type OnMessage = Box<dyn Fn(&Spark, Message<'_>) -> Flow + Send + Sync>;

/// Every spark of the server, with the number of its open and close events.
type Lifecycles = Arc<Mutex<Vec<Lifecycle>>>;

struct Lifecycle {
    spark: Spark,
    opened: usize,
    closed: usize,
}

fn record(lifecycles: &Lifecycles, spark: &Spark, change: impl FnOnce(&mut Lifecycle)) {
    let mut lifecycles = lifecycles.lock();
    // Compared as handles: the id of a closed spark can be reused.
    let at = lifecycles.iter().position(|entry| entry.spark == *spark);
    let at = at.unwrap_or_else(|| {
        lifecycles.push(Lifecycle {
            spark: spark.clone(),
            opened: 0,
            closed: 0,
        });
        lifecycles.len() - 1
    });
    change(&mut lifecycles[at]);
}

struct RecordingHandler {
    events: mpsc::UnboundedSender<Event>,
    lifecycles: Lifecycles,
    on_open: OnOpen,
    on_message: OnMessage,
}

impl RecordingHandler {
    fn emit(&self, event: Event) {
        self.events.send(event).ok();
    }
}

impl Handler for RecordingHandler {
    fn open(&self, spark: &Spark) -> Flow {
        record(&self.lifecycles, spark, |entry| entry.opened += 1);
        self.emit(Event::Open(spark.clone()));
        (self.on_open)(spark)
    }

    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        if spark.parser().has_control() {
            spark.decode::<Value>(message)?;
        }
        self.emit(Event::Message(spark.clone(), message.to_frame()));
        Ok((self.on_message)(spark, message))
    }

    fn error(&self, spark: &Spark, _: &CodecError) {
        self.emit(Event::Error(spark.clone()));
    }

    fn close(&self, spark: &Spark, reason: &CloseReason) {
        record(&self.lifecycles, spark, |entry| entry.closed += 1);
        self.emit(Event::Close(spark.clone(), reason.clone()));
    }
}

/// Sends a message back unchanged.
pub(crate) fn echo(spark: &Spark, message: Message<'_>) -> Flow {
    spark
        .send_frame(message.to_frame(), Delivery::Reliable)
        .ok();
    Flow::DONE
}

/// Builder of a [`Fixture`].
pub(crate) struct Setup {
    builder: ServerBuilder,
    engine: Arc<dyn Transport>,
    test_server: Box<dyn TestServer>,
    on_open: OnOpen,
    on_message: OnMessage,
}

impl Setup {
    /// Starts from the harness's engine, without heartbeats and with a handler that only records.
    pub(crate) fn new(harness: &Arc<dyn Harness>) -> Self {
        let (engine, test_server) = harness.engine();
        Self {
            builder: Server::builder()
                .shared_transport(engine.clone())
                .configure(|config| config.ping_interval = 0),
            engine,
            test_server,
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

    pub(crate) async fn serve(self) -> Fixture {
        self.try_serve().await.or_fail()
    }

    pub(crate) async fn try_serve(mut self) -> Result<Fixture, StartError> {
        let (sender, events) = mpsc::unbounded_channel();
        let lifecycles = Lifecycles::default();
        let server = self
            .builder
            .handler(RecordingHandler {
                events: sender,
                lifecycles: lifecycles.clone(),
                on_open: self.on_open,
                on_message: self.on_message,
            })
            .build();
        let addresses = server.start().await?;
        self.test_server.serve(&server, &addresses).await;
        Ok(Fixture {
            capabilities: self.engine.capabilities(),
            engine: self.engine,
            server,
            test_server: self.test_server,
            events: tokio::sync::Mutex::new(events),
            lifecycles,
        })
    }
}

/// A running server and the events of its handler.
pub(crate) struct Fixture {
    pub(crate) capabilities: Capabilities,
    pub(crate) engine: Arc<dyn Transport>,
    pub(crate) server: Server,
    test_server: Box<dyn TestServer>,
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<Event>>,
    lifecycles: Lifecycles,
}

impl Fixture {
    /// Connects a client, or returns its refusal.
    pub(crate) async fn try_connect(&self, connect: Connect) -> Result<TestClient, Refused> {
        let raw = within("connect", self.test_server.connect(connect)).await?;
        Ok(TestClient {
            raw,
            parser: self.server.parser().clone(),
            close_codes: self.capabilities.close_codes,
        })
    }

    pub(crate) async fn connect(&self, connect: Connect) -> TestClient {
        match self.try_connect(connect).await {
            Ok(client) => client,
            Err(refused) => panic!("refused: {refused:?}"),
        }
    }

    /// Connects a client and waits for its spark.
    pub(crate) async fn pair_with(&self, connect: Connect) -> (TestClient, Spark) {
        let client = self.connect(connect).await;
        let spark = self.opened().await;
        (client, spark)
    }

    pub(crate) async fn pair(&self) -> (TestClient, Spark) {
        self.pair_with(Connect::default()).await
    }

    /// Connects a client that must be refused.
    ///
    /// An engine without the capability `refusal` must close the client before any payload.
    pub(crate) async fn refused(&self, connect: Connect) -> Refused {
        let what = format!("{connect:?}");
        match self.try_connect(connect).await {
            Err(refused) => refused,
            Ok(_) if self.capabilities.refusal => panic!("accepted: {what}"),
            Ok(mut client) => match client.next().await {
                Received::Closed(_) => Refused::default(),
                Received::Payload(frame) => panic!("accepted: {what}, which received {frame:?}"),
            },
        }
    }

    /// Like [`Fixture::refused`], and checks the status where the engine can report one.
    pub(crate) async fn refused_with(&self, status: u16, connect: Connect) -> Refused {
        let refused = self.refused(connect).await;
        let expected = self.capabilities.refusal.then_some(status);
        assert_eq!(refused.status, expected, "{refused:?}");
        refused
    }

    pub(crate) async fn event(&self) -> Event {
        let mut events = self.events.lock().await;
        match within("next event of the handler", events.recv()).await {
            Some(event) => event,
            None => panic!("the handler was dropped"),
        }
    }

    pub(crate) async fn opened(&self) -> Spark {
        match self.event().await {
            Event::Open(spark) => spark,
            other => panic!("expected an open event, got {other:?}"),
        }
    }

    pub(crate) async fn frame(&self) -> (Spark, Frame) {
        match self.event().await {
            Event::Message(spark, frame) => (spark, frame),
            other => panic!("expected a message event, got {other:?}"),
        }
    }

    /// Returns the value of the next event, which must be a message.
    pub(crate) async fn message(&self) -> Value {
        let (spark, frame) = self.frame().await;
        spark.decode(frame.as_message()).or_fail()
    }

    /// Returns the close reason from the next event, which must be the close of `spark`.
    pub(crate) async fn closed(&self, spark: &Spark) -> CloseReason {
        match self.event().await {
            Event::Close(closed, reason) => {
                assert_eq!(&closed, spark, "another spark closed: {reason:?}");
                reason
            }
            other => panic!("expected a close event, got {other:?}"),
        }
    }

    /// Skips events until `spark` closes, and returns the reason.
    pub(crate) async fn closed_eventually(&self, spark: &Spark) -> CloseReason {
        loop {
            if let Event::Close(closed, reason) = self.event().await
                && closed == *spark
            {
                return reason;
            }
        }
    }

    /// Checks that a new client can connect, exchange messages and disconnect.
    pub(crate) async fn assert_healthy(&self) {
        let (mut client, spark) = self.pair().await;
        spark.send("ping").or_fail();
        assert_eq!(client.recv().await, "ping");
        client.send_value("pong").await;
        assert_eq!(self.message().await, "pong");
        client.disconnect().await;
        self.closed_eventually(&spark).await;
    }

    /// Shuts the server down and checks that every spark was reported closed exactly once.
    pub(crate) async fn finish(self) {
        let soon = Shutdown {
            reconnect: true,
            deadline: Duration::from_millis(50),
        };
        within("shutdown", self.server.shutdown(soon)).await;
        until("all sparks are removed", || self.server.connections() == 0).await;
        until("every spark is reported closed", || {
            self.lifecycles.lock().iter().all(|entry| entry.closed > 0)
        })
        .await;
        for Lifecycle {
            spark,
            opened,
            closed,
        } in &*self.lifecycles.lock()
        {
            // A panic in an earlier hook suppresses the open event.
            assert!(*opened <= 1, "{spark:?} was opened {opened} times");
            assert_eq!(*closed, 1, "{spark:?} was closed {closed} times");
        }
    }
}

/// A client that sends and receives values of the server's codec.
pub(crate) struct TestClient {
    pub(crate) raw: Box<dyn Client>,
    parser: Parser,
    close_codes: bool,
}

impl TestClient {
    pub(crate) fn encode(&self, value: &(impl serde::Serialize + ?Sized)) -> Frame {
        self.parser.encode(value).or_fail()
    }

    pub(crate) async fn try_send(&mut self, frame: Frame) -> std::io::Result<()> {
        within("send", self.raw.send(frame)).await
    }

    pub(crate) async fn send(&mut self, frame: Frame) {
        self.try_send(frame).await.or_fail();
    }

    pub(crate) async fn send_value(&mut self, value: impl serde::Serialize) {
        let frame = self.encode(&value);
        self.send(frame).await;
    }

    pub(crate) async fn next(&mut self) -> Received {
        within("receive", self.raw.next()).await
    }

    /// Returns the next payload. Fails if the connection closes first.
    pub(crate) async fn recv_frame(&mut self) -> Frame {
        match self.next().await {
            Received::Payload(frame) => frame,
            Received::Closed(code) => panic!("expected a payload, closed with {code:?}"),
        }
    }

    /// Returns the next value. Fails if the connection closes first.
    pub(crate) async fn recv(&mut self) -> Value {
        let frame = self.recv_frame().await;
        self.decode(&frame)
    }

    pub(crate) fn decode(&self, frame: &Frame) -> Value {
        match self.parser.decode(frame.as_message()) {
            Ok(value) => value,
            Err(error) => panic!("cannot decode {frame:?}: {error}"),
        }
    }

    /// Returns the values received until the connection closes, and the close code.
    pub(crate) async fn recv_remaining(&mut self) -> (Vec<Value>, Option<u16>) {
        let mut values = Vec::new();
        loop {
            match self.next().await {
                Received::Payload(frame) => values.push(self.decode(&frame)),
                Received::Closed(code) => return (values, code),
            }
        }
    }

    /// Returns the values received until the close, whose code must be `code`.
    ///
    /// The code is checked where the engine has the capability `close_codes`.
    pub(crate) async fn recv_until_close(&mut self, code: u16) -> Vec<Value> {
        let (values, end) = self.recv_remaining().await;
        assert_eq!(end, self.close_codes.then_some(code), "after {values:?}");
        values
    }

    /// Closes with a code and waits for the server's answer.
    pub(crate) async fn close(self, code: u16) {
        within("close handshake", self.raw.goodbye(code)).await;
    }

    /// Drops the connection without a close.
    pub(crate) async fn disconnect(self) {
        within("disconnect", self.raw.vanish()).await;
    }
}
