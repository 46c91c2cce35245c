//! A server to test and the clients that test it, over real sockets.

mod folder;
mod host;
mod http;
mod late;
mod peer;

pub(crate) use self::{
    folder::Folder,
    host::{Host, host},
    http::Reply,
    late::LateBroker,
    peer::{Peer, Received, body_of},
};

use std::{future::Future, time::Duration};

use serde_json::{Value, json};

/// Far above what a loaded machine needs: passing it is a fault, and nothing is measured by it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Awaits something that must come.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not come"),
    }
}

/// Awaits a condition that must come true.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    soon(what, async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// An error of the protocol as it is told.
pub(crate) fn error(code: &str, message: impl Into<String>) -> Value {
    json!({ "code": code, "message": message.into() })
}

/// The same with a name.
pub(crate) fn named_error(code: &str, message: impl Into<String>, name: &str) -> Value {
    json!({ "code": code, "message": message.into(), "name": name })
}

/// 019.
pub(crate) fn no_room(room: &str) -> Value {
    let message = format!("Room ({room}) does not exists");
    named_error("019", message, "ConnectionRoomNotExist Error")
}
