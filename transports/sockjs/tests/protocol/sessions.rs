//! What becomes of sessions: one receiver at a time, goodbyes that are repeated, heartbeats, and
//! whose a session is.

use std::{
    io::{Read as _, Write as _},
    time::Duration,
};

use stellarfw_sockjs::{SockJs, SockJsConfig};
use stellarfw_transport::{
    CloseReason, OriginPolicy, Refusal, Server, ServerBuilder, ServerConfig,
};

use crate::{
    bed::{bed, bed_of, bed_with, session, until, within},
    support::http::Http,
};

const BUSY: &str = "c[2010,\"Another connection still open\"]\n";
const INTERRUPTED: &str = "c[1002,\"Connection interrupted\"]\n";

#[tokio::test]
async fn a_closed_session_tells_everyone_why() {
    let mut bed = bed().await;
    let session = session();
    let answer = bed.post(&format!("{session}/xhr?close"), "").await;
    assert_eq!(answer.text(), "o\n");
    bed.opened().await;
    for _ in 0..3 {
        assert_eq!(bed.poll(&session).await, "c[3000,\"Go away!\"]\n");
    }
    let path = format!("{session}/xhr_streaming");
    let rest = bed.stream("POST", &path).await.rest().await;
    assert_eq!(&rest[2_048..], "\nc[3000,\"Go away!\"]\n");
    // It takes nothing more.
    let path = format!("{session}/xhr_send");
    assert_eq!(bed.post(&path, "[\"x\"]").await.status, 404);
    let reason = bed.closed().await;
    assert!(matches!(reason, CloseReason::Protocol { code: 3000, .. }));
}

#[tokio::test]
async fn the_end_is_a_normal_closure_after_all_that_was_sent() {
    let mut bed = bed().await;
    let session = session();
    let spark = bed.open(&session, "").await;
    bed.send(&session, "[\"x\",\"y\"]").await;
    spark.end();
    assert_eq!(bed.poll(&session).await, "a[\"x\",\"y\"]\n");
    for _ in 0..2 {
        assert_eq!(bed.poll(&session).await, "c[1000,\"Normal closure\"]\n");
    }
}

#[tokio::test]
async fn a_second_receiver_is_sent_away() {
    let mut bed = bed().await;
    let session = session();
    let path = format!("{session}/xhr_streaming");
    let mut first = bed.stream("POST", &path).await;
    first.to("\no\n").await;
    bed.opened().await;
    assert_eq!(bed.poll(&session).await, BUSY);
    let second = bed.stream("POST", &path).await.rest().await;
    assert_eq!(&second[2_049..], BUSY);
    let events = bed.stream("GET", &format!("{session}/eventsource")).await;
    let mut events = events;
    assert_eq!(
        events.rest().await,
        format!("\r\ndata: {}\r\n\r\n", BUSY.trim_end())
    );
    // The first one has noticed nothing, and the session is as it was.
    bed.send(&session, "[\"x\"]").await;
    assert_eq!(first.to("\n").await, "a[\"x\"]\n");
}

/// What a receiver had taken may be lost when it breaks off, so that is the end.
#[tokio::test]
async fn a_receiver_that_breaks_off_ends_its_session() {
    for way in ["xhr", "xhr_streaming"] {
        let mut bed = bed().await;
        let session = session();
        bed.open(&session, "").await;
        // Of two that come, one is sent away, and so the other is there.
        let mut there = Vec::new();
        let path = format!("/primus{session}/{way}");
        for _ in 0..2 {
            let mut http = bed.http().await;
            http.send("POST", &path, &[], b"").await.unwrap();
            there.push(http);
        }
        let away = within(sent_away(&mut there)).await;
        drop(there.remove(1 - away));
        assert_eq!(bed.closed().await, CloseReason::Gone);
        for _ in 0..2 {
            assert_eq!(bed.poll(&session).await, INTERRUPTED);
        }
        let answer = bed.post(&format!("{session}/xhr_send"), "[\"x\"]").await;
        assert_eq!(answer.status, 404);
    }
}

/// One that leaves as soon as it has come may never have been seen. Then the session is one without
/// a receiver.
#[tokio::test]
async fn a_receiver_that_leaves_at_once_ends_its_session() {
    let mut bed = bed_with(|config| config.disconnect_delay = 50, |_| {}).await;
    let path = format!("/primus{}/xhr", session());
    let mut http = bed.http().await;
    let answer = within(http.ask("POST", &path, &[], b"")).await.unwrap();
    assert_eq!(answer.text(), "o\n");
    bed.opened().await;
    http.send("POST", &path, &[], b"").await.unwrap();
    drop(http);
    assert_eq!(bed.closed().await, CloseReason::Gone);
}

