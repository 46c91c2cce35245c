//! How many bytes clients may publish.

use serde::{Deserialize, Serialize};

use crate::connections::ByteRate;

/// Bytes at once where a rate names none.
const BURST: u64 = 2 << 20;

/// Bounds of what clients publish with `say` and `event`, in bytes; more gets 025.
///
/// A message counts with the bytes of its content as JSON and 100 more for its envelope. What the
/// server publishes itself is not counted. Each process counts for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct PublishRate {
    /// What one connection may publish, to all its rooms together. Default 1 MiB a second, 2 MiB
    /// at once. A `roomView` counts as 140 bytes for each member that it lists, and 4 for each other.
    pub connection: ByteRate,
    /// What all connections of one client may publish together, see
    /// [`client_key`](stellarfw_transport::ServerBuilder::client_key). Default 16 MiB a second,
    /// 32 MiB at once.
    pub client: ByteRate,
    /// What all members together may publish to one room. Default 4 MiB a second, 2 MiB at once.
    pub room: ByteRate,
}

impl Default for PublishRate {
    fn default() -> Self {
        Self {
            connection: ByteRate::new(1 << 20, BURST),
            client: ByteRate::new(16 << 20, 32 << 20),
            room: ByteRate::new(4 << 20, BURST),
        }
    }
}

impl PublishRate {
    /// No bound for connections, clients and rooms.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            connection: ByteRate::new(0, 0),
            client: ByteRate::new(0, 0),
            room: ByteRate::new(0, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_give_the_rate_alone() {
        let rates: PublishRate = serde_json::from_str(r#"{"room":{"perSecond":5}}"#).unwrap();
        assert_eq!(rates.room, ByteRate::new(5, 2 << 20));
        assert_eq!(rates.connection, PublishRate::default().connection);
        assert!(serde_json::from_str::<PublishRate>(r#"{"room":{"burst":5}}"#).is_err());
    }
}
