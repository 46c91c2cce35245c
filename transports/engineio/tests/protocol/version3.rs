//! Protocol 3: clients ping, payloads have lengths, bytes have a type.

use serde_json::{Value, json};
use stellarfw_engineio::EngineIoConfig;
use stellarfw_transport::{CloseReason, Parser};

use super::{
    bed::{Bed, Event, bed_of, default},
    support::{
        http::{Answer, Http},
        socket::{BINARY, CLOSE, FIN, Socket, TEXT},
    },
};

async fn bed(change: impl FnOnce(&mut EngineIoConfig), parser: Parser) -> Bed {
    let mut config = EngineIoConfig::default();
    config.allow_eio3 = true;
    change(&mut config);
    bed_of(config, default, |server| server.parser(parser)).await
}

/// Opens a session by polling. Returns its target, and what it is told.
async fn open(bed: &mut Bed) -> (String, Value) {
    let answer = bed
        .ask("GET", "/primus/?EIO=3&transport=polling", &[])
        .await;
    assert_eq!(answer.status, 200);
    assert!(matches!(bed.event().await, Event::Open(_)));
    let text = String::from_utf8(answer.body).unwrap();
    let (length, packet) = text.split_once(':').unwrap();
    assert_eq!(length.parse(), Ok(packet.len()));
    let open: Value = serde_json::from_str(packet.strip_prefix('0').unwrap()).unwrap();
    let sid = open["sid"].as_str().unwrap();
    (format!("/primus/?EIO=3&sid={sid}"), open)
}

async fn post(bed: &Bed, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let headers: Vec<_> = headers.iter().map(own).collect();
    let mut http = Http::connect(bed.site.address()).await.unwrap();
    let target = format!("{target}&transport=polling");
    http.ask("POST", &target, &headers, body).await.unwrap()
}

async fn poll(bed: &Bed, target: &str) -> Answer {
    let target = format!("{target}&transport=polling");
    bed.ask("GET", &target, &[]).await
}

