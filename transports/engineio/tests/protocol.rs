//! What the conformance suite does not ask: the protocol's own errors, codes, upgrades, bounds.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use stellarfw_engineio::{EngineIo, EngineIoConfig};
use stellarfw_transport::{
    CloseReason, CodecError, Delivery, Flow, Handler, Message, OriginPolicy, OutboxLimits, Server,
    ServerConfig, Shutdown, Spark,
};
use tokio::{io::AsyncWriteExt as _, sync::mpsc};

use support::{
    http::{Answer, Http},
    line::{self, Line, Packet, Side, Way},
    site::Site,
    socket::Socket,
};

#[derive(Debug)]
enum Event {
    Open(Spark),
    Message(Value),
    Close(CloseReason),
}

struct Notes(mpsc::UnboundedSender<Event>);

impl Handler for Notes {
    fn open(&self, spark: &Spark) -> Flow {
        self.0.send(Event::Open(spark.clone())).ok();
        Flow::DONE
    }

    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        self.0.send(Event::Message(spark.decode(message)?)).ok();
        Ok(Flow::DONE)
    }

    fn error(&self, _: &Spark, _: &CodecError) {}

    fn close(&self, _: &Spark, reason: &CloseReason) {
        self.0.send(Event::Close(reason.clone())).ok();
    }
}

struct Bed {
    server: Server,
    site: Site,
    events: mpsc::UnboundedReceiver<Event>,
}

async fn bed(engine: EngineIoConfig, change: impl FnOnce(&mut ServerConfig)) -> Bed {
    let (notes, events) = mpsc::unbounded_channel();
    let server = Server::builder()
        .configure(|config| config.ping_interval = 0)
        .configure(change)
        .transport(EngineIo::new(engine))
        .handler(Notes(notes))
        .build();
    let mut site = Site::default();
    site.serve(&server).await;
    Bed {
        server,
        site,
        events,
    }
}

impl Bed {
    async fn event(&mut self) -> Event {
        let event = tokio::time::timeout(Duration::from_secs(20), self.events.recv());
        event.await.unwrap().unwrap()
    }

    async fn connect(&mut self, way: Way) -> (Line, Spark) {
        let line = line::connect(self.site.address(), way, "/primus/", "", &[]);
        let line = line.await.unwrap().unwrap();
        match self.event().await {
            Event::Open(spark) => (line, spark),
            other => panic!("{other:?}"),
        }
    }

