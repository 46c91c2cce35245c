//! Those who do not keep the protocol: what they are answered, and that nobody else notices.

use stellarfw_sockjs::{SockJs, SockJsConfig};
use stellarfw_transport::{CloseReason, InboxLimits, Parser, Server, ServerConfig};
use tokio::io::AsyncWriteExt as _;

use crate::{
    bed::{Bed, Event, bed, bed_of, bed_with, session, until, within},
    support::{http::Http, site::Site},
};

/// Somebody whose messages come back whatever others do.
struct Bystander {
    session: String,
    count: usize,
}

impl Bystander {
    async fn come(bed: &Bed) -> Self {
        let session = session();
        assert_eq!(bed.poll(&session).await, "o\n");
        Self { session, count: 0 }
    }

    async fn is_well(&mut self, bed: &Bed) {
        self.count += 1;
        let list = format!("[\"{}\"]", self.count);
        bed.send(&self.session, &list).await;
        assert_eq!(bed.poll(&self.session).await, format!("a{list}\n"));
    }
}

#[tokio::test]
async fn sessions_of_another_engine_are_not_there() {
    let mut other = SockJsConfig::default();
    other.path = "/other".into();
    let mut bed = bed_of(|_| {}, |builder| builder.transport(SockJs::new(other))).await;
    bed.open("/000/mine", "").await;
    let mut http = bed.http().await;
    let path = "/other/000/mine/xhr_send";
    let answer = http.ask("POST", path, &[], b"[\"x\"]").await.unwrap();
    assert_eq!(answer.status, 404);
    // The name is free there: this is another session.
    let path = "/other/000/mine/xhr";
    let answer = http.ask("POST", path, &[], b"").await.unwrap();
    assert_eq!(answer.text(), "o\n");
    bed.opened().await;
    // One that was opened at the pathname is the same at the engine's own path.
    let path = "/sockjs/000/mine/xhr_send";
    let answer = http.ask("POST", path, &[], b"[\"x\"]").await.unwrap();
    assert_eq!(answer.status, 204);
    assert_eq!(bed.poll("/000/mine").await, "a[\"x\"]\n");
}

/// So many may be there, then no more, and all are gone when nobody asks for them again.
#[tokio::test]
async fn thousands_of_sessions_that_nobody_asks_for_again() {
    const MOST: usize = 500;
    let mut bed = bed_with(
        |config| config.disconnect_delay = 1_000,
        |config| config.max_connections = MOST,
    )
    .await;
    let mut http = bed.http().await;
    let (mut opened, mut refused) = (0, 0);
    for n in 0..2_000 {
        let path = format!("/primus/000/half-{n}/xhr");
        let answer = within(http.ask("POST", &path, &[], b"")).await.unwrap();
        match (answer.status, answer.text()) {
            (200, "o\n") => opened += 1,
            (503, _) => refused += 1,
            _ => panic!("{answer:?}"),
        }
        assert!(bed.server.connections() <= MOST);
    }
    assert_eq!(opened + refused, 2_000);
    assert!(opened >= MOST);
    until(|| bed.server.connections() == 0).await;
    let mut gone = 0;
    while gone < opened {
        if let Event::Close(reason) = bed.event().await {
            assert_eq!(reason, CloseReason::Gone);
            gone += 1;
        }
    }
    // Their names are free.
    assert_eq!(bed.poll("/000/half-0").await, "o\n");
}

/// Closed sessions still tell why, but only so many of them.
#[tokio::test]
async fn closed_sessions_that_still_tell_why_are_bounded() {
    const MOST: usize = 5;
    let bed = bed_with(
        |config| config.disconnect_delay = 60_000,
        |config| config.max_connections = MOST,
    )
    .await;
    let mut kept = 0;
    let sessions: Vec<_> = (0..20).map(|_| session()).collect();
    for session in &sessions {
        let path = format!("{session}/xhr?close");
        assert_eq!(bed.post(&path, "").await.text(), "o\n");
        assert_eq!(bed.poll(session).await, "c[3000,\"Go away!\"]\n");
    }
    until(|| bed.server.connections() == 0).await;
    for session in &sessions {
        let path = format!("{session}/xhr?close");
        let again = bed.post(&path, "").await;
        kept += usize::from(again.text().starts_with('c'));
        if again.text() == "o\n" {
            bed.poll(session).await;
        }
    }
    assert_eq!(kept, MOST);
}

