//! Running an action, whoever calls it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use http::Method;
use serde_json::{Map, Value};
use stellarfw_transport::{BoxFuture, Flow, Panicked, catch_panic};
use tracing::Level;

use super::{
    action::Action,
    call::{Call, Caller, HttpCaller},
    error::{ActionError, Outcome},
    fields::Fields,
    handler::{HandlerOutcome, Reply},
    param_index::ParamIndex,
    raw_params::RawParams,
    registry::Registered,
    service::ActionService,
};
use crate::{
    connections::Connection,
    protocol::{StellarError, truncate_for_error},
};

/// So deep may actions call actions.
const MAX_DEPTH: u8 = 32;

/// A call that has begun.
pub(crate) struct Started {
    pub(crate) flow: Flow<Outcome>,
    /// It runs to its end, whatever becomes of its caller.
    pub(crate) is_detached: bool,
}

impl<E: Into<ActionError>> From<E> for Started {
    fn from(error: E) -> Self {
        Self {
            flow: Flow::Ready(error.into().into()),
            is_detached: false,
        }
    }
}

impl Started {
    /// The outcome, for a caller that may be dropped meanwhile: then the call is dropped, too, unless
    /// it is detached. `held` is dropped when the call is over.
    pub(crate) async fn outcome<H: Send + 'static>(self, held: H) -> Outcome {
        match self.flow {
            Flow::Ready(outcome) => outcome,
            Flow::Wait(future) if self.is_detached => {
                let task = tokio::spawn(async move {
                    let outcome = future.await;
                    drop(held);
                    outcome
                });
                // It does not panic, and only a runtime that ends aborts it.
                let ended = task.await;
                ended.unwrap_or_else(|_| StellarError::shutting_down().into())
            }
            Flow::Wait(future) => {
                let outcome = future.await;
                drop(held);
                outcome
            }
        }
    }
}

/// Parameters of so many bytes are looked through and read on a thread for work that blocks: they
/// would hold up everything else on a thread of the runtime.
const LARGE: usize = 256 << 10;

/// Finds and runs an action. Its panic, its timeout and its absence are outcomes like any other.
pub(crate) fn execute(
    service: &Arc<ActionService>,
    caller: Caller,
    raw_params: RawParams,
) -> Started {
    if raw_params.size() < LARGE {
        return execute_here(service, caller, raw_params);
    }
    let is_detached = match find(service, &caller, &raw_params, &ParamIndex::unknown()) {
        Ok(found) => found.action.is_detached(),
        Err(error) => return error.into(),
    };
    let service = service.clone();
    let flow = Flow::Wait(Box::pin(async move {
        let begin = move || execute_here(&service, caller, raw_params).flow;
        match tokio::task::spawn_blocking(begin).await {
            Ok(flow) => flow.await,
            Err(error) => {
                tracing::error!(%error, "an action was not begun");
                StellarError::internal().into()
            }
        }
    }) as BoxFuture<Outcome>);
    Started { flow, is_detached }
}

fn execute_here(service: &Arc<ActionService>, caller: Caller, raw_params: RawParams) -> Started {
    let index = ParamIndex::of(&raw_params);
    let found = match find(service, &caller, &raw_params, &index) {
        Ok(found) => found,
        Err(error) => return error.into(),
    };
    if let Err(error) = raw_params.check(&index) {
        return Started {
            flow: Flow::Ready(error.into()),
            is_detached: false,
        };
    }
    Started {
        flow: run(service, found, caller, raw_params, &index, 0),
        is_detached: found.action.is_detached(),
    }
}

/// Finds and runs an action for another action or for the server itself: private ones too, and
/// over every transport. Cancel safe as far as the action is: one that is detached runs to its end.
pub(crate) async fn execute_inside(
    service: &Arc<ActionService>,
    name: &str,
    params: Value,
    depth: u8,
) -> Outcome {
    if depth >= MAX_DEPTH {
        tracing::error!(action = name, "actions call actions without end");
        return StellarError::internal().into();
    }
    let raw_params = params.into();
    let index = ParamIndex::of(&raw_params);
    let version = Fields::of(&raw_params, &index).version;
    let Some(found) = service.registry.find(name, version.as_ref()) else {
        return StellarError::unknown_action(&truncate_for_error(Some(name))).into();
    };
    let started = Started {
        flow: run(service, found, Caller::Internal, raw_params, &index, depth),
        is_detached: found.action.is_detached(),
    };
    started.outcome(()).await
}

