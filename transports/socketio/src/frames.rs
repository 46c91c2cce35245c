//! The Engine.IO messages of one payload.

use std::vec;

use bytes::Bytes;
use stellarfw_transport::{Frame, Kind};

/// The messages that a payload is sent as: one in most cases, several for attachments and for payloads that
/// are several events.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    first: Option<Frame>,
    rest: vec::IntoIter<Frame>,
}

impl Frames {
    /// No messages.
    pub(crate) fn none() -> Self {
        Self::of(None, Vec::new())
    }

    /// A message, and its attachments.
    pub(crate) fn of(first: Option<Frame>, rest: Vec<Frame>) -> Self {
        Self {
            first,
            rest: rest.into_iter(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none() && self.rest.len() == 0
    }

    /// Puts all messages into one buffer, to be kept with a frame for many.
    pub(crate) fn pack(self) -> Bytes {
        let frames: Vec<Frame> = self.collect();
        let len = frames.iter().map(|frame| HEADER + frame.len()).sum();
        let mut out = Vec::with_capacity(len);
        for frame in frames {
            out.push(u8::from(frame.kind() == Kind::Binary));
            out.extend((frame.len() as u64).to_le_bytes());
            out.extend_from_slice(frame.payload());
        }
        out.into()
    }

    /// Takes the messages out of the buffer of [`pack`](Self::pack). They are counted as `original`, the
    /// frame for many with which the buffer is kept.
    pub(crate) fn unpack(original: &Frame, packed: &Bytes) -> Self {
        let mut rest = packed.clone();
        let mut frames = std::iter::from_fn(|| {
            if rest.len() < HEADER {
                return None;
            }
            let header = rest.split_to(HEADER);
            let kind = match header[0] {
                0 => Kind::Text,
                _ => Kind::Binary,
            };
            let mut len = [0; 8];
            len.copy_from_slice(&header[1..]);
            let len = usize::try_from(u64::from_le_bytes(len)).ok()?;
            let payload = rest.split_to(len.min(rest.len()));
            Some(original.derived(kind, payload))
        });
        Self::of(frames.next(), frames.collect())
    }
}

/// The kind, and the length.
const HEADER: usize = 9;

impl Iterator for Frames {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        self.first.take().or_else(|| self.rest.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_packed_and_unpacked() {
        let original = Frame::text("x").for_many();
        let all = [
            Frame::text(""),
            Frame::text("a"),
            Frame::binary(vec![0; 300]),
            Frame::binary(vec![]),
        ];
        for count in 0..=all.len() {
            let frames = &all[..count];
            let packed = Frames::of(
                frames.first().cloned(),
                frames.iter().skip(1).cloned().collect(),
            );
            assert_eq!(packed.is_empty(), count == 0);
            let unpacked: Vec<_> = Frames::unpack(&original, &packed.pack()).collect();
            let parts = |frames: &[Frame]| -> Vec<_> {
                let part = |frame: &Frame| (frame.kind(), frame.payload().clone());
                frames.iter().map(part).collect()
            };
            assert_eq!(parts(&unpacked), parts(frames));
            assert!(unpacked.iter().all(Frame::is_for_many));
        }
    }
}
