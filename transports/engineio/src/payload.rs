//! Payloads of the polling transport: several packets in one body.
//!
//! Protocol 4 puts U+001E between packets and bytes into base64. Protocol 3 has two forms: text with each
//! packet's length in UTF-16 units before it, and bytes with a binary header, for clients that can take bytes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use stellarfw_transport::{Frame, Message};

use crate::packet::{MESSAGE_V3, Packet, PacketError, Version, base64_prefix};

/// Separates the packets of a payload (protocol 4).
const SEPARATOR: u8 = 0x1e;
/// The most digits of a packet's length, and the colon (protocol 3).
const LONGEST_LENGTH: usize = 21;
/// Ends a packet's length in a payload of bytes (protocol 3).
const LENGTH_END: u8 = 0xff;

/// The form of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    V4,
    /// Text of protocol 3.
    Text,
    /// Bytes of protocol 3.
    Bytes,
}

impl Form {
    /// The form of a client's POST with this content type.
    pub(crate) fn of_post(version: Version, content_type: Option<&HeaderValue>) -> Self {
        let is_bytes = content_type.is_some_and(|value| *value == OCTETS);
        match (version, is_bytes) {
            (Version::V4, _) => Self::V4,
            (Version::V3, false) => Self::Text,
            (Version::V3, true) => Self::Bytes,
        }
    }
}

/// The content type of bytes.
const OCTETS: &str = "application/octet-stream";

/// Reads the packets of a payload one by one. After an error there are no more.
pub(crate) struct Packets<'a> {
    form: Form,
    rest: &'a [u8],
}

impl<'a> Packets<'a> {
    pub(crate) fn new(form: Form, payload: &'a [u8]) -> Self {
        Self {
            form,
            rest: payload,
        }
    }

    fn read(&mut self) -> Result<Packet<'a>, PacketError> {
        match self.form {
            Form::V4 => {
                let packet = split_separated(&mut self.rest);
                let text = str::from_utf8(packet).map_err(|_| PacketError::Payload)?;
                Packet::parse(Version::V4, text)
            }
            Form::Text => {
                let packet = split_text(&mut self.rest).ok_or(PacketError::Payload)?;
                Packet::parse(Version::V3, packet)
            }
            Form::Bytes => match split_bytes(&mut self.rest).ok_or(PacketError::Payload)? {
                (true, bytes) => Packet::parse_typed(bytes),
                (false, text) => {
                    let text = str::from_utf8(text).map_err(|_| PacketError::Payload)?;
                    Packet::parse(Version::V3, text)
                }
            },
        }
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, PacketError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let packet = self.read();
        if packet.is_err() {
            self.rest = &[];
        }
        Some(packet)
    }
}

/// Takes the first packet of a payload of protocol 4.
fn split_separated<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let end = memchr::memchr(SEPARATOR, rest).unwrap_or(rest.len());
    let packet = &rest[..end];
    *rest = rest.get(end + 1..).unwrap_or_default();
    packet
}

/// Takes the first packet of a text payload of protocol 3: `length:packet`.
fn split_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let at = rest.iter().take(LONGEST_LENGTH).position(|b| *b == b':')?;
    let mut length: usize = str::from_utf8(&rest[..at]).ok()?.parse().ok()?;
    let packets = &rest[at + 1..];
    // A unit is three bytes at most, so that no more than this packet is read.
    let most = length.saturating_mul(3).min(packets.len());
    let text = match str::from_utf8(&packets[..most]) {
        Ok(text) => text,
        Err(error) => str::from_utf8(&packets[..error.valid_up_to()]).ok()?,
    };
    let mut end = 0;
    let mut chars = text.chars();
    while length > 0 {
        let c = chars.next()?;
        length = length.checked_sub(c.len_utf16())?;
        end += c.len_utf8();
    }
    *rest = &packets[end..];
    Some(&text[..end])
}