fn find<'a>(
    service: &'a ActionService,
    caller: &Caller,
    raw_params: &RawParams,
    index: &ParamIndex,
) -> Result<&'a Arc<Registered>, ActionError> {
    if service.is_stopping() || caller.connection().is_some_and(Connection::is_leaving) {
        return Err(StellarError::shutting_down().into());
    }
    let fields = Fields::of(raw_params, index);
    let found = fields
        .action
        .as_deref()
        .and_then(|name| service.registry.find(name, fields.version.as_ref()));
    let Some(found) = found else {
        let sent = fields.action_text();
        return Err(StellarError::unknown_action(&truncate_for_error(sent.as_deref())).into());
    };
    let action = &found.action;
    if action.is_private() {
        return Err(StellarError::private_action(action.name()).into());
    }
    if action.is_blocked(caller.transport()) {
        return Err(StellarError::blocked_connection(caller.transport()).into());
    }
    if let Caller::Http(request) = caller {
        check_method(service, action, request)?;
    }
    Ok(found)
}

/// Refuses a request by a method that the action does not answer to. A route that is declared for a
/// method declares it for an action that has none of its own.
fn check_method(
    service: &ActionService,
    action: &Action,
    request: &HttpCaller,
) -> Result<(), ActionError> {
    let allowed = match action.declared_methods() {
        Some(methods) => methods,
        None if request.by_route => return Ok(()),
        None => match service.settings.methods.as_slice() {
            [] => return Ok(()),
            methods => methods,
        },
    };
    let asked = match request.method {
        Method::HEAD => "GET",
        ref method => method.as_str(),
    };
    if allowed
        .iter()
        .any(|method| method.eq_ignore_ascii_case(asked))
    {
        return Ok(());
    }
    let (name, allow) = (action.name(), allow_header(allowed));
    Err(ActionError::method_not_allowed(
        name,
        &request.method,
        allow,
    ))
}

/// Declared methods as the header `Allow` lists them.
pub(super) fn allow_header(methods: &[String]) -> String {
    let names = methods.iter().map(|name| name.to_ascii_uppercase());
    let mut names: Vec<String> = names.collect();
    if names.iter().any(|name| name == "GET") {
        names.push("HEAD".into());
    }
    names.push("OPTIONS".into());
    names.join(", ")
}

fn run(
    service: &Arc<ActionService>,
    found: &Arc<Registered>,
    caller: Caller,
    raw_params: RawParams,
    index: &ParamIndex,
    depth: u8,
) -> Flow<Outcome> {
    let action = &found.action;
    let started = Instant::now();
    let call = Call::new(service.clone(), caller, raw_params, found.clone(), depth);
    let flow = if found.middleware.is_empty() {
        alone(action, call, index)
    } else {
        Flow::start(catch_panic(steps(found.clone(), call)))
    };
    match flow {
        Flow::Ready(result) => {
            let outcome = result.unwrap_or_else(|_| panicked(action));
            Flow::Ready(finish(found, outcome, started))
        }
        Flow::Wait(future) => {
            let own = action.timeout();
            let timeout = own.unwrap_or_else(|| service.settings.timeout);
            let unfinished = Unfinished {
                found: Some(found.clone()),
                started,
            };
            Flow::Wait(Box::pin(async move {
                let found = unfinished.found();
                let action = &found.action;
                let outcome = match tokio::time::timeout(timeout, future).await {
                    Ok(result) => result.unwrap_or_else(|_| panicked(action)),
                    // The action is dropped here, and with it whatever it would still have said.
                    Err(_) => StellarError::action_timeout(action.name()).into(),
                };
                let outcome = finish(found, outcome, started);
                unfinished.complete();
                outcome
            }))
        }
    }
}

/// A call that waits. Dropping it before it is over counts it as cancelled.
struct Unfinished {
    /// Taken out when it is over.
    found: Option<Arc<Registered>>,
    started: Instant,
}

impl Unfinished {
    fn found(&self) -> &Arc<Registered> {
        match &self.found {
            Some(found) => found,
            None => unreachable!("it is there until the call is over"),
        }
    }

    fn complete(mut self) {
        self.found = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(found) = &self.found {
            found.metrics.cancelled.inc();
            let took = self.started.elapsed();
            tracing::debug!(
                action = found.action.name(),
                ?took,
                "cancelled: its caller is gone"
            );
        }
    }
}

