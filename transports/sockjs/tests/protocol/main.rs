//! The protocol's description 0.3.3, as this engine keeps it, asked over bare HTTP; and what those
//! meet who do not keep it.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "these are tests")]

mod abuse;
mod bed;
mod encoding;
mod pages;
mod paths;
mod sends;
mod sessions;
#[path = "../support/mod.rs"]
mod support;
mod tags;
mod websocket;
mod xhr;
