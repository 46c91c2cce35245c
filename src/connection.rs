//! Connections: Stellar's view of a spark.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use serde::{Serialize, Serializer, ser::SerializeStruct as _};
use serde_json::Value;
use stellarfw_broker::now_ms;
use stellarfw_transport::{Delivery, SendError, Spark, SparkId, lane::Lane};
use tokio::sync::Mutex as AsyncMutex;

use crate::{
    app::App,
    dispatch::PendingVerb,
    extensions::Extensions,
    rooms::{ByteMeter, LocalRoom, RoomName, context_frame, push_frame},
    usage::{self, Usage},
};

/// A live connection: a [`Spark`] and what Stellar keeps for it. Cloning it is cheap, and keeping
/// it does not keep the connection alive.
#[derive(Clone, PartialEq, Eq)]
pub struct Connection {
    spark: Spark,
}

/// What is kept for a connection, attached to its spark.
pub(crate) struct State {
    pub(crate) app: Arc<App>,
    connected_at: u64,
    fingerprint: Option<Box<str>>,
    /// Messages received so far.
    pub(crate) messages: AtomicU64,
    total_actions: AtomicU64,
    pending_actions: AtomicU32,
    pending_files: AtomicU32,
    pending_events: AtomicU32,
    pub(crate) rooms: Mutex<Vec<Arc<LocalRoom>>>,
    /// What it has published to rooms.
    pub(crate) published: ByteMeter,
    /// Held by whoever changes its memberships; made for those that ever do.
    pub(crate) membership: OnceLock<Arc<AsyncMutex<()>>>,
    pub(crate) verbs: Lane<PendingVerb>,
    /// It has had its welcome, and may be pushed to.
    ready: AtomicBool,
    /// It is being sent away, and its actions get 006.
    leaving: AtomicBool,
    /// The log has been told of an undecodable message.
    pub(crate) complained: AtomicBool,
    /// Its client is told when the server changes its memberships.
    reports_memberships: AtomicBool,
    /// Its client is told when to reconnect, before it is sent away.
    hears_goodbye: AtomicBool,
    extensions: Extensions,
}

impl State {
    pub(crate) fn new(app: Arc<App>, spark: &Spark) -> Self {
        let handshake = spark.handshake();
        let session = app.sessions.as_ref();
        let session = session.and_then(|sessions| sessions.of_handshake(handshake));
        let fingerprint = session.map(|session| session.fingerprint().into());
        Self {
            app,
            connected_at: now_ms(),
            fingerprint,
            messages: AtomicU64::new(0),
            total_actions: AtomicU64::new(0),
            pending_actions: AtomicU32::new(0),
            pending_files: AtomicU32::new(0),
            pending_events: AtomicU32::new(0),
            rooms: Mutex::default(),
            published: ByteMeter::default(),
            membership: OnceLock::new(),
            verbs: Lane::default(),
            ready: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            complained: AtomicBool::new(false),
            reports_memberships: AtomicBool::new(false),
            hears_goodbye: AtomicBool::new(false),
            extensions: Extensions::of_identity(spark.any_identity()),
        }
    }
}

impl Connection {
    /// The connection of a spark; none if the spark is not one of a [`Stellar`](crate::Stellar).
    #[must_use]
    pub fn of(spark: &Spark) -> Option<Self> {
        spark.attachment::<State>()?;
        Some(Self {
            spark: spark.clone(),
        })
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.state().ready.load(Ordering::Acquire)
    }

    pub(crate) fn set_ready(&self) {
        self.state().ready.store(true, Ordering::Release);
    }

    /// From now on the client is sent [`membership_changed`](Self::membership_changed) and
    /// [`say_goodbye`](Self::say_goodbye), if it asked for that.
    pub(crate) fn push_from_now_on(&self, memberships: bool, goodbye: bool) {
        let state = self.state();
        if memberships {
            state.reports_memberships.store(true, Ordering::Release);
        }
        if goodbye {
            state.hears_goodbye.store(true, Ordering::Release);
        }
    }

    /// Tells the client, if it asked for that, to reconnect after a random part of so many
    /// milliseconds. 0 leaves the delay to the client.
    pub(crate) fn say_goodbye(&self, reconnect_within: u64) {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Goodbye {
            context: &'static str,
            reconnect_within: u64,
        }
        if reconnect_within == 0 || !self.state().hears_goodbye.load(Ordering::Acquire) {
            return;
        }
        let push = Goodbye {
            context: "goodbye",
            reconnect_within,
        };
        // One that cannot take it is gone or ended for that.
        self.spark.send(&push).ok();
    }

