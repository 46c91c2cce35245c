//! Runs one attack: before, during, and until the recovery.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    Fault, Options,
    attacks::{Attack, Stage, many_rooms},
    health::Health,
    others::{COUNT, Latency, Others},
    process::{Process, usage},
    report::Row,
};

/// Duration of the baseline measurement.
const BEFORE: Duration = Duration::from_secs(3);
/// Period in which all calls must be normal again.
const WINDOW: Duration = Duration::from_secs(1);
/// Timeout of the recovery.
const AFTER: Duration = Duration::from_secs(30);

/// Samples the memory of a process.
struct Watch {
    seen: Arc<Mutex<Vec<(Instant, u64)>>>,
    stop: Arc<AtomicBool>,
}

impl Watch {
    fn start(id: u32) -> Self {
        let watch = Self {
            seen: Arc::default(),
            stop: Arc::default(),
        };
        let (seen, stop) = (watch.seen.clone(), watch.stop.clone());
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let rss = usage(id).rss;
                if rss > 0
                    && let Ok(mut seen) = seen.lock()
                {
                    seen.push((Instant::now(), rss));
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        watch
    }

    /// Returns the maximum of a period, in KiB.
    fn most(&self, from: Instant, to: Instant) -> u64 {
        let Ok(seen) = self.seen.lock() else {
            return 0;
        };
        let within = seen.iter().filter(|(at, _)| (from..=to).contains(at));
        within.map(|(_, rss)| *rss).max().unwrap_or_default()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Runs the attack against a new server.
pub(crate) async fn run(attack: &Attack, options: &Options) -> Result<Row, Fault> {
    let mut settings: Vec<_> = attack
        .settings
        .iter()
        .map(|(key, value)| (*key, (*value).to_owned()))
        .collect();
    if attack.name == "rooms" {
        settings.push(("STELLAR_STARTING_CHAT_ROOMS", many_rooms()));
    }
    let server = Process::start(&settings, attack.descriptors, options.log).await?;
    let others = Others::start(server.address)?;
    let health = Health::start(server.address)?;
    let stage = Stage {
        server: &server,
        options,
    };
    stage.everyone().await?;
    let watch = Watch::start(server.id());
    // Warm-up: the first calls are slower.
    tokio::time::sleep(WINDOW).await;

    let begun = Instant::now();
    tokio::time::sleep(BEFORE).await;
    let attacked = Instant::now();
    let normal = others
        .latency(begun, attacked)
        .ok_or("nobody was answered")?;
    let lost_before = others.lost();

    let outcome = (attack.run)(&stage).await?;

    let over = Instant::now();
    let calm = calm(&others, normal, over).await?;
    tokio::time::sleep(WINDOW).await;
    let end = Instant::now();
    let counts = server.counts().await?;
    if counts["panics"] != 0 {
        return Err(format!("something panicked: {counts}").into());
    }
    let lost = others.lost() - lost_before;
    let row = Row {
        name: attack.name,
        what: attack.what,
        bound: attack.bound,
        outcome,
        memory: [
            watch.most(begun, attacked),
            watch.most(attacked, over),
            watch.most(end - Duration::from_millis(500), end),
        ],
        before: normal,
        during: others.latency(attacked, over),
        health: health.between(attacked, over),
        lost,
        calm,
    };
    others.stop();
    Ok(row)
}

/// Measures the time until the latency of calls is back to normal.
async fn calm(others: &Others, normal: Latency, over: Instant) -> Result<Duration, Fault> {
    let limit = (normal.p99 * 3).max(normal.p99 + Duration::from_millis(20));
    let mut from = over;
    while from < over + AFTER {
        // Calls due at the end of the window are answered or have timed out.
        tokio::time::sleep_until((from + WINDOW + limit).into()).await;
        let expected = COUNT as usize * 9;
        let latency = others.latency(from, from + WINDOW);
        if others.answered(from, from + WINDOW) >= expected
            && latency.is_some_and(|latency| latency.p99 <= limit)
        {
            return Ok(from - over);
        }
        from += Duration::from_millis(250);
    }
    Err(format!("it was not as before within {} s", AFTER.as_secs()).into())
}
