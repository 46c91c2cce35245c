//! Chat rooms: the server's side of them.

mod audience;
mod deliver;
mod hooks;
mod local;
mod membership;
mod page;
mod rate;

use std::sync::Arc;

use serde::Serialize;
use stellarfw_broker::{BrokerError, Content, Member, Publication, PublicationKind, Target};

pub use self::{
    audience::Audience,
    hooks::{Event, Say},
    page::RoomPage,
    rate::{ByteRate, PublishRate},
};
pub(crate) use self::{
    deliver::{Deliverer, Text, context_frame, push_frame},
    hooks::Hooks,
    local::{LocalRoom, LocalRooms},
    membership::{find, join, leave, leave_all},
    rate::{ByteMeter, Moment},
};
use crate::{app::App, error::StellarError};
pub use stellarfw_broker::RoomOptions;

/// The name of a room.
pub type RoomName = Arc<str>;

/// The rooms of a server: what the server itself can do with them.
///
/// Got from [`Stellar::rooms`](crate::Stellar::rooms). Rooms exist before they are joined, and
/// until they are destroyed. All methods are cancel safe as far as the broker's operations are:
/// each is done or not done.
#[derive(Clone, Debug)]
pub struct Rooms {
    app: Arc<App>,
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
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    /// Creates a room, for as many members as [`Config::max_members`](crate::Config) says.
    ///
    /// # Errors
    /// 020 when it exists, 021 when it has no name.
    pub async fn create(&self, room: &str) -> Result<(), RoomError> {
        let options = self.app.config.room_options(room);
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
        if self.app.broker.create(room, options).await? {
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
        if self.app.broker.destroy(room).await? {
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
        Ok(self.app.broker.exists(room).await?)
    }

    /// The names of all rooms, sorted.
    ///
    /// # Errors
    /// The broker's.
    pub async fn list(&self) -> Result<Vec<String>, RoomError> {
        let mut rooms = self.app.broker.rooms().await?;
        rooms.sort_unstable();
        Ok(rooms)
    }

    /// Who is in a room.
    ///
    /// # Errors
    /// 019 when it does not exist.
    pub async fn status(&self, room: &str) -> Result<RoomStatus, RoomError> {
        match self.app.broker.members(room).await? {
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
        join(&connection, room).await?;
        connection.membership_changed(room, true);
        Ok(())
    }

    /// Takes a connection of this process out of a room; the leave hooks run for it. Its client is
    /// pushed `joined:false` as by [`join`](Self::join), and does not come back by itself.
    ///
    /// # Errors
    /// 019 no such room, 016 no such connection or not in the room.
    pub async fn leave(&self, connection: &str, room: &str) -> Result<(), RoomError> {
        let connection = self.connection(connection, room)?;
        leave(&connection, room).await?;
        connection.membership_changed(room, false);
        Ok(())
    }

    fn connection(&self, id: &str, room: &str) -> Result<crate::Connection, RoomError> {
        let connection = self.app.connection(id);
        connection.ok_or_else(|| StellarError::not_in_room(id, room).into())
    }

    /// Several rooms as one audience, of which nobody gets a message twice.
    pub fn to<R: AsRef<str>>(&self, rooms: impl IntoIterator<Item = R>) -> Audience {
        Audience::new(self.app.clone(), rooms)
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
        self.app.publish_say(room.into(), None, content).await?;
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

/// The message of an event; its data go in as they came.
pub(crate) fn event_content(
    event: &str,
    data: Option<&Content>,
) -> Result<Content, serde_json::Error> {
    #[derive(Serialize)]
    struct Message<'a> {
        event: &'a str,
        data: Option<&'a Content>,
    }
    Content::new(&Message { event, data })
}

impl App {
    /// Publishes a chat message to a room.
    pub(crate) fn publish_say(
        &self,
        room: RoomName,
        from: Option<Arc<str>>,
        content: Content,
    ) -> stellarfw_transport::Flow<Result<(), BrokerError>> {
        let publication = Publication::new(Target::Room(room), PublicationKind::Say(content));
        self.broker.publish(publication.from(from))
    }
}
