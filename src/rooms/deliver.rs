//! From a publication to the outboxes of its receivers.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Weak},
};

use serde_json::json;
use stellarfw_broker::{Content, Publication, PublicationKind, Subscriber, Target};
use stellarfw_transport::{Delivery, Flow, Frame, Spark, SparkId, for_each_ahead, turn};

use super::{Inner, Rooms, Say};
use crate::{
    connections::{Connection, Group},
    protocol::{StellarError, publication_frame},
};

/// Receives publications from the broker for the connections of this process.
pub(super) struct Deliverer(Weak<Inner>);

impl Deliverer {
    pub(super) fn new(rooms: &Rooms) -> Self {
        Self(Arc::downgrade(&rooms.0))
    }
}

impl Subscriber for Deliverer {
    fn deliver(&self, publication: Publication) {
        let Some(rooms) = self.0.upgrade().map(Rooms) else {
            return;
        };
        let _turn = turn();
        match &publication.target {
            Target::Room(name) => match publication.kind {
                PublicationKind::Destroyed => rooms.destroyed(name),
                _ => {
                    if let Some(room) = rooms.0.local.get(name) {
                        match &publication.except {
                            None => rooms.to_room(&room, &publication),
                            Some(_) => rooms.to_members(&room, &publication, &mut Seen::default()),
                        }
                    }
                }
            },
            Target::Rooms(names) => {
                let mut seen = Seen::default();
                for name in names.iter() {
                    if let Some(room) = rooms.0.local.get(name) {
                        let publication = publication.to(Target::Room(name.clone()));
                        rooms.to_members(&room, &publication, &mut seen);
                    }
                }
            }
            Target::Connection(id) => {
                if let (Some(connection), Some(frame)) =
                    (rooms.0.connections.find(id), rooms.frame(&publication))
                {
                    send(connection.spark(), &frame);
                }
            }
            Target::All => {
                if let Some(frame) = rooms.frame(&publication) {
                    let except = publication.except.as_deref();
                    rooms.0.connections.for_each(|connection| {
                        if Some(connection.id().as_str()) != except {
                            send(connection.spark(), &frame);
                        }
                    });
                }
            }
            target => tracing::error!(?target, "a publication has an unknown target"),
        }
    }
}

fn send(spark: &Spark, frame: &Frame) {
    // A spark that does not take it is closed or closing, and its own task sees to the rest.
    spark.send_frame(frame.clone(), Delivery::Reliable).ok();
}

/// The connections that have received a publication to several rooms.
type Seen = HashSet<SparkId>;

impl Rooms {
    fn frame(&self, publication: &Publication) -> Option<Frame> {
        publication_frame(&self.0.parser, publication)
    }

    fn to_room(&self, room: &Group, publication: &Publication) {
        if let PublicationKind::Say(content) = &publication.kind
            && !self.0.hooks.each.is_empty()
        {
            self.to_each(room.snapshot(), publication, content);
        } else if let Some(frame) = self.frame(publication) {
            if self.0.has_transforms {
                // Transforms are the user's: they are not called under a lock.
                let members = room.snapshot();
                for_each_ahead(&members, Connection::spark, |member| {
                    send(member.spark(), &frame);
                });
            } else {
                room.for_each(|member| send(member.spark(), &frame));
            }
        }
    }

    /// Delivers to the members that have not received it and are not left out.
    fn to_members(&self, room: &Group, publication: &Publication, seen: &mut Seen) {
        let except = publication.except.as_deref();
        let mut members = room.snapshot();
        members.retain(|member| {
            Some(member.id().as_str()) != except && seen.insert(member.id().clone())
        });
        if let PublicationKind::Say(content) = &publication.kind
            && !self.0.hooks.each.is_empty()
        {
            self.to_each(members, publication, content);
        } else if let Some(frame) = self.frame(publication) {
            for_each_ahead(&members, Connection::spark, |member| {
                send(member.spark(), &frame);
            });
        }
    }

    /// Delivers through the `say` hooks, which may rewrite or drop the message for each receiver.
    fn to_each(&self, members: Vec<Connection>, publication: &Publication, content: &Content) {
        let Target::Room(room) = &publication.target else {
            unreachable!("a publication to several rooms is delivered to each by itself");
        };
        let message = match content.to_value() {
            Ok(message) => message,
            // A client's is refused when it is received: this is the server's own.
            Err(error) => return tracing::error!(%error, "the say hooks cannot see a message"),
        };
        let said = Say {
            room: room.clone(),
            from: publication.from.clone(),
            message,
        };
        // Receivers whose message is not rewritten share one frame.
        let shared = self.frame(publication);
        for member in members {
            let hooked = catch_unwind(AssertUnwindSafe(|| {
                let mut say = Some(said.clone());
                for hook in self.0.hooks.each.iter() {
                    say = say.and_then(|say| hook(&member, say));
                }
                say
            }));
            let Ok(say) = hooked else {
                // One receiver loses the message, and neither the sender nor the others.
                tracing::error!(connection = %member.id(), "a say hook panicked");
                continue;
            };
            let frame = match say {
                None => continue,
                Some(say) if say == said => shared.clone(),
                Some(say) => Content::new(&say.message).ok().and_then(|content| {
                    let mut publication = publication.clone().from(say.from);
                    publication.kind = PublicationKind::Say(content);
                    self.frame(&publication)
                }),
            };
            if let Some(frame) = frame {
                send(member.spark(), &frame);
            }
        }
    }

    /// Sends the members that their room is destroyed, then removes them from it.
    fn destroyed(&self, name: &Arc<str>) {
        let Some(room) = self.0.local.take(name) else {
            return;
        };
        let error = StellarError::room_deleted(name);
        let message = json!({ "event": "destroy", "data": error });
        let Ok(content) = Content::new(&message) else {
            return;
        };
        let target = Target::Room(name.clone());
        let notice = Publication::new(target, PublicationKind::Say(content));
        let frame = self.frame(&notice);
        for member in room.snapshot() {
            if let Some(frame) = &frame {
                send(member.spark(), frame);
            }
            member.state().memberships.remove_exactly(&room);
            for flow in [self.reconcile(&member, name), self.has_left(&member, name)] {
                if let Flow::Wait(future) = flow {
                    tokio::spawn(future);
                }
            }
        }
    }
}
