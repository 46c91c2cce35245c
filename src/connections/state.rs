//! What is kept for a connection, attached to its spark.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, AtomicU64},
    },
    time::Duration,
};

use stellarfw_broker::now_ms;
use stellarfw_transport::{
    Server, Spark, WeakServer,
    serial_queue::{QueueLimits, SerialQueue},
};

use super::{
    ByteMeter, Connection, ConnectionHooks, Extensions, Memberships, Sessions, queue::Queued,
};

/// The bounds of each connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionLimits {
    /// Actions under way, and files under way.
    pub(crate) actions: u32,
    /// The same of all connections of a client and of HTTP; 0 is no bound.
    pub(crate) actions_per_client: u32,
    /// Events whose listeners are under way.
    pub(crate) events: u32,
    /// Verbs that are queued.
    pub(crate) queue: QueueLimits,
    /// How long a verb is awaited after its connection is gone.
    pub(crate) close_timeout: Duration,
}

/// What the connections of a server share.
pub(crate) struct Connections {
    pub(crate) limits: ConnectionLimits,
    pub(crate) hooks: ConnectionHooks,
    /// `None` where the settings switch sessions off.
    pub(crate) sessions: Option<Sessions>,
    /// The transport layer, whose handler owns this.
    server: OnceLock<WeakServer>,
}

impl Connections {
    pub(crate) fn new(
        limits: ConnectionLimits,
        hooks: ConnectionHooks,
        sessions: Option<Sessions>,
    ) -> Self {
        Self {
            limits,
            hooks,
            sessions,
            server: OnceLock::new(),
        }
    }

    /// Sets the server whose connections these are.
    pub(crate) fn bind(&self, server: &Server) {
        self.server.set(server.downgrade()).ok();
    }

    fn server(&self) -> Option<Server> {
        self.server.get()?.upgrade()
    }

    /// Returns the connection of this id, if it has had its welcome.
    pub(crate) fn find(&self, id: &str) -> Option<Connection> {
        Connection::of(&self.server()?.spark(id)?).filter(Connection::is_ready)
    }

    /// Calls a function for each connection that has had its welcome.
    pub(crate) fn for_each(&self, mut f: impl FnMut(&Connection)) {
        let Some(server) = self.server() else {
            return;
        };
        server.for_each(|spark| {
            if let Some(connection) = Connection::of(spark).filter(Connection::is_ready) {
                f(&connection);
            }
        });
    }
}

/// What is kept for a connection.
pub(crate) struct State {
    pub(super) shared: Arc<Connections>,
    pub(super) connected_at: u64,
    pub(super) fingerprint: Option<Box<str>>,
    /// Messages received.
    pub(crate) messages: AtomicU64,
    pub(super) total_actions: AtomicU64,
    pub(super) pending_actions: AtomicU32,
    pub(super) pending_files: AtomicU32,
    pub(super) pending_events: AtomicU32,
    pub(crate) memberships: Memberships,
    /// Counts what it publishes to rooms.
    pub(crate) published: ByteMeter,
    pub(super) queue: SerialQueue<Queued>,
    /// It has had its welcome, and may be pushed to.
    pub(super) ready: AtomicBool,
    /// It is being closed, and its actions get 006.
    pub(super) leaving: AtomicBool,
    /// An undecodable message of it has been logged.
    pub(crate) complained: AtomicBool,
    /// Its client is pushed the changes of its memberships by the server.
    pub(super) wants_memberships: AtomicBool,
    /// Its client is pushed when to reconnect, before it is closed.
    pub(super) wants_goodbye: AtomicBool,
    pub(super) extensions: Extensions,
}

impl State {
    pub(crate) fn new(shared: Arc<Connections>, spark: &Spark) -> Self {
        let handshake = spark.handshake();
        let session = shared.sessions.as_ref();
        let session = session.and_then(|sessions| sessions.of_handshake(handshake));
        Self {
            shared,
            connected_at: now_ms(),
            fingerprint: session.map(|session| session.fingerprint().into()),
            messages: AtomicU64::new(0),
            total_actions: AtomicU64::new(0),
            pending_actions: AtomicU32::new(0),
            pending_files: AtomicU32::new(0),
            pending_events: AtomicU32::new(0),
            memberships: Memberships::default(),
            published: ByteMeter::default(),
            queue: SerialQueue::default(),
            ready: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            complained: AtomicBool::new(false),
            wants_memberships: AtomicBool::new(false),
            wants_goodbye: AtomicBool::new(false),
            extensions: Extensions::of_identity(spark.any_identity()),
        }
    }
}
