//! The lifetime of sessions: receivers, close frames, heartbeats and ownership.

use std::{
    io::{Read as _, Write as _},
    time::Duration,
};

use stellarfw_sockjs::{SockJs, SockJsConfig};
use stellarfw_transport::{
    CloseReason, OriginPolicy, Refusal, Server, ServerBuilder, ServerConfig,
};

use crate::{
    fixture::{fixture, fixture_from, fixture_with, session, until, within},
    support::http::Http,
};

const BUSY: &str = "c[2010,\"Another connection still open\"]\n";
const INTERRUPTED: &str = "c[1002,\"Connection interrupted\"]\n";

#[tokio::test]
async fn a_closed_session_repeats_its_close_frame() {
    let mut fixture = fixture().await;
    let session = session();
    let response = fixture.post(&format!("{session}/xhr?close"), "").await;
    assert_eq!(response.text(), "o\n");
    fixture.opened().await;
    for _ in 0..3 {
        assert_eq!(fixture.poll(&session).await, "c[3000,\"Go away!\"]\n");
    }
    let path = format!("{session}/xhr_streaming");
    let rest = fixture.stream("POST", &path).await.rest().await;
    assert_eq!(&rest[2_048..], "\nc[3000,\"Go away!\"]\n");
    // It accepts no more messages.
    let path = format!("{session}/xhr_send");
    assert_eq!(fixture.post(&path, "[\"x\"]").await.status, 404);
    let reason = fixture.closed().await;
    assert!(matches!(reason, CloseReason::Protocol { code: 3000, .. }));
}

#[tokio::test]
async fn an_end_sends_queued_messages_then_a_normal_closure() {
    let mut fixture = fixture().await;
    let session = session();
    let spark = fixture.open(&session, "").await;
    fixture.send(&session, "[\"x\",\"y\"]").await;
    spark.end();
    assert_eq!(fixture.poll(&session).await, "a[\"x\",\"y\"]\n");
    for _ in 0..2 {
        assert_eq!(fixture.poll(&session).await, "c[1000,\"Normal closure\"]\n");
    }
}

#[tokio::test]
async fn a_second_receiver_is_refused() {
    let mut fixture = fixture().await;
    let session = session();
    let path = format!("{session}/xhr_streaming");
    let mut first = fixture.stream("POST", &path).await;
    first.to("\no\n").await;
    fixture.opened().await;
    assert_eq!(fixture.poll(&session).await, BUSY);
    let second = fixture.stream("POST", &path).await.rest().await;
    assert_eq!(&second[2_049..], BUSY);
    let events = fixture
        .stream("GET", &format!("{session}/eventsource"))
        .await;
    let mut events = events;
    assert_eq!(
        events.rest().await,
        format!("\r\ndata: {}\r\n\r\n", BUSY.trim_end())
    );
    // The first receiver and the session are not affected.
    fixture.send(&session, "[\"x\"]").await;
    assert_eq!(first.to("\n").await, "a[\"x\"]\n");
}

/// A lost receiver may lose frames in flight, so the session closes.
#[tokio::test]
async fn a_lost_receiver_closes_its_session() {
    for transport in ["xhr", "xhr_streaming"] {
        let mut fixture = fixture().await;
        let session = session();
        fixture.open(&session, "").await;
        // Of two receivers one is refused, which shows that the other is attached.
        let mut receivers = Vec::new();
        let path = format!("/primus{session}/{transport}");
        for _ in 0..2 {
            let mut http = fixture.http().await;
            http.send("POST", &path, &[], b"").await.unwrap();
            receivers.push(http);
        }
        let refused = within(refused_receiver(&mut receivers)).await;
        drop(receivers.remove(1 - refused));
        assert_eq!(fixture.closed().await, CloseReason::Gone);
        for _ in 0..2 {
            assert_eq!(fixture.poll(&session).await, INTERRUPTED);
        }
        let response = fixture
            .post(&format!("{session}/xhr_send"), "[\"x\"]")
            .await;
        assert_eq!(response.status, 404);
    }
}

