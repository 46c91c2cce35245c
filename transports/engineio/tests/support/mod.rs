//! What the tests of this engine share: a client that does nothing by itself.
#![allow(dead_code, reason = "each test binary uses its part of it")]
#![allow(unreachable_pub, clippy::unwrap_used, reason = "it is no library")]

pub mod harness;
pub mod http;
pub mod line;
pub mod site;
pub mod socket;
