//! Runs of text that mean themselves in a string of JSON (RFC 8259), found eight bytes at a time: for
//! engines and layers that read or write such strings for every message.

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);

/// How many bytes at the front may stand in a string of JSON as they are: all but quotes,
/// backslashes and control characters. What follows them is a character's first byte.
#[must_use]
#[inline]
pub fn in_string(bytes: &[u8]) -> usize {
    run(bytes, 0)
}

/// How many bytes at the front are ASCII and may stand in a string of JSON as they are.
#[must_use]
#[inline]
pub fn ascii(bytes: &[u8]) -> usize {
    run(bytes, HIGH)
}

/// `stops`: bits of a byte that end it, in every byte.
#[inline]
fn run(bytes: &[u8], stops: u64) -> usize {
    let ends = |eight: [u8; 8]| {
        let word = u64::from_le_bytes(eight);
        below(word, 0x20) | equal(word, b'"') | equal(word, b'\\') | (word & stops)
    };
    let first = |found: u64| found.trailing_zeros() as usize / 8;
    let mut at = 0;
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let found = ends(*eight);
        if found != 0 {
            return at + first(found);
        }
        at += 8;
    }
    // The rest once more with what comes before it, or with what ends nothing.
    let rest = bytes.len() - at;
    if let Some(last) = bytes.last_chunk() {
        return (bytes.len() - 8 + first(ends(*last))).min(bytes.len());
    }
    let mut eight = [b' '; 8];
    for (to, from) in eight.iter_mut().zip(bytes) {
        *to = *from;
    }
    first(ends(eight)).min(rest)
}

/// The high bit of the first byte that is less than this, at most 0x80. Above it bits may be set for
/// others, too.
fn below(word: u64, than: u8) -> u64 {
    word.wrapping_sub(ONES * u64::from(than)) & !word & HIGH
}

/// The high bit of the first byte that is this one, and maybe of others above it.
fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * u64::from(byte)), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_where_it_would_byte_by_byte() {
        for len in 0..40 {
            for at in 0..=len {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'x'; len];
                    // What comes after the first may be anything.
                    if let Some(rest) = bytes.get_mut(at..) {
                        rest.iter_mut().for_each(|b| *b = b'"');
                        rest.first_mut().into_iter().for_each(|b| *b = byte);
                    }
                    let next = (at + 1).min(len);
                    let ends = byte < 0x20 || byte == b'"' || byte == b'\\';
                    let end = |ends| if ends { at } else { next };
                    assert_eq!(in_string(&bytes), end(ends), "{byte} at {at} of {len}");
                    assert_eq!(
                        ascii(&bytes),
                        end(ends || byte >= 0x80),
                        "{byte} at {at} of {len}"
                    );
                }
            }
        }
    }
}
