//! The trait that a backend implements.

use std::sync::Arc;

use stellarfw_flow::Flow;

use crate::{BrokerError, Joined, Member, Publication, RoomOptions};

/// The backend that rooms live in and publications travel through.
///
/// Every broker guarantees:
/// - **Order.** Publications of one publisher (a connection, or the server's own of one task) to
///   one room are delivered in the order in which `publish` was called. Different processes may
///   deliver publications of different publishers in different orders.
/// - **At most once.** A publication reaches each process no more than once. Over a network it
///   may be lost; then `publish` fails or the broker logs it. It is never sent twice.
/// - **Rooms and members.** `create`, `destroy`, `join` and `leave` have taken effect when their
///   result is there. Of several joins of one member exactly one returns [`Joined::Joined`], and
///   a room never has more members than [`RoomOptions::max_members`].
/// - **Delivery before removal.** The members of a destroyed room receive its
///   [`Destroyed`](crate::PublicationKind::Destroyed) before they stop being members.
///
/// All methods may be called from any thread and none may block: one that takes time returns
/// [`Flow::Wait`]. Dropping a flow half-way leaves its operation done or not done, never half done.
pub trait Broker: Send + Sync + 'static {
    /// Returns its name for logs, such as `memory`.
    fn name(&self) -> &'static str;

    /// Starts the broker.
    ///
    /// `subscriber` receives the publications for this process from now on, those of one publisher
    /// to one room one after the other. Starting a second time is an error.
    fn start(&self, subscriber: Arc<dyn Subscriber>) -> Flow<Result<(), BrokerError>>;

    /// Creates a room. Returns `false` if it existed: it keeps its options then.
    fn create(&self, room: &str, options: RoomOptions) -> Flow<Result<bool, BrokerError>>;

    /// Destroys a room. Returns `false` if there was none.
    ///
    /// Publishes [`Destroyed`](crate::PublicationKind::Destroyed) to it, then removes it and its
    /// members.
    fn destroy(&self, room: &str) -> Flow<Result<bool, BrokerError>>;

    /// Returns `true` if a room exists.
    fn exists(&self, room: &str) -> Flow<Result<bool, BrokerError>>;

    /// Returns the names of all rooms, in no particular order.
    fn rooms(&self) -> Flow<Result<Vec<String>, BrokerError>>;

    /// Makes a connection of this process a member.
    fn join(&self, room: &str, member: Member) -> Flow<Result<Joined, BrokerError>>;

    /// Removes a member of this process. Returns `false` if it was none.
    fn leave(&self, room: &str, id: &str) -> Flow<Result<bool, BrokerError>>;

    /// Returns the members of a room, of all processes; `None` if there is no such room.
    fn members(&self, room: &str) -> Flow<Result<Option<Vec<Member>>, BrokerError>>;

    /// Sends a publication to every process that has receivers for it, this one included.
    ///
    /// The result says that the broker has taken it, not that it has arrived.
    fn publish(&self, publication: Publication) -> Flow<Result<(), BrokerError>>;
}

/// Receives publications for the connections of this process.
pub trait Subscriber: Send + Sync + 'static {
    /// Delivers one publication. Must not block; it may call the broker.
    fn deliver(&self, publication: Publication);
}
