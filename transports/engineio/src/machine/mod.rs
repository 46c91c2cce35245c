//! The life of a session as a state machine without I/O.
//!
//! Its inputs are requests, packets, timers, and closing; its outputs are what to do. It reads no clock, holds no socket
//! and no waker, and calls nobody. Two things make up its state: where the client is ([`Transport`]) and how far the session
//! has come ([`Phase`]).
//!
//! ```text
//!                 upgrade asked        2probe            5
//!  Polling ───────────────► Upgrading ───────► Probed ───────► WebSocket
//!     ▲                         │                │
//!     └─────────────────────────┴── fails ───────┘
//!
//!  Opening ───► Open ───► Closing ───► Closed      (each may become Closed at once)
//! ```

mod heartbeat;

use stellarfw_transport::CloseReason;
use tokio::time::Instant;

use self::heartbeat::{Beat, Heartbeat};
pub(crate) use self::heartbeat::{Timing, later};
use crate::packet::{Packet, PacketError, Version};

#[cfg(test)]
mod tests;

/// Where the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Polling,
    /// A WebSocket was requested. Polling continues.
    Upgrading,
    /// The WebSocket works. Polls are answered with a noop, and messages wait until the client has moved.
    Probed,
    WebSocket,
}

/// How far the session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its client was let in, and the engine is opening it.
    Opening,
    Open,
    /// No new messages are accepted. Queued messages are sent, and then the close packet.
    Closing,
    Closed,
}

/// How a packet came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Post,
    WebSocket,
}

/// The effect of a packet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step<'p, 'a> {
    /// A message for the engine.
    Message(&'p Packet<'a>),
    /// A ping or pong of the client. In protocol 3 a ping is to be answered.
    Signal { answer: bool },
    /// `3probe` is to be sent over the WebSocket, and a poll that waits is to be answered.
    Probed,
    /// The client is on its WebSocket: queued messages are written there.
    Upgraded,
    /// The client has closed the session.
    Left,
}

/// Why a poll or a POST is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unserved {
    /// There is no such session any more.
    Closed,
    /// The client is on its WebSocket.
    Upgraded,
    /// Another one is under way, which breaks the protocol.
    Overlapping,
}

/// The answer to a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PollAnswer {
    /// Nothing yet.
    Wait,
    /// The queued packets. `closes`: the close packet follows them.
    Packets { closes: bool },
    /// The packet that says nothing: the client moves to its WebSocket.
    Noop,
    /// The close packet alone.
    Close,
}

/// The effect of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    /// A ping is to be sent.
    Ping,
    /// The client is silent: the session is to be closed.
    Silent,
    /// The closing took too long: the session is to be ended at once.
    End,
}

/// The state of one session.
#[derive(Debug)]
pub(crate) struct Machine {
    version: Version,
    transport: Transport,
    phase: Phase,
    /// Why it closes, once it does.
    reason: Option<CloseReason>,
    /// It is to be cut, whatever is queued.
    aborted: bool,
    /// The close packet was sent.
    said_close: bool,
    polling: bool,
    posting: bool,
    heartbeat: Heartbeat,
    /// When a closing must be over.
    close_at: Option<Instant>,
}

