//! A text of Socket.IO and the binary messages that belong to it, which come after it one by one.

use bytes::Bytes;

/// A text, while what is attached to it comes.
#[derive(Debug)]
pub(super) struct Gathering {
    pub(super) text: String,
    pub(super) attached: Vec<Bytes>,
    /// So many are still to come.
    due: usize,
    /// What has come so far, the text with it.
    bytes: usize,
    /// Nobody has asked for it yet.
    is_fresh: bool,
}

/// What an attachment takes besides its bytes.
const ENTRY: usize = 64;

impl Gathering {
    pub(super) fn new(text: &str, due: usize) -> Self {
        Self {
            text: text.to_owned(),
            attached: Vec::new(),
            due,
            bytes: text.len(),
            is_fresh: true,
        }
    }

    /// How many bytes it holds.
    pub(super) fn held(&self) -> usize {
        self.bytes + self.attached.len() * ENTRY
    }

    /// Returns `true` the first time.
    pub(super) fn take_fresh(&mut self) -> bool {
        std::mem::take(&mut self.is_fresh)
    }

    /// Adds one, unless all together would be longer than that.
    #[must_use]
    pub(super) fn add(&mut self, bytes: &[u8], longest: usize) -> bool {
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > longest {
            return false;
        }
        self.attached.push(Bytes::copy_from_slice(bytes));
        self.due = self.due.saturating_sub(1);
        true
    }

    pub(super) fn is_whole(&self) -> bool {
        self.due == 0
    }
}

/// How many binary messages belong to a packet of Socket.IO: what stands before the first dash of an
/// event or acknowledgement that has some.
pub(super) fn count(text: &str) -> Option<usize> {
    let rest = text
        .strip_prefix("45")
        .or_else(|| text.strip_prefix("46"))?;
    let (number, _) = rest.split_once('-')?;
    let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    // A number too long for any is still one too many.
    is_number.then(|| number.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_counted_before_they_come() {
        for (text, expected) in [
            ("451-[\"a\",{\"_placeholder\":true,\"num\":0}]", Some(1)),
            ("4512-/admin,[\"a\"]", Some(12)),
            ("462-7[{}]", Some(2)),
            ("450-[\"a\"]", Some(0)),
            ("4599999999999999999999-[]", Some(usize::MAX)),
            ("42[\"a-b\"]", None),
            ("45[\"a-b\"]", None),
            ("45-[]", None),
            ("45+1-[]", None),
            ("4", None),
        ] {
            assert_eq!(count(text), expected, "{text}");
        }
    }

    #[test]
    fn all_together_are_as_long_as_one_message_may_be() {
        let mut gathering = Gathering::new("453-[]", 3);
        assert!(gathering.add(&[1, 2], 10));
        assert!(gathering.add(&[], 10));
        assert!(!gathering.is_whole());
        assert!(gathering.add(&[3, 4], 10));
        assert!(gathering.is_whole());
        assert_eq!(gathering.attached, [&[1, 2][..], &[], &[3, 4]]);
        let mut gathering = Gathering::new("453-[]", 3);
        assert!(gathering.add(&[1, 2], 10));
        assert!(!gathering.add(&[1, 2, 3], 10));
    }
}
