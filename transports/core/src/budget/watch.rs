//! The one task of a server that ends sparks: those that hold most when the budget is over its limit,
//! and those whose messages come too slowly.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::Instant;

use crate::{close::CloseReason, inlet, server::ServerInner, spark::Spark, turn::turn};

/// So often is looked at messages under assembly.
const TICK: Duration = Duration::from_secs(1);

/// A server that is late by more than that was away.
const AWAY: Duration = Duration::from_millis(500);

/// So many sparks are ended before others get their turn.
const BATCH: usize = 64;

/// Watches for as long as the server exists.
pub(crate) async fn watch(server: Weak<ServerInner>) {
    let Some((budget, began)) = server
        .upgrade()
        .map(|server| (server.budget.clone(), server.assembly_began.clone()))
    else {
        return;
    };
    let mut last = Instant::now();
    let mut is_pressed = false;
    loop {
        // From here on no pressure is missed.
        let pressure = budget.pressure();
        let ticks = match server.upgrade() {
            Some(server) => {
                if std::mem::take(&mut is_pressed) || budget.is_over() {
                    relieve(&server).await;
                }
                server.ledger.has_assemblies()
            }
            None => return,
        };
        let tick = async {
            if ticks {
                tokio::time::sleep_until(last + TICK).await;
            } else {
                began.notified().await;
            }
        };
        tokio::select! {
            () = pressure => is_pressed = true,
            () = tick => {
                let Some(server) = server.upgrade() else {
                    return;
                };
                let now = Instant::now();
                let late = now.duration_since(last).saturating_sub(TICK);
                let away = if ticks && late > AWAY { late } else { Duration::ZERO };
                last = now;
                if ticks {
                    end_late(&server, now, away);
                }
            }
        }
    }
}

/// Ends the sparks that hold most until there is room again.
async fn relieve(server: &Arc<ServerInner>) {
    let mut ended = 0;
    while server.excess() > 0 {
        let Some(spark) = server.ledger.take_largest() else {
            return;
        };
        {
            let _turn = turn();
            relieve_of(&spark);
        }
        ended += 1;
        if ended % BATCH == 0 {
            tokio::task::yield_now().await;
        }
    }
}

fn relieve_of(spark: &Spark) {
    let waiting = spark.waiting();
    tracing::debug!(id = %spark.id(), ?waiting, "the memory budget is used up; the spark is ended");
    if spark.is_open() {
        spark.close(CloseReason::OverBudget);
    } else {
        // It is closing, and holds too much meanwhile.
        spark.abort();
    }
}

fn end_late(server: &Arc<ServerInner>, now: Instant, away: Duration) {
    let late = server.ledger.late(now, away, TICK, inlet::is_paused);
    let _turn = turn();
    for spark in late {
        spark.close(CloseReason::TooSlow);
    }
}

impl ServerInner {
    /// How many bytes are to be given back by ending sparks. None while sparks hold less than a
    /// quarter of the budget: then others use it up, and are refused.
    fn excess(&self) -> usize {
        let budget = &self.budget;
        let uses = budget.uses();
        let of_sparks = uses.inbound.saturating_add(uses.outbound);
        if of_sparks <= budget.limit() / 4 {
            return 0;
        }
        budget.excess().saturating_sub(self.ledger.ending())
    }
}

impl Drop for ServerInner {
    fn drop(&mut self) {
        // The watch sees that there is none any more.
        self.assembly_began.notify_one();
    }
}
