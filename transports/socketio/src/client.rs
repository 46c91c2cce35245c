//! A client: its session, and what it sends.

use std::{
    sync::{Arc, Weak},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::request::Parts;
use parking_lot::{Mutex, MutexGuard};
use stellarfw_engineio::{Consumer, Gathered, Session};
use stellarfw_transport::{CloseReason, Frame, Message, PushError, Reservation, Server, Spark};
use tokio::runtime::Handle;

use crate::{
    codec::Event,
    connection::Connection,
    encoding::Encoding,
    engine::Engine,
    namespaces::{Left, Namespaces},
    packet::{Body, Packet, Reply},
    protocol_error,
};

/// One client: an Engine.IO session, and its connections to namespaces.
pub(crate) struct Client {
    this: Weak<Self>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) server: Server,
    pub(crate) session: Arc<Session>,
    pub(crate) runtime: Handle,
    state: Mutex<State>,
}

/// What is under the lock of a client.
pub(crate) struct State {
    pub(crate) namespaces: Namespaces<Arc<Connection>>,
    /// The request that opened the session, for the authorizer.
    pub(crate) request: Option<Box<Parts>>,
    /// The places of a client that is connected to no namespace.
    pub(crate) places: Option<Box<Reservation>>,
    /// A packet whose attachments have not all arrived.
    gathering: Option<Box<Gathering>>,
    /// Wakes the session when no connection is opening any more.
    waker: Option<Waker>,
}

/// A packet whose attachments have not all arrived.
struct Gathering {
    /// The event of the packet, or nothing for a packet that is ignored.
    event: Option<IncompleteEvent>,
    attachments: Vec<Bytes>,
    missing: usize,
    bytes: usize,
    is_new: bool,
}

/// An event without its attachments.
struct IncompleteEvent {
    connection: Arc<Connection>,
    ack: Option<i64>,
    list: Box<[u8]>,
}

