//! The protocol from end to end: servers as applications build them, clients over real sockets,
//! and whole messages compared. One module for each subject.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "it is a crate of its own, too")]
mod fuzz;
#[path = "../support/mod.rs"]
mod support;

mod action_ends;
mod actions;
mod api;
mod audiences;
mod bad_actions;
mod bad_encodings;
mod bad_inputs;
#[cfg(all(feature = "engineio", feature = "socketio", feature = "sockjs"))]
mod bindings;
mod broker;
mod clients;
mod corpus;
mod crowds;
mod errors;
mod extensions;
mod files;
mod guard;
mod http;
mod isolation;
mod memberships;
mod memory;
mod messages;
mod metrics;
mod middleware;
mod mount;
mod publishing;
mod pushes;
mod rate;
mod reference;
mod room_hooks;
mod room_pages;
mod room_races;
mod rooms;
mod serving;
mod settings;
mod shutdown;
mod site;
#[cfg(feature = "schemars")]
mod typed;
mod verbs;
mod welcome;
