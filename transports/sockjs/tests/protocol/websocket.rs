//! The WebSocket transports, framed and raw.

use stellarfw_transport::{CloseReason, ServerConfig};

use crate::{
    fixture::{Event, fixture, fixture_with, session, within},
    support::socket::{BINARY, CLOSE, FIN, PING, PONG, TEXT},
};

fn path() -> String {
    format!("{}/websocket", session())
}

#[tokio::test]
async fn messages_are_arrays() {
    let fixture = fixture().await;
    let mut socket = fixture.socket(&path(), &[]).await.unwrap();
    assert_eq!(socket.recv_text().await, "o");
    socket.send_text("[\"a\"]").await;
    assert_eq!(socket.recv_text().await, "a[\"a\"]");
    // Messages that are sent together share a frame.
    socket.send_text("[\"b\",\"c\",\"\"]").await;
    assert_eq!(socket.recv_text().await, "a[\"b\",\"c\",\"\"]");
    // A single string is accepted too.
    socket.send_text("\"d\"").await;
    assert_eq!(socket.recv_text().await, "a[\"d\"]");
}

#[tokio::test]
async fn empty_frames_are_ignored() {
    let mut fixture = fixture().await;
    let mut socket = fixture.socket(&path(), &[]).await.unwrap();
    assert_eq!(socket.recv_text().await, "o");
    fixture.opened().await;
    socket.send_text("").await;
    socket.send_text("[]").await;
    socket.send_text("[\"a\"]").await;
    assert_eq!(socket.recv_text().await, "a[\"a\"]");
    assert_eq!(fixture.message().await, "a");
}

/// The protocol demands a close without a `c` frame.
#[tokio::test]
async fn malformed_frames_close_the_connection() {
    for broken in [
        "[\"a",
        "[\"x\"]]",
        "hello",
        "{}",
        "[1]",
        "\"x",
        "null",
        "[null]",
        "[\"\\ud800\"]",
    ] {
        let mut fixture = fixture().await;
        let mut socket = fixture.socket(&path(), &[]).await.unwrap();
        assert_eq!(socket.recv_text().await, "o");
        fixture.opened().await;
        socket.send_text(broken).await;
        assert_eq!(socket.closed().await, 1007, "{broken}");
        drop(socket);
        assert!(matches!(
            fixture.closed().await,
            CloseReason::Protocol { code: 1007, .. }
        ));
    }
    let fixture = fixture().await;
    let mut socket = fixture.socket(&path(), &[]).await.unwrap();
    assert_eq!(socket.recv_text().await, "o");
    socket.frame(FIN | BINARY, b"[\"x\"]").await.unwrap();
    assert_eq!(socket.closed().await, 1007);
}

#[tokio::test]
async fn a_close_sends_a_c_frame_and_a_close_frame() {
    let fixture = fixture().await;
    let path = format!("{}?close", path());
    let mut socket = fixture.socket(&path, &[]).await.unwrap();
    assert_eq!(socket.recv_text().await, "o");
    assert_eq!(socket.recv_text().await, "c[3000,\"Go away!\"]");
    assert_eq!(socket.closed().await, 3000);

    let mut fixture = crate::fixture::fixture().await;
    let mut socket = fixture.socket(&path[..path.len() - 6], &[]).await.unwrap();
    assert_eq!(socket.recv_text().await, "o");
    fixture.opened().await.end();
    assert_eq!(socket.recv_text().await, "c[1000,\"Normal closure\"]");
    assert_eq!(socket.closed().await, 1000);
}

/// A WebSocket ignores the session's name: each connection is a separate session.
#[tokio::test]
async fn names_can_be_reused() {
    let mut fixture = fixture().await;
    let session = session();
    let path = format!("{session}/websocket");
    let mut one = fixture.socket(&path, &[]).await.unwrap();
    let mut two = fixture.socket(&path, &[]).await.unwrap();
    for socket in [&mut one, &mut two] {
        assert_eq!(socket.recv_text().await, "o");
        socket.send_text("[\"x\"]").await;
        assert_eq!(socket.recv_text().await, "a[\"x\"]");
    }
    let mut opened = 0;
    while opened < 2 {
        opened += usize::from(matches!(fixture.event().await, Event::Open(_)));
    }
    // The session does not exist over HTTP.
    let response = fixture
        .post(&format!("{session}/xhr_send"), "[\"x\"]")
        .await;
    assert_eq!(response.status, 404);
}

