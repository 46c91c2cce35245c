//! What the library answers is read, or nothing more is taken: it may be as long as what is asked.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use std::{net::SocketAddr, time::Duration};

use stellarfw_socketio::SocketIoConfig;
use stellarfw_transport::{CloseReason, Spark};

use support::{
    bed::{Bed, bed, bed_with, default, next, say},
    http::Http,
    line::{Line, Side, Way},
    socket::{FIN, TEXT, masked},
};

/// So long a name the client asks for,
const LONG: usize = 1 << 20;
/// and so often: more than sockets keep.
const OFTEN: usize = 64;

fn ask(long: usize) -> String {
    format!("40/{},", "x".repeat(long))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_what_it_asked_for_is_not_read() {
    let mut bed = bed(default).await;
    let (mut line, spark) = bed.connect(Way::WebSocket).await;
    let Side::Socket(socket) = &mut line.side else {
        panic!("no WebSocket");
    };
    let frame = masked(FIN | TEXT, ask(LONG).as_bytes());
    let mut sent = 0;
    let mut rest = &frame[..];
    // Until the server takes no more for a while.
    while sent < OFTEN {
        let write = tokio::io::AsyncWriteExt::write(&mut socket.0.stream, rest);
        match tokio::time::timeout(Duration::from_secs(1), write).await {
            Ok(written) => rest = &rest[written.unwrap()..],
            Err(_) => break,
        }
        if rest.is_empty() {
            (sent, rest) = (sent + 1, &frame);
        }
    }
    assert!(sent < OFTEN / 2, "{sent} are taken");
    // Once it reads all goes on.
    let (mut reading, mut writing) = tokio::io::split(&mut socket.0.stream);
    let discard = async {
        let mut buffer = vec![0; 1 << 16];
        let mut left = (sent + 1) * LONG;
        while left > 0 {
            let read = tokio::io::AsyncReadExt::read(&mut reading, &mut buffer);
            let read = read.await.unwrap();
            assert!(read > 0);
            left = left.saturating_sub(read);
        }
    };
    let (written, ()) = tokio::join!(
        tokio::io::AsyncWriteExt::write_all(&mut writing, rest),
        discard
    );
    written.unwrap();
    assert!(spark.is_open());
}

/// A client that polls, and where it does.
async fn polling(bed: &mut Bed) -> (Line, Spark, String) {
    let (line, spark) = bed.connect(Way::Polling).await;
    let url = format!("{}&transport=polling", line.target);
    (line, spark, url)
}

#[tokio::test]
async fn who_does_not_poll_for_what_it_asked_for_is_not_heard() {
    let mut bed = bed_with(SocketIoConfig::default(), |c| c.max_length = LONG / 16).await;
    let (mut line, spark, url) = polling(&mut bed).await;
    let mut sent = 0;
    // Until one is not answered for a while.
    let late = loop {
        assert!(sent < OFTEN / 2, "{sent} are taken");
        let mut post = Box::pin(ask_over(bed.site.address(), url.clone()));
        match tokio::time::timeout(Duration::from_secs(1), &mut post).await {
            Ok(status) => assert_eq!(status, 200),
            Err(_) => break post,
        }
        sent += 1;
    };
    // Once it polls all goes on.
    let hear = async {
        for _ in 0..=sent {
            assert!(next(&mut line).await.unwrap().starts_with("44/x"));
        }
    };
    let (status, ()) = tokio::join!(late, hear);
    assert_eq!(status, 200);
    assert!(spark.is_open());
}

#[tokio::test]
async fn who_never_polls_for_it_is_ended() {
    let mut config = SocketIoConfig::default();
    config.post_timeout = 500;
    let mut bed = bed_with(config, |c| c.max_length = LONG / 16).await;
    let (_line, _spark, url) = polling(&mut bed).await;
    let mut other = bed.line(Way::Polling).await;
    let mut sent = 0;
    let refused = loop {
        match ask_over(bed.site.address(), url.clone()).await {
            200 => sent += 1,
            refused => break refused,
        }
        assert!(sent < OFTEN / 2, "{sent} are taken");
    };
    assert_eq!(refused, 400);
    assert_eq!(bed.closed().await, CloseReason::SlowConsumer);
    // Nobody else is concerned.
    say(&mut other, "40").await;
    assert!(next(&mut other).await.unwrap().starts_with("40{"));
}

/// Asks by a POST; its status.
async fn ask_over(server: SocketAddr, url: String) -> u16 {
    let mut http = Http::connect(server).await.unwrap();
    let answer = http.ask("POST", &url, &[], ask(LONG / 16).as_bytes()).await;
    answer.unwrap().status
}
