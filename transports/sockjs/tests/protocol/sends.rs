//! Messages of clients, sent with `xhr_send` and `jsonp_send`.

use stellarfw_transport::{CloseReason, InboxLimits};
use tokio::io::AsyncWriteExt as _;

use crate::{
    fixture::{fixture, fixture_with, session, until, within},
    pages::assert_not_cached,
    support::http::Http,
};

const TEXT: &str = "text/plain; charset=UTF-8";
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn accepted_messages_are_answered_204() {
    let mut fixture = fixture().await;
    let session = session();
    fixture.open(&session, "").await;
    let path = format!("{session}/xhr_send");
    let response = fixture.post(&path, "[\"x\"]").await;
    assert_eq!((response.status, response.text()), (204, ""));
    // Without a content type some browsers parse the response as XML.
    assert_eq!(response.header("content-type"), Some(TEXT));
    assert_not_cached(&response);
    assert_eq!(fixture.message().await, "x");
    fixture.send(&session, "[]").await;
    fixture.send(&session, " [ \"y\" , \"\" ] ").await;
    assert_eq!(fixture.message().await, "y");
    assert_eq!(fixture.message().await, "");
}

#[tokio::test]
async fn the_content_type_is_ignored() {
    let mut fixture = fixture().await;
    let session = session();
    fixture.open(&session, "").await;
    for content_type in [
        "text/plain",
        "T",
        "application/json",
        "application/xml",
        "",
        "application/json; charset=utf-8",
        "text/xml; charset=utf-8",
        "text/xml",
        FORM,
    ] {
        let headers = [("Content-Type", content_type)];
        let path = format!("{session}/xhr_send");
        let response = fixture.request("POST", &path, &headers, "[\"a\"]").await;
        assert_eq!(
            (response.status, response.text()),
            (204, ""),
            "{content_type}"
        );
        assert_eq!(fixture.message().await, "a");
    }
}

#[tokio::test]
async fn malformed_bodies_are_refused() {
    let mut fixture = fixture().await;
    let session = session();
    fixture.open(&session, "").await;
    for (body, expected) in [
        ("[\"x", "Broken JSON encoding."),
        ("[\"x\"]]", "Broken JSON encoding."),
        ("[\"a\", \"\\ud800\"]", "Broken JSON encoding."),
        ("hello", "Broken JSON encoding."),
        ("", "Payload expected."),
        ("\"x\"", "Payload expected."),
        ("{\"a\":\"x\"}", "Payload expected."),
        ("[\"lost\", 1]", "Payload expected."),
        ("[[\"x\"]]", "Payload expected."),
        ("null", "Payload expected."),
    ] {
        let response = fixture.post(&format!("{session}/xhr_send"), body).await;
        assert_eq!(
            (response.status, response.text()),
            (500, expected),
            "{body}"
        );
    }
    let mut http = fixture.http().await;
    let path = format!("/primus{session}/xhr_send");
    let response = http
        .request("POST", &path, &[], b"[\"\xff\xfe\"]")
        .await
        .unwrap();
    assert_eq!(
        (response.status, response.text()),
        (500, "Broken JSON encoding.")
    );
    fixture.send(&session, "[\"a\"]").await;
    assert_eq!(fixture.message().await, "a");
    assert_eq!(fixture.poll(&session).await, "a[\"a\"]\n");
}

#[tokio::test]
async fn too_many_messages_at_once_are_refused() {
    let mut fixture = fixture().await;
    let session = session();
    fixture.open(&session, "?mute").await;
    let body = format!("[{}\"\"]", "\"\",".repeat(65_536));
    let path = format!("{session}/xhr_send?mute");
    assert_eq!(fixture.post(&path, &body).await.status, 413);
    let body = format!("[{}\"last\"]", "\"\",".repeat(65_535));
    assert_eq!(fixture.post(&path, &body).await.status, 204);
    while fixture.message().await != "last" {}
}

#[tokio::test]
async fn forms_are_read_and_plain_bodies_too() {
    let mut fixture = fixture().await;
    let session = session();
    fixture.open(&session, "").await;
    let path = format!("{session}/jsonp_send");
    for (content_type, body) in [
        (FORM, "d=%5B%22abc%22%5D"),
        (
            "application/x-www-form-urlencoded; charset=utf-8",
            "x=1&d=%5B%22abc%22%5D",
        ),
        ("APPLICATION/X-WWW-FORM-URLENCODED", "d=[\"abc\"]"),
        ("text/plain", "[\"abc\"]"),
        ("text/plain", "[\"%61bc\"]"),
    ] {
        let headers = [("Content-Type", content_type)];
        let response = fixture.request("POST", &path, &headers, body).await;
        assert_eq!((response.status, response.text()), (200, "ok"), "{body}");
        assert_eq!(response.header("content-type"), Some(TEXT));
        assert_not_cached(&response);
        let received = if body.contains("\"%61") {
            "%61bc"
        } else {
            "abc"
        };
        assert_eq!(fixture.message().await, received);
    }
    for (body, expected) in [
        ("d=%5B%22x", "Broken JSON encoding."),
        ("d=", "Payload expected."),
        ("", "Payload expected."),
        ("p=p", "Payload expected."),
        ("d=%FF", "Broken JSON encoding."),
    ] {
        let headers = [("Content-Type", FORM)];
        let response = fixture.request("POST", &path, &headers, body).await;
        assert_eq!(
            (response.status, response.text()),
            (500, expected),
            "{body}"
        );
    }
}

