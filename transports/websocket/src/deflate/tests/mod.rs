//! What a client sends, what a reader behind an [`Inflater`] sees, and a source of chance.

#![allow(
    clippy::unwrap_used,
    reason = "a test that meets what it did not expect has failed"
)]

mod broken;
mod deflater;
mod inflater;
mod negotiate;
mod random;
mod reference;

use flate2::{Compress, Compression, FlushCompress};
use http::HeaderValue;

use super::*;

/// A repeatable source of chance.
struct Lcg(u64);

impl Lcg {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, bound: usize) -> usize {
        self.next() as usize % bound
    }

    fn coin(&mut self) -> bool {
        self.next() & 1 == 1
    }

    /// Text like what chats send, or noise.
    fn payload(&mut self, len: usize) -> Vec<u8> {
        const WORDS: [&str; 8] = [
            "room",
            "stellar",
            "{\"say\":",
            "\"äöü\"",
            "}",
            "0123",
            ", ",
            "message",
        ];
        let mut payload = Vec::with_capacity(len + 8);
        let noise = self.below(4) == 0;
        while payload.len() < len {
            match noise {
                true => payload.push(self.next() as u8),
                false => payload.extend_from_slice(WORDS[self.below(WORDS.len())].as_bytes()),
            }
        }
        payload.truncate(len);
        payload
    }
}

fn agreed(offer: &str, config: &DeflateConfig) -> Negotiated {
    let header = HeaderValue::from_str(offer).unwrap();
    negotiate(config, [&header])
        .expect("an offer that is taken")
        .0
}

fn with_takeover() -> DeflateConfig {
    DeflateConfig {
        server_no_context_takeover: false,
        client_no_context_takeover: false,
        ..DeflateConfig::default()
    }
}

fn inflater() -> Inflater {
    Inflater::new(&agreed(EXTENSION, &DeflateConfig::default()), 1 << 24)
}

/// A frame as clients send it.
fn frame(first: u8, key: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len @ 126..65_536 => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&key);
    frame.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    frame
}

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The client's compressor.
struct Client(Compress);

impl Client {
    fn new(level: u32, bits: u8) -> Self {
        Self(Compress::new_with_window_bits(
            Compression::new(level),
            false,
            bits,
        ))
    }

    fn compress(&mut self, payload: &[u8]) -> Vec<u8> {
        if payload.is_empty() {
            return vec![0];
        }
        let mut out = Vec::with_capacity(payload.len() * 2 + 256);
        self.0
            .compress_vec(payload, &mut out, FlushCompress::Sync)
            .unwrap();
        assert!(out.len() < out.capacity() && out.ends_with(&TAIL));
        out.truncate(out.len() - 4);
        out
    }
}

/// Does what the documentation of [`Inflater`] tells its user to, with pieces of wire and slices of
/// the sizes that `piece` and `room` give.
fn translate(
    inflater: &mut Inflater,
    wire: &[u8],
    mut piece: impl FnMut() -> usize,
    mut room: impl FnMut() -> usize,
) -> Result<Vec<u8>, DeflateError> {
    let mut seen = Vec::new();
    let mut kept: Vec<u8> = Vec::new();
    let mut wire = wire.iter().copied();
    loop {
        let mut slice = vec![0xaa; room().max(1)];
        if inflater.pending() || !kept.is_empty() {
            let done = inflater.translate(&kept, &mut slice)?;
            kept.drain(..done.consumed);
            seen.extend_from_slice(&slice[..done.written]);
            if done.written == 0 {
                assert!(kept.is_empty() && !inflater.pending(), "no progress");
            }
            continue;
        }
        let size = piece().clamp(1, slice.len());
        let read: Vec<u8> = wire.by_ref().take(size).collect();
        if read.is_empty() {
            return Ok(seen);
        }
        let stays = inflater.plain_prefix(&read);
        seen.extend_from_slice(&read[..stays]);
        kept.extend_from_slice(&read[stays..]);
    }
}

/// In one go.
fn whole(inflater: &mut Inflater, wire: &[u8]) -> Result<Vec<u8>, DeflateError> {
    translate(inflater, wire, || usize::MAX, || 1 << 16)
}

/// What a reader makes of it: first byte and payload of each frame.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let first = bytes[0];
        assert_eq!(bytes[1] & 0x80, 0x80, "masked");
        let (len, start) = match bytes[1] & 0x7f {
            126 => (usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), 4),
            127 => (
                u64::from_be_bytes(bytes[2..10].try_into().unwrap()) as usize,
                10,
            ),
            len => (usize::from(len), 2),
        };
        let (key, payload) = bytes[start..].split_at(4);
        frames.push((
            first,
            payload[..len]
                .iter()
                .zip(key.iter().cycle())
                .map(|(byte, key)| byte ^ key)
                .collect(),
        ));
        bytes = &payload[len..];
    }
    frames
}

/// What a reader makes of it: messages put together, each with its opcode, control frames where
/// they come.
fn messages(bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut messages = Vec::new();
    let mut partial: Option<(u8, Vec<u8>)> = None;
    for (first, payload) in frames(bytes) {
        assert_eq!(first & 0x70, 0, "reserved bits");
        let opcode = first & 0x0f;
        if opcode >= 8 {
            messages.push((opcode, payload));
            continue;
        }
        let message = match (opcode, partial.take()) {
            (0, Some((opcode, mut begun))) => {
                begun.extend_from_slice(&payload);
                (opcode, begun)
            }
            (1 | 2, None) => (opcode, payload),
            other => panic!("out of order: {other:?}"),
        };
        if first & 0x80 != 0 {
            messages.push(message)
        } else {
            partial = Some(message)
        }
    }
    assert_eq!(partial, None);
    messages
}
