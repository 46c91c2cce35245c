//! Answers that come before the request was sent: none is lost in a reset.

use std::time::Duration;

use stellarfw::{
    Builder,
    transport::{OriginPolicy, Refusal, serve::Listener},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
    sync::oneshot,
    task::JoinHandle,
};

use super::{Certificate, secure, who};
use crate::support::{Folder, soon};

/// More than what the kernel buffers of both ends.
const LENGTH: usize = 8 << 20;

pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    Tcp,
    Tls,
    Unix,
}

/// One server on every kind of socket.
pub(super) struct Everywhere {
    tcp: std::net::SocketAddr,
    pub(super) tls: std::net::SocketAddr,
    pub(super) certificate: Certificate,
    pub(super) folder: Folder,
    _stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Drop for Everywhere {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Everywhere {
    pub(super) async fn new(builder: Builder) -> Self {
        let (folder, certificate) = (Folder::new(), Certificate::new());
        folder.write("public/a.txt", "text");
        let stellar = builder
            .public(folder.path().join("public"))
            .configure(|config| config.max_upload = 1_000)
            .configure(|config| config.max_body = 1_000)
            .configure(|config| config.server.max_length = 1_000)
            .build()
            .await
            .unwrap();
        let tcp = Listener::bind("127.0.0.1:0").await.unwrap();
        let tls = Listener::bind("127.0.0.1:0").await.unwrap();
        let path = format!("unix:{}", folder.path().join("app.sock").display());
        let unix = Listener::bind(&path).await.unwrap();
        let tls = tls.tls(certificate.tls());
        let addresses = [&tcp, &tls].map(|listener| listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let stop = async {
                stopped.await.ok();
            };
            let listeners = vec![tcp, tls, unix];
            stellar.serve_all(listeners, stop).await.unwrap();
        });
        Self {
            tcp: addresses[0],
            tls: addresses[1],
            certificate,
            folder,
            _stop: stop,
            task,
        }
    }

    pub(super) async fn connect(&self, way: Way) -> Box<dyn Io> {
        match way {
            Way::Tcp => Box::new(TcpStream::connect(self.tcp).await.unwrap()),
            Way::Tls => {
                let trusted = &self.certificate.der;
                Box::new(secure(self.tls, trusted, b"http/1.1").await.unwrap())
            }
            Way::Unix => {
                let path = self.folder.path().join("app.sock");
                Box::new(UnixStream::connect(path).await.unwrap())
            }
        }
    }
}

/// Routes that answer before they have read a body, with what each is answered.
const ROUTES: &[(&str, &str, u16)] = &[
    ("POST /api/who", "application/json", 413),
    ("POST /api/who", "application/x-www-form-urlencoded", 413),
    ("POST /api/who", "multipart/form-data; boundary=x", 413),
    ("POST /api/who", "text/plain", 415),
    ("BREW /api/who", "application/json", 405),
    ("POST /a.txt", "text/plain", 405),
    ("PUT /none", "text/plain", 405),
    ("POST /stellar-client", "text/plain", 405),
    ("POST /docs", "text/plain", 405),
    ("POST /healthz", "text/plain", 405),
    ("POST /primus", "text/plain", 426),
    (
        "POST /engine.io/?EIO=4&transport=polling",
        "text/plain",
        400,
    ),
    (
        "POST /engine.io/?EIO=4&transport=polling&sid=none",
        "text/plain",
        400,
    ),
    ("POST /engine.io/?EIO=4&transport=none", "text/plain", 400),
    (
        "POST /socket.io/?EIO=4&transport=polling",
        "text/plain",
        400,
    ),
    ("POST /sockjs/000/none/xhr_send", "text/plain", 404),
    ("POST /sockjs/000/none/jsonp_send", "text/plain", 404),
    ("POST /sockjs/none", "text/plain", 404),
];

pub(super) fn every_engine() -> Builder {
    ["ws", "engine.io", "socket.io", "sockjs"]
        .into_iter()
        .fold(who(), Builder::transport)
}

pub(super) fn head(line: &str, mime: &str, length: usize) -> String {
    format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {mime}\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// The start of a multipart form whose file does not end.
const PART: &[u8] = b"--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n";

/// Sends a whole body before it reads, as many clients do; returns the answer.
async fn post(stream: &mut dyn Io, line: &str, mime: &str, length: usize) -> String {
    stream
        .write_all(head(line, mime, length).as_bytes())
        .await
        .unwrap();
    let mut body = vec![b'x'; length];
    body[..PART.len()].copy_from_slice(PART);
    for chunk in body.chunks(64 << 10) {
        stream.write_all(chunk).await.expect("it reads on");
    }
    read(stream).await
}

/// Reads to the end of the stream.
pub(super) async fn read(stream: &mut dyn Io) -> String {
    let mut bytes = Vec::new();
    stream
        .read_to_end(&mut bytes)
        .await
        .expect("the end, and no reset");
    String::from_utf8(bytes).unwrap()
}

pub(super) fn status(answer: &str) -> u16 {
    let status = answer.split(' ').nth(1);
    status.and_then(|status| status.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_heard_by_a_client_that_sends_first() {
    let server = Everywhere::new(every_engine()).await;
    for way in [Way::Tcp, Way::Tls, Way::Unix] {
        for (line, mime, expected) in ROUTES {
            let what = format!("{line} {mime} over {way:?}");
            let mut stream = server.connect(way).await;
            let answer = soon(&what, post(&mut stream, line, mime, LENGTH)).await;
            assert_eq!(status(&answer), *expected, "{what}: {answer}");
            let lower = answer.to_ascii_lowercase();
            assert!(
                lower.contains("\r\nconnection: close\r\n"),
                "{what}: {lower}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_is_too_long_for_an_engine_is_heard() {
    let server = Everywhere::new(every_engine()).await;
    for way in [Way::Tcp, Way::Tls, Way::Unix] {
        let mut open = server.connect(way).await;
        let line = "GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        open.write_all(line.as_bytes()).await.unwrap();
        let answer = soon("the handshake", read(&mut open)).await;
        let sid = answer.split("\"sid\":\"").nth(1).unwrap();
        let sid = sid.split('"').next().unwrap();
        let line = format!("POST /engine.io/?EIO=4&transport=polling&sid={sid}");
        let mut stream = server.connect(way).await;
        let answer = soon("413", post(&mut stream, &line, "text/plain", LENGTH)).await;
        assert_eq!(status(&answer), 413, "engine.io over {way:?}: {answer}");

        for send in ["xhr_send", "jsonp_send"] {
            let mut open = server.connect(way).await;
            let line = format!(
                "POST /sockjs/000/{way:?}{send}/xhr HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            );
            open.write_all(line.as_bytes()).await.unwrap();
            let opened = soon("the opening", read(&mut open)).await;
            assert_eq!(status(&opened), 200, "{opened}");
            let line = format!("POST /sockjs/000/{way:?}{send}/{send}");
            let mut stream = server.connect(way).await;
            let answer = soon("413", post(&mut stream, &line, "text/plain", LENGTH)).await;
            assert_eq!(status(&answer), 413, "{send} over {way:?}: {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_heard() {
    let refusing = every_engine().authorize(|_| {
        let refused: Result<Option<()>, _> = Err(Refusal::new("no"));
        std::future::ready(refused)
    });
    let full = every_engine().configure(|config| config.server.max_connections = 1);
    let crowded = every_engine().configure(|config| config.server.max_connections_per_address = 1);
    let foreign = every_engine().configure(|config| {
        config.server.origins = OriginPolicy::Same;
    });
    for (builder, expected) in [(refusing, 401), (full, 503), (crowded, 429), (foreign, 403)] {
        let server = Everywhere::new(builder).await;
        let mut held = server.connect(Way::Tcp).await;
        if matches!(expected, 503 | 429) {
            let line = "POST /sockjs/000/held/xhr HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            held.write_all(line.as_bytes()).await.unwrap();
            assert_eq!(status(&soon("a place", read(&mut held)).await), 200);
        }
        let mut stream = server.connect(Way::Tcp).await;
        let line = "POST /sockjs/000/new/xhr";
        let origin = if expected == 403 {
            "https://evil.example"
        } else {
            "http://localhost"
        };
        let mime = format!("text/plain\r\nOrigin: {origin}");
        let answer = soon("the refusal", post(&mut stream, line, &mime, LENGTH)).await;
        assert_eq!(status(&answer), expected, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_is_closed_for_writing_first_and_read_from_on() {
    let server = Everywhere::new(who()).await;
    for way in [Way::Tcp, Way::Tls, Way::Unix] {
        let mut stream = server.connect(way).await;
        let head = head("POST /api/who", "text/plain", LENGTH);
        stream.write_all(head.as_bytes()).await.unwrap();
        // A silent client gets the end although it has the rest still to send ...
        let answer = soon("the answer and the end", read(&mut stream)).await;
        assert_eq!(status(&answer), 415, "{way:?}");
        // ... and can send it.
        for _ in 0..LENGTH / (64 << 10) {
            let sent = stream.write_all(&[b'x'; 64 << 10]).await;
            sent.unwrap_or_else(|error| panic!("{way:?}: {error}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_is_not_cut_off() {
    let server = Everywhere::new(who()).await;
    let mut stream = server.connect(Way::Tcp).await;
    let chunks = 20;
    let length = chunks * (16 << 10);
    let head = head("POST /api/who", "text/plain", length);
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..chunks {
        stream.write_all(&[b'x'; 16 << 10]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let answer = soon("the answer", read(&mut stream)).await;
    assert_eq!(status(&answer), 415);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_100_is_answered_finally() {
    let server = Everywhere::new(every_engine()).await;
    for way in [Way::Tcp, Way::Tls, Way::Unix] {
        for (line, mime, expected) in ROUTES {
            let mut stream = server.connect(way).await;
            let mime = format!("{mime}\r\nExpect: 100-continue");
            let head = head(line, &mime, LENGTH);
            stream.write_all(head.as_bytes()).await.unwrap();
            let answer = soon("the answer and the end", read(&mut stream)).await;
            assert_eq!(status(&answer), *expected, "{line} over {way:?}: {answer}");
            assert!(!answer.contains("100 Continue"), "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_rest_is_read_and_the_connection_kept() {
    let server = Everywhere::new(every_engine()).await;
    for (line, mime, expected) in ROUTES {
        let mut stream = server.connect(Way::Tcp).await;
        for round in 0..3 {
            let length = 2_000;
            let head = head(line, mime, length);
            stream.write_all(head.as_bytes()).await.unwrap();
            // It is answered, or waits for more, before the rest comes.
            tokio::task::yield_now().await;
            stream.write_all(PART).await.unwrap();
            let rest = vec![b'x'; length - PART.len()];
            stream.write_all(&rest).await.unwrap();
            let answer = soon("the answer", one(&mut stream)).await;
            assert_eq!(
                status(&answer),
                *expected,
                "{line}, round {round}: {answer}"
            );
        }
    }
}

/// Reads one answer that says how long it is.
pub(super) async fn one(stream: &mut dyn Io) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4 << 10];
        let read = stream.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "the end after {}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.split("content-length: ").nth(1).unwrap_or("0");
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        if body.len() >= length {
            return text;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_much_and_how_long_is_bounded() {
    let builder = |bytes, millis| {
        who().configure(move |config| {
            config.http.linger_bytes = bytes;
            config.http.linger_timeout = millis;
        })
    };
    // Who sends without end is cut by either bound.
    for (bytes, millis) in [(1 << 20, 600_000), (usize::MAX, 100)] {
        let server = Everywhere::new(builder(bytes, millis)).await;
        for way in [Way::Tcp, Way::Tls, Way::Unix] {
            let mut stream = server.connect(way).await;
            let head = head("POST /api/who", "text/plain", usize::MAX / 2);
            stream.write_all(head.as_bytes()).await.unwrap();
            soon("the reset", async {
                while stream.write_all(&[b'x'; 64 << 10]).await.is_ok() {}
            })
            .await;
        }
    }
}
