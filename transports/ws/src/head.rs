//! Frame headers (RFC 6455 §5.2): read byte by byte, written whole.

pub(crate) const OP_CONTINUATION: u8 = 0x0;
pub(crate) const OP_TEXT: u8 = 0x1;
pub(crate) const OP_BINARY: u8 = 0x2;
pub(crate) const OP_CLOSE: u8 = 0x8;
pub(crate) const OP_PING: u8 = 0x9;
pub(crate) const OP_PONG: u8 = 0xa;
pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV: u8 = 0x70;
pub(crate) const RSV1: u8 = 0x40;
pub(crate) const MASK: u8 = 0x80;

/// A header that arrives in any pieces.
#[derive(Debug, Default)]
pub(crate) struct Head {
    bytes: [u8; 14],
    have: u8,
}

impl Head {
    /// Adds the next byte; true when it was the last.
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

    /// The payload's length. Only of a complete header.
    pub(crate) fn length(&self) -> u64 {
        match self.bytes[1] & !MASK {
            126 => u64::from(u16::from_be_bytes([self.bytes[2], self.bytes[3]])),
            127 => self.bytes[2..10]
                .iter()
                .fold(0, |length, byte| length << 8 | u64::from(*byte)),
            short => u64::from(short),
        }
    }

    /// The masking key. Only of a complete header.
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

/// The longest payload that [`seal`] puts behind a header.
const LONGEST: usize = u16::MAX as usize;

/// The shortest frame to ask [`body`] for: a header and a few bytes.
pub(crate) const SHORTEST: usize = 16;

/// Where in `frame`, of at least [`SHORTEST`], a payload goes that [`seal`] will put a header
/// before.
pub(crate) fn body(frame: &mut [u8]) -> &mut [u8] {
    let end = frame.len().min(8 + LONGEST);
    let start = start(frame);
    &mut frame[start..end]
}

/// Puts a header before the first `len` bytes of [`body`]: masked, with a key of zero, which
/// changes nothing. Returns the length of the frame.
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

/// Appends the header of a frame that a server sends and that is all of its message: final, without a
/// mask (RFC 6455 section 5.2). `len` is that of the payload, in bytes.
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
