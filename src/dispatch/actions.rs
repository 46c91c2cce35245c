//! Actions, called by message: beside the verbs, each with its place and its deadline.

use std::sync::Arc;

use serde_json::Value;
use stellarfw_transport::{CodecError, Flow, Frame, turn};

use super::{
    files,
    request::Field,
    response::{Meta, frame, frame_with, respond, send},
    while_there,
};
use crate::{
    actions::{ActionError, Caller, Given, Outcome, execute},
    connections::Connection,
    protocol::StellarError,
    server::App,
};

/// Parameters of so many bytes are refused when the budget has no room for them, and for what they
/// become on the way to the action.
const COUNTED: usize = 16 << 10;

/// Calls an action for a connection and answers it, now or when it is done.
pub(super) fn run(app: &Arc<App>, connection: Connection, meta: Meta, params: Option<Field<'_>>) {
    let Some(place) = connection.begin_action() else {
        return refuse(&connection, &meta, StellarError::too_many_pending());
    };
    let given = match params {
        Some(Field::Raw(raw)) => Given::from(raw),
        Some(Field::Value(value)) => Given::from(*value),
        None => Value::Null.into(),
    };
    let size = given.size();
    let budget = || connection.spark().server().budget().clone();
    // What is small is counted only if it is kept.
    let lease = match size {
        COUNTED.. => match budget().try_lease(given.cost()) {
            Ok(lease) => Some(lease),
            Err(_) => {
                drop(place);
                return refuse(&connection, &meta, StellarError::too_many_pending());
            }
        },
        _ => None,
    };
    let started = execute(app, Caller::Connection(connection.clone()), given);
    let is_detached = started.is_detached;
    match started.flow {
        Flow::Ready(outcome) => {
            drop((place, lease));
            answer(app, &connection, meta, outcome);
        }
        Flow::Wait(future) => {
            let place = place.keep();
            let lease = lease.unwrap_or_else(|| budget().lease(size));
            let app = app.clone();
            tokio::spawn(async move {
                let outcome = if is_detached {
                    future.await
                } else {
                    match while_there(&connection, future).await {
                        Some(outcome) => outcome,
                        None => return,
                    }
                };
                drop((place, lease));
                let _turn = turn();
                answer(&app, &connection, meta, outcome);
            });
        }
    }
}

/// Answers a call of an action that is not made.
pub(super) fn refuse(connection: &Connection, meta: &Meta, error: StellarError) {
    answer_error(connection, meta, &error.into());
}

fn answer_error(connection: &Connection, meta: &Meta, error: &ActionError) {
    match fitting(connection, frame(connection, meta, error)) {
        Ok(frame) => send(connection, frame),
        Err(error) => respond(connection, meta, &ActionError::from(error)),
    }
}

fn answer(app: &App, connection: &Connection, meta: Meta, outcome: Outcome) {
    let error = match outcome {
        Outcome::Nothing => return,
        Outcome::File(path) => return files::send(app, connection.clone(), meta, path),
        Outcome::Error(error) => return answer_error(connection, &meta, &error),
        Outcome::Reply(reply) => {
            // An object's fields are spliced in as they are; only what is none needs a second try.
            let first = frame_with(connection, &meta, |parser, tail| reply.frame(parser, tail));
            let result = first.or_else(|_| {
                let fields = reply.to_fields().map_err(CodecError::new)?;
                frame(connection, &meta, &fields)
            });
            match fitting(connection, result) {
                Ok(frame) => return send(connection, frame),
                Err(error) => error,
            }
        }
    };
    respond(connection, &meta, &ActionError::from(error));
}

/// A response that can be sent: encoded, and no longer than messages may be.
fn fitting(
    connection: &Connection,
    encoded: Result<Frame, CodecError>,
) -> Result<Frame, StellarError> {
    let max = connection.spark().server().config().max_length;
    match encoded {
        Ok(frame) if frame.len() <= max => Ok(frame),
        Ok(frame) => Err(StellarError::too_big(frame.len(), max)),
        Err(error) => {
            tracing::error!(%error, "what an action returned could not be encoded");
            Err(StellarError::internal())
        }
    }
}
