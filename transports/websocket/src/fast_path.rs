//! Messages of one frame, which nearly all are. They are read in place, in the buffer that all
//! connections of a thread share. tungstenite reads all other frames.

use std::ops::Range;

use crate::{
    frame::{FIN, MASK, OP_BINARY, OP_PING, OP_PONG, OP_TEXT},
    mask::unmask,
};

/// The largest frame that is completed in the thread's buffer. tungstenite collects larger ones.
const IN_PLACE_MAX: usize = 4 << 10;
/// The largest payload of a control frame (RFC 6455 section 5.5).
const CONTROL_MAX: usize = 125;

/// The frame at the beginning of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A complete message or control frame.
    Complete {
        opcode: u8,
        /// The range of its payload, which is unmasked.
        payload: Range<usize>,
    },
    /// An incomplete frame.
    Partial,
    /// A frame that is not read here: a fragment, a large frame, a close frame, or a violation of the
    /// protocol.
    Other,
}

/// Reads the frame at the beginning of `bytes` (RFC 6455 section 5.2), if its payload has at most
/// `longest` bytes.
pub(crate) fn next(bytes: &mut [u8], longest: usize) -> Next {
    const TEXT: u8 = FIN | OP_TEXT;
    const BINARY: u8 = FIN | OP_BINARY;
    const PING: u8 = FIN | OP_PING;
    const PONG: u8 = FIN | OP_PONG;
    let &[first, second, ..] = &*bytes else {
        return Next::Partial;
    };
    if second & MASK == 0 || !matches!(first, TEXT | BINARY | PING | PONG) {
        return Next::Other;
    }
    let (len, start) = match second & !MASK {
        126 => match bytes.get(2..4) {
            Some(&[high, low]) => (usize::from(u16::from_be_bytes([high, low])), 8),
            _ => return Next::Partial,
        },
        127 => return Next::Other,
        short => (usize::from(short), 6),
    };
    if len > longest || len > CONTROL_MAX && matches!(first, PING | PONG) {
        return Next::Other;
    }
    let end = start + len;
    if bytes.len() < end {
        return if end > IN_PLACE_MAX {
            Next::Other
        } else {
            Next::Partial
        };
    }
    let (head, payload) = bytes[..end].split_at_mut(start);
    if let &[.., a, b, c, d] = &*head {
        unmask(payload, [a, b, c, d]);
    }
    Next::Complete {
        opcode: first & !FIN,
        payload: start..end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let key = [0x9c, 0x01, 0xff, 0x30];
        let mut out = vec![first];
        match payload.len() {
            len @ 0..=125 => out.push(MASK | len as u8),
            len => {
                out.push(MASK | 126);
                out.extend((len as u16).to_be_bytes());
            }
        }
        out.extend(key);
        out.extend(payload.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b));
        out
    }

    #[test]
    fn a_frame_is_whole_from_its_last_byte_on() {
        for (len, start) in [
            (0, 6),
            (1, 6),
            (7, 6),
            (8, 6),
            (125, 6),
            (126, 8),
            (4_088, 8),
        ] {
            let payload: Vec<u8> = (0..len).map(|n| (n * 7) as u8).collect();
            let bytes = frame(FIN | OP_TEXT, &payload);
            for cut in 0..bytes.len() {
                assert_eq!(next(&mut bytes[..cut].to_vec(), 1 << 20), Next::Partial);
            }
            let mut more = [&bytes[..], b"what follows"].concat();
            let whole = start..start + len;
            assert_eq!(
                next(&mut more, 1 << 20),
                Next::Complete {
                    opcode: OP_TEXT,
                    payload: whole.clone()
                }
            );
            assert_eq!(&more[whole], payload);
            assert_eq!(&more[bytes.len()..], b"what follows");
        }
    }

    #[test]
    fn what_is_not_a_short_whole_frame_is_left_to_tungstenite() {
        let other = |mut bytes: Vec<u8>, longest| next(&mut bytes, longest) == Next::Other;
        for first in [0x01, 0x02, 0x80, 0x83, 0x88, 0x8b, 0x09, 0xc1, 0xa1, 0x91] {
            assert!(other(frame(first, b"abc"), 1_000), "{first:x}");
        }
        assert!(other(frame(FIN | OP_PING, &[0; 126]), 1_000), "long ping");
        assert!(other(frame(FIN | OP_TEXT, b"abcd"), 3), "over the limit");
        assert!(!other(frame(FIN | OP_TEXT, b"abc"), 3));
        assert!(
            other(vec![FIN | OP_TEXT, 3, b'a', b'b', b'c'], 1_000),
            "no mask"
        );
        assert!(
            other(vec![FIN | OP_TEXT, MASK | 127], 1_000),
            "64 bits of length"
        );
        let long = frame(FIN | OP_BINARY, &[1; 5_000]);
        assert!(other(long[..4_999].to_vec(), 1 << 20), "worth collecting");
        assert!(!other(long, 1 << 20), "here already");
    }
}
