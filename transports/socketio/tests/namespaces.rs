//! Several namespaces on one session: each connection a spark of its own.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use stellarfw_socketio::{Auth, Namespace, SocketIo, SocketIoConfig};
use stellarfw_transport::{CloseReason, Server, ServerConfig, Spark};

use support::{
    bed::{Bed, Event, WAYS, bed_with, default, next, say},
    line::{Line, Packet, Side, Way},
};

fn several() -> SocketIoConfig {
    let mut config = SocketIoConfig::default();
    config.namespaces = vec!["/".into(), "/custom".into()];
    config
}

fn namespace(spark: &Spark) -> &str {
    Namespace::of(spark.handshake().extensions())
}

/// Asks to be let into a namespace, with what `ask` holds; its spark.
async fn enter(bed: &mut Bed, line: &mut Line, name: &str, auth: &str) -> Spark {
    let prefix = match name {
        "/" => String::new(),
        name => format!("{name},"),
    };
    say(line, &format!("40{prefix}{auth}")).await;
    let told = next(line).await.unwrap();
    let sid = told.strip_prefix(&format!("40{prefix}")).unwrap();
    let sid: Value = serde_json::from_str(sid).unwrap();
    // Others may know a connection by its id. That of the session is what lets a client use it.
    assert!(sid["sid"].is_string(), "{told}");
    assert_ne!(sid["sid"], line.open["sid"], "{told}");
    match bed.event().await {
        Event::Open(spark) => {
            assert_eq!(namespace(&spark), name);
            spark
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_connection_to_a_namespace_is_a_spark_of_its_own() {
    let mut bed = bed_with(several(), default).await;
    for way in WAYS {
        let mut line = bed.line(way).await;
        let root = enter(&mut bed, &mut line, "/", "{\"name\":\"ann\"}").await;
        let custom = enter(&mut bed, &mut line, "/custom", "{\"name\":\"bob\"}").await;
        assert_ne!(root.id(), custom.id());
        assert_eq!(root.identity(), Some(&"ann".to_owned()));
        assert_eq!(custom.identity(), Some(&"bob".to_owned()));
        let auth = custom.handshake().extensions().get::<Auth>();
        assert_eq!(auth, Some(&Auth(json!({ "name": "bob" }))));
        assert_eq!(bed.server.connections(), 2);

        // What is sent to each comes in its namespace, in order.
        for n in 0..20 {
            root.send(&json!({ "root": n })).unwrap();
            custom.send(&json!({ "custom": n })).unwrap();
        }
        let mut told = Vec::new();
        while told.len() < 40 {
            told.push(next(&mut line).await.unwrap());
        }
        for n in 0..20 {
            assert_eq!(told[2 * n], format!("42[\"message\",{{\"root\":{n}}}]"));
            let expected = format!("42/custom,[\"message\",{{\"custom\":{n}}}]");
            assert_eq!(told[2 * n + 1], expected, "{way:?}");
        }

        // So do its messages and their acknowledgements.
        say(&mut line, "42/custom,7[\"say\",\"r\",1]").await;
        let mut response = bed.message().await;
        assert_eq!(response["room"], "r");
        response["context"] = "response".into();
        custom.send(&response).unwrap();
        let told = next(&mut line).await.unwrap();
        assert!(told.starts_with("43/custom,7[{"), "{told}");
        line.vanish().await;
        bed.closed().await;
        bed.closed().await;
        assert_eq!(bed.server.connections(), 0);
    }
}

#[tokio::test]
async fn bytes_come_and_go_in_a_namespace() {
    let mut config = several();
    config.plain_events = true;
    let mut bed = bed_with(config, default).await;
    for way in WAYS {
        let mut line = bed.line(way).await;
        let spark = enter(&mut bed, &mut line, "/custom", "").await;
        let event = "451-/custom,5[\"ask\",{\"_placeholder\":true,\"num\":0}]";
        let packets = [Packet::text(event), Packet::Binary(vec![1, 2])];
        line.send(&packets).await.unwrap();
        let asked = bed.message().await;
        let answer = json!({ "messageId": asked["messageId"], "args": asked["args"] });
        spark.send(&answer).unwrap();
        let mut heard = Vec::new();
        while heard.len() < 2 {
            match line.next().await.unwrap() {
                Packet::Text(text) if matches!(&text[..], "2" | "6") => {}
                packet => heard.push(packet),
            }
        }
        let expected = "461-/custom,5[{\"_placeholder\":true,\"num\":0}]";
        assert_eq!(
            heard,
            [Packet::text(expected), Packet::Binary(vec![1, 2])],
            "{way:?}"
        );
        line.vanish().await;
        bed.closed().await;
    }
}

#[tokio::test]
async fn a_namespace_that_there_is_not_is_refused() {
    let mut bed = bed_with(several(), default).await;
    for way in WAYS {
        let mut line = bed.line(way).await;
        for packet in ["40/random", "40/random,", "40/random,{\"token\":1}"] {
            say(&mut line, packet).await;
            let told = next(&mut line).await.unwrap();
            assert_eq!(told, "44/random,{\"message\":\"Invalid namespace\"}");
        }
        // It may be let into one there is, and asked for beside that, another changes nothing.
        let spark = enter(&mut bed, &mut line, "/custom", "").await;
        say(&mut line, "40/random").await;
        assert!(next(&mut line).await.unwrap().starts_with("44/random,"));
        spark.send(&1).unwrap();
        assert_eq!(next(&mut line).await.unwrap(), "42/custom,[\"message\",1]");
        line.vanish().await;
        bed.closed().await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_one_keeps_the_others() {
    let mut bed = bed_with(several(), default).await;
    for way in WAYS {
        for (left, kept) in [("/custom", "/"), ("/", "/custom")] {
            let prefix = |name: &str| match name {
                "/" => String::new(),
                name => format!("{name},"),
            };
            let mut line = bed.line(way).await;
            enter(&mut bed, &mut line, "/", "").await;
            enter(&mut bed, &mut line, "/custom", "").await;
            say(&mut line, &format!("41{}", prefix(left))).await;
            assert_eq!(bed.closed().await, CloseReason::Client { code: 1005 });
            say(&mut line, &format!("42{}[\"message\",1]", prefix(kept))).await;
            assert_eq!(bed.message().await, 1);
            // It may come again.
            let again = enter(&mut bed, &mut line, left, "").await;
            again.send(&2).unwrap();
            let told = next(&mut line).await.unwrap();
            assert_eq!(told, format!("42{}[\"message\",2]", prefix(left)));
            // Also who has left them all.
            for name in [kept, left] {
                say(&mut line, &format!("41{}", prefix(name))).await;
                assert_eq!(bed.closed().await, CloseReason::Client { code: 1005 });
            }
            assert_eq!(bed.server.connections(), 0);
            let again = enter(&mut bed, &mut line, left, "").await;
            again.send(&3).unwrap();
            let told = next(&mut line).await.unwrap();
            assert_eq!(told, format!("42{}[\"message\",3]", prefix(left)));
            line.vanish().await;
            bed.closed().await;
        }
    }
}

#[tokio::test]
async fn who_stays_out_of_all_of_them_leaves_the_transport() {
    let change = |config: &mut ServerConfig| config.handshake_timeout = 1_000;
    let mut bed = bed_with(several(), change).await;
    for way in WAYS {
        let mut line = bed.line(way).await;
        enter(&mut bed, &mut line, "/custom", "").await;
        say(&mut line, "41/custom,").await;
        assert_eq!(bed.closed().await, CloseReason::Client { code: 1005 });
        while next(&mut line).await.is_some() {}
    }
}

/// Who has left waits in a place of those who are not in, and those are few.
#[tokio::test]
async fn who_has_left_them_all_takes_a_place() {
    let change = |config: &mut ServerConfig| config.max_handshakes = 1;
    let mut bed = bed_with(several(), change).await;
    for way in WAYS {
        let mut first = bed.line(way).await;
        enter(&mut bed, &mut first, "/", "").await;
        let mut second = bed.line(way).await;
        enter(&mut bed, &mut second, "/", "").await;
        say(&mut first, "41").await;
        bed.closed().await;
        // There is none for the second.
        say(&mut second, "41").await;
        bed.closed().await;
        while next(&mut second).await.is_some() {}
        // It is free again once the first is back.
        enter(&mut bed, &mut first, "/custom", "").await;
        let mut third = bed.line(way).await;
        enter(&mut bed, &mut third, "/", "").await;
        for line in [first, third] {
            line.vanish().await;
            bed.closed().await;
        }
    }
}

#[tokio::test]
async fn the_server_ends_one_and_keeps_the_others() {
    let mut bed = bed_with(several(), default).await;
    for way in WAYS {
        let mut line = bed.line(way).await;
        let root = enter(&mut bed, &mut line, "/", "").await;
        let custom = enter(&mut bed, &mut line, "/custom", "").await;
        custom.send("last").unwrap();
        custom.end();
        assert!(custom.send("later").is_err());
        for expected in [
            "42/custom,[\"message\",\"last\"]",
            "42/custom,[\"primus\",\"primus::server::close\"]",
            "41/custom,",
        ] {
            assert_eq!(next(&mut line).await.unwrap(), expected, "{way:?}");
        }
        assert_eq!(bed.closed().await, CloseReason::Ended { reconnect: false });
        root.send(&1).unwrap();
        assert_eq!(next(&mut line).await.unwrap(), "42[\"message\",1]");
        // The last one takes the transport with it.
        root.end();
        let told = next(&mut line).await.unwrap();
        assert_eq!(told, "42[\"primus\",\"primus::server::close\"]");
        assert_eq!(next(&mut line).await.unwrap(), "41");
        let on_socket = matches!(line.side, Side::Socket(_));
        let end = next(&mut line).await;
        assert_eq!(end.as_deref(), on_socket.then_some("close 1000"), "{way:?}");
        assert_eq!(bed.closed().await, CloseReason::Ended { reconnect: false });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_ended_everywhere_is_told_so_everywhere() {
    let mut config = several();
    config.namespaces.push("/third".into());
    let mut bed = bed_with(config, default).await;
    for way in WAYS {
        for _ in 0..30 {
            let mut line = bed.line(way).await;
            let mut sparks = Vec::new();
            for name in ["/", "/custom", "/third"] {
                sparks.push(enter(&mut bed, &mut line, name, "").await);
            }
            for spark in sparks {
                spark.end();
            }
            // Where it is not told so it comes again.
            let mut told = Vec::new();
            while let Some(packet) = next(&mut line).await {
                told.push(packet);
            }
            for packet in ["41", "41/custom,", "41/third,"] {
                assert!(told.iter().any(|told| told == packet), "{way:?}: {told:?}");
            }
            for _ in 0..3 {
                assert_eq!(bed.closed().await, CloseReason::Ended { reconnect: false });
            }
        }
    }
}

#[tokio::test]
async fn ended_to_come_again_ends_all_of_them() {
    let mut bed = bed_with(several(), default).await;
    for way in WAYS {
        let mut line = bed.line(way).await;
        let root = enter(&mut bed, &mut line, "/", "").await;
        let custom = enter(&mut bed, &mut line, "/custom", "").await;
        root.send("waits").unwrap();
        custom.end_with_reconnect();
        assert_eq!(
            next(&mut line).await.unwrap(),
            "42[\"message\",\"waits\"]",
            "{way:?}"
        );
        // Told that it is disconnected, it would not come again.
        while let Some(packet) = next(&mut line).await {
            assert_eq!(packet, "close 1000");
        }
        for _ in 0..2 {
            assert_eq!(bed.closed().await, CloseReason::Ended { reconnect: true });
        }
    }
}

#[tokio::test]
async fn who_is_refused_in_one_stays_in_the_others() {
    let mut bed = bed_with(several(), default).await;
    for way in WAYS {
        let mut line = bed.line(way).await;
        enter(&mut bed, &mut line, "/", "").await;
        let refusal = "44/custom,{\"message\":\"not \\\"eve\\\"\"}";
        say(&mut line, "40/custom,{\"name\":\"eve\"}").await;
        assert_eq!(next(&mut line).await.unwrap(), refusal);
        // With what is right it is let in.
        let custom = enter(&mut bed, &mut line, "/custom", "{\"name\":\"ann\"}").await;
        custom.send(&1).unwrap();
        assert_eq!(next(&mut line).await.unwrap(), "42/custom,[\"message\",1]");
        say(&mut line, "42[\"message\",2]").await;
        assert_eq!(bed.message().await, 2);
        line.vanish().await;
        bed.closed().await;
        bed.closed().await;
    }
}

#[tokio::test]
async fn who_asks_too_often_is_hung_up() {
    let mut bed = bed_with(several(), default).await;
    let mut line = bed.line(Way::WebSocket).await;
    enter(&mut bed, &mut line, "/", "").await;
    let mut refused = 0;
    while line
        .send(&[Packet::text("40/custom,{\"name\":\"eve\"}")])
        .await
        .is_ok()
    {
        match next(&mut line).await {
            Some(told) if told.starts_with("44/custom,") => refused += 1,
            _ => break,
        }
        assert!(refused < 1_000);
    }
    assert!(refused >= 10, "{refused}");
    bed.closed().await;
    assert_eq!(bed.server.connections(), 0);
}

#[tokio::test]
async fn who_is_refused_everywhere_does_not_stay() {
    let bed = bed_with(several(), default).await;
    for way in WAYS {
        let mut line = bed.line(way).await;
        for prefix in ["", "/custom,"] {
            say(&mut line, &format!("40{prefix}{{\"name\":\"eve\"}}")).await;
            let told = next(&mut line).await.unwrap();
            assert!(told.starts_with(&format!("44{prefix}{{")), "{told}");
        }
        while next(&mut line).await.is_some() {}
    }
    assert_eq!(bed.server.opened(), 0);
}

#[tokio::test]
async fn packets_for_a_namespace_it_is_not_in_end_the_client() {
    let mut bed = bed_with(several(), default).await;
    for way in WAYS {
        for packet in ["42/custom,[\"message\",1]", "41/custom,"] {
            let mut line = bed.line(way).await;
            enter(&mut bed, &mut line, "/", "").await;
            say(&mut line, packet).await;
            bed.closed().await;
            while next(&mut line).await.is_some() {}
        }
        // One for a namespace that there is not is nothing.
        let mut line = bed.line(way).await;
        enter(&mut bed, &mut line, "/", "").await;
        for packet in [
            "42/random,[\"message\",1]",
            "41/random,",
            "42[\"message\",2]",
        ] {
            say(&mut line, packet).await;
        }
        assert_eq!(bed.message().await, 2, "{way:?}");
        line.vanish().await;
        bed.closed().await;
    }
    assert_eq!(bed.server.connections(), 0);
}

#[tokio::test]
async fn each_connection_counts() {
    let mut bed = bed_with(several(), |config| config.max_connections = 1).await;
    let mut line = bed.line(Way::WebSocket).await;
    let root = enter(&mut bed, &mut line, "/", "").await;
    say(&mut line, "40/custom,").await;
    let told = next(&mut line).await.unwrap();
    assert_eq!(told, "44/custom,{\"message\":\"Too many connections\"}");
    root.send(&1).unwrap();
    assert_eq!(next(&mut line).await.unwrap(), "42[\"message\",1]");
}

#[tokio::test]
async fn who_is_late_in_all_of_them_is_cut() {
    let mut config = several();
    config.connect_timeout = Some(1_000);
    let mut bed = bed_with(config, default).await;
    // One of them is enough to stay.
    let mut line = bed.line(Way::WebSocket).await;
    let custom = enter(&mut bed, &mut line, "/custom", "").await;
    let mut late = Vec::new();
    for way in WAYS {
        let mut line = bed.line(way).await;
        say(&mut line, "40/random").await;
        assert!(next(&mut line).await.unwrap().starts_with("44/random,"));
        late.push(line);
    }
    for mut line in late {
        while next(&mut line).await.is_some() {}
    }
    assert_eq!(bed.server.opened(), 1);
    custom.send(&1).unwrap();
    assert_eq!(next(&mut line).await.unwrap(), "42/custom,[\"message\",1]");
}

#[tokio::test]
async fn a_message_over_the_limit_ends_all_of_them() {
    let mut bed = bed_with(several(), |config| config.max_length = 100).await;
    let mut line = bed.line(Way::WebSocket).await;
    enter(&mut bed, &mut line, "/", "").await;
    enter(&mut bed, &mut line, "/custom", "").await;
    let long = "x".repeat(10_000);
    say(&mut line, &format!("42/custom,[\"message\",\"{long}\"]")).await;
    assert_eq!(next(&mut line).await.unwrap(), "close 1009");
    for _ in 0..2 {
        assert_eq!(bed.closed().await, CloseReason::TooLarge);
    }
}

#[tokio::test]
async fn what_a_client_had_is_freed_when_it_has_gone() {
    let mut bed = bed_with(several(), default).await;
    for way in WAYS {
        let mut line = bed.line(way).await;
        let token = Arc::new(());
        for name in ["/", "/custom"] {
            let spark = match name {
                "/" => enter(&mut bed, &mut line, name, "").await,
                _ => enter_after_messages(&mut bed, &mut line).await,
            };
            spark.attach(token.clone()).unwrap();
            spark.send(&1).unwrap();
        }
        // Left, and come again: what was there before is gone, too.
        say(&mut line, "41/custom,").await;
        bed.closed().await;
        let spark = enter_after_messages(&mut bed, &mut line).await;
        spark.attach(token.clone()).unwrap();
        drop(spark);
        line.vanish().await;
        bed.closed().await;
        bed.closed().await;
        let freed = async {
            while Arc::strong_count(&token) > 1 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let freed = tokio::time::timeout(Duration::from_secs(20), freed).await;
        assert!(freed.is_ok(), "{way:?}: {}", Arc::strong_count(&token));
    }
}

/// Enters `/custom`, whatever has been sent before.
async fn enter_after_messages(bed: &mut Bed, line: &mut Line) -> Spark {
    say(line, "40/custom,").await;
    while !next(line).await.unwrap().starts_with("40/custom,") {}
    match bed.event().await {
        Event::Open(spark) => spark,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn names_that_cannot_be_are_told_at_the_start() {
    let start = |names: &[&str]| {
        let mut config = SocketIoConfig::default();
        config.namespaces = names.iter().map(|name| (*name).to_owned()).collect();
        let server = Server::builder().transport(SocketIo::new(config)).build();
        async move { server.start().await.map_err(|error| error.to_string()) }
    };
    for (names, part) in [
        (&[][..], "1 to 64 namespaces"),
        (&["custom"], "must begin with"),
        (&["/a,b"], "must begin with"),
        (&["/a?b"], "must begin with"),
        (&["/a", "/", "/a"], "twice"),
        (&["/"; 65], "1 to 64 namespaces"),
    ] {
        let error = start(names).await.unwrap_err();
        assert!(error.contains(part), "{names:?}: {error}");
    }
    assert!(start(&["/a", "/a/b"]).await.is_ok());
}
