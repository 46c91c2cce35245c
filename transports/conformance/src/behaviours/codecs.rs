//! A server speaks the codec it was given.

use serde_json::json;
use stellarfw_transport::{
    Frame, Kind, Message, Parser,
    codec::{Codec, CodecError, Visit},
};

use super::Subject;
use crate::bed::Setup;

/// Values go both ways, and control messages are understood.
async fn speaks(harness: &Subject, parser: Parser, kind: Kind) {
    let setup = Setup::new(harness)
        .with(|builder| builder.parser(parser))
        .echo();
    let bed = match setup.try_serve().await {
        Ok(bed) => bed,
        Err(error) => {
            let capabilities = harness.engine().0.capabilities();
            assert!(kind == Kind::Binary && !capabilities.binary, "{error}");
            return;
        }
    };
    assert!(
        kind == Kind::Text || bed.capabilities.binary,
        "an engine without binary has started with a binary codec"
    );
    let (mut visitor, spark) = bed.pair().await;
    let value = json!({
        "text": "żółw\n\"quoted\"", "number": -12.5, "big": 1_u64 << 53, "list": [1, null, true], "empty": {},
    });
    visitor.say(&value).await;
    assert_eq!(bed.message().await, value);
    let frame = visitor.payload().await;
    assert_eq!(frame.kind(), kind);
    assert_eq!(visitor.decode(&frame), value);

    visitor.say("primus::id::").await;
    assert_eq!(visitor.hear().await, format!("primus::id::{}", spark.id()));
    spark.end();
    assert_eq!(visitor.rest_until(1000).await, ["primus::server::close"]);
    bed.finish().await;
}

/// JSON, in text.
pub async fn json(harness: Subject) {
    speaks(&harness, Parser::Json, Kind::Text).await;
}

/// MessagePack, in binary.
pub async fn message_pack(harness: Subject) {
    speaks(&harness, Parser::MessagePack, Kind::Binary).await;
}

/// A codec of the user's own.
pub async fn a_codec_of_ones_own(harness: Subject) {
    speaks(&harness, Parser::custom(Lettered), Kind::Text).await;
}

/// JSON with a letter in front.
struct Lettered;

impl Codec for Lettered {
    fn name(&self) -> &str {
        "lettered"
    }

    fn encode(&self, value: &dyn erased_serde::Serialize) -> Result<Frame, CodecError> {
        let json = serde_json::to_string(value).map_err(CodecError::new)?;
        Ok(Frame::text(format!("L{json}")))
    }

    fn decode<'de>(
        &self,
        message: Message<'de>,
        visit: &mut Visit<'_, 'de>,
    ) -> Result<(), CodecError> {
        let text = message
            .as_str()
            .and_then(|text| text.strip_prefix('L'))
            .ok_or_else(|| CodecError::new("a letter was expected"))?;
        let mut json = serde_json::Deserializer::from_str(text);
        visit(&mut <dyn erased_serde::Deserializer<'_>>::erase(&mut json)).map_err(CodecError::new)
    }
}
