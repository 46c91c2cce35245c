//! The way out of a connection.

use std::sync::{Arc, Weak};

use socketioxide::socket::Socket;
use stellarfw_engineio::{Sent, Session, Sink};
use stellarfw_transport::{CloseReason, Frame};

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
