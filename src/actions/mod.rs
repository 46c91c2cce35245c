//! Actions: what a client can call.
//!
//! An action is an async function. What it takes are *extractors*, each got from the call:
//! [`Params`] (the typed parameters), [`Caller`] (who calls), [`Shared`] (the application's state).
//! It returns anything serializable, or an [`ActionError`].
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use stellarfw::actions::{ActionResult, Params};
//!
//! #[derive(Deserialize)]
//! struct Sum { a: f64, b: f64 }
//!
//! #[derive(Serialize)]
//! struct Total { sum: f64 }
//!
//! async fn sum(Params(Sum { a, b }): Params<Sum>) -> ActionResult<Total> {
//!     Ok(Total { sum: a + b })
//! }
//!
//! let builder = stellarfw::Stellar::builder().action("sum", sum);
//! ```

mod action;
mod call;
mod constraints;
mod error;
mod execute;
mod fields;
mod handler;
mod inputs;
mod metrics;
mod middleware;
mod param_index;
mod raw_params;
mod registry;
mod route;
mod secrets;
mod service;
mod shape;
#[cfg(feature = "schemars")]
mod typed;

#[cfg(feature = "schemars")]
pub use self::typed::{DescribeParams, ParamsSchema, TypedHandler};
pub use self::{
    action::Action,
    call::{Call, Caller, Extension, FromCall, HttpCaller, Params, Shared},
    error::{ActionError, ActionResult},
    handler::{ActionHandler, HandlerOutcome, SendFile},
    inputs::{Format, Input, RuleError},
    middleware::Middleware,
    registry::ActionsError,
    route::BadRoute,
};
pub(crate) use self::{
    action::is_method,
    constraints::{is_of_its_type, plain},
    error::{Outcome, Status},
    execute::{execute, execute_inside},
    inputs::rewritten,
    metrics::ActionMetrics,
    raw_params::{PackedParams, RawParams},
    registry::Actions,
    route::Route,
    secrets::{SecretNames, is_secret},
    service::{ActionService, ActionSettings},
    shape::{Answer, TypeSchema, list, requires, target_name},
};
