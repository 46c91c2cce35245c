//! How a session ends.

use std::sync::{Arc, atomic::Ordering};

use stellarfw_transport::CloseReason;

use super::Session;
use crate::wrapped::{
    library::Sink,
    outlet::{Line, Phase},
    polling,
    request::Ask,
};

impl Session {
    /// Closes what is open for this reason. Whether anything was.
    pub(crate) fn end_with(&self, reason: &CloseReason) -> bool {
        let sparks = self.sparks();
        for spark in &sparks {
            spark.close(reason.clone());
        }
        !sparks.is_empty()
    }

    /// The library has closed it.
    pub fn closed(&self, reason: CloseReason) {
        let reason = self.reason(reason);
        let line = {
            let mut out = self.lock();
            out.phase = Phase::Over;
            out.clear();
            out.sink = None;
            out.line
        };
        self.unregister();
        // Let in and not opened: it never will be.
        drop(self.admitted());
        if let Some(seats) = self.seats.get() {
            seats.close(&reason);
        }
        self.inlet.close(reason);
        self.over.notify_one();
        // Should it be that of an upgrade, which does not hear the library.
        self.task.wake();
        if line == Line::Polling {
            self.done.notify_one();
        }
    }

    /// Why it ends: this, unless it is known better.
    pub(crate) fn reason(&self, reason: CloseReason) -> CloseReason {
        self.end.get().cloned().unwrap_or(reason)
    }

    /// Tells the library to close for the reason given before.
    pub(crate) fn tell_to_close(&self, sink: Option<Arc<dyn Sink>>) {
        if let Some(sink) = sink {
            let reason = self.lock().reason.clone();
            // The library spawns tasks, and whoever sends may know of no runtime.
            let _runtime = self.runtime.enter();
            sink.close(reason.as_ref());
        }
    }

    fn abandon(&self, sink: Option<Arc<dyn Sink>>) {
        match sink {
            Some(sink) => {
                let _runtime = self.runtime.enter();
                sink.close(None);
            }
            None => self.hang_up(),
        }
    }

    /// Has the library say a last word of its own, and hangs up when it is written.
    pub fn last_word(&self, say: impl FnOnce()) {
        say();
        let mut out = self.lock();
        out.expect();
        out.begin_hang_up();
        let line = out.line;
        drop(out);
        match line {
            Line::WebSocket => self.task.wake(),
            // The poll under way brings it. Its end is the occasion.
            _ if self.is_polled() => self.poll.wake(),
            _ => self.hang_up(),
        }
    }

    /// Makes the library believe that the client has left, where it cannot be told to close: over a
    /// WebSocket when what it holds has been written, on polling at once.
    pub fn hang_up(&self) {
        let mut out = self.lock();
        if out.line == Line::WebSocket {
            out.begin_hang_up();
            drop(out);
            self.task.wake();
        } else if out.tell() {
            drop(out);
            self.say_goodbye();
        }
    }

    /// Tells the library that the client has left.
    pub(crate) fn say_goodbye(&self) {
        let (Some(sid), Some(library)) = (self.sid(), self.library.upgrade()) else {
            return;
        };
        let ask = Ask {
            sid: Some(sid),
            ..self.ask
        };
        if let Some(request) = polling::by_client(&ask, polling::goodbye(ask.protocol)) {
            let _runtime = self.runtime.enter();
            self.runtime.spawn(library.answer(request));
        }
    }

    /// Closes when all that waits has gone.
    pub(crate) fn begin_close(&self, reason: &CloseReason) {
        if self.lock().begin_close(reason) {
            self.bound_closing();
            self.advance();
        }
    }

    /// Sees to it that a closing comes to its end.
    fn bound_closing(&self) {
        let Some(session) = self.this.upgrade() else {
            return;
        };
        self.runtime.spawn(async move {
            let done = session.done.notified();
            if tokio::time::timeout(session.close_timeout, done)
                .await
                .is_err()
            {
                session.cut();
                session.bound_end();
            }
        });
    }

    /// Ends it at once, whatever waits.
    pub(crate) fn cut(&self) {
        let mut out = self.lock();
        out.cut = true;
        out.clear();
        if out.phase == Phase::Open {
            out.phase = Phase::Told;
        }
        let sink = out.sink.clone();
        drop(out);
        self.task.wake();
        self.abandon(sink);
    }

    /// The client has left, in this way.
    pub(crate) fn left(&self, reason: CloseReason) {
        self.end.set(reason).ok();
    }

    /// Its WebSocket has said the last word.
    pub(crate) fn parted(&self) {
        self.done.notify_one();
    }

    /// Its WebSocket is no more.
    pub(crate) fn socket_gone(self: &Arc<Self>) {
        self.gone.store(true, Ordering::Release);
        let sink = self.lock().sink.clone();
        // Where the library has not noticed: an upgrade that failed, an opening nobody read.
        if let Some(sink) = sink {
            self.abandon(Some(sink));
            self.bound_end();
        }
        self.done.notify_one();
    }

    /// Sees to it that the spark of a connection that is gone ends, should the library not say so.
    pub(crate) fn bound_end(self: &Arc<Self>) {
        let session = self.clone();
        self.runtime.spawn(async move {
            let over = session.over.notified();
            if tokio::time::timeout(session.close_timeout, over)
                .await
                .is_err()
            {
                session.closed(CloseReason::Gone);
            }
        });
    }

    /// The client broke the protocol.
    pub(crate) fn fault(&self, message: &'static str) {
        // One that ends already may be unknown to the library before it is over for us: then its
        // answer is no news of the client.
        if self.end.get().is_none() {
            self.fault_with(&protocol(message));
        }
    }

    /// Closes what is open for this reason, or cuts it.
    pub(crate) fn fault_with(&self, reason: &CloseReason) {
        if !self.end_with(reason) {
            self.cut();
        }
    }
}

/// A break of the protocol.
pub fn protocol(message: &'static str) -> CloseReason {
    CloseReason::Protocol {
        code: 1002,
        message: message.into(),
    }
}
