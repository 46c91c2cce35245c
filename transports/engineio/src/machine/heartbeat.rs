//! When a client is pinged, and when it has been silent for too long.

use std::time::Duration;

use tokio::time::Instant;

use crate::packet::Version;

/// The intervals of a gateway's sessions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
}

/// A deadline that is served later than by this part of the timeout says nothing about the client: the process did not
/// run when it should have.
const AWAY: u32 = 4;
/// How often in a row a silent client is given another timeout for that.
const SPARED: u8 = 2;
/// How often silence is looked for within the time that a client of protocol 3 may be silent.
const LOOKS: u8 = 4;
/// The distance of a deadline that no clock can express.
const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// What a deadline comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    Nothing,
    Ping,
    Silent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// For the first poll.
    Poll { until: Instant },
    /// Until it is time for a ping.
    Ping,
    /// For a sign of life after a ping.
    Pong { until: Instant },
    /// For a sign of life in protocol 3: none was there at the last `quiet` looks.
    Life { quiet: u8 },
}

/// The heartbeat of one session.
///
/// A sign of life is only noted, and looked for when a deadline comes, so that a message costs no timer.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    version: Version,
    wait: Wait,
    /// When it is time for the next ping; in protocol 3 for the next look.
    at: Instant,
    has_polled: bool,
    /// There was a sign of life since the last deadline.
    is_alive: bool,
    spared: u8,
}

impl Heartbeat {
    pub(crate) fn new(version: Version, on_polling: bool, timing: &Timing, now: Instant) -> Self {
        let (first, delay) = match version {
            Version::V4 => (Wait::Ping, timing.interval),
            Version::V3 => (Wait::Life { quiet: 0 }, look(timing)),
        };
        Self {
            version,
            wait: match on_polling {
                true => Wait::Poll {
                    until: later(now, timing.timeout),
                },
                false => first,
            },
            at: later(now, delay),
            has_polled: !on_polling,
            is_alive: false,
            spared: 0,
        }
    }

    /// The client has polled, or has moved to its WebSocket.
    pub(crate) fn polled(&mut self) {
        self.has_polled = true;
    }

    /// Notes a sign of life.
    pub(crate) fn note_life(&mut self) {
        self.is_alive = true;
    }

    /// Returns when [`due`](Self::due) is to be called next.
    pub(crate) fn next(&self) -> Instant {
        match self.wait {
            Wait::Poll { until } | Wait::Pong { until } => until.min(self.at),
            Wait::Ping | Wait::Life { .. } => self.at,
        }
    }

    /// Serves the deadline, if it has come.
    pub(crate) fn due(&mut self, now: Instant, timing: &Timing) -> Beat {
        if now < self.next() {
            return Beat::Nothing;
        }
        let is_alive = std::mem::take(&mut self.is_alive);
        if is_alive {
            self.spared = 0;
        }
        self.serve(now, timing, is_alive)
    }

    fn serve(&mut self, now: Instant, timing: &Timing, is_alive: bool) -> Beat {
        match self.wait {
            Wait::Poll { .. } if self.has_polled => {
                self.wait = match self.version {
                    Version::V4 => Wait::Ping,
                    Version::V3 => Wait::Life { quiet: 0 },
                };
                self.serve(now, timing, is_alive)
            }
            Wait::Pong { .. } if is_alive => {
                self.wait = Wait::Ping;
                self.serve(now, timing, false)
            }
            Wait::Poll { until } | Wait::Pong { until } if until > now => {
                // The next ping comes after the sign of life that is waited for.
                self.at = self.at.max(until);
                Beat::Nothing
            }
            Wait::Poll { until } => match self.spare(now, until, timing) {
                Some(until) => self.wait_on(Wait::Poll { until }, until),
                None => Beat::Silent,
            },
            Wait::Pong { until } => match self.spare(now, until, timing) {
                Some(until) => self.wait_on(Wait::Pong { until }, until),
                None => Beat::Silent,
            },
            Wait::Ping | Wait::Life { .. } if self.at > now => Beat::Nothing,
            Wait::Ping => {
                self.wait = Wait::Pong {
                    until: later(now, timing.timeout),
                };
                self.at = later(now, timing.interval);
                Beat::Ping
            }
            Wait::Life { quiet } => {
                let was_away = now - self.at > timing.timeout / AWAY;
                let quiet = match is_alive || was_away && self.spared < SPARED {
                    true => 0,
                    false => quiet + 1,
                };
                self.spared += u8::from(was_away && !is_alive && self.spared < SPARED);
                self.wait = Wait::Life { quiet };
                self.at = later(now, look(timing));
                if quiet >= LOOKS {
                    Beat::Silent
                } else {
                    Beat::Nothing
                }
            }
        }
    }

    /// Returns another time to wait for a silent client until, where the process was away at the time that there was.
    fn spare(&mut self, now: Instant, until: Instant, timing: &Timing) -> Option<Instant> {
        let was_away = now - until > timing.timeout / AWAY;
        if !was_away || self.spared >= SPARED {
            return None;
        }
        self.spared += 1;
        Some(later(now, timing.timeout))
    }

    fn wait_on(&mut self, wait: Wait, until: Instant) -> Beat {
        self.wait = wait;
        self.at = self.at.max(until);
        Beat::Nothing
    }
}

/// The time between two looks for silence.
fn look(timing: &Timing) -> Duration {
    (timing.interval.saturating_add(timing.timeout)) / u32::from(LOOKS)
}

/// A time that is later by a delay.
pub(crate) fn later(now: Instant, delay: Duration) -> Instant {
    now.checked_add(delay).unwrap_or_else(|| now + FAR)
}
