//! How much clients may publish to rooms: in one message, and in a time.

use serde_json::{Value, json};
use stellarfw::{
    Builder, Stellar,
    rooms::{ByteRate, PublishRate},
    transport::Parser,
};

use crate::support::{Received, error, host, until};

const ROOM: &str = "defaultRoom";
const OVER: &str = "You are sending too many messages";
/// What a message counts besides its content.
const ENVELOPE: u64 = 100;

fn say(message: &str) -> Value {
    json!({ "event": "say", "room": ROOM, "message": message })
}

fn event(data: &str) -> Value {
    json!({ "event": "event", "params": { "room": ROOM, "event": "e", "data": data } })
}

/// What says that text in each of the forms that a client may choose.
fn forms(text: &str) -> [Value; 3] {
    // The oldest clients' form: the message in a field of any name.
    let legacy = json!({ "event": "say", "room": ROOM, "text": text });
    [say(text), event(text), legacy]
}

#[tokio::test]
async fn a_message_is_as_long_as_it_may_be_and_no_longer() {
    for parser in [Parser::Json, Parser::MessagePack] {
        let builder = Stellar::builder().parser(parser.clone());
        let host = host(builder.configure(|config| config.max_message = 1_000)).await;
        let connect = async || {
            let peer = host.connect("/primus", &[]).await.unwrap();
            let mut peer = peer.speaking(parser.clone());
            peer.welcomed().await;
            peer.join(ROOM).await;
            peer
        };
        let (mut ann, mut bob) = (connect().await, connect().await);
        // Two of the bytes are the quotes of the text.
        for message in forms(&"x".repeat(999)) {
            let text = "Data length is too big (1001 received/1000 max)";
            ann.refused(message, error("008", text)).await;
        }
        // What is long is the JSON, however short the characters.
        let refused = ann.ask(&say(&"\u{1}".repeat(200))).await;
        assert_eq!(refused["error"]["code"], "008");
        for message in forms(&"x".repeat(998)) {
            let answer = ann.ask(&message).await;
            assert_eq!(answer["status"], "OK", "{answer}");
            let heard = bob.recv().await;
            assert!(heard["message"].to_string().len() >= 998, "{heard}");
        }
    }
}

