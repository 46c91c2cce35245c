//! A budget for log lines that clients can cause.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How many lines are written in a [`WINDOW`].
const LINES: u32 = 20;

const WINDOW: Duration = Duration::from_secs(60);

/// Bounds log lines about what clients did wrong, over all of them: a client that reconnects has a
/// new connection, and must not have a new line each time.
#[derive(Debug, Default)]
pub(crate) struct Complaints(Mutex<Option<Window>>);

#[derive(Debug)]
struct Window {
    begun: Instant,
    lines: u32,
    left_out: u64,
}

impl Complaints {
    /// Takes one line of the budget. Returns how many lines were left out since the last one that
    /// was written, or `None` if this one is to be left out, too.
    pub(crate) fn take(&self, now: Instant) -> Option<u64> {
        let mut window = self.0.lock();
        let window = window.get_or_insert(Window {
            begun: now,
            lines: 0,
            left_out: 0,
        });
        if now.duration_since(window.begun) >= WINDOW {
            window.begun = now;
            window.lines = 0;
        }
        if window.lines == LINES {
            window.left_out += 1;
            return None;
        }
        window.lines += 1;
        Some(std::mem::take(&mut window.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_fills_no_log_and_is_counted() {
        let complaints = Complaints::default();
        let start = Instant::now();
        let written = (0..1_000).filter(|_| complaints.take(start).is_some());
        assert_eq!(written.count(), 20);
        let next = start + WINDOW;
        assert_eq!(complaints.take(next - Duration::from_millis(1)), None);
        assert_eq!(complaints.take(next), Some(981));
        assert_eq!(complaints.take(next), Some(0));
    }
}