/// Requests that stop half-way cost no session, and nobody waits for them.
#[tokio::test]
async fn hundreds_of_half_requests() {
    let bed = bed().await;
    let mut bystander = Bystander::come(&bed).await;
    let mut half = Vec::new();
    for n in 0..300 {
        let mut http = bed.http().await;
        let path = format!("/primus/000/half-{n}/xhr");
        let head = Http::head("POST", &path, &[], 100);
        let some = head.len() * (n % 10) / 10;
        http.stream.write_all(&head[..some]).await.unwrap();
        half.push(http);
        if n % 100 == 0 {
            bystander.is_well(&bed).await;
        }
    }
    bystander.is_well(&bed).await;
    assert_eq!(bed.server.connections(), 1);
    drop(half);
    bystander.is_well(&bed).await;
}

/// Bodies that stop half-way hold up their own session and no other.
#[tokio::test]
async fn half_bodies_hold_up_their_own_session() {
    let bed = bed().await;
    let mut bystander = Bystander::come(&bed).await;
    let mut half = Vec::new();
    for _ in 0..50 {
        let session = session();
        bed.poll(&session).await;
        let mut http = bed.http().await;
        let path = format!("/primus{session}/xhr_send");
        let mut bytes = Http::head("POST", &path, &[], 1_000_000);
        bytes.extend(b"[\"half");
        http.stream.write_all(&bytes).await.unwrap();
        half.push(http);
    }
    bystander.is_well(&bed).await;
}

/// While its handler is busy, one message of a session may wait.
fn one_waits(config: &mut ServerConfig) {
    config.inbox = InboxLimits::new(2, 1_000);
}

/// A busy handler is waited for, by its own client alone.
#[tokio::test]
async fn whoever_sends_faster_than_the_handler_takes_waits() {
    let mut bed = bed_with(|_| {}, one_waits).await;
    let slow = session();
    bed.open(&slow, "").await;
    let mut http = bed.http().await;
    let path = format!("/primus{slow}/xhr_send");
    let body = b"[\"wait\",\"1\",\"2\",\"3\"]";
    http.send("POST", &path, &[], body).await.unwrap();
    assert_eq!(bed.message().await, "wait");
    let mut bystander = Bystander::come(&bed).await;
    bystander.is_well(&bed).await;
    bed.gate.add_permits(1);
    assert_eq!(within(http.answer_head()).await.unwrap().status, 204);
    assert_eq!(bed.poll(&slow).await, "a[\"1\",\"2\",\"3\"]\n");
}

/// It is answered also when its session ends meanwhile.
#[tokio::test]
async fn a_waiting_sender_is_answered_when_its_session_ends() {
    let mut bed = bed_with(|_| {}, one_waits).await;
    let session = session();
    let spark = bed.open(&session, "").await;
    let mut http = bed.http().await;
    let path = format!("/primus{session}/xhr_send");
    let body = b"[\"wait\",\"1\",\"2\",\"never\"]";
    http.send("POST", &path, &[], body).await.unwrap();
    assert_eq!(bed.message().await, "wait");
    spark.end();
    assert_eq!(bed.poll(&session).await, "c[1000,\"Normal closure\"]\n");
    let head = within(http.answer_head()).await.unwrap();
    assert_eq!(head.status, 204);
    bed.gate.add_permits(1);
    assert!(matches!(bed.closed().await, CloseReason::Ended { .. }));
}

