//! Bounds that follow the client: over all its connections, those that come again, and HTTP.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use serde_json::{Value, json};
use stellarfw::{
    Builder, Stellar,
    actions::{Action, ActionResult, Call, Middleware},
    rooms::ByteRate,
    transport::{MessageRate, Refusal, handshake::query_value},
};
use tokio::sync::Semaphore;

use super::actions::action;
use crate::support::{error, host, until};

const MANY: &str = "You are sending too many messages";
const PENDING: &str = "You have too many pending requests";

/// A server whose action `wait` waits for a permit, with the count of those that do. `finish` does the
/// same, and is detached.
fn waiting(builder: Builder) -> (Builder, Arc<Semaphore>, Arc<AtomicU32>) {
    let (gate, count) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicU32::new(0)));
    struct Counted(Arc<AtomicU32>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let run = {
        let (gate, count) = (gate.clone(), count.clone());
        move || {
            let (gate, counted) = (gate.clone(), Counted(count.clone()));
            counted.0.fetch_add(1, Ordering::SeqCst);
            async move {
                let _counted = counted;
                if let Ok(permit) = gate.acquire().await {
                    permit.forget();
                }
                ActionResult::Ok(json!({ "done": true }))
            }
        }
    };
    let builder = builder
        .action("wait", run.clone())
        .add_action(Action::new("finish", run).detached());
    (builder, gate, count)
}

async fn are_under_way(count: &AtomicU32, wanted: u32) {
    until("that many actions are under way", async || {
        count.load(Ordering::SeqCst) == wanted
    })
    .await;
}

/// The address of a client, as its proxy reports it.
fn from(address: &str) -> [(&str, &str); 1] {
    [("X-Forwarded-For", address)]
}

/// Behind a proxy, so that the clients have addresses of their own.
fn proxied() -> Builder {
    Stellar::builder().configure(|config| {
        config.server.trusted_proxies = serde_json::from_value(json!(["127.0.0.1"])).unwrap();
    })
}

#[tokio::test]
async fn actions_at_once_are_counted_over_connections_and_http() {
    let (builder, gate, count) = waiting(proxied());
    let builder = builder.configure(|config| config.simultaneous_actions_per_client = 3);
    let host = host(builder).await;
    let mut first = host.connect("/primus", &from("10.0.0.1")).await.unwrap();
    let mut second = host.connect("/primus", &from("10.0.0.1")).await.unwrap();
    first.welcomed().await;
    second.welcomed().await;
    first.send_all([action("wait"), action("wait")]).await;
    are_under_way(&count, 2).await;
    let over_http = host.start("GET /api/wait", &from("10.0.0.1"), b"").await;
    are_under_way(&count, 3).await;

    let refused = json!({ "error": error("007", PENDING) });
    second.expect(action("wait"), refused.clone()).await;
    let reply = host.http("GET /api/wait", &from("10.0.0.1"), b"").await;
    assert_eq!(reply.status, 429);
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(reply.json()["error"], refused["error"]);
    // Others are not concerned.
    let other = host.start("GET /api/wait", &from("10.0.0.2"), b"").await;
    are_under_way(&count, 4).await;
    gate.add_permits(4);
    assert_eq!(over_http.reply().await.status, 200);
    assert_eq!(other.reply().await.status, 200);
    for _ in 0..2 {
        assert_eq!(first.recv().await["done"], true);
    }
    // All places are free again.
    let calls = [action("wait"), action("wait"), action("wait")];
    second.send_all(calls).await;
    are_under_way(&count, 3).await;
    gate.add_permits(3);
    for _ in 0..3 {
        assert_eq!(second.recv().await["done"], true);
    }
}

