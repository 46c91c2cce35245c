//! What the conformance suite does not ask: Socket.IO's own packets, acknowledgements, bounds.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use std::{sync::Arc, time::Duration};

use serde_json::json;
use stellarfw_socketio::SocketIoConfig;
use stellarfw_transport::CloseReason;

use support::{
    bed::{Event, WAYS, bed, bed_with, default, next, say},
    line::{self, Packet, Side, Way},
    socket::{FIN, TEXT, masked},
};

#[tokio::test]
async fn who_is_refused_is_told_why_and_does_not_stay() {
    let mut bed = bed(default).await;
    for way in WAYS {
        let mut line = bed.line(way).await;
        say(&mut line, "40{\"name\":\"eve\"}").await;
        let told = next(&mut line).await.unwrap();
        assert_eq!(told, "44{\"message\":\"not \\\"eve\\\"\"}");
        // It does not leave by itself.
        while next(&mut line).await.is_some() {}

        let mut line = bed.line(way).await;
        say(&mut line, "40{\"name\":\"ann\"}").await;
        assert!(next(&mut line).await.unwrap().starts_with("40{"));
        match bed.event().await {
            Event::Open(spark) => assert_eq!(spark.identity(), Some(&"ann".to_owned())),
            other => panic!("{other:?}"),
        }
        line.vanish().await;
        bed.closed().await;
    }
}

#[tokio::test]
async fn an_authorizer_that_panics_refuses_its_client_alone() {
    let mut bed = bed(default).await;
    for way in WAYS {
        let mut line = bed.line(way).await;
        say(&mut line, "40{\"name\":\"panic\"}").await;
        let told = next(&mut line).await.unwrap();
        let refused = "44{\"message\":\"The server experienced an internal error\"}";
        assert_eq!(told, refused, "{way:?}");
        while next(&mut line).await.is_some() {}
        let (line, _) = bed.connect(way).await;
        line.vanish().await;
        bed.closed().await;
    }
}

#[tokio::test]
async fn who_comes_while_the_server_goes_is_not_told_to_stay_away() {
    for way in WAYS {
        let bed = bed(default).await;
        let mut line = bed.line(way).await;
        bed.server.refuse_new();
        say(&mut line, "40").await;
        // A `connect_error` would keep the client from coming again.
        while let Some(packet) = next(&mut line).await {
            assert!(!packet.starts_with("44"), "{packet}");
        }
        let site = bed.site.address();
        let refused = line::connect(site, way, "/primus", "", &[]).await;
        assert_eq!(refused.unwrap().err().unwrap().status, 503);
        assert_eq!(bed.server.opened(), 0);
    }
}

#[tokio::test]
async fn who_never_asks_to_be_let_in_has_a_place_for_a_while_only() {
    let mut bed = bed(|config| {
        config.max_handshakes = 3;
        config.handshake_timeout = 200;
    })
    .await;
    let mut idle = Vec::new();
    for way in WAYS {
        idle.push(bed.line(way).await);
    }
    let site = bed.site.address();
    let full = line::connect(site, Way::Polling, "/primus", "", &[])
        .await
        .unwrap();
    assert_eq!(full.err().unwrap().status, 503);
    for line in &mut idle {
        while next(line).await.is_some() {}
    }
    drop(idle);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (_line, _) = bed.connect(Way::Polling).await;
    assert_eq!(bed.server.opened(), 1);
}

#[tokio::test]
async fn one_address_that_never_asks_to_be_let_in_keeps_nobody_else_out() {
    let bed = bed(|config| {
        config.max_handshakes = 100;
        config.max_handshakes_per_address = 2;
        config.trusted_proxies = vec!["127.0.0.1".to_owned()].try_into().unwrap();
    })
    .await;
    let site = bed.site.address();
    let from = async |address| {
        let headers = [("X-Forwarded-For".to_owned(), String::from(address))];
        let line = line::connect(site, Way::Polling, "/primus", "", &headers).await;
        line.unwrap().map_err(|refused| refused.status)
    };
    let idle = [from("203.0.113.1").await, from("203.0.113.1").await];
    assert!(idle.iter().all(Result::is_ok));
    for _ in 0..3 {
        assert_eq!(from("203.0.113.1").await.err(), Some(429));
    }
    let mut other = from("203.0.113.2").await.ok().unwrap();
    say(&mut other, "40").await;
    assert!(next(&mut other).await.unwrap().starts_with("40{"));
    // Whoever is let in has given its place among the handshakes free.
    let mut asking = idle.into_iter().next().unwrap().ok().unwrap();
    say(&mut asking, "40").await;
    assert!(next(&mut asking).await.unwrap().starts_with("40{"));
    assert!(from("203.0.113.1").await.is_ok());
    assert_eq!(from("203.0.113.1").await.err(), Some(429));
}

