//! The arguments of a client's event.

use super::{Encoding, message_pack::put_array_len};

/// The arguments of a client's event, encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventArgs<'a> {
    encoding: Encoding,
    pub(super) first: [Option<&'a [u8]>; 4],
    pub(super) last: Option<&'a [u8]>,
    count: usize,
    /// The bytes from the first to the last of them.
    pub(super) inner: &'a [u8],
}

impl<'a> EventArgs<'a> {
    pub(super) fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            first: [None; 4],
            last: None,
            count: 0,
            inner: &[],
        }
    }

    pub(super) fn note(&mut self, item: &'a [u8]) {
        if let Some(slot) = self.first.get_mut(self.count) {
            *slot = Some(item);
        }
        self.last = Some(item);
        self.count += 1;
    }

    /// Returns the number of arguments.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns `true` if there are no arguments.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns one of the first four arguments.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        *self.first.get(index)?
    }

    /// Returns the argument if there is exactly one.
    #[must_use]
    pub fn single(&self) -> Option<&'a [u8]> {
        self.get(0).filter(|_| self.count == 1)
    }

    /// Builds the list of all arguments.
    #[must_use]
    pub fn to_list(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.inner.len() + 5);
        match self.encoding {
            Encoding::Json => {
                out.push(b'[');
                out.extend_from_slice(self.inner);
                out.push(b']');
            }
            Encoding::MessagePack => {
                put_array_len(&mut out, self.count);
                out.extend_from_slice(self.inner);
            }
        }
        out
    }
}
