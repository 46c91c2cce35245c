//! What the conformance suite does not ask: the protocol's own errors, codes, upgrades, bounds.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "these are tests")]

mod bed;
mod ends;
mod pings;
mod polling;
mod requests;
#[path = "../support/mod.rs"]
mod support;
mod upgrade;
#[cfg(feature = "v3")]
mod version3;
mod websocket;
