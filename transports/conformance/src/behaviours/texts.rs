//! Texts of every kind, both ways.

use serde_json::{Value, json};
use stellarfw_transport::{Delivery, Frame, Kind, Parser};

use super::Subject;
use crate::{
    bed::{Must, Setup},
    texts::hostile,
};

/// Separates packets in one framing, which cannot escape it.
const SEPARATOR: char = '\u{1e}';

/// A text as a value, a key and an item.
fn value(text: &str) -> Value {
    json!({ "text": text, "list": [text, [text]], format!("key {text}"): { text: null } })
}

/// Every text arrives as it was sent, in values of the codec.
pub async fn values_hold_every_text(harness: Subject) {
    let bed = Setup::new(&harness).echo().serve().await;
    let (mut visitor, _) = bed.pair().await;
    for text in hostile() {
        visitor.say(value(&text)).await;
        assert_eq!(bed.message().await, value(&text));
        assert_eq!(visitor.hear().await, value(&text));
        if !text.starts_with("primus::") {
            visitor.say(&text).await;
            assert_eq!(bed.message().await, text);
            assert_eq!(visitor.hear().await, text);
        }
    }
    bed.finish().await;
}

/// Texts that are sent at once stay apart.
pub async fn texts_that_wait_together_stay_apart(harness: Subject) {
    let bed = Setup::new(&harness).serve().await;
    let (mut visitor, spark) = bed.pair().await;
    let texts = hostile();
    for text in &texts {
        spark.send(&[text]).must();
    }
    for text in &texts {
        assert_eq!(visitor.hear().await, json!([text]));
    }
    bed.finish().await;
}

/// Every text arrives as it was sent where no codec touches it. A framing that cannot hold the
/// separator U+001E may leave such a text out; then the others arrive all the same, and nothing
/// arrives in its place.
pub async fn raw_texts_arrive_or_are_left_out(harness: Subject) {
    let setup = Setup::new(&harness)
        .with(|builder| builder.parser(Parser::Raw))
        .echo();
    let Ok(bed) = setup.try_serve().await else {
        // An engine that lacks binary may refuse to start.
        assert!(!harness.engine().0.capabilities().binary);
        return;
    };
    let (mut visitor, spark) = bed.pair().await;
    for text in hostile() {
        let frame = Frame::text(text.clone());
        if text.contains(SEPARATOR) {
            spark.send_frame(frame.clone(), Delivery::Reliable).must();
            spark
                .send_frame(Frame::text("after"), Delivery::Reliable)
                .must();
            let mut heard = visitor.payload().await;
            if heard == frame {
                heard = visitor.payload().await;
            }
            assert_eq!(heard, Frame::text("after"), "after {text:?}");
            continue;
        }
        visitor.send(frame.clone()).await;
        let (_, came) = bed.frame().await;
        assert_eq!(came.kind(), Kind::Text);
        assert_eq!(came, frame, "{text:?}");
        assert_eq!(visitor.payload().await, frame, "{text:?}");
    }
    bed.finish().await;
}
