//! Text that is still coming: whether it can become UTF-8 at all. A peer that sends what cannot is
//! told at the first such byte, not when its message is whole (RFC 6455 section 8.1).

use crate::{
    frame::{Head, OP_BINARY, OP_TEXT, RSV},
    mask::unmask_into,
};

/// Continues the message of the frame before it.
const OP_CONTINUATION: u8 = 0x0;

/// Validates UTF-8 in parts of any size.
#[derive(Debug, Default)]
struct Utf8 {
    /// The bytes of an incomplete character.
    cut: [u8; 4],
    len: usize,
}

impl Utf8 {
    /// Adds bytes. Returns `false` if no continuation can make them valid UTF-8.
    fn push(&mut self, mut bytes: &[u8]) -> bool {
        while self.len > 0
            && let Some((first, rest)) = bytes.split_first()
        {
            self.cut[self.len] = *first;
            self.len += 1;
            bytes = rest;
            match std::str::from_utf8(&self.cut[..self.len]) {
                Ok(_) => self.len = 0,
                Err(error) if error.error_len().is_some() => return false,
                // At most three bytes are an incomplete character.
                Err(_) => {}
            }
        }
        let Err(error) = std::str::from_utf8(bytes) else {
            return true;
        };
        if error.error_len().is_some() {
            return false;
        }
        let cut = &bytes[error.valid_up_to()..];
        self.cut[..cut.len()].copy_from_slice(cut);
        self.len = cut.len();
        true
    }
}

/// Validates the text of a message over its frames, with control frames between them.
#[derive(Debug, Default)]
pub(crate) struct TextValidator {
    utf8: Utf8,
    /// The current message is text.
    is_text: bool,
    /// The current frame belongs to that message.
    counts: bool,
    key: [u8; 4],
    /// Payload bytes of the frame that were validated.
    at: u64,
}

impl TextValidator {
    /// Begins a frame.
    pub(crate) fn frame(&mut self, head: &Head) {
        let opcode = head.first() & 0x0f;
        match opcode {
            OP_TEXT => (self.utf8, self.is_text) = (Utf8::default(), true),
            OP_BINARY => self.is_text = false,
            _ => {}
        }
        self.counts = false;
        // Other violations of the protocol have close codes of their own.
        if let Some(key) = head.key()
            && head.first() & RSV == 0
        {
            (self.key, self.at) = (key, 0);
            self.counts = self.is_text && matches!(opcode, OP_TEXT | OP_CONTINUATION);
        }
    }

    /// Adds masked bytes of the frame's payload. Returns `false` if the text is not UTF-8.
    pub(crate) fn payload(&mut self, masked: &[u8]) -> bool {
        if !self.counts {
            return true;
        }
        let mut plain = [0; 1_024];
        for chunk in masked.chunks(plain.len()) {
            let plain = unmask_into(&mut plain, chunk, self.key, self.at);
            self.at += chunk.len() as u64;
            if !self.utf8.push(plain) {
                return false;
            }
        }
        true
    }
}

/// Returns `true` if the bytes begin a text frame whose payload is not UTF-8.
pub(crate) fn is_invalid_text(bytes: &[u8]) -> bool {
    let (mut text, mut head) = (TextValidator::default(), Head::default());
    for (at, byte) in bytes.iter().enumerate() {
        if head.push(*byte) {
            text.frame(&head);
            return !text.payload(&bytes[at + 1..]);
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{FIN, MASK, OP_PING};

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let key = [0x9c, 0x01, 0xff, 0x30];
        let mut out = vec![first, MASK | payload.len() as u8];
        out.extend(key);
        out.extend(payload.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b));
        out
    }

    /// Adds frames, each with its payload in two parts. Returns the first frame that is no text.
    fn spoilt_at(frames: &[Vec<u8>], cut: usize) -> Option<usize> {
        let mut text = TextValidator::default();
        frames.iter().position(|bytes| {
            let mut head = Head::default();
            let start = bytes.iter().position(|byte| head.push(*byte)).unwrap() + 1;
            text.frame(&head);
            let (first, second) = bytes[start..].split_at(cut.min(bytes.len() - start));
            !(text.payload(first) && text.payload(second))
        })
    }

    #[test]
    fn characters_may_be_cut_by_pieces_and_frames() {
        let words = "a κόσμε 𝄞 \u{10ffff}".as_bytes();
        for size in 1..words.len() {
            for cut in 0..=size {
                let frames: Vec<_> = words
                    .chunks(size)
                    .enumerate()
                    .flat_map(|(at, chunk)| {
                        let opcode = if at == 0 { OP_TEXT } else { OP_CONTINUATION };
                        // A ping between them may hold anything.
                        [frame(opcode, chunk), frame(FIN | OP_PING, b"\xff")]
                    })
                    .collect();
                assert_eq!(spoilt_at(&frames, cut), None, "{size} {cut}");
            }
        }
    }

    #[test]
    fn the_first_wrong_byte_is_found() {
        for bad in [&b"\xff"[..], b"\xc0", b"\xf4\x90", b"\xed\xa0", b"\xe2\x28"] {
            let whole = [&b"fine "[..], bad].concat();
            for end in 0..=whole.len() {
                let bytes = frame(
                    FIN | OP_TEXT,
                    &[&whole[..end], b"................"].concat(),
                );
                let arrived = &bytes[..6 + end];
                assert_eq!(
                    is_invalid_text(arrived),
                    end == whole.len(),
                    "{bad:?} {end}"
                );
            }
            let frames = [
                frame(OP_TEXT, b"fine"),
                frame(OP_CONTINUATION, &bad[..bad.len() - 1]),
                frame(OP_CONTINUATION, &bad[bad.len() - 1..]),
            ];
            for cut in 0..3 {
                assert_eq!(spoilt_at(&frames, cut), Some(2));
            }
        }
    }

    #[test]
    fn what_is_no_text_may_be_anything() {
        for first in [FIN | OP_BINARY, OP_BINARY, FIN | OP_PING, 0xc1] {
            assert!(!is_invalid_text(&frame(first, b"\xff")), "{first:x}");
        }
        let frames = [frame(OP_BINARY, b"\xff"), frame(OP_CONTINUATION, b"\xff")];
        assert_eq!(spoilt_at(&frames, 0), None);
        for end in 0..6 {
            assert!(!is_invalid_text(&frame(FIN | OP_TEXT, b"\xff")[..end]));
        }
    }
}
