//! The transports without XMLHttpRequest: `eventsource`, `htmlfile` and `jsonp`.

use crate::{
    fixture::{fixture, fixture_with, session},
    pages::assert_not_cached,
};

#[tokio::test]
async fn an_event_source_receives_events() {
    let fixture = fixture().await;
    let session = session();
    let mut stream = fixture
        .stream("GET", &format!("{session}/eventsource"))
        .await;
    assert_eq!(stream.head.status, 200);
    let content_type = stream.head.header("content-type");
    assert_eq!(content_type, Some("text/event-stream"));
    assert_not_cached(&stream.head);
    // The first line makes some browsers open the stream.
    assert_eq!(stream.to("\r\n").await, "\r\n");
    assert_eq!(stream.to("\r\n\r\n").await, "data: o\r\n\r\n");
    fixture.send(&session, "[\"  \\u0000\\n\\r \"]").await;
    assert_eq!(
        stream.to("\r\n\r\n").await,
        "data: a[\"  \\u0000\\n\\r \"]\r\n\r\n"
    );
    // The official client passes each event through `decodeURI`.
    fixture.send(&session, "[\"100%\",\"%22,%22\"]").await;
    assert_eq!(
        stream.to("\r\n\r\n").await,
        "data: a[\"100%25\",\"%2522,%2522\"]\r\n\r\n"
    );
}

#[tokio::test]
async fn an_htmlfile_calls_its_parent() {
    let fixture = fixture().await;
    let session = session();
    let path = format!("{session}/htmlfile?c=%63allback");
    let mut stream = fixture.stream("GET", &path).await;
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
    // No payload can close the script element around it.
    fixture.send(&session, "[\"</script><b>\"]").await;
    assert_eq!(
        stream.to("</script>\r\n").await,
        "<script>\np(\"a[\\\"\\u003c/script>\\u003cb>\\\"]\");\n</script>\r\n"
    );
}

#[tokio::test]
async fn jsonp_calls_the_callback() {
    let fixture = fixture().await;
    let session = session();
    let path = format!("{session}/jsonp?c=%63allback");
    let response = fixture.get(&path).await;
    assert_eq!(response.status, 200);
    // The comment prevents content sniffing by the callback's name.
    assert_eq!(response.text(), "/**/callback(\"o\");\r\n");
    let content_type = response.header("content-type");
    assert_eq!(content_type, Some("application/javascript; charset=UTF-8"));
    assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
    assert_not_cached(&response);
    let sent = fixture
        .post(&format!("{session}/jsonp_send"), "[\"x\\\"\"]")
        .await;
    assert_eq!(sent.text(), "ok");
    assert_eq!(
        fixture
            .get(&format!("{session}/jsonp?callback=a.b"))
            .await
            .text(),
        "/**/a.b(\"a[\\\"x\\\\\\\"\\\"]\");\r\n"
    );
}

#[tokio::test]
async fn callbacks_are_validated_before_a_session_opens() {
    let fixture = fixture().await;
    for transport in ["htmlfile", "jsonp"] {
        for (query, expected) in [
            ("", "\"callback\" parameter required"),
            ("?c=", "\"callback\" parameter required"),
            ("?c=eval(1)", "invalid \"callback\" parameter"),
            ("?c=a%20b", "invalid \"callback\" parameter"),
            ("?c=%3Cscript%3E", "invalid \"callback\" parameter"),
            ("?c=abc%0d%0ax:y", "invalid \"callback\" parameter"),
            ("?c=%00", "invalid \"callback\" parameter"),
            ("?c=%FF", "invalid \"callback\" parameter"),
        ] {
            let response = fixture
                .get(&format!("{}/{transport}{query}", session()))
                .await;
            assert_eq!(
                (response.status, response.text()),
                (500, expected),
                "{transport}{query}"
            );
            let content_type = response.header("content-type");
            assert_eq!(content_type, Some("text/plain; charset=UTF-8"));
            assert_not_cached(&response);
        }
    }
    assert_eq!(fixture.server.connections(), 0);
}

#[tokio::test]
async fn streams_end_at_the_response_limit() {
    for transport in ["eventsource", "htmlfile?c=x"] {
        let mut fixture = fixture_with(|config| config.response_limit = 4_096, |_| {}).await;
        let session = session();
        let path = format!("{session}/{transport}");
        let mut stream = fixture.stream("GET", &path).await;
        stream.to("o").await;
        fixture.opened().await;
        let message = "x".repeat(4_096);
        fixture.send(&session, &format!("[\"{message}\"]")).await;
        assert_eq!(fixture.message().await, message);
        let rest = stream.rest().await;
        assert_eq!(rest.matches(&message).count(), 1);
        // The session stays open.
        let mut stream = fixture.stream("GET", &path).await;
        fixture.send(&session, "[\"next\"]").await;
        stream.to("next").await;
        assert_eq!(fixture.message().await, "next");
    }
}

#[tokio::test]
async fn each_transport_wraps_the_close_frame() {
    let fixture = fixture().await;
    let close_frame = "c[3000,\"Go away!\"]";
    let path = format!("{}/eventsource?close", session());
    let rest = fixture.stream("GET", &path).await.rest().await;
    assert_eq!(
        rest,
        format!("\r\ndata: o\r\n\r\ndata: {close_frame}\r\n\r\n")
    );

    let path = format!("{}/htmlfile?c=x&close", session());
    let rest = fixture.stream("GET", &path).await.rest().await;
    let last = "<script>\np(\"c[3000,\\\"Go away!\\\"]\");\n</script>\r\n";
    assert!(rest.ends_with(last), "{rest}");

    let path = format!("{}/jsonp?c=x&close", session());
    assert_eq!(fixture.get(&path).await.text(), "/**/x(\"o\");\r\n");
    for _ in 0..2 {
        assert_eq!(
            fixture.get(&path).await.text(),
            "/**/x(\"c[3000,\\\"Go away!\\\"]\");\r\n"
        );
    }
}
