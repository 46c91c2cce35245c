//! Chat rooms: membership, messages, events, views, hooks, delivery.

mod audience;
mod deliver;
mod hooks;
mod membership;
mod messages;
mod middleware;
mod page;
mod rate;
mod view;

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::Serialize;
pub use stellarfw_broker::RoomOptions;
use stellarfw_broker::{
    Broker, BrokerError, Content, Member, Publication, PublicationKind, Target,
};
use stellarfw_transport::{Flow, Parser};

use self::deliver::Deliverer;
pub use self::{
    audience::Audience,
    hooks::{Event, Say},
    middleware::ChatMiddleware,
    page::RoomPage,
    rate::PublishRate,
};
pub(crate) use self::{
    hooks::RoomHooks,
    view::{LeasedPage, PageRequest},
};
pub use crate::connections::ByteRate;
use crate::{
    connections::{Connection, Connections, Groups},
    protocol::StellarError,
};

/// The name of a room.
pub type RoomName = Arc<str>;

/// The rooms of a server: what the server itself can do with them.
///
/// Got from [`Stellar::rooms`](crate::Stellar::rooms). Rooms exist before they are joined, and
/// until they are destroyed. All methods are cancel safe as far as the broker's operations are:
/// each is done or not done.
#[derive(Clone)]
pub struct Rooms(Arc<Inner>);

/// What the rooms of a server own.
struct Inner {
    broker: Arc<dyn Broker>,
    hooks: RoomHooks,
    settings: RoomSettings,
    /// The members that are connections of this process.
    local: Groups,
    connections: Arc<Connections>,
    parser: Parser,
    /// Outgoing messages pass through transforms, which are the user's code.
    has_transforms: bool,
}

/// The settings of a server's rooms.
#[derive(Clone, Debug)]
pub(crate) struct RoomSettings {
    /// The most rooms that a connection may be in.
    pub(crate) max_rooms: usize,
    /// The most members that a view lists.
    pub(crate) max_view: usize,
    /// What clients may publish.
    pub(crate) publish_rate: PublishRate,
    /// The most members of a room, where its name has no limit of its own.
    pub(crate) max_members: usize,
    /// The most members of rooms by name.
    pub(crate) room_limits: BTreeMap<String, usize>,
}

impl RoomSettings {
    /// Returns the options of a room of this name.
    fn options(&self, room: &str) -> RoomOptions {
        let limit = self.room_limits.get(room).copied();
        RoomOptions::max_members(limit.unwrap_or(self.max_members))
    }
}

/// What went wrong with a room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoomError {
    /// What a client would be told too: no such room, in it already, …
    #[error(transparent)]
    Stellar(#[from] StellarError),
    /// The broker failed.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The message has no JSON form.
    #[error("the message has no JSON form: {0}")]
    Encode(#[from] serde_json::Error),
}

impl RoomError {
    /// What a client is told: a fault of the broker is 001, and the log knows more.
    pub(crate) fn for_client(self) -> StellarError {
        match self {
            Self::Stellar(error) => error,
            other => {
                tracing::error!(error = %other, "a room operation failed");
                StellarError::internal()
            }
        }
    }
}

/// A room and its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomStatus {
    /// Its name.
    pub room: RoomName,
    /// Its members, of all processes, in no order.
    pub members: Vec<Member>,
}

impl Rooms {
    pub(crate) fn new(
        broker: Arc<dyn Broker>,
        hooks: RoomHooks,
        settings: RoomSettings,
        connections: Arc<Connections>,
        parser: Parser,
        has_transforms: bool,
    ) -> Self {
        Self(Arc::new(Inner {
            broker,
            hooks,
            settings,
            local: Groups::default(),
            connections,
            parser,
            has_transforms,
        }))
    }

    /// Starts the broker and creates the first rooms.
    pub(crate) async fn start(&self, first: &[String]) -> Result<(), BrokerError> {
        self.0.broker.start(Arc::new(Deliverer::new(self))).await?;
        for room in first {
            self.0
                .broker
                .create(room, self.0.settings.options(room))
                .await?;
        }
        Ok(())
    }

    /// Publishes what the server sends.
    pub(crate) fn publish(
        &self,
        target: Target,
        kind: PublicationKind,
    ) -> Flow<Result<(), BrokerError>> {
        self.0.broker.publish(Publication::new(target, kind))
    }

    /// Creates a room, for as many members as [`Config::max_members`](crate::Config) says.
    ///
    /// # Errors
    /// 020 when it exists, 021 when it has no name.
    pub async fn create(&self, room: &str) -> Result<(), RoomError> {
        let options = self.0.settings.options(room);
        self.create_with(room, options).await
    }

