//! The byte budget of a process.

mod limit;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

pub use self::limit::memory_limit;

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

    /// Leases `bytes` for work that can still be refused.
    ///
    /// # Errors
    /// [`OverBudget`] if they do not fit; nothing is leased then.
    pub fn try_lease(&self, bytes: usize) -> Result<Lease, OverBudget> {
        self.try_take(bytes)?;
        Ok(Lease {
            budget: self.clone(),
            bytes,
        })
    }

    /// Leases `bytes` that are held already and cannot be refused. The budget may be over its limit
    /// afterwards.
    #[must_use = "the bytes are returned when the lease is dropped"]
    pub fn lease(&self, bytes: usize) -> Lease {
        self.take(bytes);
        Lease {
            budget: self.clone(),
            bytes,
        }
    }

    fn try_take(&self, bytes: usize) -> Result<(), OverBudget> {
        let fits = |used: usize| {
            let used = used.checked_add(bytes)?;
            (used <= self.0.limit).then_some(used)
        };
        self.0
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits)
            .map(drop)
            .map_err(|_| OverBudget {
                wanted: bytes,
                limit: self.0.limit,
            })
    }

    fn take(&self, bytes: usize) {
        self.0.used.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: usize) {
        self.0.used.fetch_sub(bytes, Ordering::Relaxed);
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
        self.budget.try_take(more)?;
        self.bytes += more;
        Ok(())
    }

    /// Makes this a lease of `bytes`, fewer or more, without asking for room.
    pub fn resize(&mut self, bytes: usize) {
        match bytes.checked_sub(self.bytes) {
            Some(more) => self.budget.take(more),
            None => self.budget.give_back(self.bytes - bytes),
        }
        self.bytes = bytes;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_returned_when_it_is_dropped() {
        let budget = Budget::new(100);
        let mut first = budget.try_lease(60).unwrap();
        let refused = budget.try_lease(41).unwrap_err();
        assert_eq!((refused.wanted, refused.limit), (41, 100));
        assert_eq!(budget.used(), 60);
        assert!(first.try_grow(41).is_err());
        first.try_grow(40).unwrap();
        assert_eq!((first.bytes(), budget.used()), (100, 100));
        assert!(!budget.is_over());
        first.resize(30);
        assert_eq!((first.bytes(), budget.used()), (30, 30));
        drop(first);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn what_cannot_be_refused_may_pass_the_limit() {
        let budget = Budget::new(100);
        let mut held = budget.lease(90);
        held.resize(150);
        assert!(budget.is_over());
        assert!(budget.try_lease(0).is_err());
        held.resize(100);
        assert!(!budget.is_over());
        assert!(budget.try_lease(0).is_ok());
    }

    #[test]
    fn sums_that_overflow_are_refused() {
        let budget = Budget::unlimited();
        let _held = budget.lease(10);
        assert!(budget.try_lease(usize::MAX).is_err());
        assert_eq!(budget.used(), 10);
    }

    #[test]
    fn a_setting_of_zero_is_no_limit_and_none_is_a_quarter() {
        assert_eq!(Budget::of_setting(Some(0)).limit(), usize::MAX);
        assert_eq!(Budget::of_setting(Some(7)).limit(), 7);
        assert_eq!(Budget::of_setting(None).limit(), memory_limit() / 4);
    }

    #[test]
    fn threads_never_lease_more_than_the_limit() {
        let budget = Budget::new(1_000);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2_000 {
                        let lease = budget.try_lease(400);
                        assert!(budget.used() <= 1_000);
                        drop(lease);
                    }
                });
            }
        });
        assert_eq!(budget.used(), 0);
    }
}
