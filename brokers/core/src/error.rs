//! Failures of a broker.

use std::error::Error;

/// An operation of a broker failed.
#[derive(Debug, thiserror::Error)]
#[error("the broker failed ({kind}): {source}")]
pub struct BrokerError {
    kind: ErrorKind,
    source: Box<dyn Error + Send + Sync>,
}

/// How an operation of a broker failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The backend cannot be reached. The operation has not taken effect.
    #[error("unavailable")]
    Unavailable,
    /// The backend did not answer in time. The operation has not taken effect.
    #[error("timed out")]
    TimedOut,
    /// The connection to the backend was lost. The operation may have taken effect.
    #[error("unknown outcome")]
    UnknownOutcome,
    /// The backend or the broker refused the operation: repeating it does not help.
    #[error("rejected")]
    Rejected,
}

impl BrokerError {
    /// Creates an error from its kind and its cause.
    pub fn new(kind: ErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind,
            source: source.into(),
        }
    }

    /// Creates an error of the kind [`ErrorKind::Rejected`].
    pub fn rejected(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Rejected, source)
    }

    /// Returns how the operation failed.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_its_kind_and_its_source() {
        let error = BrokerError::new(ErrorKind::TimedOut, std::io::Error::other("no answer"));
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(
            error.to_string(),
            "the broker failed (timed out): no answer"
        );
        assert!(error.source().is_some_and(|it| it.is::<std::io::Error>()));
        assert_eq!(BrokerError::rejected("twice").kind(), ErrorKind::Rejected);
    }
}
