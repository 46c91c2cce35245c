//! Joining and leaving, whoever asks for it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use stellarfw_broker::{BrokerError, Joined, Member, now_ms};
use stellarfw_transport::{Flow, catch_panic};

use super::{LocalRoom, RoomError, RoomName};
use crate::{app::App, connection::Connection, dispatch::told, error::StellarError};

type Result<T = (), E = RoomError> = std::result::Result<T, E>;

/// Takes a connection into a room.
///
/// The connection is added to the process's own members before the broker is told, so that a
/// room destroyed meanwhile takes it out again; if the broker refuses, that is undone.
pub(crate) fn join(connection: &Connection, room: &str) -> Flow<Result> {
    if room.is_empty() {
        return refuse(StellarError::room_required());
    }
    let app = connection.state().app.clone();
    if connection.is_in(room) {
        let room = told(Some(room));
        return refuse(StellarError::already_in_room(connection.id(), &room));
    }
    let room: RoomName = room.into();
    let connection = connection.clone();
    app.broker.exists(&room).then(move |exists| match exists {
        Err(error) => Flow::Ready(Err(error.into())),
        Ok(false) => refuse(StellarError::room_not_exist(&told(Some(&room)))),
        Ok(true) => {
            run_join_hooks(app.clone(), connection.clone(), room.clone()).then(move |gate| {
                match gate {
                    Ok(()) => alone(&connection.clone(), move || enter(app, connection, room)),
                    Err(error) => refuse(error),
                }
            })
        }
    })
}

fn refuse(error: StellarError) -> Flow<Result> {
    Flow::Ready(Err(error.into()))
}

fn run_join_hooks(
    app: Arc<App>,
    connection: Connection,
    room: RoomName,
) -> Flow<Result<(), StellarError>> {
    for (at, hook) in app.hooks.join.iter().enumerate() {
        match hook(&connection, &room) {
            Flow::Ready(Ok(())) => {}
            Flow::Ready(Err(error)) => return Flow::Ready(Err(error)),
            Flow::Wait(future) => {
                let app = app.clone();
                return Flow::Wait(Box::pin(async move {
                    future.await?;
                    for hook in app.hooks.join.iter().skip(at + 1) {
                        hook(&connection, &room).await?;
                    }
                    Ok(())
                }));
            }
        }
    }
    Flow::Ready(Ok(()))
}

fn enter(app: Arc<App>, connection: Connection, room: RoomName) -> Flow<Result> {
    let local = {
        let mut rooms = connection.state().rooms.lock();
        let most = app.config.max_rooms;
        if rooms.len() >= most {
            return refuse(StellarError::too_many_rooms(connection.id(), most));
        }
        let Some(local) = app.local.add(&room, &connection) else {
            return refuse(StellarError::already_in_room(connection.id(), &room));
        };
        rooms.push(local.clone());
        local
    };
    if connection.spark().close_reason().is_some() {
        // It left while the hooks ran, perhaps after its rooms were left; nothing may stay.
        return strike(&app, &connection, &room)
            .then(move |_| left_hooks(&app, &connection, &room).map(move |()| (connection, room)))
            .then(|(connection, room)| refuse(StellarError::not_in_room(connection.id(), &room)));
    }
    let member = Member::new(connection.id().to_shared(), now_ms());
    app.broker.join(&room, member).then(move |joined| {
        let error = match joined {
            Ok(Joined::Joined) if is_still_in(&connection, &local) => return Flow::Ready(Ok(())),
            Ok(Joined::Joined) => {
                // It was taken out before the broker had it, so nobody else tells the broker.
                return app.broker.leave(&room, connection.id()).then(move |left| {
                    left.map_or_else(
                        |error| Flow::Ready(Err(error.into())),
                        |_| refuse(StellarError::not_in_room(connection.id(), &room)),
                    )
                });
            }
            Ok(Joined::Already) => StellarError::already_in_room(connection.id(), &room).into(),
            Ok(Joined::NoRoom) => StellarError::room_not_exist(&room).into(),
            Ok(Joined::Full) => StellarError::room_full(&room).into(),
            Ok(_) => BrokerError::rejected("an unknown outcome of a join").into(),
            Err(error) => error.into(),
        };
        take_out(&app, &connection, &room);
        Flow::Ready(Err(error))
    })
}

fn is_still_in(connection: &Connection, room: &Arc<LocalRoom>) -> bool {
    let rooms = connection.state().rooms.lock();
    rooms.iter().any(|known| Arc::ptr_eq(known, room))
}

/// Takes a connection out of this process's books. Whether it was in them.
fn take_out(app: &App, connection: &Connection, room: &str) -> bool {
    connection
        .state()
        .rooms
        .lock()
        .retain(|known| &**known.name() != room);
    app.local.remove(room, connection.id())
}

/// Takes a connection out of a room.
pub(crate) fn leave(connection: &Connection, room: &str) -> Flow<Result> {
    if room.is_empty() {
        return refuse(StellarError::room_required());
    }
    let app = connection.state().app.clone();
    let found = find(connection, room);
    let Some(local) = found else {
        let (id, room) = (connection.id().clone(), RoomName::from(room));
        return app.broker.exists(&room).then(move |exists| match exists {
            Err(error) => Flow::Ready(Err(error.into())),
            Ok(false) => refuse(StellarError::room_not_exist(&told(Some(&room)))),
            Ok(true) => refuse(StellarError::not_in_room(&id, &told(Some(&room)))),
        });
    };
    forget(&app, connection, &local)
}