impl Machine {
    /// Creates the machine of a session that begins on `transport` at `now`.
    pub(crate) fn new(
        version: Version,
        transport: Transport,
        timing: &Timing,
        now: Instant,
    ) -> Self {
        Self {
            version,
            transport,
            phase: Phase::Opening,
            reason: None,
            aborted: false,
            said_close: false,
            polling: false,
            posting: false,
            heartbeat: Heartbeat::new(version, transport == Transport::Polling, timing, now),
            close_at: None,
        }
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    pub(crate) fn transport(&self) -> Transport {
        self.transport
    }

    /// Returns `true` if messages are taken for the client.
    pub(crate) fn takes_messages(&self) -> bool {
        matches!(self.phase, Phase::Opening | Phase::Open)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.phase == Phase::Closing
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    pub(crate) fn is_aborted(&self) -> bool {
        self.aborted
    }

    /// Why it closes or has closed.
    pub(crate) fn reason(&self) -> Option<&CloseReason> {
        self.reason.as_ref()
    }

    /// The engine has opened it.
    pub(crate) fn opened(&mut self) {
        if self.phase == Phase::Opening {
            self.phase = Phase::Open;
        }
    }

    /// A poll has come.
    pub(crate) fn begin_poll(&mut self) -> Result<(), Unserved> {
        self.check_request(self.polling)?;
        self.polling = true;
        self.heartbeat.polled();
        Ok(())
    }

    /// Returns the answer to the poll that is in progress. `has_packets`: packets are queued.
    pub(crate) fn answer_poll(&self, has_packets: bool) -> PollAnswer {
        match (self.phase, self.transport) {
            // A client that has left gets no close packet.
            (Phase::Closed, _) if self.has_left() => PollAnswer::Noop,
            (Phase::Closed, _) => PollAnswer::Close,
            (_, Transport::Probed | Transport::WebSocket) => PollAnswer::Noop,
            (phase, _) if has_packets => PollAnswer::Packets {
                closes: phase == Phase::Closing,
            },
            (Phase::Closing, _) => PollAnswer::Close,
            _ => PollAnswer::Wait,
        }
    }

    fn has_left(&self) -> bool {
        matches!(self.reason, Some(CloseReason::Client { .. }))
    }

    /// The poll is over. Returns `true` if the client has aborted it, and with it the session.
    pub(crate) fn end_poll(&mut self, is_answered: bool) -> bool {
        self.polling = false;
        !is_answered && self.phase != Phase::Closed
    }

    pub(crate) fn is_polled(&self) -> bool {
        self.polling
    }

    /// A POST has come.
    pub(crate) fn begin_post(&mut self) -> Result<(), Unserved> {
        self.check_request(self.posting)?;
        self.posting = true;
        Ok(())
    }

    /// The POST is over.
    pub(crate) fn end_post(&mut self) {
        self.posting = false;
    }

    /// Returns `true` if the WebSocket may be read: a POST from before the upgrade comes first.
    pub(crate) fn reads_socket(&self) -> bool {
        !self.posting
    }

    fn check_request(&self, is_under_way: bool) -> Result<(), Unserved> {
        match (self.phase, self.transport) {
            (Phase::Closed, _) => Err(Unserved::Closed),
            (_, Transport::WebSocket) => Err(Unserved::Upgraded),
            _ if is_under_way => Err(Unserved::Overlapping),
            _ => Ok(()),
        }
    }

    /// A packet has come.
    ///
    /// # Errors
    /// It is not one that may come now. Over the WebSocket of an upgrade that is the end of the upgrade alone.
    pub(crate) fn packet<'p, 'a>(
        &mut self,
        source: Source,
        packet: &'p Packet<'a>,
    ) -> Result<Step<'p, 'a>, PacketError> {
        // In protocol 4 a ping asks for a pong, and other packets do not answer it.
        if self.version == Version::V3 || matches!(packet, Packet::Ping | Packet::Pong) {
            self.heartbeat.note_life();
        }
        match (source, self.transport, packet) {
            (Source::WebSocket, Transport::Upgrading, Packet::Probe) => {
                self.transport = Transport::Probed;
                Ok(Step::Probed)
            }
            (Source::WebSocket, Transport::Probed, Packet::Upgrade) => {
                self.transport = Transport::WebSocket;
                self.heartbeat.polled();
                Ok(Step::Upgraded)
            }
            (Source::WebSocket, transport, _) if transport != Transport::WebSocket => {
                Err(PacketError::Upgrade)
            }
            (_, _, Packet::Text(_) | Packet::Binary(_)) => Ok(Step::Message(packet)),
            (_, _, Packet::Ping) => Ok(Step::Signal {
                answer: self.version == Version::V3,
            }),
            (_, _, Packet::Pong) => Ok(Step::Signal { answer: false }),
            (_, _, Packet::Close) => Ok(Step::Left),
            (_, _, Packet::Probe | Packet::Upgrade) => Err(PacketError::Packet),
        }
    }

    /// A WebSocket is asked for. Returns `true` if the session may move to it.
    pub(crate) fn begin_upgrade(&mut self) -> bool {
        let may = self.transport == Transport::Polling && self.phase != Phase::Closed;
        if may {
            self.transport = Transport::Upgrading;
        }
        may
    }

    /// The WebSocket is gone. Returns `true` if that was the end of an upgrade alone, and the session continues on polling.
    pub(crate) fn socket_gone(&mut self) -> bool {
        let is_upgrade = matches!(self.transport, Transport::Upgrading | Transport::Probed);
        if is_upgrade {
            self.transport = Transport::Polling;
        }
        is_upgrade && self.phase != Phase::Closed && !self.aborted
    }

    /// Closes it after the queued messages, or at `close_at`. Returns `true` the first time.
    pub(crate) fn close(&mut self, reason: &CloseReason, close_at: Instant) -> bool {
        if !self.takes_messages() {
            return false;
        }
        self.phase = Phase::Closing;
        self.reason = Some(reason.clone());
        self.close_at = Some(close_at);
        true
    }

    /// The close packet was sent.
    pub(crate) fn said_close(&mut self) {
        self.said_close = true;
    }

    pub(crate) fn has_said_close(&self) -> bool {
        self.said_close
    }

    /// Returns `true` if the close packet is to be sent over the WebSocket, behind the queued messages.
    pub(crate) fn may_say_close(&self) -> bool {
        self.phase == Phase::Closing && !self.said_close
    }

    /// Returns `true` if the close packet is on its way, or the session is over without one: nothing more is sent.
    pub(crate) fn is_done(&self) -> bool {
        self.said_close || self.phase == Phase::Closed
    }

    /// Ends it without a word, as soon as a timer at `now` is served.
    pub(crate) fn abort(&mut self, now: Instant) {
        if self.phase == Phase::Closed {
            return;
        }
        self.aborted = true;
        self.phase = Phase::Closing;
        self.close_at = Some(now);
    }

    /// It is over. Returns why, the first time: the reason of the closing, if one was under way, or this one.
    pub(crate) fn end(&mut self, reason: CloseReason) -> Option<CloseReason> {
        if self.phase == Phase::Closed {
            return None;
        }
        self.phase = Phase::Closed;
        Some(self.reason.get_or_insert(reason).clone())
    }

    /// Returns `true` if further input of the client is to be discarded.
    pub(crate) fn drops_inbound(&self) -> bool {
        self.reason.as_ref().is_some_and(CloseReason::drops_inbound)
    }

    /// Returns when the next timer is to be served.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Opening | Phase::Open => Some(self.heartbeat.next()),
            Phase::Closing => self.close_at,
            Phase::Closed => None,
        }
    }

    /// Serves the timers that are due at `now`.
    pub(crate) fn due(&mut self, now: Instant, timing: &Timing) -> Due {
        match self.phase {
            Phase::Closed => Due::Nothing,
            Phase::Closing if self.close_at.is_some_and(|at| at <= now) => Due::End,
            Phase::Closing => Due::Nothing,
            Phase::Opening | Phase::Open => match self.heartbeat.due(now, timing) {
                Beat::Nothing => Due::Nothing,
                Beat::Ping => Due::Ping,
                Beat::Silent => Due::Silent,
            },
        }
    }
}
