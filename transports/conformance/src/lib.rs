//! What every engine must do, as tests that any engine can run.
//!
//! An engine's tests implement [`Harness`], [`Stage`] and [`Client`]: how to make the engine, how
//! to serve it, and how a client of it speaks. Then one line runs everything, each behaviour a
//! test of its own:
//!
//! ```
//! use stellarfw_conformance::{memory::MemoryHarness, suite};
//!
//! suite!(MemoryHarness::default());
//! # fn main() {}
//! ```
//!
//! Outside of `cargo test`, [`run_all`] does the same and gives a [`Report`].
//!
//! What an engine cannot do it declares in its
//! [`Capabilities`](stellarfw_transport::Capabilities). No behaviour is left out for that: each
//! checks what follows from the declaration instead.
//!
//! | declared as lacking | what is checked instead |
//! |---|---|
//! | `binary` | the engine does not start with a binary codec; with [`Parser::Raw`] it does not start, or leaves binary payloads out and never turns them into something else |
//! | `headers`, `query` | sparks have none, and neither origin policy nor authorizer sees any |
//! | `refusal` | a refused client is closed without a payload |
//! | `close_codes` | the client is closed without a code |
//! | `ping` | a client that only reads is ended by the heartbeat |
//!
//! The texts of [`texts::hostile`] are in `texts.json`, so that clients in other languages can send the
//! same ones.
//!
//! No behaviour measures time. Those that wait do so for a condition, with a deadline far above
//! what a loaded machine needs. After each one the server is shut down, and it is checked that
//! every spark that opened was reported closed exactly once.
//!
//! [`Parser::Raw`]: stellarfw_transport::Parser::Raw

mod bed;
pub mod behaviours;
pub mod half_open;
mod harness;
mod list;
pub mod memory;
mod report;
pub mod texts;

pub use self::{
    harness::{Client, Connect, Harness, Received, Refused, Stage},
    report::{ALL, Behaviour, Outcome, Report, check, run_all},
};
