//! From a client's packets to payloads, and from payloads to packets.

use std::borrow::Cow;

use bytes::Bytes;
use stellarfw_transport::{CloseReason, Frame, Message, Parser, Server};

use crate::{
    SocketIo, SocketIoConfig,
    acks::Acks,
    attachments::{self, Extracted},
    encoding::Encoding,
    events::{Audience, Emission, Events, MessageEvents, PlainEvents, ServerArgs},
    frames::Frames,
    packet::{Args, Writer},
    protocol_error,
};

/// The bytes of a packet besides its payload: names and marks.
const OVERHEAD: usize = 1_024;

/// The codec of a server's Socket.IO connections.
pub(crate) struct Codec {
    /// The encoding of packets.
    pub(crate) packets: Encoding,
    /// Payloads are values of that encoding; else they are text or bytes of any kind.
    is_value: bool,
    events: Events,
    named_events: bool,
    max_length: usize,
}

/// An event of a client, as its packet and the attachments behind it have it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    pub(crate) ack: Option<i64>,
    pub(crate) list: &'a [u8],
    pub(crate) attachments: &'a [Bytes],
}

/// A payload of a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Payload<'a> {
    Text(Cow<'a, str>),
    Binary(Cow<'a, [u8]>),
}

impl Payload<'_> {
    pub(crate) fn message(&self) -> Message<'_> {
        match self {
            Self::Text(text) => Message::Text(text),
            Self::Binary(bytes) => Message::Binary(bytes),
        }
    }

    /// Returns the number of bytes that were allocated for it.
    pub(crate) fn allocated(&self) -> usize {
        match self {
            Self::Text(Cow::Owned(text)) => text.capacity(),
            Self::Binary(Cow::Owned(bytes)) => bytes.capacity(),
            Self::Text(_) | Self::Binary(_) => 0,
        }
    }
}

/// The receiver of a payload.
#[derive(Clone, Copy)]
pub(crate) struct Receiver<'a> {
    /// The namespace, and its number in the configuration.
    pub(crate) namespace: (&'a str, u32),
    pub(crate) is_v2: bool,
    pub(crate) acks: &'a Acks,
}

impl Codec {
    pub(crate) fn new(config: &SocketIoConfig, server: &Server) -> Self {
        let events = match server.extension::<Events>() {
            _ if config.plain_events => Events::new(PlainEvents),
            Some(events) => events.clone(),
            None => Events::new(MessageEvents),
        };
        let (packets, is_value) = match server.parser() {
            Parser::Json => (Encoding::Json, true),
            Parser::MessagePack => (Encoding::MessagePack, true),
            Parser::Raw | Parser::Custom(_) => (Encoding::Json, false),
        };
        Self {
            packets,
            is_value,
            events,
            named_events: config.named_events,
            max_length: server.config().max_length,
        }
    }

    /// Returns by how many bytes a message may exceed its payload: a name and marks, and the escapes of
    /// text that is sent as a string.
    pub(crate) fn overhead(&self) -> usize {
        match self.is_value {
            true => OVERHEAD,
            false => self.max_length.saturating_mul(5).saturating_add(OVERHEAD),
        }
    }

    /// Returns the most bytes of a packet with its attachments.
    pub(crate) fn max_packet(&self) -> usize {
        self.max_length.saturating_add(self.overhead())
    }

