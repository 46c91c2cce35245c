use super::*;

const KIB: usize = 1 << 10;
const SECOND: Duration = Duration::from_secs(1);
const RATE: Option<LeastRate> = Some((Duration::from_secs(30), 1_024));

/// Sparks that are numbers.
struct Sparks {
    ledger: Ledger<usize>,
    slots: Vec<Slot>,
    used: isize,
}

impl Sparks {
    fn new(count: usize) -> Self {
        Self {
            ledger: Ledger::default(),
            slots: (0..count).map(|_| Slot::default()).collect(),
            used: 0,
        }
    }

    fn outbound(&mut self, spark: usize, own: usize, share: usize) {
        let slot = &self.slots[spark];
        self.used += self.ledger.outbound(slot, || spark, own, share);
    }

    fn assembling(&mut self, spark: usize, bytes: usize, is_new: bool) {
        let slot = &self.slots[spark];
        let noted = self.ledger.assembling(slot, || spark, bytes, is_new, RATE);
        self.used += noted.0;
    }

    fn close(&mut self, spark: usize) {
        let noted = self.ledger.close(&self.slots[spark]);
        self.used -= (noted.assembly + noted.outbound) as isize;
    }

    fn all_largest(&self) -> Vec<usize> {
        std::iter::from_fn(|| self.ledger.take_largest()).collect()
    }

    fn late(&self, now: Instant) -> Vec<usize> {
        let nobody = |_: &usize| false;
        self.ledger.late(now, Duration::ZERO, SECOND, nobody)
    }
}

#[test]
fn the_largest_are_found_first_and_the_smallest_never() {
    let mut sparks = Sparks::new(6);
    sparks.outbound(0, 3 * KIB, 0);
    sparks.outbound(1, KIB - 1, 0);
    sparks.assembling(2, 300 * KIB, true);
    sparks.outbound(3, 70 * KIB, 0);
    sparks
        .ledger
        .leased(&sparks.slots[4], || 4, 260 * KIB as isize);
    // In a class the larger goes first, too.
    sparks.outbound(5, 100 * KIB, 0);
    assert_eq!(sparks.all_largest(), [2, 4, 5, 3, 0]);
}

#[test]
fn all_kinds_of_one_spark_count_together() {
    let mut sparks = Sparks::new(2);
    sparks.outbound(0, 100 * KIB, 0);
    sparks.outbound(1, 60 * KIB, 10 * KIB);
    sparks.assembling(1, 60 * KIB, true);
    assert_eq!(sparks.used, 220 * KIB as isize);
    assert_eq!(sparks.all_largest(), [1, 0]);
}

#[test]
fn what_is_let_go_of_is_given_back_once() {
    let mut sparks = Sparks::new(2);
    sparks.outbound(0, 5_000, 70);
    sparks.outbound(0, 2_000, 70);
    assert_eq!(sparks.used, 2_000);
    sparks.assembling(0, 700, true);
    assert!(!sparks.slots[0].is_empty());
    sparks.outbound(0, 0, 0);
    sparks.assembling(0, 0, false);
    assert_eq!(sparks.used, 0);
    assert!(sparks.slots[0].is_empty());
    assert!(sparks.all_largest().is_empty());

    sparks.outbound(0, 9_000, 0);
    sparks.outbound(1, 8_000, 0);
    sparks.close(0);
    sparks.close(0);
    // Nothing is noted of those who are gone.
    sparks.outbound(0, 7_000, 0);
    sparks.assembling(0, 7_000, true);
    assert_eq!(sparks.used, 8_000);
    assert_eq!(sparks.all_largest(), [1]);
}

#[test]
fn what_the_ended_still_hold_is_known() {
    let mut sparks = Sparks::new(3);
    sparks.outbound(0, 500 * KIB, 0);
    sparks.assembling(0, 40 * KIB, true);
    sparks.outbound(1, 100 * KIB, 50 * KIB);
    assert_eq!(sparks.ledger.take_largest(), Some(0));
    assert_eq!(sparks.ledger.ending(), 540 * KIB);
    sparks.outbound(0, 0, 0);
    assert_eq!(sparks.ledger.ending(), 40 * KIB);
    // It is not taken out twice, whatever it does.
    sparks.outbound(0, 900 * KIB, 0);
    assert_eq!(sparks.all_largest(), [1]);
    assert_eq!(sparks.ledger.ending(), 1_040 * KIB);
    sparks.close(0);
    sparks.outbound(1, 0, 0);
    sparks.close(1);
    assert_eq!((sparks.ledger.ending(), sparks.used), (0, 0));
}

#[test]
fn many_accounts_stay_sorted_whatever_they_do() {
    let mut sparks = Sparks::new(500);
    let mut state = 7_usize;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    let mut held = vec![0; 500];
    for _ in 0..20_000 {
        let spark = random(500);
        let bytes = match random(4) {
            0 => 0,
            _ => 1 << random(24),
        };
        held[spark] = bytes;
        sparks.outbound(spark, bytes, 0);
    }
    assert_eq!(sparks.used, held.iter().sum::<usize>() as isize);
    let found = sparks.all_largest();
    let mut expected: Vec<_> = (0..500).filter(|n| held[*n] >= KIB).collect();
    expected.sort_by_key(|n| std::cmp::Reverse(held[*n]));
    let sizes = |list: &[usize]| list.iter().map(|n| held[*n]).collect::<Vec<_>>();
    assert_eq!(sizes(&found), sizes(&expected));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_drips_is_late_and_a_steady_one_is_not() {
    let mut sparks = Sparks::new(3);
    let (drip, steady, next) = (0, 1, 2);
    assert!(!sparks.ledger.has_assemblies());
    for second in 0..120 {
        let size = if second == 0 {
            10 << 20
        } else {
            (10 << 20) + second
        };
        sparks.assembling(drip, size, second == 0);
        sparks.assembling(steady, 1 + second * 1_024, second == 0);
        // A message after the other, each of them in time.
        sparks.assembling(next, 1 + second % 20, second % 20 == 0);
        tokio::time::advance(SECOND).await;
        let late = sparks.late(Instant::now());
        let expected: &[usize] = if second >= 30 { &[drip] } else { &[] };
        assert_eq!(late, expected, "{second}");
    }
    assert!(sparks.ledger.has_assemblies());
    for spark in [drip, steady, next] {
        sparks.assembling(spark, 0, false);
    }
    assert!(!sparks.ledger.has_assemblies());
}

#[tokio::test(start_paused = true)]
async fn a_time_in_which_the_server_did_not_read_is_forgiven() {
    let mut sparks = Sparks::new(2);
    sparks.assembling(0, 10, true);
    sparks.assembling(1, 10, true);
    for _ in 0..40 {
        tokio::time::advance(SECOND).await;
        let paused = |spark: &usize| *spark == 1;
        let now = Instant::now();
        sparks.ledger.late(now, Duration::ZERO, SECOND, paused);
    }
    assert_eq!(sparks.late(Instant::now()), [0]);
    // The server was away for a minute.
    let minute = 60 * SECOND;
    tokio::time::advance(minute).await;
    let late = |away| sparks.ledger.late(Instant::now(), away, SECOND, |_| false);
    assert_eq!(late(minute), [0]);
}
