//! What a client's packets do to its session.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use stellarfw_transport::{CloseReason, Holding, Message};

use super::Session;
use crate::{
    machine::{Source, Step},
    packet::{Packet, PacketError},
    protocol::Consumer,
};

/// How a packet was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Yes,
    /// The upgrade is over, and with it the time that it may take.
    Upgraded,
    /// The client has closed the session.
    Left,
}

/// Why a packet was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// The upgrade is to be given up.
    Upgrade,
    /// The session is to be closed.
    Session(CloseReason),
}

impl Session {
    /// Takes a packet of the client. One caller at a time.
    pub(crate) fn take(
        self: &Arc<Self>,
        consumer: &dyn Consumer,
        source: Source,
        packet: &Packet<'_>,
    ) -> Result<Taken, NotTaken> {
        let mut state = self.lock();
        let step = match state.machine.packet(source, packet) {
            Ok(step) => step,
            Err(PacketError::Upgrade) => return Err(NotTaken::Upgrade),
            Err(error) => return Err(NotTaken::Session(error.into())),
        };
        match step {
            Step::Message(packet) => {
                drop(state);
                let message = match packet {
                    Packet::Text(text) => Message::Text(text),
                    Packet::Binary(bytes) => Message::Binary(bytes),
                    _ => return Ok(Taken::Yes),
                };
                consumer.message(self, message).map_err(NotTaken::Session)?;
            }
            Step::Signal { answer } => {
                if answer {
                    state.out.pong();
                }
                drop(state);
                consumer.signal();
                if answer {
                    self.flush();
                }
            }
            Step::Probed => {
                state.out.put_text("3probe");
                drop(state);
                self.poll.wake();
            }
            Step::Upgraded => {
                state.out.flow();
                drop(state);
                self.poll.wake();
                return Ok(Taken::Upgraded);
            }
            Step::Left => {
                drop(state);
                return Ok(Taken::Left);
            }
        }
        Ok(Taken::Yes)
    }

    /// Ready when the next packet may be read from the WebSocket.
    #[inline]
    pub(crate) fn poll_socket(&self, consumer: &dyn Consumer, cx: &mut Context<'_>) -> Poll<()> {
        let state = self.lock();
        // The end of a POST wakes the task, and the task itself writes what is in the way.
        let is_held = !state.machine.reads_socket() || state.out.is_backed_up();
        drop(state);
        match is_held {
            true => Poll::Pending,
            false => consumer.poll_ready(cx),
        }
    }

    /// Notes how many bytes are held of a message that is not complete: `bytes`, and what the consumer has gathered.
    pub(crate) fn note_assembly(
        self: &Arc<Self>,
        consumer: &dyn Consumer,
        bytes: usize,
        is_new: bool,
    ) {
        let gathered = consumer.gathered();
        let bytes = bytes + gathered.bytes;
        // The parts of one message are not messages of their own.
        let is_new = match gathered.bytes {
            0 => is_new,
            _ => gathered.is_new,
        };
        let mut state = self.lock();
        if bytes == 0 && !state.is_assembling {
            return;
        }
        state.is_assembling = bytes > 0;
        drop(state);
        if let Some(spark) = consumer.spark() {
            self.lock().lease = None;
            spark.assembling(bytes, is_new);
            return;
        }
        let budget = &self.sessions().budget;
        let mut state = self.lock();
        match bytes {
            0 => state.lease = None,
            _ => state
                .lease
                .get_or_insert_with(|| Box::new(budget.lease_for(Holding::Inbound, 0)))
                .resize(bytes),
        }
        drop(state);
        if budget.is_over() {
            // A client that was not let in yet has nothing to lose.
            self.fault(&CloseReason::OverBudget);
        }
    }
}
