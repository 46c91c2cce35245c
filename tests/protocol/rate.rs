//! What is said to those who send too much.

use serde_json::{Value, json};
use stellarfw::{
    Builder, Stellar,
    actions::ActionResult,
    transport::{MessageRate, Parser},
};

use crate::support::{Received, error, host};

const TEXT: &str = "You are sending too many messages";

/// A server whose connections may send so many messages, for longer than any test takes.
fn strict(burst: u32) -> Builder {
    Stellar::builder()
        .action("echo", async || ActionResult::Ok(json!({ "done": true })))
        .configure(|config| config.server.message_rate = MessageRate::new(0.000_1, burst))
}

/// Every kind of message, and what its refusal has besides what every response has.
fn kinds() -> Vec<(Value, Value)> {
    let over = error("025", TEXT);
    let verb = json!({ "status": over, "error": over });
    let membership = json!({ "status": over, "error": over, "data": false });
    let file = json!({
        "error": over,
        "content": null,
        "mime": "text/html",
        "length": TEXT.len(),
    });
    vec![
        (json!({ "event": "detailsView" }), verb.clone()),
        (
            json!({ "event": "roomAdd", "room": "defaultRoom" }),
            membership.clone(),
        ),
        (
            json!({ "event": "roomJoin", "room": "defaultRoom" }),
            membership.clone(),
        ),
        (
            json!({ "event": "roomLeave", "room": "defaultRoom" }),
            membership,
        ),
        (
            json!({ "event": "roomView", "room": "defaultRoom" }),
            verb.clone(),
        ),
        (
            json!({ "event": "say", "room": "defaultRoom", "message": 1 }),
            verb.clone(),
        ),
        (
            json!({ "event": "event", "params": { "room": "r", "event": "e" } }),
            verb.clone(),
        ),
        (json!({ "event": "no such verb" }), verb.clone()),
        (json!("no object at all"), verb),
        (
            json!({ "event": "action", "params": { "action": "echo" } }),
            json!({ "error": over }),
        ),
        (json!({ "event": "file", "file": "a.txt" }), file),
    ]
}

#[tokio::test]
async fn each_kind_of_message_is_refused_with_its_number() {
    let kinds = kinds();
    let burst = u32::try_from(kinds.len()).unwrap();
    for parser in [Parser::Json, Parser::MessagePack] {
        let host = host(strict(burst).parser(parser.clone())).await;
        let mut peer = host.connect("/primus", &[]).await.unwrap().speaking(parser);
        peer.welcomed().await;
        for _ in 0..burst {
            let details = peer.ask(&json!({ "event": "detailsView" })).await;
            assert_eq!(details["status"], "OK");
        }
        for (message, body) in &kinds {
            peer.expect(message.clone(), body.clone()).await;
        }
        // Nothing came of any of them.
        let connection = host.stellar.connections().pop().unwrap();
        assert!(connection.rooms().is_empty());
        assert_eq!(connection.total_actions(), 0);
    }
}

#[tokio::test]
async fn a_message_id_is_echoed_and_what_is_no_message_has_no_number() {
    let host = host(strict(4)).await;
    let mut peer = host.peer().await;
    for _ in 0..4 {
        peer.ask(&json!({ "event": "detailsView" })).await;
    }
    peer.send_raw("{").await;
    let response = peer
        .ask(&json!({ "event": "detailsView", "messageId": "mine" }))
        .await;
    assert_eq!(response["messageId"], "mine");
    assert_eq!(response["messageCount"], 5);
    assert_eq!(response["error"], error("025", TEXT));
}

#[tokio::test]
async fn who_goes_on_is_ended_and_may_come_again() {
    let host = host(strict(3)).await;
    let mut peer = host.peer().await;
    let mut other = host.peer().await;
    peer.send_all((0..7).map(|_| json!({ "event": "detailsView" })))
        .await;
    let (answers, code) = peer.closed().await;
    let codes: Vec<_> = answers
        .iter()
        .map(|a| a["error"]["code"].as_str())
        .collect();
    let over = Some("025");
    assert_eq!(codes, [None, None, None, over, over, over]);
    assert_eq!(code, Some(1008));
    // Neither others nor a second connection have to do with it.
    other.join("defaultRoom").await;
    host.peer().await.join("defaultRoom").await;
    let metrics = host.stellar.metrics();
    for line in [
        "stellarfw_connections_closed_total{reason=\"rate_limit\"} 1",
        "stellarfw_messages_over_rate_total 4",
    ] {
        assert!(
            metrics.lines().any(|told| told == line),
            "{line}: {metrics}"
        );
    }
}

#[tokio::test]
async fn over_the_rate_one_may_still_quit() {
    let host = host(strict(1)).await;
    let mut peer = host.peer().await;
    peer.ask(&json!({ "event": "detailsView" })).await;
    peer.send_raw(json!({ "event": "quit" }).to_string()).await;
    assert_eq!(
        peer.next().await,
        Received::Json(json!("primus::server::close"))
    );
    assert_eq!(peer.next().await, Received::Closed(Some(1000)));
}
