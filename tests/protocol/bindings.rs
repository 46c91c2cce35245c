//! Sessions over polling that are bound to the address or to a cookie of the request that opened them.

use serde_json::json;
use stellarfw::{Builder, Stellar, transport::SessionBinding};

use crate::support::{Host, Reply, host};

fn server(bind: Option<SessionBinding>) -> Builder {
    Stellar::builder().configure(move |config| {
        config.transports = ["engine.io", "socket.io", "sockjs"].map(Into::into).into();
        config.server.trusted_proxies = serde_json::from_value(json!(["127.0.0.1"])).unwrap();
        config.engineio.bind.clone_from(&bind);
        config.socketio.bind.clone_from(&bind);
        config.sockjs.bind = bind;
        config.sockjs.bind_address = false;
    })
}

/// A client, as its proxy passes it on.
#[derive(Clone, Copy)]
struct Client(&'static str, &'static str);

impl Client {
    async fn sends(self, host: &Host, line: &str, more: &[(&str, &str)], body: &[u8]) -> Reply {
        let headers = [("X-Forwarded-For", self.0), ("Cookie", self.1)];
        let headers = [&headers, more].concat();
        host.http(line, &headers, body).await
    }
}

/// Opens a session of Engine.IO as one client, and asks for it as another.
async fn is_known(host: &Host, path: &str, first: Client, then: Client) -> bool {
    let opened = first
        .sends(
            host,
            &format!("GET {path}/?EIO=4&transport=polling"),
            &[],
            b"",
        )
        .await;
    let packet = opened.text().strip_prefix('0').unwrap();
    let open: serde_json::Value = serde_json::from_str(packet).unwrap();
    let sid = open["sid"].as_str().unwrap();
    let polling = format!("{path}/?EIO=4&transport=polling&sid={sid}");
    let websocket = format!("{path}/?EIO=4&transport=websocket&sid={sid}");
    let upgrade = [
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let mut statuses = Vec::new();
    let ping = if path == "/engine.io" { "4hello" } else { "40" };
    let post = format!("POST {polling}");
    statuses.push(then.sends(host, &post, &[], ping.as_bytes()).await);
    if statuses[0].status != 200 {
        // Else the poll and the upgrade would be of a session that goes on.
        statuses.push(then.sends(host, &format!("GET {polling}"), &[], b"").await);
        let line = format!("GET {websocket}");
        statuses.push(then.sends(host, &line, &upgrade, b"").await);
        for reply in &statuses {
            assert_eq!(reply.status, 400);
            let unknown = json!({ "code": 1, "message": "Session ID unknown" });
            assert_eq!(reply.json(), unknown);
        }
        // Its owner can go on.
        let reply = first.sends(host, &post, &[], ping.as_bytes()).await;
        assert_eq!((reply.status, reply.text()), (200, "ok"));
        return false;
    }
    true
}

/// The same for SockJS.
async fn is_known_to_sockjs(host: &Host, name: &str, first: Client, then: Client) -> bool {
    let open = format!("POST /sockjs/000/{name}/xhr");
    let send = format!("POST /sockjs/000/{name}/xhr_send");
    let opened = first.sends(host, &open, &[], b"").await;
    assert_eq!(opened.text(), "o\n");
    let sent = then.sends(host, &send, &[], b"[\"1\"]").await;
    let is_known = sent.status == 204;
    if !is_known {
        assert_eq!(sent.status, 404);
        let poll = then.sends(host, &open, &[], b"").await;
        assert_ne!(poll.status, 200);
        let sent = first.sends(host, &send, &[], b"[\"1\"]").await;
        assert_eq!(sent.status, 204);
    }
    is_known
}

#[tokio::test]
async fn a_session_is_its_clients_alone() {
    let ann = Client("10.0.0.1", "s=abc; x=1");
    let moved = Client("10.0.0.2", "s=abc");
    let other = Client("10.0.0.1", "s=def");
    let none = Client("10.0.0.1", "x=1");
    let cookie = || Some(SessionBinding::Cookie("s".into()));
    for (bind, first, then, expected) in [
        (None, ann, Client("10.0.0.2", "s=def"), true),
        (Some(SessionBinding::Address), ann, other, true),
        (Some(SessionBinding::Address), ann, moved, false),
        (cookie(), ann, moved, true),
        (cookie(), ann, other, false),
        (cookie(), ann, none, false),
        (cookie(), none, other, true),
    ] {
        let host = host(server(bind.clone())).await;
        for path in ["/engine.io", "/socket.io"] {
            let known = is_known(&host, path, first, then).await;
            assert_eq!(known, expected, "{path} {bind:?}");
        }
        let known = is_known_to_sockjs(&host, "one", first, then).await;
        assert_eq!(known, expected, "sockjs {bind:?}");
    }
}

#[test]
fn it_is_a_setting_of_each_engine() {
    let text = "[engineio]\nbind = \"address\"\n[socketio]\nbind = { cookie = \"s\" }\n[sockjs]\nbind = false";
    let config = stellarfw::config::Sources::new().text("a.toml", text);
    let config = config.load().unwrap();
    assert_eq!(config.engineio.bind, Some(SessionBinding::Address));
    let cookie = SessionBinding::Cookie("s".into());
    assert_eq!(config.socketio.bind, Some(cookie));
    assert_eq!(config.sockjs.bind, None);
    let wrong = stellarfw::config::Sources::new().text("a.toml", "[engineio]\nbind = \"ip\"");
    assert!(wrong.load().is_err());
}
