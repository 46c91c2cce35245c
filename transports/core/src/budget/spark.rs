//! What a spark holds of the budget.

use std::sync::{Arc, Weak};

use bytes::Bytes;

use super::{Budget, Holding, Lease, OverBudget, keep};
use crate::{
    frame::SharedFrame,
    spark::{Inner, Spark},
};

/// Bytes that wait to be written to a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Held {
    /// Bytes that only this connection waits for.
    pub own: usize,
    /// This connection's share of the bytes that several wait for.
    pub share: usize,
}

impl Held {
    /// Bytes of one connection.
    #[must_use]
    pub const fn own(bytes: usize) -> Self {
        Self {
            own: bytes,
            share: 0,
        }
    }

    /// Returns `true` if nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.own == 0 && self.share == 0
    }
}

impl std::ops::AddAssign for Held {
    fn add_assign(&mut self, other: Self) {
        self.own = self.own.saturating_add(other.own);
        self.share = self.share.saturating_add(other.share);
    }
}

impl std::ops::SubAssign for Held {
    fn sub_assign(&mut self, other: Self) {
        self.own = self.own.saturating_sub(other.own);
        self.share = self.share.saturating_sub(other.share);
    }
}

/// A spark's account of what it holds of the server's [`Budget`]. It does not keep the spark alive.
///
/// When the budget is over its limit, the sparks that hold most are ended.
#[derive(Clone, Debug)]
pub struct Account(Weak<Inner>);

impl Account {
    /// The budget, while the spark is there.
    pub(crate) fn with_budget<T>(&self, f: impl FnOnce(&Budget) -> T) -> Option<T> {
        self.0.upgrade().map(|inner| f(&inner.server.budget))
    }

    /// Returns `true` until its spark is gone.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let inner = self.0.upgrade();
        inner.is_some_and(|inner| !inner.slot.is_closed())
    }

    /// Notes what waits to be written, in place of what was noted before. Called under the lock that
    /// the engine writes under, so that an older note never comes after a newer one.
    pub fn set_outbound(&self, held: Held) {
        if let Some(inner) = self.0.upgrade() {
            inner.note_outbound(held);
        }
    }

    /// Counts a frame for many in the server's budget, once for all who wait for it. Returns what one
    /// of those holds of it.
    #[must_use]
    pub fn wait(&self, many: &SharedFrame) -> Held {
        let held = self.with_budget(|budget| many.wait(budget));
        held.unwrap_or_default()
    }

    /// As [`Spark::lease_answer`]; when the spark is gone, all bytes come back as they are.
    #[must_use]
    pub fn lease_answer(&self, bytes: Bytes) -> Bytes {
        match self.0.upgrade() {
            Some(inner) => Spark(inner).lease_answer(bytes),
            None => bytes,
        }
    }

    /// Leases bytes in the spark's name; none when it is gone.
    #[must_use]
    pub fn lease(&self, holding: Holding, bytes: usize) -> Option<SparkLease> {
        let spark = Spark(self.0.upgrade()?);
        Some(spark.lease(holding, bytes))
    }
}

/// A [`Lease`] in a spark's name: it counts for the spark when the budget is over its limit.
///
/// It does not keep the spark alive. When that is gone before, the bytes stay leased.
#[derive(Debug)]
#[must_use = "the bytes are returned when the lease is dropped"]
pub struct SparkLease {
    lease: Lease,
    spark: Weak<Inner>,
}

