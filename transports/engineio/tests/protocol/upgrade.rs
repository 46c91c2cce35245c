//! From polling to a WebSocket.

use std::time::Duration;

use serde_json::json;
use stellarfw_engineio::EngineIoConfig;
use stellarfw_transport::CloseReason;

use super::{
    bed::{Event, bed, default, hear},
    support::{
        http::Http,
        line::{Packet, Side, Way},
        socket::Socket,
    },
};

#[tokio::test]
async fn an_upgrade_has_a_deadline_and_a_failed_one_ends_the_session() {
    let mut bed = bed(EngineIoConfig::default(), |c| c.handshake_timeout = 200).await;
    for words in [None, Some(&b"4nonsense"[..])] {
        let (line, _) = bed.connect(Way::Polling).await;
        let http = Http::connect(bed.site.address()).await.unwrap();
        let target = format!("{}&transport=websocket", line.target);
        let upgraded = Socket::upgrade(http, &target, &[]).await.unwrap();
        let mut socket = upgraded.ok().unwrap();
        // A second one beside it is refused.
        let http = Http::connect(bed.site.address()).await.unwrap();
        let second = Socket::upgrade(http, &target, &[]).await.unwrap();
        assert_eq!(second.err().unwrap().json()["code"], 3);
        if let Some(words) = words {
            socket.frame(0x81, words).await.unwrap();
        }
        assert_eq!(bed.closed().await, CloseReason::Gone);
        assert_eq!(
            bed.ask("GET", &format!("{}&transport=polling", line.target), &[])
                .await
                .json()["code"],
            1
        );
    }
    assert_eq!(bed.server.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_out_of_order_across_an_upgrade() {
    const MANY: usize = 10_000;
    let mut bed = bed(EngineIoConfig::default(), default).await;
    let (mut line, spark) = bed.connect(Way::Polling).await;
    let sender = tokio::spawn(async move {
        for n in 0..MANY {
            spark.send(&n).unwrap();
            if n % 20 == 0 {
                tokio::time::sleep(Duration::from_micros(100)).await;
            }
        }
    });
    let mut sent = 0;
    let mut heard = Vec::new();
    for step in 0..200 {
        if step == 20 {
            line.upgrade().await.unwrap();
        }
        let batch: Vec<_> = (sent..sent + 50)
            .map(|n| Packet::Text(format!("4{n}")))
            .collect();
        sent += 50;
        line.send(&batch).await.unwrap();
        if step < 40 {
            heard.extend(hear(&mut line, 1).await);
        }
    }
    let rest = MANY - heard.len();
    heard.extend(hear(&mut line, rest).await);
    assert!(matches!(line.side, Side::Socket(_)));
    sender.await.unwrap();
    assert!(heard.iter().enumerate().all(|(n, value)| *value == n));
    for n in 0..sent {
        match bed.event().await {
            Event::Message(value) => assert_eq!(value, n),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_session_has_one_websocket() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    for way in [Way::WebSocket, Way::Upgrade] {
        let (mut line, spark) = bed.connect(way).await;
        let target = format!("{}&transport=websocket", line.target);
        let http = Http::connect(bed.site.address()).await.unwrap();
        let second = Socket::upgrade(http, &target, &[]).await.unwrap();
        let answer = second.err().unwrap();
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(3)));
        spark.send(&"still here").unwrap();
        assert_eq!(hear(&mut line, 1).await, ["still here"], "{way:?}");
        line.vanish().await;
        bed.closed().await;
    }
}
