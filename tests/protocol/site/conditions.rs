//! What RFC 9110, 9111 and 9112 demand of files, pages, the client's script and the API.

use std::time::{Duration, SystemTime};

use stellarfw::{
    Embedded, Stellar,
    actions::{Action, ActionResult, SendFile},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    http::echo,
    support::{Folder, Host, host, soon},
};

const TEXT: &str = "0123456789012345678901234567890123456789012345678901234567890123456789";
const EARLY: &str = "Thu, 01 Jan 1998 00:00:00 GMT";
const LATE: &str = "Thu, 01 Jan 2037 00:00:00 GMT";

struct Site {
    folder: Folder,
    host: Host,
}

/// Sets a file's time into the past: what has just been written may change again.
fn age(folder: &Folder, name: &str, seconds: u64) {
    let file = std::fs::File::options();
    let file = file.clone().write(true).open(folder.path().join(name));
    let time = SystemTime::now() - Duration::from_secs(seconds);
    file.unwrap().set_modified(time).unwrap();
}

async fn site() -> Site {
    let folder = Folder::new();
    for name in ["a.txt", "b.bin", "c.js", "page.html"] {
        folder.write(name, TEXT);
        age(&folder, name, 1_000);
    }
    folder.write("c.js.gz", b"\x1f\x8bgzip");
    folder.write("empty.txt", "");
    let embedded = [Embedded {
        path: "built.txt",
        bytes: TEXT.as_bytes(),
    }];
    let builder = echo()
        .public(folder.path())
        .embedded(embedded)
        .action("file", async || ActionResult::Ok(SendFile("a.txt".into())))
        .action("page", async || {
            ActionResult::Ok(SendFile("page.html".into()))
        })
        .configure(|config| config.file_max_age = 60);
    Site {
        host: host(builder).await,
        folder,
    }
}

/// Everything that has a representation with a tag.
const TAGGED: &[&str] = &[
    "/a.txt",
    "/b.bin",
    "/c.js",
    "/page.html",
    "/built.txt",
    "/stellar-client",
    "/stellar-client.js",
    "/stellar-client.min.js.map",
    "/docs",
    "/docs/openapi.json",
    "/docs/asyncapi.json",
    "/stellar-client.d.ts",
    "/api/file",
];
/// Those of them that have ranges.
const RANGED: &[&str] = &[
    "/a.txt",
    "/b.bin",
    "/c.js",
    "/page.html",
    "/built.txt",
    "/api/file",
];
/// Those of them that have a date.
const DATED: &[&str] = &["/a.txt", "/b.bin", "/c.js", "/page.html", "/api/file"];

#[tokio::test]
async fn tags_are_compared_as_the_header_wants_and_in_its_order() {
    let Site {
        host,
        folder: _folder,
    } = site().await;
    for path in TAGGED {
        for method in ["GET", "HEAD"] {
            let line = format!("{method} {path}");
            let status =
                async |headers: &[(&str, &str)]| host.http(&line, headers, b"").await.status;
            let tag = host.get(path).await.header("etag").unwrap().to_owned();
            assert!(tag.starts_with('"') && tag.ends_with('"'), "{path}: {tag}");
            let weak = format!("W/{tag}");
            let many = format!("\"x,y\", W/\"z\" , {tag}");
            for (headers, expected) in [
                // 13.1.1: strong comparison.
                (&[("If-Match", tag.as_str())] as &[_], 200),
                (&[("If-Match", many.as_str())], 200),
                (&[("If-Match", "*")], 200),
                (&[("If-Match", weak.as_str())], 412),
                (&[("If-Match", "\"other\"")], 412),
                (
                    &[("If-Match", "\"other\""), ("If-Match", tag.as_str())],
                    200,
                ),
                // 13.1.2: weak comparison.
                (&[("If-None-Match", tag.as_str())], 304),
                (&[("If-None-Match", weak.as_str())], 304),
                (&[("If-None-Match", many.as_str())], 304),
                (&[("If-None-Match", "*")], 304),
                (&[("If-None-Match", "\"other\"")], 200),
                (&[("If-None-Match", tag.trim_matches('"'))], 200),
                // 13.2.2: the order, and what takes another's place.
                (
                    &[("If-Match", "\"other\""), ("If-None-Match", tag.as_str())],
                    412,
                ),
                (
                    &[("If-Match", tag.as_str()), ("If-None-Match", tag.as_str())],
                    304,
                ),
                (
                    &[("If-Match", tag.as_str()), ("If-Unmodified-Since", EARLY)],
                    200,
                ),
                (
                    &[("If-None-Match", "\"other\""), ("If-Modified-Since", LATE)],
                    200,
                ),
                (
                    &[
                        ("If-None-Match", tag.as_str()),
                        ("If-Modified-Since", EARLY),
                    ],
                    304,
                ),
                // 13.1.3, 13.1.4: no date is no condition.
                (&[("If-Modified-Since", "yesterday")], 200),
                (&[("If-Unmodified-Since", "yesterday")], 200),
            ] {
                assert_eq!(status(headers).await, expected, "{line} {headers:?}");
            }
        }
    }
}

