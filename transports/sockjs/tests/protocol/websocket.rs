//! The ways over WebSocket, framed and raw.

use stellarfw_transport::{CloseReason, ServerConfig};

use crate::{
    bed::{Event, bed, bed_with, session, within},
    support::socket::{BINARY, CLOSE, FIN, PING, PONG, TEXT},
};

fn path() -> String {
    format!("{}/websocket", session())
}

#[tokio::test]
async fn messages_come_in_arrays() {
    let bed = bed().await;
    let mut socket = bed.socket(&path(), &[]).await.unwrap();
    assert_eq!(socket.hear().await, "o");
    socket.say("[\"a\"]").await;
    assert_eq!(socket.hear().await, "a[\"a\"]");
    // All that is answered at once goes in one frame.
    socket.say("[\"b\",\"c\",\"\"]").await;
    assert_eq!(socket.hear().await, "a[\"b\",\"c\",\"\"]");
    // A single text is taken as well.
    socket.say("\"d\"").await;
    assert_eq!(socket.hear().await, "a[\"d\"]");
}

#[tokio::test]
async fn empty_frames_are_nothing() {
    let mut bed = bed().await;
    let mut socket = bed.socket(&path(), &[]).await.unwrap();
    assert_eq!(socket.hear().await, "o");
    bed.opened().await;
    socket.say("").await;
    socket.say("[]").await;
    socket.say("[\"a\"]").await;
    assert_eq!(socket.hear().await, "a[\"a\"]");
    assert_eq!(bed.message().await, "a");
}

/// On purpose without a `c` frame, as the description has it.
#[tokio::test]
async fn broken_frames_end_the_connection() {
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
        let mut bed = bed().await;
        let mut socket = bed.socket(&path(), &[]).await.unwrap();
        assert_eq!(socket.hear().await, "o");
        bed.opened().await;
        socket.say(broken).await;
        assert_eq!(socket.closed().await, 1007, "{broken}");
        drop(socket);
        assert!(matches!(
            bed.closed().await,
            CloseReason::Protocol { code: 1007, .. }
        ));
    }
    let bed = bed().await;
    let mut socket = bed.socket(&path(), &[]).await.unwrap();
    assert_eq!(socket.hear().await, "o");
    socket.frame(FIN | BINARY, b"[\"x\"]").await.unwrap();
    assert_eq!(socket.closed().await, 1007);
}

#[tokio::test]
async fn the_end_is_told_twice() {
    let bed = bed().await;
    let path = format!("{}?close", path());
    let mut socket = bed.socket(&path, &[]).await.unwrap();
    assert_eq!(socket.hear().await, "o");
    assert_eq!(socket.hear().await, "c[3000,\"Go away!\"]");
    assert_eq!(socket.closed().await, 3000);

    let mut bed = crate::bed::bed().await;
    let mut socket = bed.socket(&path[..path.len() - 6], &[]).await.unwrap();
    assert_eq!(socket.hear().await, "o");
    bed.opened().await.end();
    assert_eq!(socket.hear().await, "c[1000,\"Normal closure\"]");
    assert_eq!(socket.closed().await, 1000);
}

/// The name means nothing to it: a connection is a session of its own.
#[tokio::test]
async fn names_can_be_used_again_and_at_once() {
    let mut bed = bed().await;
    let session = session();
    let path = format!("{session}/websocket");
    let mut one = bed.socket(&path, &[]).await.unwrap();
    let mut two = bed.socket(&path, &[]).await.unwrap();
    for socket in [&mut one, &mut two] {
        assert_eq!(socket.hear().await, "o");
        socket.say("[\"x\"]").await;
        assert_eq!(socket.hear().await, "a[\"x\"]");
    }
    let mut opened = 0;
    while opened < 2 {
        opened += usize::from(matches!(bed.event().await, Event::Open(_)));
    }
    // And over HTTP that session is not there.
    let answer = bed.post(&format!("{session}/xhr_send"), "[\"x\"]").await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn what_is_no_upgrade_is_told_why() {
    let bed = bed().await;
    let upgrade = ("Upgrade", "websocket");
    for (headers, told) in [
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
            let answer = bed.ask("GET", path, headers, "").await;
            assert_eq!((answer.status, answer.text()), (400, told), "{headers:?}");
        }
    }
    assert_eq!(bed.server.connections(), 0);
}

/// On purpose: the drafts before RFC 6455 are not spoken.
#[tokio::test]
async fn only_the_standards_version_is_spoken() {
    let bed = bed().await;
    for version in ["7", "8", "76"] {
        let headers = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", version),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let answer = bed.ask("GET", &path(), &headers, "").await;
        assert_eq!(answer.status, 426);
        assert_eq!(answer.header("sec-websocket-version"), Some("13"));
    }
    // As Firefox 6 to 10 and proxies write it.
    let http = bed.http().await;
    let path = format!("/primus{}", path());
    let mut http = http;
    let headers = crate::bed::owned(&[
        ("Connection", "keep-alive, Upgrade"),
        ("Upgrade", "WebSocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]);
    let answer = within(http.ask("GET", &path, &headers, b"")).await.unwrap();
    assert_eq!(answer.status, 101);
    assert_eq!(
        answer.header("sec-websocket-accept"),
        Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
    assert_eq!(answer.header("sec-websocket-protocol"), None);
}

/// The first frame of a client may come with its request, as proxies deliver it.
#[tokio::test]
async fn what_comes_with_the_upgrade_is_not_lost() {
    use tokio::io::AsyncWriteExt as _;

    let bed = bed().await;
    let mut http = bed.http().await;
    let mut bytes = format!(
        "GET /primus{} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        path()
    )
    .into_bytes();
    bytes.extend(crate::support::socket::masked(FIN | TEXT, b"[\"early\"]"));
    http.stream.write_all(&bytes).await.unwrap();
    assert_eq!(within(http.answer_head()).await.unwrap().status, 101);
    let mut socket = crate::support::socket::Socket(http);
    assert_eq!(socket.hear().await, "o");
    assert_eq!(socket.hear().await, "a[\"early\"]");
}

#[tokio::test]
async fn the_servers_ping_comes_with_a_heartbeat() {
    let bed = bed_with(|_| {}, |config| config.ping_interval = 500).await;
    let mut socket = bed.socket(&path(), &[]).await.unwrap();
    assert_eq!(socket.hear().await, "o");
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
async fn raw_sockets_carry_payloads_as_they_are() {
    let bed = bed().await;
    let mut socket = bed.socket("/websocket", &[]).await.unwrap();
    for text in ["Hello world!\u{ffff}", "[\"x\"]", "not JSON", ""] {
        socket.say(text).await;
        assert_eq!(socket.hear().await, text);
    }
    let mut socket = bed.socket("/websocket?close", &[]).await.unwrap();
    assert_eq!(socket.closed().await, 3000);
}

#[tokio::test]
async fn what_is_too_long_is_told() {
    let limit = |config: &mut ServerConfig| config.max_length = 1_000;
    let mut bed = bed_with(|_| {}, limit).await;
    let mut socket = bed.socket(&path(), &[]).await.unwrap();
    assert_eq!(socket.hear().await, "o");
    bed.opened().await;
    let long = format!("[\"{}\"]", "x".repeat(1_001));
    socket.say(&long).await;
    assert_eq!(socket.hear().await, "c[1009,\"message too big\"]");
    assert_eq!(socket.closed().await, 1009);
    socket.frame(FIN | CLOSE, &[]).await.ok();
    assert_eq!(bed.closed().await, CloseReason::TooLarge);
}
