//! Places: the bounds of what a connection and its client have under way.

use std::sync::atomic::{AtomicU32, Ordering};

use super::{
    Connection, State,
    usage::{self, Usage},
};

impl Connection {
    /// Takes a place for an action, if the connection and its client have one.
    pub(crate) fn begin_action(&self) -> Option<BorrowedPlace<'_>> {
        let place = self.take_place(Counters {
            own: |state| &state.pending_actions,
            client: Some(|usage| &usage.actions),
        })?;
        self.state().total_actions.fetch_add(1, Ordering::Relaxed);
        Some(place)
    }

    /// Takes a place for a file, if the connection and its client have one.
    pub(crate) fn begin_file(&self) -> Option<Place> {
        let place = self.take_place(Counters {
            own: |state| &state.pending_files,
            client: Some(|usage| &usage.files),
        })?;
        Some(place.keep())
    }

    /// Takes a place for an event whose listeners may have to be awaited.
    pub(crate) fn begin_event(&self) -> Option<Place> {
        let own: fn(&State) -> &AtomicU32 = |state| &state.pending_events;
        let state = self.state();
        usage::take(own(state), state.shared.limits.events).then(|| Place {
            connection: self.clone(),
            counters: Counters { own, client: None },
        })
    }

    fn take_place(&self, mut counters: Counters) -> Option<BorrowedPlace<'_>> {
        let state = self.state();
        let limits = &state.shared.limits;
        if !usage::take((counters.own)(state), limits.actions) {
            return None;
        }
        let most = limits.actions_per_client;
        let usage = self.usage().filter(|_| most > 0);
        match (usage, counters.client) {
            (Some(usage), Some(of_client)) => {
                if !usage::take(of_client(usage), most) {
                    (counters.own)(state).fetch_sub(1, Ordering::AcqRel);
                    return None;
                }
            }
            _ => counters.client = None,
        }
        Some(BorrowedPlace {
            connection: self,
            counters,
        })
    }
}

/// Where a place is counted: for the connection, and for its client.
#[derive(Clone, Copy)]
struct Counters {
    own: fn(&State) -> &AtomicU32,
    client: Option<fn(&Usage) -> &AtomicU32>,
}

impl Counters {
    fn release(self, connection: &Connection) {
        (self.own)(connection.state()).fetch_sub(1, Ordering::AcqRel);
        if let (Some(counter), Some(usage)) = (self.client, connection.usage()) {
            counter(usage).fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// A place for work that is usually done at once. Dropping it releases the place.
pub(crate) struct BorrowedPlace<'a> {
    connection: &'a Connection,
    counters: Counters,
}

impl BorrowedPlace<'_> {
    /// Keeps the place for work that has to be awaited.
    pub(crate) fn keep(self) -> Place {
        let place = Place {
            connection: self.connection.clone(),
            counters: self.counters,
        };
        std::mem::forget(self);
        place
    }
}

impl Drop for BorrowedPlace<'_> {
    fn drop(&mut self) {
        self.counters.release(self.connection);
    }
}

/// A place for work that has to be awaited. Dropping it releases the place.
pub(crate) struct Place {
    connection: Connection,
    counters: Counters,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.counters.release(&self.connection);
    }
}
