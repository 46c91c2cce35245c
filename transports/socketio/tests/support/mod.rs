//! What the tests of this engine share: Engine.IO by hand, and Socket.IO upon it.
#![allow(dead_code, reason = "each test binary uses its part of it")]
#![allow(unreachable_pub, clippy::unwrap_used, reason = "it is no library")]

pub mod bed;
pub mod harness;
#[path = "../../../engineio/tests/support/http.rs"]
pub mod http;
#[path = "../../../engineio/tests/support/line.rs"]
pub mod line;
#[path = "../../../engineio/tests/support/site.rs"]
pub mod site;
#[path = "../../../engineio/tests/support/socket.rs"]
pub mod socket;
pub mod verbs;
