//! Why a compressed message ended its connection.

/// A compressed message that cannot be delivered. The connection ends with
/// [`close_code`](Self::close_code).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeflateError {
    /// The message inflates, or one of its frames claims to, past the limit on a message.
    #[error("compressed message inflates to more than {max} bytes")]
    TooBig {
        /// The limit that was passed.
        max: usize,
    },
    /// The payload is no DEFLATE data, or the message ends in the middle of a block.
    #[error("compressed message is not valid DEFLATE data")]
    Corrupt,
}

impl DeflateError {
    /// The close code to send: 1009 for a message too big, 1007 for data that does not decode.
    #[must_use]
    pub fn close_code(self) -> u16 {
        match self {
            Self::TooBig { .. } => 1009,
            Self::Corrupt => 1007,
        }
    }
}
