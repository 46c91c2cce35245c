//! The wall clock as JavaScript tells it.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// Milliseconds between 1970 and a moment; 0 for moments before.
pub(crate) fn ms_of(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A moment as JavaScript's `Date.toISOString` writes it: `2026-01-31T12:00:00.000Z`.
pub(crate) fn iso(time: SystemTime) -> String {
    let timestamp = i64::try_from(ms_of(time)).map(Timestamp::from_millisecond);
    let timestamp = timestamp
        .ok()
        .and_then(Result::ok)
        .unwrap_or(Timestamp::MAX);
    format!("{timestamp:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let iso = |seconds| iso(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(951_782_400), "2000-02-29T00:00:00.000Z");
        assert_eq!(iso(951_868_800), "2000-03-01T00:00:00.000Z");
        assert_eq!(iso(1_735_689_599), "2024-12-31T23:59:59.000Z");
        assert_eq!(iso(4_107_542_400), "2100-03-01T00:00:00.000Z");
    }
}
