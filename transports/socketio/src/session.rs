//! A connection's events, in the order in which they come.

use std::sync::Arc;

use socketioxide::{
    adapter::LocalAdapter,
    handler::{DisconnectHandler, MessageHandler},
    socket::{DisconnectReason, Socket},
};
use socketioxide_core::Value;
use stellarfw_engineio::wrapped::{Seat, Session, protocol};
use stellarfw_transport::CloseReason;

use crate::codec::SharedCodec;

/// What the library calls for a connection. It does so synchronously, which an async function as
/// a handler would not be: each event would be a task of its own, and their order lost.
#[derive(Clone)]
pub(crate) struct Events {
    pub(crate) session: Arc<Session>,
    /// Its place on the session, where there are several namespaces.
    pub(crate) seat: Option<Arc<Seat>>,
    pub(crate) codec: SharedCodec,
}

impl MessageHandler<LocalAdapter, ()> for Events {
    fn call(&self, _: Arc<Socket>, value: Value, ack: Option<i64>) {
        self.codec.read(&value, ack, |payload| match &self.seat {
            Some(seat) => seat.receive_or_refuse(payload),
            None => self.session.receive_or_refuse(payload),
        });
    }
}

impl DisconnectHandler<LocalAdapter, ()> for Events {
    fn call_with_defer(
        &self,
        socket: Arc<Socket>,
        reason: DisconnectReason,
        defer: fn(Arc<Socket>),
    ) {
        let left = reason == DisconnectReason::ClientNSDisconnect;
        let reason = match reason {
            DisconnectReason::TransportClose | DisconnectReason::ClientNSDisconnect => {
                CloseReason::Client { code: 1005 }
            }
            DisconnectReason::HeartbeatTimeout => CloseReason::HeartbeatTimeout,
            DisconnectReason::PacketParsingError => protocol("bad packet"),
            DisconnectReason::MultipleHttpPollingError => protocol("overlapping polls"),
            DisconnectReason::TransportError
            | DisconnectReason::ServerNSDisconnect
            | DisconnectReason::ClosingServer => CloseReason::Gone,
        };
        match &self.seat {
            Some(seat) => seat.closed(reason, left),
            None => {
                self.session.closed(reason);
                // Who has left the namespace has no business on the transport any more.
                if left {
                    self.session.hang_up();
                }
            }
        }
        self.codec.clear();
        defer(socket);
    }
}
