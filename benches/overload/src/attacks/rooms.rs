//! Attacks on rooms: too many rooms, too many messages, and members that do not read.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinSet,
};

use super::{Attack, Outcome, Stage, ensure, number};
use crate::{
    Fault,
    peer::{FIN, Local, Peer, TEXT, frame},
};

pub(super) fn all() -> Vec<Attack> {
    vec![
        Attack {
            name: "rooms",
            what: "one connection joins 10,000 rooms",
            bound: "`maxRooms`, 1,000",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(rooms(stage)),
        },
        Attack {
            name: "slow-readers",
            what: "100 members of a room read nothing, while 4 KiB come 100 times a second",
            bound: "`server.outbox`, here 1 MiB",
            settings: &[
                ("STELLAR_SERVER__OUTBOX__BYTES", "1048576"),
                ("STELLAR_SERVER__CLOSE_TIMEOUT", "60000"),
            ],
            descriptors: None,
            run: |stage| Box::pin(slow_readers(stage)),
        },
        Attack {
            name: "publications",
            what: "for a minute 8 connections publish to 1,000 members as fast as the server takes it",
            bound: "`server.outbox`, here 1 MiB",
            settings: &[
                ("STELLAR_SERVER__OUTBOX__BYTES", "1048576"),
                ("STELLAR_PUBLISH_RATE__CONNECTION__PER_SECOND", "0"),
                ("STELLAR_PUBLISH_RATE__CLIENT__PER_SECOND", "0"),
                ("STELLAR_PUBLISH_RATE__ROOM__PER_SECOND", "0"),
                // Members only read.
                ("STELLAR_SERVER__PING_INTERVAL", "0"),
            ],
            descriptors: None,
            run: |stage| Box::pin(publications(stage)),
        },
    ]
}

/// The rooms of attacks that need many.
pub(crate) fn many_rooms() -> String {
    let names: Vec<_> = (0..10_000).map(|n| format!("r{n}")).collect();
    json!(names).to_string()
}

pub(super) async fn join(peer: &mut Peer, room: &str) -> Result<(), Fault> {
    peer.say(&json!({ "event": "roomAdd", "room": room }))
        .await?;
    let response = peer.response(1).await?;
    ensure(response["data"] == true, || {
        format!("no member: {response}")
    })
}

async fn rooms(stage: &Stage<'_>) -> Outcome {
    let mut peer = stage.open(Local::default()).await?;
    let (mut joined, mut refused) = (0, 0);
    for n in 0..10_000_u64 {
        peer.say(&json!({ "event": "roomAdd", "room": format!("r{n}") }))
            .await?;
        let response = peer.response(n + 1).await?;
        match response["error"]["code"].as_str() {
            None if response["data"] == true => joined += 1,
            Some("023") => refused += 1,
            _ => return Err(format!("another answer: {response}").into()),
        }
    }
    ensure(joined == 1_000, || format!("{joined} were joined"))?;
    drop(peer);
    stage.alone().await?;
    Ok(format!("1,000 joined, {} got 023", number(refused)))
}

/// Members that read every message. Dropping the value disconnects them.
async fn members(stage: &Stage<'_>, count: usize) -> Result<JoinSet<()>, Fault> {
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let mut peer = stage.open(Local::default()).await?;
        join(&mut peer, "crowd").await?;
        tasks.spawn(async move {
            let mut read = vec![0; 16 << 10];
            while let Ok(1..) = peer.stream.read(&mut read).await {}
        });
    }
    Ok(tasks)
}

/// Encodes a message to the crowd.
pub(super) fn said(message: &str) -> Vec<u8> {
    let message = json!({ "event": "say", "room": "crowd", "message": message });
    frame(FIN | TEXT, message.to_string().as_bytes())
}

/// Publishes at a fixed rate and reads the responses until dropped.
async fn publish(mut peer: Peer, len: usize, every: Duration) -> Result<(), Fault> {
    join(&mut peer, "crowd").await?;
    let (mut read, mut write) = peer.stream.into_split();
    let reading = async {
        let mut sink = vec![0; 64 << 10];
        while let Ok(1..) = read.read(&mut sink).await {}
    };
    let sending = async {
        let mut ticks = tokio::time::interval(every);
        let message = said(&"x".repeat(len));
        while write.write_all(&message).await.is_ok() {
            ticks.tick().await;
        }
    };
    tokio::select! {
        () = reading => {}
        () = sending => {}
    }
    Err("the publisher was ended".into())
}

async fn slow_readers(stage: &Stage<'_>) -> Outcome {
    let from = Local {
        receive_buffer: Some(4_096),
        segment: Some(1_460),
        ..Local::default()
    };
    let mut slow = stage.open_many(100, from).await?;
    for peer in &mut slow {
        join(peer, "crowd").await?;
    }
    let begun = Instant::now();
    let publishing = publish(
        stage.open(Local::default()).await?,
        4_096,
        Duration::from_millis(10),
    );
    let ended = stage.until("them to be found out", |counts| {
        counts["slow"].as_u64() >= Some(100)
    });
    tokio::select! {
        result = publishing => result?,
        result = ended => result?,
    }
    let took = begun.elapsed().as_secs_f64();
    let mut closed = 0;
    for peer in &mut slow {
        closed += u32::from(peer.close_code(Duration::from_secs(10)).await == Some(1013));
    }
    ensure(closed == 100, || format!("{closed} were closed with 1013"))?;
    drop(slow);
    stage.alone().await?;
    let closed = stage.closed("slow_consumer").await?;
    ensure(closed == 100, || format!("{closed} were ended"))?;
    Ok(format!("100 ended with 1013 within {took:.0} s"))
}

async fn publications(stage: &Stage<'_>) -> Outcome {
    let mut members = members(stage, 1_000).await?;
    let before = stage.server.counts().await?;
    let end = tokio::time::Instant::now() + Duration::from_secs(stage.options.minute);
    let begun = Instant::now();
    let mut publishers = JoinSet::new();
    for mut peer in stage.open_many(8, Local::default()).await? {
        join(&mut peer, "crowd").await?;
        publishers.spawn(async move {
            let (mut read, mut write) = peer.stream.into_split();
            let reading = async {
                let mut sink = vec![0; 64 << 10];
                while let Ok(1..) = read.read(&mut sink).await {}
            };
            let chunk = said(&"x".repeat(64)).repeat(20);
            let sending = async { while write.write_all(&chunk).await.is_ok() {} };
            tokio::select! {
                () = reading => {}
                () = sending => {}
                () = tokio::time::sleep_until(end) => {}
            }
        });
    }
    while publishers.join_next().await.is_some() {}
    let took = begun.elapsed().as_secs_f64();
    let after = stage.server.counts().await?;
    let count = |key: &str| {
        let at = |counts: &serde_json::Value| counts[key].as_u64().unwrap_or_default();
        at(&after) - at(&before)
    };
    let slow = after["closed"]["slow_consumer"]
        .as_u64()
        .unwrap_or_default();
    members.abort_all();
    while members.join_next().await.is_some() {}
    stage.alone().await?;
    Ok(format!(
        "{} deliveries a second, {} ended with 1013",
        number((count("sent") as f64 / took) as u64),
        number(slow)
    ))
}
