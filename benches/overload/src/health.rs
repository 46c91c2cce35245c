//! Health checks as by an orchestrator: each over a new connection.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{others::Latency, peer::Local};

/// Interval of the checks.
const PERIOD: Duration = Duration::from_millis(100);
/// Timeout of a check.
const PATIENCE: Duration = Duration::from_secs(10);

/// A check: its due time, and the latency from there if it succeeded.
type Check = (Instant, Option<Duration>);

/// Health checks on a separate thread.
pub(crate) struct Health {
    checks: Arc<Mutex<Vec<Check>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The outcome of the checks in a period.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checked {
    pub(crate) times: Latency,
    pub(crate) max: Duration,
    pub(crate) failed: usize,
}

impl Health {
    pub(crate) fn start(address: SocketAddr) -> std::io::Result<Self> {
        let (checks, stop) = (
            Arc::<Mutex<Vec<Check>>>::default(),
            Arc::<AtomicBool>::default(),
        );
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (made, stopping) = (checks.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let mut due = Instant::now();
                let mut tasks = tokio::task::JoinSet::new();
                while !stopping.load(Ordering::Relaxed) {
                    tokio::time::sleep_until(due.into()).await;
                    let made = made.clone();
                    tasks.spawn(async move {
                        let answer = tokio::time::timeout(PATIENCE, ask(address)).await;
                        let took = matches!(answer, Ok(Ok(true))).then(|| due.elapsed());
                        if let Ok(mut made) = made.lock() {
                            made.push((due, took));
                        }
                    });
                    while tasks.try_join_next().is_some() {}
                    due += PERIOD;
                }
            });
        });
        Ok(Self {
            checks,
            stop,
            thread: Some(thread),
        })
    }

    /// Returns the completed checks that were due in a period.
    pub(crate) fn between(&self, from: Instant, to: Instant) -> Option<Checked> {
        let checks = self.checks.lock().ok()?;
        let due = || checks.iter().filter(|(due, _)| (from..to).contains(due));
        let times: Vec<_> = due().filter_map(|(_, took)| *took).collect();
        Some(Checked {
            max: *times.iter().max()?,
            failed: due().count() - times.len(),
            times: Latency::of(times)?,
        })
    }
}

impl Drop for Health {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

async fn ask(address: SocketAddr) -> std::io::Result<bool> {
    // Usually from another address than the attackers.
    let from = Local::address(Ipv4Addr::new(127, 0, 9, 9));
    let mut stream = from.connect(address).await?;
    let request = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200"))
}
