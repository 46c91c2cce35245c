//! Between payloads and Socket.IO's events. All that this engine knows of the layer above is here:
//! the names of its events and contexts, and what ties a response to its request.

mod acks;
mod attachments;
mod incoming;
mod outgoing;
mod packet;
mod plain;
mod wire;

use std::sync::Arc;

use bytes::Bytes;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use socketioxide::{extract::AckSender, handler::FromMessageParts as _, socket::Socket};
use socketioxide_core::Value;
use stellarfw_engineio::wrapped::{Attached, COPY_MAX, Put, Sent};
use stellarfw_transport::{Frame, Message, Parser};

pub(crate) use self::attachments::MOST as MOST_ATTACHED;
use self::{
    acks::Acks,
    attachments::Whole,
    outgoing::{Audience, Event},
    plain::Plain,
    wire::Wire,
};
use crate::{SocketIo, SocketIoConfig, handshake::Entrance};

/// What a connection's payloads are to Socket.IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Values of the same encoding.
    Values(Wire),
    /// Text or bytes that mean nothing here.
    Opaque,
}

impl Mode {
    pub(crate) fn of(parser: &Parser) -> Self {
        match parser {
            Parser::Json => Self::Values(Wire::Json),
            Parser::MessagePack => Self::Values(Wire::MessagePack),
            Parser::Raw | Parser::Custom(_) => Self::Opaque,
        }
    }

    /// Whether the packets themselves are MessagePack.
    pub(crate) fn is_binary(self) -> bool {
        self == Self::Values(Wire::MessagePack)
    }

    /// How much longer a message is than its payload: names and marks, and, where text is put
    /// into a string, its escapes.
    pub(crate) fn overhead(self, max_length: usize) -> usize {
        const NAMES: usize = 1_024;
        match self {
            Self::Values(_) => NAMES,
            Self::Opaque => max_length.saturating_mul(5).saturating_add(NAMES),
        }
    }
}

/// What events payloads are sent as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// By what they are to Stellar.
    Named,
    /// All as `message`.
    Messages,
    /// By what they say themselves.
    Plain,
}

impl Style {
    pub(crate) fn of(config: &SocketIoConfig) -> Self {
        match config {
            SocketIoConfig {
                plain_events: true, ..
            } => Self::Plain,
            SocketIoConfig {
                named_events: true, ..
            } => Self::Named,
            _ => Self::Messages,
        }
    }
}

/// The codec of one connection.
pub(crate) struct Codec {
    mode: Mode,
    style: Style,
    /// So long may a payload be.
    longest: usize,
    /// Of its connection, and its number among those there are.
    namespace: (Arc<str>, u32),
    /// Messages of bytes have Engine.IO's type in front (protocol 3).
    typed: bool,
    /// The client's numbers of them.
    acks: Acks<i64>,
}

impl Codec {
    pub(crate) fn new(entrance: &Entrance, is_v3: bool) -> Self {
        let Entrance {
            mode,
            style,
            longest,
            ref namespace,
            ..
        } = *entrance;
        let namespace = namespace.clone();
        Self {
            mode,
            style,
            longest,
            namespace,
            typed: is_v3,
            acks: Acks::default(),
        }
    }

    /// Gives up what waits for responses.
    pub(crate) fn clear(&self) {
        self.acks.clear();
    }