    async fn closed(&mut self) -> CloseReason {
        match self.event().await {
            Event::Close(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    async fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let headers: Vec<_> = headers.iter().map(own).collect();
        let mut http = Http::connect(self.site.address()).await.unwrap();
        http.ask(method, target, &headers, b"").await.unwrap()
    }
}

fn default(_: &mut ServerConfig) {}

/// All messages until there are as many.
async fn hear(line: &mut Line, count: usize) -> Vec<Value> {
    let mut heard = Vec::new();
    while heard.len() < count {
        match line.next().await.unwrap() {
            Packet::Text(text) => match text.strip_prefix('4') {
                Some(text) => heard.push(serde_json::from_str(text).unwrap()),
                None => assert_eq!(text, "2"),
            },
            other => panic!("{other:?}"),
        }
    }
    heard
}

/// The end of one on polling, with nothing before it but pings.
async fn ended(line: &mut Line) {
    loop {
        match line.next().await.unwrap() {
            Packet::Text(text) if text == "2" => {}
            packet => return assert_eq!(packet, Packet::text("1")),
        }
    }
}

/// The WebSocket's goodbye.
async fn goodbye(line: &mut Line) -> u16 {
    loop {
        if let Packet::Close(code) = line.next().await.unwrap() {
            return code;
        }
    }
}

#[tokio::test]
async fn what_cannot_be_is_answered_as_the_protocol_says() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    let (on_socket, _) = bed.connect(Way::WebSocket).await;
    let sid = on_socket.open["sid"].as_str().unwrap().to_owned();
    let (polling, _) = bed.connect(Way::Polling).await;
    let polled = polling.open["sid"].as_str().unwrap().to_owned();
    for (method, query, code, message) in [
        ("GET", "".into(), 0, "Transport unknown"),
        (
            "GET",
            "?EIO=4&transport=pigeon".into(),
            0,
            "Transport unknown",
        ),
        (
            "GET",
            "?EIO=4&transport=polling&sid=x".into(),
            1,
            "Session ID unknown",
        ),
        (
            "POST",
            "?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAA".into(),
            1,
            "Session ID unknown",
        ),
        (
            "POST",
            "?EIO=4&transport=polling".into(),
            2,
            "Bad handshake method",
        ),
        ("GET", "?EIO=4&transport=websocket".into(), 3, "Bad request"),
        (
            "GET",
            format!("?EIO=4&transport=polling&sid={sid}"),
            3,
            "Bad request",
        ),
        (
            "GET",
            format!("?EIO=4&transport=websocket&sid={polled}"),
            3,
            "Bad request",
        ),
        (
            "DELETE",
            format!("?EIO=4&transport=polling&sid={polled}"),
            3,
            "Bad request",
        ),
        (
            "GET",
            "?EIO=3&transport=polling".into(),
            5,
            "Unsupported protocol version",
        ),
        (
            "GET",
            "?transport=polling".into(),
            5,
            "Unsupported protocol version",
        ),
    ] {
        for path in ["/primus", "/primus/", "/engine.io", "/engine.io/"] {
            let answer = bed.ask(method, &format!("{path}{query}"), &[]).await;
            assert_eq!(answer.status, 400, "{method} {path}{query}");
            assert_eq!(answer.json(), json!({ "code": code, "message": message }));
        }
    }
    assert_eq!(bed.server.connections(), 2);
}

#[tokio::test]
async fn a_sessions_requests_are_checked_for_their_origin_too() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    let (line, spark) = bed.connect(Way::Polling).await;
    let evil = [("Origin", "http://evil.example")];
    for (method, transport) in [
        ("GET", "polling"),
        ("POST", "polling"),
        ("GET", "websocket"),
    ] {
        let target = format!("{}&transport={transport}", line.target);
        let answer = bed.ask(method, &target, &evil).await;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.json(), json!({ "error": "Origin not allowed" }));
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    assert!(spark.is_open());
}

#[tokio::test]
async fn pages_that_may_come_can_read_the_answers() {
    let policy = OriginPolicy::List(vec!["https://a.example".into()]);
    let bed = bed(EngineIoConfig::default(), |c| c.origins = policy).await;
    let headers = [
        ("Origin", "https://a.example"),
        ("Access-Control-Request-Headers", "x-a"),
    ];
    for method in ["GET", "OPTIONS"] {
        let answer = bed
            .ask(method, "/primus/?EIO=4&transport=polling", &headers)
            .await;
        let header = |name| answer.header(name);
        assert_eq!(
            header("access-control-allow-origin"),
            Some("https://a.example")
        );
        assert_eq!(header("access-control-allow-credentials"), Some("true"));
        assert_eq!(header("vary"), Some("Origin"));
        let asked = (method == "OPTIONS").then_some("x-a");
        assert_eq!(header("access-control-allow-headers"), asked);
    }
}

#[tokio::test]
async fn a_cookie_tells_the_session() {
    let mut config = EngineIoConfig::default();
    config.cookie = Some("io".into());
    let bed = bed(config, default).await;
    let answer = bed
        .ask("GET", "/primus/?EIO=4&transport=polling", &[])
        .await;
    let open: Value = serde_json::from_slice(&answer.body[1..]).unwrap();
    let sid = open["sid"].as_str().unwrap();
    let cookie = format!("io={sid}; Path=/; HttpOnly; SameSite=Lax");
    assert_eq!(answer.header("set-cookie"), Some(&cookie[..]));
}

