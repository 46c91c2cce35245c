//! Actions, called by message: beside the verbs, each with its place and its deadline.

use std::sync::Arc;

use serde_json::Value;
use stellarfw_transport::{CodecError, Flow, catch_panic, turn};

use super::{
    request::Field,
    response::{Meta, frame, respond, send},
    told,
};
use crate::{
    actions::{ActionError, Call, Caller, Fields, Input, Outcome},
    app::App,
    connection::Connection,
    error::StellarError,
};

/// Calls an action for a connection and answers it, now or when it is done.
pub(super) fn run(connection: Connection, meta: Meta, params: Option<Field<'_>>) {
    let app = connection.state().app.clone();
    let Some(place) = connection.begin_action() else {
        return answer(
            &connection,
            &meta,
            Outcome::from(StellarError::too_many_pending()),
        );
    };
    let input = match &params {
        Some(Field::Raw(raw)) => Input::Raw((*raw).to_owned()),
        Some(Field::Value(value)) => Input::Value(value.clone()),
        None => Input::Value(Value::Null),
    };
    match execute(&app, Caller::Connection(connection.clone()), input) {
        Flow::Ready(outcome) => {
            drop(place);
            answer(&connection, &meta, outcome);
        }
        Flow::Wait(future) => {
            tokio::spawn(async move {
                let outcome = future.await;
                drop(place);
                let _turn = turn();
                answer(&connection, &meta, outcome);
            });
        }
    }
}

/// Finds and runs an action, whoever calls it. Its panic, its timeout and its absence are
/// outcomes like any other.
pub(crate) fn execute(app: &Arc<App>, caller: Caller, input: Input) -> Flow<Outcome> {
    let fields = Fields::of(&input);
    let name = fields.action.as_deref();
    if app.is_stopping() {
        return Flow::Ready(StellarError::shutting_down().into());
    }
    let Some(action) =
        name.and_then(|name| app.actions.find(name, fields.version.as_ref()).cloned())
    else {
        let sent = fields.action_text();
        return Flow::Ready(StellarError::unknown_action(&told(sent.as_deref())).into());
    };
    if action.is_private() {
        return Flow::Ready(StellarError::private_action(action.name()).into());
    }
    if action.is_blocked(caller.transport()) {
        return Flow::Ready(StellarError::blocked_connection(caller.transport()).into());
    }
    if let Some(missing) = action.missing(&input) {
        return Flow::Ready(ActionError::missing(&missing).into());
    }
    let timeout = action
        .timeout()
        .unwrap_or_else(|| app.config.action_timeout());
    let call = Call::new(app.clone(), caller, input, action.clone());
    let run = {
        let action = action.clone();
        catch_panic(async move { action.call(call).await })
    };
    match Flow::start(run) {
        Flow::Ready(result) => Flow::Ready(settle(&action, result)),
        Flow::Wait(future) => Flow::Wait(Box::pin(async move {
            match tokio::time::timeout(timeout, future).await {
                Ok(result) => settle(&action, result),
                // The action is dropped here, and with it whatever it would still have said.
                Err(_) => StellarError::action_timeout(action.name()).into(),
            }
        })),
    }
}

fn settle(
    action: &crate::actions::Action,
    result: Result<Outcome, stellarfw_transport::Panicked>,
) -> Outcome {
    result.unwrap_or_else(|_| {
        tracing::error!(action = action.name(), "an action panicked");
        StellarError::internal().into()
    })
}

fn answer(connection: &Connection, meta: &Meta, outcome: Outcome) {
    let error = match outcome {
        Outcome::Error(error) => error,
        Outcome::Reply(reply) => {
            // An object's fields are spliced in as they are; only what is none needs a second try.
            let first = frame(connection, meta, &reply);
            let result = first.or_else(|_| {
                let fields = reply.to_fields().map_err(CodecError::new)?;
                frame(connection, meta, &fields)
            });
            let max = connection.state().app.config.server.max_length;
            match result {
                Ok(frame) if frame.len() <= max => return send(connection, frame),
                Ok(frame) => StellarError::too_big(frame.len(), max).into(),
                Err(error) => {
                    tracing::error!(%error, "what an action returned could not be encoded");
                    StellarError::internal().into()
                }
            }
        }
    };
    respond(connection, meta, &error);
}
