//! Actions that are described by the Rust types of their functions.

use std::{any::TypeId, future::Future};

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    action::Action,
    call::{Call, Caller, Extension, FromCall, Params, Shared},
    error::ActionResult,
    handler::{ActionHandler, SendFile},
    shape::{Answer, TypeSchema},
};
use crate::connections::Connection;

/// What an extractor says of the parameters that it reads.
///
/// An extractor of your own that reads none implements it without a body:
/// ```
/// use stellarfw::actions::{ActionError, Call, DescribeParams, FromCall};
///
/// struct User(String);
///
/// impl FromCall for User {
///     fn from_call(call: &Call) -> Result<Self, ActionError> {
///         let id = call.caller().fingerprint();
///         id.map(|id| Self(id.to_owned())).ok_or_else(|| "Log in first".into())
///     }
/// }
/// impl DescribeParams for User {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not describe the parameters that it reads",
    note = "the type in `Params<T>` needs `#[derive(schemars::JsonSchema)]`",
    note = "an extractor of your own needs `impl DescribeParams for {Self} {{}}`",
    note = "`Action::new` takes functions whose types have no schema"
)]
pub trait DescribeParams {
    /// Adds what it reads. Default: nothing.
    fn describe(params: &mut ParamsSchema) {
        let _ = params;
    }
}

impl<T: DeserializeOwned + JsonSchema> DescribeParams for Params<T> {
    fn describe(params: &mut ParamsSchema) {
        params.reads::<T>();
    }
}

/// A call can be asked for any parameter.
impl DescribeParams for Call {
    fn describe(params: &mut ParamsSchema) {
        params.reads_anything();
    }
}

impl<T> DescribeParams for Shared<T> {}
impl<T> DescribeParams for Extension<T> {}
impl<T> DescribeParams for Option<Extension<T>> {}
impl DescribeParams for Caller {}
impl DescribeParams for Connection {}

/// The parameters that the extractors of an action read, as they are put together.
#[derive(Debug)]
pub struct ParamsSchema {
    generator: SchemaGenerator,
    read: Vec<Schema>,
    anything: bool,
}

impl ParamsSchema {
    fn new() -> Self {
        Self {
            generator: SchemaSettings::draft2020_12()
                .for_deserialize()
                .into_generator(),
            read: Vec::new(),
            anything: false,
        }
    }

    /// Parameters are read as this type.
    pub fn reads<T: JsonSchema + ?Sized>(&mut self) {
        let schema = T::json_schema(&mut self.generator);
        self.read.push(schema);
    }

    /// Parameters may be read that no type tells of.
    pub fn reads_anything(&mut self) {
        self.anything = true;
    }

    /// The schema; none where nothing is known.
    fn finish(mut self) -> Option<Value> {
        let mut schema = match (self.read.len(), self.anything) {
            (0, true) => return None,
            // Nothing is read, and that is known.
            (0, false) => json!({ "type": "object", "properties": {} }),
            (1, _) => self.read.remove(0).into(),
            _ => json!({ "allOf": self.read }),
        };
        let definitions = self.generator.take_definitions(true);
        if let (false, Some(map)) = (definitions.is_empty(), schema.as_object_mut()) {
            map.insert("$defs".into(), definitions.into());
        }
        Some(schema)
    }
}

/// What a function returns, as clients get it.
fn answer<T: JsonSchema + 'static>() -> Answer {
    let id = TypeId::of::<T>();
    if id == TypeId::of::<()>() {
        return Answer::Nothing;
    }
    if id == TypeId::of::<SendFile>() {
        return Answer::File;
    }
    let mut generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let mut schema = Value::from(T::json_schema(&mut generator));
    // A value that can be anything says nothing.
    if schema == Value::Bool(true) {
        return Answer::Unknown;
    }
    let definitions = generator.take_definitions(true);
    if let (false, Some(map)) = (definitions.is_empty(), schema.as_object_mut()) {
        map.insert("$defs".into(), definitions.into());
    }
    Answer::Of(TypeSchema::new(schema))
}

/// An async function that can be an action, and whose types have a JSON Schema: each extractor
/// [describes its parameters](DescribeParams), and what it returns is [`JsonSchema`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a typed action",
    note = "its parameters and what it returns need `#[derive(schemars::JsonSchema)]`",
    note = "`Action::new` takes functions whose types have no schema"
)]
pub trait TypedHandler<Extractors>: ActionHandler<Extractors> {
    #[doc(hidden)]
    fn params() -> ParamsSchema;
    #[doc(hidden)]
    fn answer() -> Described;
}

/// What a function answers; opaque.
#[doc(hidden)]
pub struct Described(Answer);

macro_rules! handlers {
    ($($extractor:ident)*) => {
        impl<F, Fut, T, $($extractor,)*> TypedHandler<($($extractor,)*)> for F
        where
            F: Fn($($extractor,)*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = ActionResult<T>> + Send + 'static,
            T: Serialize + JsonSchema + Send + Sync + 'static,
            $($extractor: FromCall + DescribeParams + Send + 'static,)*
        {
            #[allow(unused_mut, reason = "one arm has no extractors")]
            fn params() -> ParamsSchema {
                let mut params = ParamsSchema::new();
                $($extractor::describe(&mut params);)*
                params
            }

            fn answer() -> Described {
                Described(answer::<T>())
            }
        }
    };
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

/// A file has no fields of its own. Needed for functions that return one to be typed.
impl JsonSchema for SendFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SendFile".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

impl Action {
    /// Creates an action that is described by the types of its function.
    ///
    /// As [`new`](Self::new), and besides the type in [`Params`] becomes the
    /// [schema of the parameters](Self::params_schema), and the type that the function returns
    /// that of the answer. Both need [`JsonSchema`], with `schemars` as this crate has it.
    ///
    /// ```
    /// use schemars::JsonSchema;
    /// use serde::{Deserialize, Serialize};
    /// use stellarfw::actions::{Action, ActionResult, Params};
    ///
    /// #[derive(Deserialize, JsonSchema)]
    /// struct Sum {
    ///     /// The first
    ///     a: f64,
    ///     /// The second
    ///     #[schemars(range(min = 0, max = 100))]
    ///     b: f64,
    /// }
    ///
    /// #[derive(Serialize, JsonSchema)]
    /// struct Total { sum: f64 }
    ///
    /// async fn sum(Params(Sum { a, b }): Params<Sum>) -> ActionResult<Total> {
    ///     Ok(Total { sum: a + b })
    /// }
    ///
    /// let action = Action::typed("sum", sum).describe("Adds two numbers");
    /// ```
    pub fn typed<E, H: TypedHandler<E>>(name: impl Into<String>, handler: H) -> Self {
        let action = Self::new(name, handler).answers(H::answer().0);
        match H::params().finish() {
            Some(schema) => action.params_schema(schema),
            None => action,
        }
    }

    /// Describes the parameters by a type, for a function that reads them from its [`Call`].
    #[must_use]
    pub fn params_of<T: JsonSchema>(self) -> Self {
        let mut params = ParamsSchema::new();
        params.reads::<T>();
        match params.finish() {
            Some(schema) => self.params_schema(schema),
            None => self,
        }
    }

    /// Describes what it returns by a type, for a function that returns a JSON value.
    #[must_use]
    pub fn answer_of<T: JsonSchema + 'static>(self) -> Self {
        self.answers(answer::<T>())
    }
}