#[tokio::test]
async fn bodies_of_every_shape() {
    let bed = bed().await;
    let mut bystander = Bystander::come(&bed).await;
    let session = session();
    bed.poll(&session).await;
    let mut bodies: Vec<Vec<u8>> = vec![
        "[".repeat(200_000).into_bytes(),
        "{\"a\":".repeat(50_000).into_bytes(),
        "\\".repeat(1_000).into_bytes(),
        vec![0; 1_000],
        vec![0xff; 1_000],
        b"[\"\\u12\"]".to_vec(),
        b"[1e999999]".to_vec(),
        b"\xef\xbb\xbf[\"bom\"]".to_vec(),
    ];
    // The same noise each time.
    let mut state = 7_u32;
    for length in 0..200 {
        let noise = (0..length).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        bodies.push(noise.collect());
    }
    let mut http = bed.http().await;
    for body in &bodies {
        for way in ["xhr_send", "jsonp_send"] {
            let path = format!("/primus{session}/{way}");
            let answer = within(http.ask("POST", &path, &[], body)).await.unwrap();
            assert_eq!(answer.status, 500, "{body:?}");
        }
    }
    bystander.is_well(&bed).await;
    bed.send(&session, "[\"still there\"]").await;
    assert_eq!(bed.poll(&session).await, "a[\"still there\"]\n");
}

/// Many receivers of one session at once: one is let in, the others are sent away.
#[tokio::test]
async fn a_crowd_of_receivers() {
    let mut bed = bed().await;
    let session = session();
    bed.open(&session, "").await;
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let mut http = bed.http().await;
        let path = format!("/primus{session}/xhr");
        crowd.spawn(async move { http.ask("POST", &path, &[], b"").await.unwrap() });
    }
    for _ in 0..49 {
        let answer = within(crowd.join_next()).await.unwrap().unwrap();
        assert!(answer.text().starts_with("c[2010,"), "{answer:?}");
    }
    bed.send(&session, "[\"x\"]").await;
    let answer = within(crowd.join_next()).await.unwrap().unwrap();
    assert_eq!(answer.text(), "a[\"x\"]\n");
}

/// A crowd that opens one session at once: it is opened once.
#[tokio::test]
async fn a_name_is_opened_once() {
    let mut bed = bed().await;
    let session = session();
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let mut http = bed.http().await;
        let path = format!("/primus{session}/xhr");
        crowd.spawn(async move { http.ask("POST", &path, &[], b"").await.unwrap() });
    }
    let mut opened = 0;
    // One of those that came behind it may be the next receiver, which waits.
    for _ in 0..49 {
        let answer = within(crowd.join_next()).await.unwrap().unwrap();
        match answer.text() {
            "o\n" => opened += 1,
            text => assert!(text.starts_with("c[2010,"), "{text}"),
        }
    }
    assert_eq!(opened, 1);
    bed.opened().await;
    assert_eq!(bed.server.connections(), 1);
    bed.send(&session, "[\"x\"]").await;
    let answer = within(crowd.join_next()).await.unwrap().unwrap();
    assert_eq!(answer.text(), "a[\"x\"]\n");
}

/// On purpose: what SockJS cannot carry is told when the server starts, and to everyone who asks
/// nevertheless.
#[tokio::test]
async fn a_binary_codec_is_refused_with_a_reason() {
    let server = Server::builder()
        .parser(Parser::MessagePack)
        .transport(SockJs::default())
        .build();
    let told = server.start().await.unwrap_err().to_string();
    assert_eq!(
        told,
        "transport sockjs cannot start: the parser \"msgpack\" makes binary payloads and SockJS \
         carries text only: use the parser \"json\", or leave sockjs out of the transports"
    );
    let site = Site::new(&server).await;
    let mut http = Http::connect(site.address).await.unwrap();
    for (method, path) in [
        ("GET", "/primus/info"),
        ("GET", "/primus"),
        ("POST", "/primus/000/a/xhr"),
        ("GET", "/primus/000/a/websocket"),
    ] {
        let answer = http.ask(method, path, &[], b"").await.unwrap();
        assert_eq!(answer.status, 501, "{path}");
        assert!(answer.text().contains("parser \"msgpack\""));
    }
    assert_eq!(server.connections(), 0);
}
