//! Sparks: the live connections of a server's transports.

use std::{
    any::{Any, TypeId},
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::{runtime::Handle, sync::Notify};

use crate::{
    Flow,
    addresses::AddressPlace,
    auth::Identity,
    budget::Slot,
    catch_panic,
    clients::Client,
    close::CloseReason,
    codec::{CodecError, Parser},
    control,
    frame::{Frame, Message},
    handshake::Handshake,
    heartbeat::Seat,
    id::SparkId,
    inlet::Inbound,
    outlet::{Outlet, PushError, Waiting},
    serial_queue::{self, Entered, QueueLimits, SerialQueue, Worker},
    server::{Server, ServerInner},
    transform::{self, Packet},
    turn,
};

/// A handle on one live connection. Cloning it is cheap, and keeping it does not keep the
/// connection alive: a spark ends when its peer leaves or [`Spark::end`] is called.
#[derive(Clone)]
pub struct Spark(pub(crate) Arc<Inner>);

/// What sending needs comes first, so that it is together in memory: a room of thousands fits no cache.
#[repr(C)]
pub(crate) struct Inner {
    outlet: Arc<dyn Outlet>,
    /// The outgoing transforms' queue; only servers that have such transforms pay for it.
    outgoing: Option<Box<Output>>,
    pub(crate) server: Arc<ServerInner>,
    state: AtomicU8,
    /// Sent to and not yet flushed.
    dirty: AtomicBool,
    /// How many heartbeats in a row nothing was heard before; 0 is set by every sign of life.
    pub(crate) silent: AtomicU8,
    /// A client of Primus 6 or older, which pings by itself.
    pub(crate) legacy: AtomicBool,
    /// Where its account is of what it holds.
    pub(crate) slot: Slot,
    pub(crate) inbound: SerialQueue<Inbound>,
    id: SparkId,
    attachment: OnceLock<Box<dyn Any + Send + Sync>>,
    transport: &'static str,
    handshake: Handshake,
    identity: Option<Identity>,
    client: Option<Arc<Client>>,
    pub(crate) seat: OnceLock<Seat>,
    /// Its place among the connections of its address, where they are bounded.
    pub(crate) address_place: Mutex<Option<Box<AddressPlace>>>,
    reason: OnceLock<CloseReason>,
    gone: Notify,
}

/// Whose spark it is, and the place that it has for that.
#[derive(Default)]
pub(crate) struct Guest {
    pub(crate) identity: Option<Identity>,
    pub(crate) client: Option<Arc<Client>>,
    pub(crate) address_place: Option<Box<AddressPlace>>,
}

impl Inner {
    pub(crate) fn outlet(&self) -> &dyn Outlet {
        &*self.outlet
    }
}

struct Output {
    queue: SerialQueue<Outgoing>,
    /// Where transforms that wait do so, whatever thread sends.
    runtime: Handle,
}

enum Outgoing {
    Frame(Frame, Delivery),
    Close(CloseReason),
}

const OPEN: u8 = 0;
const CLOSING: u8 = 1;
const CLOSED: u8 = 2;

/// What becomes of a message when the outbox is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// The spark is closed as a slow consumer: a message that must arrive cannot.
    #[default]
    Reliable,
    /// The message is dropped: a newer one will come.
    Volatile,
}

/// A message was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The spark is closed or closing.
    #[error("the spark is closed")]
    Closed,
    /// The outbox was full, and so the spark was closed.
    #[error("the peer reads too slowly and was closed")]
    SlowConsumer,
    /// The outbox was full, and the message was volatile.
    #[error("the peer reads too slowly, the volatile message was dropped")]
    Dropped,
    /// The value could not be encoded.
    #[error("the value could not be encoded: {0}")]
    Codec(#[from] CodecError),
}

/// A spark as the worker of its outgoing transforms.
#[derive(Clone)]
struct Transforming(Spark);

impl Worker for Transforming {
    type Item = Outgoing;

    fn queue(&self) -> &SerialQueue<Outgoing> {
        match self.0.0.outgoing.as_deref() {
            Some(output) => &output.queue,
            None => unreachable!("nothing enters the queue of a spark without outgoing transforms"),
        }
    }

