//! Attacks with stalled request bodies, unread responses, and requests that need much memory.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use super::{Attack, Outcome, PATIENCE, Stage, ensure, number};
use crate::peer::{FIN, Local, TEXT, frame};

pub(super) fn all() -> Vec<Attack> {
    vec![
        Attack {
            name: "big-params",
            what: "6 calls of an action with declared inputs, each of 10 MiB of small items",
            bound: "`server.memoryBudget`",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(big_params(stage)),
        },
        Attack {
            name: "file-requests",
            what: "100 requests for a file of 8 MiB from 20 connections that read nothing",
            bound: "`server.memoryBudget`, `server.outbox`",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(file_requests(stage)),
        },
        Attack {
            name: "posts-without-body",
            what: "16,384 POSTs from 8 addresses whose bodies do not come",
            bound: "`http.bodyTimeout`",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(posts_without_body(stage)),
        },
        Attack {
            name: "unread-answers",
            what: "400 requests for a file of 8 MiB whose answers are not read",
            bound: "`http.answerTimeout`",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(unread_answers(stage)),
        },
        Attack {
            name: "http2-stalled",
            what: "50 connections of HTTP/2, each with 50 bodies that do not come and 50 answers that are not read",
            bound: "`http.bodyTimeout`, `http.answerTimeout`",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(http2_stalled(stage)),
        },
        Attack {
            name: "sleeping-posts",
            what: "12 POSTs of 1 MiB of small items to an action that takes 5 s",
            bound: "`server.memoryBudget`, `maxBody`",
            settings: &[],
            descriptors: None,
            run: |stage| Box::pin(sleeping_posts(stage)),
        },
    ]
}

/// Number of items in a list of 10 MiB.
const ITEMS: usize = 5_000_000;

async fn big_params(stage: &Stage<'_>) -> Outcome {
    let items = "0,".repeat(ITEMS);
    let message = format!(
        "{{\"event\":\"action\",\"params\":{{\"action\":\"judged\",\"list\":[{items}0]}}}}"
    );
    let message = frame(FIN | TEXT, message.as_bytes());
    let mut tasks = JoinSet::new();
    for _ in 0..6 {
        let mut peer = stage.open(Local::default()).await?;
        let message = message.clone();
        tasks.spawn(async move {
            peer.write(&message).await?;
            peer.response(1).await
        });
    }
    let (mut answered, mut refused) = (0_u64, 0_u64);
    while let Some(done) = tasks.join_next().await {
        match &done??["error"] {
            serde_json::Value::Null => answered += 1,
            error => {
                ensure(error["code"] == "007", || format!("an answer was {error}"))?;
                refused += 1;
            }
        }
    }
    Ok(format!("{answered} answered, {refused} got 007"))
}

async fn file_requests(stage: &Stage<'_>) -> Outcome {
    let ask = json!({ "event": "file", "file": "big.bin" }).to_string();
    let ask = frame(FIN | TEXT, ask.as_bytes());
    let mut peers = Vec::new();
    for _ in 0..20 {
        let mut peer = stage.open(Local::default()).await?;
        peer.write(&ask.repeat(5)).await?;
        peers.push(peer);
    }
    tokio::time::sleep(stage.seconds()).await;
    drop(peers);
    stage.alone().await?;
    Ok("their connections ended".into())
}

/// Encodes the head of a POST.
const POST: &[u8] = b"POST /api/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\
    Content-Type: application/json\r\n\r\n";

async fn posts_without_body(stage: &Stage<'_>) -> Outcome {
    let address = stage.server.address;
    let mut lanes = JoinSet::new();
    for lane in 1..=8 {
        lanes.spawn(async move {
            let from = Local::address(Ipv4Addr::new(127, 0, 3, lane));
            let mut streams = Vec::new();
            for _ in 0..2_048 {
                let mut stream = from.connect(address).await?;
                stream.write_all(POST).await.ok();
                streams.push(stream);
            }
            let (mut late, mut full) = (0_u64, 0_u64);
            for mut stream in streams {
                match answer(&mut stream).await {
                    408 => late += 1,
                    503 | 0 => full += 1,
                    status => return Err(std::io::Error::other(format!("got {status}"))),
                }
            }
            Ok::<_, std::io::Error>((late, full))
        });
    }
    let begun = Instant::now();
    let (mut late, mut full) = (0, 0);
    while let Some(done) = lanes.join_next().await {
        let (lane_late, lane_full) = done??;
        late += lane_late;
        full += lane_full;
    }
    ensure(late > 0, || "nobody got 408".into())?;
    Ok(format!(
        "{} got 408, {} found no place; the last after {:.0} s",
        number(late),
        number(full),
        begun.elapsed().as_secs_f64()
    ))
}

