//! The structure of MessagePack values.

use std::io::Cursor;

/// The deepest nesting of a value.
pub(super) const MAX_DEPTH: usize = 128;

/// Appends the header of a list. A longer list than MessagePack can have never fits a message.
pub(crate) fn put_array_len(out: &mut Vec<u8>, len: usize) {
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    rmp::encode::write_array_len(out, len).ok();
}

/// Reads the header of a MessagePack map: the number of fields, and the position after it.
pub(super) fn map_header(object: &[u8]) -> Option<(u32, usize)> {
    let mut cursor = Cursor::new(object);
    let count = rmp::decode::read_map_len(&mut cursor).ok()?;
    Some((count, usize::try_from(cursor.position()).ok()?))
}

/// Reads the header of a MessagePack array: the number of items, and the position after it.
pub(crate) fn array_header(list: &[u8]) -> Option<(u32, usize)> {
    let mut cursor = Cursor::new(list);
    let count = rmp::decode::read_array_len(&mut cursor).ok()?;
    Some((count, usize::try_from(cursor.position()).ok()?))
}

/// Reads MessagePack values one after the other.
pub(super) struct Values<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Values<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(super) fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let len = value_len(rest, MAX_DEPTH)?;
        self.at += len;
        rest.get(..len)
    }
}

/// Returns the length of the MessagePack value at the beginning of `bytes`, if it is complete and
/// nested at most `depth` levels deep.
fn value_len(bytes: &[u8], depth: usize) -> Option<usize> {
    let first = *bytes.first()?;
    // A big-endian number of so many bytes after the first.
    let number = |size: usize| {
        let digits = bytes.get(1..=size)?.iter();
        Some(digits.fold(0, |number, byte| number << 8 | usize::from(*byte)))
    };
    let (head, body, values) = match first {
        0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => (1, 0, 0),
        0x80..=0x8f => (1, 0, 2 * usize::from(first & 0x0f)),
        0x90..=0x9f => (1, 0, usize::from(first & 0x0f)),
        0xa0..=0xbf => (1, usize::from(first & 0x1f), 0),
        0xc1 => return None,
        0xc4 | 0xd9 => (2, number(1)?, 0),
        0xc5 | 0xda => (3, number(2)?, 0),
        0xc6 | 0xdb => (5, number(4)?, 0),
        0xc7 => (3, number(1)?, 0),
        0xc8 => (4, number(2)?, 0),
        0xc9 => (6, number(4)?, 0),
        0xcc | 0xd0 => (2, 0, 0),
        0xcd | 0xd1 => (3, 0, 0),
        0xca | 0xce | 0xd2 => (5, 0, 0),
        0xcb | 0xcf | 0xd3 => (9, 0, 0),
        0xd4..=0xd8 => (2, 1 << (first - 0xd4), 0),
        0xdc => (3, 0, number(2)?),
        0xdd => (5, 0, number(4)?),
        0xde => (3, 0, number(2)?.checked_mul(2)?),
        0xdf => (5, 0, number(4)?.checked_mul(2)?),
    };
    let mut at = body.checked_add(head)?;
    if values > 0 {
        let depth = depth.checked_sub(1)?;
        for _ in 0..values {
            at += value_len(bytes.get(at..)?, depth)?;
        }
    }
    (at <= bytes.len()).then_some(at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_length_of_a_value_is_what_a_decoder_reads() {
        let text = |len| json!("x".repeat(len));
        let mut values = vec![
            json!(null),
            json!(true),
            json!(1.5),
            json!([]),
            json!({}),
            json!({ "a": { "b": [1, [2, "c"]] } }),
        ];
        values.extend([0, 31, 32, 255, 256, 65_536].map(text));
        values.extend([15, 16, 65_536].map(|len| json!(vec![1; len])));
        for power in 0..64 {
            values.extend([json!(1_u64 << power), json!(-(1_i64 << power.min(62)))]);
        }
        let mut encoded: Vec<Vec<u8>> = values
            .iter()
            .map(|value| rmp_serde::to_vec_named(value).unwrap())
            .collect();
        for len in [0, 1, 2, 3, 4, 8, 16, 17, 255, 256, 65_536] {
            let bytes = vec![7; len];
            let (mut bin, mut ext) = (Vec::new(), Vec::new());
            rmp::encode::write_bin(&mut bin, &bytes).unwrap();
            rmp::encode::write_ext_meta(&mut ext, len as u32, 5).unwrap();
            ext.extend(bytes);
            encoded.extend([bin, ext]);
        }
        encoded.push([&[0xca][..], &1.5_f32.to_be_bytes()].concat());
        for value in encoded {
            let longer = [&value[..], b"rest"].concat();
            assert_eq!(value_len(&longer, 8), Some(value.len()), "{:x}", value[0]);
            for cut in (0..value.len()).rev().take(20) {
                assert_eq!(value_len(&value[..cut], 8), None, "{:x}", value[0]);
            }
        }
        assert_eq!(value_len(&[0xc1], 3), None);
        assert_eq!(value_len(&[0x91, 0x91, 0x91, 0xc0], 3), Some(4));
        assert_eq!(value_len(&[0x91, 0x91, 0x91, 0xc0], 2), None);
    }
}
