//! Joining and leaving, by verb and by the server.

use std::sync::Arc;

use stellarfw_broker::{BrokerError, Joined, Member, now_ms};
use stellarfw_transport::Flow;

use super::{RoomError, RoomName, Rooms};
use crate::{
    connections::{Connection, Group, NotAdded},
    protocol::{StellarError, truncate_for_error},
};

type Result<T = (), E = RoomError> = std::result::Result<T, E>;

fn refuse<T>(error: StellarError) -> Flow<Result<T>> {
    Flow::Ready(Err(error.into()))
}

impl Rooms {
    /// Adds a connection to a room.
    ///
    /// The connection is added to the process's own members before the broker gets it, so that a
    /// room that is destroyed meanwhile removes it again; if the broker refuses, that is undone.
    pub(crate) fn add(&self, connection: &Connection, room: &str) -> Flow<Result> {
        if room.is_empty() {
            return refuse(StellarError::room_required());
        }
        if connection.is_in(room) {
            let room = truncate_for_error(Some(room));
            return refuse(StellarError::already_in_room(connection.id(), &room));
        }
        let room: RoomName = room.into();
        let (rooms, connection) = (self.clone(), connection.clone());
        self.0.broker.exists(&room).then(move |exists| {
            match exists {
                Err(error) => return Flow::Ready(Err(error.into())),
                Ok(false) => {
                    let room = truncate_for_error(Some(&room));
                    return refuse(StellarError::room_not_exist(&room));
                }
                Ok(true) => {}
            }
            let gate = rooms.may_join(&connection, &room);
            gate.then(move |verdict| match verdict {
                Ok(()) => {
                    let member = connection.clone();
                    let memberships = &connection.state().memberships;
                    memberships.exclusively(move || rooms.enter(member, room))
                }
                Err(error) => refuse(error),
            })
        })
    }

    fn may_join(&self, connection: &Connection, room: &RoomName) -> Flow<Result<(), StellarError>> {
        let hooks = &self.0.hooks.join;
        if hooks.is_empty() {
            return Flow::Ready(Ok(()));
        }
        let (connection, room) = (connection.clone(), room.clone());
        hooks.until_refused(move |hook| hook(&connection, &room))
    }

    fn enter(&self, connection: Connection, room: RoomName) -> Flow<Result> {
        let memberships = &connection.state().memberships;
        let most = self.0.settings.max_rooms;
        let local = match memberships.add(most, || self.0.local.add(&room, &connection)) {
            Ok(local) => local,
            Err(NotAdded::TooMany) => {
                return refuse(StellarError::too_many_rooms(connection.id(), most));
            }
            Err(NotAdded::Refused) => {
                return refuse(StellarError::already_in_room(connection.id(), &room));
            }
        };
        let rooms = self.clone();
        if connection.spark().close_reason().is_some() {
            // It ended while the hooks ran, perhaps after it left its rooms; nothing may stay.
            return self
                .remove_everywhere(&connection, &room)
                .then(move |_| {
                    let left = rooms.has_left(&connection, &room);
                    left.map(move |()| (connection, room))
                })
                .then(|(connection, room)| {
                    refuse(StellarError::not_in_room(connection.id(), &room))
                });
        }
        let member = Member::new(connection.id().to_shared(), now_ms());
        self.0.broker.join(&room, member).then(move |joined| {
            let error = match joined {
                Ok(Joined::Joined) if connection.state().memberships.has(&local) => {
                    return Flow::Ready(Ok(()));
                }
                Ok(Joined::Joined) => {
                    // It was removed here before the broker had it: only this can remove it there.
                    let left = rooms.0.broker.leave(&room, connection.id());
                    return left.then(move |left| match left {
                        Err(error) => Flow::Ready(Err(error.into())),
                        Ok(_) => refuse(StellarError::not_in_room(connection.id(), &room)),
                    });
                }
                Ok(Joined::Already) => StellarError::already_in_room(connection.id(), &room).into(),
                Ok(Joined::NoRoom) => StellarError::room_not_exist(&room).into(),
                Ok(Joined::Full) => StellarError::room_full(&room).into(),
                Ok(_) => BrokerError::rejected("a join has an unknown outcome").into(),
                Err(error) => error.into(),
            };
            rooms.remove_here(&connection, &room);
            Flow::Ready(Err(error))
        })
    }

