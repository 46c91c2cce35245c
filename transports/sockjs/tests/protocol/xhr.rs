//! Polling and streaming with XMLHttpRequest, over HTTP/1.1 and HTTP/1.0.

use stellarfw_transport::OriginPolicy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    fixture::{fixture, fixture_with, session, within},
    pages::assert_not_cached,
};

const SCRIPT: &str = "application/javascript; charset=UTF-8";

#[tokio::test]
async fn a_poll_returns_one_frame() {
    let mut fixture = fixture_with(|_| {}, |config| config.origins = OriginPolicy::Any).await;
    let session = session();
    let headers = [
        ("Origin", "http://a.com"),
        ("Access-Control-Request-Headers", "a, b, c"),
    ];
    let path = format!("{session}/xhr");
    let response = fixture.request("POST", &path, &headers, "").await;
    assert_eq!((response.status, response.text()), (200, "o\n"));
    assert_eq!(response.header("content-type"), Some(SCRIPT));
    assert_eq!(response.header("content-length"), Some("2"));
    assert_eq!(
        response.header("access-control-allow-origin"),
        Some("http://a.com")
    );
    assert_eq!(
        response.header("access-control-allow-headers"),
        Some("a, b, c")
    );
    assert_not_cached(&response);
    fixture.opened().await;

    fixture.send(&session, "[\"a\"]").await;
    assert_eq!(fixture.poll(&session).await, "a[\"a\"]\n");
    // Queued messages share one frame, in order.
    fixture.send(&session, "[\"b\",\"c\"]").await;
    fixture.send(&session, "[\"d\"]").await;
    assert_eq!(fixture.poll(&session).await, "a[\"b\",\"c\",\"d\"]\n");
}

#[tokio::test]
async fn a_poll_waits_for_a_message() {
    let mut fixture = fixture().await;
    let session = session();
    fixture.open(&session, "").await;
    let mut waiting = fixture.http().await;
    let target = format!("/primus{session}/xhr");
    waiting.send("POST", &target, &[], b"").await.unwrap();
    fixture.send(&session, "[\"x\"]").await;
    let head = within(waiting.response_head()).await.unwrap();
    assert_eq!(head.status, 200);
    let mut frame = Vec::new();
    while let Some(part) = within(waiting.part()).await.unwrap() {
        frame.extend(part);
    }
    assert_eq!(frame, b"a[\"x\"]\n");
}

#[tokio::test]
async fn a_stream_starts_with_its_prelude() {
    let fixture = fixture().await;
    let session = session();
    let mut stream = fixture
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
    fixture.send(&session, "[\"x\"]").await;
    assert_eq!(stream.to("\n").await, "a[\"x\"]\n");
}

#[tokio::test]
async fn a_stream_ends_at_the_response_limit() {
    let mut fixture = fixture_with(|config| config.response_limit = 4_096, |_| {}).await;
    let session = session();
    let path = format!("{session}/xhr_streaming");
    let mut stream = fixture.stream("POST", &path).await;
    stream.to("o\n").await;
    fixture.opened().await;
    let message = "x".repeat(128);
    let mut received = 0;
    for _ in 0..30 {
        fixture.send(&session, &format!("[\"{message}\"]")).await;
        received += stream.to("\n").await.len();
    }
    // The open frame counts, the prelude does not.
    assert_eq!((received, received + 2 + 134 >= 4_096), (30 * 134, true));
    fixture.send(&session, &format!("[\"{message}\"]")).await;
    assert_eq!(stream.rest().await, format!("a[\"{message}\"]\n"));

    // The next request continues the session over the same connection.
    let target = format!("/primus{path}");
    stream.http.send("POST", &target, &[], b"").await.unwrap();
    assert_eq!(
        within(stream.http.response_head()).await.unwrap().status,
        200
    );
    fixture.send(&session, "[\"y\"]").await;
    let prelude = stream.to("\n").await;
    assert_eq!(prelude.len(), 2_049);
    assert_eq!(stream.to("\n").await, "a[\"y\"]\n");
}

/// A poll takes about `response_limit` bytes and leaves the rest for the next.
#[tokio::test]
async fn a_poll_is_bounded() {
    let mut fixture = fixture_with(|config| config.response_limit = 100, |_| {}).await;
    let session = session();
    fixture.open(&session, "").await;
    let message = "x".repeat(60);
    for _ in 0..4 {
        fixture.send(&session, &format!("[\"{message}\"]")).await;
    }
    for _ in 0..2 {
        let two = format!("a[\"{message}\",\"{message}\"]\n");
        assert_eq!(fixture.poll(&session).await, two);
    }
}

/// A message longer than `response_limit` is sent in one frame.
#[tokio::test]
async fn a_long_message_is_not_split() {
    let mut fixture = fixture_with(|config| config.response_limit = 100, |_| {}).await;
    let session = session();
    fixture.open(&session, "").await;
    let message = "x".repeat(300_000);
    fixture.send(&session, &format!("[\"{message}\"]")).await;
    assert_eq!(fixture.poll(&session).await, format!("a[\"{message}\"]\n"));
    let path = format!("{session}/xhr_streaming");
    let mut stream = fixture.stream("POST", &path).await;
    stream.to("\n").await;
    fixture.send(&session, &format!("[\"{message}\"]")).await;
    assert_eq!(stream.rest().await, format!("a[\"{message}\"]\n"));
}

/// HTTP/1.0 has no chunks: a streaming response ends with the connection.
#[tokio::test]
async fn http_1_0_is_served() {
    let fixture = fixture().await;
    let ask = async |request: String| {
        let mut http = fixture.http().await;
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

/// The requests of a session can share one connection.
#[tokio::test]
async fn one_connection_carries_a_session() {
    let fixture = fixture().await;
    let mut http = fixture.http().await;
    let session = session();
    for (transport, body, brings) in [
        ("xhr", "", "o\n"),
        ("xhr_send", "[\"a\"]", ""),
        ("xhr", "", "a[\"a\"]\n"),
        ("xhr_send", "not JSON", "Broken JSON encoding."),
        ("xhr_send", "[\"b\"]", ""),
        ("xhr", "", "a[\"b\"]\n"),
    ] {
        let path = format!("/primus{session}/{transport}");
        let response = http.request("POST", &path, &[], body.as_bytes());
        assert_eq!(within(response).await.unwrap().text(), brings);
    }
}

/// A request may arrive byte by byte.
#[tokio::test]
async fn slow_requests_are_accepted() {
    let mut fixture = fixture().await;
    let session = session();
    fixture.open(&session, "").await;
    let mut http = fixture.http().await;
    let request = format!(
        "POST /primus{session}/xhr_send HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n[\"x\"]"
    );
    for byte in request.as_bytes() {
        http.stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(within(http.response_head()).await.unwrap().status, 204);
    assert_eq!(fixture.message().await, "x");
}
