//! The engine `engine.io`: each message of a session is a payload of its one spark.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::request::Parts;
use stellarfw_transport::{
    Account, Admission, CloseReason, Frame, Message, Outlet, PushError, Refusal, Server, Spark,
    Waiting,
};

use crate::{
    EngineIo,
    inbound_cell::InboundCell,
    protocol::{Consumer, Protocol},
    session::Session,
};

/// Payloads as messages.
#[derive(Debug)]
pub(crate) struct Plain;

impl Protocol for Plain {
    type Accepted = Box<Admission>;

    async fn accept(&self, server: &Server, parts: &mut Parts) -> Result<Box<Admission>, Refusal> {
        server.admit(EngineIo::NAME, parts).await.map(Box::new)
    }

    fn open(
        &self,
        server: &Server,
        accepted: Box<Admission>,
        session: &Arc<Session>,
    ) -> Arc<dyn Consumer> {
        let single = Arc::new(Single::default());
        single.0.set(server.open(*accepted, session.clone()));
        single
    }
}

/// The one spark of a session.
#[derive(Default)]
struct Single(InboundCell);

impl Consumer for Single {
    #[inline]
    fn message(&self, _: &Arc<Session>, message: Message<'_>) -> Result<(), CloseReason> {
        self.0.receive(message);
        Ok(())
    }

    #[inline]
    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_ready(cx)
    }

    #[inline]
    fn alive(&self) {
        self.0.alive();
    }

    fn signal(&self) {
        self.0.signal();
    }

    fn spark(&self) -> Option<Spark> {
        self.0.spark()
    }

    fn end(&self, reason: &CloseReason) {
        if let Some(spark) = self.0.spark() {
            spark.close(reason.clone());
        }
    }

    fn closed(&self, reason: CloseReason) {
        self.0.close(reason);
    }
}

/// The sending side of a session's one spark.
impl Outlet for Session {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        Self::push(self, Some(frame))
    }

    fn flush(&self) {
        Self::flush(self);
    }

    fn account(&self, account: Account) {
        self.set_account(account);
    }

    fn prefetch(&self) {
        Self::prefetch(self);
    }

    fn waiting(&self) -> Waiting {
        Self::waiting(self)
    }

    fn ping(&self) {
        // A session pings by itself, at least as often.
    }

    fn close(&self, reason: &CloseReason) {
        Self::close(self, reason);
    }

    fn abort(&self) {
        Self::abort(self);
    }
}
