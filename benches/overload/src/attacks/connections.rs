//! Attacks with too many, half-open and lost connections.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use super::{Attack, Outcome, PATIENCE, Stage, ensure, number};
use crate::{
    others::COUNT,
    peer::{Local, Peer, Refused, request},
    process::usage,
};

pub(super) fn all() -> Vec<Attack> {
    vec![
        Attack {
            name: "flood",
            what: "5,000 connections from 250 addresses, as fast as can be",
            bound: "`server.maxConnections`, here 2,000",
            settings: &[("STELLAR_SERVER__MAX_CONNECTIONS", "2000")],
            descriptors: None,
            run: |stage| Box::pin(flood(stage)),
        },
        Attack {
            name: "flood-address",
            what: "2,000 connections from one address",
            bound: "`server.maxConnectionsPerAddress`, here 100",
            settings: &[("STELLAR_SERVER__MAX_CONNECTIONS_PER_ADDRESS", "100")],
            descriptors: None,
            run: |stage| Box::pin(flood_address(stage)),
        },
        Attack {
            name: "flood-http",
            what: "2,000 sockets from one address that say nothing",
            bound: "`http.maxConnectionsPerAddress`, here 200, `http.spareConnections`, and `http.headerTimeout`, here 3 s",
            settings: &[
                ("STELLAR_HTTP__MAX_CONNECTIONS_PER_ADDRESS", "200"),
                ("STELLAR_HTTP__HEADER_TIMEOUT", "3000"),
            ],
            descriptors: None,
            run: |stage| Box::pin(flood_http(stage)),
        },
        Attack {
            name: "slowloris",
            what: "1,000 request heads, a byte at a time; half of them stop before the last line",
            bound: "`http.headerTimeout`, here 3 s",
            settings: &[("STELLAR_HTTP__HEADER_TIMEOUT", "3000")],
            descriptors: None,
            run: |stage| Box::pin(slowloris(stage)),
        },
        Attack {
            name: "gone",
            what: "500 connections that are silent from one moment on, without a FIN",
            bound: "`server.pingInterval`, here 1 s",
            settings: &[
                ("STELLAR_SERVER__PING_INTERVAL", "1000"),
                ("STELLAR_SERVER__CLOSE_TIMEOUT", "1000"),
            ],
            descriptors: None,
            run: |stage| Box::pin(gone(stage)),
        },
        Attack {
            name: "descriptors",
            what: "500 connections to a process that may have 256 descriptors",
            bound: "the system's; accepting pauses for 1 s",
            settings: &[],
            descriptors: Some(256),
            run: |stage| Box::pin(descriptors(stage)),
        },
    ]
}

async fn flood(stage: &Stage<'_>) -> Outcome {
    let address = stage.server.address;
    let mut tasks = JoinSet::new();
    for lane in 0..250_u8 {
        tasks.spawn(async move {
            let from = Local::address(Ipv4Addr::new(127, 0, 1, lane + 1));
            let mut kept = Vec::new();
            let mut refused = BTreeMap::new();
            for _ in 0..20 {
                match Peer::open(address, from).await {
                    Ok(peer) => kept.push(peer),
                    Err(Refused::Status(status)) => *refused.entry(status).or_insert(0_u64) += 1,
                    Err(Refused::Io(_)) => *refused.entry(0).or_insert(0) += 1,
                }
            }
            (kept, refused)
        });
    }
    let mut kept = Vec::new();
    let mut refused = BTreeMap::new();
    while let Some(done) = tasks.join_next().await {
        let (peers, statuses) = done?;
        kept.extend(peers);
        for (status, count) in statuses {
            *refused.entry(status).or_insert(0) += count;
        }
    }
    let most = 2_000 - COUNT as usize;
    // Pending handshakes count, so a few slots may be free at the end.
    ensure(kept.len() <= most && kept.len() > most / 2, || {
        format!("{} came in", kept.len())
    })?;
    let full = refused.get(&503).copied().unwrap_or_default();
    ensure(kept.len() as u64 + full == 5_000, || {
        format!("not all others got 503: {refused:?}")
    })?;
    let let_in = kept.len() as u64;
    drop(kept);
    stage.alone().await?;
    Ok(format!(
        "{} came in, {} got 503",
        number(let_in),
        number(full)
    ))
}

async fn flood_address(stage: &Stage<'_>) -> Outcome {
    let from = Local::address(Ipv4Addr::new(127, 0, 0, 9));
    let mut kept = Vec::new();
    let mut refused = 0;
    for _ in 0..2_000 {
        match Peer::open(stage.server.address, from).await {
            Ok(peer) => kept.push(peer),
            Err(Refused::Status(429)) => refused += 1,
            Err(other) => return Err(format!("refused {other}").into()),
        }
    }
    ensure(kept.len() == 100, || format!("{} came in", kept.len()))?;
    // Connections from other addresses are accepted meanwhile.
    stage
        .open(Local::address(Ipv4Addr::new(127, 0, 0, 10)))
        .await?;
    drop(kept);
    stage.alone().await?;
    Ok(format!("100 came in, {} got 429", number(refused)))
}

