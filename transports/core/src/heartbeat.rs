//! Heartbeats: one wheel for all sparks of a server, O(1) for each.
//!
//! The ping interval is divided into slots. A spark sits in the slot that was current when it
//! opened, so it is visited exactly once an interval and the visits of many sparks are spread as
//! their arrivals were. A visit ends the spark if nothing was heard since the last one, else it
//! pings.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use slab::Slab;

use crate::{close::CloseReason, control, inlet, server::ServerInner, spark::Spark, turn::turn};

/// More slots spread better; fewer wake an idle server less often.
const SLOTS: usize = 128;

/// The shortest time between two slots.
const MIN_TICK: Duration = Duration::from_millis(5);

pub(crate) struct Wheel {
    slots: Box<[Mutex<Slab<Spark>>]>,
    current: AtomicUsize,
    tick: Duration,
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
        let slots = usize::try_from(most).unwrap_or(SLOTS).min(SLOTS);
        Self {
            slots: (0..slots).map(|_| Mutex::default()).collect(),
            current: AtomicUsize::new(0),
            tick: interval / u32::try_from(slots).unwrap_or(1),
        }
    }

    pub(crate) fn sit(&self, spark: &Spark) {
        let slot = self.current.load(Ordering::Relaxed);
        let key = self.slots[slot].lock().insert(spark.clone());
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

    fn turn(&self) -> Vec<Spark> {
        let slot = (self.current.load(Ordering::Relaxed) + 1) % self.slots.len();
        self.current.store(slot, Ordering::Relaxed);
        let slot = self.slots[slot].lock();
        slot.iter().map(|(_, spark)| spark.clone()).collect()
    }
}

/// Turns the wheel for as long as the server exists.
pub(crate) async fn run(server: Weak<ServerInner>) {
    let Some(tick) = server
        .upgrade()
        .and_then(|s| s.wheel.as_ref().map(|w| w.tick))
    else {
        return;
    };
    let mut ticks = tokio::time::interval(tick);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(server) = server.upgrade() else {
            return;
        };
        if let Some(wheel) = &server.wheel {
            beat(&server, wheel.turn());
        }
    }
}

fn beat(server: &Arc<ServerInner>, sparks: Vec<Spark>) {
    if sparks.is_empty() {
        return;
    }
    let ping = control::ping(&server.parser);
    let _turn = turn();
    for spark in sparks {
        if !spark.is_open() {
            continue;
        }
        let alive = spark.0.alive.swap(false, Ordering::Relaxed);
        if !alive && !inlet::is_paused(&spark) {
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
