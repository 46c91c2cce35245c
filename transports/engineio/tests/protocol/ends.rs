//! How sessions end, and what is left of them.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use stellarfw_engineio::EngineIoConfig;
use stellarfw_transport::{CloseReason, Delivery, OutboxLimits, Shutdown};
use tokio::io::AsyncWriteExt as _;

use super::{
    bed::{bed, default, ended, goodbye, hear},
    support::{
        http::Http,
        line::{Packet, Side, Way},
    },
};

#[tokio::test]
async fn a_websocket_is_told_the_code_of_its_end() {
    let mut bed = bed(EngineIoConfig::default(), |c| c.max_length = 100).await;
    for way in [Way::WebSocket, Way::Upgrade] {
        let (mut line, _) = bed.connect(way).await;
        line.send(&[Packet::Text(format!("4\"{}\"", "x".repeat(99)))])
            .await
            .unwrap();
        assert_eq!(goodbye(&mut line).await, 1009);
        assert_eq!(bed.closed().await, CloseReason::TooLarge);

        let (mut line, spark) = bed.connect(way).await;
        spark.end();
        assert_eq!(hear(&mut line, 1).await, ["primus::server::close"]);
        ended(&mut line).await;
        assert_eq!(goodbye(&mut line).await, 1000);
        bed.closed().await;
    }
    let (mut line, _) = bed.connect(Way::WebSocket).await;
    let server = bed.server.clone();
    let shutdown = tokio::spawn(async move { server.shutdown(Shutdown::default()).await });
    assert_eq!(goodbye(&mut line).await, 1001);
    drop(line);
    assert_eq!(shutdown.await.unwrap(), 0);
}

#[tokio::test]
async fn after_a_clients_goodbye_there_is_no_session() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    for way in [Way::Polling, Way::WebSocket, Way::Upgrade] {
        let (mut line, _) = bed.connect(way).await;
        line.send(&[Packet::text("1")]).await.unwrap();
        assert_eq!(bed.closed().await, CloseReason::Client { code: 1005 });
        let target = format!("{}&transport=polling", line.target);
        for method in ["GET", "POST"] {
            let answer = bed.ask(method, &target, &[]).await;
            assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(1)));
        }
    }
}

#[tokio::test]
async fn a_poll_of_a_client_that_says_goodbye_is_answered_with_a_noop() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    let (mut line, _) = bed.connect(Way::Polling).await;
    let mut poll = Http::connect(bed.site.address()).await.unwrap();
    let target = format!("{}&transport=polling", line.target);
    poll.send("GET", &target, &[], b"").await.unwrap();
    // The server has most likely read it when it has answered what came after it.
    line.send(&[Packet::text("3")]).await.unwrap();
    line.send(&[Packet::text("1")]).await.unwrap();
    let answer = poll.answer().await.unwrap();
    if answer.status == 200 {
        assert_eq!(answer.body, b"6");
    }
    assert_eq!(bed.closed().await, CloseReason::Client { code: 1005 });
}

#[tokio::test]
async fn what_is_no_packet_ends_its_session() {
    let mut bed = bed(EngineIoConfig::default(), |c| c.close_timeout = 200).await;
    for packet in ["abc", "7", "9\"x\""] {
        for way in [Way::Polling, Way::WebSocket] {
            let (mut line, _) = bed.connect(way).await;
            match way {
                Way::Polling => {
                    let answer = line.post(packet.as_bytes()).await.unwrap();
                    assert_eq!(answer.status, 400, "{packet}");
                }
                _ => line.send(&[Packet::text(packet)]).await.unwrap(),
            }
            let reason = bed.closed().await;
            let expected = matches!(reason, CloseReason::Protocol { code: 1002, .. });
            assert!(expected, "{packet} by {way:?}: {reason:?}");
        }
    }
}

