//! How many messages a spark may send in a time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::clients::Client;

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

impl MessageRate {
    /// The bound of a client whose connections have this one, where it is not set: of
    /// [`PER_CLIENT`] connections. None if this is none.
    pub(crate) fn per_client(self, set: Self) -> Option<Rate> {
        let set_rate = Rate::new(set.per_second, set.burst);
        set_rate.or_else(|| {
            let burst = self.burst.saturating_mul(PER_CLIENT);
            Rate::new(self.per_second * f64::from(PER_CLIENT), burst)
        })
    }
}

/// So many connections at full rate are one client's by default.
const PER_CLIENT: u32 = 20;

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

    /// What one takes of the time.
    pub(crate) fn interval(self) -> Duration {
        self.interval
    }

    /// What so many at once take.
    pub(crate) fn burst(self) -> Duration {
        self.burst
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

/// What one spark has sent, and with it its client.
#[derive(Debug)]
pub(crate) struct Meter {
    /// Its own bound, if it has one.
    rate: Option<Rate>,
    taken: Bucket,
    /// What it may have refused before it is ended.
    refusals: Rate,
    refused: Bucket,
    /// Its client, if that is bounded.
    client: Option<Arc<Client>>,
}

impl Meter {
    /// A meter, where there is a bound.
    pub(crate) fn new(
        rate: MessageRate,
        client: Option<&Arc<Client>>,
        now: Instant,
    ) -> Option<Self> {
        let rate = Rate::new(rate.per_second, rate.burst);
        let client = client.filter(|client| client.rate().is_some());
        Some(Self {
            rate,
            taken: Bucket::new(now),
            refusals: rate.or_else(|| client?.rate())?,
            refused: Bucket::new(now),
            client: client.cloned(),
        })
    }

    /// Counts a message. The spark's own bound comes first, so that one that is over it takes nothing
    /// from its client's other sparks; and only what it was refused itself ends it.
    pub(crate) fn count(&mut self, now: Instant) -> Verdict {
        let own = self.rate.is_none_or(|rate| self.taken.take(now, rate));
        let client = || self.client.as_ref();
        if own && client().is_none_or(|client| client.take_message(now)) {
            Verdict::Within
        } else if self.refused.take(now, self.refusals) {
            Verdict::Over
        } else {
            Verdict::TooMany
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::{ClientKey, Clients};

    #[test]
    fn a_burst_passes_then_as_many_are_refused_then_it_is_enough() {
        let start = Instant::now();
        let mut meter = Meter::new(MessageRate::new(10.0, 5), None, start).unwrap();
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
        let mut meter = Meter::new(MessageRate::new(1_000.0, 1), None, start).unwrap();
        for millis in 0..10_000 {
            let now = start + Duration::from_millis(millis);
            assert_eq!(meter.count(now), Verdict::Within);
        }
    }

    #[test]
    fn who_sends_half_as_much_again_is_refused_a_third_and_stays() {
        let start = Instant::now();
        let mut meter = Meter::new(MessageRate::new(1_000.0, 10), None, start).unwrap();
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
    fn a_client_is_bounded_by_itself_or_by_twenty_connections() {
        let off = MessageRate::default();
        assert!(off.per_client(off).is_none());
        let usual = MessageRate::new(10.0, 5).per_client(off).unwrap();
        assert_eq!(usual.interval(), Duration::from_millis(5));
        assert_eq!(usual.burst(), Duration::from_millis(500));
        let own = MessageRate::new(1.0, 3);
        for connection in [off, MessageRate::new(10.0, 5)] {
            let set = connection.per_client(own).unwrap();
            assert_eq!(set.interval(), Duration::from_secs(1));
            assert_eq!(set.burst(), Duration::from_secs(3));
        }
    }

    #[test]
    fn connections_of_a_client_share_its_rate_and_each_answers_for_its_own_refusals() {
        let start = Instant::now();
        let clients = Clients::new(Rate::new(0.001, 6), 10, start);
        let key = || ClientKey::of(Some("ann".into()), None).unwrap();
        let meter = |rate| {
            let client = clients.get(key(), start).unwrap();
            Meter::new(rate, Some(&client), start).unwrap()
        };
        let mut first = meter(MessageRate::new(0.001, 4));
        let counted = |meter: &mut Meter, count| -> Vec<_> {
            (0..count).map(|_| meter.count(start)).collect()
        };
        use Verdict::{Over, TooMany, Within};
        let all = counted(&mut first, 9);
        assert_eq!(
            all,
            [
                Within, Within, Within, Within, Over, Over, Over, Over, TooMany
            ]
        );
        // What it was refused by its own rate is not its client's.
        let mut second = meter(MessageRate::new(0.001, 4));
        assert_eq!(counted(&mut second, 4), [Within, Within, Over, Over]);
        // Nor ends it the others: they are ended for what they were refused themselves.
        let mut third = meter(MessageRate::default());
        assert_eq!(
            counted(&mut third, 7),
            [Over, Over, Over, Over, Over, Over, TooMany]
        );
    }

    #[test]
    fn nothing_is_counted_without_a_bound() {
        assert!(Meter::new(MessageRate::default(), None, Instant::now()).is_none());
        // Whatever the numbers are, they are one bound or another.
        for off in [-1.0, f64::NAN, f64::NEG_INFINITY] {
            assert!(Meter::new(MessageRate::new(off, 1), None, Instant::now()).is_none());
        }
        for (per_second, burst) in [
            (1.0, u32::MAX),
            (1.0, 0),
            (f64::MAX, 1),
            (f64::INFINITY, 1),
            (f64::MIN_POSITIVE, u32::MAX),
        ] {
            let mut meter = Meter::new(MessageRate::new(per_second, burst), None, Instant::now());
            let verdict = meter.as_mut().map(|meter| meter.count(Instant::now()));
            assert_eq!(verdict, Some(Verdict::Within), "{per_second} {burst}");
        }
    }
}
