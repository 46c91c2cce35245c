//! Responses: the fields that every response has.

use serde::Serialize;
use stellarfw_broker::Content;
use stellarfw_transport::{CodecError, Parser};

use super::Text;

/// The fields that every response has in addition to its own.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResponseEnvelope<'a> {
    message_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<Text<'a>>,
    context: &'static str,
}

impl<'a> ResponseEnvelope<'a> {
    /// Creates the envelope for the request of this number, counted from 1, and this `messageId`.
    ///
    /// # Errors
    /// When the codec cannot encode the id.
    pub(crate) fn new(
        parser: &Parser,
        count: u64,
        id: Option<&'a Content>,
    ) -> Result<Self, CodecError> {
        Ok(Self {
            message_count: count,
            message_id: id.map(|id| Text::of(parser, id)).transpose()?,
            context: "response",
        })
    }
}
