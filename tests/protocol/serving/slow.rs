//! Clients that stop, or are slow: in the middle of what they send, and of what they read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use serde_json::json;
use stellarfw::{Builder, actions::ActionResult};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{
    Secured,
    early::{Everywhere, Io, Way, every_engine, head, read, status},
    secure, secured, who,
};
use crate::support::{soon, until};

const WAYS: [Way; 3] = [Way::Tcp, Way::Tls, Way::Unix];

/// Far more than the kernel buffers.
const LARGE: usize = 64 << 20;

fn strict(builder: Builder) -> Builder {
    builder.configure(|config| {
        config.http.body_timeout = 200;
        config.http.body_rate = 10_000;
        config.http.answer_timeout = 200;
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_answered_408() {
    let server = Everywhere::new(strict(every_engine())).await;
    for way in WAYS {
        let mut open = server.connect(way).await;
        let line = "GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        open.write_all(line.as_bytes()).await.unwrap();
        let answer = soon("the handshake", read(&mut open)).await;
        let sid = answer.split("\"sid\":\"").nth(1).unwrap();
        let sid = sid.split('"').next().unwrap();
        let line = format!(
            "POST /sockjs/000/{way:?}/xhr HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        );
        let mut open = server.connect(way).await;
        open.write_all(line.as_bytes()).await.unwrap();
        assert_eq!(status(&soon("a session", read(&mut open)).await), 200);
        for (line, mime) in [
            ("POST /api/who", "application/json"),
            ("POST /api/who", "application/x-www-form-urlencoded"),
            ("POST /api/who", "multipart/form-data; boundary=x"),
            (
                &format!("POST /engine.io/?EIO=4&transport=polling&sid={sid}"),
                "text/plain",
            ),
            (&format!("POST /sockjs/000/{way:?}/xhr_send"), "text/plain"),
        ] {
            for begun in [&b""[..], b"--x\r\n"] {
                let mut stream = server.connect(way).await;
                stream
                    .write_all(head(line, mime, 900).as_bytes())
                    .await
                    .unwrap();
                stream.write_all(begun).await.unwrap();
                let answer = soon("the answer and the end", read(&mut stream)).await;
                assert_eq!(status(&answer), 408, "{line} {mime} over {way:?}: {answer}");
                assert!(answer.to_ascii_lowercase().contains("connection: close"));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_below_the_least_rate_is_answered_408_and_one_above_it_is_read() {
    let server = Everywhere::new(strict(who())).await;
    for way in WAYS {
        let mut stream = server.connect(way).await;
        let head = head("POST /api/who", "application/json", 900);
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut buffer = [0; 512];
        let answer = soon("the answer", async {
            loop {
                tokio::select! {
                    read = stream.read(&mut buffer) => break read.unwrap(),
                    () = tokio::time::sleep(Duration::from_millis(10)) => {
                        stream.write_all(b" ").await.unwrap();
                    }
                }
            }
        })
        .await;
        let answer = String::from_utf8_lossy(&buffer[..answer]);
        assert_eq!(status(&answer), 408, "{way:?}: {answer}");
    }
    // Longer than the timeout, and never below the rate.
    let patient = who().configure(|config| {
        config.http.body_timeout = 5_000;
        config.http.body_rate = 1;
    });
    let server = Everywhere::new(patient).await;
    for way in WAYS {
        let mut stream = server.connect(way).await;
        let body = b"{\"n\":[1,2,3,4,5,6,7,8,9]}";
        let head = head(
            "POST /api/who",
            "application/json\r\nConnection: close",
            body.len(),
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        for byte in body {
            stream.write_all(&[*byte]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let answer = soon("the answer", read(&mut stream)).await;
        assert_eq!(status(&answer), 200, "{way:?}: {answer}");
    }
}

/// Waits until the server has closed a connection that is not read from.
async fn closed(stream: &mut dyn Io) {
    soon("the end of a connection that is not read", async {
        while stream.write_all(b"\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_read_ends_its_connection() {
    let large = who().action("large", async || {
        ActionResult::Ok(json!({ "text": "x".repeat(LARGE) }))
    });
    let server = Everywhere::new(strict(large)).await;
    server.folder.write("public/large.bin", vec![0; LARGE]);
    for way in WAYS {
        for path in ["/large.bin", "/api/large"] {
            let mut stream = server.connect(way).await;
            let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            closed(&mut stream).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_with_pauses_gets_the_whole_answer() {
    let patient = who().configure(|config| config.http.answer_timeout = 20_000);
    let server = Everywhere::new(patient).await;
    server.folder.write("public/large.bin", vec![0; LARGE]);
    for way in WAYS {
        let mut stream = server.connect(way).await;
        let head = "GET /large.bin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut buffer = vec![0; 8 << 20];
        let mut all = 0;
        loop {
            let read = stream.read(&mut buffer).await.unwrap();
            if read == 0 {
                break;
            }
            if all == 0 {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            all += read;
        }
        assert!(all > LARGE, "{all} over {way:?}");
    }
}

#[cfg(feature = "sockjs")]
#[tokio::test(flavor = "multi_thread")]
async fn the_silence_of_a_long_poll_and_of_a_stream_is_not_slow() {
    let builder = strict(every_engine()).configure(|config| config.http.header_timeout = 300);
    let server = Everywhere::new(builder).await;
    for (n, transport) in ["xhr_streaming", "xhr", "eventsource"]
        .into_iter()
        .enumerate()
    {
        let mut stream = server.connect(Way::Tcp).await;
        let method = if transport == "eventsource" {
            "GET"
        } else {
            "POST"
        };
        let line = format!(
            "{method} /sockjs/000/quiet{n}/{transport} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        );
        stream.write_all(line.as_bytes()).await.unwrap();
        let mut buffer = [0; 4 << 10];
        soon("the opening", stream.read(&mut buffer)).await.unwrap();
        if transport == "xhr" {
            soon("the welcome", async {
                let poll = line.as_bytes();
                stream.write_all(poll).await.unwrap();
                assert!(stream.read(&mut buffer).await.unwrap() > 0);
                stream.write_all(poll).await.unwrap();
            })
            .await;
        }
        // Several times all that a slow client is given.
        let end = async { while stream.read(&mut buffer).await.unwrap() > 0 {} };
        let ended = tokio::time::timeout(Duration::from_secs(1), end).await;
        assert!(ended.is_err(), "{transport} ended");
    }
}

type Client = h2::client::SendRequest<Bytes>;

/// A client of HTTP/2 that gives no more window than it is told to.
async fn http2(server: &Secured, certificate: &super::Certificate, window: u32) -> Client {
    let stream = secure(server.address, &certificate.der, b"h2")
        .await
        .unwrap();
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(window);
    let (client, connection) = soon("the handshake", builder.handshake(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

fn request(method: &str, path: &str) -> Request<()> {
    let uri = format!("https://localhost{path}");
    let request = Request::builder().method(method).uri(uri);
    request
        .header("content-type", "application/json")
        .body(())
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http2_a_body_that_does_not_come_ends_its_stream_alone() {
    let certificate = super::Certificate::new();
    let server = secured(strict(who()), certificate.tls()).await;
    let client = http2(&server, &certificate, 65_535).await;
    let mut stalled = Vec::new();
    for _ in 0..50 {
        let mut client = client.clone().ready().await.unwrap();
        stalled.push(
            client
                .send_request(request("POST", "/api/who"), false)
                .unwrap(),
        );
    }
    for (answer, _body) in stalled {
        let answer = soon("the answer", answer).await.unwrap();
        assert_eq!(answer.status(), 408);
    }
    // Drops of it below the least rate, too.
    let mut ready = client.clone().ready().await.unwrap();
    let (answer, mut body) = ready
        .send_request(request("POST", "/api/who"), false)
        .unwrap();
    let drip = async {
        while body.send_data(" ".into(), false).is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        answer = soon("the answer", answer) => assert_eq!(answer.unwrap().status(), 408),
        () = drip => {}
    }
    let mut ready = client.ready().await.unwrap();
    let (answer, _) = ready
        .send_request(request("GET", "/api/who"), true)
        .unwrap();
    assert_eq!(soon("the answer", answer).await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http2_an_answer_that_is_not_read_ends_its_stream_alone() {
    let certificate = super::Certificate::new();
    let folder = crate::support::Folder::new();
    folder.write("large.bin", vec![0; 4 << 20]);
    let builder = strict(who())
        .public(folder.path())
        .action("large", async || {
            ActionResult::Ok(json!({ "text": "x".repeat(4 << 20) }))
        });
    let server = secured(builder, certificate.tls()).await;
    for window in [0, 1, 30_000] {
        let client = http2(&server, &certificate, window).await;
        let mut unread = Vec::new();
        for path in ["/large.bin", "/api/large"].repeat(20) {
            let mut client = client.clone().ready().await.unwrap();
            let (answer, _) = client.send_request(request("GET", path), true).unwrap();
            unread.push(answer);
        }
        for answer in unread {
            let mut body = soon("the head", answer).await.unwrap().into_body();
            // What the window lets through, and then the reset: no window is given back for it.
            let end = soon("the reset", async {
                loop {
                    match body.data().await {
                        Some(Ok(_)) => {}
                        other => break other,
                    }
                }
            })
            .await;
            let error = end.expect("not the whole answer").unwrap_err();
            assert!(error.is_reset(), "window {window}: {error}");
        }
        let mut ready = client.ready().await.unwrap();
        let (answer, _) = ready
            .send_request(request("HEAD", "/large.bin"), true)
            .unwrap();
        assert_eq!(soon("the answer", answer).await.unwrap().status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_of_http2_that_only_resets_is_closed() {
    let certificate = super::Certificate::new();
    let begun = Arc::<AtomicU64>::default();
    let count = begun.clone();
    let builder = who().action("sleep", move || {
        count.fetch_add(1, Ordering::Relaxed);
        std::future::pending::<ActionResult>()
    });
    let server = secured(builder, certificate.tls()).await;
    let client = http2(&server, &certificate, 65_535).await;
    let mut sent = 0;
    soon("the end", async {
        while let Ok(mut ready) = client.clone().ready().await {
            let Ok((answer, mut body)) = ready.send_request(request("GET", "/api/sleep"), true)
            else {
                break;
            };
            sent += 1;
            tokio::select! {
                _ = answer => break,
                () = until("the call", async || begun.load(Ordering::Relaxed) >= sent) => {}
            }
            body.send_reset(h2::Reason::CANCEL);
        }
    })
    .await;
    assert!((1_000..1_200).contains(&sent), "{sent}");
}
