//! A call under way, and what an action can take from it.

use std::{any::Any, fmt, net::SocketAddr, ops::Deref, sync::Arc};

use http::{HeaderMap, Method};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    action::Action, error::ActionError, execute::execute_inside, inputs, param_index::ParamIndex,
    raw_params::RawParams, registry::Registered, service::ActionService,
};
use crate::{
    connections::{Connection, Extensions},
    protocol::StellarError,
};

/// A call of an action.
#[derive(Clone)]
pub struct Call {
    service: Arc<ActionService>,
    caller: Caller,
    raw_params: RawParams,
    registered: Arc<Registered>,
    depth: u8,
}

impl Call {
    pub(crate) fn new(
        service: Arc<ActionService>,
        caller: Caller,
        raw_params: RawParams,
        registered: Arc<Registered>,
        depth: u8,
    ) -> Self {
        Self {
            service,
            caller,
            raw_params,
            registered,
            depth,
        }
    }

    /// Returns what the server shares with its actions.
    pub(crate) fn shared<T: Any + Send + Sync>(&self) -> Option<&Arc<T>> {
        self.service.shared()
    }

    /// About how many bytes its parameters take.
    pub(crate) fn size(&self) -> usize {
        self.raw_params.size()
    }

    /// Leads the parameters through the declared inputs. `survey`: what was seen of them, if nobody
    /// could change them since.
    pub(crate) fn check(&mut self, index: Option<&ParamIndex>) -> Result<(), ActionError> {
        let action = self.action();
        let (inputs, constraints) = (action.inputs(), action.constraints());
        let applied = inputs::apply(inputs, constraints, &self.raw_params, index);
        if let Some(raw_params) = applied.map_err(|error| self.explained(error))? {
            self.raw_params = raw_params;
        }
        Ok(())
    }

    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The action that is called.
    #[must_use]
    pub fn action(&self) -> &Action {
        &self.registered.action
    }

    /// The parameters as a type.
    ///
    /// # Errors
    /// In the shape clients get: `{field: "The field field is required."}` for what is missing,
    /// 003 for what is of the wrong type.
    pub fn params<T: DeserializeOwned>(&self) -> Result<T, ActionError> {
        self.raw_params
            .read()
            .map_err(|error| self.explained(error))
    }

    /// An error of the parameters, with all that are missing and without the values of secrets.
    fn explained(&self, error: ActionError) -> ActionError {
        let mut error = self.with_all_missing(error);
        let secrets = &self.registered.secrets;
        // Only then are the parameters worth a tree of values.
        if !secrets.is_empty() {
            error.hide(&secrets.values(&self.value()));
        }
        error
    }

    /// Reading stops at the first parameter that is missing; the schema knows the others.
    fn with_all_missing(&self, mut error: ActionError) -> ActionError {
        if let (Some(schema), Some(names)) = (self.action().params(), self.raw_params.names()) {
            error.miss(&schema.missing(&names, self.action().inputs()));
        }
        error
    }

    /// Sets a parameter, as middleware may before the action runs.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        match &mut self.raw_params {
            RawParams::Texts(map) => {
                Arc::make_mut(map).insert(name, value);
            }
            RawParams::Value(old) => match Arc::make_mut(old) {
                Value::Object(map) => {
                    map.insert(name, value);
                }
                other => *other = Value::Object(Map::from_iter([(name, value)])),
            },
            // Text is not parsed for it.
            RawParams::Raw(json) => {
                let values = Map::from_iter([(name, value)]);
                *json = inputs::rewritten(json, &values).into();
            }
            RawParams::Packed(params) => {
                let values = Map::from_iter([(name, value)]);
                let json = inputs::rewritten(&params.packed().to_json(), &values);
                self.raw_params = RawParams::Raw(json.into());
            }
        }
    }

    /// Calls another action, private ones included, with these parameters. Its middleware and
    /// inputs count as for any call. Dropping the future cancels it, unless the action is
    /// [detached](Action::detached).
    ///
    /// # Errors
    /// The action's, 004 when there is none of that name, 001 when actions call each other
    /// without end.
    pub async fn call(&self, name: &str, params: Value) -> Result<Map<String, Value>, ActionError> {
        let outcome = execute_inside(&self.service, name, params, self.depth + 1).await;
        outcome.into_fields()
    }

    /// The parameters as they are: an object, unless the caller sent something else.
    #[must_use]
    pub fn value(&self) -> Value {
        self.raw_params.to_value()
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Parameters may hold secrets.
        f.debug_struct("Call")
            .field("action", &self.action().name())
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}

/// Who calls an action.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Caller {
    /// A live connection, over whatever transport.
    Connection(Connection),
    /// An HTTP request.
    Http(Box<HttpCaller>),
    /// Another action, or the server itself.
    Internal,
}

/// An HTTP request that calls an action.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpCaller {
    /// The id of the request.
    pub id: String,
    /// The session it belongs to.
    pub fingerprint: Option<String>,
    /// The client's address, if it is known.
    pub remote: Option<SocketAddr>,
    /// The request's method.
    pub method: Method,
    /// The request's headers, without cookies and a browser's own passwords where another site's
    /// page made the request.
    pub headers: HeaderMap,
    /// What the authorizer found out; `None` where it was not asked.
    pub(crate) extensions: Option<Arc<Extensions>>,
    /// It came by a route that is declared for its method.
    pub(crate) by_route: bool,
}

