//! Stopping without breaking anything off: connections leave in waves, each when its actions are
//! done.

use std::time::Duration;

use stellarfw_transport::{CloseReason, Shutdown};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::Stellar;
use crate::connections::Connection;

/// So often a wave is sent away.
const WAVE: Duration = Duration::from_millis(100);
/// So often connections are looked at whose actions were under way.
const LOOK: Duration = Duration::from_millis(10);

impl Stellar {
    /// Stops as [`Config::drain`](crate::Config::drain) says. `/readyz` says 503 at once; after
    /// the delay no new connections come in, and those there are are sent away in waves, to come
    /// again elsewhere: each when its actions are done, and what it calls meanwhile gets 006. What
    /// is left at the deadline is cut. Gives the number of those.
    ///
    /// Cancel safe in that [`Stellar::shutdown`] goes on where it was dropped.
    pub async fn drain(&self) -> usize {
        let config = &self.inner.config.drain;
        let spread = Duration::from_millis(config.spread);
        self.inner.availability.drain();
        sleep(Duration::from_millis(config.delay)).await;
        self.server.refuse_new();
        let deadline = Instant::now() + Duration::from_millis(config.deadline).max(spread);
        timeout_at(deadline, async {
            self.waves(spread).await;
            self.inner.availability.stop();
            // Those that opened while the doors were being closed, and those still at work.
            while self.server.connections() > 0 {
                let send_away = |it: &Connection| send_away(it, config.reconnect_within);
                self.connections().iter().for_each(send_away);
                sleep(LOOK).await;
            }
        })
        .await
        .ok();
        self.shutdown(Shutdown {
            reconnect: true,
            deadline: self.server.config().close_timeout().min(
                // Who was cut off by the deadline is not waited for.
                deadline.saturating_duration_since(Instant::now()),
            ),
        })
        .await
    }

    async fn waves(&self, spread: Duration) {
        let connections = self.connections();
        let waves = usize::try_from(spread.as_millis() / WAVE.as_millis()).unwrap_or(1);
        let size = connections.len().div_ceil(waves.max(1)).max(1);
        let mut next = Instant::now();
        for wave in connections.chunks(size) {
            for connection in wave {
                send_away(connection, self.inner.config.drain.reconnect_within);
            }
            if waves > 1 {
                next += WAVE;
                sleep_until(next).await;
            }
        }
    }
}

/// Takes no more actions of a connection, and sends it away if none is under way. It may come again
/// within so many milliseconds.
fn send_away(connection: &Connection, reconnect_within: u64) {
    connection.leave();
    if connection.pending_actions() == 0 && connection.spark().is_open() {
        connection.push_goodbye(reconnect_within);
        connection
            .spark()
            .close(CloseReason::Shutdown { reconnect: true });
    }
}
