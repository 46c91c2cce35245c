//! Clients that violate the protocol: the responses, and the isolation of other clients.

use stellarfw_sockjs::{SockJs, SockJsConfig};
use stellarfw_transport::{CloseReason, InboxLimits, Parser, Server, ServerConfig};
use tokio::io::AsyncWriteExt as _;

use crate::{
    fixture::{Event, Fixture, fixture, fixture_from, fixture_with, session, until, within},
    support::{http::Http, site::Site},
};

/// A well-behaved client, whose messages must be echoed meanwhile.
struct Bystander {
    session: String,
    count: usize,
}

impl Bystander {
    async fn connect(fixture: &Fixture) -> Self {
        let session = session();
        assert_eq!(fixture.poll(&session).await, "o\n");
        Self { session, count: 0 }
    }

    async fn assert_served(&mut self, fixture: &Fixture) {
        self.count += 1;
        let list = format!("[\"{}\"]", self.count);
        fixture.send(&self.session, &list).await;
        assert_eq!(fixture.poll(&self.session).await, format!("a{list}\n"));
    }
}

#[tokio::test]
async fn sessions_of_another_engine_are_unknown() {
    let mut other = SockJsConfig::default();
    other.path = "/other".into();
    let mut fixture = fixture_from(|_| {}, |builder| builder.transport(SockJs::new(other))).await;
    fixture.open("/000/mine", "").await;
    let mut http = fixture.http().await;
    let path = "/other/000/mine/xhr_send";
    let response = http.request("POST", path, &[], b"[\"x\"]").await.unwrap();
    assert_eq!(response.status, 404);
    // The name is unused there, so this opens another session.
    let path = "/other/000/mine/xhr";
    let response = http.request("POST", path, &[], b"").await.unwrap();
    assert_eq!(response.text(), "o\n");
    fixture.opened().await;
    // A session opened at the pathname is also available at the engine's own path.
    let path = "/sockjs/000/mine/xhr_send";
    let response = http.request("POST", path, &[], b"[\"x\"]").await.unwrap();
    assert_eq!(response.status, 204);
    assert_eq!(fixture.poll("/000/mine").await, "a[\"x\"]\n");
}

/// Sessions beyond the limit are refused, and sessions without receivers are removed.
#[tokio::test]
async fn abandoned_sessions_are_bounded_and_removed() {
    const MOST: usize = 500;
    let mut fixture = fixture_with(
        |config| config.disconnect_delay = 1_000,
        |config| config.max_connections = MOST,
    )
    .await;
    let mut http = fixture.http().await;
    let (mut opened, mut refused) = (0, 0);
    for n in 0..2_000 {
        let path = format!("/primus/000/half-{n}/xhr");
        let response = within(http.request("POST", &path, &[], b"")).await.unwrap();
        match (response.status, response.text()) {
            (200, "o\n") => opened += 1,
            (503, _) => refused += 1,
            _ => panic!("{response:?}"),
        }
        assert!(fixture.server.connections() <= MOST);
    }
    assert_eq!(opened + refused, 2_000);
    assert!(opened >= MOST);
    until(|| fixture.server.connections() == 0).await;
    let mut closed = 0;
    while closed < opened {
        if let Event::Close(reason) = fixture.event().await {
            assert_eq!(reason, CloseReason::Gone);
            closed += 1;
        }
    }
    // The names can be used again.
    assert_eq!(fixture.poll("/000/half-0").await, "o\n");
}

/// At most `max_connections` closed sessions are retained.
#[tokio::test]
async fn retained_closed_sessions_are_bounded() {
    const MOST: usize = 5;
    let fixture = fixture_with(
        |config| config.disconnect_delay = 60_000,
        |config| config.max_connections = MOST,
    )
    .await;
    let mut kept = 0;
    let sessions: Vec<_> = (0..20).map(|_| session()).collect();
    for session in &sessions {
        let path = format!("{session}/xhr?close");
        assert_eq!(fixture.post(&path, "").await.text(), "o\n");
        assert_eq!(fixture.poll(session).await, "c[3000,\"Go away!\"]\n");
    }
    until(|| fixture.server.connections() == 0).await;
    for session in &sessions {
        let path = format!("{session}/xhr?close");
        let again = fixture.post(&path, "").await;
        kept += usize::from(again.text().starts_with('c'));
        if again.text() == "o\n" {
            fixture.poll(session).await;
        }
    }
    assert_eq!(kept, MOST);
}

/// A request that stops half-way opens no session and delays no other client.
#[tokio::test]
async fn partial_requests_open_no_sessions() {
    let fixture = fixture().await;
    let mut bystander = Bystander::connect(&fixture).await;
    let mut half = Vec::new();
    for n in 0..300 {
        let mut http = fixture.http().await;
        let path = format!("/primus/000/half-{n}/xhr");
        let head = Http::head("POST", &path, &[], 100);
        let length = head.len() * (n % 10) / 10;
        http.stream.write_all(&head[..length]).await.unwrap();
        half.push(http);
        if n % 100 == 0 {
            bystander.assert_served(&fixture).await;
        }
    }
    bystander.assert_served(&fixture).await;
    assert_eq!(fixture.server.connections(), 1);
    drop(half);
    bystander.assert_served(&fixture).await;
}