#[tokio::test]
async fn dates_are_compared_in_each_of_their_forms() {
    let Site {
        host,
        folder: _folder,
    } = site().await;
    for path in DATED {
        for method in ["GET", "HEAD"] {
            let line = format!("{method} {path}");
            let modified = host
                .get(path)
                .await
                .header("last-modified")
                .unwrap()
                .to_owned();
            for (name, value, expected) in [
                ("If-Modified-Since", modified.as_str(), 304),
                ("If-Modified-Since", LATE, 304),
                ("If-Modified-Since", EARLY, 200),
                ("If-Modified-Since", "Thursday, 01-Jan-98 00:00:00 GMT", 200),
                ("If-Modified-Since", "Thu Jan  1 00:00:00 2037", 304),
                ("If-Unmodified-Since", modified.as_str(), 200),
                ("If-Unmodified-Since", LATE, 200),
                ("If-Unmodified-Since", EARLY, 412),
                ("If-Unmodified-Since", "Thu Jan  1 00:00:00 1998", 412),
            ] {
                let reply = host.http(&line, &[(name, value)], b"").await;
                assert_eq!(reply.status, expected, "{line} {name}: {value}");
            }
        }
    }
}

#[tokio::test]
async fn a_date_is_never_later_than_now() {
    let Site { host, folder } = site().await;
    let file = std::fs::File::options()
        .write(true)
        .open(folder.path().join("a.txt"));
    let later = SystemTime::now() + Duration::from_secs(1_000_000);
    file.unwrap().set_modified(later).unwrap();
    let reply = host.get("/a.txt").await;
    let told = httpdate(reply.header("last-modified").unwrap());
    assert!(told <= httpdate(reply.header("date").unwrap()));
}

fn httpdate(text: &str) -> SystemTime {
    httpdate::parse_http_date(text).unwrap()
}

#[tokio::test]
async fn what_304_and_412_carry() {
    let Site {
        host,
        folder: _folder,
    } = site().await;
    for path in TAGGED {
        let whole = host.get(path).await;
        let tag = whole.header("etag").unwrap();
        for method in ["GET", "HEAD"] {
            let line = format!("{method} {path}");
            let reply = host.http(&line, &[("If-None-Match", tag)], b"").await;
            assert_eq!((reply.status, reply.text()), (304, ""), "{path}");
            for name in [
                "etag",
                "cache-control",
                "vary",
                "content-location",
                "expires",
            ] {
                assert_eq!(reply.header(name), whole.header(name), "{name} of {path}");
            }
            assert!(reply.header("date").is_some());
            // 8.6: none but that of the 200.
            assert_eq!(reply.header("content-length"), None, "{line}");
            assert_eq!(reply.header("transfer-encoding"), None, "{line}");
            let reply = host.http(&line, &[("If-Match", "\"x\"")], b"").await;
            assert_eq!((reply.status, reply.text()), (412, ""), "{path}");
        }
    }
}