impl SparkLease {
    /// Returns how many bytes are leased.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lease.bytes()
    }

    /// Leases `more` bytes in addition.
    ///
    /// # Errors
    /// [`OverBudget`] if they do not fit; the lease is as before then.
    pub fn try_grow(&mut self, more: usize) -> Result<(), OverBudget> {
        self.lease.try_grow(more)?;
        self.note(more as isize);
        Ok(())
    }

    /// Makes this a lease of `bytes`, fewer or more, without asking for room.
    pub fn resize(&mut self, bytes: usize) {
        let change = bytes as isize - self.bytes() as isize;
        self.lease.resize(bytes);
        self.note(change);
    }

    /// Binds the lease to bytes: it is held for as long as they, or a part of them, are.
    #[must_use]
    pub fn keep(self, bytes: Bytes) -> Bytes {
        keep(bytes, self)
    }

    fn note(&self, change: isize) {
        if let Some(inner) = self.spark.upgrade() {
            inner.note_lease(change);
        }
    }
}

impl Drop for SparkLease {
    fn drop(&mut self) {
        self.note(-(self.bytes() as isize));
    }
}

/// Answers up to this length are not counted where they are written.
const SHORT: usize = 4 << 10;

impl Spark {
    /// Counts the bytes of an answer in its name, for as long as they wait to be written. Those of a
    /// short one come back as they are.
    #[must_use]
    pub fn lease_answer(&self, bytes: Bytes) -> Bytes {
        match bytes.len() {
            0..=SHORT => bytes,
            len => self.lease(Holding::Outbound, len).keep(bytes),
        }
    }

    /// Its account, for an engine to note in what waits to be written.
    #[must_use]
    pub fn account(&self) -> Account {
        Account(Arc::downgrade(&self.0))
    }

    /// Leases bytes in its name that are held already and cannot be refused.
    pub fn lease(&self, holding: Holding, bytes: usize) -> SparkLease {
        let lease = self.0.server.budget.lease_for(holding, bytes);
        self.named(lease)
    }

    /// Leases bytes in its name for what can still be refused.
    ///
    /// # Errors
    /// [`OverBudget`] if they do not fit; nothing is leased then.
    pub fn try_lease(&self, holding: Holding, bytes: usize) -> Result<SparkLease, OverBudget> {
        let lease = self.0.server.budget.try_lease_for(holding, bytes)?;
        Ok(self.named(lease))
    }

    fn named(&self, lease: Lease) -> SparkLease {
        self.0.note_lease(lease.bytes() as isize);
        SparkLease {
            lease,
            spark: Arc::downgrade(&self.0),
        }
    }

    /// Notes how many bytes its engine holds of a message that is not whole, the frame under way and
    /// fragments included; 0 when none is. `is_new`: a message that began since the last call.
    ///
    /// A message that is noted must go on at the server's
    /// [least rate](crate::ServerConfig::least_rate), or its spark is ended.
    pub fn assembling(&self, bytes: usize, is_new: bool) {
        if bytes > 0 || !self.0.slot.is_empty() {
            self.0.note_assembly(bytes, is_new);
        }
    }
}

impl Inner {
    #[cold]
    fn note_assembly(self: &Arc<Self>, bytes: usize, is_new: bool) {
        let server = &self.server;
        let rate = server.config.message_pace();
        let owner = || Spark(self.clone());
        let ledger = &server.ledger;
        let (change, is_first) = ledger.assembling(&self.slot, owner, bytes, is_new, rate);
        server.budget.change(Holding::Inbound, change);
        if is_first {
            server.assembly_began.notify_one();
        }
    }

    fn note_outbound(self: &Arc<Self>, held: Held) {
        let owner = || Spark(self.clone());
        let ledger = &self.server.ledger;
        let change = ledger.outbound(&self.slot, owner, held.own, held.share);
        self.server.budget.change(Holding::Outbound, change);
    }

    fn note_lease(self: &Arc<Self>, change: isize) {
        let owner = || Spark(self.clone());
        self.server.ledger.leased(&self.slot, owner, change);
    }

    /// The spark is gone: nothing is noted in its name from now on.
    pub(crate) fn close_account(&self) {
        let noted = self.server.ledger.close(&self.slot);
        let budget = &self.server.budget;
        budget.give_back(Holding::Inbound, noted.assembly);
        budget.give_back(Holding::Outbound, noted.outbound);
    }
}
