//! Several engines in one server: a session belongs to the one that opened it.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use serde_json::{Value, json};
use stellarfw_engineio::EngineIo;
use stellarfw_socketio::SocketIo;
use stellarfw_sockjs::SockJs;
use stellarfw_transport::{CloseReason, CodecError, Flow, Handler, Message, Server, Spark};

use support::{
    bed::{WAYS, next, say},
    http::{Answer, Http},
    line::{self, Line, Way},
    site::Site,
    socket::Socket,
};

struct Echo;

impl Handler for Echo {
    fn open(&self, _: &Spark) -> Flow {
        Flow::DONE
    }

    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        let value: Value = spark.decode(message)?;
        spark.send(&value).ok();
        Ok(Flow::DONE)
    }

    fn error(&self, _: &Spark, _: &CodecError) {}

    fn close(&self, _: &Spark, _: &CloseReason) {}
}

async fn serve() -> (Server, Site) {
    let server = Server::builder()
        .configure(|config| config.ping_interval = 0)
        .transport(EngineIo::default())
        .transport(SocketIo::default())
        .transport(SockJs::default())
        .handler(Echo)
        .build();
    let mut site = Site::default();
    site.serve(&server).await;
    (server, site)
}

async fn ask(site: &Site, method: &str, target: &str, body: &str) -> Answer {
    let mut http = Http::connect(site.address()).await.unwrap();
    let answer = http.ask(method, target, &[], body.as_bytes());
    answer.await.unwrap()
}

fn is_unknown(answer: &Answer) {
    assert_eq!(answer.status, 400);
    let expected = json!({ "code": 1, "message": "Session ID unknown" });
    assert_eq!(answer.json(), expected);
}

/// All that may be asked at another engine's path with a session's id is answered that there is
/// none.
async fn is_unknown_at(site: &Site, path: &str, sid: &str) {
    let target = |transport| format!("{path}?EIO=4&transport={transport}&sid={sid}");
    is_unknown(&ask(site, "GET", &target("polling"), "").await);
    for body in ["1", "4\"taken\"", "41", "42[\"message\",\"taken\"]"] {
        is_unknown(&ask(site, "POST", &target("polling"), body).await);
    }
    let http = Http::connect(site.address()).await.unwrap();
    let refused = Socket::upgrade(http, &target("websocket"), &[]).await;
    is_unknown(&refused.unwrap().err().unwrap());
}

fn sid(line: &Line) -> String {
    line.open["sid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_of_engine_io_is_none_of_socket_io() {
    let (server, site) = serve().await;
    for way in WAYS {
        let line = line::connect(site.address(), way, "/engine.io/", "", &[]);
        let mut owner = line.await.unwrap().unwrap();
        is_unknown_at(&site, "/socket.io/", &sid(&owner)).await;
        say(&mut owner, "4\"mine\"").await;
        assert_eq!(next(&mut owner).await.unwrap(), "4\"mine\"");
    }
    assert_eq!(server.opened(), 3);
}

#[tokio::test]
async fn a_session_of_socket_io_is_none_of_engine_io() {
    let (server, site) = serve().await;
    for way in WAYS {
        let line = line::connect(site.address(), way, "/socket.io/", "", &[]);
        let mut owner = line.await.unwrap().unwrap();
        // Before it is let in as well as afterwards.
        is_unknown_at(&site, "/engine.io/", &sid(&owner)).await;
        say(&mut owner, "40").await;
        assert!(next(&mut owner).await.unwrap().starts_with("40{"));
        is_unknown_at(&site, "/engine.io/", &sid(&owner)).await;
        say(&mut owner, "42[\"message\",\"mine\"]").await;
        assert_eq!(next(&mut owner).await.unwrap(), "42[\"message\",\"mine\"]");
    }
    assert_eq!(server.opened(), 3);
}

#[tokio::test]
async fn a_session_of_sockjs_is_none_of_either() {
    let (server, site) = serve().await;
    // A name like those of SockJS, and one like the ids of Engine.IO.
    for name in ["abcdefgh", "lv_VI97HAXpY6yYWAAAC"] {
        let at = |what: &str| format!("/sockjs/000/{name}/{what}");
        assert_eq!(ask(&site, "POST", &at("xhr"), "").await.body, b"o\n");
        for path in ["/engine.io/", "/socket.io/"] {
            is_unknown_at(&site, path, name).await;
        }
        let sent = ask(&site, "POST", &at("xhr_send"), "[\"\\\"mine\\\"\"]").await;
        assert_eq!(sent.status, 204);
        let back = ask(&site, "POST", &at("xhr"), "").await;
        assert_eq!(back.body, b"a[\"\\\"mine\\\"\"]\n");
    }
    assert_eq!(server.opened(), 2);
}

#[tokio::test]
async fn a_session_of_either_is_none_of_sockjs() {
    let (server, site) = serve().await;
    for path in ["/engine.io/", "/socket.io/"] {
        let line = line::connect(site.address(), Way::Polling, path, "", &[]);
        let mut owner = line.await.unwrap().unwrap();
        let target = |what: &str| format!("/sockjs/000/{}/{what}", sid(&owner));
        let sent = ask(&site, "POST", &target("xhr_send"), "[\"\\\"taken\\\"\"]").await;
        assert_eq!(sent.status, 404);
        // The name is free there: this is another session.
        assert_eq!(ask(&site, "POST", &target("xhr"), "").await.body, b"o\n");
        if path == "/engine.io/" {
            say(&mut owner, "4\"mine\"").await;
            assert_eq!(next(&mut owner).await.unwrap(), "4\"mine\"");
        } else {
            say(&mut owner, "40").await;
            assert!(next(&mut owner).await.unwrap().starts_with("40{"));
        }
    }
    assert_eq!(server.opened(), 4);
}
