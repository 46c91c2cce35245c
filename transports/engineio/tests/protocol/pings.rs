//! The protocol's pings.

use std::time::{Duration, Instant};

use stellarfw_engineio::{EngineIo, EngineIoConfig};
use stellarfw_transport::{CloseReason, Server};

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

/// 0 turns pings off: the interval that clients are told is as long as their timers can wait.
#[tokio::test]
async fn without_pings_nobody_is_ended_for_silence() {
    let mut config = EngineIoConfig::default();
    config.ping_interval = 0;
    config.ping_timeout = 200;
    let mut bed = bed(config, default).await;
    for way in [Way::Polling, Way::WebSocket, Way::Upgrade] {
        let (mut line, spark) = bed.connect(way).await;
        let interval = line.open["pingInterval"].as_u64().unwrap();
        assert_eq!(interval + 200, i32::MAX as u64, "{way:?}");
        spark.send(&"no ping").unwrap();
        let packet = line.next().await.unwrap();
        assert_eq!(packet, Packet::text("4\"no ping\""), "{way:?}");
        line.vanish().await;
        bed.closed().await;
    }
}

#[tokio::test]
async fn deadlines_that_nobody_could_keep_are_refused_at_the_start() {
    type Change = fn(&mut EngineIoConfig);
    for (name, change) in [
        ("pingTimeout", (|config| config.ping_timeout = 0) as Change),
        ("postTimeout", |config| config.post_timeout = 0),
        ("maxPayload", |config| config.max_payload = Some(0)),
    ] {
        let mut config = EngineIoConfig::default();
        change(&mut config);
        let server = Server::builder().transport(EngineIo::new(config)).build();
        let error = server.start().await.unwrap_err().to_string();
        assert!(error.contains(&format!("{name} is 0")), "{error}");
    }
}

#[tokio::test]
async fn a_client_that_sends_and_does_not_answer_pings_is_ended() {
    let mut config = EngineIoConfig::default();
    (config.ping_interval, config.ping_timeout) = (100, 300);
    let mut bed = bed(config, default).await;
    for way in [Way::Polling, Way::WebSocket] {
        let (mut line, _) = bed.connect(way).await;
        let reason = loop {
            line.send(&[Packet::text("4\"here\"")]).await.ok();
            match bed.event().await {
                Event::Message(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                Event::Close(reason) => break reason,
                other => panic!("{other:?}"),
            }
            if way == Way::Polling {
                let packet = tokio::time::timeout(Duration::from_millis(5), line.next());
                packet.await.ok();
            }
        };
        assert_eq!(reason, CloseReason::HeartbeatTimeout, "{way:?}");
    }
}

/// The process does not run for longer than a client may take to answer, so that no client can.
#[tokio::test]
async fn a_process_that_was_stopped_ends_nobody_for_that() {
    let mut config = EngineIoConfig::default();
    (config.ping_interval, config.ping_timeout) = (200, 400);
    let mut bed = bed(config, default).await;
    for way in [Way::Polling, Way::WebSocket, Way::Upgrade] {
        let (mut line, spark) = bed.connect(way).await;
        assert_eq!(line.next().await.unwrap(), Packet::text("2"), "{way:?}");
        // Client and server are on this thread.
        std::thread::sleep(Duration::from_millis(1_000));
        // Deadlines that have passed are served before the client does anything.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(spark.is_open(), "{way:?}");
        line.send(&[Packet::text("3"), Packet::text("4\"back\"")])
            .await
            .unwrap();
        match bed.event().await {
            Event::Message(value) => assert_eq!(value, "back"),
            other => panic!("{way:?}: {other:?}"),
        }
        // It goes on, until the client is silent.
        while line.next().await.unwrap() != Packet::text("2") {}
        while !matches!(line.next().await, Err(_) | Ok(Packet::Close(_))) {}
        assert_eq!(bed.closed().await, CloseReason::HeartbeatTimeout, "{way:?}");
    }
}
