//! Paths and methods of the engine.

use crate::fixture::{fixture, fixture_with};

#[tokio::test]
async fn any_two_segments_name_a_session() {
    let mut fixture = fixture().await;
    for path in ["/a/a", "/_/_", "/1/1", "/abcdefgh_i-j%20/abcdefg_i-j%20"] {
        fixture.open(path, "").await;
    }
}

#[tokio::test]
async fn the_server_segment_is_ignored() {
    let mut fixture = fixture().await;
    fixture.open("/000/same", "").await;
    fixture.send("/111/same", "[\"a\"]").await;
    assert_eq!(fixture.poll("/999/same").await, "a[\"a\"]\n");
}

#[tokio::test]
async fn other_paths_are_not_found() {
    let fixture = fixture().await;
    for path in [
        "//", "/a", "/a.html", "/a/", "/a/a", "/a/a/", "/a/a/a", "/a/b/c/d",
    ] {
        for method in ["GET", "POST"] {
            let response = fixture.request(method, path, &[], "").await;
            assert_eq!(response.status, 404, "{method} {path}");
            assert_eq!(response.header("set-cookie"), None);
        }
    }
    let long = format!("/a/{}", "x".repeat(257));
    for session in [
        "//", "/a.", "/a./a", "/a/a.", "/./.", "/a", "//a", "/a/", "", "/a/b/c", &long,
    ] {
        for (method, transport) in [
            ("POST", "xhr"),
            ("POST", "xhr_streaming"),
            ("POST", "xhr_send"),
            ("GET", "eventsource"),
            ("GET", "htmlfile?c=x"),
            ("GET", "jsonp?c=x"),
            ("POST", "jsonp_send"),
            ("POST", "xhr/"),
        ] {
            let path = format!("{session}/{transport}");
            let response = fixture.request(method, &path, &[], "[]").await;
            assert_eq!(response.status, 404, "{path}");
        }
        if !session.is_empty() {
            let path = format!("{session}/websocket");
            assert_eq!(fixture.socket(&path, &[]).await.err().unwrap().status, 404);
        }
    }
    assert_eq!(fixture.server.connections(), 0);
}

#[tokio::test]
async fn other_methods_are_405_with_allow() {
    let fixture = fixture().await;
    for (path, methods) in [
        ("", "GET"),
        ("/info", "OPTIONS, GET"),
        ("/iframe.html", "GET"),
        ("/websocket", "GET"),
        ("/a/b/websocket", "GET"),
        ("/a/b/xhr", "OPTIONS, POST"),
        ("/a/b/xhr_streaming", "OPTIONS, POST"),
        ("/a/b/xhr_send", "OPTIONS, POST"),
        ("/a/b/eventsource", "GET"),
        ("/a/b/htmlfile", "GET"),
        ("/a/b/jsonp", "GET"),
        ("/a/b/jsonp_send", "POST"),
    ] {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
            if methods.contains(method) {
                continue;
            }
            let response = fixture.request(method, path, &[], "").await;
            let expected = (response.status, response.header("allow"), response.text());
            assert_eq!(expected, (405, Some(methods), ""), "{method} {path}");
            assert_eq!(response.header("content-type"), None);
        }
    }
    assert_eq!(fixture.server.connections(), 0);
}

#[tokio::test]
async fn websocket_paths_are_404_when_disabled() {
    let fixture = fixture_with(|config| config.websocket = false, |_| {}).await;
    for path in ["/a/b/websocket", "/websocket"] {
        assert_eq!(fixture.get(path).await.status, 404);
        assert_eq!(fixture.socket(path, &[]).await.err().unwrap().status, 404);
    }
}