#[tokio::test]
async fn a_message_that_is_nested_too_deep_reaches_nobody() {
    let host = host(Stellar::builder()).await;
    let [mut ann, mut bob] = [host.peer().await, host.peer().await];
    ann.join(ROOM).await;
    bob.join(ROOM).await;
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for levels in [129, 5_000, 100_000] {
        let deep = nested(levels);
        let messages = [
            (
                "message",
                format!(r#"{{"event":"say","room":"{ROOM}","message":{deep}}}"#),
            ),
            (
                "data",
                format!(
                    r#"{{"event":"event","params":{{"room":"{ROOM}","event":"e","data":{deep}}}}}"#
                ),
            ),
        ];
        for (field, message) in messages {
            let refused = ann.ask_text(message).await;
            let text =
                format!("Param '{field}' has an invalid type, expected JSON of at most 128 levels");
            assert_eq!(refused["error"], error("003", text));
        }
    }
    // In a field of another name it is a text, as the oldest clients have it.
    let legacy = format!(
        r#"{{"event":"say","room":"{ROOM}","text":{}}}"#,
        nested(200)
    );
    assert_eq!(ann.ask_text(legacy).await["status"], "OK");
    assert_eq!(bob.recv().await["message"], nested(200));
    let fits = format!(
        r#"{{"event":"say","room":"{ROOM}","message":{}}}"#,
        nested(128)
    );
    assert_eq!(ann.ask_text(fits).await["status"], "OK");
    assert!(bob.recv_text().await.contains(&nested(128)));
}

#[tokio::test]
async fn a_long_name_of_an_event_is_refused() {
    let host = host(Stellar::builder().configure(|config| config.max_message = 100)).await;
    let mut peer = host.peer().await;
    peer.join(ROOM).await;
    let name = "e".repeat(101);
    let message = json!({ "event": "event", "params": { "room": ROOM, "event": name } });
    let text = "Data length is too big (101 received/100 max)";
    peer.refused(message, error("008", text)).await;
}

#[tokio::test]
async fn by_default_256_kib_pass_and_longer_actions_are_not_concerned() {
    let builder = Stellar::builder().action("long", async || {
        stellarfw::actions::ActionResult::Ok(json!({}))
    });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    peer.join(ROOM).await;
    assert_eq!(peer.ask(&say(&"x".repeat(262_142))).await["status"], "OK");
    let long = peer.ask(&say(&"x".repeat(262_143))).await;
    assert_eq!(long["error"]["code"], "008");
    let answer = peer
        .call(json!({ "action": "long", "text": "x".repeat(1_000_000) }))
        .await;
    assert!(answer.get("error").is_none(), "{answer}");
}

/// Rates that forgive nothing as long as a test runs.
fn rates(connection: u64, room: u64) -> Builder {
    let rate = |burst| match burst {
        0 => ByteRate::new(0, 0),
        burst => ByteRate::new(1, burst),
    };
    Stellar::builder().configure(move |config| {
        config.publish_rate = PublishRate::unlimited();
        config.publish_rate.connection = rate(connection);
        config.publish_rate.room = rate(room);
    })
}

#[tokio::test]
async fn a_connection_publishes_so_many_bytes_and_the_rest_is_refused() {
    // Room for three messages of 500 bytes.
    let host = host(rates(3 * (500 + ENVELOPE), 0).room("other")).await;
    let [mut ann, mut bob] = [host.peer().await, host.peer().await];
    for peer in [&mut ann, &mut bob] {
        peer.join(ROOM).await;
        peer.join("other").await;
    }
    let text = "x".repeat(498);
    let other = json!({ "event": "say", "room": "other", "message": text });
    for message in [say(&text), event(&"x".repeat(470)), other.clone()] {
        assert_eq!(ann.ask(&message).await["status"], "OK");
        bob.recv().await;
    }
    for message in [say(&text), event(&text), other] {
        ann.refused(message, error("025", OVER)).await;
    }
    // Whatever else it asks for is answered, and the others publish as before.
    assert_eq!(
        ann.ask(&json!({ "event": "detailsView" })).await["status"],
        "OK"
    );
    assert_eq!(bob.ask(&say(&text)).await["status"], "OK");
}

#[tokio::test]
async fn a_room_takes_so_many_bytes_of_all_its_members() {
    let host = host(rates(0, 2 * (500 + ENVELOPE)).room("other")).await;
    let [mut ann, mut bob] = [host.peer().await, host.peer().await];
    for peer in [&mut ann, &mut bob] {
        peer.join(ROOM).await;
        peer.join("other").await;
    }
    let text = "x".repeat(498);
    for peer in [&mut ann, &mut bob] {
        assert_eq!(peer.ask(&say(&text)).await["status"], "OK");
    }
    for peer in [&mut ann, &mut bob] {
        peer.refused(say(&text), error("025", OVER)).await;
        let other = json!({ "event": "say", "room": "other", "message": "short" });
        assert_eq!(peer.ask(&other).await["status"], "OK");
    }
    // The server's own messages are not counted.
    host.stellar.rooms().broadcast(ROOM, &text).await.unwrap();
}

#[tokio::test]
async fn views_of_large_rooms_are_as_dear_as_their_answers() {
    // Five members of 140 bytes each make 800 with the envelope.
    let host = host(rates(3 * 800, 0).room("small")).await;
    let mut peers = host.peers(5).await;
    for peer in &mut peers {
        peer.join(ROOM).await;
    }
    peers[0].join("small").await;
    let view = |room: &str| json!({ "event": "roomView", "room": room });
    for _ in 0..3 {
        let answer = peers[0].ask(&view(ROOM)).await;
        assert_eq!(answer["data"]["membersCount"], 5);
    }
    peers[0].refused(view(ROOM), error("025", OVER)).await;
    peers[0].refused(view("small"), error("025", OVER)).await;
    assert_eq!(peers[1].ask(&view(ROOM)).await["data"]["membersCount"], 5);
}

#[tokio::test]
async fn who_is_over_its_own_rate_takes_nothing_from_the_room() {
    let host = host(rates(500 + ENVELOPE, 3 * (500 + ENVELOPE))).await;
    let [mut ann, mut bob] = [host.peer().await, host.peer().await];
    ann.join(ROOM).await;
    bob.join(ROOM).await;
    let text = "x".repeat(498);
    assert_eq!(ann.ask(&say(&text)).await["status"], "OK");
    for _ in 0..20 {
        ann.refused(say(&text), error("025", OVER)).await;
    }
    assert_eq!(bob.ask(&say(&text)).await["status"], "OK");
}

#[tokio::test]
async fn a_fast_member_does_not_evict_one_that_reads_later() {
    // The defaults: what one client may publish at once fits the outbox of each member.
    let host = host(Stellar::builder()).await;
    let [mut fast, mut slow] = [host.peer().await, host.peer().await];
    fast.join(ROOM).await;
    slow.join(ROOM).await;
    let text = "x".repeat(200_000);
    fast.send_all((0..60).map(|_| say(&text))).await;
    let mut taken = 0;
    for count in 2..=61 {
        let response = fast.response_of(count).await;
        if response["status"] == "OK" {
            taken += 1;
        } else {
            assert_eq!(response["error"]["code"], "025", "{response}");
        }
    }
    assert!((10..60).contains(&taken), "{taken} of 60 were taken");
    until("all to be delivered", async || {
        host.stellar.transport().counts().sent >= 2
    })
    .await;
    for _ in 0..taken {
        let Received::Json(heard) = slow.next().await else {
            panic!("the slow member was evicted");
        };
        assert_eq!(heard["context"], "user");
    }
    assert_eq!(host.stellar.transport().slow_consumers(), 0);
}
