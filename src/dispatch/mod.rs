//! From a message to its one response: counts, tells verbs, actions and files apart, keeps order.

mod actions;
mod files;
mod lifecycle;
mod request;
mod response;
mod verbs;

use std::{
    any::TypeId,
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use stellarfw_transport::{
    BoxFuture, CloseReason, CodecError, Flow, Handler, Message, Spark, catch_panic,
    lane::{Entered, LaneLimits},
    turn,
};

use self::{
    request::Request,
    response::{Meta, respond_error},
    verbs::{Bounds, Verb},
};
pub(crate) use self::{response::Tail, verbs::PendingVerb};
use crate::{
    app::App,
    connection::{Connection, State},
    error::StellarError,
    rooms,
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
        let request = Request::read(spark.parser(), message)?;
        dispatch(connection, request);
        Ok(Flow::DONE)
    }

    fn over_rate(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        let Some(connection) = Connection::of(spark) else {
            return Ok(Flow::DONE);
        };
        // Read all the same: what is no message has no number and no answer.
        let request = Request::read(spark.parser(), message)?;
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
        if let Some(connection) = Connection::of(spark)
            && let Some(verb) = connection.state().verbs.enter_last(PendingVerb::last())
        {
            work(connection, verb);
        }
    }
}

/// Gives a message its number.
fn counted(connection: &Connection, request: &mut Request<'_>) -> Meta {
    Meta {
        count: connection.state().messages.fetch_add(1, Ordering::Relaxed) + 1,
        id: request.message_id.take().and_then(|id| id.to_content()),
    }
}

/// Answers a message that is over the connection's rate, each kind as its refusals are.
fn refuse(connection: Connection, mut request: Request<'_>) {
    let meta = counted(&connection, &mut request);
    let error = StellarError::too_many_messages();
    let event = request.event.as_ref().and_then(request::Field::as_str);
    match event.as_deref() {
        Some("action") => actions::refuse(&connection, meta, error),
        Some("file") => files::refuse(&connection, &meta, &error),
        // It has no answer, and asks for what would come anyway.
        Some("quit" | "exit") => connection.spark().end(),
        name => {
            let data = verbs::refusal_data(name);
            respond_error(&connection, meta, &error, data);
        }
    }
}

fn dispatch(connection: Connection, mut request: Request<'_>) {
    let meta = counted(&connection, &mut request);
    let event = request.event.as_ref().and_then(request::Field::as_str);
    match event.as_deref() {
        Some("action") => actions::run(connection, meta, request.params.take()),
        Some("file") => files::run(connection, meta, request.file.take()),
        Some("quit" | "exit") => connection.spark().end(),
        name => {
            let config = &connection.state().app.config;
            let bounds = Bounds {
                bytes: config.max_message,
                depth: config.max_depth,
            };
            let verb = match Verb::read(name, &request, bounds) {
                Ok(verb) => verb,
                Err(error) => {
                    respond_error(&connection, meta, &error, None);
                    return;
                }
            };
            in_order(connection, meta, verb);
        }
    }
}

/// Runs a verb after those that came before it.
fn in_order(connection: Connection, meta: Meta, verb: Verb<'_>) {
    let lane = &connection.state().verbs;
    if lane.is_idle() {
        // Messages of one connection come one at a time, so the lane stays idle while we work.
        if let Flow::Wait(future) = verbs::run(&connection, meta, verb) {
            lane.occupy();
            tokio::spawn(drive(connection, future, false));
        }
        return;
    }
    let limits = LaneLimits {
        items: connection.state().app.config.max_pending_verbs,
        bytes: connection.state().app.config.server.max_length,
    };
    let bytes = verb.len();
    match lane.enter(PendingVerb::new(meta, verb.into_owned()), bytes, limits) {
        Entered::Yours(verb) => work(connection, verb),
        Entered::Queued => {}
        Entered::Full(verb) => {
            if let Some((meta, verb)) = verb.0 {
                let error = StellarError::too_many_pending();
                respond_error(&connection, meta, &error, verb.refusal_data());
            }
        }
    }
}

/// Works off the lane, beginning with a verb that is ours to do.
fn work(connection: Connection, verb: PendingVerb) {
    let mut next = Some(verb);
    while let Some(verb) = next {
        let is_last = verb.is_last();
        if let Flow::Wait(future) = start(&connection, verb) {
            tokio::spawn(drive(connection, future, is_last));
            return;
        }
        next = connection.state().verbs.next();
    }
}

/// Waits for the verb under way, then works off what has come meanwhile.
async fn drive(connection: Connection, mut future: BoxFuture<()>, mut is_last: bool) {
    loop {
        let work = catch_panic(future);
        let done = if is_last {
            Some(work.await)
        } else {
            outlive(&connection, work).await
        };
        match done {
            Some(Ok(())) => {}
            Some(Err(_)) => panicked(&connection),
            None => {
                tracing::warn!(connection = %connection.id(), "a hook outlived its connection and was dropped");
            }
        }
        loop {
            let Some(verb) = connection.state().verbs.next() else {
                return;
            };
            is_last = verb.is_last();
            let flow = {
                let _turn = turn();
                start(&connection, verb)
            };
            if let Flow::Wait(next) = flow {
                future = next;
                break;
            }
        }
    }
}

/// Awaits a verb, but no longer than the close timeout once its connection is gone: what comes last
/// takes it out of its rooms.
async fn outlive<T>(connection: &Connection, verb: impl Future<Output = T>) -> Option<T> {
    let grace = connection.state().app.config.server.close_timeout();
    let late = async {
        connection.spark().closed().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        biased;
        done = verb => Some(done),
        () = late => None,
    }
}

/// Begins a verb that is the lane's. Its panic must not get past here: the lane would stay busy,
/// and the connection would never be taken out of its rooms.
fn start(connection: &Connection, verb: PendingVerb) -> Flow {
    let start = || match verb.0 {
        Some((meta, verb)) => verbs::run(connection, meta, verb),
        None => {
            // Whatever becomes of the hooks, the application's data is dropped after them.
            let gone = Ended(connection.clone());
            rooms::leave_all(connection)
                .then(move |()| lifecycle::destroyed(&gone.0).map(move |()| drop(gone)))
        }
    };
    catch_unwind(AssertUnwindSafe(start)).unwrap_or_else(|_| {
        panicked(connection);
        Flow::DONE
    })
}

/// Awaits what is only for a connection: it is dropped when the connection is gone.
async fn while_there<T>(connection: &Connection, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = connection.spark().closed() => None,
    }
}

/// A connection that has ended. Dropping it drops the application's data of it.
struct Ended(Connection);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.extensions().close();
    }
}

fn panicked(connection: &Connection) {
    tracing::error!(connection = %connection.id(), "a room hook panicked");
    connection.spark().close(CloseReason::Panic);
}

/// What a client sent, as an error text tells it: short, and `undefined` when it was absent.
pub(crate) fn told(text: Option<&str>) -> Cow<'_, str> {
    const MAX: usize = 200;
    let Some(text) = text else {
        return "undefined".into();
    };
    if text.len() <= MAX {
        return text.into();
    }
    let mut end = MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end]).into()
}