/// Waits until the server closes a socket. Returns `false` on a timeout.
async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut sink = [0; 512];
    let end = async {
        loop {
            match stream.read(&mut sink).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, end).await.is_ok()
}

async fn flood_http(stage: &Stage<'_>) -> Outcome {
    let from = Local::address(Ipv4Addr::new(127, 0, 0, 9));
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..2_000 {
        let mut stream = from.connect(stage.server.address).await?;
        tasks.spawn(async move {
            let closed = is_closed(&mut stream).await;
            (closed, begun.elapsed())
        });
    }
    let connected = begun.elapsed();
    let (mut at_once, mut late) = (0_u64, 0_u64);
    while let Some(done) = tasks.join_next().await {
        let (closed, when) = done?;
        ensure(closed, || "a socket stayed open".into())?;
        if when < connected.max(Duration::from_secs(3)) {
            at_once += 1;
        } else {
            late += 1;
        }
    }
    // The limit per address, and the connections reserved for health checks.
    ensure(late <= 200 + 256, || format!("{late} were kept"))?;
    Ok(format!(
        "{} closed at once, {} after the timeout",
        number(at_once),
        number(late)
    ))
}

async fn slowloris(stage: &Stage<'_>) -> Outcome {
    let address = stage.server.address;
    let mut tasks = JoinSet::new();
    for n in 0..1_000 {
        tasks.spawn(async move {
            let mut stream = Local::default().connect(address).await?;
            let head = request(false);
            let begun = Instant::now();
            if n % 2 == 0 {
                // All lines but the last, in one write.
                stream.write_all(&head.as_bytes()[..head.len() - 2]).await?;
                return Ok::<_, std::io::Error>((is_closed(&mut stream).await, begun.elapsed()));
            }
            let (mut read, mut write) = stream.into_split();
            let drip = async {
                for byte in head.bytes().cycle() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    if write.write_all(&[byte]).await.is_err() {
                        break;
                    }
                }
            };
            let mut sink = [0; 512];
            let end = async { while let Ok(1..) = read.read(&mut sink).await {} };
            tokio::select! {
                () = drip => {}
                () = end => {}
                () = tokio::time::sleep(PATIENCE) => return Ok((false, begun.elapsed())),
            }
            Ok((true, begun.elapsed()))
        });
    }
    let mut longest = Duration::ZERO;
    while let Some(done) = tasks.join_next().await {
        let (closed, after) = done??;
        ensure(closed, || "a socket stayed open".into())?;
        longest = longest.max(after);
    }
    Ok(format!(
        "all closed, the last after {:.1} s",
        longest.as_secs_f64()
    ))
}

async fn gone(stage: &Stage<'_>) -> Outcome {
    let silent = stage.open_many(500, Local::default()).await?;
    let begun = Instant::now();
    stage.alone().await?;
    let took = begun.elapsed();
    let ended = stage.closed("heartbeat_timeout").await?;
    ensure(ended >= 500, || format!("{ended} were found out"))?;
    drop(silent);
    Ok(format!(
        "500 ended with 1001, the last after {:.1} s",
        took.as_secs_f64()
    ))
}

async fn descriptors(stage: &Stage<'_>) -> Outcome {
    let before = usage(stage.server.id());
    let begun = Instant::now();
    let mut sockets = Vec::new();
    for _ in 0..500 {
        // The kernel accepts them until its backlog is full.
        sockets.push(Local::default().connect(stage.server.address).await?);
    }
    let shut_out = async {
        tokio::time::sleep(stage.seconds()).await;
        usage(stage.server.id())
    };
    let after = shut_out.await;
    let busy = (after.cpu - before.cpu) / begun.elapsed().as_secs_f64() * 100.0;
    drop(sockets);
    let freed = Instant::now();
    let open = tokio::time::timeout(PATIENCE, stage.open(Local::default())).await;
    let mut peer = open.map_err(|_| "nobody is let in any more")??;
    let took = freed.elapsed();
    peer.say(&serde_json::json!({ "event": "detailsView" }))
        .await?;
    peer.response(1).await?;
    // The server must wait instead of retrying in a loop.
    ensure(busy < 50.0, || format!("it was {busy:.0}% of a core busy"))?;
    Ok(format!(
        "those inside were served ({busy:.0}% of a core), newcomers again {:.1} s after it was over",
        took.as_secs_f64()
    ))
}
