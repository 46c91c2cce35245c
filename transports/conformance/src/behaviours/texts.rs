//! Texts of every kind, in both directions.

use serde_json::{Value, json};
use stellarfw_transport::{Delivery, Frame, Kind, Parser};

use super::Subject;
use crate::{
    fixture::{OrFail, Setup},
    texts::hostile,
};

/// The packet separator of Engine.IO 4, which its framing cannot escape.
const SEPARATOR: char = '\u{1e}';

/// Returns a value with the text as a field, a key and an item.
fn value(text: &str) -> Value {
    json!({ "text": text, "list": [text, [text]], format!("key {text}"): { text: null } })
}

/// Every text arrives unchanged inside values of the codec.
pub async fn every_text_survives_in_values(harness: Subject) {
    let fixture = Setup::new(&harness).echo().serve().await;
    let (mut client, _) = fixture.pair().await;
    for text in hostile() {
        client.send_value(value(&text)).await;
        assert_eq!(fixture.message().await, value(&text));
        assert_eq!(client.recv().await, value(&text));
        if !text.starts_with("primus::") {
            client.send_value(&text).await;
            assert_eq!(fixture.message().await, text);
            assert_eq!(client.recv().await, text);
        }
    }
    fixture.finish().await;
}

/// Texts that are queued together arrive as separate messages.
pub async fn queued_texts_stay_separate(harness: Subject) {
    let fixture = Setup::new(&harness).serve().await;
    let (mut client, spark) = fixture.pair().await;
    let texts = hostile();
    for text in &texts {
        spark.send(&[text]).or_fail();
    }
    for text in &texts {
        assert_eq!(client.recv().await, json!([text]));
    }
    fixture.finish().await;
}

/// Every text arrives unchanged with [`Parser::Raw`].
///
/// A framing that cannot carry U+001E may drop a text that contains it. The other texts arrive, and
/// nothing arrives in place of the dropped one.
pub async fn raw_texts_arrive_or_are_dropped(harness: Subject) {
    let setup = Setup::new(&harness)
        .with(|builder| builder.parser(Parser::Raw))
        .echo();
    let Ok(fixture) = setup.try_serve().await else {
        // Only an engine without binary may refuse to start.
        assert!(!harness.engine().0.capabilities().binary);
        return;
    };
    let (mut client, spark) = fixture.pair().await;
    for text in hostile() {
        let frame = Frame::text(text.clone());
        if text.contains(SEPARATOR) {
            spark
                .send_frame(frame.clone(), Delivery::Reliable)
                .or_fail();
            spark
                .send_frame(Frame::text("after"), Delivery::Reliable)
                .or_fail();
            let mut received = client.recv_frame().await;
            if received == frame {
                received = client.recv_frame().await;
            }
            assert_eq!(received, Frame::text("after"), "next to {text:?}");
            continue;
        }
        client.send(frame.clone()).await;
        let (_, delivered) = fixture.frame().await;
        assert_eq!(delivered.kind(), Kind::Text);
        assert_eq!(delivered, frame, "{text:?}");
        assert_eq!(client.recv_frame().await, frame, "{text:?}");
    }
    fixture.finish().await;
}
