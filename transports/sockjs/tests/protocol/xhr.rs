//! Polling and streaming by XMLHttpRequest, over HTTP of either version.

use stellarfw_transport::OriginPolicy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    bed::{bed, bed_with, session, within},
    pages::assert_not_cached,
};

const SCRIPT: &str = "application/javascript; charset=UTF-8";

#[tokio::test]
async fn a_poll_brings_one_frame() {
    let mut bed = bed_with(|_| {}, |config| config.origins = OriginPolicy::Any).await;
    let session = session();
    let headers = [
        ("Origin", "http://a.com"),
        ("Access-Control-Request-Headers", "a, b, c"),
    ];
    let path = format!("{session}/xhr");
    let answer = bed.ask("POST", &path, &headers, "").await;
    assert_eq!((answer.status, answer.text()), (200, "o\n"));
    assert_eq!(answer.header("content-type"), Some(SCRIPT));
    assert_eq!(answer.header("content-length"), Some("2"));
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some("http://a.com")
    );
    assert_eq!(
        answer.header("access-control-allow-headers"),
        Some("a, b, c")
    );
    assert_not_cached(&answer);
    bed.opened().await;

    bed.send(&session, "[\"a\"]").await;
    assert_eq!(bed.poll(&session).await, "a[\"a\"]\n");
    // All that waits goes in one frame, in order.
    bed.send(&session, "[\"b\",\"c\"]").await;
    bed.send(&session, "[\"d\"]").await;
    assert_eq!(bed.poll(&session).await, "a[\"b\",\"c\",\"d\"]\n");
}

#[tokio::test]
async fn a_poll_waits_for_what_is_sent() {
    let mut bed = bed().await;
    let session = session();
    bed.open(&session, "").await;
    let mut waiting = bed.http().await;
    let target = format!("/primus{session}/xhr");
    waiting.send("POST", &target, &[], b"").await.unwrap();
    bed.send(&session, "[\"x\"]").await;
    let head = within(waiting.answer_head()).await.unwrap();
    assert_eq!(head.status, 200);
    let mut frame = Vec::new();
    while let Some(part) = within(waiting.part()).await.unwrap() {
        frame.extend(part);
    }
    assert_eq!(frame, b"a[\"x\"]\n");
}

#[tokio::test]
async fn a_stream_begins_with_its_prelude() {
    let bed = bed().await;
    let session = session();
    let mut stream = bed
        .stream("POST", &format!("{session}/xhr_streaming"))
        .await;
    assert_eq!(stream.head.status, 200);
    assert_eq!(stream.head.header("content-type"), Some(SCRIPT));
    assert_eq!(stream.head.header("x-accel-buffering"), Some("no"));
    assert_eq!(
        stream.head.header("x-content-type-options"),
        Some("nosniff")
    );
    assert_not_cached(&stream.head);
    let prelude = stream.to("\n").await;
    assert_eq!(prelude, format!("{}\n", "h".repeat(2_048)));
    assert_eq!(stream.to("\n").await, "o\n");
    bed.send(&session, "[\"x\"]").await;
    assert_eq!(stream.to("\n").await, "a[\"x\"]\n");
}

#[tokio::test]
async fn a_stream_ends_when_it_has_brought_enough() {
    let mut bed = bed_with(|config| config.response_limit = 4_096, |_| {}).await;
    let session = session();
    let path = format!("{session}/xhr_streaming");
    let mut stream = bed.stream("POST", &path).await;
    stream.to("o\n").await;
    bed.opened().await;
    let message = "x".repeat(128);
    let mut heard = 0;
    for _ in 0..30 {
        bed.send(&session, &format!("[\"{message}\"]")).await;
        heard += stream.to("\n").await.len();
    }
    // The first frame counts as well, the prelude does not.
    assert_eq!((heard, heard + 2 + 134 >= 4_096), (30 * 134, true));
    bed.send(&session, &format!("[\"{message}\"]")).await;
    assert_eq!(stream.rest().await, format!("a[\"{message}\"]\n"));

    // The next one goes on with the same session, over the same connection.
    let target = format!("/primus{path}");
    stream.http.send("POST", &target, &[], b"").await.unwrap();
    assert_eq!(within(stream.http.answer_head()).await.unwrap().status, 200);
    bed.send(&session, "[\"y\"]").await;
    let prelude = stream.to("\n").await;
    assert_eq!(prelude.len(), 2_049);
    assert_eq!(stream.to("\n").await, "a[\"y\"]\n");
}

