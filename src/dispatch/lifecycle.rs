//! The beginning and the end of a connection: its middleware, and the welcome.

use std::sync::Arc;

use serde_json::json;
use stellarfw_transport::{CloseReason, Flow, Spark};

use super::Services;
use crate::connections::{Connection, Job, State};

/// A spark has opened: makes a connection of it.
pub(super) fn opened(services: &Arc<Services>, spark: &Spark) -> Flow {
    let hooks = &services.connections.hooks.create;
    let has_hooks = !hooks.is_empty();
    if !has_hooks {
        // Nobody can push to a spark without a state, so nothing comes before the welcome.
        welcome(services, spark);
    }
    if spark
        .attach(State::new(services.connections.clone(), spark))
        .is_err()
    {
        // Only this handler can attach one, and a spark opens once.
        tracing::error!("a spark was opened twice; it cannot be served");
        spark.close(CloseReason::Panic);
        return Flow::DONE;
    }
    let Some(connection) = Connection::of(spark) else {
        return Flow::DONE;
    };
    if !has_hooks {
        connection.set_ready();
        return Flow::DONE;
    }
    let services = services.clone();
    let opening = connection.clone();
    let verdict = hooks.until_refused(move |hook| hook(&opening));
    verdict.map(move |verdict| match verdict {
        Ok(()) => {
            welcome(&services, connection.spark());
            connection.set_ready();
        }
        Err(error) => {
            connection.push(&json!({ "error": error })).ok();
            connection.spark().end();
        }
    })
}

/// The last job of a connection: it leaves its rooms, then the destroy hooks run.
pub(super) struct End(pub(super) Arc<Services>);

impl Job for End {
    fn start(self: Box<Self>, connection: &Connection) -> Flow {
        // Whatever becomes of the hooks, the application's data is dropped after them.
        let ended = Ended(connection.clone());
        let left = self.0.rooms.remove_from_all(connection);
        left.then(move |()| {
            let hooks = &self.0.connections.hooks.destroy;
            let connection = ended.0.clone();
            let destroyed = match hooks.is_empty() {
                true => Flow::DONE,
                false => hooks.notify("destroy", move |hook| hook(&connection)),
            };
            destroyed.map(move |()| drop(ended))
        })
    }

    fn refuse(self: Box<Self>, _: &Connection) {
        unreachable!("the last job is queued whatever the bounds");
    }
}

/// A connection that has ended. Dropping it drops the application's data of it.
struct Ended(Connection);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.extensions().close();
    }
}

fn welcome(services: &Arc<Services>, spark: &Spark) {
    let Some(text) = services.settings.welcome.as_deref() else {
        return;
    };
    let message = json!({ "welcome": text, "context": "api" });
    let delay = services.settings.welcome_delay;
    if delay.is_zero() {
        if let Err(error) = spark.send(&message) {
            tracing::debug!(%error, "no welcome");
        }
        return;
    }
    let spark = spark.clone();
    tokio::spawn(async move {
        tokio::time::sleep(delay).await;
        spark.send(&message).ok();
    });
}
