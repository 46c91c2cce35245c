//! The codec of a server.

use serde_json::json;
use stellarfw_transport::{
    Frame, Kind, Message, Parser,
    codec::{Codec, CodecError, Visit},
};

use super::Subject;
use crate::fixture::Setup;

/// Checks values in both directions, and control messages.
async fn check_codec(harness: &Subject, parser: Parser, kind: Kind) {
    let setup = Setup::new(harness)
        .with(|builder| builder.parser(parser))
        .echo();
    let fixture = match setup.try_serve().await {
        Ok(fixture) => fixture,
        Err(error) => {
            let capabilities = harness.engine().0.capabilities();
            assert!(kind == Kind::Binary && !capabilities.binary, "{error}");
            return;
        }
    };
    assert!(
        kind == Kind::Text || fixture.capabilities.binary,
        "an engine without binary started with a binary codec"
    );
    let (mut client, spark) = fixture.pair().await;
    let value = json!({
        "text": "żółw\n\"quoted\"", "number": -12.5, "big": 1_u64 << 53, "list": [1, null, true], "empty": {},
    });
    client.send_value(&value).await;
    assert_eq!(fixture.message().await, value);
    let frame = client.recv_frame().await;
    assert_eq!(frame.kind(), kind);
    assert_eq!(client.decode(&frame), value);

    client.send_value("primus::id::").await;
    assert_eq!(client.recv().await, format!("primus::id::{}", spark.id()));
    spark.end();
    assert_eq!(
        client.recv_until_close(1000).await,
        ["primus::server::close"]
    );
    fixture.finish().await;
}

/// JSON, in text frames.
pub async fn json(harness: Subject) {
    check_codec(&harness, Parser::Json, Kind::Text).await;
}

/// MessagePack, in binary frames.
pub async fn message_pack(harness: Subject) {
    check_codec(&harness, Parser::MessagePack, Kind::Binary).await;
}

/// A codec defined by the user.
pub async fn a_custom_codec(harness: Subject) {
    check_codec(&harness, Parser::custom(Prefixed), Kind::Text).await;
}

/// JSON with a one-letter prefix.
struct Prefixed;

impl Codec for Prefixed {
    fn name(&self) -> &str {
        "prefixed"
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
            .ok_or_else(|| CodecError::new("expected the prefix L"))?;
        let mut json = serde_json::Deserializer::from_str(text);
        visit(&mut <dyn erased_serde::Deserializer<'_>>::erase(&mut json)).map_err(CodecError::new)
    }
}
