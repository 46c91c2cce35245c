//! What one client can make the server hold.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use std::time::Duration;

use stellarfw_socketio::SocketIoConfig;
use stellarfw_transport::CloseReason;

use support::{
    bed::{WAYS, bed, bed_with, default, next, say},
    line::{Packet, Way},
};

const MIB: usize = 1 << 20;

/// Waits until a condition holds.
async fn until(mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waiting = tokio::time::timeout(Duration::from_secs(20), waiting);
    waiting.await.unwrap();
}

#[tokio::test]
async fn attachments_that_have_come_are_counted_until_the_event_is_complete() {
    let mut bed = bed(default).await;
    for way in WAYS {
        let (mut line, _) = bed.connect(way).await;
        let before = bed.server.budget().used();
        let placeholder = "{\"_placeholder\":true,\"num\":0}";
        let event = format!("452-[\"message\",{placeholder}]");
        let packets = [Packet::text(event), Packet::Binary(vec![7; 2 * MIB])];
        line.send(&packets).await.unwrap();
        let budget = bed.server.budget().clone();
        until(|| budget.used() >= before + 2 * MIB).await;
        line.send(&[Packet::Binary(vec![])]).await.unwrap();
        bed.message().await;
        until(|| budget.used() < before + MIB).await;
        line.vanish().await;
        bed.closed().await;
    }
}

#[tokio::test]
async fn clients_whose_attachments_exceed_the_budget_are_ended() {
    let limit = 8 * MIB;
    let mut bed = bed(|config| config.memory_budget = Some(limit)).await;
    let (mut line, _) = bed.connect(Way::WebSocket).await;
    let (mut other, spark) = bed.connect(Way::WebSocket).await;
    let packet = Packet::text("451000-[\"message\",1]");
    let mut packets = vec![packet];
    packets.extend((0..9).map(|_| Packet::Binary(vec![7; MIB])));
    // It may be cut while it sends.
    line.send(&packets).await.ok();
    assert_eq!(bed.closed().await, CloseReason::OverBudget);
    spark.send("well").unwrap();
    assert_eq!(next(&mut other).await.unwrap(), "42[\"message\",\"well\"]");
}

#[tokio::test]
async fn credentials_are_bounded_and_counted() {
    let mut config = SocketIoConfig::default();
    config.namespaces.push("/custom".into());
    let mut bed = bed_with(config, default).await;
    let (mut line, _) = bed.connect(Way::WebSocket).await;
    let long = "x".repeat(64 << 10);
    say(&mut line, &format!("40/custom,{{\"token\":\"{long}\"}}")).await;
    let told = next(&mut line).await.unwrap();
    let refused = "44/custom,{\"message\":\"The credentials are too large\"}";
    assert_eq!(told, refused);
    // A value for each two bytes.
    let many = vec!["1"; 30_000].join(",");
    let budget = bed.server.budget().clone();
    let before = budget.uses().work;
    say(&mut line, &format!("40/custom,[{many}]")).await;
    assert!(next(&mut line).await.unwrap().starts_with("40/custom,{"));
    bed.event().await;
    let held = budget.uses().work - before;
    assert!(held >= 30_000 * size_of::<serde_json::Value>(), "{held}");
    say(&mut line, "41/custom,").await;
    bed.closed().await;
    until(|| budget.uses().work <= before).await;
}