#[tokio::test]
async fn the_server_says_whether_to_come_again() {
    let mut bed = bed(default).await;
    for way in WAYS {
        let (mut line, spark) = bed.connect(way).await;
        spark.end();
        let told = next(&mut line).await.unwrap();
        assert_eq!(told, "42[\"primus\",\"primus::server::close\"]");
        assert_eq!(next(&mut line).await.unwrap(), "41");
        let on_socket = matches!(line.side, Side::Socket(_));
        let end = next(&mut line).await;
        assert_eq!(end.as_deref(), on_socket.then_some("close 1000"), "{way:?}");
        assert_eq!(bed.closed().await, CloseReason::Ended { reconnect: false });

        let (mut line, spark) = bed.connect(way).await;
        spark.send("last").unwrap();
        spark.end_with_reconnect();
        assert_eq!(next(&mut line).await.unwrap(), "42[\"message\",\"last\"]");
        let end = next(&mut line).await;
        assert_eq!(end.as_deref(), on_socket.then_some("close 1000"), "{way:?}");
        assert_eq!(bed.closed().await, CloseReason::Ended { reconnect: true });
    }
}

#[tokio::test]
async fn a_client_that_leaves_the_namespace_leaves_the_transport() {
    let mut bed = bed(default).await;
    for way in WAYS {
        let (mut line, _) = bed.connect(way).await;
        say(&mut line, "41").await;
        assert_eq!(bed.closed().await, CloseReason::Client { code: 1005 });
        while next(&mut line).await.is_some() {}
    }
}

#[tokio::test]
async fn responses_find_their_acknowledgements_in_any_order() {
    let mut bed = bed(default).await;
    let (mut line, spark) = bed.connect(Way::WebSocket).await;
    for n in [7, 0, 9] {
        say(&mut line, &format!("42{n}[\"say\",\"r\",{n}]")).await;
    }
    say(&mut line, "42[\"say\",\"r\",\"no ack\"]").await;
    say(
        &mut line,
        "424[\"message\",{\"event\":\"x\",\"messageId\":\"mine\"}]",
    )
    .await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        let message = bed.message().await;
        ids.push(message["messageId"].as_str().map(str::to_owned));
    }
    assert_eq!(ids[3], None);
    let answer =
        |n: usize| json!({ "n": n, "messageCount": n, "messageId": ids[n], "context": "response" });
    for (n, ack) in [(2, 9), (4, 4), (0, 7), (1, 0)] {
        spark.send(&answer(n)).unwrap();
        let expected =
            format!("43{ack}[{{\"n\":{n},\"messageCount\":{n},\"context\":\"response\"}}]");
        assert_eq!(next(&mut line).await.unwrap(), expected);
    }
    // Once only: a second response to it is a message.
    spark.send(&answer(0)).unwrap();
    assert!(
        next(&mut line)
            .await
            .unwrap()
            .starts_with("42[\"message\",{\"n\":0,")
    );
}

#[tokio::test]
async fn nothing_is_missed_that_is_sent_as_soon_as_the_client_is_in() {
    let mut bed = bed(default).await;
    for _ in 0..200 {
        let (mut line, _) = bed.connect(Way::WebSocket).await;
        say(&mut line, "42[\"message\",1]").await;
        assert_eq!(bed.message().await, 1);
        line.vanish().await;
        bed.closed().await;
    }
}

#[tokio::test]
async fn packets_that_are_none_end_their_sender() {
    let mut bed = bed(default).await;
    for packet in [
        "4",
        "49",
        "42",
        "42{}",
        "42[",
        "42[1]",
        "451-[\"message\",{}]",
        "44{}",
        // Over polling these would be two packets; here it is one.
        "42[\"message\",\"\x1e41\"]",
        "40/\x1e41",
        "3\x1e42[\"message\",1]",
    ] {
        let (mut line, _) = bed.connect(Way::WebSocket).await;
        say(&mut line, packet).await;
        if packet.starts_with("451") {
            // The bytes it tells of never come.
            say(&mut line, "42[\"message\",1]").await;
        }
        let reason = bed.closed().await;
        let expected = matches!(reason, CloseReason::Protocol { code: 1002, .. });
        assert!(expected, "{packet}: {reason:?}");
    }
}

