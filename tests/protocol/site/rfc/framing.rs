//! Where a message begins and ends (RFC 9112 sections 2, 5, 6, 7 and 9).

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::json;
use stellarfw::actions::{ActionResult, Call};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Age, Site, TEXT};
use crate::{
    http::echo,
    support::{Folder, Host, host, soon},
};

const JSON: &str = "Content-Type: application/json\r\n";

/// A server, and how often its action `count` has run.
async fn counting() -> (Site, Arc<AtomicUsize>) {
    let folder = Folder::new();
    folder.write("a.txt", TEXT);
    Age::Seconds(1_000).give(&folder, "a.txt");
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let builder = echo()
        .public(folder.path())
        .action("count", move |call: Call| {
            counted.fetch_add(1, Ordering::SeqCst);
            async move { ActionResult::Ok(json!({ "got": call.value() })) }
        })
        .action("later", async || {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            ActionResult::Ok(json!({ "which": "later" }))
        })
        .configure(|config| config.http.linger_timeout = 1_000);
    let host = host(builder).await;
    (Site { folder, host }, count)
}

/// Sends bytes, closes for writing, and reads what is answered to the end.
async fn all(host: &Host, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(host.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    read(&mut stream).await
}

/// As [`all`], but it is left to the server to close the connection.
async fn closed_by_server(host: &Host, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(host.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    read(&mut stream).await
}

async fn read(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset may follow the last answer: there was more to read.
    soon("the end", stream.read_to_end(&mut answer)).await.ok();
    String::from_utf8_lossy(&answer).into_owned()
}

fn post(head: &str, body: &str) -> String {
    format!("POST /api/count HTTP/1.1\r\nHost: localhost\r\n{JSON}{head}\r\n{body}")
}

#[tokio::test]
async fn a_message_that_is_not_whole_does_nothing() {
    let (site, count) = counting().await;
    // 6.3, 8: the client closes before the end.
    for (head, body) in [
        ("Content-Length: 3\r\n", "{}"),
        ("Content-Length: 100\r\n", "{\"a\":1}"),
        ("Transfer-Encoding: chunked\r\n", "2\r\n{}"),
        ("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n"),
        ("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n"),
        ("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0"),
        ("Transfer-Encoding: chunked\r\n", "9\r\n{}\r\n0\r\n\r\n"),
        ("Content-Length: 2\r\n", ""),
    ] {
        let request = post(head, body);
        let answer = all(&site.host, request.as_bytes()).await;
        assert!(!answer.contains(" 200 "), "{request}: {answer}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
    // A head that is not whole, either.
    let whole = post("Content-Length: 2\r\n", "");
    for end in 1..whole.len() {
        let answer = all(&site.host, &whole.as_bytes()[..end]).await;
        assert!(!answer.contains(" 200 "), "{end}: {answer}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn framing_that_is_faulty_is_refused_and_ends_the_connection() {
    let (site, count) = counting().await;
    let next = post("Content-Length: 2\r\n", "{}");
    for (what, request, status) in [
        ("no number", post("Content-Length: x\r\n", "{}"), 400),
        ("a sign", post("Content-Length: +2\r\n", "{}"), 400),
        ("a fraction", post("Content-Length: 2.0\r\n", "{}"), 400),
        ("hexadecimal", post("Content-Length: 0x2\r\n", "{}"), 400),
        ("nothing", post("Content-Length:\r\n", "{}"), 400),
        (
            "more than 64 bits",
            post("Content-Length: 18446744073709551618\r\n", "{}"),
            400,
        ),
        (
            "far more",
            post("Content-Length: 99999999999999999999999999\r\n", "{}"),
            400,
        ),
        (
            "unlike",
            post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}"),
            400,
        ),
        (
            "an unlike list",
            post("Content-Length: 2, 3\r\n", "{}"),
            400,
        ),
        (
            "not chunked last",
            post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
            400,
        ),
        (
            "another coding",
            post("Transfer-Encoding: gzip\r\n", "0\r\n\r\n"),
            400,
        ),
        (
            "an unknown coding",
            post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
            400,
        ),
        (
            "no coding",
            post("Transfer-Encoding:\r\n", "0\r\n\r\n"),
            400,
        ),
        (
            "no size of a chunk",
            post("Transfer-Encoding: chunked\r\n", "x\r\n{}\r\n0\r\n\r\n"),
            400,
        ),
        (
            "a chunk's size of 68 bits",
            post(
                "Transfer-Encoding: chunked\r\n",
                "20000000000000002\r\n{}\r\n0\r\n\r\n",
            ),
            400,
        ),
        (
            "a chunk that goes on",
            post("Transfer-Encoding: chunked\r\n", "2\r\n{}xx0\r\n\r\n"),
            400,
        ),
        (
            "a chunk's negative size",
            post("Transfer-Encoding: chunked\r\n", "-2\r\n{}\r\n0\r\n\r\n"),
            400,
        ),
        // 5.1, 5.2 and RFC 9110 section 5.5.
        (
            "a space before the colon",
            post("Content-Length : 2\r\n", "{}"),
            400,
        ),
        (
            "folding",
            post("X: a\r\n b\r\nContent-Length: 2\r\n", "{}"),
            400,
        ),
        ("NUL", post("X: a\0b\r\nContent-Length: 2\r\n", "{}"), 400),
        ("CR", post("X: a\rb\r\nContent-Length: 2\r\n", "{}"), 400),
        ("no name", post(": a\r\nContent-Length: 2\r\n", "{}"), 400),
        ("no colon", post("a\r\nContent-Length: 2\r\n", "{}"), 400),
        // 2.2
        (
            "a space first",
            post("", "").replacen("\r\nHost", "\r\n Host", 1),
            400,
        ),
        ("no version", "GET /a.txt\r\n\r\n".into(), 400),
        (
            "no target",
            "GET HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
            400,
        ),
        (
            "CR in the target",
            "GET /a\rb HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
            400,
        ),
        // 6.1: HTTP/1.0 has no codings of transfer.
        (
            "chunks of HTTP/1.0",
            post(
                "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n",
                "2\r\n{}\r\n0\r\n\r\n",
            )
            .replacen("HTTP/1.1", "HTTP/1.0", 1),
            400,
        ),
    ] {
        let answer = closed_by_server(&site.host, format!("{request}{next}").as_bytes()).await;
        let told = answer.lines().next().unwrap_or_default();
        assert!(
            told.starts_with(&format!("HTTP/1.1 {status} "))
                || told.starts_with(&format!("HTTP/1.0 {status} ")),
            "{what}: {answer}"
        );
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{what}: {answer}");
        assert_eq!(count.load(Ordering::SeqCst), 0, "{what}");
    }
    // 6.3: the same length several times may be refused, or be that length.
    for head in [
        "Content-Length: 2, 2\r\n",
        "Content-Length: 2\r\nContent-Length: 2\r\n",
    ] {
        let answer = all(&site.host, post(head, "{}").as_bytes()).await;
        let ran = count.swap(0, Ordering::SeqCst);
        assert_eq!(
            ran,
            usize::from(answer.contains(" 200 ")),
            "{head}: {answer}"
        );
    }
}

#[tokio::test]
async fn chunks_are_read_and_what_is_with_them_is_ignored() {
    let (site, count) = counting().await;
    let chunked = "Connection: close\r\nTransfer-Encoding: chunked\r\n";
    for (head, body) in [
        (chunked, "7\r\n{\"a\":1}\r\n0\r\n\r\n"),
        (
            "Connection: close\r\nTransfer-Encoding: CHUNKED\r\n",
            "7\r\n{\"a\":1}\r\n0\r\n\r\n",
        ),
        (chunked, "1\r\n{\r\n6\r\n\"a\":1}\r\n000\r\n\r\n"),
        // 7.1.1
        (chunked, "7;x=y;\"z\"\r\n{\"a\":1}\r\n0;last\r\n\r\n"),
        // 7.1.2: what comes behind is not what comes before.
        (
            chunked,
            "7\r\n{\"a\":1}\r\n0\r\nContent-Type: text/plain\r\nCookie: sessionID=trailer\r\n\
             Content-Length: 1\r\nTransfer-Encoding: gzip\r\nHost: b\r\n\r\n",
        ),
    ] {
        let answer = closed_by_server(&site.host, post(head, body).as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{body}: {answer}");
        assert!(answer.contains("\"got\":{\"a\":1,"), "{body}: {answer}");
        assert!(!answer.contains("trailer"), "{body}: {answer}");
        assert_eq!(count.swap(0, Ordering::SeqCst), 1, "{body}");
    }
}

#[tokio::test]
async fn answers_come_in_order_and_none_after_the_last() {
    let (site, count) = counting().await;
    let get =
        |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n");
    // 9.3.2
    let request = [
        get("/api/later", ""),
        get("/api/count?which=1", ""),
        get("/a.txt", ""),
        post("Content-Length: 11\r\n", "{\"which\":2}"),
        get("/none", "Connection: close\r\n"),
    ]
    .concat();
    let answer = closed_by_server(&site.host, request.as_bytes()).await;
    let mut rest = answer.as_str();
    for part in [
        "\"which\":\"later\"",
        "\"which\":\"1\"",
        TEXT,
        "\"which\":2",
        " 404 ",
    ] {
        let at = rest.find(part);
        let at = at.unwrap_or_else(|| panic!("{part} of {answer}"));
        rest = &rest[at + part.len()..];
    }
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 5, "{answer}");
    assert_eq!(count.swap(0, Ordering::SeqCst), 2);
    // 9.6: whichever side says that it closes.
    let next = post("Content-Length: 2\r\n", "{}");
    for last in [
        get("/a.txt", "Connection: close\r\n"),
        get("/a.txt", "Connection: Keep-Alive, Close\r\n"),
        "GET /a.txt HTTP/1.1\r\n\r\n".to_owned(),
        "GET /a.txt HTTP/1.0\r\n\r\n".to_owned(),
    ] {
        let answer = closed_by_server(&site.host, format!("{last}{next}").as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{last}: {answer}");
        assert_eq!(count.load(Ordering::SeqCst), 0, "{last}");
    }
    // 2.2: an empty line before a request is ignored.
    let answer = closed_by_server(
        &site.host,
        format!("\r\n{}", get("/a.txt", "Connection: close\r\n")).as_bytes(),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn http_1_0_is_answered_in_its_own_way() {
    let (site, _) = counting().await;
    // Longer than what is sent as it is, and compressed while it is sent.
    site.folder.write("long.txt", TEXT.repeat(10_000));
    for (path, more) in [
        ("/a.txt", ""),
        ("/long.txt", "Accept-Encoding: gzip\r\n"),
        ("/api/echo", ""),
        ("/docs", "Accept-Encoding: br\r\n"),
        ("/sockjs/000/abc/xhr_streaming", ""),
    ] {
        for connection in ["", "Connection: keep-alive\r\n"] {
            let request = format!("GET {path} HTTP/1.0\r\n{more}{connection}\r\n");
            let mut stream = TcpStream::connect(site.host.address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            let mut bytes = Vec::new();
            soon("the end", stream.read_to_end(&mut bytes))
                .await
                .unwrap();
            let answer = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
            let head = answer.split("\r\n\r\n").next().unwrap();
            // RFC 9112 section 6.1.
            assert!(!head.contains("transfer-encoding"), "{request}: {head}");
        }
    }
    // RFC 9110 sections 10.1.1 and 15.2: no answer before the last one.
    let request = post(
        "Connection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n",
        "{}",
    );
    for (version, continues) in [("HTTP/1.0", 0), ("HTTP/1.1", 1)] {
        let mut stream = TcpStream::connect(site.host.address).await.unwrap();
        let request = request.replacen("HTTP/1.1", version, 1);
        let (head, body) = request.split_at(request.len() - 2);
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        if continues == 1 {
            // It does not wait for the content.
            while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
                soon("the 100", stream.read_buf(&mut bytes)).await.unwrap();
            }
        }
        stream.write_all(body.as_bytes()).await.unwrap();
        soon("the end", stream.read_to_end(&mut bytes))
            .await
            .unwrap();
        let answer = String::from_utf8_lossy(&bytes);
        assert_eq!(
            answer.matches(" 100 Continue").count(),
            continues,
            "{answer}"
        );
        assert_eq!(answer.matches(" 200 OK").count(), 1, "{answer}");
    }
}

#[tokio::test]
async fn an_answer_has_one_length() {
    let (site, _) = counting().await;
    site.folder.write("long.txt", TEXT.repeat(10_000));
    for (line, more) in [
        ("GET /a.txt", ""),
        ("GET /a.txt", "Range: bytes=1-2\r\n"),
        ("GET /long.txt", "Accept-Encoding: gzip\r\n"),
        ("HEAD /long.txt", "Accept-Encoding: gzip\r\n"),
        ("GET /stellar-client", "Accept-Encoding: br\r\n"),
        ("GET /api/echo", ""),
        ("OPTIONS /api/echo", ""),
        ("GET /none", ""),
        ("POST /none", ""),
        ("GET /ws", ""),
        ("GET /docs/", ""),
    ] {
        let request =
            format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n");
        let answer = closed_by_server(&site.host, request.as_bytes())
            .await
            .to_ascii_lowercase();
        let head = answer.split("\r\n\r\n").next().unwrap();
        let count = |name: &str| head.lines().filter(|line| line.starts_with(name)).count();
        let told = (count("content-length:"), count("transfer-encoding:"));
        // 6.2: never both; that of HEAD may be unknown.
        assert!(
            matches!(told, (1, 0) | (0, 1)) || (line.starts_with("HEAD") && told == (0, 0)),
            "{line} {more}: {head}"
        );
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let (site, count) = counting().await;
    // RFC 9110 section 5.4.
    for (what, head) in [
        ("one long field", format!("X: {}\r\n", "x".repeat(32 << 10))),
        ("one long name", format!("{}: x\r\n", "x".repeat(32 << 10))),
        ("many fields", "X: x\r\n".repeat(200)),
    ] {
        let request = format!("GET /api/count HTTP/1.1\r\nHost: localhost\r\n{head}\r\n");
        let answer = closed_by_server(&site.host, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{what}: {answer}");
    }
    // 3: however long it is, and after other requests.
    let before = "GET /api/echo HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for length in [20 << 10, 70 << 10] {
        for before in ["", before] {
            let mut stream = TcpStream::connect(site.host.address).await.unwrap();
            if !before.is_empty() {
                stream.write_all(before.as_bytes()).await.unwrap();
                let mut answer = Vec::new();
                while !answer.ends_with(b"}}") {
                    soon("the answer", stream.read_buf(&mut answer))
                        .await
                        .unwrap();
                }
            }
            let request = format!("GET /api/count?{}", "x".repeat(length));
            stream.write_all(request.as_bytes()).await.unwrap();
            let answer = read(&mut stream).await;
            assert!(answer.starts_with("HTTP/1.1 414 "), "{length}: {answer}");
            assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        }
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
}