    /// Creates a room with options of its own.
    ///
    /// # Errors
    /// 020 when it exists, 021 when it has no name.
    pub async fn create_with(&self, room: &str, options: RoomOptions) -> Result<(), RoomError> {
        if room.is_empty() {
            return Err(StellarError::room_required().into());
        }
        if self.0.broker.create(room, options).await? {
            Ok(())
        } else {
            Err(StellarError::room_exists(room).into())
        }
    }

    /// Destroys a room: its members are sent the event `destroy`, and then are members no more.
    ///
    /// # Errors
    /// 019 when it does not exist.
    pub async fn destroy(&self, room: &str) -> Result<(), RoomError> {
        if self.0.broker.destroy(room).await? {
            Ok(())
        } else {
            Err(StellarError::room_not_exist(room).into())
        }
    }

    /// Whether a room exists.
    ///
    /// # Errors
    /// The broker's.
    pub async fn exists(&self, room: &str) -> Result<bool, RoomError> {
        Ok(self.0.broker.exists(room).await?)
    }

    /// The names of all rooms, sorted.
    ///
    /// # Errors
    /// The broker's.
    pub async fn list(&self) -> Result<Vec<String>, RoomError> {
        let mut rooms = self.0.broker.rooms().await?;
        rooms.sort_unstable();
        Ok(rooms)
    }

    /// Who is in a room.
    ///
    /// # Errors
    /// 019 when it does not exist.
    pub async fn status(&self, room: &str) -> Result<RoomStatus, RoomError> {
        match self.0.broker.members(room).await? {
            Some(members) => Ok(RoomStatus {
                room: room.into(),
                members,
            }),
            None => Err(StellarError::room_not_exist(room).into()),
        }
    }

    /// Who is in a room, page by page: at most `limit` members whose ids come after `after`. The next
    /// page begins after [`RoomPage::next`].
    ///
    /// # Errors
    /// 019 when it does not exist.
    pub async fn page(
        &self,
        room: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<RoomPage, RoomError> {
        let RoomStatus { room, members } = self.status(room).await?;
        Ok(RoomPage::of(room, members, after, limit))
    }

    /// Takes a connection of this process into a room; the join hooks run for it. Its client is
    /// pushed `{context:"membership", room, joined:true}` if it asked for such pushes, as the project's
    /// own does.
    ///
    /// # Errors
    /// 019 no such room, 017 in it already, 016 no such connection, 023 in too many rooms, 024 the
    /// room is full, or what a hook refused it with.
    pub async fn join(&self, connection: &str, room: &str) -> Result<(), RoomError> {
        let connection = self.connection(connection, room)?;
        self.add(&connection, room).await?;
        connection.push_membership(room, true);
        Ok(())
    }

    /// Takes a connection of this process out of a room; the leave hooks run for it. Its client is
    /// pushed `joined:false` as by [`join`](Self::join), and does not come back by itself.
    ///
    /// # Errors
    /// 019 no such room, 016 no such connection or not in the room.
    pub async fn leave(&self, connection: &str, room: &str) -> Result<(), RoomError> {
        let connection = self.connection(connection, room)?;
        self.remove(&connection, room).await?;
        connection.push_membership(room, false);
        Ok(())
    }

    fn connection(&self, id: &str, room: &str) -> Result<Connection, RoomError> {
        let connection = self.0.connections.find(id);
        connection.ok_or_else(|| StellarError::not_in_room(id, room).into())
    }

    /// Several rooms as one audience, of which nobody gets a message twice.
    pub fn to<R: AsRef<str>>(&self, rooms: impl IntoIterator<Item = R>) -> Audience {
        Audience::new(self.clone(), rooms)
    }

    /// Sends a chat message of the server's (`from: 0`) to a room: any value.
    ///
    /// # Errors
    /// 019 when it does not exist.
    pub async fn broadcast<T: Serialize + ?Sized>(
        &self,
        room: &str,
        message: &T,
    ) -> Result<(), RoomError> {
        let content = Content::new(message)?;
        if !self.exists(room).await? {
            return Err(StellarError::room_not_exist(room).into());
        }
        self.publish(Target::Room(room.into()), PublicationKind::Say(content))
            .await?;
        Ok(())
    }

    /// Sends an event of the server's to a room.
    ///
    /// # Errors
    /// 019 when it does not exist.
    pub async fn emit<T: Serialize + ?Sized>(
        &self,
        room: &str,
        event: &str,
        data: &T,
    ) -> Result<(), RoomError> {
        let message = event_content(event, Some(&Content::new(data)?))?;
        self.broadcast(room, &message).await
    }
}

impl fmt::Debug for Rooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rooms")
            .field("broker", &self.0.broker.name())
            .finish_non_exhaustive()
    }
}

/// Returns the message of an event, with its data as they came.
fn event_content(event: &str, data: Option<&Content>) -> Result<Content, serde_json::Error> {
    #[derive(Serialize)]
    struct Message<'a> {
        event: &'a str,
        data: Option<&'a Content>,
    }
    Content::new(&Message { event, data })
}
