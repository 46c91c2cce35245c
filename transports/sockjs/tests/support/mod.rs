//! What the tests of this engine share: clients that do nothing by themselves.
#![allow(dead_code, reason = "each test binary uses its part of it")]
#![allow(unreachable_pub, clippy::unwrap_used, reason = "it is no library")]

pub mod harness;
pub mod http;
pub mod polling;
pub mod site;
pub mod socket;
