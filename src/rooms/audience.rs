//! Several rooms at once.

use std::{fmt, sync::Arc};

use serde::Serialize;
use stellarfw_broker::{Content, Publication, PublicationKind, Target};

use super::{RoomError, RoomName, Rooms, event_content};
use crate::{connections::Connection, protocol::StellarError};

/// The members of one or more rooms, as receivers of one message. Whoever is a member of several
/// of them gets it once, as said in the first of them.
///
/// ```no_run
/// # async fn run(stellar: stellarfw::Stellar, sender: stellarfw::Connection)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// let rooms = stellar.rooms();
/// rooms.to(["lobby", "staff"]).say("closing in five minutes").await?;
/// rooms.to(["lobby"]).except(&sender).emit("typing", sender.id().as_str()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing is sent before it is told what"]
pub struct Audience {
    service: Rooms,
    rooms: Vec<RoomName>,
    except: Option<Arc<str>>,
}

impl Audience {
    pub(super) fn new<R: AsRef<str>>(service: Rooms, rooms: impl IntoIterator<Item = R>) -> Self {
        Self {
            service,
            rooms: rooms.into_iter().map(|room| room.as_ref().into()).collect(),
            except: None,
        }
    }

    /// Adds a room.
    pub fn to(mut self, room: impl AsRef<str>) -> Self {
        self.rooms.push(room.as_ref().into());
        self
    }

    /// Leaves a connection out: mostly the one whose message it is.
    pub fn except(mut self, connection: &Connection) -> Self {
        self.except = Some(connection.id().to_shared());
        self
    }

    /// Sends a chat message of the server's (`from: 0`): any value. Cancel safe: it is sent or not
    /// sent.
    ///
    /// # Errors
    /// 021 when no room is named, 019 when one does not exist; nothing is sent then.
    pub async fn say<T: Serialize + ?Sized>(self, message: &T) -> Result<(), RoomError> {
        let content = Content::new(message)?;
        self.publish(content).await
    }

    /// Sends an event of the server's. Cancel safe as [`Audience::say`] is.
    ///
    /// # Errors
    /// As [`Audience::say`].
    pub async fn emit<T: Serialize + ?Sized>(self, event: &str, data: &T) -> Result<(), RoomError> {
        let content = event_content(event, Some(&Content::new(data)?))?;
        self.publish(content).await
    }

    async fn publish(self, content: Content) -> Result<(), RoomError> {
        for room in &self.rooms {
            if !self.service.0.broker.exists(room).await? {
                return Err(StellarError::room_not_exist(room).into());
            }
        }
        let target = match self.rooms.as_slice() {
            [] => return Err(StellarError::room_required().into()),
            [room] => Target::Room(room.clone()),
            rooms => Target::Rooms(rooms.into()),
        };
        let publication =
            Publication::new(target, PublicationKind::Say(content)).except(self.except);
        Ok(self.service.0.broker.publish(publication).await?)
    }
}

impl fmt::Debug for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audience")
            .field("rooms", &self.rooms)
            .field("except", &self.except)
            .finish_non_exhaustive()
    }
}
