//! The behaviours, one function each, grouped by subject.
//!
//! Each function starts its own server and panics if an assertion fails. [`check`](crate::check),
//! [`run_all`](crate::run_all) and [`suite!`](crate::suite) run them.

pub mod access;
pub mod budget;
pub mod closing;
pub mod codecs;
pub mod faults;
pub mod heartbeat;
pub mod identity;
pub mod limits;
pub mod messages;
pub mod opening;
pub mod paths;
pub mod pressure;
pub mod rate;
pub mod request;
pub mod shutdown;
pub mod texts;
pub mod transforms;

use std::sync::Arc;

use crate::harness::Harness;

/// The argument of every behaviour.
type Subject = Arc<dyn Harness>;
