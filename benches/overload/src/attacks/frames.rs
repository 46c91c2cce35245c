//! Attacks with malformed or excessive frames.

use std::io::Write as _;

use flate2::Compression;
use serde_json::json;
use tokio::task::JoinSet;

use super::{Attack, Outcome, PATIENCE, Stage, ensure, number};
use crate::peer::{BINARY, CONTINUATION, FIN, Local, RSV1, TEXT, frame, head};

pub(super) fn all() -> Vec<Attack> {
    vec![
        Attack {
            name: "one-byte-writes",
            what: "50 connections send each message a byte at a time",
            bound: "`server.maxLength`",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(one_byte_writes(stage)),
        },
        Attack {
            name: "fragments",
            what: "10 connections send messages in 65,536 fragments of a byte",
            bound: "`server.maxLength`",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(fragments(stage)),
        },
        Attack {
            name: "bomb",
            what: "10 compressed messages of 10 MiB that would inflate to 1 GiB",
            bound: "`server.maxLength`",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(bomb(stage)),
        },
        Attack {
            name: "announced",
            what: "200 frames that announce 1 GiB, and 200 that announce the longest and stop",
            bound: "`server.maxLength`, and `server.pingInterval`, here 2 s",
            settings: &[
                ("STELLAR_SERVER__PING_INTERVAL", "2000"),
                ("STELLAR_SERVER__CLOSE_TIMEOUT", "1000"),
            ],
            descriptors: None,
            run: |stage| Box::pin(announced(stage)),
        },
    ]
}

async fn one_byte_writes(stage: &Stage<'_>) -> Outcome {
    let end = tokio::time::Instant::now() + stage.seconds();
    let mut tasks = JoinSet::new();
    for mut peer in stage.open_many(50, Local::default()).await? {
        tasks.spawn(async move {
            let mut count = 0;
            let request = json!({ "event": "action", "params": { "action": "echo", "n": 1 } });
            let bytes = frame(FIN | TEXT, request.to_string().as_bytes());
            while tokio::time::Instant::now() < end {
                for byte in &bytes {
                    peer.write(&[*byte]).await?;
                    tokio::task::yield_now().await;
                }
                count += 1;
                peer.response(count).await?;
            }
            Ok::<_, std::io::Error>(count)
        });
    }
    let mut answered = 0;
    while let Some(done) = tasks.join_next().await {
        answered += done??;
    }
    Ok(format!("all {} messages answered", number(answered)))
}

/// Calls an action in 65,536 frames of one byte.
fn fragmented() -> Vec<u8> {
    const COUNT: usize = 65_536;
    let request = |pad: usize| {
        let pad = "x".repeat(pad);
        let request =
            json!({ "event": "action", "params": { "action": "echo", "n": 1, "pad": pad } });
        request.to_string()
    };
    let text = request(COUNT - request(0).len());
    let mut out = Vec::with_capacity(7 * COUNT);
    for (at, byte) in text.bytes().enumerate() {
        let opcode = if at == 0 { TEXT } else { CONTINUATION };
        let end = if at + 1 == COUNT { FIN } else { 0 };
        out.extend(frame(end | opcode, &[byte]));
    }
    out
}

async fn fragments(stage: &Stage<'_>) -> Outcome {
    let end = tokio::time::Instant::now() + stage.seconds();
    let mut tasks = JoinSet::new();
    for mut peer in stage.open_many(10, Local::default()).await? {
        let bytes = fragmented();
        tasks.spawn(async move {
            let mut count = 0;
            while tokio::time::Instant::now() < end {
                peer.write(&bytes).await?;
                count += 1;
                peer.response(count).await?;
            }
            Ok::<_, std::io::Error>(count)
        });
    }
    let mut answered = 0;
    while let Some(done) = tasks.join_next().await {
        answered += done??;
    }
    ensure(answered > 0, || "none was answered".into())?;
    Ok(format!("all {} messages answered", number(answered)))
}

/// Returns 1 GiB of zeros, compressed.
fn deflated() -> Result<Vec<u8>, std::io::Error> {
    let mut out = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![0; 1 << 20];
    for _ in 0..1_024 {
        out.write_all(&zeros)?;
    }
    out.finish()
}

async fn bomb(stage: &Stage<'_>) -> Outcome {
    let bomb = deflated()?;
    let mut tasks = JoinSet::new();
    let size = bomb.len();
    for _ in 0..10 {
        let from = Local {
            deflate: true,
            ..Local::default()
        };
        let mut peer = stage.open(from).await?;
        let bytes = frame(FIN | RSV1 | BINARY, &bomb);
        tasks.spawn(async move {
            // The server may close before it reads everything.
            peer.write(&bytes).await.ok();
            peer.close_code(PATIENCE).await
        });
    }
    while let Some(code) = tasks.join_next().await {
        let code = code?;
        ensure(code == Some(1009), || format!("ended with {code:?}"))?;
    }
    stage.alone().await?;
    Ok(format!("10 of {size} bytes ended with 1009"))
}

async fn announced(stage: &Stage<'_>) -> Outcome {
    let mut lies = stage.open_many(200, Local::default()).await?;
    let mut stopped = stage.open_many(200, Local::default()).await?;
    for peer in &mut stopped {
        peer.write(&head(FIN | TEXT, 10_485_760)).await?;
        peer.write(b"x").await?;
    }
    for peer in &mut lies {
        peer.write(&head(FIN | BINARY, 1 << 30)).await?;
    }
    for peer in &mut lies {
        let code = peer.close_code(PATIENCE).await;
        ensure(code == Some(1009), || format!("ended with {code:?}"))?;
    }
    drop(lies);
    stage.alone().await?;
    let silent = stage.closed("heartbeat_timeout").await?;
    ensure(silent >= 200, || format!("{silent} were found out"))?;
    Ok("200 ended with 1009 at once, 200 with 1001".into())
}
