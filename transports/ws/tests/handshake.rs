//! From an HTTP request to a WebSocket, and what becomes of requests that are none.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use stellarfw_transport::{OriginPolicy, ServerConfig};
use support::{
    client::{FIN, Raw, TEXT, masked, request},
    site::{Site, expect, within},
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};

#[tokio::test]
async fn a_plain_get_is_told_to_upgrade() {
    let site = Site::new().await;
    for path in ["/primus", "/primus/", "/primus?a=1", "/ws"] {
        let answer = site
            .ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
            .await;
        assert_eq!(answer.status, 426, "{path}");
        assert_eq!(answer.header("upgrade"), Some("websocket"));
        assert_eq!(answer.body, b"Upgrade Required");
    }
}

#[tokio::test]
async fn who_would_be_refused_learns_it_by_a_plain_get() {
    let site = Site::new().await;
    let origin = "Origin: http://elsewhere.example";
    let get = format!("GET /primus HTTP/1.1\r\nHost: localhost\r\n{origin}\r\n\r\n");
    let answer = site.ask(&get).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.body, br#"{"error":"Origin not allowed"}"#);

    let full = Site::with(|config| config.max_connections = 0, |_| {}).await;
    let answer = full
        .ask("GET /primus HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    assert_eq!(answer.status, 503);
    // A question takes no place.
    assert_eq!(site.server.opened(), 0);
    site.is_well().await;
}

#[tokio::test]
async fn pages_that_may_connect_can_read_why_they_are_refused() {
    let list = ["https://a.example", "null"].map(Into::into);
    let change = |config: &mut ServerConfig| {
        config.max_connections = 0;
        config.origins = OriginPolicy::List(list.into());
    };
    let site = Site::with(change, |_| {}).await;
    for (origin, allowed) in [
        ("https://a.example", true),
        ("null", true),
        ("http://b.example", false),
    ] {
        let get = format!("GET /primus HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\n\r\n");
        let answer = site.ask(&get).await;
        assert_eq!(answer.status, 503, "{origin}");
        let readable = answer.header("access-control-allow-origin");
        assert_eq!(readable, allowed.then_some(origin));
        let credentials = answer.header("access-control-allow-credentials");
        assert_eq!(credentials, allowed.then_some("true"));
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
}

#[tokio::test]
async fn a_page_of_a_refused_origin_can_read_that_it_is_refused() {
    let site = Site::new().await;
    for origin in ["https://b.example", "null"] {
        let get = format!("GET /primus HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\n\r\n");
        let answer = site.ask(&get).await;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.body, br#"{"error":"Origin not allowed"}"#);
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
        let credentials = answer.header("access-control-allow-credentials");
        assert_eq!(credentials, Some("true"));
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
}

#[tokio::test]
async fn other_paths_are_not_ours() {
    let site = Site::new().await;
    for path in ["/", "/primusfoo", "/wss", "/primus.js", "/primus/primus.js"] {
        assert_eq!(site.ask(&request(path, &[])).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_broken_handshake_is_refused() {
    let site = Site::new().await;
    for (name, value, status) in [
        ("Sec-WebSocket-Version", "8", 426),
        ("Sec-WebSocket-Version", "", 426),
        ("Sec-WebSocket-Key", "", 400),
        ("Sec-WebSocket-Key", "dG9vIHNob3J0", 400),
        ("Sec-WebSocket-Key", "not base64!!", 400),
        ("Upgrade", "h2c", 426),
        ("Connection", "close", 426),
    ] {
        let answer = site.ask(&request("/primus", &[(name, value)])).await;
        assert_eq!(answer.status, status, "{name}: {value}");
        if status == 426 {
            assert_eq!(answer.header("sec-websocket-version"), Some("13"));
        }
    }
    let post = request("/primus", &[]).replacen("GET", "POST", 1);
    assert_eq!(site.ask(&post).await.status, 400);
    assert_eq!(site.server.opened(), 0);
    site.is_well().await;
}

#[tokio::test]
async fn the_headers_may_be_written_in_many_ways() {
    let site = Site::new().await;
    for headers in [
        &[("Connection", "keep-alive, Upgrade")][..],
        &[("connection", "UPGRADE"), ("upgrade", "WebSocket")],
        &[("Connection", "keep-alive"), ("Connection", "upgrade")],
    ] {
        let mut client = site.client_with(headers).await;
        client.message(TEXT, b"in").await.unwrap();
        expect(&mut client, TEXT, b"in").await;
    }
}

#[tokio::test]
async fn the_first_subprotocol_is_chosen() {
    let site = Site::new().await;
    let ask = async |value: &str| {
        site.ask(&request("/primus", &[("Sec-WebSocket-Protocol", value)]))
            .await
    };
    let answer = ask("chat, superchat").await;
    assert_eq!(answer.status, 101);
    assert_eq!(answer.header("sec-websocket-protocol"), Some("chat"));
    assert_eq!(
        ask("one").await.header("sec-websocket-protocol"),
        Some("one")
    );
    assert_eq!(ask("").await.header("sec-websocket-protocol"), None);
}

#[tokio::test]
async fn frames_may_come_with_the_request() {
    let site = Site::new().await;
    let mut stream = site.stream().await;
    let mut bytes = request("/primus", &[]).into_bytes();
    bytes.extend(masked(FIN | TEXT, b"early"));
    let late = masked(FIN | TEXT, b"split in two");
    bytes.extend(&late[..5]);
    stream.write_all(&bytes).await.unwrap();
    let mut client = within(Raw::upgrade(stream, "")).await.unwrap();
    expect(&mut client, TEXT, b"early").await;
    client.write(&late[5..]).await.unwrap();
    expect(&mut client, TEXT, b"split in two").await;
}

#[tokio::test]
async fn extensions_that_are_not_offered_are_not_agreed() {
    let site = Site::new().await;
    let offer = [(
        "Sec-WebSocket-Extensions",
        "permessage-deflate, x-webkit-deflate-frame",
    )];
    let answer = site.ask(&request("/primus", &offer)).await;
    assert_eq!(answer.status, 101);
    assert_eq!(answer.header("sec-websocket-extensions"), None);
}

#[tokio::test]
async fn a_client_that_only_connects_holds_nothing() {
    let site = Site::new().await;
    let idle = site.stream().await;
    let mut half = site.stream().await;
    half.write_all(b"GET /primus HTTP/1.1\r\nHo").await.unwrap();
    site.is_well().await;
    drop((idle, half));
    assert_eq!(site.server.opened(), 1);
}

#[tokio::test]
async fn an_independent_client_gets_along() {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::{client_async, tungstenite::Message};

    let site = Site::new().await;
    let url = format!("ws://{}/primus?a=1", site.address);
    let (mut socket, _) = within(client_async(url, site.stream().await))
        .await
        .unwrap();
    for message in [Message::text("żółw"), Message::binary(vec![0; 100_000])] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(within(socket.next()).await.unwrap().unwrap(), message);
    }
    socket.close(None).await.unwrap();
    while let Some(message) = within(socket.next()).await {
        assert!(message.unwrap().is_close());
    }
}

#[tokio::test]
async fn a_server_that_tells_no_peer_is_asked_for_it() {
    use hyper::{server::conn::http1, service::service_fn};
    use hyper_util::rt::TokioIo;
    use tower_service::Service as _;

    let site = Site::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = site.server.service();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(move |request| service.clone().call(request));
        http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
            .await
    });
    let stream = TcpStream::connect(address).await.unwrap();
    let own = stream.local_addr().unwrap();
    let mut client = within(Raw::upgrade(stream, &request("/primus", &[])))
        .await
        .unwrap();
    client.message(TEXT, b"in").await.unwrap();
    expect(&mut client, TEXT, b"in").await;
    let mut remote = None;
    site.server
        .for_each(|spark| remote = spark.handshake().remote());
    assert_eq!(remote, Some(own));
}

#[tokio::test]
async fn a_request_that_cannot_be_upgraded_is_told_so() {
    use stellarfw_transport::http::body;

    let site = Site::new().await;
    // As it comes through a server that supports no upgrades.
    let request = hyper::Request::get("/primus")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(body(String::new()))
        .unwrap();
    let response = within(site.server.serve(request)).await;
    assert_eq!(response.status(), 501);
    assert_eq!(site.server.opened(), 0);
}
