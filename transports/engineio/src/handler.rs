//! What engineioxide calls.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use engineioxide::{
    DisconnectReason, Str, handler::EngineIoHandler, socket::Socket as LibrarySocket,
};
use stellarfw_transport::{CloseReason, Frame, Message};
use stellarfw_websocket::COPY_MAX;

use crate::{
    library::{Attached, Put, Sent, Sink},
    packets,
    session::{Session, protocol},
    wire::put_header,
};

/// The handler of all sessions.
#[derive(Debug)]
pub(crate) struct Handler;

/// What is attached to the library's socket.
type Data = OnceLock<Arc<Session>>;

impl EngineIoHandler for Handler {
    type Data = Data;

    fn on_connect(self: Arc<Self>, socket: Arc<LibrarySocket<Data>>) {
        match socket.req_parts.extensions.get::<Arc<Session>>() {
            Some(session) => {
                socket.data.set(session.clone()).ok();
                session.open(socket.id, Arc::new(Out(socket.clone())), false);
            }
            None => socket.close(DisconnectReason::ClosingServer),
        }
    }

    fn on_disconnect(&self, socket: Arc<LibrarySocket<Data>>, reason: DisconnectReason) {
        let Some(session) = socket.data.get() else {
            return;
        };
        session.closed(match reason {
            DisconnectReason::TransportClose => CloseReason::Client { code: 1005 },
            DisconnectReason::HeartbeatTimeout => CloseReason::HeartbeatTimeout,
            DisconnectReason::PacketParsingError => protocol("bad packet"),
            DisconnectReason::MultipleHttpPollingError => protocol("overlapping polls"),
            DisconnectReason::TransportError | DisconnectReason::ClosingServer => CloseReason::Gone,
        });
    }

    fn on_message(self: &Arc<Self>, text: Str, socket: Arc<LibrarySocket<Data>>) {
        if let Some(session) = socket.data.get() {
            session.receive(Message::Text(&text));
        }
    }

    fn on_binary(self: &Arc<Self>, bytes: Bytes, socket: Arc<LibrarySocket<Data>>) {
        if let Some(session) = socket.data.get() {
            session.receive(Message::Binary(&bytes));
        }
    }
}

/// The way out of the library's socket.
struct Out(Arc<LibrarySocket<Data>>);

impl Out {
    fn is_v3(&self) -> bool {
        self.0.data.get().is_some_and(|session| session.is_v3())
    }
}

impl Sink for Out {
    fn emit(&self, frame: &Frame) -> Sent {
        let (taken, least) = match frame.as_message() {
            // It would become several packets, of the sender's choice.
            Message::Text(text) if !self.is_v3() && packets::is_split(text) => {
                tracing::warn!(
                    "a text with U+001E was left out: polling separates packets with it"
                );
                return Sent::default();
            }
            Message::Text(text) => (self.0.emit(Str::copy_from_slice(text)).is_ok(), text.len()),
            Message::Binary(bytes) => (
                self.0.emit_binary(frame.payload().clone()).is_ok(),
                // In base64, or as it is in protocol 3.
                bytes.len(),
            ),
        };
        Sent {
            messages: usize::from(taken),
            least,
        }
    }

    fn put(&self, frame: &Frame, out: &mut Vec<u8>) -> Put {
        // A text message has its type in front, and so has a binary one of protocol 3.
        let (binary, kind) = match frame.as_message() {
            Message::Text(_) => (false, Some(b'4')),
            Message::Binary(_) => (true, self.is_v3().then_some(4)),
        };
        let payload = frame.payload();
        put_header(out, binary, payload.len() + usize::from(kind.is_some()));
        out.extend(kind);
        if payload.len() > COPY_MAX {
            return Put::Then(payload.clone());
        }
        out.extend_from_slice(payload);
        Put::Here
    }

    fn take(&self, message: Message<'_>, _: &Attached) -> bool {
        let Some(session) = self.0.data.get() else {
            return false;
        };
        match message {
            Message::Text(text) => match text.strip_prefix('4') {
                Some(text) => session.receive(Message::Text(text)),
                None => return false,
            },
            message @ Message::Binary(_) => session.receive(message),
        }
        true
    }

    fn close(&self, _: Option<&CloseReason>) {
        self.0.close(DisconnectReason::ClosingServer);
    }
}
