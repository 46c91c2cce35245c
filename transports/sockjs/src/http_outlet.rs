//! The outlet of a session over HTTP: a bounded queue that its receivers drain.

use std::sync::Arc;

use stellarfw_transport::{Account, CloseReason, Frame, Kind, Outlet, PushError, Waiting};

use crate::{frame, session::Session};

pub(crate) struct HttpOutlet(pub(crate) Arc<Session>);

impl Outlet for HttpOutlet {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        if frame.kind() == Kind::Binary {
            tracing::warn!("dropped a binary payload: SockJS carries text only");
            return Ok(());
        }
        let mut state = self.0.lock();
        let taken = state.in_flight;
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
        waiting.frames += state.in_flight.frames;
        waiting.bytes += state.in_flight.bytes;
        waiting
    }

    fn ping(&self) {
        self.0.ping();
    }

    fn close(&self, reason: &CloseReason) {
        // A slow consumer cannot read its full queue in time.
        let drop_waiting = reason.drops_waiting();
        let close_frame = frame::close_frame(reason.code(), reason.text());
        self.0.close(close_frame, drop_waiting);
    }

    fn abort(&self) {
        self.0.abort(frame::close_frame(1000, ""));
    }
}