#[tokio::test]
async fn a_length_that_lies_is_believed_only_so_far() {
    let mut bed = bed(EngineIoConfig::default(), |c| c.max_length = 100).await;
    // A frame of 2^62 bytes of which none comes.
    let (mut line, _) = bed.connect(Way::WebSocket).await;
    let Side::Socket(socket) = &mut line.side else {
        panic!("not on a socket");
    };
    let lie = [&[0x81, 0xff][..], &(1_u64 << 62).to_be_bytes(), &[0; 4]];
    socket.write(&lie.concat()).await.unwrap();
    assert_eq!(goodbye(&mut line).await, 1009);
    assert_eq!(bed.closed().await, CloseReason::TooLarge);

    // A POST that tells of more than may come: answered before anything does.
    let (line, _) = bed.connect(Way::Polling).await;
    let mut http = Http::connect(bed.site.address()).await.unwrap();
    let target = format!("{}&transport=polling", line.target);
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\n"
    );
    http.stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(http.answer().await.unwrap().status, 413);
    assert_eq!(bed.closed().await, CloseReason::TooLarge);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_takes_nothing_is_cut_without_any_heartbeat_of_ours() {
    let mut config = EngineIoConfig::default();
    (config.ping_interval, config.ping_timeout) = (200, 200);
    let limits = OutboxLimits::new(1_000, 1 << 30);
    let mut bed = bed(config, |c| c.outbox = limits).await;
    let (line, spark) = bed.connect(Way::WebSocket).await;
    let chunk = spark.parser().encode(&"x".repeat(1 << 20)).unwrap();
    for _ in 0..32 {
        // On a busy machine it may be cut before all of it is queued.
        if spark.send_frame(chunk.clone(), Delivery::Reliable).is_err() {
            break;
        }
    }
    let reason = bed.closed().await;
    assert!(
        matches!(reason, CloseReason::HeartbeatTimeout | CloseReason::Gone),
        "{reason:?}"
    );
    assert_eq!(bed.server.connections(), 0);
    drop(line);
}

#[tokio::test]
async fn a_session_is_freed_when_its_spark_is_kept() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    for way in [Way::Polling, Way::WebSocket, Way::Upgrade] {
        let (line, spark) = bed.connect(way).await;
        let token = Arc::new(());
        spark.attach(token.clone()).unwrap();
        line.vanish().await;
        bed.closed().await;
        drop(spark);
        for _ in 0..100 {
            if Arc::strong_count(&token) == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(Arc::strong_count(&token), 1, "{way:?}");
    }
}

#[tokio::test]
async fn an_idle_session_has_one_task_over_a_websocket_and_none_on_polling() {
    const MANY: usize = 20;
    let mut bed = bed(EngineIoConfig::default(), default).await;
    // The engine's own tasks are there with the first session.
    let first = bed.connect(Way::Polling).await;
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    for (way, each) in [(Way::Polling, 0), (Way::WebSocket, 1), (Way::Upgrade, 1)] {
        let settled = tasks();
        let mut lines = Vec::new();
        for _ in 0..MANY {
            let (mut line, _) = bed.connect(way).await;
            if let Side::Polling(polls) = &mut line.side {
                // The connection over which it was opened has a task of its own.
                polls.get = Http::connect(bed.site.address()).await.unwrap();
                polls.get.stream.shutdown().await.unwrap();
            }
            lines.push(line);
        }
        let expected = settled + MANY * each;
        for _ in 0..500 {
            if tasks() <= expected {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(bed.server.connections(), 1 + MANY, "{way:?}");
        assert!(tasks() <= expected, "{way:?}: {} of {expected}", tasks());
        for line in lines {
            let target = format!("{}&transport=polling", line.target);
            match line.side {
                Side::Socket(_) => drop(line),
                Side::Polling(_) => {
                    let mut http = Http::connect(bed.site.address()).await.unwrap();
                    http.ask("POST", &target, &[], b"1").await.unwrap();
                }
            }
            bed.closed().await;
        }
    }
    drop(first);
}