/// The server may never see a receiver that disconnects at once. The disconnect delay applies.
#[tokio::test]
async fn a_receiver_lost_at_once_closes_its_session() {
    let mut fixture = fixture_with(|config| config.disconnect_delay = 50, |_| {}).await;
    let path = format!("/primus{}/xhr", session());
    let mut http = fixture.http().await;
    let response = within(http.request("POST", &path, &[], b"")).await.unwrap();
    assert_eq!(response.text(), "o\n");
    fixture.opened().await;
    http.send("POST", &path, &[], b"").await.unwrap();
    drop(http);
    assert_eq!(fixture.closed().await, CloseReason::Gone);
}

/// The process is stopped between two polls for longer than the disconnect delay.
///
/// The next poll was sent meanwhile and is in the accept queue when the process continues.
#[tokio::test]
async fn a_stopped_process_keeps_sessions_with_a_pending_poll() {
    let delay = Duration::from_millis(200);
    let mut fixture = fixture_with(|config| config.disconnect_delay = 200, |_| {}).await;
    let session = session();
    let spark = fixture.open(&session, "").await;
    fixture.send(&session, "[\"x\"]").await;
    // Blocking calls: the server runs on this thread and must not process anything yet.
    let mut poll = std::net::TcpStream::connect(fixture.site.address).unwrap();
    let head = format!(
        "POST /primus{session}/xhr HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    poll.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(delay * 2);
    let response = tokio::task::spawn_blocking(move || {
        let mut response = String::new();
        poll.read_to_string(&mut response).map(|_| response)
    });
    let response = within(response).await.unwrap().unwrap();
    assert!(response.contains("a[\"x\"]\n"), "{response}");
    assert!(spark.is_open());
    assert_eq!(fixture.message().await, "x");
    // No further poll is sent.
    assert_eq!(fixture.closed().await, CloseReason::Gone);
}

/// A session without a next poll closes even after the process was stopped.
#[tokio::test]
async fn a_stopped_process_still_closes_abandoned_sessions() {
    let mut fixture = fixture_with(|config| config.disconnect_delay = 100, |_| {}).await;
    fixture.open(&session(), "").await;
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(fixture.closed().await, CloseReason::Gone);
}

/// Returns the index of the receiver that is refused.
async fn refused_receiver(receivers: &mut [Http]) -> usize {
    let [one, two] = receivers else { panic!("two") };
    let reads_busy = async |http: &mut Http| {
        http.response_head().await.unwrap();
        let mut text = Vec::new();
        while !text.ends_with(BUSY.as_bytes()) {
            text.extend(http.part().await.unwrap().unwrap());
        }
    };
    tokio::select! {
        () = reads_busy(one) => 0,
        () = reads_busy(two) => 1,
    }
}

#[tokio::test]
async fn a_session_without_a_receiver_closes_and_frees_its_name() {
    let mut fixture = fixture_with(|config| config.disconnect_delay = 50, |_| {}).await;
    let session = session();
    let first = fixture.open(&session, "").await;
    assert_eq!(fixture.closed().await, CloseReason::Gone);
    until(|| fixture.server.connections() == 0).await;
    let second = fixture.open(&session, "").await;
    assert_ne!(first.id(), second.id());
    assert_eq!(fixture.closed().await, CloseReason::Gone);
}

#[tokio::test]
async fn a_closed_session_is_removed_after_the_delay() {
    let mut fixture = fixture_with(|config| config.disconnect_delay = 500, |_| {}).await;
    let session = session();
    let spark = fixture.open(&session, "").await;
    spark.end();
    assert_eq!(fixture.poll(&session).await, "c[1000,\"Normal closure\"]\n");
    within(async {
        while fixture.poll(&session).await != "o\n" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// An idle receiver gets an `h` frame after each heartbeat delay.
#[tokio::test]
async fn idle_receivers_get_heartbeats() {
    let mut fixture = fixture_with(|config| config.heartbeat_delay = 30, |_| {}).await;
    let one = session();
    let mut stream = fixture
        .stream("POST", &format!("{one}/xhr_streaming"))
        .await;
    stream.to("\no\n").await;
    fixture.opened().await;
    for _ in 0..3 {
        assert_eq!(stream.to("\n").await, "h\n");
    }
    fixture.send(&one, "[\"x\"]").await;
    assert!(stream.to("a[\"x\"]\n").await.ends_with("a[\"x\"]\n"));

    let two = session();
    fixture.message().await;
    fixture.open(&two, "").await;
    assert_eq!(fixture.poll(&two).await, "h\n");
    let path = format!("{two}/jsonp?c=x");
    assert_eq!(fixture.get(&path).await.text(), "/**/x(\"h\");\r\n");
}

/// A heartbeat delay of 0 turns heartbeats off, and idle receivers stay.
#[tokio::test]
async fn idle_receivers_stay_without_heartbeats() {
    let change = |config: &mut SockJsConfig| {
        config.heartbeat_delay = 0;
        config.disconnect_delay = 50;
    };
    let mut fixture = fixture_with(change, |_| {}).await;
    let one = session();
    let mut stream = fixture
        .stream("POST", &format!("{one}/xhr_streaming"))
        .await;
    stream.to("\no\n").await;
    fixture.opened().await;
    let (two, three) = (session(), session());
    let two_spark = fixture.open(&two, "").await;
    let mut waiting = fixture.stream("GET", &format!("{two}/eventsource")).await;
    // The others would have closed by the time that this session closes.
    fixture.open(&three, "").await;
    fixture.closed().await;
    assert!(two_spark.is_open());
    waiting.to("\r\n").await;
    for n in 0..50 {
        fixture.send(&one, &format!("[\"{n}\"]")).await;
        assert_eq!(stream.to("\n").await, format!("a[\"{n}\"]\n"));
        fixture.send(&two, &format!("[\"{n}\"]")).await;
        let event = waiting.to("\r\n\r\n").await;
        assert_eq!(event, format!("data: a[\"{n}\"]\r\n\r\n"));
    }
}

#[tokio::test]
async fn zero_timeouts_are_refused_at_start() {
    type Change = fn(&mut SockJsConfig);
    for (name, change) in [
        (
            "disconnectDelay",
            (|config| config.disconnect_delay = 0) as Change,
        ),
        ("sendTimeout", |config| config.send_timeout = 0),
    ] {
        let mut config = SockJsConfig::default();
        change(&mut config);
        let server = Server::builder().transport(SockJs::new(config)).build();
        let error = server.start().await.unwrap_err().to_string();
        assert!(error.contains(&format!("{name} is 0")), "{error}");
    }
}

/// The server's ping ends the response, and the next request counts as the pong.
#[tokio::test]
async fn a_ping_ends_the_response_and_the_next_request_answers_it() {
    let change = |config: &mut ServerConfig| {
        config.ping_interval = 500;
        config.close_timeout = 300;
    };
    let mut fixture = fixture_with(|_| {}, change).await;
    let session = session();
    let path = format!("{session}/xhr_streaming");
    let mut stream = fixture.stream("POST", &path).await;
    assert_eq!(&stream.rest().await[2_048..], "\no\nh\n");
    fixture.opened().await;
    let target = format!("/primus{path}");
    for _ in 0..2 {
        stream.http.send("POST", &target, &[], b"").await.unwrap();
        within(stream.http.response_head()).await.unwrap();
        assert_eq!(&stream.rest().await[2_048..], "\nh\n");
    }
    // A client without a next request is closed.
    let reason = fixture.closed().await;
    assert_eq!(reason, CloseReason::HeartbeatTimeout);
    assert_eq!(
        fixture.poll(&session).await,
        "c[1001,\"heartbeat timeout\"]\n"
    );
}

#[tokio::test]
async fn a_shutdown_reaches_waiting_receivers() {
    let mut fixture = fixture().await;
    let path = format!("{}/xhr_streaming", session());
    let mut stream = fixture.stream("POST", &path).await;
    stream.to("\no\n").await;
    fixture.opened().await;
    let server = fixture.server.clone();
    let shutdown = tokio::spawn(async move { server.shutdown(Default::default()).await });
    assert_eq!(stream.rest().await, "c[1001,\"server is shutting down\"]\n");
    assert_eq!(within(shutdown).await.unwrap(), 0);
    let response = fixture.post(&format!("{}/xhr", session()), "").await;
    assert_eq!(response.status, 503);
}

#[tokio::test]
async fn the_affinity_cookie_is_set() {
    let mut fixture = fixture_with(|config| config.cookie = true, |_| {}).await;
    for (given, set) in [
        (None, "JSESSIONID=dummy; path=/"),
        (Some("JSESSIONID=abcdef"), "JSESSIONID=abcdef; path=/"),
        (Some("a=b; JSESSIONID=x.y ;c=d"), "JSESSIONID=x.y; path=/"),
        (Some("JSESSIONID="), "JSESSIONID=dummy; path=/"),
    ] {
        let headers = given.map(|cookie| ("Cookie", cookie));
        let headers = headers.as_slice();
        for (method, transport) in [
            ("POST", "xhr?close"),
            ("POST", "xhr_streaming?close"),
            ("GET", "eventsource?close"),
            ("GET", "htmlfile?c=x&close"),
            ("GET", "jsonp?c=x&close"),
        ] {
            let path = format!("{}/{transport}", session());
            let response = fixture.request(method, &path, headers, "").await;
            assert_eq!(response.status, 200);
            assert_eq!(response.header("set-cookie"), Some(set), "{transport}");
        }
        let session = session();
        while !matches!(fixture.event().await, crate::fixture::Event::Close(_)) {}
        let path = format!("{session}/xhr");
        fixture.request("POST", &path, headers, "").await;
        for transport in ["xhr_send", "jsonp_send"] {
            let path = format!("{session}/{transport}");
            let response = fixture.request("POST", &path, headers, "[\"x\"]").await;
            assert_eq!(response.header("set-cookie"), Some(set), "{transport}");
        }
    }
    for path in ["", "/info", "/iframe.html"] {
        assert_eq!(fixture.get(path).await.header("set-cookie"), None, "{path}");
    }
}

/// Later requests must come from the network that opened the session.
///
/// The protocol itself identifies a session by its name alone.
#[tokio::test]
async fn a_session_is_bound_to_its_network() {
    let proxied = |config: &mut ServerConfig| {
        config.trusted_proxies = vec!["127.0.0.1".to_owned()].try_into().unwrap();
    };
    let mut fixture = fixture_with(|_| {}, proxied).await;
    let session = session();
    let of = |address| [("X-Forwarded-For", address)];
    let receive = format!("{session}/xhr");
    let send = format!("{session}/xhr_send");
    let response = fixture
        .request("POST", &receive, &of("192.0.2.1"), "")
        .await;
    assert_eq!(response.text(), "o\n");
    fixture.opened().await;
    for (path, body) in [(&receive, ""), (&send, "[\"x\"]")] {
        let response = fixture.request("POST", path, &of("192.0.2.2"), body).await;
        assert_eq!(response.status, 404, "{path}");
    }
    let response = fixture
        .request("POST", &send, &of("192.0.2.1"), "[\"x\"]")
        .await;
    assert_eq!(response.status, 204);
    let response = fixture
        .request("POST", &receive, &of("192.0.2.1"), "")
        .await;
    assert_eq!(response.text(), "a[\"x\"]\n");

    // The binding can be turned off.
    let mut fixture = fixture_with(|config| config.bind_address = false, proxied).await;
    fixture
        .request("POST", &receive, &of("192.0.2.1"), "")
        .await;
    fixture.opened().await;
    let response = fixture
        .request("POST", &send, &of("192.0.2.2"), "[\"x\"]")
        .await;
    assert_eq!(response.status, 204);
}

/// Later requests must carry the `Authorization` that opened the session.
#[tokio::test]
async fn a_session_is_bound_to_its_authorization() {
    let mut fixture = fixture().await;
    let session = session();
    let own = [("Authorization", "Bearer a")];
    let other = [("Authorization", "Bearer b")];
    let receive = format!("{session}/xhr");
    let send = format!("{session}/xhr_send");
    fixture.request("POST", &receive, &own, "").await;
    fixture.opened().await;
    for headers in [&other[..], &[]] {
        assert_eq!(
            fixture.request("POST", &receive, headers, "").await.status,
            404
        );
        let response = fixture.request("POST", &send, headers, "[\"x\"]").await;
        assert_eq!(response.status, 404);
    }
    assert_eq!(
        fixture.request("POST", &send, &own, "[\"x\"]").await.status,
        204
    );
}

/// The protocol itself accepts every origin.
#[tokio::test]
async fn the_origin_policy_applies_to_every_request() {
    let mut fixture = fixture().await;
    let session = session();
    fixture.open(&session, "").await;
    let foreign = ("Origin", "http://evil.example");
    let tagged = ("Sec-Fetch-Site", "cross-site");
    for (method, transport, header) in [
        ("POST", "xhr", foreign),
        ("POST", "xhr_streaming", foreign),
        ("POST", "xhr_send", foreign),
        ("POST", "jsonp_send", foreign),
        ("GET", "eventsource", foreign),
        ("GET", "eventsource", tagged),
        ("GET", "htmlfile?c=x", tagged),
        ("GET", "jsonp?c=x", tagged),
        ("GET", "jsonp?c=x", ("User-Agent", "Mozilla/5.0")),
        (
            "GET",
            "jsonp?c=x",
            ("Referer", "http://evil.example/localhost"),
        ),
    ] {
        for session in [session.clone(), crate::fixture::session()] {
            let path = format!("{session}/{transport}");
            let response = fixture.request(method, &path, &[header], "[\"x\"]").await;
            assert_eq!(response.status, 403, "{path}");
            assert_eq!(response.json()["error"], "Origin not allowed");
            // The page may read the refusal.
            let reader = (header == foreign).then_some(foreign.1);
            assert_eq!(response.header("access-control-allow-origin"), reader);
        }
    }
    for path in ["/000/s/websocket", "/websocket"] {
        let refused = fixture.socket(path, &[foreign]).await.err().unwrap();
        assert_eq!(refused.status, 403, "{path}");
    }
    assert_eq!(fixture.server.connections(), 1);
}

#[tokio::test]
async fn a_refusal_reaches_the_client_and_frees_the_name() {
    let refuse = |builder: ServerBuilder| {
        builder
            .configure(|config| config.origins = OriginPolicy::Any)
            .authorize(|parts| {
                let known = parts.uri.query() == Some("token");
                async move {
                    let refusal = Refusal::new("who are you?").www_authenticate("Bearer");
                    if known { Ok(None::<()>) } else { Err(refusal) }
                }
            })
    };
    let fixture = fixture_from(|_| {}, refuse).await;
    let session = session();
    for (method, transport) in [
        ("POST", "xhr"),
        ("POST", "xhr_streaming"),
        ("GET", "eventsource"),
    ] {
        let path = format!("{session}/{transport}");
        let response = fixture
            .request(method, &path, &[("Origin", "http://a.com")], "")
            .await;
        assert_eq!(response.status, 401);
        assert_eq!(response.json()["error"], "who are you?");
        assert_eq!(response.header("www-authenticate"), Some("Bearer"));
        // The page can read the reason.
        let allowed = response.header("access-control-allow-origin");
        assert_eq!(allowed, Some("http://a.com"));
    }
    // The name is not in use.
    let response = fixture.post(&format!("{session}/xhr?token"), "").await;
    assert_eq!(response.text(), "o\n");
    // The authorizer does not run again for later requests.
    fixture.send(&session, "[\"x\"]").await;
}
