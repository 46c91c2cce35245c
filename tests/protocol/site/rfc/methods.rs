//! Methods, and what is answered to those that a resource does not have (RFC 9110 sections 9 and
//! 15.5.6).

use stellarfw::actions::{Action, ActionResult, SendFile};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Site, TAGGED, raw, site};
use crate::{
    http::echo,
    support::{Folder, Host, host, soon},
};

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

/// A path of everything that is served, with every engine.
const PATHS: &[&str] = &[
    "/a.txt",
    "/none",
    "/docs",
    "/docs/",
    "/stellar-client",
    "/stellar-client.min.js.map",
    "/healthz",
    "/readyz",
    "/metrics",
    "/api",
    "/api/echo",
    "/api/file",
    "/api/none",
    "/api/own/1",
    "/primus",
    "/primus/spec",
    "/ws",
    "/engine.io/?EIO=4&transport=polling",
    "/engine.io/?EIO=4&transport=polling&sid=none",
    "/socket.io/?EIO=4&transport=polling",
    "/socket.io/?EIO=4&transport=websocket",
    "/sockjs",
    "/sockjs/info",
    "/sockjs/iframe.html",
    "/sockjs/websocket",
    "/sockjs/000/none/xhr",
    "/sockjs/000/none/xhr_send",
    "/sockjs/000/none/xhr_streaming",
    "/sockjs/000/none/eventsource",
    "/sockjs/000/none/htmlfile?c=x",
    "/sockjs/000/none/jsonp?c=x",
    "/sockjs/000/none/jsonp_send",
    "/sockjs/000/none/websocket",
    "/sockjs/none",
];

const METHODS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW",
];

async fn everything() -> Site {
    let folder = Folder::new();
    folder.write("a.txt", "text");
    let builder = echo()
        .public(folder.path())
        .route("get", "/own/:x", "echo")
        .action("file", async || ActionResult::Ok(SendFile("a.txt".into())))
        .configure(|config| {
            let all = ["ws", "engine.io", "socket.io", "sockjs"];
            config.transports = all.map(Into::into).into();
        });
    Site {
        host: host(builder).await,
        folder,
    }
}

/// The head and the body of an answer that may have no end.
async fn first_of(host: &Host, line: &str) -> (String, bool) {
    let mut stream = TcpStream::connect(host.address).await.unwrap();
    let request = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    loop {
        let read = soon(line, stream.read_buf(&mut bytes)).await.unwrap();
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            // What is there of the body, if any comes before the end.
            let has_body = !body.is_empty() || !line.starts_with("HEAD") || {
                soon(line, stream.read_to_end(&mut Vec::new()))
                    .await
                    .unwrap()
                    > 0
            };
            return (head, has_body);
        }
        assert_ne!(read, 0, "{line}: {text}");
    }
}

#[tokio::test]
async fn what_is_not_allowed_is_answered_with_what_is() {
    let Site {
        host,
        folder: _folder,
    } = everything().await;
    for path in PATHS {
        let mut refused = Vec::new();
        let mut allowed = Vec::new();
        for method in METHODS {
            let (head, has_body) = first_of(&host, &format!("{method} {path}")).await;
            let status = head.split(' ').nth(1).unwrap().to_owned();
            // SockJS answers a frame that is none with 500.
            let is_sockjs = path.ends_with("_send");
            assert!(
                !status.starts_with('5') || status == "501" || is_sockjs,
                "{method} {path}: {head}"
            );
            if *method == "HEAD" {
                // RFC 9110 section 9.3.2.
                assert!(!has_body, "{method} {path}: {head}");
            }
            if status == "405" {
                // RFC 9110 sections 10.2.1 and 15.5.6.
                let allow = head.lines().find_map(|line| line.strip_prefix("allow: "));
                let allow = allow.unwrap_or_else(|| panic!("{method} {path}: {head}"));
                allowed.extend(
                    allow
                        .to_ascii_uppercase()
                        .split(',')
                        .map(|m| m.trim().to_owned()),
                );
                refused.push(*method);
            }
        }
        for method in refused {
            assert!(
                !allowed.iter().any(|m| m == method),
                "{method} {path}: {allowed:?}"
            );
        }
        // RFC 9110 section 9.1.
        let (get, head) = (
            first_of(&host, &format!("GET {path}")).await.0,
            first_of(&host, &format!("HEAD {path}")).await.0,
        );
        if get.contains(" 200 ") {
            assert!(!head.contains(" 501 "), "{path}: {head}");
        }
    }
}

