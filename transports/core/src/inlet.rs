//! The way in of a spark: what its engine reports.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering,
    task::{Context, Poll},
    time::Instant,
};

use crate::{
    BoxFuture, Flow,
    budget::{Holding, SparkLease},
    catch_panic,
    close::CloseReason,
    control::{self, Control},
    frame::{Frame, Message},
    rate::{Meter, Verdict},
    serial_queue::{self, Entered, QueueLimits, SerialQueue, Worker},
    spark::Spark,
    transform::{self, Packet},
};

/// What a message in the inbox takes besides its bytes.
const ENTRY: usize = 128;

/// An engine's end of a spark: it reports what arrives, and that the connection is gone.
///
/// Got from [`Server::open`](crate::Server::open). There is one per spark, owned by whatever
/// reads the connection; dropping it reports [`CloseReason::Gone`].
#[derive(Debug)]
pub struct Inlet {
    spark: Spark,
    /// What it has sent, where that is bounded.
    meter: Option<Meter>,
}

/// An item of a spark's inbox.
#[derive(Debug)]
pub(crate) enum Inbound {
    Message(Frame, Rate, Option<Box<SparkLease>>),
    Close,
}

/// Whether a message is within its spark's rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rate {
    Within,
    Over,
}

impl Inlet {
    /// Takes in a spark that just opened: runs the hooks for it.
    pub(crate) fn open(spark: Spark) -> Self {
        let flow = guarded(&spark, || spark.0.server.opened(&spark));
        if let Flow::Wait(future) = flow {
            occupy(&spark, future);
        }
        let rate = spark.0.server.config.message_rate;
        let meter = Meter::new(rate, spark.client(), Instant::now());
        Self { spark, meter }
    }

    /// The spark.
    #[must_use]
    pub fn spark(&self) -> &Spark {
        &self.spark
    }

    /// Reports a message. It is handled here and now when nothing is under way for this spark,
    /// else it is copied and waits its turn.
    ///
    /// Wrap the messages of one read in a [turn](crate::turn()), so that all answers leave in one
    /// write.
    pub fn receive(&mut self, message: Message<'_>) {
        let spark = &self.spark;
        spark.0.silent.store(0, Ordering::Relaxed);
        if !spark.is_open() {
            return;
        }
        let server = &spark.0.server;
        if message.len() > server.config.max_length {
            spark.close(CloseReason::TooLarge);
            return;
        }
        let Some(rate) = measure(spark, &mut self.meter) else {
            return;
        };
        if let Some(text) = server.parser.control(message)
            && let Some(control) = Control::read(&text)
        {
            if rate == Rate::Within {
                self.control(&control);
            }
            return;
        }
        server.count.received(message.len());
        if server.incoming.is_empty() && spark.0.inbound.is_idle() {
            // Only this inlet enters the queue, so it stays idle while the message is handled.
            if let Flow::Wait(future) = handle(spark, message, rate) {
                occupy(spark, future);
            }
            return;
        }
        let bytes = message.len();
        let lease = (!spark.0.inbound.is_idle())
            .then(|| Box::new(spark.lease(Holding::Inbound, bytes + ENTRY)));
        let item = Inbound::Message(message.to_frame(), rate, lease);
        match spark.0.inbound.enter(item, bytes, inbox_limits(spark)) {
            Entered::Yours(item) => serial_queue::run(&Inbox(spark.clone()), item),
            Entered::Queued => {}
            Entered::Full(_) => spark.close(CloseReason::InboxFull),
        }
    }

    fn control(&self, control: &Control<'_>) {
        let spark = &self.spark;
        let answer = match control {
            Control::Pong => None,
            Control::Ping(value) => {
                spark.0.legacy.store(true, Ordering::Relaxed);
                control::pong(spark.parser(), value)
            }
            Control::Id => control::id(spark.parser(), spark.id()),
        };
        if let Some(frame) = answer {
            spark.send_control(frame);
        }
    }

    /// Reports a sign of life that is no message, such as a WebSocket pong.
    pub fn alive(&self) {
        self.spark.0.silent.store(0, Ordering::Relaxed);
    }

    /// Reports a ping or pong of the engine's own that the peer sent: a sign of life, which counts
    /// for the spark's [rate](crate::MessageRate) as a message does.
    pub fn signal(&mut self) {
        self.alive();
        if self.spark.is_open() {
            measure(&self.spark, &mut self.meter);
        }
    }

    /// Ready when the spark's inbox is less than half full. An engine that can stop reading waits
    /// for it, so that a busy handler slows its own peer down; one that cannot may ignore it, and
    /// the spark is closed when the inbox overflows.
    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.spark.0.inbound.poll_below(cx, high_water(&self.spark))
    }

    /// Reports that the connection is gone, and why. A reason that the server gave before counts
    /// more.
    pub fn close(self, reason: CloseReason) {
        self.finish(reason);
    }

    fn finish(&self, reason: CloseReason) {
        let spark = &self.spark;
        if !spark.settle(reason) {
            return;
        }
        spark.0.server.forget(spark);
        if let Some(item) = spark.0.inbound.enter_last(Inbound::Close) {
            serial_queue::run(&Inbox(spark.clone()), item);
        }
    }
}

