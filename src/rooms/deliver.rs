//! From a publication to the outboxes of its receivers.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Weak},
};

use serde::{Serialize, Serializer};
use serde_json::{json, value::RawValue};
use stellarfw_broker::{Content, Publication, PublicationKind, Subscriber, Target};
use stellarfw_transport::{
    CodecError, Delivery, Flow, Frame, Parser, Spark, SparkId, for_each_ahead, turn,
};

use super::{
    LocalRoom, Say,
    membership::{left_hooks, reconcile},
};
use crate::{app::App, connection::Connection, error::StellarError};

/// Takes publications from the broker to the connections of this process.
pub(crate) struct Deliverer {
    app: Weak<App>,
}

impl Deliverer {
    pub(crate) fn new(app: &Arc<App>) -> Self {
        Self {
            app: Arc::downgrade(app),
        }
    }
}

impl Subscriber for Deliverer {
    fn deliver(&self, publication: Publication) {
        let Some(app) = self.app.upgrade() else {
            return;
        };
        let _turn = turn();
        match &publication.target {
            Target::Room(name) => match publication.kind {
                PublicationKind::Destroyed => destroyed(&app, name),
                _ => {
                    if let Some(room) = app.local.get(name) {
                        match &publication.except {
                            None => to_room(&app, &room, &publication),
                            Some(_) => to_members(&app, &room, &publication, &mut Seen::default()),
                        }
                    }
                }
            },
            Target::Rooms(names) => {
                let mut seen = Seen::default();
                for name in names.iter() {
                    if let Some(room) = app.local.get(name) {
                        let publication = publication.to(Target::Room(name.clone()));
                        to_members(&app, &room, &publication, &mut seen);
                    }
                }
            }
            Target::Connection(id) => {
                if let (Some(connection), Some(frame)) =
                    (app.connection(id), frame(&app.parser, &publication))
                {
                    send(connection.spark(), &frame);
                }
            }
            Target::All => {
                if let (Some(server), Some(frame)) =
                    (app.server(), frame(&app.parser, &publication))
                {
                    let except = publication.except.as_deref();
                    // Those that are still opening have not had their welcome yet.
                    server.for_each(|spark| {
                        if Some(spark.id().as_str()) != except
                            && Connection::of(spark).is_some_and(|c| c.is_ready())
                        {
                            send(spark, &frame);
                        }
                    });
                }
            }
            _ => tracing::error!(target = ?publication.target, "an unknown target"),
        }
    }
}

fn send(spark: &Spark, frame: &Frame) {
    // A spark that does not take it is closed or closing, and its own task sees to the rest.
    spark.send_frame(frame.clone(), Delivery::Reliable).ok();
}

