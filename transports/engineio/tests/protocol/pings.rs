//! The protocol's pings.

use std::time::{Duration, Instant};

use stellarfw_engineio::EngineIoConfig;
use stellarfw_transport::CloseReason;

use super::{
    bed::{Event, bed, default},
    support::line::{Packet, Way},
};

#[tokio::test]
async fn the_first_ping_is_not_sent_at_once() {
    let mut config = EngineIoConfig::default();
    config.ping_interval = 3_600_000;
    config.ping_timeout = 200;
    let mut bed = bed(config, default).await;
    for way in [Way::Polling, Way::WebSocket, Way::Upgrade] {
        let (mut line, spark) = bed.connect(way).await;
        // A ping that nobody answers would be its end.
        let since = Instant::now();
        while since.elapsed() < Duration::from_millis(500) {
            spark.send(&"still here").unwrap();
            let packet = line.next().await.unwrap();
            assert_eq!(packet, Packet::text("4\"still here\""), "{way:?}");
            line.send(&[Packet::text("4\"me too\"")]).await.unwrap();
            assert!(matches!(bed.event().await, Event::Message(_)), "{way:?}");
        }
        line.vanish().await;
        bed.closed().await;
    }
}

#[tokio::test]
async fn pings_that_are_answered_keep_a_session_and_others_end_it() {
    let mut config = EngineIoConfig::default();
    config.ping_interval = 100;
    config.ping_timeout = 300;
    let mut bed = bed(config, |c| c.close_timeout = 200).await;
    for way in [Way::Polling, Way::WebSocket, Way::Upgrade] {
        let (mut line, spark) = bed.connect(way).await;
        for _ in 0..5 {
            while line.next().await.unwrap() != Packet::text("2") {}
            line.send(&[Packet::text("3")]).await.unwrap();
        }
        assert!(spark.is_open());
        // From here on it is silent.
        while !matches!(line.next().await, Err(_) | Ok(Packet::Close(_))) {}
        assert_eq!(bed.closed().await, CloseReason::HeartbeatTimeout, "{way:?}");
        let target = format!("{}&transport=polling", line.target);
        assert_eq!(bed.ask("GET", &target, &[]).await.json()["code"], 1);
    }
}
