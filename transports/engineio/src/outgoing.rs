//! The frames that the library sends: how many messages of ours it has written, and where its own
//! pings and goodbyes are.

use crate::frames::{BINARY, CLOSE, Frames, PING, TEXT};

/// What the library sends.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    frames: Frames,
    /// The message under way is one of ours, not a packet of the protocol itself.
    ours: bool,
    /// Something has gone out that only the library's writer sends: it is at work.
    pub(crate) writer: bool,
}

impl Outgoing {
    /// How many of our messages are complete with these bytes.
    pub(crate) fn see(&mut self, bytes: &[u8]) -> usize {
        let mut count = 0;
        let mut at = 0;
        while at < bytes.len() {
            let Some(mut frame) = self.frames.frame.take() else {
                self.frames.frame = self.frames.header(bytes[at]);
                at += 1;
                if let Some(frame) = self.frames.frame
                    && frame.len == 0
                {
                    // A binary message may be empty; a text one has a type.
                    count += usize::from(frame.opcode == BINARY && frame.fin);
                    self.frames.frame = None;
                }
                continue;
            };
            if frame.at == 0 {
                self.ours = match frame.opcode {
                    TEXT => bytes[at] == b'4',
                    opcode => opcode == BINARY,
                };
                let is_ping = frame.opcode == TEXT && bytes[at] == b'2';
                self.writer |= self.ours || is_ping;
            }
            let left = usize::try_from(frame.len - frame.at).unwrap_or(usize::MAX);
            let take = left.min(bytes.len() - at);
            frame.at += take as u64;
            at += take;
            if frame.at < frame.len {
                self.frames.frame = Some(frame);
            } else {
                count += usize::from(self.ours);
            }
        }
        count
    }

    /// Where in these bytes the library's ping begins.
    pub(crate) fn ping_in(&self, bytes: &[u8]) -> Option<usize> {
        let mut frames = self.frames.clone();
        let mut at = 0;
        while at < bytes.len() {
            if frames.is_between() && bytes[at..].starts_with(&PING) {
                return Some(at);
            }
            match frames.frame.take() {
                Some(frame) => {
                    let left = usize::try_from(frame.len - frame.at).unwrap_or(usize::MAX);
                    at = at.saturating_add(left);
                }
                None => {
                    let frame = frames.header(bytes[at]);
                    frames.frame = frame.filter(|frame| frame.len > 0);
                    at += 1;
                }
            }
        }
        None
    }

    /// Whether these bytes are a goodbye without a code, and nothing else.
    pub(crate) fn is_bare_close(&self, bytes: &[u8]) -> bool {
        self.frames.is_between() && bytes == [0x80 | CLOSE, 0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_messages_of_ours_are_counted() {
        let frame = |first: u8, payload: &[u8]| {
            let mut out = vec![first, payload.len() as u8];
            out.extend_from_slice(payload);
            out
        };
        let mut bytes = frame(0x81, b"0{}");
        for part in [&b"4one"[..], b"2", b"4", b"3probe", b"4four"] {
            bytes.extend(frame(0x81, part));
        }
        bytes.extend(frame(0x82, b""));
        bytes.extend(frame(0x82, b"2"));
        bytes.extend(frame(0x8a, b"4pong"));
        for size in 1..bytes.len() {
            let mut outgoing = Outgoing::default();
            let count: usize = bytes.chunks(size).map(|chunk| outgoing.see(chunk)).sum();
            assert_eq!(count, 5, "in pieces of {size}");
            assert!(outgoing.is_bare_close(&[0x88, 0]));
        }
    }

    #[test]
    fn a_ping_is_found_between_others_only() {
        let ping_in = |before: &[u8], bytes: &[u8]| {
            let mut outgoing = Outgoing::default();
            outgoing.see(before);
            outgoing.ping_in(bytes)
        };
        let message = b"\x81\x034ab";
        assert_eq!(ping_in(b"", &PING), Some(0));
        assert_eq!(ping_in(b"", message), None);
        assert_eq!(
            ping_in(b"", &[&message[..], b"\x82\0", &PING].concat()),
            Some(7)
        );
        assert_eq!(
            ping_in(&message[..3], &[&message[3..], &PING].concat()),
            Some(2)
        );
        // Bytes of a message, and a message that begins like it.
        assert_eq!(ping_in(b"", &[b"\x82\x04x", &PING[..]].concat()), None);
        assert_eq!(ping_in(b"\x82\x04x", &PING), None);
        assert_eq!(ping_in(b"", b"\x81\x0221"), None);
    }
}
