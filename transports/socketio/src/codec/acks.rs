//! Acknowledgements that wait for their responses.

use std::collections::BTreeMap;

use parking_lot::Mutex;

/// So many may wait; more than that, and the oldest is given up.
const MOST: usize = 1_024;

/// What the ids of such requests begin with.
const PREFIX: &str = "socket.io:";

/// The acknowledgements of one connection.
#[derive(Debug)]
pub(crate) struct Acks<T>(Mutex<Waiting<T>>);

#[derive(Debug)]
struct Waiting<T> {
    next: u64,
    waiting: BTreeMap<u64, T>,
}

impl<T> Default for Acks<T> {
    fn default() -> Self {
        Self(Mutex::new(Waiting {
            next: 0,
            waiting: BTreeMap::new(),
        }))
    }
}

impl<T> Acks<T> {
    /// Keeps one until its response comes; the id the response will have.
    pub(crate) fn wait(&self, ack: T) -> String {
        let mut acks = self.0.lock();
        acks.next += 1;
        let id = acks.next;
        let dropped = match acks.waiting.len() {
            MOST.. => acks.waiting.pop_first(),
            _ => None,
        };
        acks.waiting.insert(id, ack);
        drop(acks);
        drop(dropped);
        format!("{PREFIX}{id}")
    }

    /// The one of a response.
    pub(crate) fn take(&self, id: &str) -> Option<T> {
        let id = id.strip_prefix(PREFIX)?.parse().ok()?;
        self.0.lock().waiting.remove(&id)
    }

    /// Gives all of them up.
    pub(crate) fn clear(&self) {
        let waiting = std::mem::take(&mut self.0.lock().waiting);
        drop(waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_once_and_the_oldest_is_given_up() {
        let acks = Acks::default();
        let ids: Vec<_> = (0..MOST + 2).map(|n| acks.wait(n)).collect();
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
