//! Responses: exactly one for each request, with the count of its message.

use serde::Serialize;
use stellarfw_broker::Content;
use stellarfw_transport::{CodecError, Delivery, Frame, Parser, SparkLease};

use crate::{
    connections::Connection,
    protocol::{ResponseEnvelope, StellarError},
};

/// What ties a response to its request.
#[derive(Debug)]
pub(crate) struct Meta {
    /// The request's place among its spark's messages, from 1.
    pub(crate) count: u64,
    /// The request's `messageId`, echoed as it came.
    pub(crate) id: Option<Content>,
    /// What a long one holds of the memory budget.
    pub(super) _lease: Option<Box<SparkLease>>,
}

/// The frame of a response: an object's fields and those that every response has.
pub(crate) fn frame<T: Serialize + ?Sized>(
    connection: &Connection,
    meta: &Meta,
    body: &T,
) -> Result<Frame, CodecError> {
    frame_with(connection, meta, |parser, envelope| {
        parser.encode_with(body, envelope)
    })
}

/// The frame of a response that a function makes.
pub(super) fn frame_with(
    connection: &Connection,
    meta: &Meta,
    make: impl FnOnce(&Parser, &ResponseEnvelope<'_>) -> Result<Frame, CodecError>,
) -> Result<Frame, CodecError> {
    let parser = connection.spark().parser();
    let envelope = ResponseEnvelope::new(parser, meta.count, meta.id.as_ref())?;
    make(parser, &envelope)
}

pub(crate) fn send(connection: &Connection, frame: Frame) {
    // A connection that does not take it is closed or closing: there is nobody to tell.
    connection
        .spark()
        .send_frame(frame, Delivery::Reliable)
        .ok();
}

/// Sends a response.
pub(crate) fn respond<T: Serialize + ?Sized>(connection: &Connection, meta: &Meta, body: &T) {
    match frame(connection, meta, body) {
        Ok(frame) => send(connection, frame),
        Err(error) => {
            tracing::error!(%error, connection = %connection.id(), "a response could not be encoded");
            connection
                .spark()
                .close(stellarfw_transport::CloseReason::Panic);
        }
    }
}

/// Answers a verb: `status:"OK"` and, for most, `data`.
pub(crate) fn respond_ok<T: Serialize>(connection: &Connection, meta: &Meta, data: Option<T>) {
    #[derive(Serialize)]
    struct Ok<T> {
        status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<T>,
    }
    respond(connection, meta, &Ok { status: "OK", data });
}

/// Answers a verb that failed: `status` and `error` are the same, `data` is there for some.
pub(crate) fn respond_error(
    connection: &Connection,
    meta: Meta,
    error: &StellarError,
    data: Option<bool>,
) {
    #[derive(Serialize)]
    struct Failed<'a> {
        status: &'a StellarError,
        error: &'a StellarError,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<bool>,
    }
    let body = Failed {
        status: error,
        error,
        data,
    };
    respond(connection, &meta, &body);
}