    /// Pushes to the client, if it asked for that, that the server took it into a room or out of it.
    pub(crate) fn membership_changed(&self, room: &str, joined: bool) {
        #[derive(Serialize)]
        struct Membership<'a> {
            context: &'static str,
            room: &'a str,
            joined: bool,
        }
        if !self.state().reports_memberships.load(Ordering::Acquire) {
            return;
        }
        let push = Membership {
            context: "membership",
            room,
            joined,
        };
        // A connection that does not take it is closed or closing, and its memberships end anyway.
        self.spark.send(&push).ok();
    }

    /// Takes no more actions from it.
    pub(crate) fn leave(&self) {
        self.state().leaving.store(true, Ordering::Release);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.state().leaving.load(Ordering::Acquire)
    }

    pub(crate) fn state(&self) -> &State {
        match self.spark.attachment() {
            Some(state) => state,
            None => unreachable!("a connection is made of sparks with a state only"),
        }
    }

    /// The spark underneath: address, headers, query, identity, ending.
    #[must_use]
    pub fn spark(&self) -> &Spark {
        &self.spark
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &SparkId {
        self.spark.id()
    }

    /// The client's address, if it is known.
    #[must_use]
    pub fn remote(&self) -> Option<SocketAddr> {
        self.spark.handshake().remote()
    }

    /// The fingerprint of its session, which identifies and does not authenticate: that of the token
    /// in `?sessionID=` of its URL, or else in the cookie.
    #[must_use]
    pub fn fingerprint(&self) -> Option<&str> {
        self.state().fingerprint.as_deref()
    }

    /// When it opened, in milliseconds since 1970.
    #[must_use]
    pub fn connected_at(&self) -> u64 {
        self.state().connected_at
    }

    /// The application's own data of this connection, one value of each type.
    ///
    /// What the [authorizer](crate::Builder::authorize) returned is in it from the start. Everything
    /// is dropped when the connection has ended: after the leave hooks of its rooms and after
    /// [`ConnectionMiddleware::destroy`](crate::ConnectionMiddleware::destroy), even where a handle
    /// of the connection is kept.
    ///
    /// ```
    /// use stellarfw::{ConnectionMiddleware, Stellar};
    ///
    /// struct Player { team: &'static str }
    ///
    /// let builder = Stellar::builder()
    ///     .connections(ConnectionMiddleware::new().create(async |connection| {
    ///         connection.extensions().insert(Player { team: "red" });
    ///         Ok(())
    ///     }))
    ///     .on_leave(async |connection, room| {
    ///         if let Some(player) = connection.extensions().get::<Player>() {
    ///             println!("one of team {} has left {room}", player.team);
    ///         }
    ///     });
    /// ```
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.state().extensions
    }

    /// The rooms it is in, in the order it joined them.
    #[must_use]
    pub fn rooms(&self) -> Vec<RoomName> {
        let rooms = self.state().rooms.lock();
        rooms.iter().map(|room| room.name().clone()).collect()
    }

    /// Whether it is in a room.
    #[must_use]
    pub fn is_in(&self, room: &str) -> bool {
        self.state()
            .rooms
            .lock()
            .iter()
            .any(|known| &**known.name() == room)
    }

    /// How many of its actions are under way.
    #[must_use]
    pub fn pending_actions(&self) -> u32 {
        self.state().pending_actions.load(Ordering::Acquire)
    }

    /// How many actions it has called.
    #[must_use]
    pub fn total_actions(&self) -> u64 {
        self.state().total_actions.load(Ordering::Relaxed)
    }

    /// Takes a place for an action, if one is free of the connection's and of its client's.
    pub(crate) fn begin_action(&self) -> Option<Taken<'_>> {
        let state = self.state();
        let place = self.take_places(Counters {
            own: |state| &state.pending_actions,
            client: Some(|usage| &usage.actions),
        })?;
        state.total_actions.fetch_add(1, Ordering::Relaxed);
        Some(place)
    }

    /// Takes a place for a file, if one is free of the connection's and of its client's.
    pub(crate) fn begin_file(&self) -> Option<Place> {
        let place = self.take_places(Counters {
            own: |state| &state.pending_files,
            client: Some(|usage| &usage.files),
        })?;
        Some(place.keep())
    }

    /// Takes a place for an event whose listeners may take their time, if one is free.
    pub(crate) fn begin_event(&self) -> Option<Place> {
        let most = self.state().app.config.max_pending_verbs;
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let own: fn(&State) -> &AtomicU32 = |state| &state.pending_events;
        if !usage::take(own(self.state()), most) {
            return None;
        }
        let counters = Counters { own, client: None };
        let connection = self.clone();
        Some(Place {
            connection,
            counters,
        })
    }

    /// Takes one of the `simultaneousActions` places.
    fn take_places(&self, mut counters: Counters) -> Option<Taken<'_>> {
        let state = self.state();
        let config = &state.app.config;
        if !usage::take((counters.own)(state), config.simultaneous_actions) {
            return None;
        }
        let most = config.simultaneous_actions_per_client;
        let usage = self.usage().filter(|_| most > 0);
        match (usage, counters.client) {
            (Some(usage), Some(of_client)) => {
                if !usage::take(of_client(usage), most) {
                    (counters.own)(state).fetch_sub(1, Ordering::AcqRel);
                    return None;
                }
            }
            _ => counters.client = None,
        }
        Some(Taken {
            connection: self,
            counters,
        })
    }

    /// What is counted for its client, where that is bounded.
    pub(crate) fn usage(&self) -> Option<&Usage> {
        Usage::of(self.spark.client()?)
    }

    /// Sends a push: an object, of which `context` is set to `api` unless it has one.
    ///
    /// # Errors
    /// As [`Spark::send`]; a value that is no object is sent as `{"message":<value>}`.
    pub fn push<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), SendError> {
        let frame = push_frame(self.spark.parser(), value)?;
        self.spark.send_frame(frame, Delivery::Reliable)
    }

    /// Sends an alert: an object with `context` set to `alert`.
    ///
    /// # Errors
    /// As [`Connection::push`].
    pub fn alert<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), SendError> {
        let frame = context_frame(self.spark.parser(), value, "alert")?;
        self.spark.send_frame(frame, Delivery::Reliable)
    }

    /// What `detailsView` answers with.
    pub(crate) fn details(&self) -> Details<'_> {
        Details(self)
    }
}

