//! Over a WebSocket: frames of every kind, and what is none.

use stellarfw_engineio::EngineIoConfig;
use stellarfw_transport::{CloseReason, Parser};

use super::{
    bed::{Bed, Event, bed, bed_of, default, goodbye},
    support::{
        http::Http,
        line::{Line, Packet, Side, Way},
        socket::{BINARY, FIN, PING, PONG, Socket, TEXT, masked},
    },
};

const CONTINUATION: u8 = 0;

fn socket(line: &mut Line) -> &mut Socket {
    match &mut line.side {
        Side::Socket(socket) => socket,
        Side::Polling(_) => panic!("not on a socket"),
    }
}

async fn messages(bed: &mut Bed, expected: &[serde_json::Value]) {
    for value in expected {
        match bed.event().await {
            Event::Message(message) => assert_eq!(message, *value),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn messages_come_in_order_however_they_are_framed() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    for way in [Way::WebSocket, Way::Upgrade] {
        let (mut line, _) = bed.connect(way).await;
        let long = format!("4\"{}\"", "y".repeat(100_000));
        let bytes = [
            masked(FIN | TEXT, b"4\"whole\""),
            masked(TEXT, b"4\"in "),
            masked(FIN | PING, b"between"),
            masked(CONTINUATION, b"three "),
            masked(FIN | CONTINUATION, b"pieces\""),
            // A pong of Engine.IO's own.
            masked(FIN | TEXT, b"3"),
            masked(FIN | TEXT, long.as_bytes()),
            masked(FIN | TEXT, b"4\"last\""),
        ]
        .concat();
        let socket = socket(&mut line);
        for part in bytes.chunks(1_000) {
            socket.write(part).await.unwrap();
        }
        let expected = ["whole".into(), "in three pieces".into()];
        messages(&mut bed, &expected).await;
        messages(&mut bed, &["y".repeat(100_000).into(), "last".into()]).await;
        assert_eq!(socket.next().await.unwrap(), (PONG, b"between".to_vec()));
        line.vanish().await;
        bed.closed().await;
    }
}

#[tokio::test]
async fn what_comes_right_behind_the_upgrade_is_brought() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    let (line, spark) = bed.connect(Way::Polling).await;
    let http = Http::connect(bed.site.address());
    let target = format!("{}&transport=websocket", line.target);
    let socket = Socket::upgrade(http.await.unwrap(), &target, &[]).await;
    let mut socket = socket.unwrap().ok().unwrap();
    spark.send(&"waits").unwrap();
    let packets = [
        masked(FIN | TEXT, b"2probe"),
        masked(FIN | TEXT, b"5"),
        masked(FIN | TEXT, b"4\"one\""),
        masked(FIN | TEXT, b"4\"two\""),
    ];
    socket.write(&packets.concat()).await.unwrap();
    messages(&mut bed, &["one".into(), "two".into()]).await;
    for expected in [&b"3probe"[..], b"4\"waits\""] {
        assert_eq!(socket.next().await.unwrap(), (TEXT, expected.to_vec()));
    }
    assert!(spark.is_open());
}

#[tokio::test]
async fn bytes_may_come_as_base64() {
    let mut bed = packed().await;
    let (mut line, _) = bed.connect(Way::WebSocket).await;
    // The number 300.
    let packed = [0xcd, 0x01, 0x2c];
    let socket = socket(&mut line);
    socket.frame(FIN | TEXT, b"bzQEs").await.unwrap();
    socket.frame(FIN | BINARY, &packed).await.unwrap();
    messages(&mut bed, &[300.into(), 300.into()]).await;
    socket.frame(FIN | TEXT, b"b!").await.unwrap();
    assert_eq!(goodbye(&mut line).await, 1002);
}

/// A server whose messages are MessagePack.
async fn packed() -> Bed {
    bed_of(EngineIoConfig::default(), default, |server| {
        server.parser(Parser::MessagePack)
    })
    .await
}

#[tokio::test]
async fn frames_that_break_the_protocol_are_told_why() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    for way in [Way::WebSocket, Way::Upgrade] {
        for (bytes, code) in [
            // No mask, a reserved bit, an opcode there is not, a fragment of nothing.
            (b"\x81\x014".to_vec(), 1002),
            (masked(FIN | 0x40 | TEXT, b"4"), 1002),
            (masked(FIN | 3, b"4"), 1002),
            (masked(FIN | CONTINUATION, b"4"), 1002),
            // Text that is none, at its first byte.
            (masked(FIN | TEXT, b"4\xff"), 1007),
            (masked(TEXT, b"4\xff"), 1007),
        ] {
            let (mut line, _) = bed.connect(way).await;
            socket(&mut line).write(&bytes).await.unwrap();
            assert_eq!(goodbye(&mut line).await, code, "{bytes:?} by {way:?}");
            match bed.closed().await {
                CloseReason::Protocol { code: told, .. } => assert_eq!(told, code),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_goodbye_is_answered_and_reported_with_its_code() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    for way in [Way::WebSocket, Way::Upgrade] {
        for code in [1000, 1001, 4_321] {
            let (mut line, _) = bed.connect(way).await;
            line.send(&[Packet::text("4\"first\""), Packet::Close(code)])
                .await
                .unwrap();
            messages(&mut bed, &["first".into()]).await;
            assert_eq!(bed.closed().await, CloseReason::Client { code });
            assert_eq!(goodbye(&mut line).await, code);
            assert!(line.next().await.is_err(), "the socket is closed");
        }
    }
    assert_eq!(bed.server.connections(), 0);
}

#[tokio::test]
async fn pongs_do_not_pile_up_for_one_who_reads_nothing() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    let (mut line, spark) = bed.connect(Way::WebSocket).await;
    let pings = masked(FIN | PING, &[b'x'; 125]).repeat(1_000);
    for _ in 0..100 {
        socket(&mut line).write(&pings).await.unwrap();
        assert!(spark.waiting().bytes < 64 << 10, "{:?}", spark.waiting());
    }
    line.send(&[Packet::text("4\"after\"")]).await.unwrap();
    messages(&mut bed, &["after".into()]).await;
    assert!(spark.is_open());
}
