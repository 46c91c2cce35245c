//! The verbs, one at a time and in order for each connection.

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc};

use serde::{Serialize, Serializer};
use stellarfw_broker::{Content, Member};
use stellarfw_transport::{Flow, SparkLease};

use super::{
    Services,
    request::{Field, Request},
    response::{Meta, respond_error, respond_ok},
};
use crate::{
    connections::{Connection, Job},
    protocol::{
        StellarError,
        json::{is_deeper_than, json_len},
        truncate_for_error,
    },
    rooms::{LeasedPage, PageRequest, RoomError, RoomPage, Rooms},
};

/// A verb with what it needs.
#[derive(Debug)]
pub(crate) enum Verb<'a> {
    DetailsView {
        /// What the client wants to be pushed from now on.
        wants: Wants,
    },
    RoomAdd(Cow<'a, str>),
    RoomLeave(Cow<'a, str>),
    RoomView(Cow<'a, str>, PageRequest),
    Say {
        room: Cow<'a, str>,
        message: Content,
    },
    Event {
        room: Cow<'a, str>,
        event: String,
        data: Option<Content>,
    },
}

/// Reads `params` of `roomView`. Without them it is the first page.
fn read_page(params: Option<&Field<'_>>) -> Result<PageRequest, StellarError> {
    let wrong = StellarError::invalid_type;
    let limit = match params.and_then(|params| params.entry("limit")) {
        None => None,
        Some(limit) => {
            let number = limit.read::<u64>().filter(|number| *number > 0);
            let number = number.ok_or_else(|| wrong("limit", "a whole number from 1"))?;
            Some(usize::try_from(number).unwrap_or(usize::MAX))
        }
    };
    let after = match params.and_then(|params| params.entry("after")) {
        None => None,
        Some(after) => {
            let id = after.as_str();
            let id = id.ok_or_else(|| wrong("after", "the id of a member"))?;
            Some(id.into())
        }
    };
    Ok(PageRequest { limit, after })
}

/// What a client may publish in one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Bytes of JSON.
    pub(super) bytes: usize,
    /// Levels of lists and objects.
    pub(super) depth: usize,
}

impl Bounds {
    /// 008 for a message that is longer than it may be.
    fn within(self, len: usize) -> Result<(), StellarError> {
        if len > self.bytes {
            return Err(StellarError::too_big(len, self.bytes));
        }
        Ok(())
    }

    /// The content of a field, which is measured before it is copied.
    fn content(self, field: &Field<'_>, name: &str) -> Result<Option<Content>, StellarError> {
        self.within(field.json_len())?;
        let content = field.to_content();
        if let Some(content) = &content
            && is_deeper_than(content.as_raw().get(), self.depth)
        {
            let expected = format!("JSON of at most {} levels", self.depth);
            return Err(StellarError::invalid_type(name, &expected));
        }
        Ok(content)
    }
}

impl<'a> Verb<'a> {
    /// Reads a verb of a request, and refuses a message that is beyond its bounds.
    pub(super) fn read(
        name: Option<&str>,
        request: &'a Request<'_>,
        bounds: Bounds,
    ) -> Result<Self, StellarError> {
        let room = || room_of(&request.room);
        match name {
            Some("detailsView") => Ok(Self::DetailsView {
                wants: Wants::read(request.params.as_ref()),
            }),
            Some("roomAdd" | "roomJoin") => Ok(Self::RoomAdd(room())),
            Some("roomLeave") => Ok(Self::RoomLeave(room())),
            Some("roomView") => {
                let page = read_page(request.params.as_ref())?;
                Ok(Self::RoomView(room(), page))
            }
            Some("say") => {
                let message = match &request.message {
                    Some(message) => bounds.content(message, "message")?,
                    None => legacy_message(request, bounds)?,
                };
                match (room(), message) {
                    (room, Some(message)) if !room.is_empty() => Ok(Self::Say { room, message }),
                    _ => Err(StellarError::room_and_message_required()),
                }
            }
            Some("event") => Self::read_event(request, bounds),
            _ => {
                let sent = request.event.as_ref().map(Field::to_reported);
                Err(StellarError::verb_not_allowed(&truncate_for_error(
                    sent.as_deref(),
                )))
            }
        }
    }

    fn read_event(request: &'a Request<'_>, bounds: Bounds) -> Result<Self, StellarError> {
        let params = request.params.as_ref().and_then(Field::to_request);
        let params = params.unwrap_or_default();
        let room = room_of(&params.room).into_owned();
        let event = params.event.as_ref().and_then(Field::as_str);
        match event {
            _ if room.is_empty() => Err(StellarError::room_required()),
            Some(event) if !event.is_empty() => {
                bounds.within(event.len())?;
                let data = params
                    .data
                    .as_ref()
                    .map(|data| bounds.content(data, "data"));
                Ok(Self::Event {
                    room: room.into(),
                    event: event.into_owned(),
                    data: data.transpose()?.flatten(),
                })
            }
            _ => Err(StellarError::room_and_message_required()),
        }
    }

    pub(super) fn into_owned(self) -> Verb<'static> {
        let owned = |room: Cow<'_, str>| Cow::Owned(room.into_owned());
        match self {
            Self::DetailsView { wants } => Verb::DetailsView { wants },
            Self::RoomAdd(room) => Verb::RoomAdd(owned(room)),
            Self::RoomLeave(room) => Verb::RoomLeave(owned(room)),
            Self::RoomView(room, page) => Verb::RoomView(owned(room), page),
            Self::Say { room, message } => Verb::Say {
                room: owned(room),
                message,
            },
            Self::Event { room, event, data } => Verb::Event {
                room: owned(room),
                event,
                data,
            },
        }
    }

    /// The `data` of its refusal, see [`refusal_data`].
    pub(super) fn refusal_data(&self) -> Option<bool> {
        matches!(self, Self::RoomAdd(_) | Self::RoomLeave(_)).then_some(false)
    }

    /// About how many bytes it keeps while it waits.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::DetailsView { .. } => 0,
            Self::RoomAdd(room) | Self::RoomLeave(room) => room.len(),
            Self::RoomView(room, page) => room.len() + page.after.as_ref().map_or(0, |it| it.len()),
            Self::Say { room, message } => room.len() + message.len(),
            Self::Event { room, event, data } => {
                let data = data.as_ref().map_or(0, |data| data.len());
                room.len() + event.len() + data
            }
        }
    }
}

