//! Between payloads and Socket.IO's events. All that this engine knows of the layer above is here:
//! the names of its events and contexts, and what ties a response to its request.

mod acks;
mod incoming;
mod outgoing;
mod packet;
mod plain;
mod wire;

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use serde::{Serialize, Serializer};
use serde_json::{json, value::RawValue};
use socketioxide::{extract::AckSender, handler::FromMessageParts as _, socket::Socket};
use socketioxide_core::Value;
use stellarfw_engineio::{COPY_MAX, Put, Sent};
use stellarfw_transport::{Frame, Message, Parser};

use self::{
    acks::Acks,
    outgoing::Event,
    plain::{Args, Plain},
    wire::Wire,
};
use crate::{SocketIo, SocketIoConfig};

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
    /// Of its connection, and its number among those there are.
    namespace: (Arc<str>, u32),
    /// Binary packets have Engine.IO's type in front (protocol 3).
    typed: bool,
    /// The client's numbers of them.
    acks: Acks<i64>,
}

impl Codec {
    pub(crate) fn new(mode: Mode, style: Style, namespace: (Arc<str>, u32), is_v3: bool) -> Self {
        Self {
            mode,
            style,
            namespace,
            typed: is_v3 && mode.is_binary(),
            acks: Acks::default(),
        }
    }

    /// Gives up what waits for responses.
    pub(crate) fn clear(&self) {
        self.acks.clear();
    }

    /// The payload of a client's event.
    pub(crate) fn read(&self, event: &Value, ack: Option<i64>) -> Frame {
        let id = match self.mode {
            Mode::Values(_) => ack.map(|ack| self.acks.wait(ack)),
            Mode::Opaque => None,
        };
        match event {
            Value::Bytes(list) => Frame::binary(
                self.values(Wire::MessagePack, list, id.as_deref())
                    .unwrap_or_default(),
            ),
            Value::Str(list, attached) => {
                let attached = attached.as_ref().filter(|attached| !attached.is_empty());
                if self.mode == Mode::Opaque {
                    return opaque(list, attached);
                }
                let whole = attached.map(|attached| inline(list, attached));
                let list = whole.as_deref().unwrap_or(list.as_bytes());
                text(
                    self.values(Wire::Json, list, id.as_deref())
                        .unwrap_or_default(),
                )
            }
        }
    }

    fn values(&self, wire: Wire, list: &[u8], id: Option<&str>) -> Option<Vec<u8>> {
        let items = wire.items(list)?;
        let (event, args) = items.split_first()?;
        let event = wire.text(event)?;
        Some(self.payload(wire, &event, args, id))
    }

    fn payload(&self, wire: Wire, event: &str, args: &[&[u8]], id: Option<&str>) -> Vec<u8> {
        match self.style {
            Style::Plain => incoming::plain(wire, event, args, id),
            Style::Named | Style::Messages => incoming::payload(wire, event, args, id),
        }
    }

    /// The payload of a WebSocket message that is an event with nothing attached; none when it is
    /// something else, or not in order.
    pub(crate) fn take(&self, message: Message<'_>) -> Option<String> {
        let (Mode::Values(wire @ Wire::Json), Message::Text(text)) = (self.mode, message) else {
            return None;
        };
        let (ack, list) = packet::event(text, &self.namespace.0)?;
        let items = wire.items(list.as_bytes())?;
        let (event, args) = items.split_first()?;
        let event = wire.text(event)?;
        let id = ack.map(|ack| self.acks.wait(ack));
        String::from_utf8(self.payload(wire, &event, args, id.as_deref())).ok()
    }

    /// Puts a payload behind others as the WebSocket messages that its event is.
    pub(crate) fn put(&self, frame: &Frame, out: &mut Vec<u8>) -> Put {
        let Mode::Values(wire) = self.mode else {
            return Put::Not;
        };
        if self.typed {
            return Put::Not;
        }
        if !frame.is_for_many() && frame.len() <= COPY_MAX {
            return match self.append(wire, frame.payload(), out) {
                true => Put::Here,
                false => Put::Not,
            };
        }
        // The same for everyone, but a response, which goes to one.
        let key = self.style as u32 + 3 * u32::from(self.mode.is_binary()) + 6 * self.namespace.1;
        let made = frame.translated((SocketIo::NAME, key), |payload| {
            let mut out = Vec::with_capacity(payload.len() + 64);
            self.append(wire, payload, &mut out).then(|| out.into())
        });
        match made {
            None => return Put::Not,
            Some(made) if made.len() > COPY_MAX => return Put::Then(made),
            Some(made) => out.extend_from_slice(&made),
        }
        Put::Here
    }

