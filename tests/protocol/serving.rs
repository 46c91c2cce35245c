//! Listening alone: TLS, HTTP/2, Unix sockets, health, and stopping in an orderly way.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use stellarfw::{
    Builder, Stellar,
    actions::ActionResult,
    config::{DrainConfig, TlsConfig},
    transport::serve::{Listener, Tls},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    sync::{Semaphore, oneshot},
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName},
    },
};

use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::support::{Folder, Peer, error, host, soon, until};

/// A certificate of its own authority, in files.
struct Certificate {
    folder: Folder,
    der: CertificateDer<'static>,
}

impl Certificate {
    fn new() -> Self {
        let folder = Folder::new();
        let der = Self::write(&folder);
        Self { folder, der }
    }

    fn write(folder: &Folder) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        folder.write("cert.pem", made.cert.pem());
        folder.write("key.pem", made.signing_key.serialize_pem());
        made.cert.der().clone()
    }

    fn files(&self) -> [std::path::PathBuf; 2] {
        ["cert.pem", "key.pem"].map(|name| self.folder.path().join(name))
    }

    fn tls(&self) -> Tls {
        let [cert, key] = self.files();
        Tls::from_files(cert, key).unwrap()
    }
}

/// Connects with TLS, trusting one certificate alone.
async fn secure(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    protocol: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let handshake = TlsConnector::from(Arc::new(config)).connect(name, stream);
    soon("the TLS handshake", handshake).await
}

