//! TLS and HTTP/2: what connections hold of the memory budget, and how they end.
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::{
    any::Any,
    convert::Infallible,
    future::{Ready, ready},
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use allocation_counter::measure;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use rustls::pki_types::CertificateDer;
use stellarfw_transport::{
    Budget, serve,
    serve::{Limits, Listener, RequestBody, Tls},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    sync::oneshot,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower_service::Service;

const LARGE: usize = 4 << 20;

/// A body that is made as it is sent, as a file is.
struct Made {
    left: usize,
}

impl http_body::Body for Made {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.left.min(16 << 10);
        self.left -= piece;
        Poll::Ready((piece > 0).then(|| Ok(Frame::data(vec![b'.'; piece].into()))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left as u64)
    }
}

/// Answers with a few bytes, and at `/large` with many.
#[derive(Clone)]
struct Site;

impl Service<http::Request<RequestBody>> for Site {
    type Response = http::Response<Made>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<RequestBody>) -> Self::Future {
        let left = match request.uri().path() {
            "/large" => LARGE,
            _ => 2,
        };
        ready(Ok(http::Response::new(Made { left })))
    }
}

struct Host {
    address: SocketAddr,
    certificate: Option<CertificateDer<'static>>,
    budget: Budget,
}

impl Host {
    /// Serves on the runtime that this is called on.
    async fn start(is_secure: bool, budget: Budget, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut listener = Listener::from(listener).budget(budget.clone());
        let mut certificate = None;
        if is_secure {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let (cert, key) = (folder.path().join("cert"), folder.path().join("key"));
            std::fs::write(&cert, made.cert.pem()).unwrap();
            std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
            certificate = Some(made.cert.der().clone());
            listener = listener.tls(Tls::from_files(cert, key).unwrap());
        }
        tokio::spawn(serve(listener, Site, limits, std::future::pending()));
        Self {
            address,
            certificate,
            budget,
        }
    }

    fn client(&self, protocol: &'static [u8]) -> Client {
        Client {
            address: self.address,
            certificate: self.certificate.clone(),
            protocol,
        }
    }

    /// Waits until so many bytes of the budget are used.
    async fn uses(&self, is_so: impl Fn(usize) -> bool) {
        let used = async {
            while !is_so(self.budget.used()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), used).await;
        assert!(waited.is_ok(), "{} bytes are used", self.budget.used());
    }
}

#[derive(Clone)]
struct Client {
    address: SocketAddr,
    certificate: Option<CertificateDer<'static>>,
    protocol: &'static [u8],
}

impl Client {
    async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn tls(&self) -> TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone().unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![self.protocol.to_vec()];
        let name = "localhost".try_into().unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, self.tcp().await)
            .await
            .unwrap()
    }

    /// A client of HTTP/2 that lets as many bytes of each answer come.
    async fn http2(&self, window: u32) -> h2::client::SendRequest<Bytes> {
        let builder = h2::client::Builder::new()
            .initial_window_size(window)
            .clone();
        let (client, connection) = builder.handshake(self.tls().await).await.unwrap();
        tokio::spawn(async move {
            connection.await.ok();
        });
        client
    }
}

async fn get(client: &h2::client::SendRequest<Bytes>, path: &str) -> h2::RecvStream {
    let uri = format!("https://localhost{path}");
    let request = http::Request::get(uri).body(()).unwrap();
    let mut client = client.clone().ready().await.unwrap();
    let (answer, _) = client.send_request(request, true).unwrap();
    answer.await.unwrap().into_body()
}

/// Asks over HTTP/1 and reads the answer.
async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n..") {
        let read = stream.read_buf(&mut answer).await.unwrap();
        assert!(read > 0);
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[tokio::test]
async fn a_tls_connection_counts_from_its_start_to_its_end() {
    let host = Host::start(true, Budget::unlimited(), Limits::default()).await;
    // From the first byte on, before there is a handshake.
    let silent = host.client(b"http/1.1").tcp().await;
    host.uses(|used| used > 0).await;
    let one = host.budget.used();
    let mut stream = host.client(b"http/1.1").tls().await;
    ask(&mut stream).await;
    host.uses(|used| used == 2 * one).await;
    // What TLS holds of an answer that is not read.
    let request = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for _ in 0..4 {
        stream.write_all(request).await.unwrap();
    }
    host.uses(|used| used == 2 * one + (64 << 10)).await;
    let mut left = 4 * LARGE;
    let mut read = vec![0; 1 << 20];
    while left > 0 {
        let bytes = stream.read(&mut read).await.unwrap();
        assert!(bytes > 0);
        left = left.saturating_sub(bytes);
    }
    host.uses(|used| used == 2 * one).await;
    drop((silent, stream));
    host.uses(|used| used == 0).await;
}

#[tokio::test]
async fn streams_of_http2_count_until_they_end() {
    let host = Host::start(true, Budget::unlimited(), Limits::default()).await;
    let client = host.client(b"h2").http2(0).await;
    host.uses(|used| used > 0).await;
    drop(get(&client, "/").await);
    let idle = host.budget.used();
    let mut unread = Vec::new();
    for _ in 0..10 {
        unread.push(get(&client, "/large").await);
    }
    host.uses(|used| used >= idle + 10 * (80 << 10)).await;
    drop(unread);
    host.uses(|used| used <= idle).await;
    drop(client);
    host.uses(|used| used == 0).await;
}