    /// Appends the messages that a payload is; false, and nothing, when there are attachments.
    fn append(&self, wire: Wire, payload: &[u8], out: &mut Vec<u8>) -> bool {
        let packet = self.writer(wire);
        let named = match self.style {
            Style::Named => true,
            Style::Messages => false,
            Style::Plain => return self.append_plain(wire, payload, out),
        };
        match outgoing::event(wire, payload, named) {
            Event::Named(name) => packet.event(out, name, &[payload]),
            Event::OfRoom(name, data) => {
                packet.event(out, "user", &[payload]);
                packet.event(out, &name, &[data.unwrap_or(wire.null()), payload]);
            }
            Event::Response(id, rest) => match self.acks.take(&id) {
                Some(ack) => packet.ack(out, ack, &[&rest]),
                None => packet.event(out, "message", &[payload]),
            },
        }
        true
    }

    fn writer(&self, wire: Wire) -> packet::Writer<'_> {
        packet::Writer {
            wire,
            namespace: &self.namespace.0,
        }
    }

    fn append_plain(&self, wire: Wire, payload: &[u8], out: &mut Vec<u8>) -> bool {
        let packet = self.writer(wire);
        let Some(plain) = Plain::read(wire, payload) else {
            packet.event(out, outgoing::fallback(wire, payload), &[payload]);
            return true;
        };
        let Args::Raw(_, args) = &plain.args else {
            return false;
        };
        match (&plain.event, plain.id) {
            (Some(event), _) => packet.event(out, event, args),
            (None, id) => {
                // One that nobody waits for is nothing.
                if let Some(ack) = id.and_then(|id| self.acks.take(&id)) {
                    packet.ack(out, ack, args);
                }
            }
        }
        true
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
        let messages = match outgoing::event(wire, payload, self.style == Style::Named) {
            Event::Named(name) => emit(socket, name, &(whole,)),
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
            messages: usize::from(sent) * plain.args.messages(),
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

fn text(bytes: Vec<u8>) -> Frame {
    Frame::text_from_bytes(bytes).unwrap_or_else(|_| Frame::from_static(""))
}

/// What stands in an event for the bytes attached to it.
fn placeholder(value: &serde_json::Value) -> Option<usize> {
    let is_one = value.get("_placeholder")?.as_bool()?;
    let number = value.get("num")?.as_u64()?;
    is_one.then(|| usize::try_from(number).ok())?
}

/// The event's one argument: a text, or the bytes attached to it.
fn opaque(list: &str, attached: Option<&VecDeque<Bytes>>) -> Frame {
    let Ok(list) = serde_json::from_str::<Vec<serde_json::Value>>(list) else {
        return Frame::from_static("");
    };
    match list.into_iter().nth(1) {
        Some(serde_json::Value::String(text)) => Frame::text(text),
        Some(other) => {
            let bytes = placeholder(&other).and_then(|n| attached?.get(n));
            match bytes {
                Some(bytes) => Frame::binary(bytes.clone()),
                None => Frame::text(other.to_string()),
            }
        }
        None => Frame::from_static(""),
    }
}

/// Puts attached bytes where they belong, as Node's `Buffer` puts itself into JSON.
fn inline(list: &str, attached: &VecDeque<Bytes>) -> Vec<u8> {
    fn walk(value: &mut serde_json::Value, attached: &VecDeque<Bytes>) {
        if let Some(bytes) = placeholder(value).and_then(|n| attached.get(n)) {
            *value = json!({ "type": "Buffer", "data": bytes[..] });
            return;
        }
        match value {
            serde_json::Value::Array(items) => items.iter_mut().for_each(|v| walk(v, attached)),
            serde_json::Value::Object(map) => map.values_mut().for_each(|v| walk(v, attached)),
            _ => {}
        }
    }
    let Ok(mut value) = serde_json::from_str(list) else {
        return Vec::new();
    };
    walk(&mut value, attached);
    value.to_string().into_bytes()
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
