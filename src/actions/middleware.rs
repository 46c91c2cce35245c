//! Middleware of actions: what runs before and after them.

use std::{fmt, future::Future};

use serde_json::{Map, Value};
use stellarfw_transport::BoxFuture;

use super::{call::Call, error::ActionError};

type Before = Box<dyn Fn(Call) -> BoxFuture<Result<Call, ActionError>> + Send + Sync>;
type After = Box<
    dyn Fn(Call, Map<String, Value>) -> BoxFuture<Result<Map<String, Value>, ActionError>>
        + Send
        + Sync,
>;

/// What runs before an action, after it, or both: for all actions, or for those that name it.
///
/// ```
/// use stellarfw::{StellarError, actions::{ActionError, Call, Middleware}};
///
/// let auth = Middleware::new("auth").priority(10).before(async |call: Call| {
///     match call.caller().fingerprint() {
///         Some(_) => Ok(call),
///         None => Err(ActionError::from("Log in first")),
///     }
/// });
/// let stamp = Middleware::new("stamp").global().after(async |_call, mut fields| {
///     fields.insert("stamped".into(), true.into());
///     Ok(fields)
/// });
/// let builder = stellarfw::Stellar::builder().middleware(auth).middleware(stamp);
/// ```
pub struct Middleware {
    name: String,
    priority: i32,
    global: bool,
    pub(crate) before: Option<Before>,
    pub(crate) after: Option<After>,
}

impl Middleware {
    /// Middleware that does nothing yet, of priority 100 and for the actions that name it.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            priority: 100,
            global: false,
            before: None,
            after: None,
        }
    }

    /// Lower ones run first, before actions as after them; of equals the one added first.
    /// Default 100.
    #[must_use]
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// For all actions. Default: for those that name it.
    #[must_use]
    pub fn global(mut self) -> Self {
        self.global = true;
        self
    }

    /// What runs before the action, and before its inputs are checked. It gives the call back,
    /// perhaps with other parameters, or refuses it with an error that the caller is told.
    #[must_use]
    pub fn before<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Call, ActionError>> + Send + 'static,
    {
        self.before = Some(Box::new(move |call| Box::pin(f(call))));
        self
    }

    /// What runs after an action that succeeded. It gives the fields of the response back, perhaps
    /// changed, or an error in their place.
    #[must_use]
    pub fn after<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(Call, Map<String, Value>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Map<String, Value>, ActionError>> + Send + 'static,
    {
        self.after = Some(Box::new(move |call, fields| Box::pin(f(call, fields))));
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is for all actions.
    #[must_use]
    pub fn is_global(&self) -> bool {
        self.global
    }

    pub(crate) fn order(&self) -> i32 {
        self.priority
    }
}

impl fmt::Debug for Middleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Middleware")
            .field("name", &self.name)
            .field("priority", &self.priority)
            .field("global", &self.global)
            .finish_non_exhaustive()
    }
}
