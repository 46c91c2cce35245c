//! Inputs that are written wrongly or oddly: keys that stand twice, texts that are none, JSON that
//! no tree of values can hold.

use serde_json::{Value, json};
use stellarfw::{
    Builder, Stellar,
    actions::{Action, ActionResult, Call, Input, Middleware, Params},
    rooms::Event,
    transport::Parser,
};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Peer, body_of, error, host};

fn builder() -> Builder {
    let echo = async |call: Call| {
        let params = call.value();
        ActionResult::Ok(json!({ "value": params.get("value"), "more": params.get("more") }))
    };
    Stellar::builder()
        .action("echo", echo)
        .add_action(Action::new("declared", echo).input(Input::optional("value").validate("alpha")))
        .action("typed", async |Params(typed): Params<Typed>| {
            ActionResult::Ok(json!({ "value": typed.value }))
        })
        .middleware(Middleware::new("looks").before(async |mut call: Call| {
            call.set("more", call.value().get("value").is_some());
            Ok(call)
        }))
        .add_action(Action::new("looked", echo).middleware("looks"))
}

#[derive(serde::Deserialize)]
struct Typed {
    value: Option<String>,
}

/// Calls with parameters as they are written here.
async fn call(peer: &mut Peer, params: &str) -> Value {
    let response = peer
        .ask_text(format!(r#"{{"event":"action","params":{params}}}"#))
        .await;
    body_of(response, peer.count)
}

/// 003 for what no tree of values can hold.
fn not_plain(field: &str) -> Value {
    let message = format!("Param '{field}' has an invalid type, expected plain JSON");
    json!({ "error": { field: error("003", message) } })
}

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

/// JSON that is well formed, and more than values can hold.
fn unreadable() -> Vec<String> {
    let mut texts = [
        r#""\ud800""#,
        r#""\udc00 first""#,
        r#""x\uD83Dy""#,
        r#""\ud83d\u0041""#,
        r#"["fine",{"deeper":"\ud800"}]"#,
        r#"{"\ud800":1}"#,
        "1e999",
        "-1E+999",
        "[1,2e400]",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("9".repeat(400));
    texts.extend([127, 128, 1_000, 100_000].map(nested));
    texts.push(format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200)));
    texts
}

/// Those that are so without an object around them.
fn unreadable_alone() -> impl Iterator<Item = String> {
    unreadable().into_iter().filter(|text| *text != nested(127))
}

#[tokio::test]
async fn what_no_value_can_hold_is_refused_by_name() {
    let host = host(builder()).await;
    let mut peer = host.peer().await;
    for text in unreadable() {
        for action in ["echo", "declared", "typed", "looked"] {
            let forms = [
                format!(r#"{{"action":"{action}","value":{text}}}"#),
                format!(r#"{{"more":"fine","value":{text},"action":"{action}"}}"#),
            ];
            for form in forms {
                let got = call(&mut peer, &form).await;
                assert_eq!(got, not_plain("value"), "{action}: {text:.100}");
            }
        }
    }
    // A parameter that nobody asked for is as bad, and so is a name.
    for action in ["echo", "declared", "typed", "looked"] {
        let form = format!(r#"{{"action":"{action}","other":"\ud800"}}"#);
        assert_eq!(call(&mut peer, &form).await, not_plain("other"));
        let form = format!(r#"{{"action":"{action}","\ud800":1}}"#);
        assert_eq!(
            call(&mut peer, &form).await,
            not_plain("\u{fffd}\u{fffd}\u{fffd}")
        );
    }
    let form = r#"{"action":"echo","apiVersion":"\ud800"}"#;
    assert_eq!(call(&mut peer, form).await, not_plain("apiVersion"));
    // Whether there is such an action comes first.
    let form = format!(r#"{{"action":"none","value":{}}}"#, nested(200));
    let unknown = |name: &str| {
        let message = format!("Unknown action ({name}) or invalid apiVersion");
        json!({ "error": error("004", message) })
    };
    assert_eq!(call(&mut peer, &form).await, unknown("none"));
    assert_eq!(call(&mut peer, &nested(1_000)).await, unknown("undefined"));
    let form = r#"{"action":"\ud800"}"#;
    assert_eq!(call(&mut peer, form).await, unknown(r#""\ud800""#));
    assert_eq!(host.stellar.connections()[0].pending_actions(), 0);
}

#[tokio::test]
async fn what_a_value_can_just_hold_is_taken() {
    let host = host(builder()).await;
    let mut peer = host.peer().await;
    let mut texts = [
        r#""\u0000""#,
        r#""\ud83d\ude00""#,
        r#""\\ud800""#,
        "\"\u{fffd}\u{2028}\u{7f}\"",
        "1.7976931348623157e308",
        "1e-999",
        "\"1e999\"",
        r#"{"[[[":["]]]"]}"#,
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push(nested(126));
    texts.push(format!("[{}]", vec!["{}"; 10_000].join(",")));
    texts.push(format!("\"{}\"", "[".repeat(1_000)));
    for text in texts {
        let expected: Value = serde_json::from_str(&text).unwrap();
        let form = format!(r#"{{"action":"echo","value":{text}}}"#);
        let got = call(&mut peer, &form).await;
        assert_eq!(
            got,
            json!({ "value": expected, "more": null }),
            "{text:.100}"
        );
    }
}

#[tokio::test]
async fn of_a_key_that_stands_twice_in_json_the_last_counts() {
    let host = host(builder()).await;
    let mut peer = host.peer().await;
    let alpha = json!({ "error": { "value": "The value must only contain letters." } });
    let value = |value: &str| json!({ "value": value, "more": null });
    let cases = [
        (r#"{"action":"echo","value":1,"value":"b"}"#, value("b")),
        (
            r#"{"action":"echo","value":"a","val\u0075e":"b"}"#,
            value("b"),
        ),
        (
            r#"{"action":"none","action":"echo","value":"b"}"#,
            value("b"),
        ),
        (
            r#"{"action":"declared","value":"1","value":"b"}"#,
            value("b"),
        ),
        (r#"{"action":"declared","value":"b","value":"1"}"#, alpha),
        (
            r#"{"action":"typed","value":1,"value":"b"}"#,
            json!({ "value": "b" }),
        ),
        (
            r#"{"action":"echo","value":"\ud800","value":"b"}"#,
            not_plain("value"),
        ),
    ];
    for (params, answer) in cases {
        assert_eq!(call(&mut peer, params).await, answer, "{params}");
    }
    let reply = host.post("/api/echo", r#"{"value":1,"value":"b"}"#).await;
    assert_eq!((reply.status, &reply.json()["value"]), (200, &json!("b")));
}

/// In a query and in forms, a key that stands twice is a list, as HTML's own forms have it.
#[tokio::test]
async fn of_a_key_that_stands_twice_in_texts_there_is_a_list() {
    let host = host(builder()).await;
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let parts = [("Content-Type", "multipart/form-data; boundary=XX")];
    let part = |text: &str| {
        format!("--XX\r\nContent-Disposition: form-data; name=\"value\"\r\n\r\n{text}\r\n")
    };
    let body = part("a") + &part("") + "--XX--\r\n";
    let replies = [
        host.get("/api/echo?value=a&value=").await,
        host.http("POST /api/echo", &form, b"value=a&value").await,
        host.http("POST /api/echo", &parts, body.as_bytes()).await,
    ];
    for reply in replies {
        assert_eq!(
            (reply.status, &reply.json()["value"]),
            (200, &json!(["a", ""]))
        );
    }
    // A text is wanted, and a list is none.
    let reply = host.get("/api/typed?value=a&value=b").await;
    let message = "Param 'value' has an invalid type, expected string";
    let expected = json!({ "value": error("003", message) });
    assert_eq!((reply.status, &reply.json()["error"]), (400, &expected));
}

#[tokio::test]
async fn texts_that_are_no_utf_8() {
    let host = host(builder()).await;
    // What is escaped is read with the sign for what cannot be read.
    for text in ["%FF", "%C3", "%ED%A0%80"] {
        let line = format!("/api/echo?value=a{text}");
        let value = host.get(&line).await.json()["value"].take();
        assert!(value.as_str().unwrap().starts_with("a\u{fffd}"), "{value}");
    }
    for text in ["%", "%Z", "%4"] {
        let line = format!("/api/echo?value=a{text}");
        assert_eq!(host.get(&line).await.json()["value"], format!("a{text}"));
    }
    assert_eq!(
        host.get("/api/echo?value=%00").await.json()["value"],
        "\u{0}"
    );
    let post = async |mime: &str, body: &[u8]| {
        let reply = host
            .http("POST /api/echo", &[("Content-Type", mime)], body)
            .await;
        let told = reply.json();
        (reply.status, told["value"].clone(), told["error"].clone())
    };
    let form = "application/x-www-form-urlencoded";
    let (status, value, _) = post(form, b"value=%FFa").await;
    assert_eq!((status, value), (200, json!("\u{fffd}a")));
    let (status, _, told) = post(form, b"value=\xff").await;
    assert_eq!((status, told), (400, json!("The form is not UTF-8")));
    let parts = "multipart/form-data; boundary=XX";
    let body = b"--XX\r\nContent-Disposition: form-data; name=\"value\"\r\n\r\n\xffa\r\n--XX--\r\n";
    let (status, value, _) = post(parts, body).await;
    assert_eq!((status, value), (200, json!("\u{fffd}a")));
    // JSON has no such texts.
    let mut bodies: Vec<Vec<u8>> = unreadable()
        .into_iter()
        .map(|text| format!(r#"{{"value":{text}}}"#).into_bytes())
        .collect();
    bodies.push(b"{\"value\":\"\xff\"}".to_vec());
    bodies.push(b"{\"value\":\"\xed\xa0\x80\"}".to_vec());
    bodies.push(b"{\"value\":\"\x00\"}".to_vec());
    bodies.push(b"{\"value\":1}\x00".to_vec());
    bodies.push(b"\xef\xbb\xbf{\"value\":1}".to_vec());
    bodies.push(b"{\"value\":".to_vec());
    for body in bodies {
        let (status, _, told) = post("application/json", &body).await;
        let told = told.as_str().unwrap();
        assert_eq!(status, 400, "{told}");
        assert!(told.starts_with("The body is not JSON: "), "{told}");
    }
    for body in ["1", "\"x\"", "null", "true"] {
        let expected = "The JSON body is neither an object nor an array";
        let (status, _, told) = post("application/json", body.as_bytes()).await;
        assert_eq!((status, told), (400, json!(expected)));
    }
}

/// A message that cannot be decoded has no answer and no number; the next one has.
#[tokio::test]
async fn messages_that_cannot_be_decoded() {
    let json = host(builder()).await;
    let mut peer = json.peer().await;
    for text in [
        r#"{"event":"action","params":{"action":"echo","value":"#,
        "{\"event\":\"\u{1}\"}",
    ] {
        peer.send_raw(text).await;
    }
    let fine = json!({ "action": "echo", "value": "fine" });
    let answer = json!({ "value": "fine", "more": null });
    assert_eq!(peer.call(fine.clone()).await, answer);
    // A text frame that is no UTF-8 is a fault of the WebSocket's own; the mask is of zeroes.
    let mut bad = json.peer().await;
    bad.send_bytes(b"\x81\x81\0\0\0\0\xff").await;
    assert_eq!(bad.closed().await, (vec![], Some(1007)));
    assert_eq!(peer.call(fine.clone()).await, answer);

    let packed = host(builder().parser(Parser::MessagePack)).await;
    let mut peer = packed
        .connect("/primus", &[])
        .await
        .unwrap()
        .speaking(Parser::MessagePack);
    peer.welcomed().await;
    // {"event": "action", "params": {"action": "echo", "value": …}}
    let mut head = vec![0x82, 0xa5];
    head.extend(b"event\xa6action\xa6params\x82\xa6action\xa4echo\xa5value");
    let with = |value: &[u8]| Message::binary([head.as_slice(), value].concat());
    let deep = [vec![0x91; 200], vec![0xc0]].concat();
    for value in [
        &b""[..],
        b"\xc1",
        b"\xa5a",
        b"\xdf\xff\xff\xff\xff",
        b"\x81\x90\xc0",
        &deep,
    ] {
        peer.send_message(with(value)).await;
    }
    assert_eq!(peer.call(fine).await, answer);
    // What is no text, and is not called one, is bytes.
    for (value, read) in [
        (&b"\xc4\x02\x00\xff"[..], json!([0, 255])),
        (b"\xa1\xff", json!([255])),
        (b"\xa3\xed\xa0\x80", json!([237, 160, 128])),
        (b"\xa1\x00", json!("\u{0}")),
        (b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", json!(null)),
        // {"a": 1, "a": 2}: the last one counts.
        (b"\x82\xa1a\x01\xa1a\x02", json!({ "a": 2 })),
    ] {
        peer.count += 1;
        peer.send_message(with(value)).await;
        let response = peer.response().await;
        assert_eq!(peer.body(response), json!({ "value": read, "more": null }));
    }
}

/// A chat message passes as it is, unless a hook or a listener is to see it as a value.
#[tokio::test]
async fn messages_that_hooks_cannot_see() {
    let say = |text: &str| format!(r#"{{"event":"say","room":"defaultRoom","message":{text}}}"#);
    let emit = |text: &str| {
        format!(
            r#"{{"event":"event","params":{{"room":"defaultRoom","event":"e","data":{text}}}}}"#
        )
    };
    let refused = |field: &str| {
        let message = format!("Param '{field}' has an invalid type, expected plain JSON");
        let error = error("003", message);
        json!({ "status": error, "error": error })
    };
    let any_depth = || Stellar::builder().configure(|config| config.max_depth = usize::MAX);
    let receive = any_depth().on_say_receive(|_, say| async { Ok(say) });
    let each = any_depth().on_say(|_, say| Some(say));
    for builder in [receive, each] {
        let host = host(builder).await;
        let mut peer = host.peer().await;
        peer.join("defaultRoom").await;
        let id = peer.id().await;
        for text in unreadable_alone() {
            let response = peer.ask_text(say(&text)).await;
            assert_eq!(peer.body(response), refused("message"));
            let response = peer.ask_text(emit(&text)).await;
            assert_eq!(peer.body(response), refused("data"));
        }
        peer.say("defaultRoom", json!("fine")).await;
        assert_eq!(peer.heard("defaultRoom", Some(&id)).await, "fine");
        peer.heard_nothing_more().await;
    }
    let host = host(any_depth().on_event("e", |_: Event| async {})).await;
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    for text in unreadable_alone() {
        let response = peer.ask_text(emit(&text)).await;
        assert_eq!(peer.body(response), refused("data"));
        // Nobody looks into what is said.
        let response = peer.ask_text(say(r#""\ud800""#)).await;
        assert_eq!(peer.body(response), json!({ "status": "OK" }));
        let said = peer.recv_text().await;
        assert!(said.starts_with(r#"{"message":"\ud800","room":"#), "{said}");
    }
}