async fn message(bed: &mut Bed) -> Value {
    match bed.event().await {
        Event::Message(value) => value,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_handshake_has_no_max_payload() {
    let mut bed = bed(|_| {}, Parser::Json).await;
    let (_, open) = open(&mut bed).await;
    let sid = &open["sid"];
    let expected = json!({
        "sid": sid, "upgrades": ["websocket"], "pingInterval": 25_000, "pingTimeout": 20_000,
    });
    assert_eq!(open, expected);
}

#[tokio::test]
async fn polling_carries_text_with_lengths() {
    let mut bed = bed(|_| {}, Parser::Json).await;
    let (target, _) = open(&mut bed).await;
    // In UTF-16 units, of which the emoji has two.
    let body = "6:4\"a😀\"1:23:4\"\"";
    let answer = post(&bed, &target, &[], body.as_bytes()).await;
    assert_eq!((answer.status, &answer.body[..]), (200, &b"ok"[..]));
    assert_eq!(message(&mut bed).await, "a😀");
    assert_eq!(message(&mut bed).await, "");
    // Its ping is answered by the poll.
    assert_eq!(poll(&bed, &target).await.body, b"1:3");
    // One that ends within the emoji.
    let answer = post(&bed, &target, &[], "4:4\"a😀\"".as_bytes()).await;
    assert_eq!(answer.status, 400);
    assert!(matches!(
        bed.closed().await,
        CloseReason::Protocol { code: 1002, .. }
    ));
}

#[tokio::test]
async fn polling_carries_bytes_as_they_are_or_as_base64() {
    let mut bed = bed(|_| {}, Parser::MessagePack).await;
    for base64 in ["", "&b64=1"] {
        let answer = bed.ask("GET", "/primus/?EIO=3&transport=polling", &[]);
        let answer = answer.await;
        let Event::Open(spark) = bed.event().await else {
            panic!("no spark");
        };
        let text = String::from_utf8(answer.body).unwrap();
        let open: Value = serde_json::from_str(&text[text.find('{').unwrap()..]).unwrap();
        let sid = open["sid"].as_str().unwrap();
        let target = format!("/primus/?EIO=3&sid={sid}{base64}");
        // The number 300, in both forms of a POST.
        let octets = [("Content-Type", "application/octet-stream")];
        let body = b"\x01\x04\xff\x04\xcd\x01\x2c";
        assert_eq!(post(&bed, &target, &octets, body).await.status, 200);
        assert_eq!(post(&bed, &target, &[], b"6:b4zQEs").await.status, 200);
        assert_eq!(message(&mut bed).await, 300);
        assert_eq!(message(&mut bed).await, 300);
        spark.send(&300).unwrap();
        spark.send(&1).unwrap();
        let answer = poll(&bed, &target).await;
        let (expected, kind) = match base64 {
            "" => (
                &b"\x01\x04\xff\x04\xcd\x01\x2c\x01\x02\xff\x04\x01"[..],
                "application/octet-stream",
            ),
            _ => (&b"6:b4zQEs6:b4AQ=="[..], "text/plain; charset=UTF-8"),
        };
        assert_eq!(answer.body, expected);
        assert_eq!(answer.header("content-type"), Some(kind));
    }
}

#[tokio::test]
async fn an_upgrade_and_bytes_over_a_websocket() {
    let mut bed = bed(|_| {}, Parser::MessagePack).await;
    let answer = bed
        .ask("GET", "/primus/?EIO=3&transport=polling", &[])
        .await;
    let Event::Open(spark) = bed.event().await else {
        panic!("no spark");
    };
    let text = String::from_utf8(answer.body).unwrap();
    let open: Value = serde_json::from_str(&text[text.find('{').unwrap()..]).unwrap();
    let target = format!("/primus/?EIO=3&sid={}", open["sid"].as_str().unwrap());
    let mut poll = Http::connect(bed.site.address()).await.unwrap();
    let polling = format!("{target}&transport=polling");
    poll.send("GET", &polling, &[], b"").await.unwrap();
    let http = Http::connect(bed.site.address()).await.unwrap();
    let websocket = format!("{target}&transport=websocket");
    let socket = Socket::upgrade(http, &websocket, &[]).await.unwrap();
    let mut socket = socket.ok().unwrap();
    socket.frame(FIN | TEXT, b"2probe").await.unwrap();
    assert_eq!(socket.next().await.unwrap().1, b"3probe");
    assert_eq!(poll.answer().await.unwrap().body, b"1:6");
    socket.frame(FIN | TEXT, b"5").await.unwrap();
    socket
        .frame(FIN | BINARY, &[4, 0xcd, 0x01, 0x2c])
        .await
        .unwrap();
    assert_eq!(message(&mut bed).await, 300);
    spark.send(&300).unwrap();
    let expected = (BINARY, vec![4, 0xcd, 0x01, 0x2c]);
    assert_eq!(socket.next().await.unwrap(), expected);
    socket.frame(FIN | TEXT, b"2").await.unwrap();
    assert_eq!(socket.next().await.unwrap(), (TEXT, b"3".to_vec()));
    // Bytes without a type are no packet.
    socket.frame(FIN | BINARY, &[0xcd]).await.unwrap();
    while socket.next().await.unwrap().0 != CLOSE {}
    assert!(matches!(
        bed.closed().await,
        CloseReason::Protocol { code: 1002, .. }
    ));
}

#[tokio::test]
async fn a_client_that_pings_stays_and_one_that_is_silent_does_not() {
    let mut bed = bed(
        |config| (config.ping_interval, config.ping_timeout) = (100, 200),
        Parser::Json,
    )
    .await;
    let http = Http::connect(bed.site.address()).await.unwrap();
    let socket = Socket::upgrade(http, "/primus/?EIO=3&transport=websocket", &[]);
    let mut socket = socket.await.unwrap().ok().unwrap();
    let Event::Open(spark) = bed.event().await else {
        panic!("no spark");
    };
    assert!(socket.next().await.unwrap().1.starts_with(b"0{"));
    for _ in 0..10 {
        socket.frame(FIN | TEXT, b"2").await.unwrap();
        // The server does not ping.
        assert_eq!(socket.next().await.unwrap(), (TEXT, b"3".to_vec()));
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    }
    assert!(spark.is_open());
    assert_eq!(bed.closed().await, CloseReason::HeartbeatTimeout);
}
