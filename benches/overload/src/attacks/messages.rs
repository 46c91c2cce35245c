//! Attacks with too many messages and pings.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinSet,
};

use super::{Attack, Outcome, PATIENCE, Stage, ensure, number};
use crate::peer::{FIN, Local, PING, TEXT, frame};

pub(super) fn all() -> Vec<Attack> {
    vec![
        Attack {
            name: "messages",
            what: "10 connections send as fast as the server takes it, and read the answers",
            bound: "none: `server.messageRate` is off",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(flood(stage, true, message())),
        },
        Attack {
            name: "messages-unread",
            what: "10 connections send as fast as the server takes it, and read nothing",
            bound: "`server.outbox`, here 1 MiB",
            settings: &[("STELLAR_SERVER__OUTBOX__BYTES", "1048576")],
            descriptors: None,
            run: |stage| Box::pin(unread(stage)),
        },
        Attack {
            name: "message-rate",
            what: "10 connections send as fast as the server takes it, and reconnect when they are closed",
            bound: "`server.messageRate`, here 100 a second, 200 at once",
            settings: RATE,
            descriptors: None,
            run: |stage| Box::pin(rate(stage, message())),
        },
        Attack {
            name: "pings",
            what: "10 connections send WebSocket pings of 125 bytes, and read no pong",
            bound: "16 KiB of pongs for each",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(flood(stage, false, frame(FIN | PING, &[b'p'; 125]))),
        },
        Attack {
            name: "primus-pings",
            what: "10 connections send `primus::ping::` and `primus::id::`, and read no answer",
            bound: "`server.outbox`; then such have no answer",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(flood(stage, false, controls())),
        },
        Attack {
            name: "ping-rate",
            what: "10 connections send WebSocket pings, and reconnect when they are closed",
            bound: "`server.messageRate`, here 100 a second, 200 at once",
            settings: RATE,
            descriptors: None,
            run: |stage| Box::pin(rate(stage, frame(FIN | PING, &[b'p'; 125]))),
        },
    ]
}

const RATE: &[(&str, &str)] = &[
    ("STELLAR_SERVER__MESSAGE_RATE__PER_SECOND", "100"),
    ("STELLAR_SERVER__MESSAGE_RATE__BURST", "200"),
];

fn message() -> Vec<u8> {
    let request = json!({ "event": "action", "params": { "action": "echo", "n": 1 } });
    frame(FIN | TEXT, request.to_string().as_bytes())
}

fn controls() -> Vec<u8> {
    [
        frame(FIN | TEXT, b"\"primus::ping::1\""),
        frame(FIN | TEXT, b"\"primus::id::\""),
    ]
    .concat()
}

/// Ten clients send the same message repeatedly and stay connected.
async fn flood(stage: &Stage<'_>, reads: bool, bytes: Vec<u8>) -> Outcome {
    let begun = Instant::now();
    let end = tokio::time::Instant::now() + stage.seconds();
    let sent = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for peer in stage.open_many(10, Local::default()).await? {
        let chunk = bytes.repeat(100);
        let sent = sent.clone();
        tasks.spawn(async move {
            let (mut read, mut write) = peer.stream.into_split();
            let sending = async {
                loop {
                    if write.write_all(&chunk).await.is_err() {
                        return false;
                    }
                    sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                }
            };
            let reading = async {
                let mut sink = vec![0; 64 << 10];
                while reads && matches!(read.read(&mut sink).await, Ok(1..)) {}
                if !reads {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                stayed = sending => stayed,
                () = reading => false,
                () = tokio::time::sleep_until(end) => true,
            }
        });
    }
    while let Some(stayed) = tasks.join_next().await {
        ensure(stayed?, || "one of them was ended".into())?;
    }
    let count = sent.load(Ordering::Relaxed) / bytes.len() as u64;
    let took = begun.elapsed().as_secs_f64();
    stage.alone().await?;
    Ok(format!(
        "{} a second taken",
        number((count as f64 / took) as u64)
    ))
}

/// Unread responses fill the outbox and close the connection.
async fn unread(stage: &Stage<'_>) -> Outcome {
    let mut tasks = JoinSet::new();
    let from = Local {
        receive_buffer: Some(4_096),
        ..Local::default()
    };
    for mut peer in stage.open_many(10, from).await? {
        let chunk = message().repeat(100);
        tasks.spawn(async move {
            let sending = async { while peer.write(&chunk).await.is_ok() {} };
            tokio::time::timeout(PATIENCE, sending).await.ok();
            peer.close_code(Duration::from_secs(1)).await
        });
    }
    stage
        .until("them to be ended", |counts| {
            counts["closed"]["slow_consumer"].as_u64() >= Some(10)
        })
        .await?;
    tasks.abort_all();
    while tasks.join_next().await.is_some() {}
    stage.alone().await?;
    Ok("10 ended with 1013".into())
}

/// Each client reconnects 100 ms after its close.
async fn rate(stage: &Stage<'_>, bytes: Vec<u8>) -> Outcome {
    let address = stage.server.address;
    let end = tokio::time::Instant::now() + stage.seconds();
    let mut tasks = JoinSet::new();
    for _ in 0..10 {
        let chunk = bytes.repeat(100);
        tasks.spawn(async move {
            let mut ended = 0_u64;
            while tokio::time::Instant::now() < end {
                // Each client has its own address, and with it its own rate.
                let from = Local::address([127, 0, 0, 2].into());
                let Ok(mut peer) = crate::peer::Peer::open(address, from).await else {
                    return Err("a client was not let in");
                };
                for _ in 0..20 {
                    if peer.write(&chunk).await.is_err() {
                        break;
                    }
                }
                match peer.close_code(PATIENCE).await {
                    Some(1008) => ended += 1,
                    _ => return Err("one was not ended with 1008"),
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(ended)
        });
    }
    let mut ended = 0;
    while let Some(done) = tasks.join_next().await {
        ended += done??;
    }
    let counts = stage.server.counts().await?;
    stage.alone().await?;
    let over = counts["overRate"].as_u64().unwrap_or_default();
    Ok(format!(
        "{} refused, {} times ended with 1008",
        number(over),
        number(ended)
    ))
}