#[tokio::test]
async fn nothing_is_brought_that_comes_after_a_packet_that_is_none() {
    let mut bed = bed(default).await;
    for packet in ["42[1]", "42-1[\"a\"]", "45-[\"a\"]", "42[\"\\ud800\"]"] {
        let (mut line, _) = bed.connect(Way::WebSocket).await;
        let Side::Socket(socket) = &mut line.side else {
            panic!("no WebSocket");
        };
        // In one write, so that the server reads both at once.
        let packets = [packet, "42[\"message\",1]"];
        let frames = packets.map(|packet| masked(FIN | TEXT, packet.as_bytes()));
        socket.write(&frames.concat()).await.unwrap();
        let reason = bed.closed().await;
        let expected = matches!(reason, CloseReason::Protocol { code: 1002, .. });
        assert!(expected, "{packet}: {reason:?}");
    }
}

#[tokio::test]
async fn a_message_over_the_limit_is_1009() {
    let mut bed = bed(|config| config.max_length = 100).await;
    for length in [101, 10_000] {
        let (mut line, _) = bed.connect(Way::WebSocket).await;
        say(
            &mut line,
            &format!("42[\"message\",\"{}\"]", "x".repeat(98)),
        )
        .await;
        bed.message().await;
        say(
            &mut line,
            &format!("42[\"message\",\"{}\"]", "x".repeat(length)),
        )
        .await;
        assert_eq!(next(&mut line).await.unwrap(), "close 1009");
        assert_eq!(bed.closed().await, CloseReason::TooLarge);
    }
}

