//! The byte budget of a process.

mod ledger;
mod limit;
mod pace;
mod spark;
mod watch;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use tokio::sync::{Notify, futures::Notified};

pub(crate) use self::{
    ledger::{Ledger, Slot},
    watch::watch,
};
pub use self::{
    limit::memory_limit,
    pace::Pace,
    spark::{Account, Held, SparkLease},
};

/// Counts the bytes that a server holds for its clients, up to a limit.
///
/// Whatever holds a client's bytes for longer than a call, such as a message under assembly, a full
/// outbox or an upload, holds a [`Lease`] of as many bytes. Cloning is cheap; all clones are one
/// budget.
///
/// ```
/// use stellarfw_transport::Budget;
///
/// let budget = Budget::new(1_000);
/// let lease = budget.try_lease(600).unwrap();
/// assert!(budget.try_lease(600).is_err());
/// drop(lease);
/// assert_eq!(budget.used(), 0);
/// ```
#[derive(Clone)]
pub struct Budget(Arc<Inner>);

struct Inner {
    limit: usize,
    used: AtomicUsize,
    /// Of `used`, what is not [`Holding::Work`].
    inbound: AtomicUsize,
    outbound: AtomicUsize,
    refused: AtomicU64,
    /// The budget is over its limit, or has refused something.
    pressure: Notify,
}

/// What bytes of a [`Budget`] are held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Holding {
    /// Read from a connection and not yet handled.
    Inbound,
    /// Waiting to be written to a connection.
    Outbound,
    /// All else: what is being handled, uploads, files.
    Work,
}

/// How many bytes of a [`Budget`] are held, and for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetUse {
    /// Bytes read from connections and not yet handled.
    pub inbound: usize,
    /// Bytes waiting to be written to connections.
    pub outbound: usize,
    /// All other bytes: what is being handled, uploads, files.
    pub work: usize,
    /// How often work was refused since the start.
    pub refused: u64,
}

/// The budget has no room for as many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the memory budget of {limit} bytes has no room for {wanted} more")]
#[non_exhaustive]
pub struct OverBudget {
    /// How many bytes were asked for.
    pub wanted: usize,
    /// The limit of the budget, in bytes.
    pub limit: usize,
}

