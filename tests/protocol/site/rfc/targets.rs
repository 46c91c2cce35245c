//! The host that a request is for (RFC 9110 section 7.2, RFC 9112 section 3.2).

use super::{Site, raw, site};

#[tokio::test]
async fn one_host_and_one_length() {
    let Site {
        host,
        folder: _folder,
    } = site().await;
    let close = "Connection: close\r\n";
    for path in [
        "/a.txt",
        "/docs",
        "/stellar-client",
        "/api/echo",
        "/engine.io/",
        "/primus",
    ] {
        for (what, head, is_good) in [
            ("one", "Host: localhost\r\n", true),
            ("a port", "Host: a.localhost:8080\r\n", true),
            ("IPv6", "Host: [::1]:80\r\n", true),
            ("none", "", false),
            ("two", "Host: localhost\r\nHost: b\r\n", false),
            ("two alike", "Host: localhost\r\nHost: localhost\r\n", false),
            ("a space", "Host: a b\r\n", false),
            ("a path", "Host: a/b\r\n", false),
            ("a user", "Host: u@a\r\n", false),
            ("no port", "Host: a:b\r\n", false),
            ("folded", "Host: localhost\r\n b\r\n", false),
            ("a space before the colon", "Host : a\r\n", false),
            (
                "two lengths",
                "Host: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
                false,
            ),
            (
                "no length",
                "Host: localhost\r\nContent-Length: x\r\n",
                false,
            ),
            (
                "a negative length",
                "Host: localhost\r\nContent-Length: -1\r\n",
                false,
            ),
            (
                "a list of lengths",
                "Host: localhost\r\nContent-Length: 0, 1\r\n",
                false,
            ),
            (
                "not chunked at last",
                "Host: localhost\r\nTransfer-Encoding: chunked, gzip\r\n",
                false,
            ),
        ] {
            let answer = raw(&host, &format!("GET {path} HTTP/1.1\r\n{head}{close}\r\n")).await;
            let is_refused = answer.starts_with("HTTP/1.1 400 ") && {
                // One of an engine has its own words for it.
                answer.to_ascii_lowercase().contains("connection: close")
            };
            let is_engine = path == "/engine.io/";
            assert!(
                is_engine || is_refused != is_good,
                "{path} with {what}: {answer}"
            );
            assert!(
                !answer.is_empty() && (is_good || is_refused),
                "{path} with {what}: {answer}"
            );
        }
        let answer = raw(&host, &format!("GET {path} HTTP/1.0\r\n\r\n")).await;
        assert!(
            !answer.contains(" 400 ") || path == "/engine.io/",
            "{answer}"
        );
    }
    // Both a length and chunks: it may be taken for chunks, and the connection is closed.
    for both in [
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
    ] {
        let next = "GET /api/echo?smuggled=1 HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let request =
            format!("POST /api/echo HTTP/1.1\r\nHost: localhost\r\n{both}\r\n\r\n0\r\n\r\n{next}");
        let answer = raw(&host, &request).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        assert!(!answer.contains("smuggled"), "{answer}");
    }
    // The host of the request line counts, not the header's.
    let request = format!(
        "GET http://{}/a.txt HTTP/1.1\r\nHost: other\r\n{close}\r\n",
        host.address
    );
    let answer = raw(&host, &request).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_target_has_the_scheme_that_it_came_by() {
    let Site {
        host,
        folder: _folder,
    } = site().await;
    let answer = async |target: &str, hosts: &str| {
        let request = format!("GET {target} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        raw(&host, &request).await
    };
    // RFC 9110 section 7.4: what is of https does not come without TLS.
    for path in ["/a.txt", "/api/echo", "/primus/spec", "/none"] {
        let secure = answer(&format!("https://localhost{path}"), "Host: localhost\r\n").await;
        assert!(secure.starts_with("HTTP/1.1 421 "), "{path}: {secure}");
        let plain = answer(&format!("http://localhost{path}"), "Host: localhost\r\n").await;
        assert!(!plain.starts_with("HTTP/1.1 421 "), "{path}: {plain}");
    }
    // RFC 9112 section 3.2: also with the absolute form.
    let none = answer("http://a/a.txt", "").await;
    assert!(none.starts_with("HTTP/1.1 400 "), "{none}");
    // RFC 9110 section 4.2.1.
    let empty = answer("http:///a.txt", "Host: localhost\r\n").await;
    assert!(empty.starts_with("HTTP/1.1 400 "), "{empty}");
    let empty = answer("/a.txt", "Host:\r\n").await;
    assert!(empty.starts_with("HTTP/1.1 200 "), "{empty}");
}
