//! What requests are answered: the handshake, the protocol's errors, what browsers need.

use serde_json::{Value, json};
use stellarfw_engineio::EngineIoConfig;
use stellarfw_transport::OriginPolicy;

use super::{
    bed::{bed, default},
    support::line::Way,
};

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
        // The page may read that it is refused, and nothing else.
        let reader = answer.header("access-control-allow-origin");
        assert_eq!(reader, Some("http://evil.example"));
    }
    assert!(spark.is_open());
}

#[tokio::test]
async fn pages_that_may_come_can_read_the_answers() {
    let policy = OriginPolicy::List(vec!["https://a.example".into(), "null".into()]);
    let bed = bed(EngineIoConfig::default(), |c| c.origins = policy).await;
    let all = ["https://a.example", "null"]
        .map(|origin| ["GET", "OPTIONS"].map(|method| (method, origin)));
    for (method, origin) in all.into_iter().flatten() {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Headers", "x-a"),
        ];
        let answer = bed
            .ask(method, "/primus/?EIO=4&transport=polling", &headers)
            .await;
        let header = |name| answer.header(name);
        assert_eq!(header("access-control-allow-origin"), Some(origin));
        assert_eq!(header("access-control-allow-credentials"), Some("true"));
        assert_eq!(header("vary"), Some("Origin"));
        assert_eq!(header("access-control-allow-headers"), Some("x-a"));
    }
    // Without an origin there is nobody to let read.
    let answer = bed
        .ask("GET", "/primus/?EIO=4&transport=polling", &[])
        .await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_eq!(answer.header("access-control-allow-credentials"), None);
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
