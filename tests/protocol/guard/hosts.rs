//! DNS rebinding, and cookies of the engines.

use stellarfw::{
    Stellar,
    transport::{Hosts, TrustedProxies},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Folder, Host, host};

const ENGINES: [&str; 4] = ["ws", "engine.io", "socket.io", "sockjs"];

/// What a request with this `Host` is answered, all of it.
async fn asked(host: &Host, line: &str, name: &str, more: &str) -> String {
    let mut stream = TcpStream::connect(host.address).await.unwrap();
    let request = format!("{line} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n{more}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    String::from_utf8_lossy(&answer).into_owned()
}

fn every_engine() -> stellarfw::Builder {
    Stellar::builder().configure(|config| {
        config.transports = ENGINES.map(String::from).to_vec();
        config.metrics.listen = None;
    })
}

const LINES: [&str; 13] = [
    "GET /",
    "GET /page.html",
    "GET /docs",
    "GET /docs/openapi.json",
    "GET /stellar-client",
    "GET /api/none",
    "POST /api/none",
    "OPTIONS /api/none",
    "GET /primus/spec",
    "GET /engine.io/?EIO=4&transport=polling",
    "GET /socket.io/?EIO=4&transport=polling",
    "POST /sockjs/000/s/xhr",
    "GET /sockjs/info",
];

#[tokio::test]
async fn a_name_that_was_made_to_lead_here_is_refused() {
    let folder = Folder::of(&[("page.html", "<p>")]);
    let host = host(every_engine().public(folder.path())).await;
    let port = host.address.port();
    for line in LINES {
        for evil in [
            "evil.example",
            "EVIL.example:8080",
            "127.0.0.1.evil.example",
        ] {
            let page = format!("Origin: http://{evil}\r\n");
            let answer = asked(&host, line, evil, &page).await;
            assert!(answer.starts_with("HTTP/1.1 421 "), "{line}: {answer}");
            assert!(answer.contains("server.hosts"), "{line}: {answer}");
            assert!(!answer.contains("set-cookie"), "{line}: {answer}");
        }
        for own in ["127.0.0.1", "localhost", "app.localhost", "[::1]"] {
            let answer = asked(&host, line, &format!("{own}:{port}"), "").await;
            assert!(
                !answer.starts_with("HTTP/1.1 421 "),
                "{line} {own}: {answer}"
            );
        }
    }
    // Whoever checks its health has a name for it that nobody else has.
    for line in ["GET /healthz", "GET /readyz"] {
        let answer = asked(&host, line, "balancer.example", "").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    let opened = host.stellar.transport().opened();
    let upgrade = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \
                   dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let request = format!("Origin: http://evil.example\r\n{upgrade}");
    for path in [
        "/primus",
        "/engine.io/?EIO=4&transport=websocket",
        "/socket.io/?EIO=4&transport=websocket",
        "/sockjs/000/s/websocket",
        "/sockjs/websocket",
    ] {
        let line = format!("GET {path}");
        let answer = asked(&host, &line, "evil.example", &request).await;
        assert!(answer.starts_with("HTTP/1.1 421 "), "{path}: {answer}");
    }
    assert_eq!(host.stellar.transport().opened(), opened);
}

#[tokio::test]
async fn hosts_are_listed_or_left_to_a_proxy() {
    let answers = async |builder: stellarfw::Builder, name: &str| {
        let host = host(builder).await;
        let answer = asked(&host, "GET /api/none", name, "").await;
        !answer.starts_with("HTTP/1.1 421 ")
    };
    let listed = || {
        every_engine().configure(|config| {
            config.server.hosts = Hosts::List(vec!["app.example".into()]);
        })
    };
    assert!(answers(listed(), "app.example:8080").await);
    assert!(!answers(listed(), "evil.example").await);
    let any = every_engine().configure(|config| config.server.hosts = Hosts::Any);
    assert!(answers(any, "evil.example").await);
    let proxies = || TrustedProxies::try_from(vec!["127.0.0.1".into()]).unwrap();
    let behind = every_engine().configure(|config| config.server.trusted_proxies = proxies());
    assert!(answers(behind, "app.example").await);
    let named = every_engine().configure(|config| config.listen = vec!["box.lan:8080".into()]);
    assert!(answers(named, "box.lan:8080").await);
}

/// Mounted in a server that does not say where it listens, it serves what that serves.
#[tokio::test]
async fn a_mounted_server_leaves_hosts_to_the_app() {
    use tower::ServiceExt as _;
    let stellar = every_engine().build().await.unwrap();
    let status = async |stellar: &Stellar| {
        let request = http::Request::get("/api/none").header("Host", "app.example");
        let request = request.body(axum::body::Body::empty()).unwrap();
        stellar.router().oneshot(request).await.unwrap().status()
    };
    assert_eq!(status(&stellar).await, 404);
    let listed = every_engine()
        .configure(|config| config.server.hosts = Hosts::List(vec!["other.example".into()]));
    assert_eq!(status(&listed.build().await.unwrap()).await, 421);
}

#[tokio::test]
async fn cookies_of_the_engines_are_secure_over_tls() {
    let builder = every_engine().configure(|config| {
        config.engineio.cookie = Some("io".into());
        config.socketio.cookie = Some("sio".into());
        config.sockjs.cookie = true;
        config.server.trusted_proxies = TrustedProxies::try_from(vec!["127.0.0.1".into()]).unwrap();
    });
    let host = host(builder).await;
    for (line, name) in [
        ("GET /engine.io/?EIO=4&transport=polling", "io="),
        ("GET /socket.io/?EIO=4&transport=polling", "sio="),
        ("POST /sockjs/000/one/xhr", "JSESSIONID="),
        ("GET /api/none", "sessionID="),
    ] {
        for (proto, is_secure) in [("https", true), ("http", false), ("", false)] {
            let line = line.replace("/one/", &format!("/one{proto}/"));
            let headers = [("X-Forwarded-Proto", proto)];
            let reply = host.http(&line, &headers, b"").await;
            let cookie = reply.header("set-cookie").unwrap();
            assert!(cookie.starts_with(name), "{cookie}");
            assert_eq!(cookie.ends_with("; Secure"), is_secure, "{proto}: {cookie}");
            let cache = reply.header("cache-control").unwrap();
            assert!(
                cache.contains("no-store") || cache.contains("private"),
                "{cache}"
            );
        }
    }
}

#[tokio::test]
async fn the_script_of_sockjs_can_come_from_here() {
    let folder = Folder::of(&[("sockjs.min.js", "/* SockJS */")]);
    let file = folder.path().join("sockjs.min.js");
    for (primary, paths) in [
        ("ws", &["/sockjs"][..]),
        ("sockjs", &["/primus", "/sockjs"]),
    ] {
        let file = file.clone();
        let builder = Stellar::builder().configure(move |config| {
            config.transports = vec![primary.into(), "sockjs".into()];
            config.transports.dedup();
            config.scripts.sockjs = Some(file);
        });
        let host = host(builder).await;
        for path in paths {
            let page = host.get(&format!("{path}/iframe-1.6.1.html")).await;
            assert!(page.text().contains("<script src=\"sockjs.js\"></script>"));
            let script = host.get(&format!("{path}/sockjs.js")).await;
            assert_eq!(
                (script.status, script.text()),
                (200, "/* SockJS */"),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn metrics_are_for_no_other_host_either() {
    let stellar = every_engine().build().await.unwrap();
    let router = stellar.metrics_router();
    let host = Host::of_router(stellar, router).await;
    let answer = asked(&host, "GET /metrics", "evil.example", "").await;
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
    assert_eq!(host.get("/metrics").await.status, 200);
    let answer = asked(&host, "GET /healthz", "balancer.example", "").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