#[tokio::test]
async fn the_rate_of_messages_is_counted_over_reconnects_and_http() {
    let builder = proxied()
        .action("echo", async || ActionResult::Ok(json!({ "done": true })))
        .configure(|config| {
            config.server.message_rate = MessageRate::new(0.000_1, 8);
            config.server.message_rate_per_client = MessageRate::new(0.01, 4);
        });
    let host = host(builder).await;
    let over = error("025", MANY);
    for turn in 0..4 {
        let mut peer = host.connect("/primus", &from("10.0.0.1")).await.unwrap();
        peer.welcomed().await;
        let answer = peer.call(json!({ "action": "echo" })).await;
        assert_eq!(answer["done"], true, "connection {turn}");
    }
    let mut peer = host.connect("/primus", &from("10.0.0.1")).await.unwrap();
    peer.welcomed().await;
    peer.expect(action("echo"), json!({ "error": over })).await;
    let reply = host.http("POST /api/echo", &from("10.0.0.1"), b"{}").await;
    assert_eq!((reply.status, &reply.json()["error"]), (429, &over));
    // One in a hundred seconds is forgiven.
    let after: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((90..=100).contains(&after), "{after}");
    for (n, address) in ["10.0.0.2", "2001:db8::1"].into_iter().enumerate() {
        for call in 0..4 {
            let reply = host.http("GET /api/echo", &from(address), b"").await;
            assert_eq!(reply.status, 200, "{n} {call}");
        }
    }
    // A network of IPv6 is one client.
    let reply = host
        .http("GET /api/echo", &from("2001:db8::2:1"), b"")
        .await;
    assert_eq!(reply.status, 429);
    let reply = host
        .http("GET /api/echo", &from("2001:db8:0:1::1"), b"")
        .await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn a_client_is_its_identity_wherever_it_comes_from() {
    struct User(String);
    let builder = proxied()
        .authorize(|parts| {
            let user = query_value(&parts.uri, "user").map(|name| User(name.into_owned()));
            async move { Ok::<_, Refusal>(user) }
        })
        .client_key(|user: &User| Some(user.0.clone()))
        .configure(|config| {
            config.server.message_rate_per_client = MessageRate::new(0.000_1, 2);
        });
    let host = host(builder).await;
    let details = json!({ "event": "detailsView" });
    let answered = async |user: &str, address: &str| {
        let path = format!("/primus?user={user}");
        let mut peer = host.connect(&path, &from(address)).await.unwrap();
        peer.welcomed().await;
        peer.ask(&details).await["status"] == "OK"
    };
    assert!(answered("ann", "10.0.0.1").await);
    assert!(answered("ann", "10.0.0.2").await);
    assert!(!answered("ann", "10.0.0.3").await);
    for address in ["10.0.0.1", "10.0.0.2"] {
        assert!(answered("bob", address).await);
    }
    // Who has no name is its address.
    let mut peer = host.connect("/primus", &from("10.0.0.3")).await.unwrap();
    peer.welcomed().await;
    assert_eq!(peer.ask(&details).await["status"], "OK");
}

#[tokio::test]
async fn what_a_client_publishes_is_counted_over_its_connections() {
    let builder = Stellar::builder().configure(|config| {
        config.publish_rate.client = ByteRate::new(1, 700);
    });
    let host = host(builder).await;
    let say = json!({ "event": "say", "room": "defaultRoom", "message": "x".repeat(98) });
    let mut taken = 0;
    for _ in 0..5 {
        let mut peer = host.peer().await;
        peer.join("defaultRoom").await;
        let response = peer.ask(&say).await;
        if response["status"] == "OK" {
            taken += 1;
        } else {
            assert_eq!(response["error"], error("025", MANY));
        }
    }
    // 200 bytes each, with the envelope.
    assert_eq!(taken, 3);
}

#[tokio::test]
async fn an_action_ends_with_its_connection_unless_it_is_detached() {
    let (builder, gate, count) = waiting(Stellar::builder());
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let mut other = host.peer().await;
    let calls = [action("wait"), action("finish"), action("wait")];
    peer.send_all(calls).await;
    other.send_all([action("wait")]).await;
    are_under_way(&count, 4).await;
    drop(peer);
    are_under_way(&count, 2).await;
    let metric = |line: &str| host.stellar.metrics().lines().any(|told| told == line);
    let name = "stellarfw_action_cancelled_total";
    until("they are counted", async || {
        metric(&format!("{name}{{action=\"wait\",version=\"1\"}} 2"))
    })
    .await;
    assert!(metric(&format!(
        "{name}{{action=\"finish\",version=\"1\"}} 0"
    )));
    gate.add_permits(2);
    assert_eq!(other.response().await["done"], true);
    are_under_way(&count, 0).await;
}

/// Over HTTP: the request's connection goes away.
#[tokio::test]
async fn an_action_ends_with_its_request_unless_it_is_detached() {
    let (builder, gate, count) = waiting(Stellar::builder());
    let uploads: Arc<Mutex<Vec<PathBuf>>> = Arc::default();
    let seen = uploads.clone();
    let builder = builder
        .configure(|config| config.simultaneous_actions_per_client = 2)
        .middleware(Middleware::new("uploads").global().before(move |call| {
            if let Some(path) = call.value()["a"]["path"].as_str() {
                seen.lock().unwrap().push(path.into());
            }
            async { Ok(call) }
        }));
    let host = host(builder).await;
    let wait = host.start("GET /api/wait", &[], b"").await;
    are_under_way(&count, 1).await;
    drop(wait);
    are_under_way(&count, 0).await;

    let form =
        "--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"a\"\r\n\r\nx\r\n--b--\r\n";
    let multipart = [("Content-Type", "multipart/form-data; boundary=b")];
    for (path, left) in [("POST /api/wait", 0), ("POST /api/finish", 1)] {
        let call = host.start(path, &multipart, form.as_bytes()).await;
        are_under_way(&count, 1).await;
        let upload = uploads.lock().unwrap().pop().unwrap();
        assert!(upload.exists());
        drop(call);
        if left == 0 {
            until("the upload is gone", async || !upload.exists()).await;
        } else {
            // It counts as its client's until it is over.
            let second = host.start("GET /api/wait", &[], b"").await;
            are_under_way(&count, 2).await;
            assert_eq!(host.get("/api/wait").await.status, 429);
            assert!(upload.exists());
            gate.add_permits(2);
            assert_eq!(second.reply().await.status, 200);
            until("the upload is gone", async || !upload.exists()).await;
        }
        are_under_way(&count, 0).await;
    }
}

#[tokio::test]
async fn what_a_detached_action_calls_ends_with_it_and_a_detached_call_does_not() {
    let (builder, gate, count) = waiting(Stellar::builder());
    let builder = builder
        .action("calls", async |call: Call| {
            call.call("wait", json!({})).await.map(Value::from)
        })
        .action("calls_detached", async |call: Call| {
            call.call("finish", json!({})).await.map(Value::from)
        });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    peer.send_all([action("calls"), action("calls_detached")])
        .await;
    are_under_way(&count, 2).await;
    drop(peer);
    are_under_way(&count, 1).await;
    gate.add_permits(1);
    are_under_way(&count, 0).await;
}

/// A hook that never ends does not keep a connection that is gone in its rooms.
#[tokio::test]
async fn a_verb_that_never_ends_is_dropped_some_time_after_its_connection() {
    let builder = Stellar::builder()
        .on_say_receive(async |_, _| std::future::pending().await)
        .configure(|config| config.server.close_timeout = 20);
    let host = host(builder).await;
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    let say = json!({ "event": "say", "room": "defaultRoom", "message": 1 });
    peer.send_all([say]).await;
    drop(peer);
    host.is_empty().await;
}
