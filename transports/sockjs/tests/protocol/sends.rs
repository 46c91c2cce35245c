//! What clients send by `xhr_send` and `jsonp_send`.

use stellarfw_transport::{CloseReason, InboxLimits};
use tokio::io::AsyncWriteExt as _;

use crate::{
    bed::{bed, bed_with, session, until, within},
    pages::assert_not_cached,
    support::http::Http,
};

const TEXT: &str = "text/plain; charset=UTF-8";
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn what_was_taken_is_answered_with_nothing() {
    let mut bed = bed().await;
    let session = session();
    bed.open(&session, "").await;
    let path = format!("{session}/xhr_send");
    let answer = bed.post(&path, "[\"x\"]").await;
    assert_eq!((answer.status, answer.text()), (204, ""));
    // Some browsers take it for XML otherwise.
    assert_eq!(answer.header("content-type"), Some(TEXT));
    assert_not_cached(&answer);
    assert_eq!(bed.message().await, "x");
    bed.send(&session, "[]").await;
    bed.send(&session, " [ \"y\" , \"\" ] ").await;
    assert_eq!(bed.message().await, "y");
    assert_eq!(bed.message().await, "");
}

#[tokio::test]
async fn the_type_of_a_body_does_not_matter() {
    let mut bed = bed().await;
    let session = session();
    bed.open(&session, "").await;
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
        let answer = bed.ask("POST", &path, &headers, "[\"a\"]").await;
        assert_eq!((answer.status, answer.text()), (204, ""), "{content_type}");
        assert_eq!(bed.message().await, "a");
    }
}

#[tokio::test]
async fn what_is_not_an_array_of_texts_is_refused_and_harms_nothing() {
    let mut bed = bed().await;
    let session = session();
    bed.open(&session, "").await;
    for (body, told) in [
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
        let answer = bed.post(&format!("{session}/xhr_send"), body).await;
        assert_eq!((answer.status, answer.text()), (500, told), "{body}");
    }
    let mut http = bed.http().await;
    let path = format!("/primus{session}/xhr_send");
    let answer = http
        .ask("POST", &path, &[], b"[\"\xff\xfe\"]")
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.text()),
        (500, "Broken JSON encoding.")
    );
    bed.send(&session, "[\"a\"]").await;
    assert_eq!(bed.message().await, "a");
    assert_eq!(bed.poll(&session).await, "a[\"a\"]\n");
}

#[tokio::test]
async fn too_many_messages_at_once_are_refused() {
    let mut bed = bed().await;
    let session = session();
    bed.open(&session, "?mute").await;
    let body = format!("[{}\"\"]", "\"\",".repeat(65_536));
    let path = format!("{session}/xhr_send?mute");
    assert_eq!(bed.post(&path, &body).await.status, 413);
    let body = format!("[{}\"last\"]", "\"\",".repeat(65_535));
    assert_eq!(bed.post(&path, &body).await.status, 204);
    while bed.message().await != "last" {}
}

#[tokio::test]
async fn forms_are_read_and_plain_bodies_too() {
    let mut bed = bed().await;
    let session = session();
    bed.open(&session, "").await;
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
        let answer = bed.ask("POST", &path, &headers, body).await;
        assert_eq!((answer.status, answer.text()), (200, "ok"), "{body}");
        assert_eq!(answer.header("content-type"), Some(TEXT));
        assert_not_cached(&answer);
        let heard = if body.contains("\"%61") {
            "%61bc"
        } else {
            "abc"
        };
        assert_eq!(bed.message().await, heard);
    }
    for (body, told) in [
        ("d=%5B%22x", "Broken JSON encoding."),
        ("d=", "Payload expected."),
        ("", "Payload expected."),
        ("p=p", "Payload expected."),
        ("d=%FF", "Broken JSON encoding."),
    ] {
        let headers = [("Content-Type", FORM)];
        let answer = bed.ask("POST", &path, &headers, body).await;
        assert_eq!((answer.status, answer.text()), (500, told), "{body}");
    }
}

