//! A recording handler.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::IgnoredAny;
use stellarfw::transport::{
    CloseReason, CodecError, Delivery, Flow, Handler, Message, Parser, Spark,
};

/// The received messages. Clones share them.
#[derive(Clone, Default)]
pub struct Notes {
    inner: Arc<Mutex<Inner>>,
    /// Echoes each message.
    echoes: bool,
}

/// A message: text, or bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    Text(String),
    Binary(Vec<u8>),
}

#[derive(Default)]
struct Inner {
    messages: Vec<Noted>,
    closed: usize,
}

impl Notes {
    /// Creates a handler that echoes each message.
    pub fn echoing() -> Self {
        Self {
            echoes: true,
            ..Self::default()
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the messages and the number of closed sparks since the last call.
    pub fn take(&self) -> (Vec<Noted>, usize) {
        let inner = std::mem::take(&mut *self.inner());
        (inner.messages, inner.closed)
    }

    /// Returns the messages since the last call.
    pub fn messages(&self) -> Vec<Noted> {
        self.take().0
    }
}

impl Handler for Notes {
    fn open(&self, _: &Spark) -> Flow {
        Flow::DONE
    }

    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        self.inner().messages.push(match message {
            Message::Text(text) => Noted::Text(text.to_owned()),
            Message::Binary(bytes) => Noted::Binary(bytes.to_vec()),
        });
        // Empty messages have no payload.
        let is_payload =
            matches!(spark.parser(), Parser::Raw) || spark.decode::<IgnoredAny>(message).is_ok();
        if self.echoes && is_payload {
            spark
                .send_frame(message.to_frame(), Delivery::Reliable)
                .ok();
        }
        Ok(Flow::DONE)
    }

    fn error(&self, _: &Spark, _: &CodecError) {}

    fn close(&self, _: &Spark, _: &CloseReason) {
        self.inner().closed += 1;
    }
}
