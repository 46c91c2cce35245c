//! Frame headers (RFC 6455 section 5.2).

/// The opcode of a text frame.
pub const OP_TEXT: u8 = 0x1;
/// The opcode of a binary frame.
pub const OP_BINARY: u8 = 0x2;
/// The opcode of a close frame.
pub const OP_CLOSE: u8 = 0x8;
/// The opcode of a ping frame.
pub const OP_PING: u8 = 0x9;
/// The opcode of a pong frame.
pub const OP_PONG: u8 = 0xa;

pub(crate) const OP_CONTINUATION: u8 = 0x0;
pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV: u8 = 0x70;
pub(crate) const RSV1: u8 = 0x40;
pub(crate) const MASK: u8 = 0x80;

/// A header that is read byte by byte.
#[derive(Debug, Default)]
pub(crate) struct Head {
    bytes: [u8; 14],
    have: u8,
}

impl Head {
    /// Adds the next byte. Returns `true` if the header is complete.
    pub(crate) fn push(&mut self, byte: u8) -> bool {
        if let Some(slot) = self.bytes.get_mut(usize::from(self.have)) {
            *slot = byte;
            self.have += 1;
        }
        self.have >= 2 && usize::from(self.have) == self.size()
    }

    pub(crate) fn clear(&mut self) {
        self.have = 0;
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.have)]
    }

    pub(crate) fn first(&self) -> u8 {
        self.bytes[0]
    }

    /// Returns the payload's length. The header must be complete.
    pub(crate) fn length(&self) -> u64 {
        match self.bytes[1] & !MASK {
            126 => u64::from(u16::from_be_bytes([self.bytes[2], self.bytes[3]])),
            127 => self.bytes[2..10]
                .iter()
                .fold(0, |length, byte| length << 8 | u64::from(*byte)),
            short => u64::from(short),
        }
    }

    /// Returns the masking key. The header must be complete.
    pub(crate) fn key(&self) -> Option<[u8; 4]> {
        match self.bytes() {
            [_, second, .., a, b, c, d] if second & MASK != 0 => Some([*a, *b, *c, *d]),
            _ => None,
        }
    }

    fn size(&self) -> usize {
        let length = match self.bytes[1] & !MASK {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + length + if self.bytes[1] & MASK != 0 { 4 } else { 0 }
    }
}

/// The longest payload for which [`seal`] writes a header.
const LONGEST: usize = u16::MAX as usize;

/// The minimum size of a frame for [`body`]: a header and a few bytes.
pub(crate) const SHORTEST: usize = 16;

/// Returns the part of `frame`, which has at least [`SHORTEST`] bytes, for the payload of [`seal`].
pub(crate) fn body(frame: &mut [u8]) -> &mut [u8] {
    let end = frame.len().min(8 + LONGEST);
    let start = start(frame);
    &mut frame[start..end]
}

/// Writes the header for the first `len` bytes of [`body`] and returns the length of the frame. The
/// frame is masked with a key of zero, which leaves the payload as it is.
pub(crate) fn seal(frame: &mut [u8], first: u8, len: usize) -> usize {
    let start = start(frame);
    frame[0] = first;
    if len < 126 {
        frame.copy_within(start..start + len, 6);
        frame[1] = MASK | len as u8;
        frame[2..6].fill(0);
        6 + len
    } else {
        frame[1] = MASK | 126;
        frame[2..4].copy_from_slice(&(len as u16).to_be_bytes());
        frame[4..8].fill(0);
        8 + len
    }
}

fn start(frame: &[u8]) -> usize {
    if frame.len() < 6 + 126 { 6 } else { 8 }
}

/// Appends the header of a server's final, unmasked frame.
///
/// `opcode` is one of this module's constants, and `len` is the payload's length in bytes (RFC 6455
/// section 5.2).
pub fn put_header(out: &mut Vec<u8>, opcode: u8, len: usize) {
    out.push(FIN | opcode);
    match len {
        0..=125 => out.push(len as u8),
        126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}

/// Appends a close frame, with a code and a text or without both (RFC 6455 section 5.5.1).
///
/// A text of more than 123 bytes is cut at the last character that fits.
pub fn put_close(out: &mut Vec<u8>, reason: Option<(u16, &str)>) {
    let Some((code, text)) = reason else {
        put_header(out, OP_CLOSE, 0);
        return;
    };
    // A control frame's payload has at most 125 bytes, two of them the code.
    let mut len = text.len().min(123);
    while !text.is_char_boundary(len) {
        len -= 1;
    }
    put_header(out, OP_CLOSE, len + 2);
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(&text.as_bytes()[..len]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_frame_has_at_most_125_bytes_and_no_part_of_a_character() {
        let mut out = Vec::new();
        put_close(&mut out, None);
        assert_eq!(out, [0x88, 0]);
        out.clear();
        put_close(&mut out, Some((1001, "away")));
        assert_eq!(out, b"\x88\x06\x03\xe9away");
        out.clear();
        put_close(&mut out, Some((1000, &"\u{e9}".repeat(100))));
        assert_eq!(out[1], 124);
        assert!(str::from_utf8(&out[4..]).is_ok());
    }

    #[test]
    fn lengths_have_the_shortest_encoding() {
        for (len, header) in [
            (125, &[0x81, 125][..]),
            (126, &[0x81, 126, 0, 126]),
            (65_535, &[0x81, 126, 0xff, 0xff]),
            (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut out = Vec::new();
            put_header(&mut out, OP_TEXT, len);
            assert_eq!(out, header);
            let mut head = Head::default();
            let complete = out.iter().map(|byte| head.push(*byte));
            assert_eq!(complete.filter(|complete| *complete).count(), 1);
            assert_eq!(head.length(), len as u64);
        }
    }
}
