//! A load test with thousands of clients that connect and then stay silent.
//!
//! It checks the memory per connection, that another client is served meanwhile, and that the
//! server closes the silent ones. An engine's test implements [`HalfOpen`] and calls [`thousands`].
//! The test needs its own process, because it measures the memory of the process.

use std::{fmt::Display, time::Duration};

use async_trait::async_trait;
use serde_json::Value;
use stellarfw_transport::{
    BoxFuture, CloseReason, CodecError, Flow, Handler, Message, Server, Spark,
};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::fixture::OrFail as _;

/// Number of silent clients in one wave.
pub const MANY: usize = 5_000;
/// Milliseconds until the server closes a silent client. A wave connects within that time.
pub const PATIENCE: u64 = 15_000;

/// Number of tasks that connect clients concurrently.
const CONNECTORS: usize = 8;
/// Maximum number of waves.
const MAX_WAVES: usize = 7;
/// Time between two messages of the other client.
const PAUSE: Duration = Duration::from_millis(10);

/// A running server and the clients of its engine.
#[async_trait]
pub trait HalfOpen: Send {
    /// Returns the server.
    fn server(&self) -> &Server;

    /// Returns the number of connections that the server counts during a wave.
    fn counted(&self) -> usize;

    /// Connects `many` silent clients in sequence.
    ///
    /// `hand` numbers the tasks that do so concurrently, from 0.
    fn bring(&self, hand: usize, many: usize) -> BoxFuture<()>;

    /// Checks the close reasons of the clients that were closed since the last call.
    fn check_ends(&mut self);

    /// Sends a message from another client and waits for the response.
    async fn serve_another(&mut self);

    /// Connects one more client. Returns the status and body of the response.
    async fn refuse_one_more(&mut self) -> (u16, Value);
}

/// Returns a handler that echoes values, and the close reasons of its clients.
pub fn echo() -> (impl Handler, Ends) {
    let (ends, ended) = mpsc::unbounded_channel();
    (Echo(ends), Ends(ended))
}

struct Echo(mpsc::UnboundedSender<CloseReason>);

impl Handler for Echo {
    fn open(&self, _: &Spark) -> Flow {
        Flow::DONE
    }

    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        let value: Value = spark.decode(message)?;
        spark.send(&value).ok();
        Ok(Flow::DONE)
    }

    fn error(&self, _: &Spark, _: &CodecError) {}

    fn close(&self, _: &Spark, reason: &CloseReason) {
        self.0.send(reason.clone()).ok();
    }
}

/// Close reasons of the clients of an [`echo`] handler.
#[derive(Debug)]
pub struct Ends(mpsc::UnboundedReceiver<CloseReason>);

impl Ends {
    /// Checks that every client closed since the last call has this close reason.
    ///
    /// # Panics
    /// Panics if a reason differs.
    pub fn are_all(&mut self, expected: &CloseReason) {
        while let Ok(reason) = self.0.try_recv() {
            assert_eq!(reason, *expected);
        }
    }
}

/// Connects waves of silent clients until the memory of the process settles.
///
/// `each` is the number of bytes that one connection may hold. Later waves must reuse the memory of
/// earlier ones.
///
/// # Panics
/// Panics if a client holds more, the memory keeps growing, or the other client is not served.
pub async fn thousands(mut engine: impl HalfOpen, each: usize) {
    within(60, "response for the other client", engine.serve_another()).await;
    let before = resident();
    let mut grown = Vec::new();
    for _ in 0..MAX_WAVES {
        until("the silent clients are closed", &mut engine, |engine| {
            engine.server().connections() == 1
        })
        .await;
        engine.check_ends();
        if !wave(&mut engine).await {
            continue;
        }
        let now = resident().zip(before);
        let now = now.map_or(0, |(now, before)| now.saturating_sub(before));
        grown.push(now);
        assert!(grown[0] <= MANY * each, "{} bytes each", grown[0] / MANY);
        if has_settled(&grown) {
            return;
        }
    }
    panic!("memory keeps growing: {grown:?} bytes");
}

/// Connects one wave. Returns `true` if all its clients were connected at the same time.
///
/// On a loaded machine the first clients may be closed before the last ones connect.
async fn wave(engine: &mut impl HalfOpen) -> bool {
    let start = Instant::now();
    let mut connectors: JoinSet<()> = (0..CONNECTORS)
        .map(|hand| engine.bring(hand, MANY / CONNECTORS))
        .collect();
    let all_connected = |_: &mut _| {
        while let Some(done) = connectors.try_join_next() {
            done.or_fail();
        }
        connectors.is_empty()
    };
    until("the wave is connected", engine, all_connected).await;
    let (counted, expected) = (engine.server().connections(), engine.counted());
    let refusal = engine.refuse_one_more();
    let (status, body) = within(60, "refusal of one more client", refusal).await;
    let in_time = start.elapsed() < Duration::from_millis(PATIENCE);
    if !in_time && (counted < expected || status == 200) {
        return false;
    }
    assert_eq!(counted, expected);
    assert_eq!(
        (status, &body["error"]),
        (503, &"Too many connections".into())
    );
    within(60, "response for the other client", engine.serve_another()).await;
    true
}

/// Waits until a condition holds, and exchanges messages with the other client meanwhile.
async fn until<E: HalfOpen>(what: &str, engine: &mut E, mut condition: impl FnMut(&mut E) -> bool) {
    let waited = async {
        while !condition(engine) {
            within(60, "response for the other client", engine.serve_another()).await;
            sleep(PAUSE).await;
        }
    };
    within(180, what, waited).await;
}

async fn within<T>(seconds: u64, what: impl Display, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(seconds), future).await {
        Ok(value) => value,
        Err(_) => panic!("timed out: {what}"),
    }
}

/// Returns `true` if the last wave added at most a quarter of the first one's memory.
///
/// Needs three waves. The allocator has a heap per thread, and the load of each thread varies from
/// wave to wave, so a few early waves may still grow. A leak grows in every wave.
fn has_settled(grown: &[usize]) -> bool {
    match grown {
        [first, .., before, last] => *last <= before + first / 4,
        _ => false,
    }
}

/// Returns the anonymous resident memory of the process in bytes, or `None` outside Linux.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kib: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::{MAX_WAVES, has_settled};

    #[test]
    fn memory_settles_after_three_waves_or_more() {
        for early in [&[][..], &[100], &[100, 100]] {
            assert!(!has_settled(early), "{early:?}");
        }
        for settled in [
            &[100, 100, 100][..],
            &[100, 180, 190],
            &[100, 130, 160, 170],
            &[100, 130, 160, 150],
        ] {
            assert!(has_settled(settled), "{settled:?}");
        }
    }

    #[test]
    fn a_leak_in_every_wave_never_settles() {
        for leak in [30, 100, 200] {
            let grown: Vec<_> = (0..MAX_WAVES).map(|wave| 100 + wave * leak).collect();
            assert!((1..=MAX_WAVES).all(|waves| !has_settled(&grown[..waves])));
        }
    }
}
