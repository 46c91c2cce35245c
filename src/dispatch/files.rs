//! Files, asked for by message: beside the verbs, each with its place.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use stellarfw_transport::{Flow, turn};

use super::{
    request::Field,
    response::{Meta, respond},
    while_there,
};
use crate::{
    connection::Connection,
    error::StellarError,
    files::{FileError, Found},
    time::iso,
};

/// Reads a file for a connection and answers with it, now or when it is read.
pub(super) fn run(connection: Connection, meta: Meta, file: Option<Field<'_>>) {
    let path = file.as_ref().and_then(Field::as_str).unwrap_or_default();
    if path.is_empty() {
        return refuse(&connection, &meta, &StellarError::file_required());
    }
    let path = path.into_owned();
    send(connection, meta, path);
}

/// Answers with a public file, now or when it is read.
pub(super) fn send(connection: Connection, meta: Meta, path: String) {
    let app = connection.state().app.clone();
    let Some(place) = connection.begin_file() else {
        return refuse(&connection, &meta, &StellarError::too_many_pending());
    };
    match app.files.read(&path, app.config.max_file) {
        Flow::Ready(result) => answer(&connection, &meta, result),
        Flow::Wait(future) => {
            tokio::spawn(async move {
                let Some(result) = while_there(&connection, future).await else {
                    return;
                };
                drop(place);
                let _turn = turn();
                answer(&connection, &meta, result);
            });
        }
    }
}

fn answer(connection: &Connection, meta: &Meta, result: Result<Found, FileError>) {
    let found = match result {
        Ok(found) => found,
        Err(error) => return refuse(connection, meta, &error.for_client()),
    };
    let length = found.bytes.len();
    let (content, encoding) = match String::from_utf8(found.bytes.into()) {
        Ok(text) => (text, None),
        Err(error) => (STANDARD.encode(error.as_bytes()), Some("base64")),
    };
    let body = Sent {
        error: (),
        content: &content,
        mime: &found.mime,
        length,
        last_modified: iso(found.modified),
        encoding,
    };
    respond(connection, meta, &body);
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
