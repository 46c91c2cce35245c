//! What caches are told (RFC 9110 section 12.5.5, RFC 9111).

use stellarfw::Stellar;

use super::{Site, TEXT, raw, site};
use crate::{
    http::echo,
    support::{Folder, Host, host},
};

#[tokio::test]
async fn a_coding_has_its_own_tag_and_is_told_to_caches() {
    let Site {
        host,
        folder: _folder,
    } = site().await;
    let takes = |coding: &'static str| [("Accept-Encoding", coding)];
    for path in ["/a.txt", "/c.js", "/page.html", "/stellar-client", "/docs"] {
        let line = format!("GET {path}");
        let plain = host.get(path).await;
        assert_eq!(
            plain.header("vary").map(str::to_lowercase).as_deref(),
            Some("accept-encoding")
        );
        for coding in ["gzip", "br"] {
            let small = host.http(&line, &takes(coding), b"").await;
            assert_eq!(small.header("content-encoding"), Some(coding), "{path}");
            assert_eq!(small.header("vary"), plain.header("vary"));
            let tag = small.header("etag").unwrap();
            // 8.8.3.3: one strong tag is of one sequence of bytes.
            assert_ne!(Some(tag), plain.header("etag"), "{path} {coding}");
            let headers = [("Accept-Encoding", coding), ("If-None-Match", tag)];
            let known = host.http(&line, &headers, b"").await;
            assert_eq!(known.status, 304, "{path} {coding}");
            assert_eq!(known.header("etag"), Some(tag));
            assert_eq!(known.header("vary"), plain.header("vary"));
            let head = host
                .http(&format!("HEAD {path}"), &takes(coding), b"")
                .await;
            for name in [
                "etag",
                "content-encoding",
                "content-type",
                "vary",
                "cache-control",
            ] {
                assert_eq!(head.header(name), small.header(name), "{name} of {path}");
            }
            let length = head.header("content-length");
            assert!(
                length.is_none() || length == small.header("content-length"),
                "{path}"
            );
        }
        let refused = host.http(&line, &takes("gzip;q=0, br;q=0"), b"").await;
        assert_eq!(refused.header("content-encoding"), None);
    }
    // Parts are of the file as it is, whatever codings are taken.
    let headers = [("Accept-Encoding", "gzip, br"), ("Range", "bytes=2-4")];
    let part = host.http("GET /c.js", &headers, b"").await;
    assert_eq!(
        (part.status, part.text(), part.header("content-encoding")),
        (206, "234", None)
    );
    let beside = host.http("GET /c.js", &takes("gzip"), b"").await;
    assert_eq!(beside.body, b"\x1f\x8bgzip");
    let binary = host.http("GET /b.bin", &takes("gzip, br"), b"").await;
    assert_eq!(
        (binary.header("content-encoding"), binary.header("vary")),
        (None, None)
    );
}

#[tokio::test]
async fn a_session_is_kept_by_no_shared_cache() {
    let Site {
        host,
        folder: _folder,
    } = site().await;
    for path in [
        "/page.html",
        "/docs",
        "/api/echo",
        "/api/file",
        "/api/page",
        "/api/none",
    ] {
        for headers in [
            &[] as &[_],
            &[("Cookie", "sessionID=abc")],
            &[("Range", "bytes=0-1")],
        ] {
            let reply = host.http(&format!("GET {path}"), headers, b"").await;
            assert!(reply.header("x-sessionid").is_some(), "{path}");
            let cache = reply.header("cache-control").unwrap();
            let is_own = cache.contains("private") || cache.contains("no-store");
            assert!(is_own && !cache.contains("public"), "{path}: {cache}");
        }
    }
    let page = host.get("/page.html").await;
    assert_eq!(page.header("cache-control"), Some("private, max-age=60"));
    let text = host.get("/a.txt").await;
    assert_eq!(text.header("cache-control"), Some("public, max-age=60"));
    assert_eq!(
        (text.header("set-cookie"), text.header("x-sessionid")),
        (None, None)
    );
    let asking = host_of(Stellar::builder().configure(|config| config.file_max_age = 0)).await;
    let page = asking.host.get("/page.html").await;
    assert!(page.header("set-cookie").is_some());
    assert_eq!(page.header("cache-control"), Some("private, no-cache"));
}

async fn host_of(builder: stellarfw::Builder) -> Site {
    let folder = Folder::new();
    folder.write("page.html", TEXT);
    Site {
        host: host(builder.public(folder.path())).await,
        folder,
    }
}

#[tokio::test]
async fn an_answer_that_depends_on_the_origin_says_so() {
    let host = host(echo().configure(|config| {
        config.cors.origins = vec!["https://good.example".into(), "https://fine.example".into()];
    }))
    .await;
    for path in ["/api/echo", "/stellar-client", "/none"] {
        for origin in [
            &[] as &[_],
            &[("Origin", "https://good.example")],
            &[("Origin", "https://evil.example")],
        ] {
            let mut stream = raw_headers(&host, path, origin).await.to_lowercase();
            stream.retain(|c| c != ' ');
            let varies = stream.lines().filter(|line| line.starts_with("vary:"));
            assert!(
                varies.clone().any(|line| line.contains("origin")),
                "{path}: {stream}"
            );
        }
    }
}

async fn raw_headers(host: &Host, path: &str, headers: &[(&str, &str)]) -> String {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    let answer = raw(host, &request).await;
    answer
        .split("\r\n\r\n")
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn directives_are_tokens_and_every_answer_has_a_date() {
    let Site {
        host,
        folder: _folder,
    } = site().await;
    for (line, status) in [
        ("GET /a.txt", 200),
        ("GET /page.html", 200),
        ("GET /docs", 200),
        ("GET /docs/", 308),
        ("GET /stellar-client", 200),
        ("GET /healthz", 200),
        ("GET /api/echo", 200),
        ("GET /api/file", 200),
        ("GET /api/fails", 400),
        ("GET /api/none", 404),
        ("GET /none", 404),
        ("POST /none", 405),
        ("GET /ws", 426),
        ("GET /primus/spec", 200),
    ] {
        let reply = host.http(line, &[], b"").await;
        assert_eq!(reply.status, status, "{line}");
        // RFC 9110 section 6.6.1.
        assert!(reply.header("date").is_some(), "{line}");
        // RFC 9111 section 5.2.2: times are no quoted strings.
        let cache = reply.header("cache-control").unwrap_or("no-store");
        for directive in cache.split(", ") {
            let is_time = |text: &str| {
                let time = text.strip_prefix("max-age=");
                time.is_some_and(|time| time.parse::<u32>().is_ok())
            };
            let is_known = ["public", "private", "no-cache", "no-store"].contains(&directive);
            assert!(is_known || is_time(directive), "{line}: {cache}");
        }
        assert_eq!(reply.header("expires"), None, "{line}");
    }
    // Those of the HTTP server itself, too.
    for request in ["GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n: x\r\n\r\n"] {
        let answer = raw(&host, request).await.to_ascii_lowercase();
        assert!(answer.starts_with("http/1.1 400 "), "{answer}");
        assert!(answer.contains("\r\ndate: "), "{answer}");
    }
}