#[tokio::test]
async fn a_websocket_is_told_the_code_of_its_end() {
    let mut bed = bed(EngineIoConfig::default(), |c| c.max_length = 100).await;
    for way in [Way::WebSocket, Way::Upgrade] {
        let (mut line, _) = bed.connect(way).await;
        line.send(&[Packet::Text(format!("4\"{}\"", "x".repeat(99)))])
            .await
            .unwrap();
        assert_eq!(goodbye(&mut line).await, 1009);
        assert_eq!(bed.closed().await, CloseReason::TooLarge);

        let (mut line, spark) = bed.connect(way).await;
        spark.end();
        assert_eq!(hear(&mut line, 1).await, ["primus::server::close"]);
        ended(&mut line).await;
        assert_eq!(goodbye(&mut line).await, 1000);
        bed.closed().await;
    }
    let (mut line, _) = bed.connect(Way::WebSocket).await;
    let server = bed.server.clone();
    let shutdown = tokio::spawn(async move { server.shutdown(Shutdown::default()).await });
    assert_eq!(goodbye(&mut line).await, 1001);
    drop(line);
    assert_eq!(shutdown.await.unwrap(), 0);
}

#[tokio::test]
async fn a_post_that_is_too_long_is_answered_413() {
    let mut bed = bed(EngineIoConfig::default(), |c| c.max_length = 100).await;
    for too_much in [1, 10_000] {
        let (mut line, _) = bed.connect(Way::Polling).await;
        let announced = line.open["maxPayload"].as_u64();
        assert_eq!(announced, Some(stellarfw_engineio::max_payload(100) as u64));
        // Many short messages at once are no fault.
        let short = ["4\"short\""; 10].join("\x1e");
        assert_eq!(line.post(short.as_bytes()).await.unwrap().status, 200);
        for _ in 0..10 {
            assert!(matches!(bed.event().await, Event::Message(_)));
        }
        let long = format!("4\"{}\"", "x".repeat(98 + too_much));
        assert_eq!(line.post(long.as_bytes()).await.unwrap().status, 413);
        ended(&mut line).await;
        assert_eq!(bed.closed().await, CloseReason::TooLarge);
    }
}

#[tokio::test]
async fn one_poll_and_one_post_at_a_time() {
    let mut bed = bed(EngineIoConfig::default(), |c| c.close_timeout = 200).await;
    let (line, _) = bed.connect(Way::Polling).await;
    let target = format!("{}&transport=polling", line.target);
    let mut first = Http::connect(bed.site.address()).await.unwrap();
    first.send("GET", &target, &[], b"").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(bed.ask("GET", &target, &[]).await.json()["code"], 3);
    assert_eq!(first.answer().await.unwrap().body, b"1");
    assert!(matches!(
        bed.closed().await,
        CloseReason::Protocol { code: 1002, .. }
    ));

    let (mut line, _) = bed.connect(Way::Polling).await;
    line.send_half(b"\"half of it\"").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let target = format!("{}&transport=polling", line.target);
    assert_eq!(bed.ask("POST", &target, &[]).await.json()["code"], 3);
    assert!(matches!(
        bed.closed().await,
        CloseReason::Protocol { code: 1002, .. }
    ));
}

#[tokio::test]
async fn a_post_has_a_deadline() {
    let mut config = EngineIoConfig::default();
    config.post_timeout = 100;
    let mut bed = bed(config, default).await;
    let (mut line, spark) = bed.connect(Way::Polling).await;
    line.send_half(b"\"half of it\"").await;
    assert_eq!(line.half_answer().await.status, 408);
    assert!(spark.is_open());
}