#[tokio::test]
async fn requests_without_an_upgrade_are_refused() {
    let fixture = fixture().await;
    let upgrade = ("Upgrade", "websocket");
    for (headers, expected) in [
        (&[][..], "Can \"Upgrade\" only to \"WebSocket\"."),
        (
            &[("Connection", "Upgrade"), ("Upgrade", "h2c")],
            "Can \"Upgrade\" only to \"WebSocket\".",
        ),
        (
            &[upgrade, ("Connection", "close")],
            "\"Connection\" must be \"Upgrade\".",
        ),
        (&[upgrade], "\"Connection\" must be \"Upgrade\"."),
    ] {
        for path in [path().as_str(), "/websocket"] {
            let response = fixture.request("GET", path, headers, "").await;
            assert_eq!(
                (response.status, response.text()),
                (400, expected),
                "{headers:?}"
            );
        }
    }
    assert_eq!(fixture.server.connections(), 0);
}

/// The drafts before RFC 6455 are not supported.
#[tokio::test]
async fn only_version_13_is_supported() {
    let fixture = fixture().await;
    for version in ["7", "8", "76"] {
        let headers = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", version),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let response = fixture.request("GET", &path(), &headers, "").await;
        assert_eq!(response.status, 426);
        assert_eq!(response.header("sec-websocket-version"), Some("13"));
    }
    // The headers of Firefox 6 to 10 and of some proxies.
    let http = fixture.http().await;
    let path = format!("/primus{}", path());
    let mut http = http;
    let headers = crate::fixture::owned(&[
        ("Connection", "keep-alive, Upgrade"),
        ("Upgrade", "WebSocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]);
    let response = within(http.request("GET", &path, &headers, b""))
        .await
        .unwrap();
    assert_eq!(response.status, 101);
    assert_eq!(
        response.header("sec-websocket-accept"),
        Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
    assert_eq!(response.header("sec-websocket-protocol"), None);
}

/// Proxies may deliver a client's first frame together with its request.
#[tokio::test]
async fn bytes_sent_with_the_upgrade_are_kept() {
    use tokio::io::AsyncWriteExt as _;

    let fixture = fixture().await;
    let mut http = fixture.http().await;
    let mut bytes = format!(
        "GET /primus{} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        path()
    )
    .into_bytes();
    bytes.extend(crate::support::socket::masked(FIN | TEXT, b"[\"early\"]"));
    http.stream.write_all(&bytes).await.unwrap();
    assert_eq!(within(http.response_head()).await.unwrap().status, 101);
    let mut socket = crate::support::socket::Socket(http);
    assert_eq!(socket.recv_text().await, "o");
    assert_eq!(socket.recv_text().await, "a[\"early\"]");
}

#[tokio::test]
async fn a_ping_is_sent_with_a_heartbeat_frame() {
    let fixture = fixture_with(|_| {}, |config| config.ping_interval = 500).await;
    let mut socket = fixture.socket(&path(), &[]).await.unwrap();
    assert_eq!(socket.recv_text().await, "o");
    let mut kinds = Vec::new();
    for _ in 0..4 {
        let (opcode, payload) = within(socket.next()).await.unwrap();
        match opcode {
            PING => socket.frame(FIN | PONG, &payload).await.unwrap(),
            TEXT => assert_eq!(payload, b"h"),
            opcode => panic!("{opcode}"),
        }
        kinds.push(opcode);
    }
    kinds.sort_unstable();
    assert_eq!(kinds, [TEXT, TEXT, PING, PING]);
}

#[tokio::test]
async fn raw_sockets_carry_unframed_payloads() {
    let fixture = fixture().await;
    let mut socket = fixture.socket("/websocket", &[]).await.unwrap();
    for text in ["Hello world!\u{ffff}", "[\"x\"]", "not JSON", ""] {
        socket.send_text(text).await;
        assert_eq!(socket.recv_text().await, text);
    }
    let mut socket = fixture.socket("/websocket?close", &[]).await.unwrap();
    assert_eq!(socket.closed().await, 3000);
}

#[tokio::test]
async fn oversized_messages_close_with_1009() {
    let limit = |config: &mut ServerConfig| config.max_length = 1_000;
    let mut fixture = fixture_with(|_| {}, limit).await;
    let mut socket = fixture.socket(&path(), &[]).await.unwrap();
    assert_eq!(socket.recv_text().await, "o");
    fixture.opened().await;
    let long = format!("[\"{}\"]", "x".repeat(1_001));
    socket.send_text(&long).await;
    assert_eq!(socket.recv_text().await, "c[1009,\"message too big\"]");
    assert_eq!(socket.closed().await, 1009);
    socket.frame(FIN | CLOSE, &[]).await.ok();
    assert_eq!(fixture.closed().await, CloseReason::TooLarge);
}