impl Client {
    pub(crate) fn new(
        engine: &Arc<Engine>,
        server: &Server,
        session: &Arc<Session>,
        request: Box<Parts>,
        places: Box<Reservation>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: this.clone(),
            engine: engine.clone(),
            server: server.clone(),
            session: session.clone(),
            runtime: Handle::current(),
            state: Mutex::new(State {
                namespaces: Namespaces::default(),
                request: Some(request),
                places: Some(places),
                gathering: None,
                waker: None,
            }),
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Sends an answer to something that the client asked for.
    pub(crate) fn reply(&self, frame: Frame) {
        match self.session.reply(Some(frame)) {
            Ok(()) => self.session.flush(),
            Err(PushError::Full) => self.close(&CloseReason::SlowConsumer),
            // The session is closing already.
            Err(_) => {}
        }
    }

    /// Closes the transport, and with it all connections.
    pub(crate) fn close(&self, reason: &CloseReason) {
        let reason = self.lock().namespaces.close(reason.clone());
        self.session.close(&reason);
    }

    /// Closes the transport of a client that has no business on it. It may reconnect.
    pub(crate) fn hang_up(&self) {
        self.close(&CloseReason::Ended { reconnect: true });
    }

    /// Counts queued messages in the account of a connection that is open.
    pub(crate) fn choose_account(&self) {
        if let Some(spark) = self.spark() {
            self.session.set_account(spark.account());
        }
    }

    /// Returns all connections; they are not called under the lock.
    fn connections(&self) -> Vec<Arc<Connection>> {
        self.lock().namespaces.open().cloned().collect()
    }

    /// Handles a packet.
    fn packet(&self, packet: &Packet<'_>) -> Result<(), CloseReason> {
        let namespace = &*packet.namespace;
        let Some(number) = self.engine.number(namespace) else {
            return self.packet_for_nobody(namespace, packet);
        };
        match packet.body {
            Body::Connect(auth) => {
                if let Some(client) = self.this.upgrade() {
                    client.connect(number, auth);
                }
                Ok(())
            }
            Body::Disconnect => self.disconnected(number),
            Body::Event { ack, list } => {
                let Some(connection) = self.connection(number) else {
                    return self.stray(packet.attachments);
                };
                match packet.attachments {
                    0 => connection.receive(Event {
                        ack,
                        list,
                        attachments: &[],
                    }),
                    count => {
                        let list = list.into();
                        let event = IncompleteEvent {
                            connection,
                            ack,
                            list,
                        };
                        self.gather(Some(event), count)
                    }
                }
            }
            // The server asks for no acknowledgements.
            Body::Ack => match self.connection(number) {
                Some(_) => self.gather(None, packet.attachments),
                None => self.stray(packet.attachments),
            },
        }
    }

    /// Handles a packet for a namespace that does not exist.
    fn packet_for_nobody(&self, namespace: &str, packet: &Packet<'_>) -> Result<(), CloseReason> {
        if matches!(packet.body, Body::Connect(_)) {
            let refused = Reply::Refused("Invalid namespace");
            self.reply(self.engine.codec.packets.reply(namespace, refused));
        }
        self.gather(None, packet.attachments)
    }

    fn connection(&self, number: u32) -> Option<Arc<Connection>> {
        self.lock().namespaces.get(number).cloned()
    }

    /// Closes the transport of a client that is not connected to the namespace of its packet. The request
    /// that carries the packet is well-formed, and answered as such.
    fn stray(&self, attachments: usize) -> Result<(), CloseReason> {
        let reason = protocol_error("not connected to the namespace");
        self.end(&reason);
        self.close(&reason);
        self.gather(None, attachments)
    }

    fn disconnected(&self, number: u32) -> Result<(), CloseReason> {
        let left = self.lock().namespaces.left(number);
        let reason = CloseReason::Client { code: 1005 };
        match left {
            Left::Stray => return self.stray(0),
            Left::OneOf(connection) => {
                connection.report(reason);
                self.choose_account();
            }
            Left::Last(connection) => {
                connection.report(reason);
                self.left_all();
            }
        }
        Ok(())
    }

    /// Begins to gather the attachments of a packet.
    fn gather(&self, event: Option<IncompleteEvent>, missing: usize) -> Result<(), CloseReason> {
        if missing == 0 {
            return Ok(());
        }
        let bytes = event.as_ref().map_or(0, |event| event.list.len());
        self.lock().gathering = Some(Box::new(Gathering {
            event,
            attachments: Vec::new(),
            missing,
            bytes,
            is_new: true,
        }));
        Ok(())
    }

    /// Handles an attachment.
    fn attachment(&self, bytes: &[u8]) -> Result<(), CloseReason> {
        let mut state = self.lock();
        let Some(gathering) = &mut state.gathering else {
            return Err(protocol_error("attachment without a packet"));
        };
        gathering.missing -= 1;
        gathering.bytes = gathering.bytes.saturating_add(bytes.len());
        if gathering.bytes > self.engine.codec.max_packet() {
            return Err(CloseReason::TooLarge);
        }
        if gathering.event.is_some() {
            gathering.attachments.push(Bytes::copy_from_slice(bytes));
        }
        if gathering.missing > 0 {
            return Ok(());
        }
        let complete = state.gathering.take();
        drop(state);
        let Some(Gathering {
            event: Some(event),
            attachments,
            ..
        }) = complete.map(|gathering| *gathering)
        else {
            return Ok(());
        };
        event.connection.receive(Event {
            ack: event.ack,
            list: &event.list,
            attachments: &attachments,
        })
    }
}

impl Consumer for Client {
    fn message(&self, _: &Arc<Session>, message: Message<'_>) -> Result<(), CloseReason> {
        let packets = self.engine.codec.packets;
        if let (Encoding::Json, Message::Binary(bytes)) = (packets, message) {
            return self.attachment(bytes);
        }
        if packets == Encoding::Json && self.lock().gathering.is_some() {
            return Err(protocol_error("a packet among attachments"));
        }
        let packet = packets.parse(message);
        self.packet(&packet.map_err(|_| protocol_error("malformed packet"))?)
    }

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.namespaces.is_opening() {
            state.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let mut connections = state.namespaces.open();
        match connections.all(|connection| connection.inbound.poll_ready(cx).is_ready()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    fn alive(&self) {
        for connection in self.lock().namespaces.open() {
            connection.inbound.alive();
        }
    }

    fn signal(&self) {
        for connection in self.connections() {
            connection.inbound.signal();
        }
    }

    fn spark(&self) -> Option<Spark> {
        let state = self.lock();
        state.namespaces.open().find_map(|it| it.spark())
    }

    fn gathered(&self) -> Gathered {
        let mut state = self.lock();
        let gathered = state.gathering.as_mut().map(|gathering| Gathered {
            bytes: gathering.bytes + gathering.attachments.len() * size_of::<Bytes>(),
            is_new: std::mem::take(&mut gathering.is_new),
        });
        gathered.unwrap_or_default()
    }

    fn end(&self, reason: &CloseReason) {
        let reason = self.lock().namespaces.close(reason.clone());
        for connection in self.connections() {
            if let Some(spark) = connection.spark() {
                spark.close(reason.clone());
            }
        }
    }

    fn closed(&self, reason: CloseReason) {
        let mut state = self.lock();
        let (connections, reason) = state.namespaces.gone(reason);
        let dropped = (
            state.gathering.take(),
            state.request.take(),
            state.places.take(),
            state.waker.take(),
        );
        drop(state);
        drop(dropped);
        for connection in connections {
            connection.report(reason.clone());
        }
    }

    fn deadline(&self, _: &Arc<Session>) {
        let is_late = self.lock().namespaces.is_late();
        if is_late {
            self.hang_up();
        }
    }
}

impl State {
    /// Takes the waker of a session that waits for a connection to open.
    pub(crate) fn take_waker(&mut self) -> Option<Waker> {
        match self.namespaces.is_opening() {
            true => None,
            false => self.waker.take(),
        }
    }
}
