//! A large room in which some members do not read, and the effect on the others.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::{JoinHandle, JoinSet},
};

use super::{
    Attack, Outcome, Stage, ensure,
    rooms::{join, said},
};
use crate::{Fault, others::Latency, peer::Local};

/// Number of members that read, and of those that are measured.
const READERS: usize = 9_900;
const WATCHED: usize = 500;
/// Number of members that do not read.
const SLOW: usize = 100;
const LENGTH: usize = 2_048;
const EVERY: Duration = Duration::from_millis(200);
/// Duration of the baseline measurement.
const BEFORE: Duration = Duration::from_secs(15);

pub(super) fn all() -> Vec<Attack> {
    vec![Attack {
        name: "crowd",
        what: "100 of the 10,000 members of a room read nothing, while 2 KiB come 5 times a second",
        bound: "`server.outbox`, here 64 KiB",
        settings: &[
            ("STELLAR_SERVER__OUTBOX__BYTES", "65536"),
            ("STELLAR_SERVER__CLOSE_TIMEOUT", "60000"),
            // The members only read.
            ("STELLAR_SERVER__PING_INTERVAL", "0"),
        ],
        descriptors: None,
        run: |stage| Box::pin(crowd(stage)),
    }]
}

/// The time of each publication, and the latency of its deliveries.
#[derive(Debug, Default)]
struct Book {
    sent: Mutex<Vec<Instant>>,
    took: Mutex<Vec<(Instant, Duration)>>,
}

impl Book {
    fn received(&self, number: usize) {
        let sent = self
            .sent
            .lock()
            .ok()
            .and_then(|sent| sent.get(number).copied());
        if let (Some(sent), Ok(mut took)) = (sent, self.took.lock()) {
            took.push((sent, sent.elapsed()));
        }
    }

    /// Returns the latencies of the publications in a period.
    fn latency(&self, from: Instant, to: Instant) -> Option<Latency> {
        let took = self.took.lock().ok()?;
        let within = took.iter().filter(|(sent, _)| (from..to).contains(sent));
        Latency::of(within.map(|(_, took)| *took).collect())
    }
}

/// Members that read every message. Dropping the value disconnects them.
async fn readers(stage: &Stage<'_>, book: &Arc<Book>) -> Result<JoinSet<()>, Fault> {
    let mut tasks = JoinSet::new();
    for at in 0..READERS {
        let mut peer = stage.open(Local::default()).await?;
        join(&mut peer, "crowd").await?;
        let book = book.clone();
        if at < WATCHED {
            tasks.spawn(async move {
                while let Ok(value) = peer.value().await {
                    let message = value["message"]
                        .as_str()
                        .and_then(|text| text.split(' ').next());
                    if let Some(number) = message.and_then(|number| number.parse().ok()) {
                        book.received(number);
                    }
                }
            });
        } else {
            tasks.spawn(async move {
                let mut read = [0; 4_096];
                while let Ok(1..) = peer.stream.read(&mut read).await {}
            });
        }
    }
    Ok(tasks)
}

/// Publishes at a fixed rate until aborted.
async fn publish(stage: &Stage<'_>, book: &Arc<Book>) -> Result<JoinHandle<()>, Fault> {
    let mut peer = stage.open(Local::default()).await?;
    join(&mut peer, "crowd").await?;
    let book = book.clone();
    Ok(tokio::spawn(async move {
        let (mut read, mut write) = peer.stream.into_split();
        let reading = async {
            let mut sink = vec![0; 16 << 10];
            while let Ok(1..) = read.read(&mut sink).await {}
        };
        let sending = async {
            let mut ticks = tokio::time::interval(EVERY);
            for number in 0.. {
                ticks.tick().await;
                let message = said(&format!("{number} {}", "x".repeat(LENGTH)));
                if let Ok(mut sent) = book.sent.lock() {
                    sent.push(Instant::now());
                }
                if write.write_all(&message).await.is_err() {
                    break;
                }
            }
        };
        tokio::select! {
            () = reading => {}
            () = sending => {}
        }
    }))
}

async fn crowd(stage: &Stage<'_>) -> Outcome {
    let book = Arc::<Book>::default();
    let mut members = readers(stage, &book).await?;
    let publishing = publish(stage, &book).await?;
    let begun = Instant::now();
    tokio::time::sleep(BEFORE).await;

    let joined = Instant::now();
    let from = Local {
        receive_buffer: Some(4_096),
        segment: Some(1_460),
        ..Local::default()
    };
    let mut slow = stage.open_many(SLOW, from).await?;
    for peer in &mut slow {
        join(peer, "crowd").await?;
    }
    stage
        .until("them to be found out", |counts| {
            counts["slow"].as_u64() >= Some(SLOW as u64)
        })
        .await?;
    let over = Instant::now();
    ensure(!publishing.is_finished(), || {
        "the publisher was ended".into()
    })?;
    publishing.abort();
    let mut closed = 0;
    for peer in &mut slow {
        closed += usize::from(peer.close_code(Duration::from_secs(10)).await == Some(1013));
    }
    ensure(closed == SLOW, || format!("{closed} were closed with 1013"))?;
    let latency = |from, to| book.latency(from, to).ok_or("nothing was delivered");
    let (before, during) = (latency(begun, joined)?, latency(joined, over)?);
    drop(slow);
    members.abort_all();
    while members.join_next().await.is_some() {}
    stage.alone().await?;
    let closed = stage.closed("slow_consumer").await?;
    ensure(closed == SLOW as u64, || format!("{closed} were ended"))?;
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    Ok(format!(
        "100 ended with 1013 within {:.0} s; deliveries to the others, ms: p50 {:.0}, p99 {:.0} before, \
         {:.0}, {:.0} meanwhile",
        (over - joined).as_secs_f64(),
        millis(before.p50),
        millis(before.p99),
        millis(during.p50),
        millis(during.p99),
    ))
}