/// Returns the status of the response, or 0 without a response.
async fn answer(stream: &mut TcpStream) -> u16 {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    drop(read);
    let text = String::from_utf8_lossy(&bytes);
    let status = text.split(' ').nth(1);
    status
        .and_then(|status| status.parse().ok())
        .unwrap_or_default()
}

async fn unread_answers(stage: &Stage<'_>) -> Outcome {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..400_u16 {
        let from = Local {
            address: Some(Ipv4Addr::new(127, 0, 4, (number % 20) as u8 + 1)),
            receive_buffer: Some(64 << 10),
            ..Local::default()
        };
        let mut stream = from.connect(stage.server.address).await?;
        stream
            .write_all(b"GET /big.bin HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            .await?;
        tasks.spawn(async move {
            // The close is detected without reading.
            while begun.elapsed() < PATIENCE * 2 && stream.write_all(b"\r\n").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            begun.elapsed()
        });
    }
    let mut last = Duration::ZERO;
    while let Some(after) = tasks.join_next().await {
        last = last.max(after?);
    }
    ensure(last < PATIENCE * 2, || "an answer stayed".into())?;
    Ok(format!(
        "all connections closed, the last after {:.0} s",
        last.as_secs_f64()
    ))
}

async fn http2_stalled(stage: &Stage<'_>) -> Outcome {
    let mut connections = JoinSet::new();
    for _ in 0..50 {
        let client = stage.http2().await?;
        connections.spawn(async move {
            let uri = |path: &str| format!("https://localhost{path}");
            let mut answers = Vec::new();
            let mut bodies = Vec::new();
            for number in 0..100 {
                let request = match number % 2 {
                    0 => http::Request::post(uri("/api/echo"))
                        .header("content-type", "application/json"),
                    _ => http::Request::get(uri("/big.bin")),
                };
                let mut ready = client.clone().ready().await?;
                let (answer, body) = ready.send_request(request.body(())?, number % 2 == 1)?;
                answers.push(answer);
                bodies.push(body);
            }
            let (mut late, mut reset) = (0_u64, 0_u64);
            for answer in answers {
                let Ok(answer) = answer.await else {
                    reset += 1;
                    continue;
                };
                if answer.status() == 408 {
                    late += 1;
                    continue;
                }
                let mut body = answer.into_body();
                while let Some(Ok(_)) = body.data().await {}
                reset += 1;
            }
            Ok::<_, crate::Fault>((late, reset))
        });
    }
    let begun = Instant::now();
    let (mut late, mut reset) = (0, 0);
    while let Some(done) = tokio::time::timeout(PATIENCE * 2, connections.join_next())
        .await
        .map_err(|_| "a stream stayed")?
    {
        let (of_one, of_other) = done??;
        late += of_one;
        reset += of_other;
    }
    Ok(format!(
        "{} got 408, {} were reset; the last after {:.0} s",
        number(late),
        number(reset),
        begun.elapsed().as_secs_f64()
    ))
}

async fn sleeping_posts(stage: &Stage<'_>) -> Outcome {
    let body = format!("{{\"list\":[{}0]}}", "0,".repeat(524_000));
    let head = format!(
        "POST /api/sleep HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\
         Content-Type: application/json\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let mut tasks = JoinSet::new();
    for _ in 0..12 {
        let mut stream = Local::default().connect(stage.server.address).await?;
        let request = [head.as_bytes(), body.as_bytes()].concat();
        tasks.spawn(async move {
            stream.write_all(&request).await?;
            Ok::<_, std::io::Error>(answer(&mut stream).await)
        });
    }
    let (mut answered, mut refused) = (0, 0);
    while let Some(done) = tasks.join_next().await {
        match done?? {
            200 => answered += 1,
            503 => refused += 1,
            status => return Err(format!("a POST got {status}").into()),
        }
    }
    Ok(format!("{answered} answered, {refused} got 503"))
}

impl Stage<'_> {
    /// An HTTP/2 client that does not release flow-control windows.
    async fn http2(&self) -> Result<h2::client::SendRequest<bytes::Bytes>, crate::Fault> {
        let counts = self.server.counts().await?;
        let port = counts["tls"]["port"].as_u64().ok_or("no TLS")?;
        let certificate: Vec<u8> = serde_json::from_value(counts["tls"]["certificate"].clone())?;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate.into())?;
        let mut config = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let mut address = self.server.address;
        address.set_port(u16::try_from(port)?);
        let stream = Local::default().connect(address).await?;
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
        let stream = connector.connect("localhost".try_into()?, stream).await?;
        let (client, connection) = h2::client::handshake(stream).await?;
        tokio::spawn(async move {
            connection.await.ok();
        });
        Ok(client)
    }
}
