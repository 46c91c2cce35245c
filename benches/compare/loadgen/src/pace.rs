//! Pacing of messages that are spread evenly over time.
//!
//! Tokio's timers have a resolution of a millisecond, so messages due within one would be sent
//! together. The clock is therefore a separate thread with precise sleeps.

use std::{
    cell::Cell,
    rc::Rc,
    thread::{sleep, spawn},
    time::{Duration, Instant},
};

use tokio::sync::{
    Notify,
    mpsc::{UnboundedReceiver, unbounded_channel},
};

/// The permits of one connection to send.
#[derive(Clone, Default)]
pub struct Turn(Rc<Slot>);

#[derive(Default)]
struct Slot {
    due: Cell<u32>,
    notify: Notify,
}

impl Turn {
    /// Waits until a message is due. Cancel safe.
    pub async fn next(&self) {
        while self.0.due.get() == 0 {
            self.0.notify.notified().await;
        }
        self.0.due.set(self.0.due.get() - 1);
    }

    fn give(&self) {
        self.0.due.set(self.0.due.get() + 1);
        self.0.notify.notify_one();
    }
}

/// Signals `turns` round-robin, `rate` per second in bursts of `burst`, until dropped.
pub async fn pace(turns: &[Turn], rate: f64, burst: u32) {
    deal(
        turns,
        burst,
        clock(Duration::from_secs_f64(f64::from(burst) / rate)),
    )
    .await;
}

/// Signals `burst` of `turns` at each tick.
async fn deal(turns: &[Turn], burst: u32, mut ticks: UnboundedReceiver<()>) {
    let mut order = turns.iter().cycle();
    while ticks.recv().await.is_some() {
        for turn in order.by_ref().take(burst as usize) {
            turn.give();
        }
    }
}

/// Ticks once per `interval`. Late ticks are caught up, so that the rate holds.
fn clock(interval: Duration) -> UnboundedReceiver<()> {
    let (sender, ticks) = unbounded_channel();
    spawn(move || {
        let mut next = Instant::now();
        loop {
            next += interval;
            sleep(next.saturating_duration_since(Instant::now()));
            if sender.send(()).is_err() {
                break;
            }
        }
    });
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("runtime")
            .block_on(future)
    }

    #[test]
    fn turns_are_given_in_order_and_none_is_lost() {
        let turns: Vec<_> = (0..3).map(|_| Turn::default()).collect();
        let (sender, ticks) = unbounded_channel();
        for _ in 0..4 {
            sender.send(()).expect("a receiver");
        }
        drop(sender);
        block_on(async {
            deal(&turns, 2, ticks).await;
            assert_eq!([3, 3, 2], [0, 1, 2].map(|at: usize| turns[at].0.due.get()));
            for _ in 0..3 {
                turns[0].next().await;
            }
            assert_eq!(0, turns[0].0.due.get());
        });
    }

    #[test]
    fn the_clock_is_not_fast() {
        let start = Instant::now();
        let mut ticks = clock(Duration::from_millis(2));
        for _ in 0..5 {
            assert_eq!(Some(()), block_on(ticks.recv()));
        }
        assert!(start.elapsed() >= Duration::from_millis(10));
    }
}
