//! Heartbeats: one timer wheel for all sparks of a server, O(1) for each.
//!
//! The ping interval is divided into slots, and the slot of a tick follows from the clock. A spark
//! sits in the slot of the tick in which it opened, so it is visited once an interval and the visits
//! of many sparks are spread as their arrivals were. A visit ends the spark if nothing was heard
//! since the last one, else it pings.
//!
//! A process does not always run when it should: it is stopped, its machine is paused, or others
//! take its cores. Ticks that were missed are made up for at once, each slot once, so that lateness
//! never adds up. An interval in which the server itself was away proves nothing about a client, so
//! for one interval after that nobody is ended.

use std::{
    ops::Range,
    sync::{Arc, OnceLock, Weak, atomic::Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use slab::Slab;
use tokio::time::{Instant, MissedTickBehavior};

use crate::{close::CloseReason, control, inlet, server::ServerInner, spark::Spark, turn::turn};

#[cfg(test)]
mod tests;

/// More slots spread better; fewer wake an idle server less often.
const SLOTS: u64 = 128;

/// The shortest time between two slots.
const MIN_TICK: Duration = Duration::from_millis(5);

/// A server that is late by more than this part of the interval was away.
const AWAY: u64 = 4;

/// Visits in a row at which a silent spark may be spared. One absence takes two of them: the visit
/// that is made up for, and the regular one after it.
const SPARED: u8 = 4;

pub(crate) struct Wheel {
    slots: Box<[Mutex<Slab<Seated>>]>,
    tick: Duration,
    /// When the first spark opened; the ticks count from here.
    start: OnceLock<Instant>,
}

struct Seated {
    spark: Spark,
    /// The tick in which it opened, at which it is not to be visited yet.
    tick: u64,
}

/// Where a spark sits in the wheel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    slot: usize,
    key: usize,
}

impl Wheel {
    pub(crate) fn new(interval: Duration) -> Self {
        let most = (interval.as_millis() / MIN_TICK.as_millis()).max(1);
        let slots = u64::try_from(most).unwrap_or(SLOTS).min(SLOTS);
        Self {
            slots: (0..slots).map(|_| Mutex::default()).collect(),
            tick: interval / u32::try_from(slots).unwrap_or(1),
            start: OnceLock::new(),
        }
    }

    fn start(&self) -> Instant {
        *self.start.get_or_init(Instant::now)
    }

    /// The tick that it is now.
    fn now(&self) -> u64 {
        let nanos = self.start().elapsed().as_nanos() / self.tick.as_nanos().max(1);
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }

    fn slot(&self, tick: u64) -> usize {
        // The remainder is below a length.
        usize::try_from(tick % self.slots.len() as u64).unwrap_or_default()
    }

    pub(crate) fn sit(&self, spark: &Spark) {
        let tick = self.now();
        let slot = self.slot(tick);
        let spark_here = spark.clone();
        let key = self.slots[slot].lock().insert(Seated {
            spark: spark_here,
            tick,
        });
        spark.0.seat.set(Seat { slot, key }).ok();
    }

    pub(crate) fn leave(&self, spark: &Spark) {
        if let Some(seat) = spark.0.seat.get() {
            let mut slot = self.slots[seat.slot].lock();
            slot.try_remove(seat.key);
            if slot.is_empty() && slot.capacity() > 64 {
                *slot = Slab::new();
            }
        }
    }

    /// The sparks to be visited at a tick.
    fn due(&self, tick: u64) -> Vec<Spark> {
        let slot = self.slots[self.slot(tick)].lock();
        slot.iter()
            .filter(|(_, seated)| seated.tick < tick)
            .map(|(_, seated)| seated.spark.clone())
            .collect()
    }
}

/// How far the wheel has turned.
#[derive(Debug)]
struct Course {
    slots: u64,
    /// The last tick that was worked off.
    last: u64,
    /// Before this tick a silent spark may be silent because the server was away.
    lenient_until: u64,
}

impl Course {
    /// Moves on to a tick, and returns those to work off: each slot once at most.
    fn advance(&mut self, now: u64) -> Range<u64> {
        let missed = now.saturating_sub(self.last + 1);
        if missed > (self.slots / AWAY).max(1) {
            self.lenient_until = now.saturating_add(self.slots);
        }
        let first = (self.last + 1).max((now + 1).saturating_sub(self.slots));
        self.last = self.last.max(now);
        first..now + 1
    }

    fn is_lenient(&self, tick: u64) -> bool {
        tick < self.lenient_until
    }
}

/// Turns the wheel for as long as the server exists.
pub(crate) async fn run(server: Weak<ServerInner>) {
    let Some((start, tick, mut course)) = server.upgrade().and_then(|server| {
        let wheel = server.wheel.as_ref()?;
        let course = Course {
            slots: wheel.slots.len() as u64,
            last: wheel.now(),
            lenient_until: 0,
        };
        Some((wheel.start(), wheel.tick, course))
    }) else {
        return;
    };
    let mut ticks = tokio::time::interval_at(start + tick, tick);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let Some(server) = server.upgrade() else {
            return;
        };
        let Some(wheel) = &server.wheel else {
            return;
        };
        let due = course.advance(wheel.now());
        let is_backlog = due.end.saturating_sub(due.start) > 1;
        for tick in due {
            beat(&server, wheel.due(tick), course.is_lenient(tick));
            if is_backlog {
                // It may be every spark there is; what they have sent is to be read meanwhile.
                tokio::task::yield_now().await;
            }
        }
    }
}

fn beat(server: &Arc<ServerInner>, sparks: Vec<Spark>, is_lenient: bool) {
    if sparks.is_empty() {
        return;
    }
    let ping = control::ping(&server.parser);
    let _turn = turn();
    for spark in sparks {
        if !spark.is_open() {
            continue;
        }
        let silent = spark.0.silent.fetch_add(1, Ordering::Relaxed);
        let is_spared = silent == 0 || (is_lenient && silent <= SPARED);
        if !is_spared && !inlet::is_paused(&spark) {
            spark.close(CloseReason::HeartbeatTimeout);
            continue;
        }
        spark.ping();
        match &ping {
            // A client that pings by itself does not know the server's ping.
            Some(ping) if !spark.0.legacy.load(Ordering::Relaxed) => {
                spark.send_control(ping.clone());
            }
            _ => spark.flush_now(),
        }
    }
}
