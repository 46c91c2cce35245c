//! Clients of Socket.IO 2: protocol 4 on Engine.IO 3.
#![cfg(feature = "v2")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use serde_json::json;
use stellarfw_socketio::SocketIoConfig;
use stellarfw_transport::{CloseReason, Spark};

use support::{
    bed::{Bed, Event, bed_with, default},
    http::Http,
    socket::{BINARY, CLOSE, FIN, Socket, TEXT},
};

fn config() -> SocketIoConfig {
    let mut config = SocketIoConfig::default();
    config.namespaces.push("/custom".into());
    config.allow_eio3 = true;
    config
}

/// The next message of Engine.IO, without its type.
async fn next(socket: &mut Socket) -> String {
    loop {
        let (opcode, payload) = socket.next().await.unwrap();
        assert_eq!(opcode, TEXT);
        let text = String::from_utf8(payload).unwrap();
        match text.strip_prefix('4') {
            Some(message) => return message.to_owned(),
            None => assert_eq!(text, "1"),
        }
    }
}

async fn say(socket: &mut Socket, packet: &str) {
    let message = format!("4{packet}");
    socket.frame(FIN | TEXT, message.as_bytes()).await.unwrap();
}

async fn open(bed: &Bed) -> Socket {
    let http = Http::connect(bed.site.address()).await.unwrap();
    let target = "/socket.io/?EIO=3&transport=websocket";
    let Ok(mut socket) = Socket::upgrade(http, target, &[]).await.unwrap() else {
        panic!("no WebSocket");
    };
    let (_, open) = socket.next().await.unwrap();
    assert!(open.starts_with(b"0{"));
    socket
}

/// A client in the namespace `/`, which it did not ask for.
async fn connect(bed: &mut Bed) -> (Socket, Spark) {
    let mut socket = open(bed).await;
    assert_eq!(next(&mut socket).await, "0");
    (socket, opened(bed).await)
}

async fn opened(bed: &mut Bed) -> Spark {
    match bed.event().await {
        Event::Open(spark) => spark,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_client_is_in_the_first_namespace_without_asking() {
    let mut bed = bed_with(config(), default).await;
    let (mut socket, spark) = connect(&mut bed).await;
    say(&mut socket, "27[\"message\",{\"a\":1}]").await;
    let message = bed.message().await;
    spark.send(&message).unwrap();
    assert_eq!(next(&mut socket).await, "37[{\"a\":1}]");
    spark.send("hello").unwrap();
    assert_eq!(next(&mut socket).await, "2[\"message\",\"hello\"]");
    // What it asks for once more it has.
    say(&mut socket, "0").await;
    let refused = "4{\"message\":\"Already connected\"}";
    assert_eq!(next(&mut socket).await, refused);
}

#[tokio::test]
async fn a_client_asks_for_other_namespaces() {
    let mut bed = bed_with(config(), default).await;
    let (mut socket, _) = connect(&mut bed).await;
    say(&mut socket, "0/custom").await;
    // Clients of protocol 4 get no id.
    assert_eq!(next(&mut socket).await, "0/custom,");
    let custom = opened(&mut bed).await;
    custom.send(&1).unwrap();
    assert_eq!(next(&mut socket).await, "2/custom,[\"message\",1]");
    for name in ["/custom?token=1", "/else"] {
        say(&mut socket, &format!("0{name}")).await;
        let refused = format!("4{name},{{\"message\":\"Invalid namespace\"}}");
        assert_eq!(next(&mut socket).await, refused);
    }
    custom.end();
    let close = "2/custom,[\"primus\",\"primus::server::close\"]";
    assert_eq!(next(&mut socket).await, close);
    assert_eq!(next(&mut socket).await, "1/custom,");
    assert_eq!(bed.closed().await, CloseReason::Ended { reconnect: false });
}

#[tokio::test]
async fn attachments_have_the_type_of_a_message() {
    let mut config = config();
    config.plain_events = true;
    let mut bed = bed_with(config, default).await;
    let (mut socket, spark) = connect(&mut bed).await;
    say(&mut socket, "51-[\"x\",{\"_placeholder\":true,\"num\":0}]").await;
    socket.frame(FIN | BINARY, &[4, 1, 2]).await.unwrap();
    let event = bed.message().await;
    let bytes = json!({ "type": "Buffer", "encoding": "base64", "data": "AQI=" });
    assert_eq!(event, json!({ "event": "x", "args": [bytes] }));
    spark.send(&event).unwrap();
    let sent = "51-[\"x\",{\"_placeholder\":true,\"num\":0}]";
    assert_eq!(next(&mut socket).await, sent);
    assert_eq!(socket.next().await.unwrap(), (BINARY, vec![4, 1, 2]));
}

#[tokio::test]
async fn a_client_that_leaves_the_only_namespace_leaves_the_transport() {
    let mut config = config();
    config.namespaces.pop();
    let mut bed = bed_with(config, default).await;
    let (mut socket, _) = connect(&mut bed).await;
    say(&mut socket, "1").await;
    assert_eq!(bed.closed().await, CloseReason::Client { code: 1005 });
    while socket.next().await.unwrap().0 != CLOSE {}
}
