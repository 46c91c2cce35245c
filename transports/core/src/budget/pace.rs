//! How fast bytes must come.

use std::time::Duration;

use tokio::time::Instant;

/// A deadline that moves with what comes: bytes that arrive at a least rate keep it away, and it is
/// never farther away than a grace period.
///
/// ```
/// use std::time::Duration;
/// use stellarfw_transport::Pace;
/// use tokio::time::Instant;
///
/// let start = Instant::now();
/// let mut pace = Pace::new(start, Duration::from_secs(30), 1_024);
/// let later = start + Duration::from_secs(20);
/// pace.came(later, 5 * 1_024);
/// assert_eq!(pace.due(), start + Duration::from_secs(35));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    grace: Duration,
    /// Bytes a second; 0: the first deadline stays.
    least_rate: u64,
    due: Instant,
}

/// A deadline that no clock can tell is this far away.
const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

impl Pace {
    /// Begins at `now` with a deadline after `grace`. `least_rate` is in bytes a second; with 0 the
    /// deadline does not move.
    #[must_use]
    pub fn new(now: Instant, grace: Duration, least_rate: u64) -> Self {
        let grace = grace.min(FAR);
        Self {
            grace,
            least_rate,
            due: now + grace,
        }
    }

    /// Moves the deadline by the time that `bytes` may take.
    pub fn came(&mut self, now: Instant, bytes: usize) {
        if self.least_rate == 0 {
            return;
        }
        let nanos = (bytes as u128).saturating_mul(1_000_000_000) / u128::from(self.least_rate);
        let earned = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)).min(FAR);
        self.due = (self.due + earned).min(now + self.grace);
    }

    /// Moves the deadline by a time in which nothing could come.
    pub(crate) fn forgive(&mut self, time: Duration) {
        self.due += time.min(FAR);
    }

    /// When the bytes are late, unless more come before.
    #[must_use]
    pub fn due(&self) -> Instant {
        self.due
    }

    /// Returns `true` if the bytes are late.
    #[must_use]
    pub fn is_late(&self, now: Instant) -> bool {
        now >= self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_steady_rate_is_never_late_and_a_drip_is_late_after_the_grace() {
        let start = Instant::now();
        let mut pace = Pace::new(start, 30 * SECOND, 1_000);
        for second in 1..1_000 {
            let now = start + second * SECOND;
            assert!(!pace.is_late(now), "{second}");
            pace.came(now, 1_000);
        }
        // What came fast before earns no more than the grace.
        let end = start + 1_000 * SECOND;
        pace.came(end, 10 << 20);
        for second in 1..30 {
            let now = end + second * SECOND;
            assert!(!pace.is_late(now), "{second}");
            pace.came(now, 1);
        }
        assert!(pace.is_late(end + 31 * SECOND));
    }

    #[test]
    fn half_the_rate_is_late_after_twice_the_grace() {
        let start = Instant::now();
        let mut pace = Pace::new(start, 10 * SECOND, 1_000);
        let late = (1..100).find(|second| {
            let now = start + *second * SECOND;
            let late = pace.is_late(now);
            pace.came(now, 500);
            late
        });
        assert_eq!(late, Some(19));
    }

    #[test]
    fn without_a_rate_the_deadline_stays() {
        let start = Instant::now();
        let mut pace = Pace::new(start, 10 * SECOND, 0);
        pace.came(start + 9 * SECOND, usize::MAX);
        assert!(!pace.is_late(start + 9 * SECOND));
        assert!(pace.is_late(start + 10 * SECOND));
    }

    #[test]
    fn no_number_is_too_large() {
        let start = Instant::now();
        let mut pace = Pace::new(start, Duration::MAX, 1);
        pace.came(start, usize::MAX);
        pace.forgive(Duration::MAX);
        assert!(!pace.is_late(start));
    }
}