    fn start(&self, item: Outgoing) -> Flow {
        self.0.transform_one(item)
    }
}

impl Spark {
    pub(crate) fn new(
        id: SparkId,
        transport: &'static str,
        handshake: Handshake,
        guest: Guest,
        server: Arc<ServerInner>,
        outlet: Arc<dyn Outlet>,
    ) -> Self {
        let outgoing = (!server.outgoing.is_empty()).then(|| {
            Box::new(Output {
                queue: SerialQueue::default(),
                runtime: Handle::current(),
            })
        });
        Self(Arc::new(Inner {
            id,
            transport,
            handshake,
            identity: guest.identity,
            client: guest.client,
            attachment: OnceLock::new(),
            server,
            outlet,
            outgoing,
            inbound: SerialQueue::default(),
            state: AtomicU8::new(OPEN),
            dirty: AtomicBool::new(false),
            silent: AtomicU8::new(0),
            legacy: AtomicBool::new(false),
            slot: Slot::default(),
            seat: OnceLock::new(),
            address_place: Mutex::new(guest.address_place),
            reason: OnceLock::new(),
            gone: Notify::new(),
        }))
    }

    /// Its id: unguessable, unless the server was given a generator of another kind.
    #[must_use]
    pub fn id(&self) -> &SparkId {
        &self.0.id
    }

