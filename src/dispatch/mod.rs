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
    time::{Duration, Instant},
};

use stellarfw_transport::{CloseReason, CodecError, Flow, Handler, Holding, Message, Spark};

use self::{
    complaints::Complaints,
    request::{Request, Transcoded},
    response::{Meta, respond_error},
    verbs::{Bounds, QueuedVerb, Verb},
};
use crate::{
    actions::ActionService,
    connections::{Connection, Connections, State},
    files::Files,
    protocol::StellarError,
    rooms::Rooms,
};

/// The Stellar layer as the handler of the transport layer.
pub(crate) struct Dispatcher(Arc<Services>);

/// The services that messages go to.
struct Services {
    settings: DispatchSettings,
    connections: Arc<Connections>,
    rooms: Rooms,
    actions: Arc<ActionService>,
    files: Arc<Files>,
    complaints: Complaints,
}

/// The settings of the dispatcher.
#[derive(Clone, Debug)]
pub(crate) struct DispatchSettings {
    /// The text of the welcome.
    pub(crate) welcome: Option<String>,
    pub(crate) welcome_delay: Duration,
    /// The most bytes of a message to a room.
    pub(crate) max_message: usize,
    /// The most levels of a message to a room.
    pub(crate) max_depth: usize,
    /// The most bytes of a file.
    pub(crate) max_file: usize,
    /// Something is bounded for each client.
    pub(crate) counts_clients: bool,
}

impl Dispatcher {
    pub(crate) fn new(
        settings: DispatchSettings,
        connections: Arc<Connections>,
        rooms: Rooms,
        actions: Arc<ActionService>,
        files: Arc<Files>,
    ) -> Self {
        Self(Arc::new(Services {
            settings,
            connections,
            rooms,
            actions,
            files,
            complaints: Complaints::default(),
        }))
    }
}

impl Handler for Dispatcher {
    fn state(&self) -> Option<TypeId> {
        Some(TypeId::of::<State>())
    }

    fn counts_clients(&self) -> bool {
        self.0.settings.counts_clients
    }

    fn open(&self, spark: &Spark) -> Flow {
        lifecycle::opened(&self.0, spark)
    }

    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        let Some(connection) = Connection::of(spark) else {
            return Ok(Flow::DONE);
        };
        let mut text = Transcoded::default();
        let request = Request::read(spark, message, &mut text)?;
        dispatch(&self.0, connection, request);
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
        if first && let Some(left_out) = self.0.complaints.take(Instant::now()) {
            tracing::warn!(connection = %spark.id(), %error, left_out, "undecodable message dropped");
        }
    }

    fn close(&self, spark: &Spark, _: &CloseReason) {
        if let Some(connection) = Connection::of(spark) {
            connection.enqueue_last(Box::new(lifecycle::End(self.0.clone())));
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

fn dispatch(services: &Arc<Services>, connection: Connection, mut request: Request<'_>) {
    let meta = counted(&connection, &mut request);
    let event = request.event.as_ref().and_then(request::Field::as_str);
    match event.as_deref() {
        Some("action") => actions::run(services, connection, meta, request.params.take()),
        Some("file") => files::run(services, connection, meta, request.file.take()),
        Some("quit" | "exit") => connection.spark().end(),
        name => {
            let bounds = Bounds {
                bytes: services.settings.max_message,
                depth: services.settings.max_depth,
            };
            let verb = match Verb::read(name, &request, bounds) {
                Ok(verb) => verb,
                Err(error) => {
                    respond_error(&connection, meta, &error, None);
                    return;
                }
            };
            in_order(services, &connection, meta, verb);
        }
    }
}

/// Runs a verb after those that came before it.
fn in_order(services: &Arc<Services>, connection: &Connection, meta: Meta, verb: Verb<'_>) {
    if connection.is_idle() {
        if let Flow::Wait(future) = verbs::run(services, connection, meta, verb) {
            connection.occupy(future);
        }
        return;
    }
    let bytes = verb.len();
    let lease = connection
        .spark()
        .lease(Holding::Inbound, bytes + size_of::<QueuedVerb>());
    let verb = QueuedVerb {
        services: services.clone(),
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
