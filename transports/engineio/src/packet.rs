//! Engine.IO's packets (protocols 4 and 3), read without a copy.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use stellarfw_transport::{CloseReason, Message};

/// A version of Engine.IO's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// Protocol 3, of engine.io-client 3 and Socket.IO 2: the client pings.
    V3,
    /// Protocol 4: the server pings.
    V4,
}

/// A packet of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    Close,
    Ping,
    Pong,
    /// `2probe`: asks whether the WebSocket of an upgrade works.
    Probe,
    /// The client moves to its WebSocket.
    Upgrade,
    Text(&'a str),
    Binary(Cow<'a, [u8]>),
}

/// What a client sent is no packet, or no payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum PacketError {
    #[error("bad packet")]
    Packet,
    #[error("bad payload")]
    Payload,
    #[error("bad upgrade")]
    Upgrade,
}

impl From<PacketError> for CloseReason {
    fn from(error: PacketError) -> Self {
        let message = match error {
            PacketError::Packet => "bad packet",
            PacketError::Payload => "bad payload",
            PacketError::Upgrade => "bad upgrade",
        };
        protocol_error(message)
    }
}

/// Makes the reason of a session whose client broke the protocol.
#[must_use]
pub fn protocol_error(message: &'static str) -> CloseReason {
    CloseReason::Protocol {
        code: 1002,
        message: message.into(),
    }
}

impl<'a> Packet<'a> {
    /// Reads a packet that is text, with its type in front.
    pub(crate) fn parse(version: Version, text: &'a str) -> Result<Self, PacketError> {
        if let Some(message) = text.strip_prefix('4') {
            return Ok(Self::Text(message));
        }
        if let Some(base64) = text.strip_prefix(base64_prefix(version)) {
            let bytes = STANDARD.decode(base64).map_err(|_| PacketError::Packet)?;
            return Ok(Self::Binary(bytes.into()));
        }
        match text {
            "1" => Ok(Self::Close),
            "2" => Ok(Self::Ping),
            "3" => Ok(Self::Pong),
            "2probe" => Ok(Self::Probe),
            "5" => Ok(Self::Upgrade),
            _ => Err(PacketError::Packet),
        }
    }

    /// Reads a message of a WebSocket as the packet that it is.
    pub(crate) fn of_message(version: Version, message: Message<'a>) -> Result<Self, PacketError> {
        match (message, version) {
            (Message::Text(text), _) => Self::parse(version, text),
            (Message::Binary(bytes), Version::V4) => Ok(Self::Binary(bytes.into())),
            (Message::Binary(bytes), Version::V3) => Self::parse_typed(bytes),
        }
    }

    /// Reads bytes that have the type of a message in front, as protocol 3 sends them.
    pub(crate) fn parse_typed(bytes: &'a [u8]) -> Result<Self, PacketError> {
        match bytes.split_first() {
            Some((&MESSAGE_V3, bytes)) => Ok(Self::Binary(bytes.into())),
            _ => Err(PacketError::Packet),
        }
    }
}

/// The type of a message in front of bytes (protocol 3).
pub(crate) const MESSAGE_V3: u8 = 4;

/// The beginning of a text packet that holds bytes as base64.
pub(crate) fn base64_prefix(version: Version) -> &'static str {
    match version {
        Version::V3 => "b4",
        Version::V4 => "b",
    }
}

#[cfg(test)]
mod tests {
    use engineioxide_core::{Packet as Theirs, ProtocolVersion};

    use super::*;

    #[test]
    fn a_packet_is_known_by_its_type() {
        for (text, expected) in [
            ("1", Packet::Close),
            ("2", Packet::Ping),
            ("3", Packet::Pong),
            ("2probe", Packet::Probe),
            ("5", Packet::Upgrade),
            ("4", Packet::Text("")),
            ("42probe", Packet::Text("2probe")),
            ("4a\u{1e}b€", Packet::Text("a\u{1e}b€")),
        ] {
            for version in [Version::V3, Version::V4] {
                assert_eq!(Packet::parse(version, text), Ok(expected.clone()), "{text}");
            }
        }
        let bytes = Packet::Binary([0, 255, 1][..].into());
        assert_eq!(Packet::parse(Version::V4, "bAP8B"), Ok(bytes.clone()));
        assert_eq!(Packet::parse(Version::V3, "b4AP8B"), Ok(bytes));
        for text in [
            "", "0", "6", "7", "abc", "b!", "2x", "3probe", "11", "5 ", "é4",
        ] {
            for version in [Version::V3, Version::V4] {
                assert_eq!(
                    Packet::parse(version, text),
                    Err(PacketError::Packet),
                    "{text}"
                );
            }
        }
        assert!(Packet::parse(Version::V3, "bAP8B").is_err());
    }

    #[test]
    fn bytes_of_a_websocket_have_a_type_in_protocol_3() {
        let read = |version, bytes| Packet::of_message(version, Message::Binary(bytes));
        let bytes = Packet::Binary([4, 0][..].into());
        assert_eq!(read(Version::V4, &[4, 0]), Ok(bytes.clone()));
        assert_eq!(read(Version::V3, &[4, 4, 0]), Ok(bytes));
        for bytes in [&[][..], &[1], &[b'4', 0]] {
            assert!(read(Version::V3, bytes).is_err());
        }
    }

    /// engineioxide-core reads the same of what both take.
    #[test]
    fn another_implementation_agrees() {
        for text in [
            "1", "2", "3", "2probe", "5", "4", "4text", "4€", "bAP8B", "b4AP8B", "b4AA=",
        ] {
            for (ours, theirs) in [
                (Version::V3, ProtocolVersion::V3),
                (Version::V4, ProtocolVersion::V4),
            ] {
                let Ok(ours) = Packet::parse(ours, text) else {
                    continue;
                };
                let theirs = Theirs::parse(theirs, text).unwrap();
                let is_same = match (&ours, &theirs) {
                    (Packet::Text(a), Theirs::Message(b)) => **a == **b,
                    (Packet::Binary(a), Theirs::Binary(b) | Theirs::BinaryV3(b)) => **a == **b,
                    (Packet::Close, Theirs::Close)
                    | (Packet::Ping, Theirs::Ping)
                    | (Packet::Pong, Theirs::Pong)
                    | (Packet::Probe, Theirs::PingUpgrade)
                    | (Packet::Upgrade, Theirs::Upgrade) => true,
                    _ => false,
                };
                assert!(is_same, "{text}: {ours:?}, {theirs:?}");
            }
        }
    }
}