/// The process is stopped between two polls, for longer than a session waits for the next one. That
/// one has been sent meanwhile, and is in the kernel's hands when the process goes on.
#[tokio::test]
async fn a_stop_of_the_server_ends_no_session_whose_next_poll_has_come() {
    let delay = Duration::from_millis(200);
    let mut bed = bed_with(|config| config.disconnect_delay = 200, |_| {}).await;
    let session = session();
    let spark = bed.open(&session, "").await;
    bed.send(&session, "[\"x\"]").await;
    // Blocking calls: the server runs on this thread, and is not to see anything yet.
    let mut poll = std::net::TcpStream::connect(bed.site.address).unwrap();
    let head = format!(
        "POST /primus{session}/xhr HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    poll.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(delay * 2);
    let answer = tokio::task::spawn_blocking(move || {
        let mut answer = String::new();
        poll.read_to_string(&mut answer).map(|_| answer)
    });
    let answer = within(answer).await.unwrap().unwrap();
    assert!(answer.contains("a[\"x\"]\n"), "{answer}");
    assert!(spark.is_open());
    assert_eq!(bed.message().await, "x");
    // Nobody comes any more.
    assert_eq!(bed.closed().await, CloseReason::Gone);
}

/// Whoever does not come back is given up, even by a server that was stopped.
#[tokio::test]
async fn a_stop_of_the_server_keeps_no_session_for_ever() {
    let mut bed = bed_with(|config| config.disconnect_delay = 100, |_| {}).await;
    bed.open(&session(), "").await;
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(bed.closed().await, CloseReason::Gone);
}

/// Which of two receivers is sent away.
async fn sent_away(there: &mut [Http]) -> usize {
    let [one, two] = there else { panic!("two") };
    let reads_busy = async |http: &mut Http| {
        http.answer_head().await.unwrap();
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
async fn without_a_receiver_a_session_ends_and_its_name_is_free_again() {
    let mut bed = bed_with(|config| config.disconnect_delay = 50, |_| {}).await;
    let session = session();
    let first = bed.open(&session, "").await;
    assert_eq!(bed.closed().await, CloseReason::Gone);
    until(|| bed.server.connections() == 0).await;
    let second = bed.open(&session, "").await;
    assert_ne!(first.id(), second.id());
    assert_eq!(bed.closed().await, CloseReason::Gone);
}

#[tokio::test]
async fn a_closed_session_is_forgotten_after_a_while() {
    let mut bed = bed_with(|config| config.disconnect_delay = 500, |_| {}).await;
    let session = session();
    let spark = bed.open(&session, "").await;
    spark.end();
    assert_eq!(bed.poll(&session).await, "c[1000,\"Normal closure\"]\n");
    within(async {
        while bed.poll(&session).await != "o\n" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// A receiver that has nothing to bring says so from time to time.
#[tokio::test]
async fn idle_receivers_are_kept_alive() {
    let mut bed = bed_with(|config| config.heartbeat_delay = 30, |_| {}).await;
    let one = session();
    let mut stream = bed.stream("POST", &format!("{one}/xhr_streaming")).await;
    stream.to("\no\n").await;
    bed.opened().await;
    for _ in 0..3 {
        assert_eq!(stream.to("\n").await, "h\n");
    }
    bed.send(&one, "[\"x\"]").await;
    assert!(stream.to("a[\"x\"]\n").await.ends_with("a[\"x\"]\n"));

    let two = session();
    bed.message().await;
    bed.open(&two, "").await;
    assert_eq!(bed.poll(&two).await, "h\n");
    let path = format!("{two}/jsonp?c=x");
    assert_eq!(bed.get(&path).await.text(), "/**/x(\"h\");\r\n");
}

/// 0 turns the heartbeat off: a receiver that waits gets what is sent, and stays.
#[tokio::test]
async fn idle_receivers_are_left_alone_without_a_heartbeat() {
    let change = |config: &mut SockJsConfig| {
        config.heartbeat_delay = 0;
        config.disconnect_delay = 50;
    };
    let mut bed = bed_with(change, |_| {}).await;
    let one = session();
    let mut stream = bed.stream("POST", &format!("{one}/xhr_streaming")).await;
    stream.to("\no\n").await;
    bed.opened().await;
    let (two, three) = (session(), session());
    let two_spark = bed.open(&two, "").await;
    let mut waiting = bed.stream("GET", &format!("{two}/eventsource")).await;
    // Once this one is given up, the others would have been, too.
    bed.open(&three, "").await;
    bed.closed().await;
    assert!(two_spark.is_open());
    waiting.to("\r\n").await;
    for n in 0..50 {
        bed.send(&one, &format!("[\"{n}\"]")).await;
        assert_eq!(stream.to("\n").await, format!("a[\"{n}\"]\n"));
        bed.send(&two, &format!("[\"{n}\"]")).await;
        let event = waiting.to("\r\n\r\n").await;
        assert_eq!(event, format!("data: a[\"{n}\"]\r\n\r\n"));
    }
}

#[tokio::test]
async fn deadlines_that_nobody_could_keep_are_refused_at_the_start() {
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

/// On purpose: the server's ping ends a response, so that coming again is the sign of life.
#[tokio::test]
async fn the_servers_ping_is_answered_by_coming_again() {
    let change = |config: &mut ServerConfig| {
        config.ping_interval = 500;
        config.close_timeout = 300;
    };
    let mut bed = bed_with(|_| {}, change).await;
    let session = session();
    let path = format!("{session}/xhr_streaming");
    let mut stream = bed.stream("POST", &path).await;
    assert_eq!(&stream.rest().await[2_048..], "\no\nh\n");
    bed.opened().await;
    let target = format!("/primus{path}");
    for _ in 0..2 {
        stream.http.send("POST", &target, &[], b"").await.unwrap();
        within(stream.http.answer_head()).await.unwrap();
        assert_eq!(&stream.rest().await[2_048..], "\nh\n");
    }
    // Who does not come again is given up.
    let reason = bed.closed().await;
    assert_eq!(reason, CloseReason::HeartbeatTimeout);
    assert_eq!(bed.poll(&session).await, "c[1001,\"heartbeat timeout\"]\n");
}

#[tokio::test]
async fn a_shutdown_is_told_to_those_who_wait() {
    let mut bed = bed().await;
    let path = format!("{}/xhr_streaming", session());
    let mut stream = bed.stream("POST", &path).await;
    stream.to("\no\n").await;
    bed.opened().await;
    let server = bed.server.clone();
    let shutdown = tokio::spawn(async move { server.shutdown(Default::default()).await });
    assert_eq!(stream.rest().await, "c[1001,\"server is shutting down\"]\n");
    assert_eq!(within(shutdown).await.unwrap(), 0);
    let answer = bed.post(&format!("{}/xhr", session()), "").await;
    assert_eq!(answer.status, 503);
}

#[tokio::test]
async fn load_balancers_get_their_cookie() {
    let mut bed = bed_with(|config| config.cookie = true, |_| {}).await;
    for (given, set) in [
        (None, "JSESSIONID=dummy; path=/"),
        (Some("JSESSIONID=abcdef"), "JSESSIONID=abcdef; path=/"),
        (Some("a=b; JSESSIONID=x.y ;c=d"), "JSESSIONID=x.y; path=/"),
        (Some("JSESSIONID="), "JSESSIONID=dummy; path=/"),
    ] {
        let headers = given.map(|cookie| ("Cookie", cookie));
        let headers = headers.as_slice();
        for (method, way) in [
            ("POST", "xhr?close"),
            ("POST", "xhr_streaming?close"),
            ("GET", "eventsource?close"),
            ("GET", "htmlfile?c=x&close"),
            ("GET", "jsonp?c=x&close"),
        ] {
            let path = format!("{}/{way}", session());
            let answer = bed.ask(method, &path, headers, "").await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("set-cookie"), Some(set), "{way}");
        }
        let session = session();
        while !matches!(bed.event().await, crate::bed::Event::Close(_)) {}
        let path = format!("{session}/xhr");
        bed.ask("POST", &path, headers, "").await;
        for way in ["xhr_send", "jsonp_send"] {
            let path = format!("{session}/{way}");
            let answer = bed.ask("POST", &path, headers, "[\"x\"]").await;
            assert_eq!(answer.header("set-cookie"), Some(set), "{way}");
        }
    }
    for path in ["", "/info", "/iframe.html"] {
        assert_eq!(bed.get(path).await.header("set-cookie"), None, "{path}");
    }
}

/// On purpose: the name of a session is all that the protocol asks for. Here it must come from the
/// network that opened it.
#[tokio::test]
async fn a_session_belongs_to_the_network_that_opened_it() {
    let proxied = |config: &mut ServerConfig| {
        config.trusted_proxies = vec!["127.0.0.1".to_owned()].try_into().unwrap();
    };
    let mut bed = bed_with(|_| {}, proxied).await;
    let session = session();
    let of = |address| [("X-Forwarded-For", address)];
    let receive = format!("{session}/xhr");
    let send = format!("{session}/xhr_send");
    let answer = bed.ask("POST", &receive, &of("192.0.2.1"), "").await;
    assert_eq!(answer.text(), "o\n");
    bed.opened().await;
    for (path, body) in [(&receive, ""), (&send, "[\"x\"]")] {
        let answer = bed.ask("POST", path, &of("192.0.2.2"), body).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let answer = bed.ask("POST", &send, &of("192.0.2.1"), "[\"x\"]").await;
    assert_eq!(answer.status, 204);
    let answer = bed.ask("POST", &receive, &of("192.0.2.1"), "").await;
    assert_eq!(answer.text(), "a[\"x\"]\n");

    // It can be turned off.
    let mut bed = bed_with(|config| config.bind_address = false, proxied).await;
    bed.ask("POST", &receive, &of("192.0.2.1"), "").await;
    bed.opened().await;
    let answer = bed.ask("POST", &send, &of("192.0.2.2"), "[\"x\"]").await;
    assert_eq!(answer.status, 204);
}

/// On purpose, for the same reason: with the `Authorization` that it was opened with.
#[tokio::test]
async fn a_session_keeps_its_authorization() {
    let mut bed = bed().await;
    let session = session();
    let own = [("Authorization", "Bearer a")];
    let other = [("Authorization", "Bearer b")];
    let receive = format!("{session}/xhr");
    let send = format!("{session}/xhr_send");
    bed.ask("POST", &receive, &own, "").await;
    bed.opened().await;
    for headers in [&other[..], &[]] {
        assert_eq!(bed.ask("POST", &receive, headers, "").await.status, 404);
        let answer = bed.ask("POST", &send, headers, "[\"x\"]").await;
        assert_eq!(answer.status, 404);
    }
    assert_eq!(bed.ask("POST", &send, &own, "[\"x\"]").await.status, 204);
}

/// On purpose: the protocol lets every page in.
#[tokio::test]
async fn only_pages_of_the_policy_can_open_or_use_sessions() {
    let mut bed = bed().await;
    let session = session();
    bed.open(&session, "").await;
    let foreign = ("Origin", "http://evil.example");
    let tagged = ("Sec-Fetch-Site", "cross-site");
    for (method, way, header) in [
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
        for session in [session.clone(), crate::bed::session()] {
            let path = format!("{session}/{way}");
            let answer = bed.ask(method, &path, &[header], "[\"x\"]").await;
            assert_eq!(answer.status, 403, "{path}");
            assert_eq!(answer.json()["error"], "Origin not allowed");
            // The page may read that it is refused, and nothing else.
            let reader = (header == foreign).then_some(foreign.1);
            assert_eq!(answer.header("access-control-allow-origin"), reader);
        }
    }
    for path in ["/000/s/websocket", "/websocket"] {
        let refused = bed.socket(path, &[foreign]).await.err().unwrap();
        assert_eq!(refused.status, 403, "{path}");
    }
    assert_eq!(bed.server.connections(), 1);
}

#[tokio::test]
async fn a_refusal_is_told_and_leaves_nothing() {
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
    let bed = bed_of(|_| {}, refuse).await;
    let session = session();
    for (method, way) in [
        ("POST", "xhr"),
        ("POST", "xhr_streaming"),
        ("GET", "eventsource"),
    ] {
        let path = format!("{session}/{way}");
        let answer = bed
            .ask(method, &path, &[("Origin", "http://a.com")], "")
            .await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json()["error"], "who are you?");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        // The page can read why.
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed, Some("http://a.com"));
    }
    // The name is free.
    let answer = bed.post(&format!("{session}/xhr?token"), "").await;
    assert_eq!(answer.text(), "o\n");
    // Those who are in are not asked again.
    bed.send(&session, "[\"x\"]").await;
}
