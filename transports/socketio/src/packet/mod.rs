//! Packets of the Socket.IO protocol, versions 5 and 4: parsed from and written to Engine.IO messages.
//!
//! There is no I/O and no state here. Arguments stay encoded: a parsed packet borrows from its message.

mod json;
mod message_pack;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use stellarfw_transport::{Frame, Message};

use crate::encoding::Encoding;

/// The most attachments of a packet.
pub(crate) const MAX_ATTACHMENTS: usize = 1_024;

/// A packet of a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    pub(crate) namespace: Cow<'a, str>,
    pub(crate) body: Body<'a>,
    /// The number of binary messages that follow and belong to it.
    pub(crate) attachments: usize,
}

/// The kind of a client's packet, and its data.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Body<'a> {
    /// A request to connect to the namespace, with the encoded credentials.
    Connect(Option<&'a [u8]>),
    Disconnect,
    /// An event: the encoded list of its name and arguments.
    Event {
        ack: Option<i64>,
        list: &'a [u8],
    },
    /// The acknowledgement of a server's event.
    Ack,
}

/// The message is not a packet that a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed packet")]
pub(crate) struct MalformedPacket;

/// A packet of the server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply<'a> {
    /// The client is connected; clients of protocol 5 get the connection's id.
    Connected(Option<&'a str>),
    Disconnect,
    /// The client is refused, with this message.
    Refused(&'a str),
}

/// The encoding of packets, which is not always that of payloads.
impl Encoding {
    /// Parses a packet.
    pub(crate) fn parse(self, message: Message<'_>) -> Result<Packet<'_>, MalformedPacket> {
        let packet = match (self, message) {
            (Self::Json, Message::Text(text)) => json::parse(text),
            (Self::MessagePack, Message::Binary(bytes)) => message_pack::parse(bytes),
            _ => None,
        };
        packet.ok_or(MalformedPacket)
    }

    /// Encodes a packet without arguments.
    pub(crate) fn reply(self, namespace: &str, reply: Reply<'_>) -> Frame {
        match self {
            Self::Json => text_frame(json::reply(namespace, reply)),
            Self::MessagePack => Frame::binary(message_pack::reply(namespace, reply)),
        }
    }
}

/// The beginning of a packet with arguments.
#[derive(Clone, Copy, Debug)]
enum Head<'a> {
    /// The name of an event.
    Event(&'a str),
    /// The number of the client's event.
    Ack(i64),
}

/// Writes the events and acknowledgements of a namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) encoding: Encoding,
    pub(crate) namespace: &'a str,
}

/// The arguments of a server's packet, encoded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Args<'a> {
    /// One by one.
    Items(&'a [&'a [u8]]),
    /// All in one list.
    List(&'a [u8]),
}

impl Writer<'_> {
    /// Encodes an event, which so many attachments follow.
    pub(crate) fn event(self, name: &str, args: Args<'_>, attachments: usize) -> Frame {
        match self.encoding {
            Encoding::Json => {
                let packet = json::write(self.namespace, Head::Event(name), args, attachments);
                text_frame(packet)
            }
            Encoding::MessagePack => {
                Frame::binary(message_pack::write(self.namespace, Head::Event(name), args))
            }
        }
    }

    /// Encodes an acknowledgement, which so many attachments follow.
    pub(crate) fn ack(self, id: i64, args: Args<'_>, attachments: usize) -> Frame {
        match self.encoding {
            Encoding::Json => {
                let packet = json::write(self.namespace, Head::Ack(id), args, attachments);
                text_frame(packet)
            }
            Encoding::MessagePack => {
                Frame::binary(message_pack::write(self.namespace, Head::Ack(id), args))
            }
        }
    }
}

/// A text frame. The parts of a packet are text, so the frame is binary only if a payload was not.
fn text_frame(packet: Vec<u8>) -> Frame {
    Frame::text_from_bytes(packet).unwrap_or_else(Frame::binary)
}
