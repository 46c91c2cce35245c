//! Tests of SockJS 0.3.3 over raw HTTP and WebSocket, including clients that violate it.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "these are tests")]

mod abuse;
mod encoding;
mod fixture;
mod pages;
mod paths;
mod sends;
mod sessions;
#[path = "../support/mod.rs"]
mod support;
mod tags;
mod websocket;
mod xhr;