/// The `data` of a verb's refusal: joining and leaving say `false`.
pub(super) fn refusal_data(name: Option<&str>) -> Option<bool> {
    matches!(name, Some("roomAdd" | "roomJoin" | "roomLeave")).then_some(false)
}

/// The pushes that `params` of `detailsView` ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wants {
    /// Changes of its memberships by the server.
    memberships: bool,
    /// When to reconnect, before the server sends it away.
    goodbye: bool,
}

impl Wants {
    fn read(params: Option<&Field<'_>>) -> Self {
        let asks = |name| {
            let entry = params.and_then(|params| params.entry(name));
            entry.and_then(|entry| entry.read()) == Some(true)
        };
        Self {
            memberships: asks("memberships"),
            goodbye: asks("goodbye"),
        }
    }
}

/// A room's name; empty when there is none or it is no string.
fn room_of<'a>(field: &'a Option<Field<'_>>) -> Cow<'a, str> {
    field.as_ref().and_then(Field::as_str).unwrap_or_default()
}

/// The message of clients that have no `message`: the values of all other fields.
fn legacy_message(request: &Request<'_>, bounds: Bounds) -> Result<Option<Content>, StellarError> {
    if request.others.is_empty() {
        return Ok(None);
    }
    let words = Words(&request.others);
    // Measured before it is made.
    bounds.within(json_len(&words))?;
    Ok(Content::new(&words).ok())
}

/// The values of fields, joined with a space.
struct Words<'f, 'a>(&'f [Field<'a>]);

impl fmt::Display for Words<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, field) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str(" ")?;
            }
            match &*field.to_text() {
                "null" => {}
                text => f.write_str(text)?,
            }
        }
        Ok(())
    }
}

