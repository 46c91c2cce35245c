//! Files, asked for by message: beside the verbs, each with its place.

use std::sync::Arc;

use serde::Serialize;
use stellarfw_transport::{Flow, turn};

use super::{
    Services,
    request::Field,
    response::{Meta, frame, respond, send as send_frame},
    while_there,
};
use crate::{
    connections::Connection,
    files::{Content, FileError, SentFile},
    protocol::{StellarError, time::iso},
};

/// Reads a file for a connection and answers with it, now or when it is read.
pub(super) fn run(
    services: &Services,
    connection: Connection,
    meta: Meta,
    file: Option<Field<'_>>,
) {
    let path = file.as_ref().and_then(Field::as_str).unwrap_or_default();
    if path.is_empty() {
        return refuse(&connection, &meta, &StellarError::file_required());
    }
    let path = path.into_owned();
    send(services, connection, meta, path);
}

/// Answers with a public file, now or when it is read.
pub(super) fn send(services: &Services, connection: Connection, meta: Meta, path: String) {
    let Some(place) = connection.begin_file() else {
        return refuse(&connection, &meta, &StellarError::too_many_pending());
    };
    let budget = connection.spark().server().budget().clone();
    match services
        .files
        .send(&path, services.settings.max_file, &budget)
    {
        Flow::Ready(result) => answer(&connection, &meta, result),
        Flow::Wait(future) => {
            tokio::spawn(async move {
                let Some(result) = while_there(&connection, future).await else {
                    return;
                };
                let is_large = result.as_ref().is_ok_and(|file| {
                    file.content()
                        .is_some_and(|content| content.text.len() >= LARGE)
                });
                let respond = move || {
                    drop(place);
                    let _turn = turn();
                    answer(&connection, &meta, result);
                };
                if is_large {
                    tokio::task::spawn_blocking(respond).await.ok();
                } else {
                    respond();
                }
            });
        }
    }
}

/// A response as long as this is made on a thread for work that blocks.
const LARGE: usize = 256 << 10;

fn answer(connection: &Connection, meta: &Meta, result: Result<Arc<SentFile>, FileError>) {
    let file = match result {
        Ok(file) => file,
        Err(error) => return refuse(connection, meta, &error.for_client()),
    };
    // Nothing else in it is the client's own.
    let number = meta.id.is_none().then_some(meta.count);
    match file.frame(number, |content| {
        frame(connection, meta, &Sent::of(content))
    }) {
        Some(Ok(frame)) => send_frame(connection, frame),
        Some(Err(error)) => {
            tracing::error!(%error, "a file could not be encoded");
            refuse(connection, meta, &StellarError::internal());
        }
        None => refuse(connection, meta, &StellarError::too_many_pending()),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'a> {
    error: (),
    content: &'a str,
    mime: &'a str,
    length: usize,
    last_modified: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
}

impl<'a> Sent<'a> {
    fn of(content: &'a Content) -> Self {
        Self {
            error: (),
            content: &content.text,
            mime: &content.mime,
            length: content.length,
            last_modified: iso(content.modified),
            encoding: content.is_base64.then_some("base64"),
        }
    }
}

/// Answers a request for a file that is not sent.
pub(super) fn refuse(connection: &Connection, meta: &Meta, error: &StellarError) {
    #[derive(Serialize)]
    struct Refused<'a> {
        error: &'a StellarError,
        content: (),
        mime: &'static str,
        length: usize,
    }
    let body = Refused {
        error,
        content: (),
        mime: "text/html",
        length: error.message().len(),
    };
    respond(connection, meta, &body);
}