/// A poll takes about as much as a stream, and leaves the rest for the next.
#[tokio::test]
async fn a_poll_is_bounded() {
    let mut bed = bed_with(|config| config.response_limit = 100, |_| {}).await;
    let session = session();
    bed.open(&session, "").await;
    let message = "x".repeat(60);
    for _ in 0..4 {
        bed.send(&session, &format!("[\"{message}\"]")).await;
    }
    for _ in 0..2 {
        let two = format!("a[\"{message}\",\"{message}\"]\n");
        assert_eq!(bed.poll(&session).await, two);
    }
}

/// One message can be longer than a response is to be: it goes whole.
#[tokio::test]
async fn a_long_message_is_not_cut() {
    let mut bed = bed_with(|config| config.response_limit = 100, |_| {}).await;
    let session = session();
    bed.open(&session, "").await;
    let message = "x".repeat(300_000);
    bed.send(&session, &format!("[\"{message}\"]")).await;
    assert_eq!(bed.poll(&session).await, format!("a[\"{message}\"]\n"));
    let path = format!("{session}/xhr_streaming");
    let mut stream = bed.stream("POST", &path).await;
    stream.to("\n").await;
    bed.send(&session, &format!("[\"{message}\"]")).await;
    assert_eq!(stream.rest().await, format!("a[\"{message}\"]\n"));
}

/// HTTP/1.0 knows no chunks: what goes on ends with the connection.
#[tokio::test]
async fn http_1_0_is_served() {
    let bed = bed().await;
    let ask = async |request: String| {
        let mut http = bed.http().await;
        http.stream.write_all(request.as_bytes()).await.unwrap();
        http.stream
    };
    let mut text = String::new();
    let mut greeting = ask("GET /primus HTTP/1.0\r\nHost: localhost\r\n\r\n".into()).await;
    within(greeting.read_to_string(&mut text)).await.unwrap();
    assert!(text.starts_with("HTTP/1.0 200 OK\r\n"), "{text}");
    assert!(text.contains("content-length: 19\r\n"), "{text}");
    assert!(text.ends_with("\r\n\r\nWelcome to SockJS!\n"), "{text}");

    let path = "/primus/000/http10/xhr_streaming?close";
    let mut stream = ask(format!(
        "POST {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    ))
    .await;
    text.clear();
    within(stream.read_to_string(&mut text)).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(!head.contains("transfer-encoding"), "{head}");
    assert!(!head.contains("content-length"), "{head}");
    let frames = body.strip_prefix(&"h".repeat(2_048)).unwrap();
    assert_eq!(frames, "\no\nc[3000,\"Go away!\"]\n");
}

/// Requests of a session may come over one connection, one after the other.
#[tokio::test]
async fn one_connection_can_carry_it_all() {
    let bed = bed().await;
    let mut http = bed.http().await;
    let session = session();
    for (way, body, brings) in [
        ("xhr", "", "o\n"),
        ("xhr_send", "[\"a\"]", ""),
        ("xhr", "", "a[\"a\"]\n"),
        ("xhr_send", "not JSON", "Broken JSON encoding."),
        ("xhr_send", "[\"b\"]", ""),
        ("xhr", "", "a[\"b\"]\n"),
    ] {
        let path = format!("/primus{session}/{way}");
        let asked = http.ask("POST", &path, &[], body.as_bytes());
        assert_eq!(within(asked).await.unwrap().text(), brings);
    }
}

/// As proxies do: the head comes in pieces, the body later.
#[tokio::test]
async fn slow_requests_are_waited_for() {
    let mut bed = bed().await;
    let session = session();
    bed.open(&session, "").await;
    let mut http = bed.http().await;
    let request = format!(
        "POST /primus{session}/xhr_send HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n[\"x\"]"
    );
    for byte in request.as_bytes() {
        http.stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(within(http.answer_head()).await.unwrap().status, 204);
    assert_eq!(bed.message().await, "x");
}
