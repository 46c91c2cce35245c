//! Spark ids.

use std::{borrow::Borrow, fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The id of a spark: unique in its server, cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SparkId(Arc<str>);

impl SparkId {
    /// 128 bits from the operating system's generator, as 22 characters of URL-safe base64.
    ///
    /// # Panics
    /// When the operating system has no randomness to give, which leaves nothing safe to do.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0_u8; 16];
        if let Err(error) = getrandom::fill(&mut bytes) {
            panic!("the operating system's random generator failed: {error}");
        }
        let mut text = [0_u8; 22];
        match URL_SAFE_NO_PAD.encode_slice(bytes, &mut text) {
            Ok(_) => Self(std::str::from_utf8(&text).unwrap_or_default().into()),
            Err(error) => unreachable!("16 bytes are 22 characters: {error}"),
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as shared text, without a copy.
    #[must_use]
    pub fn to_shared(&self) -> Arc<str> {
        self.0.clone()
    }
}

impl<T: Into<Arc<str>>> From<T> for SparkId {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl Borrow<str> for SparkId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for SparkId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::ops::Deref for SparkId {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SparkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SparkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SparkId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::SparkId;

    #[test]
    fn random_ids_differ_and_are_url_safe() {
        let ids: std::collections::HashSet<_> = (0..1_000).map(|_| SparkId::random()).collect();
        assert_eq!(ids.len(), 1_000);
        for id in ids {
            assert_eq!(id.len(), 22);
            assert!(
                id.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            );
        }
    }
}
