//! The clock of publications.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the wall clock in milliseconds since 1970; 0 for a clock that is set before.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}
