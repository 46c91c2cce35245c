//! Brokers: where rooms live and publications travel.
//!
//! Everything above a broker is the same whether the rooms live in this process or are shared by
//! many. A publication always goes to the broker and comes back from it through [`Delivery`],
//! also when publisher and receivers are of the same process.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod memory;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stellarfw_transport::Flow;

pub use self::memory::MemoryBroker;

/// Where rooms live and publications travel.
///
/// What every broker guarantees:
/// - **Order.** Publications of one publisher (a connection, or the server's own of one task) to
///   one room are delivered in the order in which `publish` was called. Publications of different
///   publishers may be delivered in different orders by different processes.
/// - **At most once.** A publication reaches each process no more than once. Over a network it
///   may be lost, and then `publish` fails or the broker tells its log; it is never sent twice.
/// - **Rooms and members.** `create`, `destroy`, `join` and `leave` take effect for whoever asks
///   after their result has come. Of several joins of one member exactly one says
///   [`Joined::Joined`], and of several members at once no more than the room has places for.
/// - **Delivery before removal.** The members of a destroyed room get its
///   [`Kind::Destroyed`] before they are no members any more.
///
/// All methods may be called from any thread and none may block; what takes time waits in the
/// flow. A flow that is dropped half-way leaves its operation done or not done, never half done.
pub trait Broker: Send + Sync + 'static {
    /// Its name, for logs: `memory`.
    fn name(&self) -> &'static str;

    /// Starts it. `delivery` takes the publications for this process from now on, those of one
    /// publisher to one room one after the other.
    fn start(&self, delivery: Arc<dyn Delivery>) -> Flow<Result<(), BrokerError>>;

    /// Creates a room. False when it existed: then it stays as it is, its options too.
    fn create(&self, room: &str, options: RoomOptions) -> Flow<Result<bool, BrokerError>>;

    /// Destroys a room: publishes [`Kind::Destroyed`] to it and removes it and its members.
    /// False when it did not exist.
    fn destroy(&self, room: &str) -> Flow<Result<bool, BrokerError>>;

    /// Whether a room exists.
    fn exists(&self, room: &str) -> Flow<Result<bool, BrokerError>>;

    /// The rooms there are, in no order.
    fn rooms(&self) -> Flow<Result<Vec<String>, BrokerError>>;

    /// Makes a connection of this process a member.
    fn join(&self, room: &str, member: Member) -> Flow<Result<Joined, BrokerError>>;

    /// Takes a member of this process out. False when it was none.
    fn leave(&self, room: &str, id: &str) -> Flow<Result<bool, BrokerError>>;

    /// The members of a room, of all processes, by id; none when it does not exist.
    fn members(&self, room: &str) -> Flow<Result<Option<Vec<Member>>, BrokerError>>;

    /// Sends a publication to every process that has receivers for it, this one included. The
    /// result says that the broker has taken it, not that it has arrived.
    fn publish(&self, publication: Publication) -> Flow<Result<(), BrokerError>>;
}

/// Takes publications for the receivers of this process.
pub trait Delivery: Send + Sync + 'static {
    /// Delivers one. Does not block.
    fn deliver(&self, publication: Publication);
}

/// A member of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The id of its connection.
    pub id: Arc<str>,
    /// When it joined, in milliseconds since 1970.
    pub joined_at: u64,
}

/// How a room is to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct RoomOptions {
    /// How many members it may have, of all processes together; none for no limit but the
    /// connections there may be. Default: none.
    pub max_members: Option<usize>,
}

impl RoomOptions {
    /// A room of at most so many members.
    #[must_use]
    pub fn max_members(max: usize) -> Self {
        Self {
            max_members: Some(max),
        }
    }
}

/// What came of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// It is a member now.
    Joined,
    /// It was one already.
    Already,
    /// There is no such room.
    NoRoom,
    /// It has as many members as it may.
    Full,
}

/// Something to be delivered: what, to whom, and from whom.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Publication {
    /// To whom.
    pub target: Target,
    /// The connection that does not get it, though it is one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<Arc<str>>,
    /// The connection that sent it; none for the server.
    pub from: Option<Arc<str>>,
    /// When it was sent, in milliseconds since 1970.
    pub sent_at: u64,
    /// What it is.
    pub kind: Kind,
}

/// Who receives a publication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// The members of a room.
    Room(Arc<str>),
    /// The members of several rooms. Each gets it once, as said in the first of the rooms that it
    /// is a member of. A process with receivers in several of them gets it once.
    Rooms(Arc<[Arc<str>]>),
    /// One connection, in whichever process it is.
    Connection(Arc<str>),
    /// Every connection.
    All,
}

/// What is delivered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Kind {
    /// A chat message, or an event as `{event, data}`: any JSON value.
    Say(Content),
    /// A push of its own: a whole JSON object, with its context in it.
    Push(Content),
    /// The room was destroyed.
    Destroyed,
}

/// A JSON value in its text form: cheap to share, and sent on without being parsed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Content(Arc<RawValue>);

impl Content {
    /// The content of a value.
    ///
    /// # Errors
    /// When the value has no JSON form, such as a map whose keys are no strings.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(value).map(|raw| Self(raw.into()))
    }

    /// The content of a JSON text that is parsed already.
    #[must_use]
    pub fn of_raw(raw: &RawValue) -> Self {
        Self(raw.to_owned().into())
    }

    /// The JSON text.
    #[must_use]
    pub fn as_raw(&self) -> &RawValue {
        &self.0
    }

    /// The length of the JSON text in bytes.
    pub(crate) fn len(&self) -> usize {
        self.0.get().len()
    }

    /// The value.
    ///
    /// # Errors
    /// When no tree of values can hold it: it is nested deeper than 127 levels, or has a lone
    /// surrogate or a number beyond what a double can be.
    pub fn to_value(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::from_str(self.0.get())
    }
}

/// A broker could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error("the broker failed: {0}")]
pub struct BrokerError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl BrokerError {
    /// An error with its cause.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}
