//! The common parts of all modes: the plan of a run, its phases and connections.

use std::{
    future::Future,
    net::Ipv4Addr,
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::{
    sync::Semaphore,
    task::{LocalSet, spawn_local},
};

use crate::{
    args::Common,
    procstat,
    proto::{Codec, Session},
    ws::{self, Res, Target},
};

/// Phases of a run; before RUNNING (0) the connections are being opened.
pub const RUNNING: u8 = 1;
pub const MEASURING: u8 = 2;
pub const STOPPING: u8 = 3;

/// The state shared by the coordinating thread and the workers.
#[derive(Default)]
pub struct Ctl {
    pub phase: AtomicU8,
    pub ready: AtomicUsize,
    pub count: AtomicU64,
    pub pings: AtomicU64,
    error_count: AtomicU64,
    first_errors: Mutex<Vec<String>>,
}

impl Ctl {
    pub fn phase(&self) -> u8 {
        self.phase.load(Relaxed)
    }

    pub fn error(&self, e: String) {
        self.error_count.fetch_add(1, Relaxed);
        let mut v = self
            .first_errors
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if v.len() < 5 && !v.contains(&e) {
            v.push(e);
        }
    }

    pub fn errors(&self) -> Value {
        json!({ "count": self.error_count.load(Relaxed), "first": *self.first_errors.lock().unwrap_or_else(PoisonError::into_inner) })
    }

    /// Waits in the coordinator until all workers are connected.
    pub fn await_ready(&self, n: usize, deadline: Instant) -> Res<()> {
        while self.ready.load(Relaxed) < n {
            if Instant::now() > deadline {
                return Err(format!("not connected in time: {}", self.errors()));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

pub type Hist = Histogram<u64>;

pub fn new_hist() -> Hist {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("constant bounds")
}

/// Quantiles in microseconds of a histogram in nanoseconds.
pub fn quantiles(h: &Hist) -> Value {
    let q = |p: f64| procstat::round(h.value_at_quantile(p) as f64 / 1000.0, 1);
    json!({
        "p50": q(0.5), "p90": q(0.9), "p99": q(0.99), "p999": q(0.999),
        "max": procstat::round(h.max() as f64 / 1000.0, 1),
        "mean": procstat::round(h.mean() / 1000.0, 1),
    })
}

pub struct Plan {
    pub target: Target,
    pub codec: Codec,
    pub common: Common,
    srcs: u32,
}

impl Plan {
    pub fn new(c: &Common, conns: usize) -> Res<Arc<Plan>> {
        if !c.addr.ip().is_loopback() {
            return Err(format!("{} is not a loopback address", c.addr));
        }
        if !(c.hard_timeout > 0.0 && c.hard_timeout <= 3600.0) || conns > 200_000 {
            return Err(
                "out of bounds: hard-timeout at most 3600, connections at most 200000".into(),
            );
        }
        let codec = Codec::new(c.proto, c.engine, c.names());
        let path = c.path.clone().unwrap_or_else(|| codec.default_path());
        let srcs = match c.src_addrs {
            0 => (conns as u32).div_ceil(20_000),
            n => n.min(200),
        };
        raise_nofile(conns as u64 + 256)?;
        Ok(Arc::new(Plan {
            target: Target {
                addr: c.addr,
                path,
                headers: c.header.clone(),
            },
            codec,
            common: c.clone(),
            srcs,
        }))
    }

    pub async fn open(&self, i: usize) -> Res<Session> {
        let src = if self.srcs > 1 || self.common.src_addrs > 0 {
            Some(Ipv4Addr::new(127, 0, 0, 2 + (i as u32 % self.srcs) as u8))
        } else {
            None
        };
        let open = Session::open(&self.target, &self.codec, src);
        match tokio::time::timeout(Duration::from_secs(30), open).await {
            Ok(r) => r,
            Err(_) => Err("no session within 30 s".into()),
        }
    }
}

fn raise_nofile(want: u64) -> Res<()> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= want) {
        return Ok(());
    }
    limit.current = Some(want);
    limit.maximum = limit.maximum.map(|maximum| maximum.max(want));
    setrlimit(Resource::Nofile, limit)
        .map_err(|e| format!("cannot raise the limit of open files to {want}: {e}"))
}

/// Runs one worker on a new thread with a single-threaded runtime.
pub fn worker<T, F>(
    index: usize,
    f: impl FnOnce() -> F + Send + 'static,
) -> std::thread::JoinHandle<T>
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    std::thread::spawn(move || {
        ws::seed(0x5eed + index as u64);
        let rt = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("runtime");
        LocalSet::new().block_on(&rt, f())
    })
}

/// Opens `ids` with bounded concurrency, in order of completion.
pub async fn open_all(
    plan: &Arc<Plan>,
    ctl: &Arc<Ctl>,
    ids: impl Iterator<Item = usize>,
) -> Vec<(usize, Session)> {
    let sem = Rc::new(Semaphore::new(plan.common.connect_concurrency.max(1)));
    let mut tasks = Vec::new();
    for i in ids {
        let (plan, ctl, sem) = (plan.clone(), ctl.clone(), sem.clone());
        tasks.push(spawn_local(async move {
            let _permit = sem.acquire().await.expect("never closed");
            match plan.open(i).await {
                Ok(s) => Some((i, s)),
                Err(e) => {
                    ctl.error(e);
                    None
                }
            }
        }));
    }
    let mut out = Vec::new();
    for t in tasks {
        out.extend(t.await.expect("no panics"));
    }
    out
}

pub async fn until(ctl: &Ctl, phase: u8) {
    while ctl.phase() < phase {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Keeps a session alive, answering pings, until the run stops or the server closes.
pub async fn tend(mut s: Session, plan: Arc<Plan>, ctl: Arc<Ctl>) {
    let mut seen = 0;
    loop {
        let r = s.pump(&plan.codec, |_, _, _| Ok(())).await;
        if let Ok(true) = r {
            if let Err(e) = s.conn.flush().await {
                return ctl.error(e);
            }
            let now = s.pings.engine + s.pings.primus + s.conn.ws_pings;
            ctl.pings.fetch_add(now - seen, Relaxed);
            seen = now;
            continue;
        }
        if ctl.phase() != STOPPING {
            ctl.error(r.err().unwrap_or_else(|| "closed by the server".into()));
        }
        return;
    }
}
