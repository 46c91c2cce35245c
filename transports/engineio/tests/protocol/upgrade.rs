//! From polling to a WebSocket.

use std::time::Duration;

use serde_json::json;
use stellarfw_engineio::EngineIoConfig;
use tokio::io::AsyncWriteExt as _;

use super::{
    bed::{Event, bed, default, hear},
    support::{
        http::Http,
        line::{Packet, Side, Way},
        socket::{CLOSE, FIN, PING, PONG, Socket, TEXT, masked},
    },
};

/// How an upgrade comes to nothing.
#[derive(Clone, Copy, Debug)]
enum Failure {
    /// The client says nothing more.
    Silence,
    Nonsense,
    /// Its WebSocket is gone.
    Gone,
    /// It says goodbye there.
    Goodbye,
}

#[tokio::test]
async fn a_session_whose_upgrade_fails_stays_on_polling() {
    use Failure::{Gone, Goodbye, Nonsense, Silence};
    let mut bed = bed(EngineIoConfig::default(), |c| c.handshake_timeout = 200).await;
    let (mut line, spark) = bed.connect(Way::Polling).await;
    let target = format!("{}&transport=websocket", line.target);
    for (n, failure) in [Silence, Nonsense, Gone, Goodbye].into_iter().enumerate() {
        for is_probed in [false, true] {
            let http = Http::connect(bed.site.address()).await.unwrap();
            let upgraded = Socket::upgrade(http, &target, &[]).await.unwrap();
            let mut socket = upgraded.ok().unwrap();
            // A second one beside it is closed.
            let http = Http::connect(bed.site.address()).await.unwrap();
            let second = Socket::upgrade(http, &target, &[]).await.unwrap();
            let closed = second.ok().unwrap().next().await.unwrap();
            assert_eq!(closed, (CLOSE, Vec::new()));
            // Until it is known to work all goes on by polling.
            spark.send(&json!([n, "before"])).unwrap();
            assert_eq!(hear(&mut line, 1).await, [json!([n, "before"])]);
            if is_probed {
                socket.frame(FIN | TEXT, b"2probe").await.unwrap();
                assert_eq!(socket.next().await.unwrap().1, b"3probe");
            }
            match failure {
                Silence => {}
                Nonsense => socket.frame(FIN | TEXT, b"4nonsense").await.unwrap(),
                Gone => drop(socket),
                Goodbye => socket.frame(FIN | CLOSE, b"").await.unwrap(),
            }
            spark.send(&json!([n, "after"])).unwrap();
            assert_eq!(hear(&mut line, 1).await, [json!([n, "after"])]);
            line.send(&[Packet::text("4\"here\"")]).await.unwrap();
            match bed.event().await {
                Event::Message(value) => assert_eq!(value, "here"),
                other => panic!("{failure:?}: {other:?}"),
            }
        }
    }
    // The next one may succeed.
    line.upgrade().await.unwrap();
    spark.send(&"moved").unwrap();
    assert_eq!(hear(&mut line, 1).await, ["moved"]);
    assert!(matches!(line.side, Side::Socket(_)));
}

#[tokio::test]
async fn a_session_that_ends_during_an_upgrade_takes_its_websocket_along() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    for is_probed in [false, true] {
        for by_client in [false, true] {
            let (mut line, spark) = bed.connect(Way::Polling).await;
            let target = format!("{}&transport=websocket", line.target);
            let http = Http::connect(bed.site.address()).await.unwrap();
            let upgraded = Socket::upgrade(http, &target, &[]).await.unwrap();
            let mut socket = upgraded.ok().unwrap();
            if is_probed {
                socket.frame(FIN | TEXT, b"2probe").await.unwrap();
                assert_eq!(socket.next().await.unwrap().1, b"3probe");
            }
            match by_client {
                true => line.send(&[Packet::text("1")]).await.unwrap(),
                false => spark.abort(),
            }
            bed.closed().await;
            assert!(socket.next().await.is_err());
            assert_eq!(bed.server.connections(), 0);
        }
    }
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
async fn a_client_in_a_hurry_has_its_poll_answered() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    let (mut line, spark) = bed.connect(Way::Polling).await;
    let sid = line.open["sid"].as_str().unwrap().to_owned();
    spark.send(&0).unwrap();
    assert_eq!(hear(&mut line, 1).await, [0]);
    let mut poll = Http::connect(bed.site.address()).await.unwrap();
    let polling = format!("{}&transport=polling", line.target);
    poll.send("GET", &polling, &[], b"").await.unwrap();
    // The server has most likely read it when it has answered what came after it.
    line.send(&[Packet::text("3")]).await.unwrap();
    let http = Http::connect(bed.site.address()).await.unwrap();
    let target = format!("/primus/?EIO=4&sid={sid}&transport=websocket");
    let mut socket = Socket::upgrade(http, &target, &[])
        .await
        .unwrap()
        .ok()
        .unwrap();
    let frames = [&b"2probe"[..], b"5", b"4\"moved\""].map(|packet| masked(FIN | TEXT, packet));
    socket.write(&frames.concat()).await.unwrap();
    assert_eq!(socket.next().await.unwrap().1, b"3probe");
    match bed.event().await {
        Event::Message(value) => assert_eq!(value, "moved"),
        other => panic!("{other:?}"),
    }
    assert_eq!(poll.answer().await.unwrap().body, b"6");
    spark.send(&1).unwrap();
    assert_eq!(socket.next().await.unwrap().1, b"41");
}

#[tokio::test]
async fn a_session_has_one_websocket() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    for way in [Way::WebSocket, Way::Upgrade] {
        let (mut line, spark) = bed.connect(way).await;
        let target = format!("{}&transport=websocket", line.target);
        let http = Http::connect(bed.site.address()).await.unwrap();
        let second = Socket::upgrade(http, &target, &[]).await.unwrap();
        let mut second = second.ok().unwrap();
        // Whatever it sends, it is closed, and nothing of it reaches the session.
        let frame = masked(FIN | TEXT, b"4\"second\"");
        second.write(&frame).await.unwrap();
        assert_eq!(second.next().await.unwrap(), (CLOSE, Vec::new()), "{way:?}");
        second.write(&masked(FIN | CLOSE, b"")).await.ok();
        assert!(second.next().await.is_err());
        spark.send(&"still here").unwrap();
        assert_eq!(hear(&mut line, 1).await, ["still here"], "{way:?}");
        line.vanish().await;
        bed.closed().await;
    }
}

#[tokio::test]
async fn a_post_under_way_comes_before_the_websocket() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    let (mut line, _) = bed.connect(Way::Polling).await;
    let polling = format!("{}&transport=polling", line.target);
    let mut post = Http::connect(bed.site.address()).await.unwrap();
    let head =
        format!("POST {polling} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n4\"post");
    post.stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    line.upgrade().await.unwrap();
    let Side::Socket(socket) = &mut line.side else {
        panic!("not on a socket");
    };
    socket.frame(FIN | TEXT, b"4\"socket\"").await.unwrap();
    socket.frame(FIN | PING, b"read").await.unwrap();
    // Not read before the POST is complete.
    tokio::time::sleep(Duration::from_millis(50)).await;
    post.stream.write_all(b"ed\"").await.unwrap();
    for expected in ["posted", "socket"] {
        match bed.event().await {
            Event::Message(value) => assert_eq!(value, expected),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(post.answer().await.unwrap().status, 200);
    assert_eq!(socket.next().await.unwrap(), (PONG, b"read".to_vec()));
}
