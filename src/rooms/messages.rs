//! Messages and events of members: their bounds, their hooks, and publishing them.

use serde_json::Value;
use stellarfw_broker::{Content, Publication, PublicationKind, Target};
use stellarfw_transport::{Flow, SparkLease};

use super::{Event, RoomError, RoomName, Rooms, Say, event_content};
use crate::{
    connections::{Connection, Group, Moment, Place},
    protocol::{
        StellarError,
        json::{PLAIN, fits_value},
    },
};

/// A message that passed its bounds and hooks, to be published once its sender has the response.
pub(crate) struct Accepted {
    room: RoomName,
    content: Content,
}

/// An event that passed its bounds and hooks, with what its listeners take.
pub(crate) struct AcceptedEvent {
    message: Accepted,
    listeners: Option<(Event, (Place, Option<SparkLease>))>,
}

impl Rooms {
    /// Leads a member's message through its bounds and hooks.
    ///
    /// # Errors
    /// 019 or 016 for a connection that is no member, 025 over the rates, 003 for what a hook cannot
    /// see, 007 if the memory budget has no room for what the hooks see, and the errors of hooks.
    pub(crate) fn accept(
        &self,
        connection: &Connection,
        room: &str,
        content: Content,
    ) -> Flow<Result<Accepted, RoomError>> {
        match connection.state().memberships.find(room) {
            Some(local) => self.receive(connection, &local, content, "message"),
            None => self.not_a_member(connection, room),
        }
    }

    /// Leads a member's event through its bounds and hooks.
    ///
    /// # Errors
    /// As [`accept`](Self::accept), and 007 when listeners of too many of its events are under way.
    pub(crate) fn accept_event(
        &self,
        connection: &Connection,
        room: &str,
        event: String,
        data: Option<Content>,
    ) -> Flow<Result<AcceptedEvent, RoomError>> {
        let Some(local) = connection.state().memberships.find(room) else {
            return self.not_a_member(connection, room);
        };
        let received = match event_content(&event, data.as_ref()) {
            Ok(content) => self.receive(connection, &local, content, "data"),
            Err(error) => return Flow::Ready(Err(error.into())),
        };
        let (rooms, connection) = (self.clone(), connection.clone());
        received.map(move |received| {
            let message = received?;
            if !rooms.0.hooks.has_listeners(&message.room, &event) {
                let listeners = None;
                return Ok(AcceptedEvent { message, listeners });
            }
            let lease = data.as_ref().map(|data| connection.lease_tree(data));
            let lease = lease.transpose()?.flatten();
            let data = data.as_ref().map_or(Ok(Value::Null), Content::to_value);
            let data = data.map_err(|_| does_not_fit("data"))?;
            let place = connection.begin_event();
            let place = place.ok_or_else(StellarError::too_many_pending)?;
            let event = Event {
                connection,
                room: message.room.clone(),
                event,
                data,
            };
            let listeners = Some((event, (place, lease)));
            Ok(AcceptedEvent { message, listeners })
        })
    }

    /// Publishes an accepted message. A failure is logged: the sender has its response already, so
    /// that it comes first.
    pub(crate) fn publish_accepted(&self, connection: &Connection, message: Accepted) -> Flow {
        let Accepted { room, content } = message;
        let publication = Publication::new(Target::Room(room), PublicationKind::Say(content))
            .from(Some(connection.id().to_shared()));
        self.0.broker.publish(publication).map(|result| {
            if let Err(error) = result {
                tracing::error!(%error, "a message was lost on its way to the broker");
            }
        })
    }

    /// Calls the listeners of an accepted event and publishes it.
    pub(crate) fn publish_event(&self, connection: &Connection, event: AcceptedEvent) -> Flow {
        if let Some((event, held)) = event.listeners
            && let Flow::Wait(listeners) = self.0.hooks.notify(&event)
        {
            // The sender's next verbs do not wait for them; its places are what bounds them.
            tokio::spawn(async move {
                let _held = held;
                listeners.await;
            });
        }
        self.publish_accepted(connection, event.message)
    }

    /// Counts a message, and leads it through the hooks that see it once. What a hook cannot see, of
    /// those that see it once or for each receiver, is refused; `field` names it in the error.
    fn receive(
        &self,
        connection: &Connection,
        local: &Group,
        content: Content,
        field: &str,
    ) -> Flow<Result<Accepted, RoomError>> {
        let room = local.name().clone();
        if !self.may_publish(connection, local, content.len()) {
            return Flow::Ready(Err(StellarError::too_many_messages().into()));
        }
        let hooks = &self.0.hooks;
        if hooks.receive.is_empty() {
            let is_fine = hooks.each.is_empty() || fits_value(content.as_raw().get());
            return Flow::Ready(if is_fine {
                Ok(Accepted { room, content })
            } else {
                Err(does_not_fit(field).into())
            });
        }
        let lease = match connection.lease_tree(&content) {
            Ok(lease) => lease,
            Err(error) => return Flow::Ready(Err(error.into())),
        };
        let Ok(value) = content.to_value() else {
            return Flow::Ready(Err(does_not_fit(field).into()));
        };
        let mut say = Say {
            room: room.clone(),
            from: Some(connection.id().to_shared()),
            message: value,
        };
        let (hooks, connection) = (hooks.receive.clone(), connection.clone());
        Flow::start(async move {
            for hook in hooks.iter() {
                say = hook(&connection, say).await?;
            }
            let content = Content::new(&say.message)?;
            drop(lease);
            Ok(Accepted { room, content })
        })
    }

    /// Counts a message against the rates of its connection, its client and its room, in that order:
    /// one that is over its own takes nothing from the others.
    fn may_publish(&self, connection: &Connection, local: &Group, len: usize) -> bool {
        let (rate, now) = (&self.0.settings.publish_rate, Moment::now());
        self.may_take(connection, len, now) && local.published.take(len, rate.room, now)
    }

    /// Counts bytes against the rates of a connection and its client.
    pub(super) fn may_take(&self, connection: &Connection, len: usize, now: Moment) -> bool {
        let rate = &self.0.settings.publish_rate;
        let usage = connection.usage();
        connection.state().published.take(len, rate.connection, now)
            && usage.is_none_or(|usage| usage.published.take(len, rate.client, now))
    }
}

/// 003 for what a hook or a listener is to see and cannot.
fn does_not_fit(field: &str) -> StellarError {
    StellarError::invalid_type(field, PLAIN)
}