    /// Decodes an event.
    ///
    /// # Errors
    /// The reason to close the connection with: the event is malformed, or its payload is too large.
    pub(crate) fn decode<'a>(
        &self,
        event: Event<'a>,
        acks: &Acks,
    ) -> Result<Payload<'a>, CloseReason> {
        let malformed = || protocol_error("malformed event");
        if !self.is_value {
            return opaque(event).ok_or_else(malformed);
        }
        let message_id = || event.ack.map(|ack| acks.add(ack));
        let payload = self.events.payload(self.packets, event.list, message_id);
        let payload = payload.ok_or_else(malformed)?;
        if self.packets == Encoding::MessagePack {
            return Ok(Payload::Binary(payload));
        }
        let payload = match event.attachments {
            [] => payload,
            attachments => {
                let payload = payload.into_owned();
                let payload = attachments::inline(payload, attachments, self.max_length);
                payload.map_err(|_| CloseReason::TooLarge)?.into()
            }
        };
        let text = match payload {
            Cow::Borrowed(bytes) => str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
        };
        text.map(Payload::Text).ok_or_else(malformed)
    }

    /// Encodes a payload. What goes to many is encoded once for all receivers of a kind.
    pub(crate) fn encode(&self, frame: &Frame, receiver: Receiver<'_>) -> Frames {
        if !frame.is_for_many() {
            return self.encode_for(frame, receiver, Some(receiver.acks));
        }
        let key = (SocketIo::NAME, self.key(receiver));
        // An acknowledgement goes to one, so it is not looked for here.
        let packed = frame.translated(key, |_| Some(self.encode_for(frame, receiver, None).pack()));
        Frames::unpack(frame, &packed.unwrap_or_default())
    }

    /// Returns a number for everything that the encoded form depends on.
    fn key(&self, receiver: Receiver<'_>) -> u32 {
        let encoding = match self.packets {
            Encoding::Json => 0,
            Encoding::MessagePack => 1,
        };
        u32::from(receiver.is_v2)
            | u32::from(self.named_events) << 1
            | u32::from(self.is_value) << 2
            | encoding << 3
            | receiver.namespace.1 << 4
    }

    fn encode_for(&self, frame: &Frame, receiver: Receiver<'_>, acks: Option<&Acks>) -> Frames {
        let writer = Writer {
            encoding: self.packets,
            namespace: receiver.namespace.0,
        };
        if !self.is_value {
            return encode_opaque(frame, writer);
        }
        let payload = frame.payload();
        let one = |name: &str| {
            let packet = writer.event(name, Args::Items(&[payload]), 0);
            Frames::of(Some(packet), Vec::new())
        };
        let audience = Audience::new(self.packets, self.named_events, receiver.is_v2);
        match self.events.0.events(payload, audience) {
            Emission::Event(name) => one(&name),
            Emission::Events(events) => {
                let mut frames = Vec::new();
                for event in events {
                    self.put(&mut frames, &event.args, |args, attachments| {
                        writer.event(&event.name, args, attachments)
                    });
                }
                Frames::of(None, frames)
            }
            Emission::Ack {
                id,
                args,
                otherwise,
            } => match (acks.and_then(|acks| acks.take(&id)), otherwise) {
                (Some(ack), _) => {
                    let mut frames = Vec::new();
                    self.put(&mut frames, &args, |args, attachments| {
                        writer.ack(ack, args, attachments)
                    });
                    Frames::of(None, frames)
                }
                (None, Some(name)) => one(name),
                (None, None) => Frames::none(),
            },
        }
    }

    /// Appends a packet with its arguments, and the attachments that these have.
    fn put(
        &self,
        frames: &mut Vec<Frame>,
        args: &ServerArgs<'_>,
        write: impl Fn(Args<'_>, usize) -> Frame,
    ) {
        if let Some(extracted) = self.extract(args) {
            let items: Vec<&[u8]> = extracted.args.iter().map(Vec::as_slice).collect();
            frames.push(write(Args::Items(&items), extracted.attachments.len()));
            frames.extend(extracted.attachments.into_iter().map(Frame::binary));
            return;
        }
        frames.push(match args {
            ServerArgs::List(list) => write(Args::List(list), 0),
            ServerArgs::Items(items) => {
                let items: Vec<&[u8]> = items.iter().map(|item| &**item).collect();
                write(Args::Items(&items), 0)
            }
        });
    }

    /// Takes the bytes out of arguments, if they are sent as attachments and there are any.
    fn extract(&self, args: &ServerArgs<'_>) -> Option<Extracted> {
        if self.packets != Encoding::Json || !self.events.0.sends_attachments() {
            return None;
        }
        match args {
            ServerArgs::Items(items) => Extracted::of(items.iter().map(|item| &**item)),
            ServerArgs::List(list) if attachments::may_hold_bytes(list) => {
                Extracted::of(self.packets.items(list)?)
            }
            ServerArgs::List(_) => None,
        }
    }
}

