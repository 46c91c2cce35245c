//! What a server does with its sparks.

use std::any::TypeId;

use crate::{Flow, close::CloseReason, codec::CodecError, frame::Message, spark::Spark};

/// The application on top of the transport layer.
///
/// For one spark the calls never overlap and come in this order: `open`, any number of
/// `message`, `over_rate` and `error`, `close`. A call that returns [`Flow::Wait`] is over when its future is; messages
/// that arrive meanwhile are kept, in order and within the
/// [inbox's bounds](crate::ServerConfig::inbox). When the connection is gone, a future still
/// under way is given the close timeout and then dropped.
///
/// A panic in any of them ends the spark it happened for, and nothing else.
pub trait Handler: Send + Sync + 'static {
    /// The type of the state that the handler [attaches](Spark::attach) to each of its sparks. Nothing
    /// of another type can be attached then. By default there is none, and the place is for whoever
    /// takes it first. A handler that wraps another has to pass this on.
    fn state(&self) -> Option<TypeId> {
        None
    }

    /// Returns `true` if the handler bounds [clients](crate::Client): then each spark has one. By
    /// default it does not. A handler that wraps another has to pass this on.
    fn counts_clients(&self) -> bool {
        false
    }

    /// A spark has opened; it can be sent to.
    fn open(&self, spark: &Spark) -> Flow;

    /// A message has come. It is not a control message, and within `maxLength`, but may well not
    /// be decodable: [`Spark::decode`] tells.
    ///
    /// # Errors
    /// A message that could not be decoded: it is dropped and reported to
    /// [`Handler::error`]; the spark stays open.
    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError>;

    /// A message has come that is over the spark's [rate](crate::ServerConfig::message_rate): it is
    /// not to be acted on, only answered, if the application has an answer. By default it is
    /// dropped. A handler that wraps another has to pass this on.
    ///
    /// # Errors
    /// As [`Handler::message`].
    fn over_rate(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        let _ = (spark, message);
        Ok(Flow::DONE)
    }

    /// A message was not decodable.
    fn error(&self, spark: &Spark, error: &CodecError);

    /// A spark has ended. Nothing can be sent to it any more.
    fn close(&self, spark: &Spark, reason: &CloseReason);
}

/// The handler of a server that was given none: it answers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Handler for Silent {
    fn open(&self, _: &Spark) -> Flow {
        Flow::DONE
    }

    fn message(&self, _: &Spark, _: Message<'_>) -> Result<Flow, CodecError> {
        Ok(Flow::DONE)
    }

    fn error(&self, _: &Spark, _: &CodecError) {}

    fn close(&self, _: &Spark, _: &CloseReason) {}
}