fn to_room(app: &App, room: &LocalRoom, publication: &Publication) {
    if let PublicationKind::Say(content) = &publication.kind
        && !app.hooks.each.is_empty()
    {
        each(app, room.snapshot(), publication, content);
    } else if let Some(frame) = frame(&app.parser, publication) {
        if app.has_transforms {
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

/// Who has got a publication to several rooms already.
type Seen = HashSet<SparkId>;

/// Delivers to the members that have not got it and are not left out.
fn to_members(app: &App, room: &LocalRoom, publication: &Publication, seen: &mut Seen) {
    let except = publication.except.as_deref();
    let mut members = room.snapshot();
    members
        .retain(|member| Some(member.id().as_str()) != except && seen.insert(member.id().clone()));
    if let PublicationKind::Say(content) = &publication.kind
        && !app.hooks.each.is_empty()
    {
        each(app, members, publication, content);
    } else if let Some(frame) = frame(&app.parser, publication) {
        for_each_ahead(&members, Connection::spark, |member| {
            send(member.spark(), &frame);
        });
    }
}

/// Delivers through the `say` hooks, which may rewrite or drop for each receiver.
fn each(app: &App, members: Vec<Connection>, publication: &Publication, content: &Content) {
    let Target::Room(room) = &publication.target else {
        unreachable!("what is said to several rooms is told to each by itself");
    };
    let message = match content.to_value() {
        Ok(message) => message,
        // Of a client's it is refused when it comes: this is the server's own.
        Err(error) => return tracing::error!(%error, "the say hooks cannot see a message"),
    };
    let said = Say {
        room: room.clone(),
        from: publication.from.clone(),
        message,
    };
    // Receivers whose message is not rewritten share one frame.
    let shared = frame(&app.parser, publication);
    for member in members {
        let hooked = catch_unwind(AssertUnwindSafe(|| {
            let mut say = Some(said.clone());
            for hook in app.hooks.each.iter() {
                say = say.and_then(|say| hook(&member, say));
            }
            say
        }));
        let Ok(say) = hooked else {
            // It is one receiver's loss, and neither the sender's nor the others'.
            tracing::error!(connection = %member.id(), "a say hook panicked");
            continue;
        };
        let frame = match say {
            None => continue,
            Some(say) if say == said => shared.clone(),
            Some(say) => Content::new(&say.message).ok().and_then(|content| {
                let mut publication = publication.clone().from(say.from);
                publication.kind = PublicationKind::Say(content);
                frame(&app.parser, &publication)
            }),
        };
        if let Some(frame) = frame {
            send(member.spark(), &frame);
        }
    }
}

/// Tells the members that their room is gone, then takes them out of it.
fn destroyed(app: &Arc<App>, name: &Arc<str>) {
    let Some(room) = app.local.take(name) else {
        return;
    };
    let error = StellarError::room_deleted(name);
    let message = json!({ "event": "destroy", "data": error });
    let Ok(content) = Content::new(&message) else {
        return;
    };
    let target = Target::Room(name.clone());
    let publication = Publication::new(target, PublicationKind::Say(content));
    let frame = frame(&app.parser, &publication);
    for member in room.snapshot() {
        if let Some(frame) = &frame {
            send(member.spark(), frame);
        }
        member
            .state()
            .rooms
            .lock()
            .retain(|known| !Arc::ptr_eq(known, &room));
        for flow in [
            reconcile(app, &member, name),
            left_hooks(app, &member, name),
        ] {
            if let Flow::Wait(future) = flow {
                tokio::spawn(future);
            }
        }
    }
}

/// A publication as the codec has it: encoded once, whoever receives it.
fn frame(parser: &Parser, publication: &Publication) -> Option<Frame> {
    let result = match &publication.kind {
        PublicationKind::Say(content) => Text::of(parser, content).and_then(|message| {
            parser.encode(&Chat {
                message,
                room: match &publication.target {
                    Target::Room(room) => Some(room),
                    _ => None,
                },
                from: From(publication.from.as_deref()),
                context: "user",
                sent_at: publication.sent_at,
            })
        }),
        PublicationKind::Push(content) => {
            Text::of(parser, content).and_then(|message| parser.encode(&message))
        }
        _ => return None,
    };
    result
        .inspect_err(|error| tracing::error!(%error, "a publication could not be encoded"))
        .map(Frame::for_many)
        .ok()
}

/// A chat message in the shape of the wire.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Chat<'a> {
    message: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a Arc<str>>,
    from: From<'a>,
    context: &'static str,
    sent_at: u64,
}

/// Who said it: an id, or 0 for the server.
struct From<'a>(Option<&'a str>);

impl Serialize for From<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(id) => serializer.serialize_str(id),
            None => serializer.serialize_u8(0),
        }
    }
}

/// A JSON text for a codec: JSON takes it as it is, others need the value.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Text<'a> {
    Raw(&'a RawValue),
    Value(serde_json::Value),
}

impl<'a> Text<'a> {
    pub(crate) fn of(parser: &Parser, content: &'a Content) -> Result<Self, CodecError> {
        match parser {
            Parser::Json => Ok(Self::Raw(content.as_raw())),
            _ => content.to_value().map(Self::Value).map_err(CodecError::new),
        }
    }
}

/// A push with a context of its own or, without one, `api`.
pub(crate) fn push_frame<T: Serialize + ?Sized>(
    parser: &Parser,
    value: &T,
) -> Result<Frame, CodecError> {
    let value = object(value)?;
    match value.get("context") {
        // A push that calls itself a response would be taken for one.
        Some(context) if context.is_string() && context != "response" => parser.encode(&value),
        _ => context_frame(parser, &value, "api"),
    }
}

/// A push with this context.
pub(crate) fn context_frame<T: Serialize + ?Sized>(
    parser: &Parser,
    value: &T,
    context: &str,
) -> Result<Frame, CodecError> {
    let mut value = object(value)?;
    value.insert("context".into(), context.into());
    parser.encode(&value)
}

fn object<T: Serialize + ?Sized>(
    value: &T,
) -> Result<serde_json::Map<String, serde_json::Value>, CodecError> {
    match serde_json::to_value(value).map_err(CodecError::new)? {
        serde_json::Value::Object(map) => Ok(map),
        other => Ok(serde_json::Map::from_iter([("message".to_owned(), other)])),
    }
}
