//! What the tests of this crate share: a raw client, and servers to talk to.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

pub mod client;
pub mod deflate;
pub mod harness;
pub mod site;