/// Where a place is counted: for the connection, and for its client.
#[derive(Clone, Copy)]
struct Counters {
    own: fn(&State) -> &AtomicU32,
    client: Option<fn(&Usage) -> &AtomicU32>,
}

impl Counters {
    fn give_back(self, connection: &Connection) {
        (self.own)(connection.state()).fetch_sub(1, Ordering::AcqRel);
        if let (Some(counter), Some(usage)) = (self.client, connection.usage()) {
            counter(usage).fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// A place among the actions or files under way; given free when it is dropped.
pub(crate) struct Taken<'a> {
    connection: &'a Connection,
    counters: Counters,
}

impl Taken<'_> {
    /// Keeps the place for work that goes on later.
    pub(crate) fn keep(self) -> Place {
        let place = Place {
            connection: self.connection.clone(),
            counters: self.counters,
        };
        std::mem::forget(self);
        place
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.counters.give_back(self.connection);
    }
}

/// A place that is kept for longer.
pub(crate) struct Place {
    connection: Connection,
    counters: Counters,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.counters.give_back(&self.connection);
    }
}

/// A connection in the shape of `detailsView`.
pub(crate) struct Details<'a>(&'a Connection);

impl Serialize for Details<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let connection = self.0;
        let remote = connection.remote();
        let mut out = serializer.serialize_struct("Details", 9)?;
        out.serialize_field("id", connection.id().as_str())?;
        out.serialize_field("fingerprint", &connection.fingerprint())?;
        // As text, whatever form the codec has for addresses.
        out.serialize_field("remoteIP", &remote.map(|remote| remote.ip().to_string()))?;
        out.serialize_field("remotePort", &remote.map(|remote| remote.port()))?;
        // Params never stick on message transports, so there are none between messages.
        out.serialize_field("params", &Value::Object(serde_json::Map::new()))?;
        out.serialize_field("connectedAt", &connection.connected_at())?;
        out.serialize_field("rooms", &connection.rooms())?;
        out.serialize_field("totalActions", &connection.total_actions())?;
        out.serialize_field("pendingActions", &connection.pending_actions())?;
        out.end()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", self.id())
            .field("remote", &self.remote())
            .finish_non_exhaustive()
    }
}