#[tokio::test]
async fn tunnels_and_questions_about_the_whole_server() {
    let Site {
        host,
        folder: _folder,
    } = everything().await;
    // RFC 9110 section 9.3.6: also with a port that is none.
    for target in [
        "a.example:443",
        "a.example",
        "a.example:",
        "a.example:x",
        "/",
        "/api/echo",
    ] {
        let answer = raw(
            &host,
            &format!("CONNECT {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{target}: {answer}");
    }
    // RFC 9110 section 9.3.7.
    let answer = raw(
        &host,
        "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    .await;
    let answer = answer.to_ascii_lowercase();
    assert!(
        answer.starts_with("http/1.1 2") || answer.contains("\r\nallow: "),
        "{answer}"
    );
}

#[tokio::test]
async fn an_upgrade_is_told_whole_and_not_given_to_http_1_0() {
    let Site {
        host,
        folder: _folder,
    } = everything().await;
    let ask = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
               Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for path in [
        "/primus",
        "/ws",
        "/engine.io/?EIO=4&transport=websocket",
        "/socket.io/?EIO=4&transport=websocket",
        "/sockjs/websocket",
        "/sockjs/000/none/websocket",
    ] {
        let line = format!("GET {path}");
        let head = async |version: &str, more: &str| {
            let mut stream = TcpStream::connect(host.address).await.unwrap();
            let request = format!("{line} HTTP/{version}\r\nHost: localhost\r\n{more}{ask}\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut bytes = Vec::new();
            while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
                let read = soon(path, stream.read_buf(&mut bytes)).await.unwrap();
                assert_ne!(read, 0, "{path}: {}", String::from_utf8_lossy(&bytes));
            }
            String::from_utf8_lossy(&bytes).to_ascii_lowercase()
        };
        // RFC 9110 sections 7.8, 8.6 and 15.2.2, RFC 9112 section 6.1.
        let granted = head("1.1", "").await;
        assert!(granted.starts_with("http/1.1 101 "), "{path}: {granted}");
        for field in ["\r\nupgrade: websocket\r\n", "\r\nconnection: upgrade\r\n"] {
            assert!(granted.contains(field), "{path}: {granted}");
        }
        for field in ["\r\ncontent-length:", "\r\ntransfer-encoding:"] {
            assert!(!granted.contains(field), "{path}: {granted}");
        }
        let old = head("1.0", "").await;
        assert!(!old.contains(" 101 "), "{path}: {old}");
        // A 100 would have to come first.
        let expecting = head("1.1", "Expect: 100-continue\r\n").await;
        assert!(!expecting.contains(" 101 "), "{path}: {expecting}");
    }
    for path in ["/primus", "/ws"] {
        let reply = host.get(path).await;
        assert_eq!(reply.status, 426, "{path}");
        let told = |name| reply.header(name).map(str::to_ascii_lowercase);
        assert_eq!(told("upgrade").as_deref(), Some("websocket"), "{path}");
        let connection = told("connection").unwrap();
        assert!(connection.contains("upgrade"), "{path}: {connection}");
    }
}

#[tokio::test]
async fn a_type_that_is_not_read_is_no_matter_of_codings() {
    let host = host(echo()).await;
    let mime = [("Content-Type", "text/plain")];
    let reply = host.http("POST /api/echo", &mime, b"x").await;
    // RFC 9110 section 12.5.3.
    assert_eq!((reply.status, reply.header("accept-encoding")), (415, None));
}
