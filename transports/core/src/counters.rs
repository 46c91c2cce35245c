//! What is counted over a server's life: cheaply, since every message counts.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

use crate::close::CloseReason;

/// Threads count apart from each other, so that none waits for another's cache line.
const SHARDS: usize = 8;

thread_local! {
    static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
}

fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    SHARD.with(|shard| {
        if shard.get() == usize::MAX {
            shard.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        shard.get()
    })
}

#[derive(Default)]
pub(crate) struct Counters {
    messages: [Messages; SHARDS],
    pub(crate) slow_consumers: AtomicU64,
    dropped: AtomicU64,
    over_rate: AtomicU64,
    refused: AtomicU64,
    closed: [AtomicU64; CloseReason::LABELS.len()],
    /// For each transport: its name, how many of it were opened and closed.
    transports: Vec<(&'static str, AtomicU64, AtomicU64)>,
}

/// As large as two cache lines, which some processors fetch together.
#[derive(Default)]
#[repr(align(128))]
struct Messages {
    received: AtomicU64,
    received_bytes: AtomicU64,
    sent: AtomicU64,
    sent_bytes: AtomicU64,
}

/// What a server has done since its start; see [`Server::counts`](crate::Server::counts).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// The sparks of each transport: its name, those open now, those opened since the start.
    pub transports: Vec<(&'static str, u64, u64)>,
    /// Messages received, control messages apart.
    pub received: u64,
    /// The bytes of their payloads.
    pub received_bytes: u64,
    /// Messages queued to be sent, control messages apart; one for each receiver.
    pub sent: u64,
    /// The bytes of their payloads.
    pub sent_bytes: u64,
    /// Volatile messages that were dropped because an outbox was full.
    pub dropped: u64,
    /// Messages, control messages and pings that were refused because their spark sent more than
    /// its rate.
    pub over_rate: u64,
    /// Connections that were refused: by bounds, by their origin, by the authorizer.
    pub refused: u64,
    /// Sparks that were closed, by [`CloseReason::label`].
    pub closed: Vec<(&'static str, u64)>,
}

impl Counters {
    pub(crate) fn new(transports: impl Iterator<Item = &'static str>) -> Self {
        Self {
            transports: transports
                .map(|name| (name, AtomicU64::new(0), AtomicU64::new(0)))
                .collect(),
            ..Self::default()
        }
    }

    pub(crate) fn received(&self, bytes: usize) {
        let here = &self.messages[shard()];
        here.received.fetch_add(1, Ordering::Relaxed);
        here.received_bytes
            .fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        let here = &self.messages[shard()];
        here.sent.fetch_add(1, Ordering::Relaxed);
        here.sent_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn over_rate(&self) {
        self.over_rate.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn opened(&self, transport: &str) {
        if let Some((_, opened, _)) = self.transports.iter().find(|(name, ..)| *name == transport) {
            opened.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn closed(&self, transport: &str, reason: &CloseReason) {
        self.closed[reason.index()].fetch_add(1, Ordering::Relaxed);
        if let Some((.., closed)) = self.transports.iter().find(|(name, ..)| *name == transport) {
            closed.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let sum = |counter: fn(&Messages) -> &AtomicU64| {
            self.messages.iter().map(|shard| get(counter(shard))).sum()
        };
        Counts {
            transports: self
                .transports
                .iter()
                .map(|(name, opened, closed)| {
                    // Closed first: what opens in between is not counted as closed before.
                    let closed = get(closed);
                    let opened = get(opened);
                    (*name, opened.saturating_sub(closed), opened)
                })
                .collect(),
            received: sum(|shard| &shard.received),
            received_bytes: sum(|shard| &shard.received_bytes),
            sent: sum(|shard| &shard.sent),
            sent_bytes: sum(|shard| &shard.sent_bytes),
            dropped: get(&self.dropped),
            over_rate: get(&self.over_rate),
            refused: get(&self.refused),
            closed: CloseReason::LABELS
                .into_iter()
                .zip(self.closed.iter().map(get))
                .collect(),
        }
    }

    pub(crate) fn all_opened(&self) -> u64 {
        let opened = self.transports.iter().map(|(_, opened, _)| opened);
        opened.map(|opened| opened.load(Ordering::Relaxed)).sum()
    }
}
