//! TLS, for every engine.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use stellarfw::transport::serve::Tls;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{client::TlsStream, rustls::pki_types::CertificateDer};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use super::{Certificate, Secured, secure, secured, who};
use crate::support::{Peer, soon};

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

/// As on SIGHUP: the files are read again, and so is what the application adds.
#[tokio::test]
async fn a_server_reloads_what_it_is_asked_to() {
    let certificate = Certificate::new();
    let [cert, key] = certificate.files();
    let (count, fails) = (
        Arc::new(AtomicU32::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let (counted, failing) = (count.clone(), fails.clone());
    let stellar = who()
        .configure(|config| {
            config.listen = vec!["127.0.0.1:0".into()];
            config.tls.cert = Some(cert);
            config.tls.key = Some(key);
        })
        .on_reload(move || match failing.load(Ordering::Acquire) {
            true => Err("the list is no list".into()),
            false => Ok(()),
        })
        .on_reload(move || {
            counted.fetch_add(1, Ordering::AcqRel);
            Ok(())
        })
        .build()
        .await
        .unwrap();
    let listeners = stellar.listen().await.unwrap();
    let address = listeners[0].to_string();
    let address = address.trim_start_matches("https://").parse().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = stellar.clone();
    let task = tokio::spawn(async move {
        let stop = async {
            stopped.await.ok();
        };
        server.serve_all(listeners, stop).await.unwrap();
    });
    let old = certificate.der.clone();
    let stream = secure(address, &old, b"http/1.1").await.unwrap();
    let mut peer = Peer::over(stream, "wss://localhost/primus").await.unwrap();
    peer.welcomed().await;

    let new = Certificate::write(&certificate.folder);
    stellar.reload().await.unwrap();
    assert_eq!(count.load(Ordering::Acquire), 1);
    assert!(secure(address, &new, b"http/1.1").await.is_ok());
    assert!(secure(address, &old, b"http/1.1").await.is_err());

    // One that fails does not keep the others back, and what was there stays.
    certificate.folder.write("key.pem", "no key");
    fails.store(true, Ordering::Release);
    let errors = stellar.reload().await.unwrap_err();
    let texts: Vec<String> = errors.errors().map(ToString::to_string).collect();
    assert!(
        texts[0].contains("key.pem: there is no private key"),
        "{texts:?}"
    );
    assert_eq!(texts[1..], ["the list is no list"]);
    assert_eq!(count.load(Ordering::Acquire), 2);
    assert!(secure(address, &new, b"http/1.1").await.is_ok());
    // Who was connected noticed nothing.
    peer.join("defaultRoom").await;
    stop.send(()).ok();
    peer.goodbye().await;
    soon("the end", task).await.unwrap();
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

    // What could not be used once is tried again, although the files look as they did.
    let [cert_file, key_file] = certificate.files();
    let right = std::fs::read(&key_file).unwrap();
    let other = Certificate::new();
    std::fs::copy(&other.files()[1], &key_file).unwrap();
    assert!(tls.reload().is_err());
    assert!(tls.reload().is_err());
    let written = std::fs::metadata(&key_file).unwrap();
    std::fs::write(&key_file, &right).unwrap();
    let file = std::fs::File::options()
        .write(true)
        .open(&key_file)
        .unwrap();
    file.set_modified(written.modified().unwrap()).unwrap();
    assert_eq!(std::fs::metadata(&key_file).unwrap().len(), written.len());
    assert!(tls.reload().unwrap(), "{} and its key", cert_file.display());
    assert!(!tls.reload().unwrap());

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