#[tokio::test]
async fn a_session_is_freed_when_its_client_has_gone() {
    let mut bed = bed(default).await;
    for way in WAYS {
        let (mut line, spark) = bed.connect(way).await;
        // An acknowledgement that nobody gives.
        say(&mut line, "421[\"detailsView\"]").await;
        bed.message().await;
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
async fn there_is_one_namespace() {
    let mut bed = bed(default).await;
    for way in WAYS {
        let mut line = bed.line(way).await;
        say(&mut line, "40/custom,").await;
        let told = next(&mut line).await.unwrap();
        assert_eq!(told, "44/custom,{\"message\":\"Invalid namespace\"}");
        // It may still be let into the one there is.
        say(&mut line, "40").await;
        assert!(next(&mut line).await.unwrap().starts_with("40{\"sid\":"));
        assert!(matches!(bed.event().await, Event::Open(_)));
        // Asked for beside it, another one changes nothing.
        say(&mut line, "40/else,{\"a\":1}").await;
        assert!(next(&mut line).await.unwrap().starts_with("44/else,"));
        say(&mut line, "42[\"message\",1]").await;
        assert_eq!(bed.message().await, 1);
        line.vanish().await;
        bed.closed().await;
    }
}

#[tokio::test]
async fn who_is_not_in_yet_cannot_send() {
    let mut bed = bed(default).await;
    for way in WAYS {
        let mut line = bed.line(way).await;
        say(&mut line, "42[\"message\",1]").await;
        while next(&mut line).await.is_some() {}
    }
    let (_line, _) = bed.connect(Way::WebSocket).await;
    assert_eq!(bed.server.opened(), 1);
}

#[tokio::test]
async fn who_is_late_is_cut() {
    let mut config = SocketIoConfig::default();
    config.connect_timeout = Some(100);
    let bed = bed_with(config, default).await;
    for way in WAYS {
        let mut line = bed.line(way).await;
        while next(&mut line).await.is_some() {}
    }
    assert_eq!(bed.server.opened(), 0);
}

#[tokio::test]
async fn bytes_come_with_their_event() {
    let mut bed = bed(default).await;
    for way in WAYS {
        let (mut line, _) = bed.connect(way).await;
        let event = "452-1[\"say\",\"r\",[{\"_placeholder\":true,\"num\":0},\
            {\"_placeholder\":true,\"num\":1}]]";
        let packets = [
            Packet::text(event),
            Packet::Binary(vec![1, 2, 3]),
            Packet::Binary(vec![255]),
        ];
        line.send(&packets).await.unwrap();
        let message = bed.message().await;
        let buffer = |data| json!({ "type": "Buffer", "encoding": "base64", "data": data });
        assert_eq!(message["message"], json!([buffer("AQID"), buffer("/w==")]));
        assert!(message["messageId"].is_string());
        line.vanish().await;
        bed.closed().await;
    }
}

#[tokio::test]
async fn bytes_that_are_not_in_order_end_their_sender() {
    let mut bed = bed(|config| config.max_length = 10_000).await;
    let event = |count: usize| Packet::text(format!("45{count}-[\"message\",1]"));
    let bytes = |len: usize| Packet::Binary(vec![0; len]);
    for (packets, code) in [
        // Of no event.
        (vec![bytes(1)], 1002),
        (vec![event(1), bytes(1), bytes(1)], 1002),
        // Something else comes before them.
        (vec![event(2), bytes(1), event(1)], 1002),
        (vec![event(1), Packet::text("42[\"message\",1]")], 1002),
        // So many are never sent.
        (vec![event(1_025)], 1002),
        (vec![Packet::text("4599999999999999999999-[]")], 1002),
        // Each is short enough, and all of them are too long.
        (vec![event(3), bytes(9_000), bytes(9_000)], 1009),
    ] {
        let (mut line, _) = bed.connect(Way::WebSocket).await;
        line.send(&packets).await.unwrap();
        // What was in order is brought first.
        let reason = loop {
            match bed.event().await {
                Event::Close(reason) => break reason,
                other => assert!(matches!(other, Event::Message(_)), "{other:?}"),
            }
        };
        let told = match &reason {
            CloseReason::Protocol { code, .. } => *code,
            CloseReason::TooLarge => 1009,
            other => panic!("{packets:?}: {other:?}"),
        };
        assert_eq!(told, code, "{packets:?}");
        while next(&mut line).await.is_some() {}
    }
    // As many as may be, and what counts is their length together.
    let (mut line, _) = bed.connect(Way::WebSocket).await;
    let mut packets = vec![event(1_024)];
    packets.extend((0..1_024).map(|_| bytes(9)));
    line.send(&packets).await.unwrap();
    assert_eq!(bed.message().await, 1);
}

#[tokio::test]
async fn bytes_for_who_is_not_there_are_not_brought_to_another() {
    let mut config = SocketIoConfig::default();
    config.namespaces.push("/else".into());
    let mut bed = bed_with(config, default).await;
    for way in WAYS {
        let (mut line, _) = bed.connect(way).await;
        let packets = [
            Packet::text("451-/else,[\"message\",\"else\"]"),
            Packet::Binary(vec![1]),
        ];
        line.send(&packets).await.unwrap();
        // Who sends to a namespace without being in it is parted with.
        bed.closed().await;
        while next(&mut line).await.is_some() {}
    }
}

#[tokio::test]
async fn an_acknowledgement_that_nobody_asked_for_is_nothing() {
    let mut bed = bed(default).await;
    let (mut line, spark) = bed.connect(Way::WebSocket).await;
    say(&mut line, "437[\"x\"]").await;
    say(&mut line, "42[\"message\",1]").await;
    assert_eq!(bed.message().await, 1);
    assert!(spark.is_open());
}

#[tokio::test]
async fn plain_events_are_what_they_say_themselves() {
    let mut config = SocketIoConfig::default();
    config.plain_events = true;
    let mut bed = bed_with(config, default).await;
    for way in WAYS {
        let (mut line, spark) = bed.connect(way).await;
        say(&mut line, "42[\"say\",1,\"2\",{\"3\":[true]}]").await;
        let expected = json!({ "event": "say", "args": [1, "2", { "3": [true] }] });
        assert_eq!(bed.message().await, expected);
        spark
            .send(&json!({ "event": "back", "args": [1, "2", { "3": [true] }] }))
            .unwrap();
        let told = next(&mut line).await.unwrap();
        assert_eq!(told, "42[\"back\",1,\"2\",{\"3\":[true]}]");

        say(&mut line, "42456[\"ask\",1]").await;
        let id = bed.message().await["messageId"].clone();
        spark
            .send(&json!({ "messageId": id, "args": [1, "2"] }))
            .unwrap();
        assert_eq!(next(&mut line).await.unwrap(), "43456[1,\"2\"]");

        // What is no event is a message; no client could hear an event of its own name.
        spark
            .send(&json!({ "event": "connect", "args": [] }))
            .unwrap();
        let told = next(&mut line).await.unwrap();
        assert_eq!(told, "42[\"message\",{\"event\":\"connect\",\"args\":[]}]");

        let bytes = json!({ "type": "Buffer", "data": [1, 2] });
        spark
            .send(&json!({ "event": "bin", "args": [bytes, { "b": bytes }] }))
            .unwrap();
        spark
            .send(&json!({ "event": "after", "args": [] }))
            .unwrap();
        let mut heard = Vec::new();
        while heard.len() < 4 {
            match line.next().await.unwrap() {
                Packet::Text(text) if matches!(&text[..], "2" | "6") => {}
                packet => heard.push(packet),
            }
        }
        let placeholder = |n| format!("{{\"_placeholder\":true,\"num\":{n}}}");
        let event = format!(
            "452-[\"bin\",{},{{\"b\":{}}}]",
            placeholder(0),
            placeholder(1)
        );
        let expected = [
            Packet::Text(event),
            Packet::Binary(vec![1, 2]),
            Packet::Binary(vec![1, 2]),
            Packet::text("42[\"after\"]"),
        ];
        assert_eq!(heard, expected, "{way:?}");
        line.vanish().await;
        bed.closed().await;
    }
}
