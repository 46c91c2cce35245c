//! Which characters are escaped on the way out, and which escapes are read on the way in.

use crate::bed::{bed, session};

/// The characters that browsers and proxies were seen to change.
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
async fn fragile_characters_go_out_escaped() {
    let bed = bed().await;
    let text = fragile();
    let session = session();
    bed.poll(&session).await;
    bed.send(&session, &escaped(&text)).await;
    let polled = bed.poll(&session).await;
    let list = polled.strip_prefix('a').unwrap().trim_end();
    assert!(list.is_ascii(), "{list}");
    let back: Vec<String> = serde_json::from_str(list).unwrap();
    assert_eq!(back, [text.as_str()]);

    let path = format!("{}/websocket", crate::bed::session());
    let mut socket = bed.socket(&path, &[]).await.unwrap();
    assert_eq!(socket.hear().await, "o");
    socket.say(&escaped(&text)).await;
    assert_eq!(socket.hear().await, format!("a{list}"));
}

#[tokio::test]
async fn others_go_out_as_they_are() {
    let bed = bed().await;
    let session = session();
    bed.poll(&session).await;
    let text = "\u{7f}é\u{2000}\u{20ff}\u{feff}\u{fff}漢🐢";
    bed.send(&session, &format!("[\"{text}\"]")).await;
    assert_eq!(bed.poll(&session).await, format!("a[\"{text}\"]\n"));
}

/// Clients escape what is fragile the other way, and half a character at a time.
#[tokio::test]
async fn escapes_of_clients_are_read() {
    let mut bed = bed().await;
    let session = session();
    bed.open(&session, "").await;
    for (sent, read) in [
        (r#"["\u0000\uffff\u2028"]"#, "\0\u{ffff}\u{2028}"),
        (r#"["\ud83d\udc22"]"#, "🐢"),
        (r#"["\b\f\n\r\t\/\\\""]"#, "\u{8}\u{c}\n\r\t/\\\""),
    ] {
        bed.send(&session, sent).await;
        assert_eq!(bed.message().await, read);
    }
}
