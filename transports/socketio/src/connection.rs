//! The connection of a client to one namespace.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicBool, Ordering},
};

use stellarfw_engineio::{InboundCell, Version};
use stellarfw_transport::{
    Account, CloseReason, Frame, Holding, Lease, Outlet, PushError, Spark, Waiting,
};

use crate::{
    acks::Acks,
    client::Client,
    codec::{Event, Receiver},
    namespaces::Ended,
    packet::Reply,
};

/// Payloads of this size are counted in the memory budget while they are handled.
const COUNTED: usize = 4 << 10;

/// A connection to a namespace, and the sending side of its spark.
pub(crate) struct Connection {
    this: Weak<Self>,
    client: Arc<Client>,
    /// The namespace's number in the configuration.
    number: u32,
    is_v2: bool,
    acks: Acks,
    pub(crate) inbound: InboundCell,
    /// The server has ended it.
    is_ended: AtomicBool,
    /// The memory of the credentials, which the spark keeps.
    _credentials: Option<Lease>,
}

impl Connection {
    pub(crate) fn new(client: &Arc<Client>, number: u32, credentials: Option<Lease>) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: this.clone(),
            client: client.clone(),
            number,
            is_v2: client.session.version() == Version::V3,
            acks: Acks::default(),
            inbound: InboundCell::default(),
            is_ended: AtomicBool::new(false),
            _credentials: credentials,
        })
    }

    pub(crate) fn spark(&self) -> Option<Spark> {
        self.inbound.spark()
    }

    /// Decodes an event and passes its payload to the spark.
    ///
    /// # Errors
    /// The reason to close the client's transport with.
    pub(crate) fn receive(&self, event: Event<'_>) -> Result<(), CloseReason> {
        let payload = self.client.engine.codec.decode(event, &self.acks)?;
        let attached: usize = event.attachments.iter().map(|bytes| bytes.len()).sum();
        let held = payload.allocated() + attached;
        // What is held besides the message itself, which its reader counts.
        let _lease = (held >= COUNTED)
            .then(|| self.spark())
            .flatten()
            .map(|spark| spark.lease(Holding::Inbound, held));
        self.inbound.receive(payload.message());
        Ok(())
    }

    /// Reports the end of the connection. The first reason counts.
    pub(crate) fn report(&self, reason: CloseReason) {
        self.is_ended.store(true, Ordering::Release);
        self.acks.clear();
        self.inbound.close(reason);
    }

    /// Closes the client's transport, and with it its connections to other namespaces.
    fn close_transport(&self, reason: &CloseReason) {
        let reason = self.client.lock().namespaces.close(reason.clone());
        self.client.session.close(&reason);
    }
}

impl PartialEq for Connection {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Outlet for Connection {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        if self.is_ended.load(Ordering::Acquire) {
            return Err(PushError::Closed);
        }
        let engine = &self.client.engine;
        let receiver = Receiver {
            namespace: (engine.namespace(self.number), self.number),
            is_v2: self.is_v2,
            acks: &self.acks,
        };
        let frames = engine.codec.encode(&frame, receiver);
        match frames.is_empty() {
            true => Ok(()),
            false => self.client.session.push(frames),
        }
    }

    fn flush(&self) {
        self.client.session.flush();
    }

    fn account(&self, account: Account) {
        self.client.session.set_account(account);
    }

    fn prefetch(&self) {
        self.client.session.prefetch();
    }

    fn waiting(&self) -> Waiting {
        self.client.session.waiting()
    }

    fn ping(&self) {
        // Engine.IO pings the client, at least as often.
    }

    fn close(&self, reason: &CloseReason) {
        if self.is_ended.swap(true, Ordering::AcqRel) {
            return;
        }
        // A client that gets a disconnect packet does not reconnect.
        if reason.reconnect() {
            return self.close_transport(reason);
        }
        let engine = &self.client.engine;
        let namespace = engine.namespace(self.number);
        let packet = engine.codec.packets.reply(namespace, Reply::Disconnect);
        let Some(this) = self.this.upgrade() else {
            return;
        };
        if self.client.session.push(Some(packet)).is_err() {
            return self.close_transport(reason);
        }
        let ended = self.client.lock().namespaces.ended(&this, reason);
        match ended {
            Ended::OneOf => {
                // Hooks of the application run at the end, and not on the thread of whoever closes.
                let reason = reason.clone();
                self.client.runtime.spawn(async move {
                    this.report(reason);
                    this.client.choose_account();
                });
            }
            Ended::Opening => {}
            Ended::Last => self.client.session.close(reason),
        }
    }

    fn abort(&self) {
        self.client.session.abort();
    }
}