/// Returns the first argument of an event: a text, or the bytes that are attached.
fn opaque(event: Event<'_>) -> Option<Payload<'_>> {
    let encoding = Encoding::Json;
    let (_, args) = encoding.event(event.list)?;
    let arg = args.get(0).unwrap_or(b"\"\"");
    if let Some(text) = encoding.text(arg) {
        return Some(Payload::Text(text));
    }
    let number = attachments::placeholder_number(arg);
    Some(
        match number.and_then(|number| event.attachments.get(number)) {
            Some(bytes) => Payload::Binary(bytes.as_ref().into()),
            None => Payload::Text(str::from_utf8(arg).ok()?.into()),
        },
    )
}

fn encode_opaque(frame: &Frame, writer: Writer<'_>) -> Frames {
    match frame.as_message() {
        Message::Text(text) => {
            let text = writer.encoding.string(text);
            let packet = writer.event("message", Args::Items(&[&text]), 0);
            Frames::of(Some(packet), Vec::new())
        }
        Message::Binary(_) => {
            let placeholder = attachments::placeholder(0);
            let args = [placeholder.as_bytes()];
            let packet = writer.event("message", Args::Items(&args), 1);
            let attachment = Frame::binary(frame.payload().clone());
            Frames::of(Some(packet), vec![attachment])
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stellarfw_transport::Kind;

    use super::*;

    fn codec(parser: Parser, plain_events: bool) -> Codec {
        let server = Server::builder()
            .parser(parser)
            .configure(|config| config.max_length = 1_000)
            .build();
        let config = SocketIoConfig {
            plain_events,
            ..SocketIoConfig::default()
        };
        Codec::new(&config, &server)
    }

    fn encode(codec: &Codec, frame: &Frame, acks: &Acks) -> Vec<(Kind, Vec<u8>)> {
        let receiver = Receiver {
            namespace: ("/a", 1),
            is_v2: false,
            acks,
        };
        let frames = codec.encode(frame, receiver);
        let part = |frame: Frame| (frame.kind(), frame.payload().to_vec());
        frames.map(part).collect()
    }

    fn text(packet: &str) -> (Kind, Vec<u8>) {
        (Kind::Text, packet.into())
    }

    #[test]
    fn a_message_without_acknowledgement_is_not_copied() {
        let codec = codec(Parser::Json, false);
        let acks = Acks::default();
        let event = |ack, list: &'static str| Event {
            ack,
            list: list.as_bytes(),
            attachments: &[],
        };
        let payload = codec
            .decode(event(None, "[\"message\",{\"a\":1}]"), &acks)
            .unwrap();
        assert_eq!(payload, Payload::Text("{\"a\":1}".into()));
        assert_eq!(payload.allocated(), 0);
        let payload = codec
            .decode(event(Some(7), "[\"message\",{\"a\":1}]"), &acks)
            .unwrap();
        let expected = "{\"a\":1,\"messageId\":\"socket.io:1\"}";
        assert_eq!(payload, Payload::Text(expected.into()));
        assert!(payload.allocated() >= expected.len());
        for list in ["[1]", "[]", "{}", "[\"a\"", "[\"\\ud800\"]"] {
            let error = codec.decode(event(None, list), &acks).unwrap_err();
            assert_eq!(error, protocol_error("malformed event"), "{list}");
        }
        // The acknowledgement finds its event, once.
        let answer = Frame::text(expected);
        assert_eq!(encode(&codec, &answer, &acks), [text("3/a,7[{\"a\":1}]")]);
        let again = format!("2/a,[\"message\",{expected}]");
        assert_eq!(encode(&codec, &answer, &acks), [text(&again)]);
    }

    #[test]
    fn attachments_are_bounded_and_take_less_than_three_times_their_length() {
        let codec = codec(Parser::Json, false);
        let decode = |len: usize| {
            let attachments = [Bytes::from(vec![200; len])];
            let list = format!("[\"message\",{}]", attachments::placeholder(0));
            let event = Event {
                ack: None,
                list: list.as_bytes(),
                attachments: &attachments,
            };
            codec
                .decode(event, &Acks::default())
                .map(|payload| payload.allocated())
        };
        let allocated = decode(700).unwrap();
        assert!(allocated < 2 * 700, "{allocated}");
        assert_eq!(decode(800), Err(CloseReason::TooLarge));
    }

    #[test]
    fn a_frame_for_many_is_encoded_once() {
        let codec = codec(Parser::Json, false);
        let frame = Frame::text("1").for_many();
        let acks = Acks::default();
        assert_eq!(encode(&codec, &frame, &acks), [text("2/a,[\"message\",1]")]);
        let made = std::cell::Cell::new(0);
        let receiver = Receiver {
            namespace: ("/a", 1),
            is_v2: false,
            acks: &acks,
        };
        frame.translated((SocketIo::NAME, codec.key(receiver)), |_| {
            made.set(1);
            None
        });
        assert_eq!(made.get(), 0);
        let keys =
            [("/", 0, false), ("/", 0, true), ("/a", 1, false)].map(|(name, number, is_v2)| {
                codec.key(Receiver {
                    namespace: (name, number),
                    is_v2,
                    acks: &acks,
                })
            });
        assert!(keys[0] != keys[1] && keys[0] != keys[2] && keys[1] != keys[2]);
    }

    #[test]
    fn plain_events_send_bytes_as_attachments() {
        let codec = codec(Parser::Json, true);
        let acks = Acks::default();
        let bytes = json!({ "type": "Buffer", "encoding": "base64", "data": "AQI=" });
        let frame = Frame::text(json!({ "event": "x", "args": [1, bytes] }).to_string());
        let expected = [
            text("51-/a,[\"x\",1,{\"_placeholder\":true,\"num\":0}]"),
            (Kind::Binary, vec![1, 2]),
        ];
        assert_eq!(encode(&codec, &frame, &acks), expected);
        assert_eq!(encode(&codec, &frame.for_many(), &acks), expected);
        let id = acks.add(9);
        let ack = Frame::text(json!({ "messageId": id, "args": [bytes] }).to_string());
        let expected = [
            text("61-/a,9[{\"_placeholder\":true,\"num\":0}]"),
            (Kind::Binary, vec![1, 2]),
        ];
        assert_eq!(encode(&codec, &ack, &acks), expected);
        // An acknowledgement that is not awaited is dropped.
        assert_eq!(encode(&codec, &ack, &acks), []);
    }

    #[test]
    fn payloads_of_other_parsers_are_strings_and_attachments() {
        let codec = codec(Parser::Raw, false);
        let acks = Acks::default();
        let sent = encode(&codec, &Frame::text("a\"b"), &acks);
        assert_eq!(sent, [text("2/a,[\"message\",\"a\\\"b\"]")]);
        let sent = encode(&codec, &Frame::binary(vec![7]), &acks);
        let expected = [
            text("51-/a,[\"message\",{\"_placeholder\":true,\"num\":0}]"),
            (Kind::Binary, vec![7]),
        ];
        assert_eq!(sent, expected);
        let attachments = [Bytes::from_static(&[7])];
        for (list, expected) in [
            ("[\"x\",\"a\\\"b\"]", Payload::Text("a\"b".into())),
            ("[\"x\"]", Payload::Text("".into())),
            ("[\"x\",{\"a\":1}]", Payload::Text("{\"a\":1}".into())),
            (
                "[\"x\",{\"num\":0,\"_placeholder\":true}]",
                Payload::Binary(vec![7].into()),
            ),
        ] {
            let event = Event {
                ack: None,
                list: list.as_bytes(),
                attachments: &attachments,
            };
            assert_eq!(codec.decode(event, &acks).unwrap(), expected);
        }
    }
}
