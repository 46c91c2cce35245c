//! What is told to Prometheus.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use stellarfw::{
    Stellar,
    actions::{Action, ActionResult},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};

use crate::support::{Folder, host, soon, until};

/// The values by name and labels, after a look at the form of each line.
fn read(text: &str) -> BTreeMap<String, f64> {
    assert!(text.ends_with("# EOF\n"), "{text}");
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("stellarfw_"), "{line}");
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn what_happens_is_counted() {
    let builder = Stellar::builder()
        .action("good", async || ActionResult::Ok(json!({})))
        .add_action(
            Action::new("bad \"one\"\\", async || {
                ActionResult::<()>::Err("no".into())
            })
            .versioned(3),
        );
    let host = host(builder).await;
    let told = |name: &str| {
        let values = read(&host.stellar.metrics());
        *values
            .get(name)
            .unwrap_or_else(|| panic!("{name}: {values:?}"))
    };
    assert_eq!(told("stellarfw_connections{transport=\"ws\"}"), 0.0);
    let (mut ann, mut bob) = (host.peer().await, host.peer().await);
    for peer in [&mut ann, &mut bob] {
        peer.join("defaultRoom").await;
    }
    assert_eq!(told("stellarfw_connections{transport=\"ws\"}"), 2.0);
    let (received, sent) = (
        told("stellarfw_messages_received_total"),
        told("stellarfw_messages_sent_total"),
    );
    let id = ann.id().await;
    ann.say("defaultRoom", json!("hi")).await;
    assert_eq!(bob.heard("defaultRoom", Some(&id)).await, "hi");
    // Details and the message; their answers, and a delivery to each.
    assert_eq!(told("stellarfw_messages_received_total") - received, 2.0);
    assert_eq!(told("stellarfw_messages_sent_total") - sent, 4.0);
    assert!(told("stellarfw_received_bytes_total") > 60.0);
    assert!(told("stellarfw_sent_bytes_total") > 100.0);
    for _ in 0..3 {
        ann.call(json!({ "action": "good" })).await;
        host.get("/api/bad%20%22one%22%5C").await;
    }
    let good = "{action=\"good\",version=\"1\"}";
    let bad = "{action=\"bad \\\"one\\\"\\\\\",version=\"3\"}";
    let labelled = |name: &str, labels: &str| told(&format!("stellarfw_{name}{labels}"));
    assert_eq!(labelled("action_duration_seconds_count", good), 3.0);
    assert_eq!(labelled("action_duration_seconds_count", bad), 3.0);
    assert_eq!(labelled("action_errors_total", good), 0.0);
    assert_eq!(labelled("action_errors_total", bad), 3.0);
    assert_eq!(told("stellarfw_outbox_bytes"), 0.0);

    let foreign = [("Origin", "https://evil.example")];
    assert!(host.connect("/primus", &foreign).await.is_err());
    assert_eq!(told("stellarfw_connections_refused_total"), 1.0);
    ann.goodbye().await;
    let closed = "stellarfw_connections_closed_total{reason=\"client\"}";
    until("its end", async || told(closed) == 1.0).await;
    assert_eq!(told("stellarfw_connections{transport=\"ws\"}"), 1.0);
    let opened = "stellarfw_connections_opened_total{transport=\"ws\"}";
    assert_eq!(told(opened), 2.0);
}

/// The dashboard shows each of them, and the guide tells of each; neither of any other.
#[tokio::test]
async fn the_dashboard_and_the_guide_know_all_of_them() {
    let action = Action::new("a", async || ActionResult::Ok(json!({})));
    let host = host(Stellar::builder().add_action(action)).await;
    let base = |name: &str| {
        let name = name.trim_end_matches(|c: char| !c.is_ascii_lowercase());
        let parts = ["_bucket", "_sum", "_count"];
        let part = parts.iter().find_map(|part| name.strip_suffix(part));
        part.unwrap_or(name).to_owned()
    };
    let named = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !c.is_ascii_lowercase() && c != '_');
        let names = words.filter(|word| word.starts_with("stellarfw_"));
        names.map(base).collect()
    };
    let values = read(&host.stellar.metrics());
    let told: BTreeSet<String> = values
        .keys()
        .map(|name| base(name.split('{').next().unwrap()))
        .collect();
    assert!(
        told.contains("stellarfw_action_duration_seconds"),
        "{told:?}"
    );
    assert_eq!(named(include_str!("../../docs/grafana.json")), told);
    assert_eq!(named(include_str!("../../docs/serving.md")), told);
}

#[tokio::test]
async fn they_are_told_where_the_settings_say_and_nowhere_else() {
    let folder = Folder::new();
    let socket = folder.path().join("metrics.sock");
    let listen = format!("unix:{}", socket.display());
    let builder = Stellar::builder().configure(move |config| config.metrics.listen = Some(listen));
    let host = host(builder).await;
    assert_eq!(host.get("/metrics").await.status, 404);
    let get = async |path: &str| {
        let mut stream = UnixStream::connect(&socket).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        soon("the answer", stream.read_to_string(&mut answer))
            .await
            .unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    };
    until("the metrics", async || {
        UnixStream::connect(&socket).await.is_ok()
    })
    .await;
    let (head, body) = get("/metrics").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("application/openmetrics-text"), "{head}");
    read(&body);
    assert!(get("/readyz").await.0.starts_with("HTTP/1.1 200"));
    assert!(get("/api/x").await.0.starts_with("HTTP/1.1 404"));
    host.stopped().await;
    assert!(!socket.exists());
}
