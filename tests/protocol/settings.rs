//! Settings that are read, and what a server then does.

use stellarfw::{BuildError, Stellar, config::Sources};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Host, host, soon};

/// The head of the answer to an upgrade that offers compression.
async fn upgraded(host: &Host, path: &str) -> String {
    let mut stream = TcpStream::connect(host.address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        host.address
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon("the head", stream.read_u8()).await.unwrap());
    }
    String::from_utf8(head).unwrap().to_ascii_lowercase()
}

async fn refused(text: &str) -> String {
    let config = Sources::new().text("a.toml", text).load().unwrap();
    let built = Stellar::builder().config(config).build().await;
    built.err().unwrap().to_string()
}

#[tokio::test]
async fn engines_run_with_the_settings_of_a_file() {
    let config = Sources::new()
        .text(
            "a.toml",
            r#"
            transports = ["ws", "engine.io", "socket.io", "sockjs"]
            [ws]
            path = "/live"
            compression = true
            [engineio]
            path = "/eio"
            pingTimeout = 7777
            cookie = "sid"
            [socketio]
            path = "/sio"
            maxPayload = 5555
            [sockjs]
            path = "/sj"
            websocket = false
            script = false
            "#,
        )
        .load()
        .unwrap();
    let host = host(Stellar::builder().config(config)).await;

    // Each at its own path, and no longer at the usual one.
    for path in ["/ws", "/engine.io/", "/socket.io/", "/sockjs/info"] {
        assert_eq!(host.get(path).await.status, 404, "{path}");
    }
    let head = upgraded(&host, "/live").await;
    assert!(head.starts_with("http/1.1 101"), "{head}");
    assert!(
        head.contains("sec-websocket-extensions: permessage-deflate"),
        "{head}"
    );

    let opened = host.get("/eio/?EIO=4&transport=polling").await;
    assert!(
        opened.text().contains("\"pingTimeout\":7777"),
        "{}",
        opened.text()
    );
    assert!(opened.header("set-cookie").unwrap().contains("sid="));
    let opened = host.get("/sio/?EIO=4&transport=polling").await;
    assert!(
        opened.text().contains("\"maxPayload\":5555"),
        "{}",
        opened.text()
    );
    assert_eq!(host.get("/sj/info").await.json()["websocket"], false);
    assert_eq!(host.get("/sj/iframe.html").await.status, 404);

    // The client is told.
    let script = host.get("/stellar-client").await;
    for path in [
        r#""ws":"/live""#,
        r#""engine.io":"/eio""#,
        r#""sockjs":"/sj""#,
    ] {
        assert!(script.text().contains(path), "{path}");
    }
}

#[tokio::test]
async fn engines_of_the_program_keep_their_own() {
    let config = Sources::new().set("ws.path", "/live").load().unwrap();
    let engine = stellarfw::ws::Ws::default();
    let host = host(Stellar::builder().config(config).engine(engine)).await;
    assert_eq!(host.get("/ws").await.status, 426);
    assert_eq!(host.get("/live").await.status, 404);
}

#[tokio::test]
async fn settings_of_engines_that_cannot_be_are_refused() {
    for (text, word) in [
        ("[ws]\npath = \"live\"", "ws.path"),
        ("[engineio]\npath = \"\"", "engineio.path"),
        ("[socketio]\npath = \"/\"", "socketio.path"),
        ("[sockjs]\npath = \"sockjs\"", "sockjs.path"),
        ("[ws.compression]\nlevel = 10", "level must be from 1 to 9"),
        ("[socketio]\nplainEvents = true", "socketio.plainEvents"),
        (
            "transports = [\"socket.io\"]\n[socketio]\nnamespaces = [\"a\"]",
            "must begin with",
        ),
    ] {
        let told = refused(text).await;
        assert!(told.contains(word), "{text}: {told}");
    }
    let config = Sources::new().set("ws.path", "live").load().unwrap();
    let built = Stellar::builder().config(config).build().await;
    assert!(matches!(
        built,
        Err(BuildError::BadPath { key: "ws.path", .. })
    ));
}

#[tokio::test]
async fn paths_that_are_in_each_others_way_are_refused() {
    let two = "transports = [\"ws\", \"sockjs\"]\n";
    for (text, word) in [
        ("server.pathname = \"/{x}\"", "server.pathname"),
        ("server.pathname = \"/a b\"", "server.pathname"),
        ("apiPath = \"/*all\"", "apiPath"),
        ("server.pathname = \"/api\"", "in each other's way"),
        ("apiPath = \"/ws/api\"", "in each other's way"),
        ("server.pathname = \"/docs\"", "/docs is another's"),
        ("apiPath = \"/healthz\"", "/healthz is another's"),
        (
            "[ws]\npath = \"/stellar-client\"",
            "/stellar-client is another's",
        ),
        ("server.pathname = \"/sockjs\"", "never reached"),
        ("[sockjs]\npath = \"/primus/sockjs\"", "never reached"),
        ("[sockjs]\npath = \"/ws\"", "never reached"),
    ] {
        let told = refused(&format!("{two}{text}")).await;
        assert!(told.contains(word), "{text}: {told}");
    }
    let told = refused("transports = [\"ws\", \"websockets\"]").await;
    assert!(told.contains("there twice"), "{told}");
    // Below a declared route's path an engine would be taken for the route's parameter.
    let config = Sources::new()
        .set("server.pathname", "/api/live")
        .load()
        .unwrap();
    let builder = Stellar::builder().config(config.clone());
    assert!(builder.route("get", "/:id", "x").build().await.is_err());

    // What is merely near each other works.
    let near = [
        "server.pathname = \"/ws/\"",
        "server.pathname = \"/api/live\"",
        "docs = false\nhealth = false\napiPath = \"/docs\"\nserver.pathname = \"/healthz\"",
        "server.pathname = \"/apis\"",
    ];
    for text in near {
        let config = Sources::new().text("a.toml", text).load().unwrap();
        let stellar = Stellar::builder().config(config).build().await.unwrap();
        let path = stellar
            .config()
            .server
            .pathname
            .trim_end_matches('/')
            .to_owned();
        let host = Host::of_router(stellar.clone(), stellar.router()).await;
        assert_eq!(
            host.get(&format!("{path}/spec")).await.status,
            200,
            "{text}"
        );
    }
}

/// The settings that the guides show are settings.
#[test]
fn the_guides_show_settings_that_there_are() {
    let docs = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/docs"));
    let mut seen = 0;
    for folder in [docs.to_owned(), docs.join("coming-from")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for block in text.split("```toml\n").skip(1) {
                let block = block.split("```").next().unwrap();
                // What belongs into a Cargo.toml.
                if block.contains("version = ") || block.contains("git = ") {
                    continue;
                }
                seen += 1;
                let name = path.display().to_string();
                if let Err(error) = Sources::new().text(name, block).load() {
                    panic!("{error}");
                }
            }
        }
    }
    assert!(seen > 5, "the guides show {seen} settings");
}
