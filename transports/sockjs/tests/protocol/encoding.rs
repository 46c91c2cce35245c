//! Escapes in outgoing frames and in messages of clients.

use crate::fixture::{fixture, session};

/// The characters that browsers and proxies are known to alter.
fn fragile() -> String {
    let ranges = [
        0..=0x1f_u32,
        0x200c..=0x200f,
        0x2028..=0x202f,
        0x2060..=0x206f,
        0xfff0..=0xffff,
    ];
    ranges
        .into_iter()
        .flatten()
        .filter_map(char::from_u32)
        .collect()
}

fn escaped(text: &str) -> String {
    let escape = |c: char| format!("\\u{:04x}", u32::from(c));
    let list: String = text.chars().map(escape).collect();
    format!("[\"{list}\"]")
}

#[tokio::test]
async fn fragile_characters_are_escaped() {
    let fixture = fixture().await;
    let text = fragile();
    let session = session();
    fixture.poll(&session).await;
    fixture.send(&session, &escaped(&text)).await;
    let polled = fixture.poll(&session).await;
    let list = polled.strip_prefix('a').unwrap().trim_end();
    assert!(list.is_ascii(), "{list}");
    let back: Vec<String> = serde_json::from_str(list).unwrap();
    assert_eq!(back, [text.as_str()]);

    let path = format!("{}/websocket", crate::fixture::session());
    let mut socket = fixture.socket(&path, &[]).await.unwrap();
    assert_eq!(socket.recv_text().await, "o");
    socket.send_text(&escaped(&text)).await;
    assert_eq!(socket.recv_text().await, format!("a{list}"));
}

#[tokio::test]
async fn other_characters_are_not_escaped() {
    let fixture = fixture().await;
    let session = session();
    fixture.poll(&session).await;
    let text = "\u{7f}é\u{2000}\u{20ff}\u{feff}\u{fff}漢🐢";
    fixture.send(&session, &format!("[\"{text}\"]")).await;
    assert_eq!(fixture.poll(&session).await, format!("a[\"{text}\"]\n"));
}

/// Clients escape fragile characters too, with one escape per UTF-16 code unit.
#[tokio::test]
async fn escapes_of_clients_are_decoded() {
    let mut fixture = fixture().await;
    let session = session();
    fixture.open(&session, "").await;
    for (sent, read) in [
        (r#"["\u0000\uffff\u2028"]"#, "\0\u{ffff}\u{2028}"),
        (r#"["\ud83d\udc22"]"#, "🐢"),
        (r#"["\b\f\n\r\t\/\\\""]"#, "\u{8}\u{c}\n\r\t/\\\""),
    ] {
        fixture.send(&session, sent).await;
        assert_eq!(fixture.message().await, read);
    }
}
