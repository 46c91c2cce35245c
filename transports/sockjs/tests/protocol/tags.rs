//! The ways that need no XMLHttpRequest: event sources, pages in frames, scripts.

use crate::{
    bed::{bed, bed_with, session},
    pages::assert_not_cached,
};

#[tokio::test]
async fn an_event_source_gets_events() {
    let bed = bed().await;
    let session = session();
    let mut stream = bed.stream("GET", &format!("{session}/eventsource")).await;
    assert_eq!(stream.head.status, 200);
    let content_type = stream.head.header("content-type");
    assert_eq!(content_type, Some("text/event-stream"));
    assert_not_cached(&stream.head);
    // The first line lets some browsers notice that it has begun.
    assert_eq!(stream.to("\r\n").await, "\r\n");
    assert_eq!(stream.to("\r\n\r\n").await, "data: o\r\n\r\n");
    bed.send(&session, "[\"  \\u0000\\n\\r \"]").await;
    assert_eq!(
        stream.to("\r\n\r\n").await,
        "data: a[\"  \\u0000\\n\\r \"]\r\n\r\n"
    );
    // The official client passes each event through `decodeURI`.
    bed.send(&session, "[\"100%\",\"%22,%22\"]").await;
    assert_eq!(
        stream.to("\r\n\r\n").await,
        "data: a[\"100%25\",\"%2522,%2522\"]\r\n\r\n"
    );
}

#[tokio::test]
async fn a_page_calls_its_parent() {
    let bed = bed().await;
    let session = session();
    let path = format!("{session}/htmlfile?c=%63allback");
    let mut stream = bed.stream("GET", &path).await;
    assert_eq!(stream.head.status, 200);
    let content_type = stream.head.header("content-type");
    assert_eq!(content_type, Some("text/html; charset=UTF-8"));
    assert_not_cached(&stream.head);
    let page = stream.to("\r\n\r\n").await;
    assert!(page.len() > 1_024, "{}", page.len());
    assert!(
        page.starts_with("<!doctype html>\n<html><head>\n"),
        "{page}"
    );
    assert!(page.contains("var c = parent.callback;"), "{page}");
    assert_eq!(
        stream.to("</script>\r\n").await,
        "<script>\np(\"o\");\n</script>\r\n"
    );
    // No payload ends the script that it stands in.
    bed.send(&session, "[\"</script><b>\"]").await;
    assert_eq!(
        stream.to("</script>\r\n").await,
        "<script>\np(\"a[\\\"\\u003c/script>\\u003cb>\\\"]\");\n</script>\r\n"
    );
}

#[tokio::test]
async fn a_script_calls_the_page() {
    let bed = bed().await;
    let session = session();
    let path = format!("{session}/jsonp?c=%63allback");
    let answer = bed.get(&path).await;
    assert_eq!(answer.status, 200);
    // The comment is ours: no stranger's letters come first.
    assert_eq!(answer.text(), "/**/callback(\"o\");\r\n");
    let content_type = answer.header("content-type");
    assert_eq!(content_type, Some("application/javascript; charset=UTF-8"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_not_cached(&answer);
    let sent = bed
        .post(&format!("{session}/jsonp_send"), "[\"x\\\"\"]")
        .await;
    assert_eq!(sent.text(), "ok");
    assert_eq!(
        bed.get(&format!("{session}/jsonp?callback=a.b"))
            .await
            .text(),
        "/**/a.b(\"a[\\\"x\\\\\\\"\\\"]\");\r\n"
    );
}

#[tokio::test]
async fn callbacks_are_checked_before_there_is_a_session() {
    let bed = bed().await;
    for way in ["htmlfile", "jsonp"] {
        for (query, told) in [
            ("", "\"callback\" parameter required"),
            ("?c=", "\"callback\" parameter required"),
            ("?c=eval(1)", "invalid \"callback\" parameter"),
            ("?c=a%20b", "invalid \"callback\" parameter"),
            ("?c=%3Cscript%3E", "invalid \"callback\" parameter"),
            ("?c=abc%0d%0ax:y", "invalid \"callback\" parameter"),
            ("?c=%00", "invalid \"callback\" parameter"),
            ("?c=%FF", "invalid \"callback\" parameter"),
        ] {
            let answer = bed.get(&format!("{}/{way}{query}", session())).await;
            assert_eq!((answer.status, answer.text()), (500, told), "{way}{query}");
            let content_type = answer.header("content-type");
            assert_eq!(content_type, Some("text/plain; charset=UTF-8"));
            assert_not_cached(&answer);
        }
    }
    assert_eq!(bed.server.connections(), 0);
}

#[tokio::test]
async fn they_end_when_they_have_brought_enough() {
    for way in ["eventsource", "htmlfile?c=x"] {
        let mut bed = bed_with(|config| config.response_limit = 4_096, |_| {}).await;
        let session = session();
        let path = format!("{session}/{way}");
        let mut stream = bed.stream("GET", &path).await;
        stream.to("o").await;
        bed.opened().await;
        let message = "x".repeat(4_096);
        bed.send(&session, &format!("[\"{message}\"]")).await;
        assert_eq!(bed.message().await, message);
        let rest = stream.rest().await;
        assert_eq!(rest.matches(&message).count(), 1);
        // And the session goes on.
        let mut stream = bed.stream("GET", &path).await;
        bed.send(&session, "[\"next\"]").await;
        stream.to("next").await;
        assert_eq!(bed.message().await, "next");
    }
}

#[tokio::test]
async fn each_tells_the_end_in_its_own_way() {
    let bed = bed().await;
    let goodbye = "c[3000,\"Go away!\"]";
    let path = format!("{}/eventsource?close", session());
    let rest = bed.stream("GET", &path).await.rest().await;
    assert_eq!(rest, format!("\r\ndata: o\r\n\r\ndata: {goodbye}\r\n\r\n"));

    let path = format!("{}/htmlfile?c=x&close", session());
    let rest = bed.stream("GET", &path).await.rest().await;
    let last = "<script>\np(\"c[3000,\\\"Go away!\\\"]\");\n</script>\r\n";
    assert!(rest.ends_with(last), "{rest}");

    let path = format!("{}/jsonp?c=x&close", session());
    assert_eq!(bed.get(&path).await.text(), "/**/x(\"o\");\r\n");
    for _ in 0..2 {
        assert_eq!(
            bed.get(&path).await.text(),
            "/**/x(\"c[3000,\\\"Go away!\\\"]\");\r\n"
        );
    }
}
