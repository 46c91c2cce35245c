//! Options of one engine's WebSocket connections.

use crate::deflate::DeflateConfig;

/// Options of the connections that [`accept`](crate::accept) runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebSocketOptions {
    /// `permessage-deflate`. Default: off.
    pub compression: Option<DeflateConfig>,
    /// Size in bytes of the buffer for messages that are not complete in one read. A connection
    /// allocates it for the duration of such a message, or for good where compression was agreed.
    /// Default: 4,096.
    pub read_buffer: usize,
    /// The largest frame in bytes, where it is less than the largest message. Default: none.
    pub max_frame: Option<usize>,
}

impl Default for WebSocketOptions {
    fn default() -> Self {
        Self {
            compression: None,
            read_buffer: 4_096,
            max_frame: None,
        }
    }
}
