//! Attacks over many connections of one client, whose limits apply to all of them together.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinSet,
};

use super::{Attack, Outcome, Stage, ensure, number, rooms::join};
use crate::peer::{FIN, Local, Peer, TEXT, frame};

pub(super) fn all() -> Vec<Attack> {
    vec![
        Attack {
            name: "actions",
            what: "20 clients of one address call an action that takes 5 s, and reconnect for more, while as many call it over HTTP",
            bound: "`simultaneousActionsPerClient`, 1,000; an action ends with its connection",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(actions(stage)),
        },
        Attack {
            name: "room-view",
            what: "8 of 2,000 members ask who they are, as fast as the server takes it",
            bound: "`maxRoomView`, 1,000 members in an answer, and `publishRate`",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(room_view(stage)),
        },
        Attack {
            name: "compression",
            what: "8 clients load a text of 4 MiB with Brotli, over and over",
            bound: "`compressCache`: it is compressed once",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(compression(stage)),
        },
        Attack {
            name: "garbage",
            what: "8 clients send what no codec can read, and reconnect for more",
            bound: "20 lines a minute in the log",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(garbage(stage)),
        },
    ]
}

/// Source address of the attackers, so that their usage does not count for other clients.
fn attacker() -> Local {
    Local::address(Ipv4Addr::new(127, 0, 8, 1))
}

/// Repeats `act` in several tasks for a duration. Returns the number of repetitions.
async fn repeat<F>(
    stage: &Stage<'_>,
    tasks: usize,
    act: impl Fn() -> F + Clone + Send + Sync + 'static,
) -> u64
where
    F: Future<Output = u64> + Send + 'static,
{
    let end = tokio::time::Instant::now() + stage.seconds();
    let done = Arc::new(AtomicU64::new(0));
    let mut running = JoinSet::new();
    for _ in 0..tasks {
        let (act, done) = (act.clone(), done.clone());
        running.spawn(async move {
            let acting = async {
                loop {
                    done.fetch_add(act().await, Ordering::Relaxed);
                }
            };
            tokio::time::timeout_at(end, acting).await.ok();
        });
    }
    while running.join_next().await.is_some() {}
    done.load(Ordering::Relaxed)
}

async fn actions(stage: &Stage<'_>) -> Outcome {
    let address = stage.server.address;
    let refused = Arc::new(AtomicU64::new(0));
    let over_http = {
        let refused = refused.clone();
        let act = move || {
            let refused = refused.clone();
            async move {
                let Ok(mut stream) = attacker().connect(address).await else {
                    return 0;
                };
                let request =
                    b"GET /api/sleep HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
                let mut answer = Vec::new();
                if stream.write_all(request).await.is_ok() {
                    stream.read_to_end(&mut answer).await.ok();
                }
                let is_refused = answer.starts_with(b"HTTP/1.1 429");
                refused.fetch_add(u64::from(is_refused), Ordering::Relaxed);
                1
            }
        };
        repeat(stage, 1_100, act)
    };
    let call = json!({ "event": "action", "params": { "action": "sleep" } });
    let calls = frame(FIN | TEXT, call.to_string().as_bytes()).repeat(5);
    let over_sockets = repeat(stage, 20, move || {
        let calls = calls.clone();
        async move {
            let Ok(mut peer) = Peer::open(address, attacker()).await else {
                return 0;
            };
            if peer.write(&calls).await.is_err() {
                return 0;
            }
            // The connections are dropped once they are read.
            tokio::time::sleep(Duration::from_millis(20)).await;
            5
        }
    });
    let (called, left) = tokio::join!(over_http, over_sockets);
    stage.alone().await?;
    let refused = refused.load(Ordering::Relaxed);
    ensure(refused > 0, || "none was refused".into())?;
    Ok(format!(
        "{} called over sockets and left, {} over HTTP, of which {} got 429",
        number(left),
        number(called),
        number(refused)
    ))
}

async fn room_view(stage: &Stage<'_>) -> Outcome {
    let mut members = JoinSet::new();
    for _ in 0..2_000 {
        let mut peer = stage.open(attacker()).await?;
        join(&mut peer, "crowd").await?;
        members.spawn(async move {
            let mut read = vec![0; 4 << 10];
            while let Ok(1..) = peer.stream.read(&mut read).await {}
        });
    }
    let end = tokio::time::Instant::now() + stage.seconds();
    let request = json!({ "event": "roomView", "room": "crowd" }).to_string();
    let request = frame(FIN | TEXT, request.as_bytes());
    let before = stage.server.counts().await?;
    let mut asking = JoinSet::new();
    let read = Arc::new(AtomicU64::new(0));
    for mut peer in stage.open_many(8, attacker()).await? {
        join(&mut peer, "crowd").await?;
        let (chunk, count) = (request.repeat(20), read.clone());
        asking.spawn(async move {
            let (mut read, mut write) = peer.stream.into_split();
            let reading = async {
                let mut sink = vec![0; 64 << 10];
                while let Ok(len @ 1..) = read.read(&mut sink).await {
                    count.fetch_add(len as u64, Ordering::Relaxed);
                }
            };
            let sending = async { while write.write_all(&chunk).await.is_ok() {} };
            tokio::select! {
                () = reading => {}
                () = sending => {}
                () = tokio::time::sleep_until(end) => {}
            }
        });
    }
    while asking.join_next().await.is_some() {}
    let after = stage.server.counts().await?;
    members.abort_all();
    while members.join_next().await.is_some() {}
    stage.alone().await?;
    let received = |counts: &serde_json::Value| counts["received"].as_u64().unwrap_or_default();
    let seconds = stage.options.seconds.max(1);
    Ok(format!(
        "{} asked a second, {} KiB a second answered",
        number((received(&after) - received(&before)) / seconds),
        number((read.load(Ordering::Relaxed) >> 10) / seconds)
    ))
}

async fn compression(stage: &Stage<'_>) -> Outcome {
    let address = stage.server.address;
    let compressed = Arc::new(AtomicU64::new(0));
    let count = compressed.clone();
    let loads = repeat(stage, 8, move || {
        let count = count.clone();
        async move {
            let Ok(mut stream) = attacker().connect(address).await else {
                return 0;
            };
            let request = b"GET /text.txt HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: br\r\nConnection: close\r\n\r\n";
            if stream.write_all(request).await.is_err() {
                return 0;
            }
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.ok();
            let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
            let head = &answer[..end.unwrap_or_default()];
            let head = String::from_utf8_lossy(head).to_lowercase();
            let is_compressed =
                head.starts_with("http/1.1 200") && head.contains("content-encoding: br");
            count.fetch_add(u64::from(is_compressed), Ordering::Relaxed);
            1
        }
    })
    .await;
    let compressed = compressed.load(Ordering::Relaxed);
    ensure(compressed > 0, || "none was compressed".into())?;
    Ok(format!(
        "{} loads, {} compressed",
        number(loads),
        number(compressed)
    ))
}

async fn garbage(stage: &Stage<'_>) -> Outcome {
    let address = stage.server.address;
    let bytes = frame(FIN | TEXT, b"{");
    let sent = repeat(stage, 8, move || {
        let bytes = bytes.clone();
        async move {
            match Peer::open(address, attacker()).await {
                Ok(mut peer) => u64::from(peer.write(&bytes).await.is_ok()),
                Err(_) => 0,
            }
        }
    })
    .await;
    stage.alone().await?;
    Ok(format!(
        "{} sent, each over a connection of its own",
        number(sent)
    ))
}