/// Takes the first packet of a payload of bytes of protocol 3: 0 for text or 1 for bytes, the digits of its length,
/// 255, the packet. Returns whether it is bytes.
fn split_bytes<'a>(rest: &mut &'a [u8]) -> Option<(bool, &'a [u8])> {
    let (kind, digits) = rest.split_first()?;
    let end = digits
        .iter()
        .take(LONGEST_LENGTH)
        .position(|byte| *byte == LENGTH_END)?;
    let length = digits[..end].iter().try_fold(0_usize, |length, digit| {
        let digit = (*digit < 10).then_some(usize::from(*digit))?;
        length.checked_mul(10)?.checked_add(digit)
    })?;
    let from = end + 1;
    let packet = digits.get(from..from.checked_add(length)?)?;
    *rest = &digits[from + length..];
    Some((*kind != 0, packet))
}

/// Writes packets one after the other as one payload.
pub(crate) struct PayloadWriter {
    form: Form,
    bytes: Vec<u8>,
}

impl PayloadWriter {
    /// Begins a payload. In protocol 3 it is one of bytes if `has_binary`, and the client takes those.
    pub(crate) fn new(version: Version, has_binary: bool, takes_binary: bool) -> Self {
        let form = match version {
            Version::V4 => Form::V4,
            Version::V3 if has_binary && takes_binary => Form::Bytes,
            Version::V3 => Form::Text,
        };
        Self {
            form,
            bytes: Vec::new(),
        }
    }

    /// Returns how long the payload is so far.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends a packet that is text, with its type in front and then `text`.
    pub(crate) fn text(&mut self, kind: &str, text: &str) {
        let out = &mut self.bytes;
        out.reserve(kind.len() + text.len() + LONGEST_LENGTH + 1);
        match self.form {
            Form::V4 => {
                if !out.is_empty() {
                    out.push(SEPARATOR);
                }
            }
            Form::Text => {
                let units = kind.len() + text.chars().map(char::len_utf16).sum::<usize>();
                out.extend_from_slice(units.to_string().as_bytes());
                out.push(b':');
            }
            Form::Bytes => put_length(out, 0, kind.len() + text.len()),
        }
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(text.as_bytes());
    }

    /// Appends a message of bytes.
    pub(crate) fn binary(&mut self, bytes: &[u8]) {
        let version = match self.form {
            Form::V4 => Version::V4,
            Form::Text => Version::V3,
            Form::Bytes => {
                put_length(&mut self.bytes, 1, 1 + bytes.len());
                self.bytes.push(MESSAGE_V3);
                self.bytes.extend_from_slice(bytes);
                return;
            }
        };
        // Base64 is ASCII, so that its length is known beforehand and it is written in place.
        let len = base64::encoded_len(bytes.len(), true).unwrap_or(usize::MAX);
        let prefix = base64_prefix(version);
        match self.form {
            Form::Text => {
                let units = prefix.len().saturating_add(len);
                self.bytes.extend_from_slice(units.to_string().as_bytes());
                self.bytes.push(b':');
            }
            _ if !self.bytes.is_empty() => self.bytes.push(SEPARATOR),
            _ => {}
        }
        self.bytes.extend_from_slice(prefix.as_bytes());
        let start = self.bytes.len();
        self.bytes.resize(start + len, 0);
        // The room is exactly what is needed.
        let written = STANDARD.encode_slice(bytes, &mut self.bytes[start..]);
        self.bytes.truncate(start + written.unwrap_or_default());
    }

    /// Appends a message. Returns `false` and leaves it out if a payload of this form cannot hold it as one packet.
    pub(crate) fn message(&mut self, frame: &Frame) -> bool {
        match frame.as_message() {
            Message::Text(text) if self.form == Form::V4 && is_split(text) => return false,
            Message::Text(text) => self.text("4", text),
            Message::Binary(bytes) => self.binary(bytes),
        }
        true
    }

    /// Returns the payload and its content type.
    pub(crate) fn finish(self) -> (Vec<u8>, &'static str) {
        let content_type = match self.form {
            Form::Bytes => OCTETS,
            _ => "text/plain; charset=UTF-8",
        };
        (self.bytes, content_type)
    }
}

/// Returns `true` if a payload of protocol 4 would hold this text as several packets.
fn is_split(text: &str) -> bool {
    memchr::memchr(SEPARATOR, text.as_bytes()).is_some()
}

/// Appends the header of a packet in a payload of bytes.
fn put_length(out: &mut Vec<u8>, kind: u8, len: usize) {
    out.push(kind);
    out.extend(len.to_string().bytes().map(|digit| digit - b'0'));
    out.push(LENGTH_END);
}

#[cfg(test)]
mod tests;