    /// Removes a connection from this process's members. Returns `true` if it was one.
    fn remove_here(&self, connection: &Connection, room: &str) -> bool {
        connection.state().memberships.remove(room);
        self.0.local.remove(room, connection.id())
    }

    /// Removes a connection from a room.
    pub(crate) fn remove(&self, connection: &Connection, room: &str) -> Flow<Result> {
        if room.is_empty() {
            return refuse(StellarError::room_required());
        }
        match connection.state().memberships.find(room) {
            Some(local) => self.remove_member(connection, &local),
            None => self.not_a_member(connection, room),
        }
    }

    /// The error of a connection that is no member: 019 if there is no such room, else 016.
    pub(super) fn not_a_member<T: Send + Unpin + 'static>(
        &self,
        connection: &Connection,
        room: &str,
    ) -> Flow<Result<T>> {
        let (id, room) = (connection.id().clone(), RoomName::from(room));
        self.0.broker.exists(&room).then(move |exists| {
            let shown = truncate_for_error(Some(&room));
            match exists {
                Err(error) => Flow::Ready(Err(error.into())),
                Ok(false) => refuse(StellarError::room_not_exist(&shown)),
                Ok(true) => refuse(StellarError::not_in_room(&id, &shown)),
            }
        })
    }

    /// Removes a member here and at the broker, and runs the hooks. Of several calls the one that
    /// removes it from this process's members does the rest, so the hooks run once.
    fn remove_member(&self, connection: &Connection, local: &Group) -> Flow<Result> {
        let room = local.name().clone();
        let removed = {
            let (rooms, member, room) = (self.clone(), connection.clone(), room.clone());
            let memberships = &connection.state().memberships;
            memberships.exclusively(move || rooms.remove_everywhere(&member, &room))
        };
        let (rooms, connection) = (self.clone(), connection.clone());
        removed.then(move |left| match left {
            Ok(false) => refuse(StellarError::not_in_room(connection.id(), &room)),
            Ok(true) => rooms.has_left(&connection, &room).map(Ok),
            Err(error) => {
                let left = rooms.has_left(&connection, &room);
                left.map(|()| Err(error.into()))
            }
        })
    }

    /// Removes a member here and at the broker. Returns `true` if it was one here.
    fn remove_everywhere(
        &self,
        connection: &Connection,
        room: &str,
    ) -> Flow<Result<bool, BrokerError>> {
        if !self.remove_here(connection, room) {
            return Flow::Ready(Ok(false));
        }
        let left = self.0.broker.leave(room, connection.id());
        left.map(|left| left.map(|_| true))
    }

    /// Removes a member of a destroyed room at the broker, if it is one there.
    ///
    /// Usually it is none any more. But a connection can have joined a room that was created anew
    /// before this process removed the old one.
    pub(super) fn reconcile(&self, connection: &Connection, room: &RoomName) -> Flow {
        let (rooms, member, room) = (self.clone(), connection.clone(), room.clone());
        connection.state().memberships.exclusively(move || {
            if member.is_in(&room) {
                return Flow::DONE;
            }
            rooms.0.broker.leave(&room, member.id()).map(|left| {
                if let Err(error) = left {
                    tracing::error!(%error, "a member of a destroyed room could not be removed");
                }
            })
        })
    }

    /// Runs the leave hooks.
    pub(super) fn has_left(&self, connection: &Connection, room: &RoomName) -> Flow {
        let hooks = &self.0.hooks.leave;
        if hooks.is_empty() {
            return Flow::DONE;
        }
        let (connection, room) = (connection.clone(), room.clone());
        hooks.notify("leave", move |hook| hook(&connection, &room))
    }

    /// Removes a connection that has ended from all its rooms.
    pub(crate) fn remove_from_all(&self, connection: &Connection) -> Flow {
        let memberships: Vec<Arc<Group>> = connection.state().memberships.take_all();
        if memberships.is_empty() {
            return Flow::DONE;
        }
        let (rooms, connection) = (self.clone(), connection.clone());
        Flow::start(async move {
            for local in memberships {
                if let Err(error) = rooms.remove_member(&connection, &local).await
                    && !matches!(error, RoomError::Stellar(_))
                {
                    tracing::error!(%error, room = %local.name(), "a member could not be removed");
                }
            }
        })
    }
}
