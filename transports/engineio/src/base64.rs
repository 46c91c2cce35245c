//! Clients that force base64 (Primus's is one) send binary over a WebSocket as text, which the
//! library does not read there. For them it is turned back into binary on the way.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::frames::{BINARY, Frame, Frames, TEXT};

const FIN: u8 = 0x80;
const MASK: u8 = 0x80;

/// Reads the frames of such a client. What it keeps is one frame, of which the length was checked
/// before.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    frames: Frames,
    /// The frame under way as it came.
    raw: Vec<u8>,
    /// How long its header is.
    header: usize,
    /// What is ready to be read.
    out: Vec<u8>,
    at: usize,
}

impl Decoder {
    /// Takes what has come.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) {
        while let Some(first) = bytes.first() {
            let Some(frame) = self.frames.frame else {
                self.raw.push(*first);
                bytes = &bytes[1..];
                self.frames.frame = self.frames.header(*first);
                self.header = self.raw.len();
                self.finish();
                continue;
            };
            let missing = Self::total(self.header, &frame) - self.raw.len();
            let (now, later) = bytes.split_at(missing.min(bytes.len()));
            self.raw.extend_from_slice(now);
            bytes = later;
            self.finish();
        }
    }

    fn total(header: usize, frame: &Frame) -> usize {
        header.saturating_add(usize::try_from(frame.len).unwrap_or(usize::MAX))
    }

    /// Passes the frame on, if it is complete.
    fn finish(&mut self) {
        let Some(frame) = self.frames.frame else {
            return;
        };
        if self.raw.len() < Self::total(self.header, &frame) {
            return;
        }
        self.frames.frame = None;
        let raw = std::mem::take(&mut self.raw);
        match decode(&frame, &raw[self.header..]) {
            Some(bytes) => put(&mut self.out, &bytes),
            None => self.out.extend_from_slice(&raw),
        }
    }

    /// Whether what was given ends with a frame.
    pub(crate) fn is_between(&self) -> bool {
        self.at == self.out.len()
    }

    /// Gives as much as there is room for.
    pub(crate) fn give(&mut self, most: usize) -> &[u8] {
        if self.at == self.out.len() {
            self.out = Vec::new();
            self.at = 0;
        }
        let from = self.at;
        self.at = self.out.len().min(from.saturating_add(most));
        &self.out[from..self.at]
    }
}

/// What a frame holds in base64, if that is what it is.
fn decode(frame: &Frame, payload: &[u8]) -> Option<Vec<u8>> {
    if !frame.fin || frame.opcode != TEXT || payload.first()? ^ frame.mask[0] != b'b' {
        return None;
    }
    let mask = frame.mask.iter().cycle();
    let text: Vec<u8> = payload.iter().zip(mask).map(|(b, mask)| b ^ mask).collect();
    STANDARD.decode(&text[1..]).ok()
}

/// Appends a binary frame as a client sends it, with a mask that changes nothing.
fn put(out: &mut Vec<u8>, payload: &[u8]) {
    out.push(FIN | BINARY);
    match payload.len() {
        len @ 0..=125 => out.push(MASK | len as u8),
        len @ 126..=0xffff => {
            out.push(MASK | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(MASK | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let mut out = vec![FIN | TEXT, MASK | payload.len() as u8, 1, 2, 3, 4];
        out.extend(payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m));
        out
    }

    #[test]
    fn base64_becomes_binary_and_all_else_stays() {
        let mut bytes = text(b"4b");
        bytes.extend(text(b"bAAEC"));
        bytes.extend(text(b""));
        bytes.extend(text(b"b!!"));
        bytes.extend([FIN | 8, MASK, 0, 0, 0, 0]);
        let mut expected = text(b"4b");
        put(&mut expected, &[0, 1, 2]);
        expected.extend(text(b""));
        expected.extend(text(b"b!!"));
        expected.extend([FIN | 8, MASK, 0, 0, 0, 0]);
        for size in 1..=bytes.len() {
            let (mut decoder, mut out) = (Decoder::default(), Vec::new());
            for chunk in bytes.chunks(size) {
                decoder.take(chunk);
                while let part @ [_, ..] = decoder.give(3) {
                    out.extend_from_slice(part);
                }
            }
            assert_eq!(out, expected, "in pieces of {size}");
        }
    }
}
