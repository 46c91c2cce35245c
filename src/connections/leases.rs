//! Leases of the memory budget in the name of a connection.

use stellarfw_broker::Content;
use stellarfw_transport::{Holding, SparkLease};

use super::Connection;
use crate::protocol::{StellarError, json::tree_size};

/// Bytes of work up to this many are not counted.
const SHORT: usize = 4 << 10;

impl Connection {
    /// Leases bytes of work, unless they are few.
    ///
    /// # Errors
    /// 007 if the memory budget has no room for them.
    pub(crate) fn lease_work(&self, bytes: usize) -> Result<Option<SparkLease>, StellarError> {
        if bytes <= SHORT {
            return Ok(None);
        }
        let lease = self.spark().try_lease(Holding::Work, bytes);
        lease
            .map(Some)
            .map_err(|_| StellarError::too_many_pending())
    }

    /// Leases what a message takes as a tree of values, for hooks and listeners.
    ///
    /// # Errors
    /// 007 if the memory budget has no room for it.
    pub(crate) fn lease_tree(&self, message: &Content) -> Result<Option<SparkLease>, StellarError> {
        if message.len() <= SHORT {
            return Ok(None);
        }
        self.lease_work(tree_size(message.as_raw().get()))
    }
}
