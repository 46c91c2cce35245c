//! The well-behaved clients, whose latency is measured.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::peer::{Local, Peer};

/// Number of connections that call an action, each once per `PERIOD`.
pub(crate) const COUNT: u32 = 20;
const PERIOD: Duration = Duration::from_millis(100);

/// A call: its due time, and the latency from there.
#[derive(Clone, Copy, Debug)]
struct Sample {
    due: Instant,
    took: Duration,
}

#[derive(Debug, Default)]
struct Shared {
    samples: Mutex<Vec<Sample>>,
    lost: AtomicU64,
    stop: AtomicBool,
}

/// Well-behaved clients on a separate thread.
pub(crate) struct Others {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// The median and the 99th percentile of the latency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Latency {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

impl Latency {
    pub(crate) fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        let at = |share: usize| times.get((times.len() * share / 100).min(times.len().max(1) - 1));
        Some(Self {
            p50: *at(50)?,
            p99: *at(99)?,
        })
    }
}

impl Others {
    pub(crate) fn start(address: SocketAddr) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let theirs = shared.clone();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let mut tasks = tokio::task::JoinSet::new();
                for number in 0..COUNT {
                    tasks.spawn(call(address, number, theirs.clone()));
                }
                tasks.join_all().await;
            });
        });
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Number of lost connections, failed calls and failed reconnects.
    pub(crate) fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }

    /// Returns the latencies of the calls that were due in a period.
    pub(crate) fn latency(&self, from: Instant, to: Instant) -> Option<Latency> {
        let samples = self.shared.samples.lock().ok()?;
        let times = samples
            .iter()
            .filter(|sample| (from..to).contains(&sample.due))
            .map(|sample| sample.took);
        Latency::of(times.collect())
    }

    /// Returns the number of answered calls that were due in a period.
    pub(crate) fn answered(&self, from: Instant, to: Instant) -> usize {
        let samples = self.shared.samples.lock();
        samples.map_or(0, |samples| {
            let due = |sample: &&Sample| (from..to).contains(&sample.due);
            samples.iter().filter(due).count()
        })
    }

    /// Disconnects the clients.
    pub(crate) fn stop(mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

async fn call(address: SocketAddr, number: u32, shared: Arc<Shared>) {
    // Spread over the period.
    let mut due = Instant::now() + PERIOD * number / COUNT;
    let mut peer = None;
    let mut count = 0;
    while !shared.stop.load(Ordering::Relaxed) {
        tokio::time::sleep_until(due.into()).await;
        let open = match &mut peer {
            Some(open) => open,
            None => match Peer::open(address, Local::default()).await {
                Ok(open) => {
                    count = 0;
                    peer.insert(open)
                }
                Err(_) => {
                    shared.lost.fetch_add(1, Ordering::Relaxed);
                    due = Instant::now() + PERIOD;
                    continue;
                }
            },
        };
        count += 1;
        let request = json!({ "event": "action", "params": { "action": "echo", "n": count } });
        let answered = async {
            open.say(&request).await?;
            open.response(count).await
        };
        match answered.await {
            Ok(response) if response["n"] == count => {
                let took = due.elapsed();
                if let Ok(mut samples) = shared.samples.lock() {
                    samples.push(Sample { due, took });
                }
            }
            _ => {
                shared.lost.fetch_add(1, Ordering::Relaxed);
                peer = None;
            }
        }
        due += PERIOD;
    }
}
