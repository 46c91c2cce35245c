//! How many messages a spark may send in a time.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// How many messages one spark may send, control messages and the pings of its engine included.
/// Off by default.
///
/// A spark may send `burst` messages at once, and `per_second` of them are forgiven each second.
/// What it sends beyond that is refused: [`Handler::over_rate`](crate::Handler::over_rate) is told
/// instead of [`Handler::message`](crate::Handler::message), and control messages have no answer.
/// Refused ones are counted by the same measure: a spark that sends more than that again is ended
/// with 1008.
///
/// There is no timer: all is computed when a message comes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct MessageRate {
    /// How many messages a second may come for long; 0.1 is one in ten seconds. Default 0: no
    /// bound.
    pub per_second: f64,
    /// How many may come at once; at least 1. Default 100.
    pub burst: u32,
}

impl Default for MessageRate {
    fn default() -> Self {
        Self {
            per_second: 0.0,
            burst: 100,
        }
    }
}

impl MessageRate {
    /// So many messages a second, and so many at once.
    #[must_use]
    pub fn new(per_second: f64, burst: u32) -> Self {
        Self { per_second, burst }
    }
}

/// How many new connections may come in a time. Off by default.
///
/// `burst` connections may come at once, and `per_second` of them are forgiven each second; more are
/// refused.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConnectRate {
    /// How many connections a second may come for long. Default 0: no bound.
    pub per_second: f64,
    /// How many may come at once; at least 1. Default 100.
    pub burst: u32,
}

impl Default for ConnectRate {
    fn default() -> Self {
        Self {
            per_second: 0.0,
            burst: 100,
        }
    }
}

impl ConnectRate {
    /// So many connections a second, and so many at once.
    #[must_use]
    pub fn new(per_second: f64, burst: u32) -> Self {
        Self { per_second, burst }
    }
}

/// No rate is slower than one message in that time.
const LONGEST: Duration = Duration::from_secs(86_400);

/// What a message comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Within,
    /// It is to be refused.
    Over,
    /// So many were refused that the spark is to be ended.
    TooMany,
}

/// So many in a second, and so many at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// What one takes of the time.
    interval: Duration,
    burst: Duration,
}

impl Rate {
    /// A rate, where it is a bound: more than 0 in a second.
    pub(crate) fn new(per_second: f64, burst: u32) -> Option<Self> {
        if per_second.is_nan() || per_second <= 0.0 {
            return None;
        }
        let interval = Duration::try_from_secs_f64(per_second.recip());
        let interval = interval.unwrap_or(LONGEST).min(LONGEST);
        Some(Self {
            interval,
            burst: interval.saturating_mul(burst.max(1)),
        })
    }
}

/// What was counted against a [`Rate`]: it is empty at some time, and each message makes that an
/// interval later. No message may make it later than a burst from now.
#[derive(Debug)]
pub(crate) struct Bucket {
    empty_at: Instant,
}

impl Bucket {
    /// A bucket that is empty.
    pub(crate) fn new(now: Instant) -> Self {
        Self { empty_at: now }
    }

    /// Counts one. Returns `false`, and counts nothing, if it is over the rate.
    pub(crate) fn take(&mut self, now: Instant, rate: Rate) -> bool {
        let empty_at = self.empty_at.max(now) + rate.interval;
        let fits = empty_at.duration_since(now) <= rate.burst;
        if fits {
            self.empty_at = empty_at;
        }
        fits
    }

    /// Returns `true` if all that was counted is forgiven.
    pub(crate) fn is_empty(&self, now: Instant) -> bool {
        self.empty_at <= now
    }
}

/// What one spark has sent.
#[derive(Debug)]
pub(crate) struct Meter {
    rate: Rate,
    taken: Bucket,
    refused: Bucket,
}

impl Meter {
    /// A meter, where there is a bound.
    pub(crate) fn new(rate: MessageRate, now: Instant) -> Option<Self> {
        Some(Self {
            rate: Rate::new(rate.per_second, rate.burst)?,
            taken: Bucket::new(now),
            refused: Bucket::new(now),
        })
    }

    pub(crate) fn count(&mut self, now: Instant) -> Verdict {
        if self.taken.take(now, self.rate) {
            Verdict::Within
        } else if self.refused.take(now, self.rate) {
            Verdict::Over
        } else {
            Verdict::TooMany
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_as_many_are_refused_then_it_is_enough() {
        let start = Instant::now();
        let mut meter = Meter::new(MessageRate::new(10.0, 5), start).unwrap();
        let mut count = |millis| meter.count(start + Duration::from_millis(millis));
        for _ in 0..5 {
            assert_eq!(count(0), Verdict::Within);
        }
        for _ in 0..5 {
            assert_eq!(count(0), Verdict::Over);
        }
        assert_eq!(count(0), Verdict::TooMany);
        // Ten a second are forgiven, of each kind.
        assert_eq!(count(99), Verdict::TooMany);
        assert_eq!(count(100), Verdict::Within);
        assert_eq!(count(100), Verdict::Over);
        assert_eq!(count(100), Verdict::TooMany);
        // A long pause forgives a burst, and no more.
        for expected in [Verdict::Within, Verdict::Over] {
            for _ in 0..5 {
                assert_eq!(count(3_600_000), expected);
            }
        }
        assert_eq!(count(3_600_000), Verdict::TooMany);
    }

    #[test]
    fn who_sends_as_fast_as_it_may_is_never_refused() {
        let start = Instant::now();
        let mut meter = Meter::new(MessageRate::new(1_000.0, 1), start).unwrap();
        for millis in 0..10_000 {
            let now = start + Duration::from_millis(millis);
            assert_eq!(meter.count(now), Verdict::Within);
        }
    }

    #[test]
    fn who_sends_half_as_much_again_is_refused_a_third_and_stays() {
        let start = Instant::now();
        let mut meter = Meter::new(MessageRate::new(1_000.0, 10), start).unwrap();
        let mut over = 0;
        for message in 0..15_000_u64 {
            let now = start + Duration::from_nanos(message * 1_000_000 * 2 / 3);
            match meter.count(now) {
                Verdict::Within => {}
                Verdict::Over => over += 1,
                Verdict::TooMany => panic!("ended at message {message}"),
            }
        }
        assert!((4_900..5_000).contains(&over), "{over} were refused");
    }

    #[test]
    fn nothing_is_counted_without_a_bound() {
        assert!(Meter::new(MessageRate::default(), Instant::now()).is_none());
        // Whatever the numbers are, they are one bound or another.
        for off in [-1.0, f64::NAN, f64::NEG_INFINITY] {
            assert!(Meter::new(MessageRate::new(off, 1), Instant::now()).is_none());
        }
        for (per_second, burst) in [
            (1.0, u32::MAX),
            (1.0, 0),
            (f64::MAX, 1),
            (f64::INFINITY, 1),
            (f64::MIN_POSITIVE, u32::MAX),
        ] {
            let mut meter = Meter::new(MessageRate::new(per_second, burst), Instant::now());
            let verdict = meter.as_mut().map(|meter| meter.count(Instant::now()));
            assert_eq!(verdict, Some(Verdict::Within), "{per_second} {burst}");
        }
    }
}