impl Serialize for Words<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A verb in the queue of its connection.
pub(super) struct QueuedVerb {
    pub(super) services: Arc<Services>,
    pub(super) meta: Meta,
    pub(super) verb: Verb<'static>,
    /// What it holds of the memory budget until it runs.
    pub(super) _lease: SparkLease,
}

impl Job for QueuedVerb {
    fn start(self: Box<Self>, connection: &Connection) -> Flow {
        run(&self.services, connection, self.meta, self.verb)
    }

    fn refuse(self: Box<Self>, connection: &Connection) {
        let error = StellarError::too_many_pending();
        respond_error(connection, self.meta, &error, self.verb.refusal_data());
    }
}

/// Runs a verb and answers it.
pub(super) fn run(
    services: &Services,
    connection: &Connection,
    meta: Meta,
    verb: Verb<'_>,
) -> Flow {
    let rooms = &services.rooms;
    match verb {
        Verb::DetailsView { wants } => {
            // Before the details: no change is in neither of them.
            connection.subscribe(wants.memberships, wants.goodbye);
            match connection.lease_work(connection.details().size()) {
                Ok(_lease) => respond_ok(connection, &meta, Some(connection.details())),
                Err(error) => respond_error(connection, meta, &error, None),
            }
            Flow::DONE
        }
        Verb::RoomAdd(room) => answer_membership(connection, meta, rooms.add(connection, &room)),
        Verb::RoomLeave(room) => {
            answer_membership(connection, meta, rooms.remove(connection, &room))
        }
        Verb::RoomView(room, page) => {
            let connection = connection.clone();
            let page = rooms.view(&connection, &room, page);
            page.map(move |result| match result {
                // Once it is sent, the response counts as what is queued for the connection.
                Ok(LeasedPage {
                    page,
                    lease: _lease,
                }) => respond_ok(&connection, &meta, Some(RoomView::from(page))),
                Err(error) => respond_error(&connection, meta, &error.for_client(), None),
            })
        }
        Verb::Say { room, message } => {
            let accepted = rooms.accept(connection, &room, message);
            answer_message(rooms, connection, meta, accepted, Rooms::publish_accepted)
        }
        Verb::Event { room, event, data } => {
            let accepted = rooms.accept_event(connection, &room, event, data);
            answer_message(rooms, connection, meta, accepted, Rooms::publish_event)
        }
    }
}

fn answer_membership(
    connection: &Connection,
    meta: Meta,
    flow: Flow<Result<(), RoomError>>,
) -> Flow {
    let connection = connection.clone();
    flow.map(move |result| match result {
        Ok(()) => respond_ok(&connection, &meta, Some(true)),
        Err(error) => respond_error(&connection, meta, &error.for_client(), Some(false)),
    })
}

/// Answers a message, and publishes it if it was accepted. The sender has its response before its own
/// copy of the message.
fn answer_message<T: Send + Unpin + 'static>(
    rooms: &Rooms,
    connection: &Connection,
    meta: Meta,
    accepted: Flow<Result<T, RoomError>>,
    publish: fn(&Rooms, &Connection, T) -> Flow,
) -> Flow {
    let (rooms, connection) = (rooms.clone(), connection.clone());
    accepted.then(move |result| match result {
        Ok(accepted) => {
            respond_ok(&connection, &meta, None::<()>);
            publish(&rooms, &connection, accepted)
        }
        Err(error) => {
            respond_error(&connection, meta, &error.for_client(), None);
            Flow::DONE
        }
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RoomView {
    room: Arc<str>,
    members: BTreeMap<Arc<str>, Member>,
    members_count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Arc<str>>,
}

impl From<RoomPage> for RoomView {
    fn from(page: RoomPage) -> Self {
        let by_id = |member: Member| (member.id.clone(), member);
        Self {
            room: page.room,
            members_count: page.members_count,
            next: page.next,
            members: page.members.into_iter().map(by_id).collect(),
        }
    }
}
