//! From a message to its one response: counts, tells verbs, actions and files apart, keeps order.

mod actions;
mod complaints;
mod files;
mod lifecycle;
mod request;
mod response;
mod verbs;

use std::{
    any::TypeId,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use stellarfw_transport::{CloseReason, CodecError, Flow, Handler, Holding, Message, Spark};

pub(crate) use self::{complaints::Complaints, response::Tail};
use self::{
    request::{Request, Transcoded},
    response::{Meta, respond_error},
    verbs::{Bounds, QueuedVerb, Verb},
};
use crate::{
    connections::{Connection, State},
    protocol::StellarError,
    server::App,
};

/// The Stellar layer as the transport layer sees it.
pub(crate) struct Dispatcher {
    pub(crate) app: Arc<App>,
}

impl Handler for Dispatcher {
    fn state(&self) -> Option<TypeId> {
        Some(TypeId::of::<State>())
    }

    fn counts_clients(&self) -> bool {
        let config = &self.app.config;
        config.simultaneous_actions_per_client > 0 || config.publish_rate.client.per_second > 0
    }

    fn open(&self, spark: &Spark) -> Flow {
        lifecycle::opened(&self.app, spark)
    }

    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        let Some(connection) = Connection::of(spark) else {
            return Ok(Flow::DONE);
        };
        let mut text = Transcoded::default();
        let request = Request::read(spark, message, &mut text)?;
        dispatch(&self.app, connection, request);
        Ok(Flow::DONE)
    }

    fn over_rate(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        let Some(connection) = Connection::of(spark) else {
            return Ok(Flow::DONE);
        };
        // Read all the same: what is no message has no number and no answer.
        let mut text = Transcoded::default();
        let request = Request::read(spark, message, &mut text)?;
        refuse(connection, request);
        Ok(Flow::DONE)
    }

    fn error(&self, spark: &Spark, error: &CodecError) {
        // Once for each connection, and not for each that a client opens to send nonsense.
        let first = Connection::of(spark)
            .is_none_or(|connection| !connection.state().complained.swap(true, Ordering::Relaxed));
        if first && let Some(left_out) = self.app.complaints.take(Instant::now()) {
            tracing::warn!(connection = %spark.id(), %error, left_out, "undecodable message dropped");
        }
    }

    fn close(&self, spark: &Spark, _: &CloseReason) {
        if let Some(connection) = Connection::of(spark) {
            connection.enqueue_last(Box::new(lifecycle::End(self.app.clone())));
        }
    }
}

/// A `messageId` that is longer counts in the memory budget.
const LONG_ID: usize = 1 << 10;

/// Gives a message its number.
fn counted(connection: &Connection, request: &mut Request<'_>) -> Meta {
    let count = connection.state().messages.fetch_add(1, Ordering::Relaxed) + 1;
    let id = request.message_id.take();
    // It is held until the response is there, which may take a while, and has no limit of its own.
    let lease = id
        .as_ref()
        .map(request::Field::json_len)
        .filter(|len| *len > LONG_ID)
        .map(|len| Box::new(connection.spark().lease(Holding::Work, len)));
    Meta {
        count,
        id: id.and_then(|id| id.to_content()),
        _lease: lease,
    }
}

/// Answers a message that is over the connection's rate, each kind as its refusals are.
fn refuse(connection: Connection, mut request: Request<'_>) {
    let meta = counted(&connection, &mut request);
    let error = StellarError::too_many_messages();
    let event = request.event.as_ref().and_then(request::Field::as_str);
    match event.as_deref() {
        Some("action") => actions::refuse(&connection, &meta, error),
        Some("file") => files::refuse(&connection, &meta, &error),
        // It has no answer, and asks for what would come anyway.
        Some("quit" | "exit") => connection.spark().end(),
        name => {
            let data = verbs::refusal_data(name);
            respond_error(&connection, meta, &error, data);
        }
    }
}

fn dispatch(app: &Arc<App>, connection: Connection, mut request: Request<'_>) {
    let meta = counted(&connection, &mut request);
    let event = request.event.as_ref().and_then(request::Field::as_str);
    match event.as_deref() {
        Some("action") => actions::run(app, connection, meta, request.params.take()),
        Some("file") => files::run(app, connection, meta, request.file.take()),
        Some("quit" | "exit") => connection.spark().end(),
        name => {
            let bounds = Bounds {
                bytes: app.config.max_message,
                depth: app.config.max_depth,
            };
            let verb = match Verb::read(name, &request, bounds) {
                Ok(verb) => verb,
                Err(error) => {
                    respond_error(&connection, meta, &error, None);
                    return;
                }
            };
            in_order(app, &connection, meta, verb);
        }
    }
}

/// Runs a verb after those that came before it.
fn in_order(app: &Arc<App>, connection: &Connection, meta: Meta, verb: Verb<'_>) {
    if connection.is_idle() {
        if let Flow::Wait(future) = verbs::run(app, connection, meta, verb) {
            connection.occupy(future);
        }
        return;
    }
    let bytes = verb.len();
    let lease = connection
        .spark()
        .lease(Holding::Inbound, bytes + size_of::<QueuedVerb>());
    let verb = QueuedVerb {
        app: app.clone(),
        meta,
        verb: verb.into_owned(),
        _lease: lease,
    };
    connection.enqueue(Box::new(verb), bytes);
}

/// Awaits what is only for a connection: it is dropped when the connection is gone.
async fn while_there<T>(connection: &Connection, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = connection.spark().closed() => None,
    }
}
