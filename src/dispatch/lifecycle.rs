//! The beginning and the end of a connection: its middleware, and the welcome.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use serde_json::json;
use stellarfw_transport::{CloseReason, Flow, Spark, catch_panic};

use crate::{
    app::App,
    connection::{Connection, State},
    error::StellarError,
};

/// A spark has opened: makes a connection of it.
pub(super) fn opened(app: &Arc<App>, spark: &Spark) -> Flow {
    let has_hooks = !app.hooks.create.is_empty();
    if !has_hooks {
        // Nobody can push to a spark without a state, so nothing comes before the welcome.
        welcome(app, spark);
    }
    if spark.attach(State::new(app.clone(), spark)).is_err() {
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
    run_create(&app, &connection).map(move |verdict| match verdict {
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

fn run_create(app: &Arc<App>, connection: &Connection) -> Flow<Result<(), StellarError>> {
    for at in 0..app.hooks.create.len() {
        match app.hooks.create[at](connection) {
            Flow::Ready(Ok(())) => {}
            Flow::Ready(Err(error)) => return Flow::Ready(Err(error)),
            Flow::Wait(future) => {
                let (app, connection) = (app.clone(), connection.clone());
                return Flow::Wait(Box::pin(async move {
                    future.await?;
                    for at in at + 1..app.hooks.create.len() {
                        app.hooks.create[at](&connection).await?;
                    }
                    Ok(())
                }));
            }
        }
    }
    Flow::Ready(Ok(()))
}

/// A connection is gone and out of its rooms.
pub(super) fn destroyed(connection: &Connection) -> Flow {
    let app = connection.state().app.clone();
    if app.hooks.destroy.is_empty() {
        return Flow::DONE;
    }
    let connection = connection.clone();
    Flow::start(async move {
        for at in 0..app.hooks.destroy.len() {
            // One that panics does not keep the others from being told.
            let hook = || app.hooks.destroy[at](&connection);
            let flow = catch_unwind(AssertUnwindSafe(hook));
            let told = match flow {
                Ok(flow) => catch_panic(async { flow.await }).await.is_ok(),
                Err(_) => false,
            };
            if !told {
                tracing::error!("a destroy hook panicked");
            }
        }
    })
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
