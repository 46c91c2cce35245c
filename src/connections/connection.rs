//! Connections: Stellar's view of a spark.

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
};

use serde::{Serialize, Serializer, ser::SerializeStruct as _};
use serde_json::Value;
use stellarfw_transport::{Delivery, SendError, Spark, SparkId};

use super::{Extensions, State, Usage};
use crate::protocol::{context_frame, push_frame};

/// A live connection: a [`Spark`] and what Stellar keeps for it. Cloning it is cheap, and keeping
/// it does not keep the connection alive.
#[derive(Clone, PartialEq, Eq)]
pub struct Connection {
    spark: Spark,
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
    pub fn rooms(&self) -> Vec<Arc<str>> {
        self.state().memberships.names()
    }

    /// Returns `true` if it is a member of a room.
    #[must_use]
    pub fn is_in(&self, room: &str) -> bool {
        self.state().memberships.contains(room)
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

/// A connection in the shape of `detailsView`.
pub(crate) struct Details<'a>(&'a Connection);

impl Details<'_> {
    /// Returns a bound for what the response takes while it is made, in bytes.
    pub(crate) fn size(&self) -> usize {
        // Beside each name there is its place in a list, and in the response its quotes and a comma.
        const ROOM: usize = size_of::<Arc<str>>() + 3;
        const REST: usize = 512;
        let names = self.0.state().memberships.names();
        REST + names.iter().map(|name| name.len() + ROOM).sum::<usize>()
    }
}

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
