//! The conformance suite: one test per behaviour that every engine must have.
//!
//! An engine's tests implement [`Harness`] (creates the engine), [`TestServer`] (serves it) and
//! [`Client`] (speaks its protocol). One macro call then defines a test for each behaviour:
//!
//! ```
//! use stellarfw_conformance::{memory::MemoryHarness, suite};
//!
//! suite!(MemoryHarness::default());
//! # fn main() {}
//! ```
//!
//! Outside of `cargo test`, [`run_all`] runs every behaviour and returns a [`Report`].
//!
//! An engine declares its limits in its [`Capabilities`](stellarfw_transport::Capabilities). No
//! behaviour is skipped for a missing capability: it checks the documented outcome instead.
//!
//! | missing capability | expected outcome |
//! |---|---|
//! | `binary` | the engine does not start with a binary codec; with [`Parser::Raw`] it does not start, or drops binary payloads |
//! | `headers`, `query` | sparks have none, and neither the origin policy nor the authorizer sees any |
//! | `refusal` | a refused client is closed without a payload |
//! | `close_codes` | the client is closed without a code |
//! | `ping` | the heartbeat closes a client that only reads |
//!
//! [`texts::hostile`] is also available as `texts.json`, for clients in other languages.
//!
//! No behaviour measures time. Behaviours wait for a condition, with a deadline far above what a
//! loaded machine needs. After each behaviour the server shuts down, and the suite checks that
//! every opened spark was reported closed exactly once.
//!
//! [`Parser::Raw`]: stellarfw_transport::Parser::Raw

pub mod behaviours;
mod fixture;
pub mod half_open;
mod harness;
mod list;
pub mod memory;
mod report;
pub mod texts;

pub use self::{
    harness::{Client, Connect, Harness, Received, Refused, TestServer, TestServer as Stage},
    report::{ALL, Behaviour, Outcome, Report, check, run_all},
};
