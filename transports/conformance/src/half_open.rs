//! Thousands of clients that come and then say nothing more: what they hold, who is served
//! meanwhile, and that they go.
//!
//! An engine's test of it implements [`HalfOpen`] and calls [`thousands`], alone in its process,
//! because that looks at the memory of the process.

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

use crate::bed::Must as _;

/// So many come.
pub const MANY: usize = 5_000;
/// Milliseconds until they are to end. All of them come within it.
pub const PATIENCE: u64 = 15_000;

/// So many of them come at the same time.
const HANDS: usize = 8;
/// So often they come at most.
const WAVES: usize = 7;
/// The time between two messages of somebody else.
const PAUSE: Duration = Duration::from_millis(10);

/// A served server, and the clients of its engine.
#[async_trait]
pub trait HalfOpen: Send {
    /// The server.
    fn server(&self) -> &Server;

    /// How many connections the server counts while all of them are there.
    fn counted(&self) -> usize;

    /// Has so many come, one after the other. `hand` is another for each that does so at the same
    /// time.
    fn bring(&self, hand: usize, many: usize) -> BoxFuture<()>;

    /// Checks why those ended that are gone.
    fn check_ends(&mut self);

    /// Has somebody else send a message and be answered.
    async fn serve_another(&mut self);

    /// The status and the body that one more is answered.
    async fn refuse_one_more(&mut self) -> (u16, Value);
}

/// An echo whose clients are not expected to leave by themselves, and the reasons why they did.
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

/// The ends of the clients of an [`echo`].
#[derive(Debug)]
pub struct Ends(mpsc::UnboundedReceiver<CloseReason>);

impl Ends {
    /// That all that have ended since the last time did for this reason.
    pub fn are_all(&mut self, expected: &CloseReason) {
        while let Ok(reason) = self.0.try_recv() {
            assert_eq!(reason, *expected);
        }
    }
}

/// Has them come again and again. Each of them may hold so many bytes, and those that come later
/// live in what the others have left.
pub async fn thousands(mut engine: impl HalfOpen, each: usize) {
    within(60, "somebody else", engine.serve_another()).await;
    let before = resident();
    let mut grown = Vec::new();
    for _ in 0..WAVES {
        until("they are gone", &mut engine, |engine| {
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
    panic!("it does not settle: {grown:?} bytes");
}

/// All of them come. Whether they are there at the same time: on a machine that is busy with other
/// things the first may end before the last have come.
async fn wave(engine: &mut impl HalfOpen) -> bool {
    let start = Instant::now();
    let mut coming: JoinSet<()> = (0..HANDS)
        .map(|hand| engine.bring(hand, MANY / HANDS))
        .collect();
    let all_came = |_: &mut _| {
        while let Some(done) = coming.try_join_next() {
            done.must();
        }
        coming.is_empty()
    };
    until("they have come", engine, all_came).await;
    let (counted, expected) = (engine.server().connections(), engine.counted());
    // There is a bound, and it holds.
    let (status, body) = within(60, "one more", engine.refuse_one_more()).await;
    let in_time = start.elapsed() < Duration::from_millis(PATIENCE);
    if !in_time && (counted < expected || status == 200) {
        return false;
    }
    assert_eq!(counted, expected);
    assert_eq!(
        (status, &body["error"]),
        (503, &"Too many connections".into())
    );
    within(60, "somebody else", engine.serve_another()).await;
    true
}

/// Waits until a condition holds. Somebody else is served meanwhile.
async fn until<E: HalfOpen>(what: &str, engine: &mut E, mut condition: impl FnMut(&mut E) -> bool) {
    let waited = async {
        while !condition(engine) {
            within(60, "somebody else", engine.serve_another()).await;
            sleep(PAUSE).await;
        }
    };
    within(180, what, waited).await;
}

async fn within<T>(seconds: u64, what: impl Display, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(seconds), future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

/// Whether the last wave took next to nothing beyond what the one before it had. The first two may
/// take what they like, and as the allocator has a heap for each of several threads, and which of
/// them works how much is another matter in each wave, so may one or two after them. But what is
/// left of every wave is taken anew by each.
fn has_settled(grown: &[usize]) -> bool {
    match grown {
        [first, .., before, last] => *last <= before + first / 4,
        _ => false,
    }
}

/// What the process holds in bytes, but what is in files, where the system tells.
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
    use super::{WAVES, has_settled};

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
    fn what_is_left_of_every_wave_never_settles() {
        for left in [30, 100, 200] {
            let grown: Vec<_> = (0..WAVES).map(|wave| 100 + wave * left).collect();
            assert!((1..=WAVES).all(|waves| !has_settled(&grown[..waves])));
        }
    }
}
