//! Health is answered when no connection has a place left.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    Certificate,
    early::{Everywhere, Way, head, one, read, status},
    secure, secured, who,
};
use crate::support::{Host, host, soon, until};

const WAYS: [Way; 3] = [Way::Tcp, Way::Tls, Way::Unix];

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// A connection whose request has no end.
async fn stalled(host: &Host) -> TcpStream {
    let mut stream = TcpStream::connect(host.address).await.unwrap();
    let head = head("POST /api/who", "application/json", 100);
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn with_all_places_taken_health_is_answered_and_the_rest_gets_503() {
    let builder = who().configure(|config| {
        config.http.max_connections = 2;
        config.http.body_timeout = 0;
    });
    let server = Everywhere::new(builder).await;
    for way in WAYS {
        let mut held = Vec::new();
        for _ in 0..2 {
            let mut stream = server.connect(way).await;
            let head = head("POST /api/who", "application/json", 100);
            stream.write_all(head.as_bytes()).await.unwrap();
            held.push(stream);
        }
        // A place is taken when the connection is accepted: this one is accepted after them.
        for (path, expected) in [
            ("/healthz", 200),
            ("/readyz", 200),
            ("/healthzz", 503),
            ("/api/who", 503),
            ("/a.txt", 503),
            ("/primus", 503),
            ("/healthz?x", 200),
        ] {
            let mut stream = server.connect(way).await;
            stream.write_all(get(path).as_bytes()).await.unwrap();
            let answer = soon("the answer and the end", read(&mut stream)).await;
            assert_eq!(status(&answer), expected, "{path} over {way:?}: {answer}");
            let lower = answer.to_ascii_lowercase();
            assert!(lower.contains("connection: close"), "{lower}");
            assert_eq!(lower.contains("retry-after: 1"), expected == 503, "{lower}");
        }
        // As soon as a place is free, others are answered again.
        held.pop();
        soon("a free place", async {
            loop {
                let mut stream = server.connect(way).await;
                // Else an answered connection stays until it has been idle for long.
                let request = get("/api/who").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
                stream.write_all(request.as_bytes()).await.unwrap();
                if status(&read(&mut stream).await) == 200 {
                    break;
                }
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_has_no_place_left_gets_health() {
    let builder = who().configure(|config| {
        config.http.max_connections_per_address = 2;
        config.http.body_timeout = 0;
    });
    let server = host(builder).await;
    let held = [stalled(&server).await, stalled(&server).await];
    for (path, expected) in [("/healthz", 200), ("/readyz", 200), ("/api/who", 503)] {
        assert_eq!(server.get(path).await.status, expected, "{path}");
    }
    drop(held);
    until("a free place", async || {
        server.get("/api/who").await.status == 200
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_spare_connections_make_room() {
    let builder = who().configure(|config| {
        config.http.max_connections = 1;
        config.http.spare_connections = 3;
        config.http.header_timeout = 500;
        config.http.body_timeout = 0;
    });
    let server = host(builder).await;
    let _held = stalled(&server).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    assert_eq!(server.get("/healthz").await.status, 200);
    // Those that made room were closed at once, and the others when their time was up.
    for mut stream in silent {
        let end = soon("the end", stream.read(&mut [0; 512])).await;
        assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spare_connection_that_got_a_place_keeps_it() {
    let builder = who().configure(|config| {
        config.http.max_connections = 1;
        config.http.spare_connections = 2;
        config.http.body_timeout = 0;
    });
    let server = host(builder).await;
    let admitted = async {
        loop {
            let first = TcpStream::connect(server.address).await.unwrap();
            let mut second = TcpStream::connect(server.address).await.unwrap();
            // They are accepted in this order, so only the first one has the place.
            assert_eq!(server.get("/healthz").await.status, 200);
            drop(first);
            let mime = "application/json\r\nExpect: 100-continue\r\nConnection: close";
            let head = head("POST /api/who", mime, 2);
            second.write_all(head.as_bytes()).await.ok();
            let mut buffer = [0; 512];
            let read = second.read(&mut buffer).await.unwrap_or(0);
            if status(&String::from_utf8_lossy(&buffer[..read])) == 100 {
                break second;
            }
        }
    };
    let mut admitted = soon("a place", admitted).await;
    for _ in 0..5 {
        assert_eq!(server.get("/healthz").await.status, 200);
        assert_eq!(server.get("/api/who").await.status, 503);
    }
    admitted.write_all(b"{}").await.unwrap();
    let answer = soon("the answer", read(&mut admitted)).await;
    assert_eq!(status(&answer), 200, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_spare_connections_further_ones_wait() {
    for health in [true, false] {
        let builder = who().configure(move |config| {
            config.health = health;
            config.http.max_connections = 1;
            config.http.spare_connections = if health { 0 } else { 256 };
            config.http.body_timeout = 0;
        });
        let server = host(builder).await;
        let held = stalled(&server).await;
        let mut waiting = TcpStream::connect(server.address).await.unwrap();
        waiting.write_all(get("/api/who").as_bytes()).await.unwrap();
        drop(held);
        let answer = soon("the answer", one(&mut waiting)).await;
        assert_eq!(status(&answer), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http2_spare_connections_answer_health_too() {
    let certificate = Certificate::new();
    let builder = who().configure(|config| {
        config.http.max_connections = 1;
        config.http.body_timeout = 0;
    });
    let server = secured(builder, certificate.tls()).await;
    let client = async || {
        let stream = secure(server.address, &certificate.der, b"h2")
            .await
            .unwrap();
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        client
    };
    let request = |path: &str| {
        let uri = format!("https://localhost{path}");
        http::Request::get(uri).body(()).unwrap()
    };
    let first = client().await;
    let second = client().await;
    for (path, expected) in [("/healthz", 200), ("/api/who", 503), ("/readyz", 200)] {
        let mut ready = second.clone().ready().await.unwrap();
        let (answer, _) = ready.send_request(request(path), true).unwrap();
        let answer = soon("the answer", answer).await.unwrap();
        assert_eq!(answer.status(), expected, "{path}");
    }
    drop(first);
}
