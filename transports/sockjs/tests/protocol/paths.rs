//! Which paths and methods there are.

use crate::bed::{bed, bed_with};

#[tokio::test]
async fn names_may_be_anything_in_two_segments() {
    let mut bed = bed().await;
    for path in ["/a/a", "/_/_", "/1/1", "/abcdefgh_i-j%20/abcdefg_i-j%20"] {
        bed.open(path, "").await;
    }
}

#[tokio::test]
async fn the_first_name_means_nothing() {
    let mut bed = bed().await;
    bed.open("/000/same", "").await;
    bed.send("/111/same", "[\"a\"]").await;
    assert_eq!(bed.poll("/999/same").await, "a[\"a\"]\n");
}

#[tokio::test]
async fn other_paths_are_not_found() {
    let bed = bed().await;
    for path in [
        "//", "/a", "/a.html", "/a/", "/a/a", "/a/a/", "/a/a/a", "/a/b/c/d",
    ] {
        for method in ["GET", "POST"] {
            let answer = bed.ask(method, path, &[], "").await;
            assert_eq!(answer.status, 404, "{method} {path}");
            assert_eq!(answer.header("set-cookie"), None);
        }
    }
    let long = format!("/a/{}", "x".repeat(257));
    for session in [
        "//", "/a.", "/a./a", "/a/a.", "/./.", "/a", "//a", "/a/", "", "/a/b/c", &long,
    ] {
        for (method, way) in [
            ("POST", "xhr"),
            ("POST", "xhr_streaming"),
            ("POST", "xhr_send"),
            ("GET", "eventsource"),
            ("GET", "htmlfile?c=x"),
            ("GET", "jsonp?c=x"),
            ("POST", "jsonp_send"),
            ("POST", "xhr/"),
        ] {
            let path = format!("{session}/{way}");
            let answer = bed.ask(method, &path, &[], "[]").await;
            assert_eq!(answer.status, 404, "{path}");
        }
        if !session.is_empty() {
            let path = format!("{session}/websocket");
            assert_eq!(bed.socket(&path, &[]).await.err().unwrap().status, 404);
        }
    }
    assert_eq!(bed.server.connections(), 0);
}

#[tokio::test]
async fn other_methods_are_told_which_there_are() {
    let bed = bed().await;
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
            let answer = bed.ask(method, path, &[], "").await;
            let told = (answer.status, answer.header("allow"), answer.text());
            assert_eq!(told, (405, Some(methods), ""), "{method} {path}");
            assert_eq!(answer.header("content-type"), None);
        }
    }
    assert_eq!(bed.server.connections(), 0);
}

#[tokio::test]
async fn without_websocket_its_paths_are_not_there() {
    let bed = bed_with(|config| config.websocket = false, |_| {}).await;
    for path in ["/a/b/websocket", "/websocket"] {
        assert_eq!(bed.get(path).await.status, 404);
        assert_eq!(bed.socket(path, &[]).await.err().unwrap().status, 404);
    }
}