/// A server behind TLS.
struct Secured {
    stellar: Stellar,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

async fn secured(builder: Builder, tls: Tls) -> Secured {
    let stellar = builder.build().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let listener = Listener::from(listener).tls(tls);
    assert_eq!(listener.to_string(), format!("https://{address}"));
    let (stop, stopped) = oneshot::channel::<()>();
    let server = stellar.clone();
    let task = tokio::spawn(async move {
        let stop = async {
            stopped.await.ok();
        };
        server.serve_on(listener, stop).await.unwrap();
    });
    Secured {
        stellar,
        address,
        stop,
        task,
    }
}

fn who() -> Builder {
    Stellar::builder().action("who", async || ActionResult::Ok(json!({ "who": "me" })))
}

#[tokio::test]
async fn everything_goes_over_tls() {
    let certificate = Certificate::new();
    let server = secured(who(), certificate.tls()).await;

    let mut stream = secure(server.address, &certificate.der, b"http/1.1")
        .await
        .unwrap();
    let request = "GET /api/who HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    soon("the answer", stream.read_to_end(&mut answer))
        .await
        .ok();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // A session of TLS stays with TLS.
    assert!(
        answer.contains("; HttpOnly; SameSite=Lax; Secure"),
        "{answer}"
    );

    let stream = secure(server.address, &certificate.der, b"http/1.1")
        .await
        .unwrap();
    let url = "wss://localhost/primus";
    let mut peer = Peer::over(stream, url).await.unwrap();
    peer.welcomed().await;
    peer.join("defaultRoom").await;
    let id = peer.id().await;
    let long = "x".repeat(1_000_000);
    peer.say("defaultRoom", json!(long)).await;
    assert_eq!(peer.heard("defaultRoom", Some(&id)).await, long.as_str());
    let details = peer.ask(&json!({ "event": "detailsView" })).await;
    assert_eq!(details["data"]["remoteIP"], "127.0.0.1");

    // What is no TLS gets no answer, and does no harm.
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    soon("the end", plain.read_to_end(&mut answer)).await.ok();
    assert!(!answer.starts_with(b"HTTP"));

    server.stop.send(()).ok();
    let (before, code) = peer.closed().await;
    assert_eq!((before, code), (vec![], Some(1001)));
    peer.goodbye().await;
    soon("the end", server.task).await.unwrap();
}

/// The WebSocket of an engine whose messages have the packet's type in front, by which it opens.
async fn typed(
    server: &Secured,
    trusted: &CertificateDer<'static>,
) -> WebSocketStream<TlsStream<TcpStream>> {
    let stream = secure(server.address, trusted, b"http/1.1").await.unwrap();
    let url = "wss://localhost/primus/?EIO=4&transport=websocket";
    let (socket, _) = soon("the handshake", Box::pin(client_async(url, stream)))
        .await
        .unwrap();
    socket
}

async fn packet(socket: &mut WebSocketStream<TlsStream<TcpStream>>) -> String {
    match soon("a packet", socket.next()).await.unwrap().unwrap() {
        Message::Text(text) => text.to_string(),
        Message::Close(frame) => format!("closed {}", frame.unwrap().code),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_one_socket_takes_slowly_is_written_on_over_tls() {
    let certificate = Certificate::new();
    for engine in ["engine.io", "socket.io"] {
        let server = secured(who().transport(engine), certificate.tls()).await;
        let mut socket = typed(&server, &certificate.der).await;
        assert!(packet(&mut socket).await.starts_with("0{"));
        let prefix = if engine == "socket.io" {
            socket.send(Message::text("40")).await.unwrap();
            assert!(packet(&mut socket).await.starts_with("40{"));
            "42[\"message\","
        } else {
            "4"
        };
        let end = if prefix == "4" { "" } else { "]" };
        assert!(
            packet(&mut socket).await.contains("\"welcome\""),
            "{engine}"
        );
        let join = json!({ "event": "roomAdd", "room": "defaultRoom" });
        let long = "x".repeat(1_000_000);
        let say = json!({ "event": "say", "room": "defaultRoom", "message": long });
        // More than the socket takes at once, and read only when all of it was sent.
        for value in [&join, &say, &say, &say, &say] {
            let text = format!("{prefix}{value}{end}");
            socket.send(Message::text(text)).await.unwrap();
        }
        let (mut heard, mut answered) = (0, 0);
        while (heard, answered) != (4, 5) {
            let packet = packet(&mut socket).await;
            heard += usize::from(packet.len() > long.len());
            answered += usize::from(packet.contains("\"messageCount\":"));
        }
        server.stop.send(()).ok();
        let mut last = packet(&mut socket).await;
        while !last.starts_with("closed") {
            last = packet(&mut socket).await;
        }
        assert_eq!(last, "closed 1001", "{engine}");
        drop(socket);
        soon("the end", server.task).await.unwrap();
    }
}

type Http2 = hyper::client::conn::http2::SendRequest<Empty<&'static [u8]>>;

/// A client of HTTP/2, and the task of its connection.
async fn http2(server: &Secured, trusted: &Certificate) -> (Http2, tokio::task::JoinHandle<()>) {
    let stream = secure(server.address, &trusted.der, b"h2").await.unwrap();
    let (executor, io) = (TokioExecutor::new(), TokioIo::new(stream));
    let handshake = hyper::client::conn::http2::handshake(executor, io);
    let (client, connection) = soon("the handshake", handshake).await.unwrap();
    let task = tokio::spawn(async move {
        connection.await.ok();
    });
    (client, task)
}

#[tokio::test]
async fn http2_is_spoken_to_those_who_ask() {
    let certificate = Certificate::new();
    let server = secured(who(), certificate.tls()).await;
    let (client, connection) = http2(&server, &certificate).await;
    // Many at once over the one connection.
    let requests = (0..50).map(|at| {
        let mut client = client.clone();
        async move {
            let uri = format!("https://localhost/api/who?n={at}");
            let request = hyper::Request::get(uri).body(Empty::new()).unwrap();
            let answer = client.send_request(request).await.unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.version(), hyper::Version::HTTP_2);
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["who"], "me");
            let params = &body["requesterInformation"]["receivedParams"];
            assert_eq!(params["n"], at.to_string());
        }
    });
    soon("the answers", futures_util::future::join_all(requests)).await;
    drop(client);
    server.stop.send(()).ok();
    soon("the end", server.task).await.unwrap();
    soon("the connection's end", connection).await.unwrap();
    assert_eq!(server.stellar.transport().connections(), 0);
}

#[cfg(feature = "engineio")]
#[tokio::test]
async fn pages_are_known_by_their_origin_over_http2() {
    let certificate = Certificate::new();
    let server = secured(who().transport("engine.io"), certificate.tls()).await;
    let (mut client, connection) = http2(&server, &certificate).await;
    for (origin, status) in [("https://localhost", 200), ("https://evil.example", 403)] {
        let uri = "https://localhost/engine.io/?EIO=4&transport=polling";
        let request = hyper::Request::get(uri).header("origin", origin);
        let request = request.body(Empty::new()).unwrap();
        let answer = soon("the answer", client.send_request(request))
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{origin}");
    }
    drop(client);
    server.stop.send(()).ok();
    soon("the end", server.task).await.unwrap();
    connection.abort();
}

#[tokio::test]
async fn a_new_certificate_is_taken_and_a_broken_one_is_not() {
    let certificate = Certificate::new();
    let tls = certificate.tls();
    let server = secured(who(), tls.clone()).await;
    let (old, address) = (&certificate.der, server.address);
    let before = secure(address, old, b"http/1.1").await.unwrap();
    assert!(!tls.reload().unwrap());

    certificate
        .folder
        .write("cert.pem", "no certificate at all");
    let fault = tls.reload().unwrap_err().to_string();
    assert!(fault.contains("cert.pem"), "{fault}");
    assert!(secure(address, old, b"http/1.1").await.is_ok());

    let new = Certificate::write(&certificate.folder);
    assert!(tls.reload().unwrap());
    assert!(secure(address, &new, b"http/1.1").await.is_ok());
    assert!(secure(address, old, b"http/1.1").await.is_err());
    drop(before);

    // A key of another certificate.
    let other = Certificate::new();
    let [cert, _] = certificate.files();
    let [_, key] = other.files();
    let fault = Tls::from_files(&cert, key).unwrap_err().to_string();
    assert!(
        fault.contains("cert.pem") && fault.contains("key.pem"),
        "{fault}"
    );
    let fault = Tls::from_files(&cert, &cert).unwrap_err().to_string();
    assert!(fault.contains("no private key"), "{fault}");
    let fault = Tls::from_files("nowhere.pem", &cert)
        .unwrap_err()
        .to_string();
    assert!(fault.contains("nowhere.pem"), "{fault}");
}

#[tokio::test]
async fn the_settings_say_where_and_how_to_listen() {
    let certificate = Certificate::new();
    let [cert, key] = certificate.files();
    let folder = Folder::new();
    let socket = folder.path().join("app.sock");
    let address = format!("unix:{}", socket.display());
    let builder = |cert, key| {
        let address = address.clone();
        who().configure(move |config| {
            config.listen = vec!["127.0.0.1:0".into(), address];
            config.tls = TlsConfig::default();
            config.tls.cert = cert;
            config.tls.key = key;
        })
    };
    let stellar = builder(Some(cert.clone()), Some(key))
        .build()
        .await
        .unwrap();
    let listeners = stellar.listen().await.unwrap();
    assert!(listeners.iter().all(Listener::is_secure));
    drop(listeners);
    let stellar = builder(Some(cert), None).build().await.unwrap();
    let fault = stellar.listen().await.unwrap_err().to_string();
    assert!(fault.contains("tls.key"), "{fault}");

    let stellar = builder(None, None).build().await.unwrap();
    let listeners = stellar.listen().await.unwrap();
    assert_eq!(listeners[1].to_string(), address);
    // It is taken as long as somebody listens.
    let fault = stellar.listen().await.unwrap_err().to_string();
    assert!(fault.contains("app.sock"), "{fault}");
    let port = listeners[0].local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = stellar.clone();
    let task = tokio::spawn(async move {
        let stop = async {
            stopped.await.ok();
        };
        server.serve_all(listeners, stop).await.unwrap();
    });
    // One room over both.
    let stream = UnixStream::connect(&socket).await.unwrap();
    let url = "ws://localhost/primus";
    let mut unix = Peer::over(stream, url).await.unwrap();
    unix.welcomed().await;
    unix.join("defaultRoom").await;
    let details = unix.ask(&json!({ "event": "detailsView" })).await;
    assert_eq!(details["data"]["remoteIP"], Value::Null);
    let stream = TcpStream::connect(port).await.unwrap();
    let url = "ws://localhost/primus";
    let mut tcp = Peer::over(stream, url).await.unwrap();
    tcp.welcomed().await;
    tcp.join("defaultRoom").await;
    let id = tcp.id().await;
    tcp.say("defaultRoom", json!("over both")).await;
    assert_eq!(unix.heard("defaultRoom", Some(&id)).await, "over both");
    stop.send(()).ok();
    for mut peer in [unix, tcp] {
        peer.closed().await;
        peer.goodbye().await;
    }
    soon("the end", task).await.unwrap();
    assert!(!socket.exists());

    // One that was left behind is replaced; a file that is no socket is not.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(socket.exists());
    let listener = Listener::bind(&address).await.unwrap();
    drop(listener);
    folder.write("app.sock", "precious");
    assert!(Listener::bind(&address).await.is_err());
    assert_eq!(std::fs::read_to_string(&socket).unwrap(), "precious");
}

#[tokio::test]
async fn health_is_told_and_can_be_off() {
    let mut on = host(who().configure(|config| {
        config.drain = DrainConfig::default();
        config.drain.delay = 60_000;
    }))
    .await;
    let told = async |host: &crate::support::Host, path: &str| host.get(path).await.status;
    assert_eq!(
        (told(&on, "/healthz").await, told(&on, "/readyz").await),
        (200, 200)
    );
    let mut peer = on.peer().await;
    on.stop();
    // During the delay only the answer about readiness changes.
    until("the news", async || told(&on, "/readyz").await == 503).await;
    assert_eq!(told(&on, "/healthz").await, 200);
    assert_eq!(peer.call(json!({ "action": "who" })).await["who"], "me");
    assert_eq!(
        on.peer().await.call(json!({ "action": "who" })).await["who"],
        "me"
    );

    let off = host(who().configure(|config| config.health = false)).await;
    assert_eq!(
        (told(&off, "/healthz").await, told(&off, "/readyz").await),
        (404, 404)
    );
}

#[tokio::test]
async fn connections_leave_in_waves_and_with_their_answers() {
    let (gate, begun) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicU32::new(0)));
    let (wait, count) = (gate.clone(), begun.clone());
    let builder = who()
        .configure(|config| {
            config.drain = DrainConfig::default();
            config.drain.spread = 300;
            config.drain.deadline = 60_000;
        })
        .action("slow", move || {
            let (wait, count) = (wait.clone(), count.clone());
            async move {
                count.fetch_add(1, Ordering::AcqRel);
                wait.acquire().await.unwrap().forget();
                ActionResult::Ok(json!({ "done": true }))
            }
        });
    let mut host = host(builder).await;
    let mut busy = host.peer().await;
    busy.send(&json!({ "event": "action", "params": { "action": "slow" } }))
        .await;
    let slow = busy.count;
    until("its beginning", async || begun.load(Ordering::Acquire) == 1).await;
    let idle = host.peers(9).await;
    host.stop();
    for mut peer in idle {
        let (before, code) = peer.closed().await;
        assert_eq!((before, code), (vec![], Some(1001)));
        peer.goodbye().await;
    }
    // Nobody new, and nothing new of those who are to leave.
    assert!(host.connect("/primus", &[]).await.is_err());
    let refused = json!({ "error": error("006", "The server is shutting down") });
    loop {
        let answer = busy.call(json!({ "action": "who" })).await;
        if answer == refused {
            break;
        }
        assert_eq!(answer["who"], "me");
    }
    gate.add_permits(1);
    let answer = busy.response_of(slow).await;
    assert_eq!(answer["done"], true);
    let (before, code) = busy.closed().await;
    assert_eq!((before, code), (vec![], Some(1001)));
    busy.goodbye().await;
    host.stopped().await;
}

#[tokio::test]
async fn what_never_ends_is_cut_at_the_deadline() {
    let builder = who()
        .configure(|config| {
            config.drain = DrainConfig::default();
            config.drain.deadline = 50;
        })
        .action("never", async || {
            std::future::pending::<()>().await;
            ActionResult::Ok(json!({}))
        });
    let mut host = host(builder).await;
    let mut peer = host.peer().await;
    peer.send(&json!({ "event": "action", "params": { "action": "never" } }))
        .await;
    until("its beginning", async || {
        host.stellar
            .connections()
            .iter()
            .any(|c| c.pending_actions() == 1)
    })
    .await;
    host.stop();
    let (before, _) = peer.closed().await;
    assert_eq!(before, Vec::<Value>::new());
    peer.goodbye().await;
    host.stopped().await;
}
