//! Rates in bytes, and meters that count against them.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use serde::{Deserialize, Serialize};

/// A rate in bytes: a burst, of which so many are forgiven each second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ByteRate {
    /// Bytes a second; 0 is no bound.
    pub per_second: u64,
    /// Bytes at once. Default 2 MiB. A single larger message passes when nothing was counted
    /// before.
    #[serde(default = "default_burst")]
    pub burst: u64,
}

fn default_burst() -> u64 {
    2 << 20
}

impl ByteRate {
    /// Creates a rate from bytes a second and bytes at once.
    #[must_use]
    pub fn new(per_second: u64, burst: u64) -> Self {
        Self { per_second, burst }
    }

    fn nanos(self, bytes: u64) -> u64 {
        const NANOS: u64 = 1_000_000_000;
        let per_second = self.per_second.max(1);
        // A division of 128 bits takes several times as long, and messages are not that large.
        if let Some(product) = bytes.checked_mul(NANOS) {
            return product / per_second;
        }
        let nanos = u128::from(bytes) * u128::from(NANOS) / u128::from(per_second);
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }
}

/// The bytes that a message counts in addition to its content.
const ENVELOPE: usize = 100;

/// Counts bytes against a [`ByteRate`]: the moment at which all that was counted is forgiven, in
/// nanoseconds of the process. There is no timer.
#[derive(Debug, Default)]
pub(crate) struct ByteMeter(AtomicU64);

/// A moment, as meters count it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(u64);

impl Moment {
    pub(crate) fn now() -> Self {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        Self(u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

impl ByteMeter {
    /// Counts a message of that many bytes of content. Returns `false`, and counts nothing, if it
    /// is over the rate.
    pub(crate) fn take(&self, len: usize, rate: ByteRate, now: Moment) -> bool {
        if rate.per_second == 0 {
            return true;
        }
        let bytes = u64::try_from(len.saturating_add(ENVELOPE)).unwrap_or(u64::MAX);
        let (takes, burst) = (rate.nanos(bytes), rate.nanos(rate.burst));
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |empty_at| {
                let counted = empty_at.saturating_sub(now.0);
                let fits = counted == 0 || counted.saturating_add(takes) <= burst;
                fits.then(|| now.0.saturating_add(counted).saturating_add(takes))
            })
            .is_ok()
    }

    /// Returns `true` if all that was counted is forgiven.
    pub(crate) fn is_empty(&self, now: Moment) -> bool {
        self.0.load(Ordering::Relaxed) <= now.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment(millis * 1_000_000)
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let rate = ByteRate::new(1_000, 2_000);
        let meter = ByteMeter::default();
        // Of 500 bytes each, with the envelope.
        let take = |millis| meter.take(400, rate, at(millis));
        assert_eq!([take(0), take(0), take(0), take(0)], [true; 4]);
        assert!(!take(0));
        assert!(!take(499));
        assert!(take(500));
        assert!(!take(500));
        // A long pause forgives a burst, and no more.
        let passed = (0..10).filter(|_| take(3_600_000)).count();
        assert_eq!(passed, 4);
    }

    #[test]
    fn who_publishes_at_the_rate_is_never_refused_and_twice_as_much_is_refused_half() {
        let rate = ByteRate::new(1_000_000, 10_000);
        let (steady, fast) = (ByteMeter::default(), ByteMeter::default());
        assert!((0..10_000).all(|millis| steady.take(900, rate, at(millis))));
        let passed = (0..10_000)
            .filter(|millis| fast.take(1_900, rate, at(*millis)))
            .count();
        assert!((5_000..5_010).contains(&passed), "{passed}");
    }

    #[test]
    fn a_message_larger_than_the_burst_passes_alone_and_is_paid_for() {
        let rate = ByteRate::new(1_000, 500);
        let meter = ByteMeter::default();
        assert!(meter.take(9_900, rate, at(0)));
        assert!(!meter.take(0, rate, at(9_599)));
        assert!(meter.take(0, rate, at(9_600)));
    }

    #[test]
    fn odd_numbers_do_no_harm() {
        let meter = ByteMeter::default();
        assert!(meter.take(usize::MAX, ByteRate::new(0, 0), at(0)));
        assert!(meter.take(usize::MAX, ByteRate::new(1, u64::MAX), Moment(u64::MAX)));
        assert!(ByteMeter::default().take(usize::MAX, ByteRate::new(u64::MAX, 0), at(1)));
    }
}