impl Budget {
    /// Creates a budget of `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Inner {
            limit,
            used: AtomicUsize::new(0),
            inbound: AtomicUsize::new(0),
            outbound: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            pressure: Notify::new(),
        }))
    }

    /// Creates a budget without a limit; it still counts.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::new(usize::MAX)
    }

    /// Creates the default budget: a quarter of [`memory_limit`].
    #[must_use]
    pub fn of_process() -> Self {
        Self::new(memory_limit() / 4)
    }

    /// Creates the budget of a setting: `None` is the default, 0 no limit.
    #[must_use]
    pub fn of_setting(bytes: Option<usize>) -> Self {
        match bytes {
            None => Self::of_process(),
            Some(0) => Self::unlimited(),
            Some(bytes) => Self::new(bytes),
        }
    }

    /// Returns the limit in bytes; [`usize::MAX`] is none.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// Returns how many bytes are leased.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Returns `true` if more bytes are leased than the limit allows.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.used() > self.0.limit
    }

    /// Returns how many bytes are held, and for what. The parts are read one after the other, so that
    /// they may not add up while they change.
    #[must_use]
    pub fn uses(&self) -> BudgetUse {
        let inbound = self.0.inbound.load(Ordering::Relaxed);
        let outbound = self.0.outbound.load(Ordering::Relaxed);
        BudgetUse {
            inbound,
            outbound,
            work: self.used().saturating_sub(inbound.saturating_add(outbound)),
            refused: self.0.refused.load(Ordering::Relaxed),
        }
    }

    /// Leases `bytes` for work that can still be refused.
    ///
    /// # Errors
    /// [`OverBudget`] if they do not fit; nothing is leased then.
    pub fn try_lease(&self, bytes: usize) -> Result<Lease, OverBudget> {
        self.try_lease_for(Holding::Work, bytes)
    }

    /// Leases `bytes` for a use that can still be refused.
    ///
    /// # Errors
    /// [`OverBudget`] if they do not fit; nothing is leased then.
    pub fn try_lease_for(&self, holding: Holding, bytes: usize) -> Result<Lease, OverBudget> {
        self.try_take(holding, bytes)?;
        Ok(Lease {
            budget: self.clone(),
            holding,
            bytes,
        })
    }

    /// Leases `bytes` that are held already and cannot be refused. The budget may be over its limit
    /// afterwards.
    #[must_use = "the bytes are returned when the lease is dropped"]
    pub fn lease(&self, bytes: usize) -> Lease {
        self.lease_for(Holding::Work, bytes)
    }

    /// Leases `bytes` that are held already for a use.
    #[must_use = "the bytes are returned when the lease is dropped"]
    pub fn lease_for(&self, holding: Holding, bytes: usize) -> Lease {
        self.take(holding, bytes);
        Lease {
            budget: self.clone(),
            holding,
            bytes,
        }
    }

    fn try_take(&self, holding: Holding, bytes: usize) -> Result<(), OverBudget> {
        let fits = |used: usize| {
            let used = used.checked_add(bytes)?;
            (used <= self.0.limit).then_some(used)
        };
        self.0
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits)
            .map_err(|_| {
                self.0.refused.fetch_add(1, Ordering::Relaxed);
                self.0.pressure.notify_waiters();
                OverBudget {
                    wanted: bytes,
                    limit: self.0.limit,
                }
            })?;
        if let Some(part) = self.part(holding) {
            part.fetch_add(bytes, Ordering::Relaxed);
        }
        Ok(())
    }

    pub(crate) fn take(&self, holding: Holding, bytes: usize) {
        let before = self.0.used.fetch_add(bytes, Ordering::Relaxed);
        if let Some(part) = self.part(holding) {
            part.fetch_add(bytes, Ordering::Relaxed);
        }
        if before.saturating_add(bytes) > self.0.limit {
            self.0.pressure.notify_waiters();
        }
    }

    pub(crate) fn give_back(&self, holding: Holding, bytes: usize) {
        self.0.used.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(part) = self.part(holding) {
            part.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// Takes or gives back.
    pub(crate) fn change(&self, holding: Holding, change: isize) {
        match usize::try_from(change) {
            Ok(0) => {}
            Ok(more) => self.take(holding, more),
            Err(_) => self.give_back(holding, change.unsigned_abs()),
        }
    }

    fn part(&self, holding: Holding) -> Option<&AtomicUsize> {
        match holding {
            Holding::Inbound => Some(&self.0.inbound),
            Holding::Outbound => Some(&self.0.outbound),
            Holding::Work => None,
        }
    }

    /// Done when the budget is over its limit, or has refused something, from now on.
    pub(crate) fn pressure(&self) -> Notified<'_> {
        self.0.pressure.notified()
    }

    /// How many bytes are to be given back for there to be room again: one eighth of the limit.
    /// Nothing until seven eighths are used.
    fn excess(&self) -> usize {
        let limit = self.0.limit;
        self.used().saturating_sub(limit - limit / 8)
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("limit", &self.limit())
            .field("used", &self.used())
            .finish()
    }
}

/// Bytes of a [`Budget`], returned to it when this is dropped.
#[derive(Debug)]
#[must_use = "the bytes are returned when the lease is dropped"]
pub struct Lease {
    budget: Budget,
    holding: Holding,
    bytes: usize,
}

impl Lease {
    /// Returns how many bytes are leased.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Leases `more` bytes in addition.
    ///
    /// # Errors
    /// [`OverBudget`] if they do not fit; the lease is as before then.
    pub fn try_grow(&mut self, more: usize) -> Result<(), OverBudget> {
        self.budget.try_take(self.holding, more)?;
        self.bytes += more;
        Ok(())
    }

    /// Binds the lease to bytes: it is held for as long as they, or a part of them, are.
    #[must_use]
    pub fn keep(self, bytes: Bytes) -> Bytes {
        keep(bytes, self)
    }

    /// Makes this a lease of `bytes`, fewer or more, without asking for room.
    pub fn resize(&mut self, bytes: usize) {
        match bytes.checked_sub(self.bytes) {
            Some(more) => self.budget.take(self.holding, more),
            None => self.budget.give_back(self.holding, self.bytes - bytes),
        }
        self.bytes = bytes;
    }
}

/// Binds a lease to bytes.
fn keep(bytes: Bytes, lease: impl Send + Sync + 'static) -> Bytes {
    struct Kept<L> {
        bytes: Bytes,
        _lease: L,
    }
    impl<L> AsRef<[u8]> for Kept<L> {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }
    Bytes::from_owner(Kept {
        bytes,
        _lease: lease,
    })
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.budget.give_back(self.holding, self.bytes);
    }
}

#[cfg(test)]
mod tests;