#[tokio::test]
async fn a_stream_that_there_is_no_room_for_is_refused() {
    let host = Host::start(true, Budget::new(200_000), Limits::default()).await;
    let client = host.client(b"h2").http2(0).await;
    let _unread = [get(&client, "/large").await, get(&client, "/large").await];
    let uri = "https://localhost/";
    let request = http::Request::get(uri).body(()).unwrap();
    let mut client = client.ready().await.unwrap();
    let (answer, _) = client.send_request(request, true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 503);
}

const COUNT: usize = 20;

/// What so many clients make a server allocate, and what of it is counted, in bytes.
fn allocated(
    is_secure: bool,
    protocol: &'static [u8],
    open: impl AsyncFn(&Client) -> Box<dyn Any> + Clone + Send + 'static,
) -> (usize, usize) {
    let server = runtime();
    let host = server.block_on(Host::start(
        is_secure,
        Budget::unlimited(),
        Limits::default(),
    ));
    let client = host.client(protocol);
    let opened = |count| {
        let (client, open) = (client.clone(), open.clone());
        let (ready, is_ready) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        // On a thread of their own, whose allocations are not those of the server.
        let thread = std::thread::spawn(move || {
            runtime().block_on(async move {
                let mut held = Vec::new();
                for _ in 0..count {
                    held.push(open(&client).await);
                }
                ready.send(()).unwrap();
                stopped.await.ok();
            });
        });
        (is_ready, stop, thread)
    };
    // What is made once is there before it is counted.
    let (is_ready, stop, thread) = opened(1);
    server.block_on(is_ready).unwrap();
    drop(stop);
    server.block_on(host.uses(|used| used == 0));
    thread.join().unwrap();
    let (is_ready, stop, thread) = opened(COUNT);
    let info = measure(|| server.block_on(is_ready).unwrap());
    let taken = (
        usize::try_from(info.bytes_current).unwrap_or_default(),
        host.budget.used(),
    );
    drop(stop);
    server.block_on(host.uses(|used| used == 0));
    thread.join().unwrap();
    taken
}

#[test]
fn what_connections_and_streams_count_is_what_they_take() {
    let (plain, counted) = allocated(false, b"", async |client: &Client| {
        let mut stream = client.tcp().await;
        ask(&mut stream).await;
        Box::new(stream) as Box<dyn Any>
    });
    assert_eq!(counted, 0);
    let (tls, counted) = allocated(true, b"http/1.1", async |client: &Client| {
        let mut stream = client.tls().await;
        ask(&mut stream).await;
        Box::new(stream) as Box<dyn Any>
    });
    let is_right = |what: &str, taken: usize, counted: usize| {
        let (taken, counted) = (taken / COUNT, counted / COUNT);
        println!("{what}: {taken} bytes are taken, {counted} are counted");
        assert!(taken <= counted, "{what}: {taken} of {counted}");
        assert!(counted <= 3 * taken, "{what}: {taken} of {counted}");
    };
    is_right("a connection of TLS", tls - plain.min(tls), counted);
    let (http2, idle) = allocated(true, b"h2", async |client: &Client| {
        let http2 = client.http2(0).await;
        let body = get(&http2, "/").await;
        drop(body);
        Box::new(http2) as Box<dyn Any>
    });
    is_right("a connection of HTTP/2 with TLS", http2, idle);
    let (unread, counted) = allocated(true, b"h2", async |client: &Client| {
        let http2 = client.http2(0).await;
        let body = get(&http2, "/large").await;
        Box::new((http2, body)) as Box<dyn Any>
    });
    // How much of an answer is buffered depends on the windows of its client; this is the most.
    let (taken, counted) = (
        unread.saturating_sub(http2) / COUNT,
        (counted - idle) / COUNT,
    );
    println!("a stream that is not read: {taken} bytes are taken, {counted} are counted");
    assert!(taken <= counted, "{taken} of {counted}");
}

#[tokio::test]
async fn a_connection_that_is_idle_too_long_ends_with_close_notify() {
    let limits = {
        let mut limits = Limits::default();
        limits.header_timeout = Duration::from_millis(200);
        limits
    };
    let host = Host::start(true, Budget::unlimited(), limits).await;
    for (protocol, asks) in [
        (&b"http/1.1"[..], true),
        (b"http/1.1", false),
        (b"h2", false),
    ] {
        let mut stream = host.client(protocol).tls().await;
        if asks {
            ask(&mut stream).await;
        }
        let mut rest = Vec::new();
        // Without `close_notify` the end of TCP is an error here.
        let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut rest));
        let read = read.await.expect("the connection is idle and open");
        assert!(read.is_ok(), "{asks} {protocol:?}: {read:?}");
        drop(stream);
    }
    host.uses(|used| used == 0).await;
}