impl Caller {
    /// The engine of a connection, `http`, or `internal`.
    #[must_use]
    pub fn transport(&self) -> &'static str {
        match self {
            Self::Connection(connection) => connection.spark().transport(),
            Self::Http(_) => "http",
            Self::Internal => "internal",
        }
    }

    /// The connection, if it is one.
    #[must_use]
    pub fn connection(&self) -> Option<&Connection> {
        match self {
            Self::Connection(connection) => Some(connection),
            Self::Http(_) | Self::Internal => None,
        }
    }

    /// The application's values for the caller: those of its connection, or over HTTP those that the
    /// authorizer returned. `None` for a request about which it was not asked, and for the server
    /// itself.
    #[must_use]
    pub fn extensions(&self) -> Option<&Extensions> {
        match self {
            Self::Connection(connection) => Some(connection.extensions()),
            Self::Http(request) => request.extensions.as_deref(),
            Self::Internal => None,
        }
    }

    /// The fingerprint of the caller's session, which identifies and does not authenticate: the same
    /// over HTTP and every transport.
    #[must_use]
    pub fn fingerprint(&self) -> Option<&str> {
        match self {
            Self::Connection(connection) => connection.fingerprint(),
            Self::Http(request) => request.fingerprint.as_deref(),
            Self::Internal => None,
        }
    }

    /// The caller's address, if it is known.
    #[must_use]
    pub fn remote(&self) -> Option<SocketAddr> {
        match self {
            Self::Connection(connection) => connection.remote(),
            Self::Http(request) => request.remote,
            Self::Internal => None,
        }
    }
}

/// A parameter of an action: an extractor, which is read from the call before the action runs.
///
/// A function with a parameter that is none does not compile:
/// ```compile_fail,E0277
/// # use stellarfw::{Stellar, actions::ActionResult};
/// let builder = Stellar::builder().action("double", async |n: u32| ActionResult::Ok(n * 2));
/// ```
/// The compiler names what an action takes:
/// ```text
/// error[E0277]: `{closure}` is not a function that can be an action
///   = note: it takes up to eight extractors: `Params<T>`, `Caller`, `Connection`, …
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an extractor, so an action cannot take it",
    label = "not an extractor",
    note = "parameters of the call are taken as `Params<T>`, where `T: serde::Deserialize`",
    note = "a value of `Builder::share` is taken as `Shared<T>`, one of the caller as `Extension<T>`",
    note = "a type of your own can implement `FromCall`"
)]
pub trait FromCall: Sized {
    /// Reads it from the call.
    ///
    /// # Errors
    /// The error that the caller gets; the action does not run then.
    fn from_call(call: &Call) -> Result<Self, ActionError>;
}

/// The parameters of a call, read as `T`. Numbers and booleans may be texts where the call came
/// in a URL or a form.
#[derive(Clone, Copy, Debug, Default)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromCall for Params<T> {
    fn from_call(call: &Call) -> Result<Self, ActionError> {
        call.params().map(Self)
    }
}

/// Something the application put in with [`Builder::share`](crate::Builder::share): a database
/// pool, a cache, settings.
#[derive(Debug)]
pub struct Shared<T>(Arc<T>);

impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Any + Send + Sync> FromCall for Shared<T> {
    fn from_call(call: &Call) -> Result<Self, ActionError> {
        match call.shared::<T>() {
            Some(value) => Ok(Self(value.clone())),
            None => {
                let name = std::any::type_name::<T>();
                tracing::error!(%name, action = call.action().name(), "nothing of this type is shared");
                Err(StellarError::internal().into())
            }
        }
    }
}

/// A value of the application's own among the [extensions](crate::Extensions) of the caller: of its
/// connection, or over HTTP of what the authorizer returned.
///
/// Where there is none of this type, the call gets 001 and the log has a line of it. A call over HTTP
/// about which no authorizer was asked gets 005. An action that can do without takes
/// `Option<Extension<T>>`.
///
/// ```
/// use serde_json::json;
/// use stellarfw::actions::{ActionResult, Extension};
///
/// struct User { name: String }
///
/// async fn who(user: Extension<User>) -> ActionResult {
///     Ok(json!({ "name": user.name }))
/// }
///
/// async fn greet(user: Option<Extension<User>>) -> ActionResult {
///     let name = user.as_ref().map_or("stranger", |user| &user.name);
///     Ok(json!({ "greeting": format!("Hello {name}!") }))
/// }
///
/// let builder = stellarfw::Stellar::builder().action("who", who).action("greet", greet);
/// ```
#[derive(Debug)]
pub struct Extension<T>(pub Arc<T>);

impl<T> Deref for Extension<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Clone for Extension<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Any + Send + Sync> FromCall for Extension<T> {
    fn from_call(call: &Call) -> Result<Self, ActionError> {
        let Some(extensions) = call.caller.extensions() else {
            let transport = call.caller.transport();
            return Err(StellarError::blocked_connection(transport).into());
        };
        extensions.get().map(Self).ok_or_else(|| {
            let name = std::any::type_name::<T>();
            tracing::error!(%name, action = call.action().name(), "the caller has no extension of this type");
            StellarError::internal().into()
        })
    }
}

impl<T: Any + Send + Sync> FromCall for Option<Extension<T>> {
    fn from_call(call: &Call) -> Result<Self, ActionError> {
        let extensions = call.caller.extensions();
        Ok(extensions.and_then(|extensions| extensions.get().map(Extension)))
    }
}

impl FromCall for Call {
    fn from_call(call: &Call) -> Result<Self, ActionError> {
        // The action may ask it for a tree of the parameters.
        call.raw_params.lease_tree()?;
        Ok(call.clone())
    }
}

impl FromCall for Caller {
    fn from_call(call: &Call) -> Result<Self, ActionError> {
        Ok(call.caller.clone())
    }
}

/// For actions that only connections can call; over HTTP they are refused with 005.
impl FromCall for Connection {
    fn from_call(call: &Call) -> Result<Self, ActionError> {
        let connection = call.caller.connection().cloned();
        connection.ok_or_else(|| StellarError::blocked_connection(call.caller.transport()).into())
    }
}
