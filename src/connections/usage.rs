//! What a client has under way and has published: all its connections together, and HTTP.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use stellarfw_transport::{Client, ClientState};

use super::{ByteMeter, Moment};

/// What is counted for a client.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    pub(crate) actions: AtomicU32,
    pub(crate) files: AtomicU32,
    pub(crate) published: ByteMeter,
}

impl Usage {
    /// That of a client.
    pub(crate) fn of(client: &Arc<Client>) -> Option<&Self> {
        client.state(Self::default)
    }
}

impl ClientState for Usage {
    fn is_idle(&self) -> bool {
        self.actions.load(Ordering::Relaxed) == 0
            && self.files.load(Ordering::Relaxed) == 0
            && self.published.is_empty(Moment::now())
    }
}

/// Adds one to a counter that may reach `most`. Returns `false` if it has.
pub(crate) fn take(counter: &AtomicU32, most: u32) -> bool {
    counter
        .fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| {
            (n < most).then_some(n + 1)
        })
        .is_ok()
}

/// The place of a call over HTTP among its client's actions; given free when it is dropped.
#[derive(Debug)]
pub(crate) struct HttpPlace(Option<Arc<Client>>);

impl HttpPlace {
    /// Takes a place, if the client has less than `most` actions under way; 0 is no bound.
    pub(crate) fn take(client: Option<&Arc<Client>>, most: u32) -> Option<Self> {
        let counted = client.filter(|_| most > 0);
        let usage = counted.and_then(Usage::of);
        if usage.is_some_and(|usage| !take(&usage.actions, most)) {
            return None;
        }
        Some(Self(counted.cloned()))
    }
}

impl Drop for HttpPlace {
    fn drop(&mut self) {
        if let Some(usage) = self.0.as_ref().and_then(Usage::of) {
            usage.actions.fetch_sub(1, Ordering::AcqRel);
        }
    }
}
