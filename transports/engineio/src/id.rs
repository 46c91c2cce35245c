//! Session ids.

use std::{borrow::Borrow, fmt, sync::Arc};

use stellarfw_transport::SparkId;

/// The id of a session. It is unguessable, and whoever knows it can use the session.
///
/// A spark's id is another one, so that an application may show that to other clients.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionId(Arc<str>);

impl SessionId {
    /// Generates an id of 128 random bits, as 22 characters of URL-safe base64.
    pub(crate) fn random() -> Self {
        Self(SparkId::random().to_shared())
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for SessionId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id is a secret of its client: only its beginning is shown.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({}…)", self.0.get(..4).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_does_not_show_it() {
        let id = SessionId::random();
        assert_eq!(id.as_str().len(), 22);
        assert_ne!(id, SessionId::random());
        let shown = format!("{id:?}");
        assert!(!shown.contains(id.as_str()) && shown.contains(&id.as_str()[..4]));
    }
}
