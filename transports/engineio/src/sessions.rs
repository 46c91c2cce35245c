//! The sessions of a gateway, and what holds for all of them.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use parking_lot::Mutex;
use stellarfw_transport::{Budget, CloseReason, OutboxLimits, Server};
use tokio::task::AbortHandle;

use crate::{
    config::EngineIoConfig, deadlines::Deadlines, gateway::GatewayOptions, id::SessionId,
    machine::Timing, session::Session,
};

/// The sessions of a gateway, by their ids.
pub(crate) struct Sessions {
    by_id: Mutex<HashMap<SessionId, Arc<Session>>>,
    pub(crate) deadlines: Arc<Deadlines>,
    /// The task of the deadlines.
    task: OnceLock<AbortHandle>,
    pub(crate) timing: Timing,
    pub(crate) close_timeout: Duration,
    pub(crate) outbox: Arc<OutboxLimits>,
    pub(crate) budget: Budget,
    /// The longest payload of a POST in bytes, and of the answer to a poll, but for its last message.
    pub(crate) max_payload: usize,
    pub(crate) close_frame_only: bool,
}

impl Sessions {
    pub(crate) fn new(
        config: &EngineIoConfig,
        options: GatewayOptions,
        server: &Server,
        max_payload: usize,
    ) -> Arc<Self> {
        Arc::new(Self {
            by_id: Mutex::default(),
            deadlines: Arc::default(),
            task: OnceLock::new(),
            timing: Timing {
                interval: config.ping_interval(server.config()),
                timeout: config.ping_timeout(),
            },
            close_timeout: server.config().close_timeout(),
            outbox: server.outbox_limits(),
            budget: server.budget().clone(),
            max_payload,
            close_frame_only: options.close_frame_only,
        })
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Session>> {
        self.by_id.lock().get(id).cloned()
    }

    pub(crate) fn insert(&self, session: &Arc<Session>) {
        // With the first session, because that is opened in a runtime.
        self.task
            .get_or_init(|| tokio::spawn(self.deadlines.clone().run()).abort_handle());
        let mut by_id = self.by_id.lock();
        by_id.insert(session.id().clone(), session.clone());
    }

    pub(crate) fn remove(&self, id: &SessionId) -> Option<Arc<Session>> {
        let mut by_id = self.by_id.lock();
        let removed = by_id.remove(id);
        if by_id.is_empty() && by_id.capacity() > 1_024 {
            *by_id = HashMap::new();
        }
        removed
    }

    /// Ends all sessions.
    pub(crate) fn end_all(&self) {
        let all: Vec<_> = self.by_id.lock().values().cloned().collect();
        for session in all {
            session.abort();
            session.end(CloseReason::Gone);
        }
    }

    /// Ends all sessions, and the task of their deadlines. Nothing may be opened after that.
    pub(crate) fn release(&self) {
        self.end_all();
        if let Some(task) = self.task.get() {
            task.abort();
        }
        // Sessions that were not opened yet.
        self.deadlines.clear();
    }
}
