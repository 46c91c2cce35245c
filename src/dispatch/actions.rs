//! Actions, called by message: beside the verbs, each with its place and its deadline.

use std::sync::Arc;

use serde_json::Value;
use stellarfw_transport::{CodecError, Flow, Frame, Holding, OverBudget, SparkLease, turn};

use super::{
    Services, files,
    request::Field,
    response::{Meta, frame, frame_with, respond, send},
    while_there,
};
use crate::{
    actions::{ActionError, Caller, Outcome, PackedParams, RawParams, execute},
    connections::Connection,
    protocol::{StellarError, json::tree_size},
    rooms::RoomError,
};

/// Parameters of so many bytes are refused when the budget has no room for them, and for what they
/// become on the way to the action.
const COUNTED: usize = 4 << 10;

/// Calls an action for a connection and answers it, now or when it is done.
pub(super) fn run(
    services: &Arc<Services>,
    connection: Connection,
    meta: Meta,
    params: Option<Field<'_>>,
) {
    let Some(place) = connection.begin_action() else {
        return refuse(&connection, &meta, StellarError::too_many_pending());
    };
    let Ok((raw_params, lease)) = leased(&connection, params) else {
        drop(place);
        return refuse(&connection, &meta, StellarError::too_many_pending());
    };
    let kept = Kept {
        raw_params: raw_params.clone(),
        lease,
    };
    let started = execute(
        &services.actions,
        Caller::Connection(connection.clone()),
        raw_params,
    );
    let is_detached = started.is_detached;
    match started.flow {
        Flow::Ready(outcome) => {
            drop((place, kept));
            answer(services, &connection, meta, outcome);
        }
        Flow::Wait(future) => {
            let place = place.keep();
            let kept = kept.while_pending(&connection);
            let services = services.clone();
            tokio::spawn(async move {
                let outcome = if is_detached {
                    future.await
                } else {
                    match while_there(&connection, future).await {
                        Some(outcome) => outcome,
                        None => return,
                    }
                };
                drop((place, kept));
                let _turn = turn();
                answer(&services, &connection, meta, outcome);
            });
        }
    }
}

/// Copies parameters when what they take is leased, in the name of their connection. What is small is
/// counted only if it is kept.
fn leased(
    connection: &Connection,
    params: Option<Field<'_>>,
) -> Result<(RawParams, Option<SparkLease>), OverBudget> {
    let spark = connection.spark();
    Ok(match params {
        Some(Field::Raw(raw)) => {
            let lease = match raw.get().len() {
                COUNTED.. => Some(spark.try_lease(Holding::Work, cost(raw.get()))?),
                _ => None,
            };
            (RawParams::from(raw), lease)
        }
        Some(Field::Packed(params)) => {
            let lease = spark.try_lease(Holding::Work, params.bytes().len())?;
            let params = PackedParams::new(params, lease);
            (RawParams::Packed(params.into()), None)
        }
        None => (Value::Null.into(), None),
    })
}

/// What JSON may take until its call is over: as it is, and as a tree of values, which an action may ask
/// for.
fn cost(json: &str) -> usize {
    json.len().saturating_add(tree_size(json))
}

/// The parameters of a call and their lease, for as long as values made of them may live.
struct Kept {
    raw_params: RawParams,
    lease: Option<SparkLease>,
}

impl Kept {
    /// Of a call that is not over at once, small parameters count, too.
    fn while_pending(mut self, connection: &Connection) -> Self {
        if let (RawParams::Raw(json), None) = (&self.raw_params, &self.lease) {
            let lease = connection.spark().lease(Holding::Work, cost(json));
            self.lease = Some(lease);
        }
        self
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

fn answer(services: &Services, connection: &Connection, meta: Meta, outcome: Outcome) {
    let error = match outcome {
        Outcome::Nothing => return,
        Outcome::File(path) => return files::send(services, connection.clone(), meta, path),
        Outcome::Error(error) => return answer_error(connection, &meta, &error),
        Outcome::Reply(reply) => {
            // An object's fields are spliced in as they are; only what is none needs a second try.
            let first = frame_with(connection, &meta, |parser, envelope| {
                reply.frame(parser, envelope)
            });
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

impl From<RoomError> for ActionError {
    fn from(error: RoomError) -> Self {
        error.for_client().into()
    }
}