#[tokio::test]
async fn sends_to_unknown_sessions_are_refused() {
    let fixture = fixture().await;
    for transport in ["xhr_send", "jsonp_send"] {
        let response = fixture
            .post(&format!("{}/{transport}", session()), "[\"x\"]")
            .await;
        assert_eq!(response.status, 404);
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
    }
    assert_eq!(fixture.server.connections(), 0);
}

/// A body can be three times as long as a message, because of escapes.
#[tokio::test]
async fn oversized_messages_close_the_session() {
    let mut fixture = fixture_with(|_| {}, |config| config.max_length = 1_000).await;
    let escaped = "\\u00e9".repeat(500);
    let one = session();
    fixture.open(&one, "").await;
    fixture.send(&one, &format!("[\"{escaped}\"]")).await;
    assert_eq!(fixture.message().await, "é".repeat(500));

    let long = format!("[\"{}\"]", "x".repeat(1_001));
    fixture.post(&format!("{one}/xhr_send"), &long).await;
    // The earlier echo comes first.
    assert!(fixture.poll(&one).await.starts_with("a["));
    assert_eq!(fixture.poll(&one).await, "c[1009,\"message too big\"]\n");
    assert_eq!(fixture.closed().await, CloseReason::TooLarge);

    let two = session();
    fixture.open(&two, "").await;
    let body = "x".repeat(3 * 1_000 + 4_097);
    let response = fixture.post(&format!("{two}/xhr_send"), &body).await;
    assert_eq!(response.status, 413);
    assert_eq!(fixture.poll(&two).await, "c[1009,\"message too big\"]\n");
    assert_eq!(fixture.closed().await, CloseReason::TooLarge);
}

/// A body with an oversized `Content-Length` is refused without being read.
#[tokio::test]
async fn an_oversized_content_length_is_refused_early() {
    let mut fixture = fixture_with(|_| {}, |config| config.max_length = 1_000).await;
    let session = session();
    fixture.open(&session, "").await;
    let mut http = fixture.http().await;
    let path = format!("/primus{session}/xhr_send");
    let head = Http::head("POST", &path, &[], 1 << 40);
    http.stream.write_all(&head).await.unwrap();
    assert_eq!(within(http.response_head()).await.unwrap().status, 413);
    assert_eq!(
        fixture.poll(&session).await,
        "c[1009,\"message too big\"]\n"
    );
    assert_eq!(fixture.closed().await, CloseReason::TooLarge);
}

/// A body that is shorter than its `Content-Length` times out, and the next sender continues.
#[tokio::test]
async fn a_stalled_body_times_out() {
    let mut fixture = fixture_with(|config| config.send_timeout = 1_000, |_| {}).await;
    let session = session();
    fixture.open(&session, "").await;
    let path = format!("/primus{session}/xhr_send");
    let mut http = fixture.http().await;
    let mut half = Http::head("POST", &path, &[], 10);
    half.extend(b"[\"x\"");
    http.stream.write_all(&half).await.unwrap();
    assert_eq!(within(http.response_head()).await.unwrap().status, 408);

    // The same with a lost connection.
    let mut http = fixture.http().await;
    http.stream.write_all(&half).await.unwrap();
    drop(http);
    fixture.send(&session, "[\"y\"]").await;
    assert_eq!(fixture.message().await, "y");
}

#[tokio::test]
async fn waiting_senders_are_bounded() {
    let inbox = InboxLimits::new(2, 1_000);
    let mut fixture = fixture_with(|_| {}, |config| config.inbox = inbox).await;
    let session = session();
    fixture.open(&session, "?mute").await;
    let path = format!("/primus{session}/xhr_send");
    // The first sender waits for the handler, and the others wait for the first.
    let mut waiting = Vec::new();
    for n in 0..17 {
        let mut http = fixture.http().await;
        let body = format!("[\"wait\",\"{n}\",\"\",\"\"]");
        http.send("POST", &path, &[], body.as_bytes())
            .await
            .unwrap();
        waiting.push(http);
        if n == 0 {
            assert_eq!(fixture.message().await, "wait");
        }
    }
    let mut refused = 0;
    let mut taken = 0;
    let mut answers = tokio::task::JoinSet::new();
    for mut http in waiting {
        answers.spawn(async move { within(http.response_head()).await.unwrap().status });
    }
    while let Some(status) = answers.join_next().await {
        match status.unwrap() {
            503 => {
                refused += 1;
                fixture.gate.add_permits(64);
            }
            204 => taken += 1,
            status => panic!("{status}"),
        }
    }
    assert_eq!((refused, taken), (1, 16));
    until(|| fixture.server.connections() == 1).await;
}