#[tokio::test]
async fn only_a_session_that_is_there_can_be_sent_to() {
    let bed = bed().await;
    for way in ["xhr_send", "jsonp_send"] {
        let answer = bed.post(&format!("{}/{way}", session()), "[\"x\"]").await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    assert_eq!(bed.server.connections(), 0);
}

/// A body may be three times as long as a message, because of its escapes; a message may not.
#[tokio::test]
async fn what_is_too_long_ends_the_session() {
    let mut bed = bed_with(|_| {}, |config| config.max_length = 1_000).await;
    let escaped = "\\u00e9".repeat(500);
    let one = session();
    bed.open(&one, "").await;
    bed.send(&one, &format!("[\"{escaped}\"]")).await;
    assert_eq!(bed.message().await, "é".repeat(500));

    let long = format!("[\"{}\"]", "x".repeat(1_001));
    bed.post(&format!("{one}/xhr_send"), &long).await;
    // What was echoed before comes first.
    assert!(bed.poll(&one).await.starts_with("a["));
    assert_eq!(bed.poll(&one).await, "c[1009,\"message too big\"]\n");
    assert_eq!(bed.closed().await, CloseReason::TooLarge);

    let two = session();
    bed.open(&two, "").await;
    let body = "x".repeat(3 * 1_000 + 4_097);
    let answer = bed.post(&format!("{two}/xhr_send"), &body).await;
    assert_eq!(answer.status, 413);
    assert_eq!(bed.poll(&two).await, "c[1009,\"message too big\"]\n");
    assert_eq!(bed.closed().await, CloseReason::TooLarge);
}

/// Told by its head, a body that is too long is not even read.
#[tokio::test]
async fn a_length_that_is_too_long_is_believed() {
    let mut bed = bed_with(|_| {}, |config| config.max_length = 1_000).await;
    let session = session();
    bed.open(&session, "").await;
    let mut http = bed.http().await;
    let path = format!("/primus{session}/xhr_send");
    let head = Http::head("POST", &path, &[], 1 << 40);
    http.stream.write_all(&head).await.unwrap();
    assert_eq!(within(http.answer_head()).await.unwrap().status, 413);
    assert_eq!(bed.poll(&session).await, "c[1009,\"message too big\"]\n");
    assert_eq!(bed.closed().await, CloseReason::TooLarge);
}

/// A length that was told too great: the rest never comes, and the next sender has its turn.
#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let mut bed = bed_with(|config| config.send_timeout = 1_000, |_| {}).await;
    let session = session();
    bed.open(&session, "").await;
    let path = format!("/primus{session}/xhr_send");
    let mut http = bed.http().await;
    let mut half = Http::head("POST", &path, &[], 10);
    half.extend(b"[\"x\"");
    http.stream.write_all(&half).await.unwrap();
    assert_eq!(within(http.answer_head()).await.unwrap().status, 408);

    // The connection breaks instead.
    let mut http = bed.http().await;
    http.stream.write_all(&half).await.unwrap();
    drop(http);
    bed.send(&session, "[\"y\"]").await;
    assert_eq!(bed.message().await, "y");
}

#[tokio::test]
async fn so_many_senders_may_wait_and_no_more() {
    let inbox = InboxLimits::new(2, 1_000);
    let mut bed = bed_with(|_| {}, |config| config.inbox = inbox).await;
    let session = session();
    bed.open(&session, "?mute").await;
    let path = format!("/primus{session}/xhr_send");
    // The first waits for its handler, and the others wait for it.
    let mut waiting = Vec::new();
    for n in 0..17 {
        let mut http = bed.http().await;
        let body = format!("[\"wait\",\"{n}\",\"\",\"\"]");
        http.send("POST", &path, &[], body.as_bytes())
            .await
            .unwrap();
        waiting.push(http);
        if n == 0 {
            assert_eq!(bed.message().await, "wait");
        }
    }
    let mut refused = 0;
    let mut taken = 0;
    let mut answers = tokio::task::JoinSet::new();
    for mut http in waiting {
        answers.spawn(async move { within(http.answer_head()).await.unwrap().status });
    }
    while let Some(status) = answers.join_next().await {
        match status.unwrap() {
            503 => {
                refused += 1;
                bed.gate.add_permits(64);
            }
            204 => taken += 1,
            status => panic!("{status}"),
        }
    }
    assert_eq!((refused, taken), (1, 16));
    until(|| bed.server.connections() == 1).await;
}
