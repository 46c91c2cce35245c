//! The way out of a connection.

use std::sync::{Arc, Weak};

use socketioxide::socket::Socket;
use stellarfw_engineio::wrapped::{Attached, Put, Seat, SeatSink, Sent, Session, Sink};
use stellarfw_transport::{CloseReason, Frame, Message};

use crate::codec::SharedCodec;

pub(crate) struct Out {
    pub(crate) socket: Arc<Socket>,
    pub(crate) session: Weak<Session>,
    pub(crate) codec: SharedCodec,
}

impl Sink for Out {
    fn emit(&self, frame: &Frame) -> Sent {
        self.codec.send(&self.socket, frame)
    }

    fn put(&self, frame: &Frame, out: &mut Vec<u8>) -> Put {
        self.codec.put(frame, out)
    }

    fn take(&self, message: Message<'_>, attached: &Attached) -> bool {
        let Some(session) = self.session.upgrade() else {
            return false;
        };
        let bring = |payload: Option<Message<'_>>| session.receive_or_refuse(payload);
        self.codec.take(message, attached, bring)
    }

    fn close(&self, reason: Option<&CloseReason>) {
        let Some(session) = self.session.upgrade() else {
            return;
        };
        // A client that is told so does not come again by itself.
        if reason.is_none_or(CloseReason::reconnect) {
            session.hang_up();
            return;
        }
        session.last_word(|| {
            if let Err(error) = self.socket.clone().disconnect() {
                tracing::debug!(%error, "a client was not told that it is disconnected");
            }
        });
    }
}

/// The way out of a connection to one namespace of several.
pub(crate) struct SeatOut {
    pub(crate) socket: Arc<Socket>,
    pub(crate) seat: Weak<Seat>,
    pub(crate) codec: SharedCodec,
}

impl SeatSink for SeatOut {
    fn emit(&self, frame: &Frame) -> Sent {
        self.codec.send(&self.socket, frame)
    }

    fn put(&self, frame: &Frame, out: &mut Vec<u8>) -> Put {
        self.codec.put(frame, out)
    }

    fn take(&self, message: Message<'_>, attached: &Attached) -> bool {
        let Some(seat) = self.seat.upgrade() else {
            return false;
        };
        let bring = |payload: Option<Message<'_>>| seat.receive_or_refuse(payload);
        self.codec.take(message, attached, bring)
    }

    fn leave(&self) -> bool {
        self.socket.clone().disconnect().is_ok()
    }
}