impl Drop for Inlet {
    fn drop(&mut self) {
        self.finish(CloseReason::Gone);
    }
}

/// Counts a message; none when it ends its spark.
fn measure(spark: &Spark, meter: &mut Option<Meter>) -> Option<Rate> {
    let Some(meter) = meter else {
        return Some(Rate::Within);
    };
    match meter.count(Instant::now()) {
        Verdict::Within => Some(Rate::Within),
        Verdict::Over => {
            spark.0.server.count.over_rate();
            Some(Rate::Over)
        }
        Verdict::TooMany => {
            spark.0.server.count.over_rate();
            spark.close(CloseReason::RateLimit);
            None
        }
    }
}

fn inbox_limits(spark: &Spark) -> QueueLimits {
    let limits = spark.0.server.config.inbox;
    QueueLimits {
        items: limits.messages,
        bytes: limits.bytes,
    }
}

fn high_water(spark: &Spark) -> QueueLimits {
    let limits = inbox_limits(spark);
    QueueLimits {
        items: limits.items.div_ceil(2),
        bytes: limits.bytes.div_ceil(2),
    }
}

/// Whether the engine has stopped reading because the inbox is half full: then silence is ours.
pub(crate) fn is_paused(spark: &Spark) -> bool {
    !spark.0.inbound.is_below(high_water(spark))
}

/// Runs a call of the handler; a panic ends the spark.
fn guarded(spark: &Spark, call: impl FnOnce() -> Flow) -> Flow {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| {
        panicked(spark);
        Flow::DONE
    })
}

fn panicked(spark: &Spark) {
    tracing::error!(spark = %spark.id(), "the handler panicked; its spark is closed");
    spark.close(CloseReason::Panic);
}

fn handle(spark: &Spark, message: Message<'_>, rate: Rate) -> Flow {
    let handler = &spark.0.server.handler;
    guarded(spark, || {
        let handled = match rate {
            Rate::Within => handler.message(spark, message),
            Rate::Over => handler.over_rate(spark, message),
        };
        handled.unwrap_or_else(|error| {
            tracing::debug!(spark = %spark.id(), %error, "undecodable message dropped");
            handler.error(spark, &error);
            Flow::DONE
        })
    })
}

fn transform_and_handle(spark: &Spark, frame: Frame, rate: Rate) -> Flow {
    let server = &spark.0.server;
    if server.incoming.is_empty() {
        return handle(spark, frame.as_message(), rate);
    }
    let packet = Packet::new(frame, server.parser.clone());
    let flow = match catch_unwind(AssertUnwindSafe(|| {
        transform::run(&server.incoming, spark, packet)
    })) {
        Ok(flow) => flow,
        Err(_) => {
            panicked(spark);
            return Flow::DONE;
        }
    };
    let spark = spark.clone();
    flow.then(move |packet| match packet {
        Some(packet) if spark.is_open() => handle(&spark, packet.frame().as_message(), rate),
        _ => Flow::DONE,
    })
}

/// A spark as the worker of its inbox.
#[derive(Clone)]
struct Inbox(Spark);

impl Worker for Inbox {
    type Item = Inbound;

    fn queue(&self) -> &SerialQueue<Inbound> {
        &self.0.0.inbound
    }

    fn start(&self, item: Inbound) -> Flow {
        let Self(spark) = self;
        let flow = match item {
            Inbound::Message(..) if !spark.is_open() => Flow::DONE,
            Inbound::Message(frame, rate, _lease) => transform_and_handle(spark, frame, rate),
            Inbound::Close => guarded(spark, || {
                let reason = spark.close_reason().cloned().unwrap_or(CloseReason::Gone);
                spark.0.server.closed(spark, &reason);
                Flow::DONE
            }),
        };
        match flow {
            Flow::Ready(()) => Flow::DONE,
            Flow::Wait(future) => Flow::Wait(Box::pin(finish(spark.clone(), future))),
        }
    }
}

/// Makes the idle inbox busy with a future of the handler's.
fn occupy(spark: &Spark, future: BoxFuture<()>) {
    let inbox = Inbox(spark.clone());
    serial_queue::occupy(&inbox, Box::pin(finish(spark.clone(), future)));
}

/// Awaits a future of the handler's. Its panic ends the spark.
async fn finish(spark: Spark, future: BoxFuture<()>) {
    match outlive(&spark, future).await {
        Ok(()) => {}
        Err(Lost::Panic) => panicked(&spark),
        Err(Lost::Late) => {
            tracing::warn!(spark = %spark.id(), "a handler outlived its connection and was dropped");
        }
    }
}

enum Lost {
    Panic,
    Late,
}

/// Awaits a handler's future, but no longer than the close timeout once the connection is gone.
async fn outlive(spark: &Spark, future: BoxFuture<()>) -> Result<(), Lost> {
    let grace = spark.0.server.config.close_timeout();
    let late = async {
        spark.closed().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        biased;
        result = catch_panic(future) => result.map_err(|_| Lost::Panic),
        () = late => Err(Lost::Late),
    }
}
