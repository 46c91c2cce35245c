//! Async functions as actions.

use std::{
    any::{Any, TypeId},
    future::Future,
};

use serde::Serialize;
use serde_json::{Map, Value};
use stellarfw_transport::{BoxFuture, CodecError, Frame, Parser};

use super::{
    call::{Call, FromCall},
    error::{ActionError, ActionResult, Outcome},
};
use crate::protocol::ResponseEnvelope;

/// What an action returned.
pub(crate) struct Reply(Box<dyn Returned>);

impl Reply {
    pub(crate) fn new<T: Serialize + Send + Sync + 'static>(value: T) -> Self {
        if TypeId::of::<T>() == TypeId::of::<()>() {
            return Self(Box::new(Map::<String, Value>::new()));
        }
        Self(Box::new(value))
    }

    /// The frame of the response: its fields and those of the envelope.
    ///
    /// # Errors
    /// When it cannot be encoded or is no object.
    pub(crate) fn frame(
        &self,
        parser: &Parser,
        envelope: &ResponseEnvelope<'_>,
    ) -> Result<Frame, CodecError> {
        self.0.frame(parser, envelope)
    }

    /// The fields of the response: an object's own, and of any other value one called `data`.
    pub(crate) fn to_fields(&self) -> Result<Map<String, Value>, serde_json::Error> {
        Ok(match self.0.to_value()? {
            Value::Object(map) => map,
            value => Map::from_iter([("data".to_owned(), value)]),
        })
    }
}

/// A value of any type, with what is done with it made for that type.
trait Returned: Send + Sync {
    fn frame(&self, parser: &Parser, envelope: &ResponseEnvelope<'_>) -> Result<Frame, CodecError>;
    fn to_value(&self) -> Result<Value, serde_json::Error>;
}

impl<T: Serialize + Send + Sync> Returned for T {
    fn frame(&self, parser: &Parser, envelope: &ResponseEnvelope<'_>) -> Result<Frame, CodecError> {
        parser.encode_with(self, envelope)
    }

    fn to_value(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self)
    }
}

/// An async function that can be an action: of up to eight extractors ([`FromCall`]), returning
/// an [`ActionResult`] of anything serializable.
///
/// An object's fields stand at the top of the response, as StellarFW has it; any other value but
/// `()` stands in the field `data`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a function that can be an action",
    label = "not an action",
    note = "it takes up to eight extractors: `Params<T>`, `Caller`, `Connection`, `Shared<T>`, `Extension<T>`, `Call`, `Stellar`, or a type of your own that implements `FromCall`",
    note = "it is async and returns `ActionResult<T>`, where `T: serde::Serialize + Send + Sync + 'static`"
)]
pub trait ActionHandler<Extractors>: Send + Sync + 'static {
    #[doc(hidden)]
    fn run(&self, call: Call) -> BoxFuture<HandlerOutcome>;
}

/// What came of a handler; opaque.
#[doc(hidden)]
pub struct HandlerOutcome(pub(crate) Outcome);

macro_rules! handlers {
    ($($extractor:ident)*) => {
        impl<F, Fut, T, $($extractor,)*> ActionHandler<($($extractor,)*)> for F
        where
            F: Fn($($extractor,)*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = ActionResult<T>> + Send + 'static,
            T: Serialize + Send + Sync + 'static,
            $($extractor: FromCall + Send + 'static,)*
        {
            #[allow(non_snake_case, unused_variables, reason = "one arm has no extractors")]
            fn run(&self, call: Call) -> BoxFuture<HandlerOutcome> {
                $(let $extractor = match $extractor::from_call(&call) {
                    Ok(value) => value,
                    Err(error) => return refuse(error),
                };)*
                let future = self($($extractor,)*);
                Box::pin(async move {
                    HandlerOutcome(match future.await {
                        Ok(value) => returned(value),
                        Err(error) => Outcome::Error(error),
                    })
                })
            }
        }
    };
}

/// A public file as the answer of an action: `Ok(SendFile("report.pdf".into()))`.
///
/// Over a connection it is sent as the verb `file` sends one, over HTTP as the file itself, with
/// its type, ranges and conditional requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SendFile(pub String);

/// What a function returned, as an outcome.
fn returned<T: Serialize + Send + Sync + 'static>(value: T) -> Outcome {
    let mut value = Some(value);
    // A type of its own says that it is no value but a file.
    if let Some(file) = (&mut value as &mut dyn Any).downcast_mut::<Option<SendFile>>()
        && let Some(SendFile(path)) = file.take()
    {
        return Outcome::File(path);
    }
    value.map_or(Outcome::Nothing, |value| Outcome::Reply(Reply::new(value)))
}

fn refuse(error: ActionError) -> BoxFuture<HandlerOutcome> {
    Box::pin(std::future::ready(HandlerOutcome(Outcome::Error(error))))
}

handlers!();
handlers!(A);
handlers!(A B);
handlers!(A B C);
handlers!(A B C D);
handlers!(A B C D E);
handlers!(A B C D E G);
handlers!(A B C D E G H);
handlers!(A B C D E G H I);
