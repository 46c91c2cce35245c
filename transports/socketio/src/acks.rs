//! Acknowledgements that the client awaits.

use std::collections::BTreeMap;

use parking_lot::Mutex;

/// The most acknowledgements that are awaited at once; the oldest is dropped for another.
const MAX: usize = 1_024;

/// The prefix of message ids that stand for acknowledgements.
const PREFIX: &str = "socket.io:";

/// The acknowledgements of one connection: the client's numbers, by the message ids that stand for them.
#[derive(Debug, Default)]
pub(crate) struct Acks(Mutex<Pending>);

#[derive(Debug, Default)]
struct Pending {
    next: u64,
    acks: BTreeMap<u64, i64>,
}

impl Acks {
    /// Adds the client's number. Returns the message id that stands for it.
    pub(crate) fn add(&self, ack: i64) -> String {
        let mut pending = self.0.lock();
        pending.next += 1;
        let id = pending.next;
        if pending.acks.len() >= MAX {
            pending.acks.pop_first();
        }
        pending.acks.insert(id, ack);
        drop(pending);
        format!("{PREFIX}{id}")
    }

    /// Takes the client's number for a message id.
    pub(crate) fn take(&self, id: &str) -> Option<i64> {
        let id = id.strip_prefix(PREFIX)?.parse().ok()?;
        self.0.lock().acks.remove(&id)
    }

    /// Drops all of them.
    pub(crate) fn clear(&self) {
        self.0.lock().acks.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_taken_once_and_the_oldest_is_dropped() {
        let acks = Acks::default();
        let ids: Vec<_> = (0..MAX as i64 + 2).map(|n| acks.add(n)).collect();
        assert_eq!(acks.take(&ids[0]), None);
        assert_eq!(acks.take(&ids[1]), None);
        assert_eq!(acks.take(&ids[2]), Some(2));
        assert_eq!(acks.take(&ids[2]), None);
        assert_eq!(acks.take("socket.io:x"), None);
        assert_eq!(acks.take("7"), None);
        acks.clear();
        assert_eq!(acks.take(&ids[3]), None);
    }
}