    /// Brings a client's event, which the library has read. Nothing is brought for one whose payload is
    /// longer than a message may be.
    pub(crate) fn read(
        &self,
        event: &Value,
        ack: Option<i64>,
        bring: impl Fn(Option<Message<'_>>),
    ) {
        // What comes as nothing is reported as what cannot be decoded.
        match event {
            Value::Bytes(list) => {
                let payload = self.values(Wire::MessagePack, list, ack);
                bring(Some(Message::Binary(&payload.unwrap_or_default())));
            }
            Value::Str(list, attached) => {
                let attached: Vec<Bytes> = attached.iter().flatten().cloned().collect();
                if !self.text(list, &attached, ack, &bring) {
                    bring(Some(Message::Text("")));
                }
            }
        }
    }

    /// Brings the event that a message of a WebSocket is, with what is attached to it. False when it is
    /// something else, or not in order.
    pub(crate) fn take(
        &self,
        message: Message<'_>,
        attached: &Attached,
        bring: impl Fn(Option<Message<'_>>),
    ) -> bool {
        let namespace = &self.namespace.0;
        match message {
            Message::Text(text) if !self.mode.is_binary() => {
                let event = packet::event(text, attached.len(), namespace);
                event.is_some_and(|(ack, list)| self.text(list, attached, ack, &bring))
            }
            Message::Binary(bytes) if self.mode.is_binary() => {
                let event = packet::packed_event(bytes, namespace);
                let payload =
                    event.and_then(|(ack, list)| self.values(Wire::MessagePack, list, ack));
                payload
                    .map(|payload| bring(Some(Message::Binary(&payload))))
                    .is_some()
            }
            _ => false,
        }
    }

    /// Brings an event that is text. Whether it is in order.
    fn text(
        &self,
        list: &str,
        attached: &[Bytes],
        ack: Option<i64>,
        bring: &impl Fn(Option<Message<'_>>),
    ) -> bool {
        if self.mode == Mode::Opaque {
            return opaque(list, attached, bring).is_some();
        }
        // The bytes come last: as numbers they are the most of what it takes.
        let whole = self.values(Wire::Json, list.as_bytes(), ack);
        let whole = whole.map(|payload| match attached {
            [] => Whole::Payload(payload),
            attached => attachments::inline(payload, attached, self.longest),
        });
        match whole {
            Some(Whole::Payload(payload)) => {
                let payload = String::from_utf8(payload);
                payload
                    .map(|payload| bring(Some(Message::Text(&payload))))
                    .is_ok()
            }
            Some(Whole::TooLong) => {
                bring(None);
                true
            }
            None => false,
        }
    }

    /// The payload of an event with its arguments.
    fn values(&self, wire: Wire, list: &[u8], ack: Option<i64>) -> Option<Vec<u8>> {
        let items = wire.args(list)?;
        let (event, args) = items.split_first()?;
        let event = wire.text(event)?;
        let id = ack.map(|ack| self.acks.wait(ack));
        Some(match self.style {
            Style::Plain => incoming::plain(wire, &event, args, id.as_deref()),
            Style::Named | Style::Messages => incoming::payload(wire, &event, args, id.as_deref()),
        })
    }

    /// Puts a payload behind others as the WebSocket messages that its event is.
    pub(crate) fn put(&self, frame: &Frame, out: &mut Vec<u8>) -> Put {
        if !frame.is_for_many() && frame.len() <= COPY_MAX {
            self.append(frame, out);
            return Put::Here;
        }
        // The same for everyone, but a response, which goes to one.
        let made = frame.translated((SocketIo::NAME, self.key()), |payload| {
            let mut out = Vec::with_capacity(payload.len() + 64);
            self.append(frame, &mut out);
            Some(out.into())
        });
        match made.unwrap_or_default() {
            made if made.len() > COPY_MAX => return Put::Then(made),
            made => out.extend_from_slice(&made),
        }
        Put::Here
    }

    /// What the messages that a payload is depend on.
    fn key(&self) -> u32 {
        let encoding = match self.mode {
            Mode::Values(Wire::Json) => 0,
            Mode::Values(Wire::MessagePack) => 1,
            Mode::Opaque => 2,
        };
        self.style as u32 + 3 * (encoding + 3 * (u32::from(self.typed) + 2 * self.namespace.1))
    }

    /// Appends the messages that a payload is.
    fn append(&self, frame: &Frame, out: &mut Vec<u8>) {
        let payload = frame.payload();
        let wire = match self.mode {
            Mode::Values(wire) => wire,
            Mode::Opaque => return self.append_opaque(frame, out),
        };
        let packet = self.writer(wire);
        if self.style == Style::Plain {
            return self.append_plain(wire, payload, out);
        }
        match outgoing::event(wire, payload, self.audience()) {
            Event::Named(name) => packet.event(out, name, &[payload], &[]),
            Event::Own => {
                packet.event(out, "message", &[payload], &[]);
                packet.event(out, "api", &[payload], &[]);
            }
            Event::OfRoom(name, data) => {
                packet.event(out, "user", &[payload], &[]);
                let data = data.unwrap_or(wire.null());
                packet.event(out, &name, &[data, payload], &[]);
            }
            Event::Response(id, rest) => match self.acks.take(&id) {
                Some(ack) => packet.ack(out, ack, &[&rest], &[]),
                None => packet.event(out, "message", &[payload], &[]),
            },
        }
    }

    fn audience(&self) -> Audience {
        Audience {
            named: self.style == Style::Named,
            is_v2: self.typed,
        }
    }

    fn writer(&self, wire: Wire) -> packet::Writer<'_> {
        packet::Writer {
            wire,
            namespace: &self.namespace.0,
            typed: self.typed,
        }
    }

    fn append_opaque(&self, frame: &Frame, out: &mut Vec<u8>) {
        let packet = self.writer(Wire::Json);
        match frame.as_message() {
            Message::Text(text) => {
                packet.event(out, "message", &[&Wire::Json.string(text)], &[]);
            }
            Message::Binary(_) => {
                let arg = attachments::placeholder(0);
                let attached = std::slice::from_ref(frame.payload());
                packet.event(out, "message", &[arg.as_bytes()], attached);
            }
        }
    }

    fn append_plain(&self, wire: Wire, payload: &[u8], out: &mut Vec<u8>) {
        let packet = self.writer(wire);
        let Some(plain) = Plain::read(wire, payload) else {
            packet.event(out, outgoing::fallback(wire, payload), &[payload], &[]);
            return;
        };
        let (items, attached) = (plain.args.items(), plain.args.attached());
        match (&plain.event, plain.id) {
            (Some(event), _) => packet.event(out, event, &items, attached),
            (None, id) => {
                // One that nobody waits for is nothing.
                if let Some(ack) = id.and_then(|id| self.acks.take(&id)) {
                    packet.ack(out, ack, &items, attached);
                }
            }
        }
    }

    /// Sends a payload as an event.
    pub(crate) fn send(&self, socket: &Arc<Socket>, frame: &Frame) -> Sent {
        let payload = frame.payload();
        let (messages, least) = match self.mode {
            Mode::Opaque => match frame.as_message() {
                Message::Text(text) => (emit(socket, "message", &(text,)), text.len()),
                // The event, and the bytes attached to it.
                Message::Binary(_) => (2 * emit(socket, "message", &(payload,)), payload.len()),
            },
            Mode::Values(wire) if self.style == Style::Plain => {
                return self.send_plain(socket, wire, payload);
            }
            Mode::Values(wire) => self.send_value(socket, wire, payload),
        };
        Sent { messages, least }
    }

    fn send_value(&self, socket: &Arc<Socket>, wire: Wire, payload: &Bytes) -> (usize, usize) {
        let whole = Raw(wire, payload);
        let messages = match outgoing::event(wire, payload, self.audience()) {
            Event::Named(name) => emit(socket, name, &(whole,)),
            Event::Own => emit(socket, "message", &(&whole,)) + emit(socket, "api", &(whole,)),
            Event::OfRoom(name, data) => {
                let sent = emit(socket, "user", &(&whole,));
                let data = Raw(wire, data.unwrap_or(wire.null()));
                sent + emit(socket, &name, &(data, whole))
            }
            Event::Response(id, rest) => match self.acks.take(&id) {
                Some(ack) => {
                    let sent = acknowledge(socket, ack, &(Raw(wire, &rest),));
                    return (usize::from(sent), rest.len());
                }
                None => emit(socket, "message", &(whole,)),
            },
        };
        (messages, payload.len())
    }

    fn send_plain(&self, socket: &Arc<Socket>, wire: Wire, payload: &Bytes) -> Sent {
        let Some(plain) = Plain::read(wire, payload) else {
            let messages = emit(
                socket,
                outgoing::fallback(wire, payload),
                &(Raw(wire, payload),),
            );
            return Sent {
                messages,
                least: payload.len(),
            };
        };
        let sent = match &plain.event {
            Some(event) => emit(socket, event, &plain.args) > 0,
            None => {
                let ack = plain.id.as_deref().and_then(|id| self.acks.take(id));
                ack.is_some_and(|ack| acknowledge(socket, ack, &plain.args))
            }
        };
        Sent {
            messages: usize::from(sent) * (1 + plain.args.attached().len()),
            least: usize::from(sent) * plain.args.least(),
        }
    }
}

fn emit<T: Serialize>(socket: &Socket, event: &str, args: &T) -> usize {
    match socket.emit(event, args) {
        Ok(()) => 1,
        Err(error) => {
            tracing::debug!(%error, event, "an event was not sent");
            0
        }
    }
}

/// Answers the client's event of this number.
fn acknowledge<T: Serialize>(socket: &Arc<Socket>, ack: i64, args: &T) -> bool {
    let mut nothing = Value::Str("".into(), None);
    let Ok(sender) = AckSender::from_message_parts(socket, &mut nothing, &Some(ack));
    sender.send(args).is_ok()
}

/// Brings the event's one argument: a text, or the bytes attached to it. None if it is no event.
fn opaque(list: &str, attached: &[Bytes], bring: &impl Fn(Option<Message<'_>>)) -> Option<()> {
    let wire = Wire::Json;
    let items = wire.args(list.as_bytes())?;
    wire.text(items.first()?)?;
    let arg = items.get(1).copied().unwrap_or(b"\"\"");
    if let Some(text) = wire.text(arg) {
        bring(Some(Message::Text(&text)));
        return Some(());
    }
    let value = serde_json::from_slice(arg).ok()?;
    match attachments::number(&value).and_then(|number| attached.get(number)) {
        Some(bytes) => bring(Some(Message::Binary(bytes))),
        None => bring(Some(Message::Text(str::from_utf8(arg).ok()?))),
    }
    Some(())
}

/// A value that is encoded already.
struct Raw<'a>(Wire, &'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Wire::Json => {
                let raw: &RawValue =
                    serde_json::from_slice(self.1).map_err(serde::ser::Error::custom)?;
                raw.serialize(serializer)
            }
            Wire::MessagePack => {
                let mut reader = rmp_serde::Deserializer::from_read_ref(self.1);
                serde_transcode::transcode(&mut reader, serializer)
            }
        }
    }
}

/// The codec of a connection, shared by its two directions.
pub(crate) type SharedCodec = Arc<Codec>;