    /// The name of the engine it came through, such as `ws`.
    #[must_use]
    pub fn transport(&self) -> &'static str {
        self.0.transport
    }

    /// The request that opened it: address, headers, query, extensions.
    #[must_use]
    pub fn handshake(&self) -> &Handshake {
        &self.0.handshake
    }

    /// What the authorizer attached, if it is a `T`.
    #[must_use]
    pub fn identity<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.0.identity.as_ref()?.downcast_ref()
    }

    /// What the authorizer attached, of whatever type.
    #[must_use]
    pub fn any_identity(&self) -> Option<&Identity> {
        self.0.identity.as_ref()
    }

    /// The client whose connection it is: all of one identity, or else of one address. `None` where
    /// no bound of the server counts clients, or its address is not known.
    #[must_use]
    pub fn client(&self) -> Option<&Arc<Client>> {
        self.0.client.as_ref()
    }

    /// The server it belongs to.
    #[must_use]
    pub fn server(&self) -> Server {
        Server(self.0.server.clone())
    }

    /// The codec of its server.
    #[must_use]
    pub fn parser(&self) -> &Parser {
        &self.0.server.parser
    }

    /// Attaches a state, once. It is kept as long as a handle of the spark is.
    ///
    /// There is one place for it. A server's [handler](crate::Handler::state) may keep it for
    /// itself, as that of Stellar does; there an application's data goes into the extensions of its
    /// connection.
    ///
    /// # Errors
    /// Returns the value if one is attached already, or if the place is the handler's and of another
    /// type.
    pub fn attach<T: Any + Send + Sync>(&self, value: T) -> Result<(), T> {
        let own = self.0.server.handler.state();
        if own.is_some_and(|own| own != TypeId::of::<T>()) {
            return Err(value);
        }
        let mut value = Some(value);
        self.0.attachment.get_or_init(|| match value.take() {
            Some(value) => Box::new(value),
            None => unreachable!("the value is taken once"),
        });
        value.map_or(Ok(()), Err)
    }

    /// What was attached, if it is a `T`.
    #[must_use]
    pub fn attachment<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.0.attachment.get()?.downcast_ref()
    }

    /// Decodes a message with the server's codec.
    ///
    /// # Errors
    /// When it is not of the codec or not of `T`'s shape.
    pub fn decode<'de, T: Deserialize<'de>>(&self, message: Message<'de>) -> Result<T, CodecError> {
        self.parser().decode(message)
    }

    /// Encodes a value and sends it. Never blocks: what cannot leave at once waits in the outbox.
    ///
    /// # Errors
    /// [`SendError::Closed`] when the spark is closed or closing, [`SendError::SlowConsumer`]
    /// when the outbox is full, [`SendError::Codec`] when the value cannot be encoded. Success
    /// means queued, not arrived.
    pub fn send<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), SendError> {
        let frame = self.parser().encode(value)?;
        self.send_frame(frame, Delivery::Reliable)
    }

    /// Sends a frame that is encoded already, so that many sparks can share it.
    ///
    /// # Errors
    /// As [`Spark::send`]; a full outbox gives [`SendError::Dropped`] for a volatile frame.
    pub fn send_frame(&self, frame: Frame, delivery: Delivery) -> Result<(), SendError> {
        if self.0.state.load(Ordering::Acquire) != OPEN {
            return Err(SendError::Closed);
        }
        match self.0.outgoing.as_deref() {
            None => self.push(frame, delivery),
            Some(output) => {
                let limits = self.0.server.config.outbox;
                let limits = QueueLimits {
                    items: limits.frames,
                    bytes: limits.bytes,
                };
                let bytes = frame.len();
                match output
                    .queue
                    .enter(Outgoing::Frame(frame, delivery), bytes, limits)
                {
                    Entered::Yours(item) => self.transform(output, item),
                    Entered::Queued => {}
                    Entered::Full(_) => return Err(self.overflow(delivery)),
                }
                Ok(())
            }
        }
    }

    fn push(&self, frame: Frame, delivery: Delivery) -> Result<(), SendError> {
        let bytes = frame.len();
        match self.0.outlet.push(frame) {
            Ok(()) => {
                self.0.server.count.sent(bytes);
                self.flush();
                Ok(())
            }
            Err(PushError::Closed) => Err(SendError::Closed),
            Err(PushError::Full) => Err(self.overflow(delivery)),
        }
    }

    fn overflow(&self, delivery: Delivery) -> SendError {
        match delivery {
            Delivery::Volatile => {
                self.0.server.count.dropped();
                SendError::Dropped
            }
            Delivery::Reliable => {
                self.close(CloseReason::SlowConsumer);
                SendError::SlowConsumer
            }
        }
    }

    /// Runs an item of the outgoing transforms' queue, and what follows it.
    fn transform(&self, output: &Output, item: Outgoing) {
        // The sender's thread need not be one of the runtime's.
        let _entered = output.runtime.enter();
        serial_queue::run(&Transforming(self.clone()), item);
    }

    fn transform_one(&self, item: Outgoing) -> Flow {
        let (frame, delivery) = match item {
            Outgoing::Frame(frame, delivery) => (frame, delivery),
            Outgoing::Close(reason) => {
                self.finish_output(&reason);
                return Flow::DONE;
            }
        };
        let packet = Packet::new(frame, self.parser().clone());
        let run = AssertUnwindSafe(|| transform::run(&self.0.server.outgoing, self, packet));
        let Ok(flow) = catch_unwind(run) else {
            self.close(CloseReason::Panic);
            return Flow::DONE;
        };
        match flow {
            Flow::Ready(packet) => {
                if let Some(packet) = packet {
                    // The sender has long been answered; a full outbox closes the spark.
                    self.push(packet.into_frame(), delivery).ok();
                }
                Flow::DONE
            }
            Flow::Wait(future) => {
                let spark = self.clone();
                Flow::Wait(Box::pin(async move {
                    match catch_panic(future).await {
                        Ok(Some(packet)) => {
                            spark.push(packet.into_frame(), delivery).ok();
                        }
                        Ok(None) => {}
                        Err(_) => spark.close(CloseReason::Panic),
                    }
                }))
            }
        }
    }

    /// Notes that something was queued: it goes out at the end of the turn, or now.
    fn flush(&self) {
        if !turn::under_way() {
            self.0.outlet.flush();
        } else if !self.0.dirty.swap(true, Ordering::AcqRel) && !turn::note(self) {
            self.flush_now();
        }
    }

    /// Looks at what sending is going to need, so that it is there by then.
    pub(crate) fn prefetch(&self) {
        if self.is_open() {
            self.0.outlet.prefetch();
        }
    }

    pub(crate) fn flush_now(&self) {
        self.0.dirty.store(false, Ordering::Release);
        self.0.outlet.flush();
    }

    /// Ends the connection on purpose: the client is told `primus::server::close` and does not
    /// come again. What was sent before still goes out.
    pub fn end(&self) {
        self.close(CloseReason::Ended { reconnect: false });
    }

    /// Ends the connection and leaves the client to come again.
    pub fn end_with_reconnect(&self) {
        self.close(CloseReason::Ended { reconnect: true });
    }

    /// Ends the connection for a reason. The first reason counts; later calls do nothing.
    pub fn close(&self, reason: CloseReason) {
        if self
            .0
            .state
            .compare_exchange(OPEN, CLOSING, Ordering::AcqRel, Ordering::Acquire)
            .is_err()
        {
            return;
        }
        self.0.reason.set(reason.clone()).ok();
        self.0.gone.notify_waiters();
        match self.0.outgoing.as_deref() {
            None => self.finish_output(&reason),
            Some(output) => {
                if let Some(item) = output.queue.enter_last(Outgoing::Close(reason)) {
                    self.transform(output, item);
                }
            }
        }
    }

    /// Tells the peer, then lets the engine close.
    fn finish_output(&self, reason: &CloseReason) {
        if !reason.reconnect()
            && let Some(frame) = control::server_close(self.parser())
        {
            // With a full outbox nothing can be told any more.
            self.0.outlet.push(frame).ok();
        }
        if matches!(reason, CloseReason::SlowConsumer) {
            self.0
                .server
                .count
                .slow_consumers
                .fetch_add(1, Ordering::Relaxed);
        }
        self.0.outlet.close(reason);
        self.0.outlet.flush();
    }

    /// Ends the connection at once: what waits is lost.
    pub fn abort(&self) {
        // Only an open spark is closing from now on: one that is gone stays gone.
        let open =
            self.0
                .state
                .compare_exchange(OPEN, CLOSING, Ordering::AcqRel, Ordering::Acquire);
        if open.is_ok() {
            self.0
                .reason
                .set(CloseReason::Ended { reconnect: true })
                .ok();
        }
        self.0.outlet.abort();
    }

    /// Whether messages can be sent.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.state.load(Ordering::Acquire) == OPEN
    }

    /// Why it ended; `None` while it is open.
    #[must_use]
    pub fn close_reason(&self) -> Option<&CloseReason> {
        self.0.reason.get()
    }

    /// Waits until the connection is gone. Cancel safe.
    pub async fn closed(&self) {
        loop {
            let notified = self.0.gone.notified();
            if self.0.state.load(Ordering::Acquire) == CLOSED {
                return;
            }
            notified.await;
        }
    }

    /// Waits until the spark is ended for what it holds of the memory budget, or is gone. For an engine
    /// that waits for more of what it holds. Cancel safe.
    pub async fn over_budget(&self) {
        loop {
            let notified = self.0.gone.notified();
            if self.0.state.load(Ordering::Acquire) == CLOSED
                || self.close_reason() == Some(&CloseReason::OverBudget)
            {
                return;
            }
            notified.await;
        }
    }

    /// What waits in the outbox.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        self.0.outlet.waiting()
    }

    /// Sends a control message; a peer that cannot take it is found out otherwise.
    pub(crate) fn send_control(&self, frame: Frame) {
        if self.is_open() && self.0.outlet.push(frame).is_ok() {
            self.flush();
        }
    }

    pub(crate) fn ping(&self) {
        self.0.outlet.ping();
    }

    /// The connection is gone: settles state and reason. Whether this was the first call.
    pub(crate) fn settle(&self, reason: CloseReason) -> bool {
        if self.0.state.swap(CLOSED, Ordering::AcqRel) == CLOSED {
            return false;
        }
        self.0.reason.set(reason).ok();
        self.0.gone.notify_waiters();
        true
    }
}

impl PartialEq for Spark {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Spark {}

impl fmt::Debug for Spark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spark")
            .field("id", &self.0.id)
            .field("transport", &self.0.transport)
            .field("remote", &self.0.handshake.remote())
            .field("open", &self.is_open())
            .finish_non_exhaustive()
    }
}