/// The room of that name, if the connection is in it.
pub(crate) fn find(connection: &Connection, room: &str) -> Option<Arc<LocalRoom>> {
    let rooms = connection.state().rooms.lock();
    rooms.iter().find(|known| &**known.name() == room).cloned()
}

/// Takes a member out here and at the broker, and tells the hooks. Whoever takes it out of the
/// books does the rest, so the hooks run once.
fn forget(app: &Arc<App>, connection: &Connection, local: &LocalRoom) -> Flow<Result> {
    let room = local.name().clone();
    let (app, connection) = (app.clone(), connection.clone());
    let struck = {
        let (app, connection, room) = (app.clone(), connection.clone(), room.clone());
        alone(&connection.clone(), move || {
            strike(&app, &connection, &room)
        })
    };
    struck.then(move |left| match left {
        Ok(false) => refuse(StellarError::not_in_room(connection.id(), &room)),
        Ok(true) => left_hooks(&app, &connection, &room).map(Ok),
        Err(error) => left_hooks(&app, &connection, &room).map(|()| Err(error.into())),
    })
}

/// Takes a member out here and at the broker. Whether it was one here.
fn strike(app: &App, connection: &Connection, room: &str) -> Flow<Result<bool, BrokerError>> {
    if !take_out(app, connection, room) {
        return Flow::Ready(Ok(false));
    }
    app.broker
        .leave(room, connection.id())
        .map(|left| left.map(|_| true))
}

/// Sees to it that a member of a room that was destroyed is none at the broker either. Mostly it
/// is none there already; but a room that was created anew at once can have been joined before
/// this process had taken the old one down.
pub(crate) fn reconcile(app: &Arc<App>, connection: &Connection, room: &RoomName) -> Flow {
    let (app, member, room) = (app.clone(), connection.clone(), room.clone());
    alone(connection, move || {
        if member.is_in(&room) {
            return Flow::DONE;
        }
        app.broker.leave(&room, member.id()).map(|left| {
            if let Err(error) = left {
                tracing::error!(%error, "a member of a destroyed room could not be taken out");
            }
        })
    })
}

/// Changes a connection's memberships while nobody else does, so that its books and the broker's
/// agree afterwards. No hook is called meanwhile.
fn alone<T: Send + Unpin + 'static>(
    connection: &Connection,
    change: impl FnOnce() -> Flow<T> + Send + 'static,
) -> Flow<T> {
    let mutex = connection
        .state()
        .membership
        .get_or_init(Arc::default)
        .clone();
    match mutex.clone().try_lock_owned() {
        Ok(held) => match change() {
            Flow::Ready(value) => Flow::Ready(value),
            Flow::Wait(future) => Flow::Wait(Box::pin(async move {
                let _held = held;
                future.await
            })),
        },
        Err(_) => Flow::Wait(Box::pin(async move {
            let _held = mutex.lock_owned().await;
            change().await
        })),
    }
}

/// Tells the hooks that a connection has left a room. One that panics keeps neither the others
/// from being told nor the connection in its other rooms.
pub(crate) fn left_hooks(app: &Arc<App>, connection: &Connection, room: &RoomName) -> Flow {
    for at in 0..app.hooks.leave.len() {
        if let Flow::Wait(future) = left_hook(app, at, connection, room) {
            let (app, connection, room) = (app.clone(), connection.clone(), room.clone());
            return Flow::Wait(Box::pin(async move {
                future.await;
                for at in at + 1..app.hooks.leave.len() {
                    left_hook(&app, at, &connection, &room).await;
                }
            }));
        }
    }
    Flow::DONE
}

fn left_hook(app: &App, at: usize, connection: &Connection, room: &RoomName) -> Flow {
    let panicked = || tracing::error!("a leave hook panicked");
    let hook = || app.hooks.leave[at](connection, room);
    match catch_unwind(AssertUnwindSafe(hook)) {
        Ok(Flow::Ready(())) => Flow::DONE,
        Ok(Flow::Wait(future)) => Flow::Wait(Box::pin(async move {
            catch_panic(future).await.unwrap_or_else(|_| panicked());
        })),
        Err(_) => {
            panicked();
            Flow::DONE
        }
    }
}

/// Takes a connection that is gone out of all its rooms.
pub(crate) fn leave_all(connection: &Connection) -> Flow {
    let app = connection.state().app.clone();
    let rooms = std::mem::take(&mut *connection.state().rooms.lock());
    if rooms.is_empty() {
        return Flow::DONE;
    }
    let connection = connection.clone();
    Flow::start(async move {
        for room in rooms {
            if let Err(error) = forget(&app, &connection, &room).await
                && !matches!(error, RoomError::Stellar(_))
            {
                tracing::error!(%error, room = %room.name(), "a member could not be taken out");
            }
        }
    })
}