#[tokio::test]
async fn an_upgrade_has_a_deadline_and_a_failed_one_ends_the_session() {
    let mut bed = bed(EngineIoConfig::default(), |c| c.handshake_timeout = 200).await;
    for words in [None, Some(&b"4nonsense"[..])] {
        let (line, _) = bed.connect(Way::Polling).await;
        let http = Http::connect(bed.site.address()).await.unwrap();
        let target = format!("{}&transport=websocket", line.target);
        let upgraded = Socket::upgrade(http, &target, &[]).await.unwrap();
        let mut socket = upgraded.ok().unwrap();
        // A second one beside it is refused.
        let http = Http::connect(bed.site.address()).await.unwrap();
        let second = Socket::upgrade(http, &target, &[]).await.unwrap();
        assert_eq!(second.err().unwrap().json()["code"], 3);
        if let Some(words) = words {
            socket.frame(0x81, words).await.unwrap();
        }
        assert_eq!(bed.closed().await, CloseReason::Gone);
        assert_eq!(
            bed.ask("GET", &format!("{}&transport=polling", line.target), &[])
                .await
                .json()["code"],
            1
        );
    }
    assert_eq!(bed.server.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_out_of_order_across_an_upgrade() {
    const MANY: usize = 10_000;
    let mut bed = bed(EngineIoConfig::default(), default).await;
    let (mut line, spark) = bed.connect(Way::Polling).await;
    let sender = tokio::spawn(async move {
        for n in 0..MANY {
            spark.send(&n).unwrap();
            if n % 20 == 0 {
                tokio::time::sleep(Duration::from_micros(100)).await;
            }
        }
    });
    let mut sent = 0;
    let mut heard = Vec::new();
    for step in 0..200 {
        if step == 20 {
            line.upgrade().await.unwrap();
        }
        let batch: Vec<_> = (sent..sent + 50)
            .map(|n| Packet::Text(format!("4{n}")))
            .collect();
        sent += 50;
        line.send(&batch).await.unwrap();
        if step < 40 {
            heard.extend(hear(&mut line, 1).await);
        }
    }
    let rest = MANY - heard.len();
    heard.extend(hear(&mut line, rest).await);
    assert!(matches!(line.side, Side::Socket(_)));
    sender.await.unwrap();
    assert!(heard.iter().enumerate().all(|(n, value)| *value == n));
    for n in 0..sent {
        match bed.event().await {
            Event::Message(value) => assert_eq!(value, n),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_does_not_fit_a_poll_is_not_lost() {
    let mut bed = bed(EngineIoConfig::default(), |c| c.max_length = 1_000).await;
    let (mut line, spark) = bed.connect(Way::Polling).await;
    // More than one answer holds.
    spark.send(&0).unwrap();
    let large = "x".repeat(3_000);
    spark.send(&large).unwrap();
    for n in 0..500 {
        spark.send(&n).unwrap();
    }
    spark.send(&large).unwrap();
    assert_eq!(hear(&mut line, 1).await, [0]);
    // The library keeps the large one for the next poll, and would lose it in an upgrade.
    assert!(line.upgrade().await.is_err());
    assert_eq!(hear(&mut line, 1).await, std::slice::from_ref(&large));
    line.upgrade().await.unwrap();
    let heard = hear(&mut line, 501).await;
    assert!(
        heard[..500]
            .iter()
            .enumerate()
            .all(|(n, value)| *value == n)
    );
    assert_eq!(heard[500], large);
    assert!(spark.is_open());
}

#[tokio::test]
async fn a_close_waits_for_what_does_not_fit_a_poll() {
    let mut bed = bed(EngineIoConfig::default(), |c| c.max_length = 1_000).await;
    let (mut line, spark) = bed.connect(Way::Polling).await;
    let large = "x".repeat(3_000);
    spark.send(&large).unwrap();
    spark.end_with_reconnect();
    assert_eq!(hear(&mut line, 1).await, [large]);
    ended(&mut line).await;
    bed.closed().await;
}

#[tokio::test]
async fn a_close_waits_for_the_next_poll() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    let (mut line, spark) = bed.connect(Way::Polling).await;
    spark.send("last").unwrap();
    spark.end_with_reconnect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(hear(&mut line, 1).await, ["last"]);
    tokio::time::sleep(Duration::from_millis(300)).await;
    ended(&mut line).await;
    bed.closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_takes_nothing_is_cut_without_any_heartbeat_of_ours() {
    let mut config = EngineIoConfig::default();
    (config.ping_interval, config.ping_timeout) = (200, 200);
    let limits = OutboxLimits::new(1_000, 1 << 30);
    let mut bed = bed(config, |c| c.outbox = limits).await;
    let (line, spark) = bed.connect(Way::WebSocket).await;
    let chunk = spark.parser().encode(&"x".repeat(1 << 20)).unwrap();
    for _ in 0..32 {
        // On a busy machine it may be cut before all of it is queued.
        if spark.send_frame(chunk.clone(), Delivery::Reliable).is_err() {
            break;
        }
    }
    let reason = bed.closed().await;
    assert!(
        matches!(reason, CloseReason::HeartbeatTimeout | CloseReason::Gone),
        "{reason:?}"
    );
    assert_eq!(bed.server.connections(), 0);
    drop(line);
}

#[tokio::test]
async fn a_session_is_freed_when_its_spark_is_kept() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    for way in [Way::Polling, Way::WebSocket, Way::Upgrade] {
        let (line, spark) = bed.connect(way).await;
        let token = Arc::new(());
        spark.attach(token.clone()).unwrap();
        line.vanish().await;
        bed.closed().await;
        drop(spark);
        for _ in 0..100 {
            if Arc::strong_count(&token) == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(Arc::strong_count(&token), 1, "{way:?}");
    }
}

#[tokio::test]
async fn the_handshake_tells_what_a_client_needs() {
    let mut config = EngineIoConfig::default();
    config.ping_interval = 300;
    config.ping_timeout = 200;
    config.max_payload = Some(1_000_000);
    let mut bed = bed(config, default).await;
    for (way, upgrades) in [
        (Way::Polling, json!(["websocket"])),
        (Way::WebSocket, json!([])),
    ] {
        let (line, _) = bed.connect(way).await;
        let mut open = line.open.clone();
        let sid = open.as_object_mut().unwrap().remove("sid").unwrap();
        assert!(sid.as_str().is_some_and(|sid| !sid.is_empty()));
        let expected = json!({
            "upgrades": upgrades, "pingInterval": 300, "pingTimeout": 200, "maxPayload": 1_000_000,
        });
        assert_eq!(open, expected, "{way:?}");
    }
    let answer = bed.ask("GET", "/engine.io/?EIO=4&transport=polling", &[]);
    let answer = answer.await;
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type").unwrap();
    assert!(kind.starts_with("text/plain"), "{kind}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn the_first_ping_is_not_sent_at_once() {
    let mut config = EngineIoConfig::default();
    config.ping_interval = 3_600_000;
    config.ping_timeout = 200;
    let mut bed = bed(config, default).await;
    for way in [Way::Polling, Way::WebSocket, Way::Upgrade] {
        let (mut line, spark) = bed.connect(way).await;
        // A ping that nobody answers would be its end.
        let since = Instant::now();
        while since.elapsed() < Duration::from_millis(500) {
            spark.send(&"still here").unwrap();
            let packet = line.next().await.unwrap();
            assert_eq!(packet, Packet::text("4\"still here\""), "{way:?}");
            line.send(&[Packet::text("4\"me too\"")]).await.unwrap();
            assert!(matches!(bed.event().await, Event::Message(_)), "{way:?}");
        }
        line.vanish().await;
        bed.closed().await;
    }
}

#[tokio::test]
async fn pings_that_are_answered_keep_a_session_and_others_end_it() {
    let mut config = EngineIoConfig::default();
    config.ping_interval = 100;
    config.ping_timeout = 300;
    let mut bed = bed(config, |c| c.close_timeout = 200).await;
    for way in [Way::Polling, Way::WebSocket, Way::Upgrade] {
        let (mut line, spark) = bed.connect(way).await;
        for _ in 0..5 {
            while line.next().await.unwrap() != Packet::text("2") {}
            line.send(&[Packet::text("3")]).await.unwrap();
        }
        assert!(spark.is_open());
        // From here on it is silent.
        while !matches!(line.next().await, Err(_) | Ok(Packet::Close(_))) {}
        assert_eq!(bed.closed().await, CloseReason::HeartbeatTimeout, "{way:?}");
        let target = format!("{}&transport=polling", line.target);
        assert_eq!(bed.ask("GET", &target, &[]).await.json()["code"], 1);
    }
}

#[tokio::test]
async fn after_a_clients_goodbye_there_is_no_session() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    for way in [Way::Polling, Way::WebSocket, Way::Upgrade] {
        let (mut line, _) = bed.connect(way).await;
        line.send(&[Packet::text("1")]).await.unwrap();
        assert_eq!(bed.closed().await, CloseReason::Client { code: 1005 });
        let target = format!("{}&transport=polling", line.target);
        for method in ["GET", "POST"] {
            let answer = bed.ask(method, &target, &[]).await;
            assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(1)));
        }
    }
}

#[tokio::test]
async fn what_is_no_packet_ends_its_session() {
    let mut bed = bed(EngineIoConfig::default(), |c| c.close_timeout = 200).await;
    for packet in ["abc", "7", "9\"x\""] {
        for way in [Way::Polling, Way::WebSocket] {
            let (mut line, _) = bed.connect(way).await;
            match way {
                Way::Polling => {
                    let answer = line.post(packet.as_bytes()).await.unwrap();
                    assert_eq!(answer.status, 400, "{packet}");
                }
                _ => line.send(&[Packet::text(packet)]).await.unwrap(),
            }
            let reason = bed.closed().await;
            let expected = matches!(reason, CloseReason::Protocol { code: 1002, .. });
            assert!(expected, "{packet} by {way:?}: {reason:?}");
        }
    }
}

#[tokio::test]
async fn a_length_that_lies_is_believed_only_so_far() {
    let mut bed = bed(EngineIoConfig::default(), |c| c.max_length = 100).await;
    // A frame of 2^62 bytes of which none comes.
    let (mut line, _) = bed.connect(Way::WebSocket).await;
    let Side::Socket(socket) = &mut line.side else {
        panic!("not on a socket");
    };
    let lie = [&[0x81, 0xff][..], &(1_u64 << 62).to_be_bytes(), &[0; 4]];
    socket.write(&lie.concat()).await.unwrap();
    assert_eq!(goodbye(&mut line).await, 1009);
    assert_eq!(bed.closed().await, CloseReason::TooLarge);

    // A POST that tells of more than may come: answered before anything does.
    let (line, _) = bed.connect(Way::Polling).await;
    let mut http = Http::connect(bed.site.address()).await.unwrap();
    let target = format!("{}&transport=polling", line.target);
    let head = format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n");
    http.stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(http.answer().await.unwrap().status, 413);
    assert_eq!(bed.closed().await, CloseReason::TooLarge);
}

#[tokio::test]
async fn a_session_has_one_websocket() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    for way in [Way::WebSocket, Way::Upgrade] {
        let (mut line, spark) = bed.connect(way).await;
        let target = format!("{}&transport=websocket", line.target);
        let http = Http::connect(bed.site.address()).await.unwrap();
        let second = Socket::upgrade(http, &target, &[]).await.unwrap();
        let answer = second.err().unwrap();
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(3)));
        spark.send(&"still here").unwrap();
        assert_eq!(hear(&mut line, 1).await, ["still here"], "{way:?}");
        line.vanish().await;
        bed.closed().await;
    }
}
