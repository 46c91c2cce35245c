//! The beginning and the end of a connection: its middleware, and the welcome.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use stellarfw_transport::{CloseReason, Flow, Spark};

use crate::{
    connections::{Connection, Job, State},
    server::App,
};

/// A spark has opened: makes a connection of it.
pub(super) fn opened(app: &Arc<App>, spark: &Spark) -> Flow {
    let hooks = &app.connections.hooks.create;
    let has_hooks = !hooks.is_empty();
    if !has_hooks {
        // Nobody can push to a spark without a state, so nothing comes before the welcome.
        welcome(app, spark);
    }
    if spark
        .attach(State::new(app.connections.clone(), spark))
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
    let app = app.clone();
    let opening = connection.clone();
    let verdict = hooks.until_refused(move |hook| hook(&opening));
    verdict.map(move |verdict| match verdict {
        Ok(()) => {
            welcome(&app, connection.spark());
            connection.set_ready();
        }
        Err(error) => {
            connection.push(&json!({ "error": error })).ok();
            connection.spark().end();
        }
    })
}

/// The last job of a connection: it leaves its rooms, then the destroy hooks run.
pub(super) struct End(pub(super) Arc<App>);

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

fn welcome(app: &Arc<App>, spark: &Spark) {
    let Some(text) = app.config.welcome.as_deref() else {
        return;
    };
    let message = json!({ "welcome": text, "context": "api" });
    let delay = app.config.welcome_delay;
    if delay == 0 {
        if let Err(error) = spark.send(&message) {
            tracing::debug!(%error, "no welcome");
        }
        return;
    }
    let spark = spark.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(delay)).await;
        spark.send(&message).ok();
    });
}
