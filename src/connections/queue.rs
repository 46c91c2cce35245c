//! The serial queue of a connection: its verbs run one at a time and in order.

use std::panic::{AssertUnwindSafe, catch_unwind};

use stellarfw_transport::{
    BoxFuture, CloseReason, Flow, catch_panic,
    serial_queue::{self, Entered, SerialQueue, Worker},
};

use super::Connection;

/// Work of a connection that is queued behind its other work.
pub(crate) trait Job: Send {
    /// Starts it.
    fn start(self: Box<Self>, connection: &Connection) -> Flow;

    /// Answers it without running it, because the queue is full.
    fn refuse(self: Box<Self>, connection: &Connection);
}

/// A job in the queue.
pub(crate) struct Queued {
    job: Box<dyn Job>,
    /// Nothing follows it, and it is awaited after the connection is gone.
    is_last: bool,
}

/// A connection as the worker of its queue.
#[derive(Clone)]
struct Jobs(Connection);

impl Worker for Jobs {
    type Item = Queued;

    fn queue(&self) -> &SerialQueue<Queued> {
        &self.0.state().queue
    }

    fn start(&self, Queued { job, is_last }: Queued) -> Flow {
        let Self(connection) = self;
        let flow = catch_unwind(AssertUnwindSafe(|| job.start(connection))).unwrap_or_else(|_| {
            panicked(connection);
            Flow::DONE
        });
        match flow {
            Flow::Ready(()) => Flow::DONE,
            Flow::Wait(future) => Flow::Wait(Box::pin(finish(connection.clone(), future, is_last))),
        }
    }
}

impl Connection {
    /// Returns `true` if a job may run at once. Messages of one connection come one at a time, so
    /// the queue stays idle until the handler of a message returns.
    pub(crate) fn is_idle(&self) -> bool {
        self.state().queue.is_idle()
    }

    /// Makes the idle queue busy with a future: jobs run when it is done.
    pub(crate) fn occupy(&self, future: BoxFuture<()>) {
        let job = finish(self.clone(), future, false);
        serial_queue::occupy(&Jobs(self.clone()), Box::pin(job));
    }

    /// Runs a job of about `bytes` bytes after those that came before it, or refuses it if too many
    /// are queued.
    pub(crate) fn enqueue(&self, job: Box<dyn Job>, bytes: usize) {
        let limits = self.state().shared.limits.queue;
        let is_last = false;
        match self
            .state()
            .queue
            .enter(Queued { job, is_last }, bytes, limits)
        {
            Entered::Yours(queued) => serial_queue::run(&Jobs(self.clone()), queued),
            Entered::Queued => {}
            Entered::Full(Queued { job, .. }) => job.refuse(self),
        }
    }

    /// Runs the last job of a connection that has ended, whatever is queued before it.
    pub(crate) fn enqueue_last(&self, job: Box<dyn Job>) {
        let is_last = true;
        if let Some(queued) = self.state().queue.enter_last(Queued { job, is_last }) {
            serial_queue::run(&Jobs(self.clone()), queued);
        }
    }
}

/// Awaits a job. A job that is not the last one is dropped when its connection has been gone for the
/// close timeout: the last one then removes the connection from its rooms.
async fn finish(connection: Connection, future: BoxFuture<()>, is_last: bool) {
    let job = catch_panic(future);
    let late = async {
        if is_last {
            std::future::pending::<()>().await;
        }
        connection.spark().closed().await;
        tokio::time::sleep(connection.state().shared.limits.close_timeout).await;
    };
    tokio::select! {
        biased;
        done = job => if done.is_err() {
            panicked(&connection);
        },
        () = late => {
            tracing::warn!(connection = %connection.id(), "a hook outlived its connection and was dropped");
        }
    }
}

fn panicked(connection: &Connection) {
    tracing::error!(connection = %connection.id(), "a room hook panicked");
    connection.spark().close(CloseReason::Panic);
}
