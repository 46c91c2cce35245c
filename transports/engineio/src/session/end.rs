//! How a session ends.

use std::sync::Arc;

use stellarfw_transport::CloseReason;
use tokio::time::Instant;

use super::{Session, Slot};
use crate::{
    deadlines::Entry,
    machine::{Due, Transport, later},
};

impl Session {
    /// Closes it after the queued messages, with Engine.IO's close packet, and over a WebSocket a close frame with the
    /// reason's code. After the server's close timeout it is cut. The first reason counts.
    ///
    /// The consumer is not called from here; [`Consumer::closed`](crate::Consumer::closed) comes later.
    pub fn close(&self, reason: &CloseReason) {
        let Some(session) = self.this.upgrade() else {
            return;
        };
        let mut state = self.lock();
        let now = Instant::now();
        let close_at = later(now, self.sessions().close_timeout);
        if !state.machine.close(reason, close_at) {
            return;
        }
        if state.out.close(reason) {
            state.machine.abort(now);
        }
        session.arm(&mut state);
        let is_aborted = state.machine.is_aborted();
        drop(state);
        self.flush();
        if is_aborted {
            self.task.wake();
        }
    }

    /// Ends it immediately, without the queued messages. May be called from any thread.
    pub fn abort(&self) {
        let Some(session) = self.this.upgrade() else {
            return;
        };
        let mut state = self.lock();
        state.machine.abort(Instant::now());
        state.out.clear();
        // The consumer is called from there: whoever aborts is not to be called back.
        session.arm(&mut state);
        drop(state);
        self.task.wake();
    }

    /// Closes it because of its client: every spark, and then the session itself.
    pub(crate) fn fault(self: &Arc<Self>, reason: &CloseReason) {
        if let Some(consumer) = self.consumer() {
            consumer.end(reason);
        }
        self.close(reason);
    }

    /// As [`fault`](Self::fault), and ends it at once where no poll waits for the close packet: the client is silent,
    /// or does not speak the protocol, and its next request finds no session.
    pub(crate) fn fault_unless_polled(self: &Arc<Self>, reason: &CloseReason) {
        self.fault(reason);
        let state = self.lock();
        let is_waited_for =
            state.machine.is_polled() || state.machine.transport() != Transport::Polling;
        drop(state);
        if !is_waited_for {
            self.end_apart(reason.clone());
        }
    }

    /// It is over: for this reason, or the one for which it was closing. Only the first call counts. To be called in the
    /// runtime.
    pub(crate) fn end(&self, reason: CloseReason) {
        let mut state = self.lock();
        let Some(reason) = state.machine.end(reason) else {
            return;
        };
        state.out.clear();
        state.lease = None;
        let entry = self.sessions().deadlines.remove(&mut state.entry);
        let listed = self.sessions().remove(&self.id);
        drop(state);
        self.poll.wake();
        self.task.wake();
        self.room.wake();
        let mut slot = self.consumer.lock();
        let before = std::mem::replace(&mut *slot, Slot::Closed(reason.clone()));
        drop(slot);
        if let Slot::Open(consumer) = before {
            consumer.closed(reason);
        }
        // They may be the last of their kind.
        drop((entry, listed));
    }

    /// Its WebSocket is gone: the end of an upgrade, or of the session. To be called in the runtime.
    pub(crate) fn socket_gone(&self) {
        let mut state = self.lock();
        let goes_on = state.machine.socket_gone();
        // A spark that is kept must not keep the socket.
        state.out.detach();
        drop(state);
        match goes_on {
            true => self.flush(),
            false => self.end(CloseReason::Gone),
        }
    }

    /// As [`end`](Self::end), in a task of its own: hooks of the application run at an end.
    fn end_apart(self: &Arc<Self>, reason: CloseReason) {
        let session = self.clone();
        tokio::spawn(async move { session.end(reason) });
    }

    /// Serves the deadlines that have come. Nothing is done if `entry` is not its entry any more.
    pub(crate) fn serve_deadline(self: &Arc<Self>, entry: Entry) {
        let mut state = self.lock();
        if state.entry != Some(entry) {
            return;
        }
        state.entry = None;
        let now = Instant::now();
        let due = state.machine.due(now, &self.sessions().timing);
        let is_consumers = state.consumer_at.take_if(|at| *at <= now).is_some();
        match due {
            Due::Ping => state.out.ping(),
            Due::End => state.machine.abort(now),
            Due::Nothing | Due::Silent => {}
        }
        if due != Due::End {
            self.arm(&mut state);
        }
        drop(state);
        match due {
            Due::Nothing => {}
            Due::Ping => self.flush(),
            Due::Silent => self.fault_unless_polled(&CloseReason::HeartbeatTimeout),
            Due::End => {
                self.task.wake();
                self.end_apart(CloseReason::Gone);
            }
        }
        if is_consumers && let Some(consumer) = self.consumer() {
            let session = self.clone();
            tokio::spawn(async move { consumer.deadline(&session) });
        }
    }
}
