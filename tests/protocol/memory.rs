//! What one client can take of the server's memory is leased from its budget.

use std::sync::Arc;

use serde_json::{Value, json};
use stellarfw::{
    Builder, Stellar,
    actions::{ActionResult, Params},
};
use tokio::sync::Notify;

use crate::support::{Folder, error, host, soon, until};

const BUDGET: usize = 1 << 20;

/// A server with little room, and an action that waits until it is told.
fn small() -> (Builder, Arc<Notify>) {
    let go = Arc::<Notify>::default();
    let waits = go.clone();
    let builder = Stellar::builder()
        .action("wait", move |_: Params<Value>| {
            let go = waits.clone();
            async move {
                go.notified().await;
                ActionResult::Ok(json!({ "done": true }))
            }
        })
        .action("length", async |Params(params): Params<Value>| {
            let text = params["text"].as_str().unwrap_or_default();
            ActionResult::Ok(json!({ "length": text.len() }))
        })
        .configure(|config| config.server.memory_budget = Some(BUDGET));
    (builder, go)
}

#[tokio::test]
async fn pending_actions_hold_their_parameters_in_the_budget() {
    let (builder, go) = small();
    let host = host(builder).await;
    let mut first = host.peer().await;
    let mut second = host.peer().await;
    let text = "x".repeat(300_000);
    first
        .send(&json!({ "event": "action", "params": { "action": "wait", "text": text } }))
        .await;
    let budget = host.stellar.transport().budget().clone();
    until("the call", async || budget.used() >= text.len()).await;
    let refused = second
        .call(json!({ "action": "length", "text": text }))
        .await;
    assert_eq!(
        refused["error"],
        error("007", "You have too many pending requests")
    );
    // Small ones go on.
    let answer = second
        .call(json!({ "action": "length", "text": "ab" }))
        .await;
    assert_eq!(answer["length"], 2);
    go.notify_one();
    until("its end", async || budget.used() < text.len()).await;
    let answer = second
        .call(json!({ "action": "length", "text": text }))
        .await;
    assert_eq!(answer["length"], text.len());
}

#[tokio::test]
async fn a_file_that_has_no_room_is_refused() {
    let folder = Folder::new();
    folder.write("large.bin", vec![0xff; 600_000]);
    folder.write("small.bin", vec![0xff; 10_000]);
    let (builder, _) = small();
    let host = host(builder.public(folder.path())).await;
    let mut peer = host.peer().await;
    let large = peer
        .ask(&json!({ "event": "file", "file": "large.bin" }))
        .await;
    assert_eq!(
        large["error"],
        error("007", "You have too many pending requests")
    );
    let small = peer
        .ask(&json!({ "event": "file", "file": "small.bin" }))
        .await;
    assert_eq!(small["length"], 10_000);
    // Over HTTP it is not held, but sent in pieces.
    assert_eq!(host.get("/large.bin").await.body.len(), 600_000);
    let budget = host.stellar.transport().budget();
    until("the end of all leases", async || budget.used() < 10_000).await;
}

#[tokio::test]
async fn downloads_hold_a_piece_each_and_are_refused_without_room() {
    let folder = Folder::new();
    // More than the kernel buffers.
    folder.write("large.bin", vec![0xff; 32 << 20]);
    let builder = small().0.public(folder.path());
    let host = host(builder.configure(|config| {
        config.server.memory_budget = Some(150_000);
    }))
    .await;
    let budget = host.stellar.transport().budget().clone();
    let unread = [
        host.start("GET /large.bin", &[], b"").await,
        host.start("GET /large.bin", &[], b"").await,
    ];
    until("two downloads", async || budget.used() == 2 << 16).await;
    let refused = host.get("/large.bin").await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(host.http("HEAD /large.bin", &[], b"").await.status, 200);
    for unread in unread {
        assert_eq!(unread.reply().await.body.len(), 32 << 20);
    }
    until("their end", async || budget.used() == 0).await;
}

#[tokio::test]
async fn bodies_over_http_are_held_in_the_budget() {
    let (builder, go) = small();
    let host = host(builder).await;
    let text = "x".repeat(200_000);
    let body = json!({ "text": text }).to_string();
    let form = format!("text={text}");
    let part =
        format!("--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n{text}\r\n--x--\r\n");
    let bodies = [
        ("application/json", &body),
        ("application/x-www-form-urlencoded", &form),
        ("multipart/form-data; boundary=x", &part),
    ];
    let budget = host.stellar.transport().budget().clone();
    for (mime, body) in bodies {
        let headers = [("Content-Type", mime)];
        let send = async |action: &str| {
            let line = format!("POST /api/{action}");
            host.start(&line, &headers, body.as_bytes()).await
        };
        let waiting = [send("wait").await, send("wait").await];
        until("the bodies", async || budget.used() > 3 * text.len()).await;
        let refused = host
            .http("POST /api/length", &headers, body.as_bytes())
            .await;
        assert_eq!(refused.status, 503, "{mime}: {refused:?}");
        assert_eq!(refused.header("retry-after"), Some("1"));
        let ok = host.post("/api/length", "{\"text\":\"ab\"}").await;
        assert_eq!(ok.json()["length"], 2);
        for waiting in waiting {
            go.notify_one();
            let answer = waiting.reply().await;
            assert_eq!(answer.status, 200, "{mime}");
            let params = &answer.json()["requesterInformation"]["receivedParams"];
            assert_eq!(params["text"], text.as_str());
        }
        soon("the end of all leases", async {
            until("it", async || budget.used() == 0).await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_json_body_stays_as_it_came_and_other_parameters_come_on_top() {
    let builder = Stellar::builder().action("echo", async |Params(params): Params<Value>| {
        ActionResult::Ok(json!({ "params": params }))
    });
    let host = host(builder).await;
    for (target, body, expected) in [
        (
            "/api/echo",
            "{\"a\":1}",
            json!({ "a": 1, "action": "echo" }),
        ),
        (
            "/api/echo",
            " [1,2] ",
            json!({ "payload": [1, 2], "action": "echo" }),
        ),
        (
            "/api",
            "{\"action\":\"echo\",\"a\":[]}",
            json!({ "action": "echo", "a": [] }),
        ),
        (
            "/api/echo",
            "{\"action\":\"other\"}",
            json!({ "action": "echo" }),
        ),
        (
            "/api/echo?a=0&b=2",
            "{\"a\":1}",
            json!({ "a": 1, "b": "2", "action": "echo" }),
        ),
        ("/api/echo", "{}", json!({ "action": "echo" })),
    ] {
        let answer = host.post(target, body).await;
        assert_eq!(answer.status, 200, "{target} {body}: {answer:?}");
        let answer = answer.json();
        assert_eq!(answer["params"], expected, "{target} {body}");
        let received = &answer["requesterInformation"]["receivedParams"];
        assert_eq!(*received, expected, "{target} {body}");
    }
    for body in [
        "1",
        "\"a\"",
        "{",
        "[1",
        "{\"a\":1e999}",
        "{\"a\":\"\\ud800\"}",
        "{}x",
    ] {
        assert_eq!(host.post("/api/echo", body).await.status, 400, "{body}");
    }
}
