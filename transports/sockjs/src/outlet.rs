//! The way out of a session over HTTP: a bounded queue from which its receivers take.

use std::sync::Arc;

use stellarfw_transport::{Account, CloseReason, Frame, Kind, Outlet, PushError, Waiting};

use crate::{frame, session::Session};

pub(crate) struct SockJsOutlet(pub(crate) Arc<Session>);

impl Outlet for SockJsOutlet {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        if frame.kind() == Kind::Binary {
            tracing::warn!("a binary payload was left out: SockJS carries text only");
            return Ok(());
        }
        let mut state = self.0.lock();
        let taken = state.under_way;
        state.outbox.push_behind(frame, taken)
    }

    fn flush(&self) {
        self.0.flush();
    }

    fn account(&self, account: Account) {
        self.0.lock().outbox.set_account(account);
    }

    fn waiting(&self) -> Waiting {
        let state = self.0.lock();
        let mut waiting = state.outbox.waiting();
        waiting.frames += state.under_way.frames;
        waiting.bytes += state.under_way.bytes;
        waiting
    }

    fn ping(&self) {
        self.0.ping();
    }

    fn close(&self, reason: &CloseReason) {
        // A slow consumer's queue is full of what it will not read in time.
        let drop_waiting = reason.drops_waiting();
        let goodbye = frame::goodbye(reason.code(), reason.text());
        self.0.close(goodbye, drop_waiting);
    }

    fn abort(&self) {
        self.0.abort(frame::goodbye(1000, ""));
    }
}