/// A body that stops half-way blocks its own session only.
#[tokio::test]
async fn a_partial_body_blocks_its_own_session_only() {
    let fixture = fixture().await;
    let mut bystander = Bystander::connect(&fixture).await;
    let mut half = Vec::new();
    for _ in 0..50 {
        let session = session();
        fixture.poll(&session).await;
        let mut http = fixture.http().await;
        let path = format!("/primus{session}/xhr_send");
        let mut bytes = Http::head("POST", &path, &[], 1_000_000);
        bytes.extend(b"[\"half");
        http.stream.write_all(&bytes).await.unwrap();
        half.push(http);
    }
    bystander.assert_served(&fixture).await;
}

/// Limits the inbox to one message besides the one being handled.
fn small_inbox(config: &mut ServerConfig) {
    config.inbox = InboxLimits::new(2, 1_000);
}

/// A sender waits for a busy handler, and delays no other client.
#[tokio::test]
async fn a_fast_sender_waits_for_the_handler() {
    let mut fixture = fixture_with(|_| {}, small_inbox).await;
    let slow = session();
    fixture.open(&slow, "").await;
    let mut http = fixture.http().await;
    let path = format!("/primus{slow}/xhr_send");
    let body = b"[\"wait\",\"1\",\"2\",\"3\"]";
    http.send("POST", &path, &[], body).await.unwrap();
    assert_eq!(fixture.message().await, "wait");
    let mut bystander = Bystander::connect(&fixture).await;
    bystander.assert_served(&fixture).await;
    fixture.gate.add_permits(1);
    assert_eq!(within(http.response_head()).await.unwrap().status, 204);
    assert_eq!(fixture.poll(&slow).await, "a[\"1\",\"2\",\"3\"]\n");
}

/// A waiting sender is answered when its session ends.
#[tokio::test]
async fn a_waiting_sender_is_answered_when_its_session_ends() {
    let mut fixture = fixture_with(|_| {}, small_inbox).await;
    let session = session();
    let spark = fixture.open(&session, "").await;
    let mut http = fixture.http().await;
    let path = format!("/primus{session}/xhr_send");
    let body = b"[\"wait\",\"1\",\"2\",\"never\"]";
    http.send("POST", &path, &[], body).await.unwrap();
    assert_eq!(fixture.message().await, "wait");
    spark.end();
    assert_eq!(fixture.poll(&session).await, "c[1000,\"Normal closure\"]\n");
    let head = within(http.response_head()).await.unwrap();
    assert_eq!(head.status, 204);
    fixture.gate.add_permits(1);
    assert!(matches!(fixture.closed().await, CloseReason::Ended { .. }));
}

#[tokio::test]
async fn arbitrary_bodies_are_refused() {
    let fixture = fixture().await;
    let mut bystander = Bystander::connect(&fixture).await;
    let session = session();
    fixture.poll(&session).await;
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
    // Deterministic noise.
    let mut state = 7_u32;
    for length in 0..200 {
        let noise = (0..length).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        bodies.push(noise.collect());
    }
    let mut http = fixture.http().await;
    for body in &bodies {
        for transport in ["xhr_send", "jsonp_send"] {
            let path = format!("/primus{session}/{transport}");
            let response = within(http.request("POST", &path, &[], body))
                .await
                .unwrap();
            assert_eq!(response.status, 500, "{body:?}");
        }
    }
    bystander.assert_served(&fixture).await;
    fixture.send(&session, "[\"still there\"]").await;
    assert_eq!(fixture.poll(&session).await, "a[\"still there\"]\n");
}

/// Of many concurrent receivers, one is accepted.
#[tokio::test]
async fn concurrent_receivers_are_refused_but_one() {
    let mut fixture = fixture().await;
    let session = session();
    fixture.open(&session, "").await;
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let mut http = fixture.http().await;
        let path = format!("/primus{session}/xhr");
        crowd.spawn(async move { http.request("POST", &path, &[], b"").await.unwrap() });
    }
    for _ in 0..49 {
        let response = within(crowd.join_next()).await.unwrap().unwrap();
        assert!(response.text().starts_with("c[2010,"), "{response:?}");
    }
    fixture.send(&session, "[\"x\"]").await;
    let response = within(crowd.join_next()).await.unwrap().unwrap();
    assert_eq!(response.text(), "a[\"x\"]\n");
}

/// Concurrent requests open a session once.
#[tokio::test]
async fn concurrent_opens_create_one_session() {
    let mut fixture = fixture().await;
    let session = session();
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let mut http = fixture.http().await;
        let path = format!("/primus{session}/xhr");
        crowd.spawn(async move { http.request("POST", &path, &[], b"").await.unwrap() });
    }
    let mut opened = 0;
    // One of the others may become the next receiver, which waits.
    for _ in 0..49 {
        let response = within(crowd.join_next()).await.unwrap().unwrap();
        match response.text() {
            "o\n" => opened += 1,
            text => assert!(text.starts_with("c[2010,"), "{text}"),
        }
    }
    assert_eq!(opened, 1);
    fixture.opened().await;
    assert_eq!(fixture.server.connections(), 1);
    fixture.send(&session, "[\"x\"]").await;
    let response = within(crowd.join_next()).await.unwrap().unwrap();
    assert_eq!(response.text(), "a[\"x\"]\n");
}

/// A binary codec is refused at start. A server that was not started answers requests with 501.
#[tokio::test]
async fn a_binary_codec_is_refused_with_a_reason() {
    let server = Server::builder()
        .parser(Parser::MessagePack)
        .transport(SockJs::default())
        .build();
    let expected = server.start().await.unwrap_err().to_string();
    assert_eq!(
        expected,
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
        let response = http.request(method, path, &[], b"").await.unwrap();
        assert_eq!(response.status, 501, "{path}");
        assert!(response.text().contains("parser \"msgpack\""));
    }
    assert_eq!(server.connections(), 0);
}
