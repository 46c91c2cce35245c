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
    /// What the library answers those who ask for a connection is not one of ours.
    answers: Option<Answers>,
}

/// Where an answer to such a question has its type: Socket.IO's CONNECT or CONNECT_ERROR.
#[derive(Clone, Copy, Debug)]
struct Answers {
    opcode: u8,
    /// How far into the message.
    at: u64,
    types: [u8; 2],
}

impl Outgoing {
    /// For a session that may have several connections; `packed`: its packets are MessagePack, and
    /// with `typed` they have Engine.IO's type in front.
    pub(crate) fn for_several(packed: bool, typed: bool) -> Self {
        let answers = match packed {
            // Behind Engine.IO's type.
            false => Answers {
                opcode: TEXT,
                at: 1,
                types: [b'0', b'4'],
            },
            // Behind a map's header and the key `type`.
            true => Answers {
                opcode: BINARY,
                at: 6 + u64::from(typed),
                types: [0, 4],
            },
        };
        Self {
            answers: Some(answers),
            ..Self::default()
        }
    }

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
            if let Some(answers) = self.answers
                && frame.opcode == answers.opcode
                && let Some(ahead) = answers.at.checked_sub(frame.at)
                && ahead < take as u64
                && answers.types.contains(&bytes[at + ahead as usize])
            {
                self.ours = false;
            }
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
    fn answers_to_who_asks_for_a_connection_are_not_ours() {
        let frame = |first: u8, payload: &[u8]| [&[first, payload.len() as u8], payload].concat();
        let mut text = Vec::new();
        for part in [&b"40/a,{}"[..], b"42[]", b"44", b"4", b"2", b"41/a,", b"40"] {
            text.extend(frame(0x81, part));
        }
        // An attachment, whatever is in it.
        text.extend(frame(0x82, b"00\0\0\0\0\0\0"));
        let mut packed = Vec::new();
        for kind in [0, 2, 4, 1] {
            packed.extend(frame(
                0x82,
                &[b"\x82\xa4type", &[kind][..], b"\xa3nsp"].concat(),
            ));
        }
        let mut typed = Vec::new();
        for kind in [0, 2] {
            typed.extend(frame(0x82, &[b"\x04\x82\xa4type", &[kind][..]].concat()));
        }
        for (bytes, is_packed, is_typed, expected) in [
            (text, false, false, 4),
            (packed, true, false, 2),
            (typed, true, true, 1),
        ] {
            for size in 1..bytes.len() {
                let mut outgoing = Outgoing::for_several(is_packed, is_typed);
                let count: usize = bytes.chunks(size).map(|chunk| outgoing.see(chunk)).sum();
                assert_eq!(count, expected, "in pieces of {size}");
            }
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