#[tokio::test]
async fn ranges_of_one_version() {
    let Site { host, folder } = site().await;
    for path in RANGED {
        let line = format!("GET {path}");
        let whole = host.get(path).await;
        assert_eq!(whole.header("accept-ranges"), Some("bytes"), "{path}");
        let tag = whole.header("etag").unwrap();
        let weak = format!("W/{tag}");
        for (range, status, text, content_range) in [
            ("bytes=2-4", 206, "234", Some("bytes 2-4/70")),
            ("bytes=0-0", 206, "0", Some("bytes 0-0/70")),
            ("bytes=67-", 206, "789", Some("bytes 67-69/70")),
            ("bytes=67-500", 206, "789", Some("bytes 67-69/70")),
            ("bytes=-3", 206, "789", Some("bytes 67-69/70")),
            ("bytes=-500", 206, TEXT, Some("bytes 0-69/70")),
            ("Bytes=0-1", 206, "01", Some("bytes 0-1/70")),
            ("bytes=70-", 416, "", Some("bytes */70")),
            ("bytes=-0", 416, "", Some("bytes */70")),
            ("bytes=999999999999999999999-", 416, "", Some("bytes */70")),
            // 14.2: what is not understood, or not to be had, is ignored.
            ("bytes=4-2", 200, TEXT, None),
            ("bytes=x", 200, TEXT, None),
            ("bytes=", 200, TEXT, None),
            ("lines=1-2", 200, TEXT, None),
            ("bytes=0-1,4-5", 200, TEXT, None),
        ] {
            let reply = host.http(&line, &[("Range", range)], b"").await;
            let found = (reply.status, reply.text(), reply.header("content-range"));
            assert_eq!(found, (status, text, content_range), "{path} {range}");
            let length = text.len().to_string();
            assert_eq!(reply.header("content-length"), Some(length.as_str()));
            if status == 206 {
                // 15.3.7: what a 200 would have had.
                for name in [
                    "etag",
                    "cache-control",
                    "vary",
                    "content-type",
                    "last-modified",
                ] {
                    assert_eq!(reply.header(name), whole.header(name), "{name} of {path}");
                }
            }
            // 14.2: GET alone.
            let head = host
                .http(&format!("HEAD {path}"), &[("Range", range)], b"")
                .await;
            let found = (head.status, head.text(), head.header("content-range"));
            assert_eq!(found, (200, "", None), "HEAD {path} {range}");
            assert_eq!(head.header("content-length"), Some("70"));
        }
        // 13.1.5
        let modified = whole.header("last-modified").unwrap_or(EARLY);
        let dated = if DATED.contains(path) { 206 } else { 200 };
        for (if_range, status) in [
            (tag, 206),
            (weak.as_str(), 200),
            ("\"other\"", 200),
            (modified, dated),
            (EARLY, 200),
            (LATE, 200),
            ("nonsense", 200),
            ("*", 200),
        ] {
            let headers = [("Range", "bytes=2-4"), ("If-Range", if_range)];
            let reply = host.http(&line, &headers, b"").await;
            assert_eq!(reply.status, status, "{path} {if_range}");
            let text = if status == 206 { "234" } else { TEXT };
            assert_eq!(reply.text(), text, "{path} {if_range}");
        }
        // Without a range it means nothing, and 416 comes after the other conditions.
        let reply = host.http(&line, &[("If-Range", "\"other\"")], b"").await;
        assert_eq!(reply.status, 200);
        for (name, value, status) in [
            ("If-None-Match", tag, 304),
            ("If-Match", "\"other\"", 412),
            ("If-Match", tag, 416),
            ("If-Range", "\"other\"", 200),
        ] {
            let headers = [("Range", "bytes=70-"), (name, value)];
            let reply = host.http(&line, &headers, b"").await;
            assert_eq!(reply.status, status, "{path} {name}");
        }
    }
    // Another version is sent as a whole to who has the half of one.
    let whole = host.get("/a.txt").await;
    let tag = whole.header("etag").unwrap().to_owned();
    let date = whole.header("last-modified").unwrap().to_owned();
    folder.write("a.txt", TEXT.replace('0', "x"));
    for if_range in [&tag, &date] {
        let headers = [("Range", "bytes=35-"), ("If-Range", if_range)];
        let reply = host.http("GET /a.txt", &headers, b"").await;
        assert_eq!((reply.status, reply.body.len()), (200, 70), "{if_range}");
    }
    let reply = host
        .http("GET /empty.txt", &[("Range", "bytes=0-")], b"")
        .await;
    assert_eq!(
        (reply.status, reply.header("content-range")),
        (416, Some("bytes */0"))
    );
    let reply = host
        .http("GET /stellar-client", &[("Range", "bytes=0-1")], b"")
        .await;
    assert_eq!((reply.status, reply.header("content-range")), (200, None));
}

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
async fn methods_that_there_are_not_say_which_there_are() {
    let host = host(
        echo()
            .route("get", "/own/:x", "echo")
            .route("post", "/own/:y", "echo")
            .configure(|config| config.transports = vec!["sockjs".into(), "ws".into()]),
    )
    .await;
    for (line, status, allow) in [
        ("POST /none", 405, "GET, HEAD"),
        ("OPTIONS /none", 405, "GET, HEAD"),
        ("DELETE /docs", 405, "GET,HEAD"),
        ("POST /stellar-client", 405, "GET,HEAD"),
        ("PUT /healthz", 405, "GET,HEAD"),
        (
            "BREW /api/echo",
            405,
            "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        ),
        (
            "TRACE /api/echo",
            405,
            "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        ),
        (
            "OPTIONS /api/echo",
            200,
            "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        ),
        ("OPTIONS /api/own/1", 200, "GET, HEAD, POST, OPTIONS"),
        ("PATCH /sockjs/info", 405, "OPTIONS, GET"),
    ] {
        let reply = host.http(line, &[], b"").await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (status, Some(allow)),
            "{line}"
        );
    }
    let reply = host.http("DELETE /api/own/1", &[], b"").await;
    let allow = reply.header("allow").unwrap();
    assert_eq!(reply.status, 405);
    assert!(
        ["GET", "HEAD", "POST", "OPTIONS"]
            .iter()
            .all(|name| allow.contains(name)),
        "{allow}"
    );
    let reply = host.get("/ws").await;
    assert_eq!(
        (reply.status, reply.header("upgrade")),
        (426, Some("websocket"))
    );
}

#[tokio::test]
async fn head_has_the_headers_of_get() {
    let Site {
        host,
        folder: _folder,
    } = site().await;
    for path in TAGGED
        .iter()
        .chain(&["/none", "/api/none", "/healthz", "/api/echo"])
    {
        let (get, head) = (
            host.get(path).await,
            host.http(&format!("HEAD {path}"), &[], b"").await,
        );
        assert_eq!((head.status, head.text()), (get.status, ""), "{path}");
        for name in [
            "content-type",
            "etag",
            "vary",
            "cache-control",
            "accept-ranges",
        ] {
            assert_eq!(head.header(name), get.header(name), "{name} of {path}");
        }
        // Answers of the API say how long they took and who asked.
        if let Some(length) = head.header("content-length") {
            let (told, sent) = (length.parse::<usize>().unwrap(), get.body.len());
            assert!(told.abs_diff(sent) <= 8, "{path}: {told} and {sent}");
        }
    }
    // Content and its length are nothing of 204.
    let silent = Action::new("silent", async || ActionResult::Ok(())).render(false);
    let silent = echo().add_action(silent);
    let silent = crate::support::host(silent).await;
    let reply = silent.get("/api/silent").await;
    assert_eq!((reply.status, reply.header("content-length")), (204, None));
}

/// Sends a request as it is, and reads to the end.
async fn raw(host: &Host, request: &str) -> String {
    let mut stream = TcpStream::connect(host.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    soon("the end", stream.read_to_end(&mut bytes))
        .await
        .unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

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
            ("one", "Host: a\r\n", true),
            ("a port", "Host: a.example:8080\r\n", true),
            ("IPv6", "Host: [::1]:80\r\n", true),
            ("none", "", false),
            ("two", "Host: a\r\nHost: b\r\n", false),
            ("two alike", "Host: a\r\nHost: a\r\n", false),
            ("a space", "Host: a b\r\n", false),
            ("a path", "Host: a/b\r\n", false),
            ("a user", "Host: u@a\r\n", false),
            ("no port", "Host: a:b\r\n", false),
            ("folded", "Host: a\r\n b\r\n", false),
            ("a space before the colon", "Host : a\r\n", false),
            (
                "two lengths",
                "Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
                false,
            ),
            ("no length", "Host: a\r\nContent-Length: x\r\n", false),
            (
                "a negative length",
                "Host: a\r\nContent-Length: -1\r\n",
                false,
            ),
            (
                "a list of lengths",
                "Host: a\r\nContent-Length: 0, 1\r\n",
                false,
            ),
            (
                "not chunked at last",
                "Host: a\r\nTransfer-Encoding: chunked, gzip\r\n",
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
        let next = "GET /api/echo?smuggled=1 HTTP/1.1\r\nHost: a\r\n\r\n";
        let request =
            format!("POST /api/echo HTTP/1.1\r\nHost: a\r\n{both}\r\n\r\n0\r\n\r\n{next}");
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
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n");
    let answer = raw(host, &request).await;
    answer
        .split("\r\n\r\n")
        .next()
        .unwrap_or_default()
        .to_owned()
}
