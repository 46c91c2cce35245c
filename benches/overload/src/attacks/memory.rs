//! Attacks on memory: endless messages, and clients that do not read.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinSet,
    time::Instant,
};

use super::{Attack, Outcome, PATIENCE, Stage, ensure};
use crate::{
    Fault,
    peer::{BINARY, CLOSE, FIN, Local, PING, Peer, TEXT, frame, head},
};

/// The default maximum length of a message.
const LONGEST: usize = 10 << 20;

pub(super) fn all() -> Vec<Attack> {
    vec![
        Attack {
            name: "drip",
            what: "30 connections send nearly all of a message of 10 MiB, and then a byte every 2 s",
            bound: "`server.leastRate`, and `server.memoryBudget`",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(held(stage, false)),
        },
        Attack {
            name: "fragments-held",
            what: "30 connections send fragments of 10 MiB without a last one, and then a ping every 2 s",
            bound: "`server.leastRate`, and `server.memoryBudget`",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(held(stage, true)),
        },
        Attack {
            name: "unread",
            what: "20 connections ask for answers of 1 MiB, read none, and reconnect when they are closed",
            bound: "`server.outbox`, and `server.memoryBudget`",
            settings: &[],
            descriptors: None,
            run: |stage| {
                let call = json!({ "event": "action", "params": { "action": "large" } });
                Box::pin(unread(stage, call.to_string()))
            },
        },
        Attack {
            name: "unread-files",
            what: "20 connections ask for files of 8 MiB, read none, and reconnect when they are closed",
            bound: "`server.outbox`, and `server.memoryBudget`",
            settings: &[],
            descriptors: None,
            run: |stage| {
                let call = json!({ "event": "file", "file": "big.bin" });
                Box::pin(unread(stage, call.to_string()))
            },
        },
    ]
}

/// Incomplete messages close their connections within the timeout.
async fn held(stage: &Stage<'_>, fragments: bool) -> Outcome {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for peer in stage.open_many(30, Local::default()).await? {
        tasks.spawn(async move {
            let mut peer = peer;
            let sent = match fragments {
                true => send_fragments(&mut peer).await,
                false => send_most(&mut peer).await,
            };
            let drop: &[u8] = match fragments {
                true => &frame(FIN | PING, b""),
                false => b"x",
            };
            // The server may close the connection before everything is sent.
            let code = match sent {
                Ok(()) => drip(&mut peer, drop).await,
                Err(_) => peer.close_code(PATIENCE).await,
            };
            (code, begun.elapsed())
        });
    }
    let mut last = Duration::ZERO;
    let mut codes = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        let (code, after) = ended?;
        codes.push(code);
        last = last.max(after);
    }
    let count = |wanted: u16| codes.iter().filter(|code| **code == Some(wanted)).count();
    let (slow, memory) = (count(1008), count(1013));
    ensure(slow + memory == codes.len(), || {
        format!("they were ended with {codes:?}")
    })?;
    stage.alone().await?;
    let memory = match memory {
        0 => String::new(),
        count => format!(", {count} with 1013"),
    };
    Ok(format!(
        "{slow} ended with 1008{memory}, the last after {:.0} s",
        last.as_secs_f64()
    ))
}

/// Encodes a frame without its last 1,000 bytes.
async fn send_most(peer: &mut Peer) -> std::io::Result<()> {
    peer.write(&head(FIN | BINARY, LONGEST as u64)).await?;
    let chunk = vec![b'x'; 64 << 10];
    let mut left = LONGEST - 1_000;
    while left > 0 {
        let len = left.min(chunk.len());
        peer.write(&chunk[..len]).await?;
        left -= len;
    }
    Ok(())
}

async fn send_fragments(peer: &mut Peer) -> std::io::Result<()> {
    let first = frame(BINARY, &[b'x'; 32 << 10]);
    let others = frame(0, &[b'x'; 32 << 10]);
    peer.write(&first).await?;
    for _ in 1..LONGEST / (32 << 10) - 1 {
        peer.write(&others).await?;
    }
    Ok(())
}

/// Sends a few bytes every two seconds until the close frame.
async fn drip(peer: &mut Peer, drop: &[u8]) -> Option<u16> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        match tokio::time::timeout(Duration::from_secs(2), peer.next()).await {
            Ok(Ok((CLOSE, payload))) => {
                return payload.first_chunk().map(|code| u16::from_be_bytes(*code));
            }
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return None,
            Err(_) => {
                peer.write(drop).await.ok();
            }
        }
    }
    None
}

/// Clients that do not read their responses are closed, after every reconnect.
async fn unread(stage: &Stage<'_>, call: String) -> Outcome {
    let end = Instant::now() + stage.seconds();
    let address = stage.server.address;
    let from = Local {
        receive_buffer: Some(4_096),
        ..Local::default()
    };
    let call = frame(FIN | TEXT, call.as_bytes());
    let mut tasks: JoinSet<Result<u64, Fault>> = JoinSet::new();
    for _ in 0..20 {
        let call = call.clone();
        tasks.spawn(async move {
            let mut ended = 0;
            while Instant::now() < end {
                let peer = Peer::open(address, from).await;
                let Ok(Peer { mut stream, .. }) = peer else {
                    // Connections are refused while the budget is exhausted.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                while Instant::now() < end {
                    if stream.write_all(&call.repeat(5)).await.is_err() {
                        ended += 1;
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                // Data sent before the close is read after it.
                let mut sink = vec![0; 64 << 10];
                let rest = async { while matches!(stream.read(&mut sink).await, Ok(1..)) {} };
                tokio::time::timeout(Duration::from_secs(1), rest)
                    .await
                    .ok();
            }
            Ok(ended)
        });
    }
    let mut ended = 0;
    while let Some(done) = tasks.join_next().await {
        ended += done??;
    }
    stage.alone().await?;
    let slow = stage.closed("slow_consumer").await?;
    let over = stage.closed("over_budget").await?;
    ensure(slow + over > 0, || "none of them was ended".into())?;
    Ok(format!(
        "{slow} times ended with 1013 for its outbox, {over} times for the budget, noticed by {ended}"
    ))
}
