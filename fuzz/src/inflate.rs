//! Decompression of frames.

use std::io::Read as _;

use flate2::{Compression, read::DeflateEncoder};
use http::HeaderValue;
use stellarfw::ws::deflate::{DeflateConfig, DeflateError, Inflater, Negotiated, negotiate};

use super::support::{Numbers, cut, put_frame};

/// Maximum length of a message, in bytes.
const LONGEST: usize = 1 << 12;

/// Decompresses the input as a client's frames, and compresses it as a message.
///
/// The output does not depend on the split of the input or the size of the buffer, and does not exceed
/// the maximum length. A compressed message survives the round trip.
pub fn inflate(bytes: &[u8]) {
    for takeover in [false, true] {
        let agreed = agree(takeover);
        let mut numbers = Numbers::of(bytes);
        let whole = translate(&agreed, &[bytes], &mut |_| 1 << 14);
        let is_good = whole.1.is_none();
        for _ in 0..3 {
            let pieces = cut(bytes, &mut numbers);
            let most = [1, 7, 15, 16, 17, 100, 200, 5_000][numbers.below(8)];
            let found = translate(&agreed, &pieces, &mut |_| 1 + numbers.below(most));
            // A message that is too long and corrupt reports either error.
            assert_eq!(found.1.is_some(), whole.1.is_some(), "the fault");
            let (found, whole) = (payloads(&found.0), payloads(&whole.0));
            if is_good {
                assert_eq!(found, whole);
            } else {
                // The last message may be incomplete.
                assert_eq!(finished(&found), finished(&whole));
            }
        }
        let message = &bytes[..bytes.len().min(LONGEST)];
        back(&agreed, message, &mut numbers);
    }
}

/// Returns the negotiated parameters.
fn agree(takeover: bool) -> Negotiated {
    let config = DeflateConfig {
        client_no_context_takeover: !takeover,
        ..DeflateConfig::default()
    };
    let offer = HeaderValue::from_static("permessage-deflate");
    let agreed = negotiate(&config, [&offer]);
    agreed.map_or_else(|| panic!("no agreement"), |(agreed, _)| agreed)
}

/// Translates all pieces. Returns the output and the error, if any.
fn translate(
    agreed: &Negotiated,
    pieces: &[&[u8]],
    room: &mut dyn FnMut(usize) -> usize,
) -> (Vec<u8>, Option<DeflateError>) {
    let mut inflater = Inflater::new(agreed, LONGEST);
    let mut out = Vec::new();
    for piece in pieces {
        let mut wire = *piece;
        loop {
            if !inflater.pending() && wire.is_empty() {
                break;
            }
            let mut buffer = vec![0; room(out.len())];
            match inflater.translate(wire, &mut buffer) {
                Ok(done) => {
                    let is_done = done.consumed == wire.len() && !inflater.pending();
                    assert!(done.written > 0 || is_done, "it makes no progress");
                    out.extend_from_slice(&buffer[..done.written]);
                    wire = &wire[done.consumed..];
                }
                Err(error) => {
                    assert_eq!(inflater.translate(wire, &mut buffer), Err(error));
                    return (out, Some(error));
                }
            }
        }
    }
    (out, None)
}

/// Joins the frames of each message, because one frame may be translated to several.
fn payloads(mut wire: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut out: Vec<(u8, Vec<u8>)> = Vec::new();
    let mut message: Option<(u8, Vec<u8>)> = None;
    while let Some((first, payload, rest)) = frame(wire) {
        wire = rest;
        let (is_final, opcode) = (first & 0x80 != 0, first & 0x0f);
        if opcode >= 8 || first & 0x70 != 0 {
            out.push((first, payload));
            continue;
        }
        let under_way = message.get_or_insert((opcode, Vec::new()));
        under_way.1.extend(payload);
        assert!(under_way.1.len() <= wire.len().max(1 << 16), "it grows");
        if is_final {
            out.extend(message.take());
        }
    }
    out.extend(message.map(|(opcode, payload)| (opcode | 0x70, payload)));
    // Incomplete frames are unchanged.
    out.push((0, wire.to_vec()));
    out
}

/// Returns the complete messages.
fn finished(messages: &[(u8, Vec<u8>)]) -> &[(u8, Vec<u8>)] {
    let end = messages.iter().position(|(first, _)| first & 0x70 == 0x70);
    &messages[..end.unwrap_or(messages.len() - 1)]
}

/// Returns the first frame.
fn frame(wire: &[u8]) -> Option<(u8, Vec<u8>, &[u8])> {
    let (first, second) = (*wire.first()?, *wire.get(1)?);
    let (len, rest) = match second & 0x7f {
        126 => {
            let (len, rest) = wire[2..].split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*len)), rest)
        }
        127 => {
            let (len, rest) = wire[2..].split_first_chunk()?;
            (usize::try_from(u64::from_be_bytes(*len)).ok()?, rest)
        }
        len => (usize::from(len), &wire[2..]),
    };
    let (key, rest) = match second & 0x80 {
        0 => ([0; 4], rest),
        _ => rest.split_first_chunk().map(|(key, rest)| (*key, rest))?,
    };
    let payload = rest.get(..len)?;
    let payload = payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k);
    Some((first, payload.collect(), &rest[len..]))
}

/// Checks that a compressed message in frames of any length survives the round trip.
fn back(agreed: &Negotiated, message: &[u8], numbers: &mut Numbers) {
    let mut wire = Vec::new();
    for _ in 0..2 {
        let level = [0, 1, 6, 9][numbers.below(4)];
        let mut compressed = Vec::new();
        let mut encoder = DeflateEncoder::new(message, Compression::new(level));
        encoder.read_to_end(&mut compressed).unwrap();
        // It ends with a final block, which needs no tail (RFC 7692 section 7.2.3.4). With one more byte
        // an empty block follows.
        compressed.push(0);
        let pieces = cut(&compressed, numbers);
        let last = pieces.len() - 1;
        for (at, piece) in pieces.into_iter().enumerate() {
            let first = if at == 0 { 0x42 } else { 0 };
            let fin = if at == last { 0x80 } else { 0 };
            put_frame(&mut wire, first | fin, piece);
        }
    }
    let (out, fault) = translate(agreed, &[&wire], &mut |_| 1 + numbers.below(3_000));
    assert_eq!(fault, None);
    let expected = (2, message.to_vec());
    assert_eq!(
        payloads(&out),
        [expected.clone(), expected, (0, Vec::new())]
    );
}