/// Inputs and the action itself: without middleware nothing else is to be awaited.
fn alone(action: &Action, mut call: Call, index: &ParamIndex) -> Flow<Result<Outcome, Panicked>> {
    let start = AssertUnwindSafe(|| {
        Ok(match call.check(Some(index)) {
            Ok(()) => Flow::start_boxed(action.call(call)),
            Err(error) => Flow::Ready(HandlerOutcome(error.into())),
        })
    });
    match catch_unwind(start).unwrap_or(Err(Panicked)) {
        Ok(Flow::Ready(ran)) => Flow::Ready(Ok(ran.0)),
        Ok(Flow::Wait(future)) => Flow::Wait(Box::pin(async move {
            catch_panic(future).await.map(|ran| ran.0)
        })),
        Err(panicked) => Flow::Ready(Err(panicked)),
    }
}

/// Middleware, inputs, the action itself, middleware.
async fn steps(found: Arc<Registered>, mut call: Call) -> Outcome {
    for middleware in &found.middleware {
        if let Some(before) = &middleware.before {
            call = match before(call).await {
                Ok(call) => call,
                Err(error) => return error.into(),
            };
        }
    }
    let (call, ran) = match begin(&found.action, call).await {
        Ok(begun) => begun,
        Err(error) => return error.into(),
    };
    let outcome = ran.await.0;
    let has_after = found.middleware.iter().any(|m| m.after.is_some());
    if !has_after {
        return outcome;
    }
    if matches!(outcome, Outcome::File(_)) {
        return outcome;
    }
    match after(&found, call, outcome).await {
        Ok(fields) => Outcome::Reply(Reply::new(fields)),
        Err(error) => error.into(),
    }
}

/// Leads the parameters through the inputs and calls the action; where they are large, on a thread
/// for work that blocks.
async fn begin(
    action: &Arc<Action>,
    mut call: Call,
) -> Result<(Call, BoxFuture<HandlerOutcome>), ActionError> {
    let large = call.size() >= LARGE;
    let action = action.clone();
    let begin = move || {
        call.check(None)?;
        let ran = action.call(call.clone());
        Ok((call, ran))
    };
    if !large {
        return begin();
    }
    match tokio::task::spawn_blocking(begin).await {
        Ok(begun) => begun,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(StellarError::internal().into()),
        },
    }
}

async fn after(
    found: &Registered,
    call: Call,
    outcome: Outcome,
) -> Result<Map<String, Value>, ActionError> {
    let mut fields = outcome.into_fields()?;
    for middleware in &found.middleware {
        if let Some(after) = &middleware.after {
            fields = after(call.clone(), fields).await?;
        }
    }
    Ok(fields)
}

fn panicked(action: &Action) -> Outcome {
    tracing::error!(action = action.name(), "an action panicked");
    StellarError::internal().into()
}

/// Measures and logs a call, and leaves out the reply of an action that does not render.
fn finish(found: &Registered, outcome: Outcome, started: Instant) -> Outcome {
    let action = &found.action;
    let took = started.elapsed();
    found.metrics.seconds.observe(took.as_secs_f64());
    let error = match &outcome {
        Outcome::Error(error) => Some(error),
        _ => None,
    };
    if error.is_some() {
        found.metrics.errors.inc();
    }
    if is_logged(action.level()) {
        let error = error.map(|error| error.error().to_string());
        log(action, took, error.as_deref());
    }
    match outcome {
        Outcome::Reply(_) | Outcome::File(_) if !action.renders() => Outcome::Nothing,
        outcome => outcome,
    }
}

fn is_logged(level: Level) -> bool {
    match level {
        Level::ERROR => tracing::enabled!(Level::ERROR),
        Level::WARN => tracing::enabled!(Level::WARN),
        Level::INFO => tracing::enabled!(Level::INFO),
        Level::DEBUG => tracing::enabled!(Level::DEBUG),
        _ => tracing::enabled!(Level::TRACE),
    }
}

fn log(action: &Action, took: Duration, error: Option<&str>) {
    let name = action.name();
    match action.level() {
        Level::ERROR => tracing::error!(action = name, ?took, error, "action"),
        Level::WARN => tracing::warn!(action = name, ?took, error, "action"),
        Level::INFO => tracing::info!(action = name, ?took, error, "action"),
        Level::DEBUG => tracing::debug!(action = name, ?took, error, "action"),
        _ => tracing::trace!(action = name, ?took, error, "action"),
    }
}
