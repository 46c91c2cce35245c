//! The verbs, one at a time and in order for each connection.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stellarfw_broker::{Content, Member};
use stellarfw_transport::Flow;

use super::{
    request::{Field, Request},
    response::{Meta, respond_error, respond_ok},
    told,
};
use crate::{
    app::App,
    connection::Connection,
    error::StellarError,
    readable::{PLAIN, is_deeper_than, is_readable},
    rooms::{self, Event, LocalRoom, Moment, RoomError, RoomPage, Say},
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
    RoomView(Cow<'a, str>, Page),
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

/// Which members of a room a client asks for.
#[derive(Debug, Default)]
pub(crate) struct Page {
    limit: Option<usize>,
    after: Option<Box<str>>,
}

impl Page {
    /// Reads `params` of `roomView`. Without them it is the first page.
    fn read(params: Option<&Field<'_>>) -> Result<Self, StellarError> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Asked {
            limit: Value,
            after: Value,
        }
        let asked: Asked = match params {
            None => Asked::default(),
            Some(Field::Raw(raw)) => serde_json::from_str(raw.get()).unwrap_or_default(),
            Some(Field::Value(value)) => Asked {
                limit: value.get("limit").cloned().unwrap_or_default(),
                after: value.get("after").cloned().unwrap_or_default(),
            },
        };
        let wrong = StellarError::invalid_type;
        let limit = match asked.limit {
            Value::Null => None,
            limit => {
                let number = limit.as_u64().filter(|number| *number > 0);
                let number = number.ok_or_else(|| wrong("limit", "a whole number from 1"))?;
                Some(usize::try_from(number).unwrap_or(usize::MAX))
            }
        };
        let after = match asked.after {
            Value::Null => None,
            Value::String(after) => Some(after.into_boxed_str()),
            _ => return Err(wrong("after", "the id of a member")),
        };
        Ok(Self { limit, after })
    }
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

    /// The content of a field. JSON is measured before it is copied.
    fn content(self, field: &Field<'_>, name: &str) -> Result<Option<Content>, StellarError> {
        if let Field::Raw(raw) = field {
            self.within(raw.get().len())?;
        }
        let content = field.to_content();
        if let Some(content) = &content {
            self.within(content.len())?;
            if is_deeper_than(content.as_raw().get(), self.depth) {
                let expected = format!("JSON of at most {} levels", self.depth);
                return Err(StellarError::invalid_type(name, &expected));
            }
        }
        Ok(content)
    }
}

/// A verb that waits for its turn; none is the last word: leave all rooms.
#[derive(Debug)]
pub(crate) struct PendingVerb(pub(super) Option<(Meta, Verb<'static>)>);

impl PendingVerb {
    pub(super) fn new(meta: Meta, verb: Verb<'static>) -> Self {
        Self(Some((meta, verb)))
    }

    pub(super) fn last() -> Self {
        Self(None)
    }

    pub(super) fn is_last(&self) -> bool {
        self.0.is_none()
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
                let page = Page::read(request.params.as_ref())?;
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
                let sent = request.event.as_ref().map(Field::to_text);
                Err(StellarError::verb_not_allowed(&told(sent.as_deref())))
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
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Asked {
            memberships: Value,
            goodbye: Value,
        }
        let asked: Asked = match params {
            None => Asked::default(),
            Some(Field::Raw(raw)) => serde_json::from_str(raw.get()).unwrap_or_default(),
            Some(Field::Value(value)) => Asked {
                memberships: value.get("memberships").cloned().unwrap_or_default(),
                goodbye: value.get("goodbye").cloned().unwrap_or_default(),
            },
        };
        Self {
            memberships: asked.memberships == true,
            goodbye: asked.goodbye == true,
        }
    }
}

/// A room's name; empty when there is none or it is no string.
fn room_of<'a>(field: &'a Option<Field<'_>>) -> Cow<'a, str> {
    field.as_ref().and_then(Field::as_str).unwrap_or_default()
}

/// The message of clients that have no `message`: the values of all other fields.
fn legacy_message(request: &Request<'_>, bounds: Bounds) -> Result<Option<Content>, StellarError> {
    let text = |field: &Field<'_>| match field.to_text() {
        text if text == "null" => String::new(),
        text => text.into_owned(),
    };
    let words: Vec<String> = request.others.iter().map(text).collect();
    if words.is_empty() {
        return Ok(None);
    }
    let message = Content::new(&words.join(" ")).ok();
    bounds.within(message.as_ref().map_or(0, Content::len))?;
    Ok(message)
}

/// Runs a verb and answers it.
pub(super) fn run(connection: &Connection, meta: Meta, verb: Verb<'_>) -> Flow {
    match verb {
        Verb::DetailsView { wants } => {
            // Before the details: no change is in neither of them.
            connection.push_from_now_on(wants.memberships, wants.goodbye);
            respond_ok(connection, &meta, Some(connection.details()));
            Flow::DONE
        }
        Verb::RoomAdd(room) => answer_membership(connection, meta, rooms::join(connection, &room)),
        Verb::RoomLeave(room) => {
            answer_membership(connection, meta, rooms::leave(connection, &room))
        }
        Verb::RoomView(room, page) => view(connection, meta, &room, page),
        Verb::Say { room, message } => say(connection, meta, &room, message),
        Verb::Event { room, event, data } => emit(connection, meta, &room, event, data),
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

/// The room a member speaks in. What it is told otherwise: 019 or 016.
fn as_member<T: Send + 'static>(
    connection: &Connection,
    room: &str,
    member: impl FnOnce(Arc<LocalRoom>) -> Flow<Result<T, RoomError>>,
) -> Flow<Result<T, RoomError>>
where
    Result<T, RoomError>: Unpin,
{
    if let Some(local) = rooms::find(connection, room) {
        return member(local);
    }
    let (id, room) = (connection.id().clone(), room.to_owned());
    let exists = connection.state().app.broker.exists(&room);
    exists.then(move |exists| {
        Flow::Ready(Err(match exists {
            Err(error) => error.into(),
            Ok(false) => StellarError::room_not_exist(&told(Some(&room))).into(),
            Ok(true) => StellarError::not_in_room(&id, &told(Some(&room))).into(),
        }))
    })
}

fn view(connection: &Connection, meta: Meta, room: &str, page: Page) -> Flow {
    if room.is_empty() {
        respond_error(connection, meta, &StellarError::room_required(), None);
        return Flow::DONE;
    }
    let app = &connection.state().app;
    let (broker, most) = (&app.broker, app.config.max_room_view);
    let limit = page.limit.unwrap_or(most).min(most);
    let members = as_member(connection, room, |local| {
        if !may_view(connection, &local, limit) {
            return Flow::Ready(Err(StellarError::too_many_messages().into()));
        }
        let name = local.name().clone();
        broker.members(&name).then(move |members| {
            Flow::Ready(match members {
                Ok(Some(members)) => Ok((name, members)),
                Ok(None) => Err(StellarError::room_not_exist(&name).into()),
                Err(error) => Err(error.into()),
            })
        })
    });
    let connection = connection.clone();
    members.map(move |result| match result {
        Ok((room, members)) => {
            let page = RoomPage::of(room, members, page.after.as_deref(), limit);
            respond_ok(&connection, &meta, Some(RoomView::from(page)));
        }
        Err(error) => respond_error(&connection, meta, &error.for_client(), None),
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
        Self {
            room: page.room,
            members_count: page.members_count,
            next: page.next,
            members: page
                .members
                .into_iter()
                .map(|member| (member.id.clone(), member))
                .collect(),
        }
    }
}

fn say(connection: &Connection, meta: Meta, room: &str, message: Content) -> Flow {
    let checked = as_member(connection, room, |local| {
        received(connection, &local, message, "message")
    });
    let connection = connection.clone();
    checked.then(move |result| match result {
        Ok((room, message)) => {
            respond_ok(&connection, &meta, None::<()>);
            publish(&connection, room, message)
        }
        Err(error) => {
            respond_error(&connection, meta, &error.for_client(), None);
            Flow::DONE
        }
    })
}

type Checked = Result<(Arc<str>, Content), RoomError>;

/// Leads a message through the hooks that see it once. What no hook can see, of those that see it
/// once or for each receiver, is refused; `field` is what it came in.
fn received(
    connection: &Connection,
    local: &LocalRoom,
    message: Content,
    field: &str,
) -> Flow<Checked> {
    let app = connection.state().app.clone();
    let room = local.name().clone();
    if !may_publish(connection, local, &message) {
        return Flow::Ready(Err(StellarError::too_many_messages().into()));
    }
    if app.hooks.receive.is_empty() {
        let is_fine = app.hooks.each.is_empty() || is_readable(message.as_raw().get());
        return Flow::Ready(if is_fine {
            Ok((room, message))
        } else {
            Err(unreadable(field).into())
        });
    }
    let Ok(value) = message.to_value() else {
        return Flow::Ready(Err(unreadable(field).into()));
    };
    let mut say = Say {
        room: room.clone(),
        from: Some(connection.id().to_shared()),
        message: value,
    };
    let connection = connection.clone();
    Flow::start(async move {
        for hook in app.hooks.receive.iter() {
            say = hook(&connection, say).await?;
        }
        Ok((room, Content::new(&say.message)?))
    })
}

/// Counts a message against the rates of its connection, its client and its room, in that order: one
/// that is over its own takes nothing from the others.
fn may_publish(connection: &Connection, local: &LocalRoom, message: &Content) -> bool {
    let state = connection.state();
    let rate = &state.app.config.publish_rate;
    let (len, now) = (message.len(), Moment::now());
    state.published.take(len, rate.connection, now)
        && of_client(connection, len, now)
        && local.published.take(len, rate.room, now)
}

fn of_client(connection: &Connection, len: usize, now: Moment) -> bool {
    let rate = connection.state().app.config.publish_rate.client;
    let usage = connection.usage();
    usage.is_none_or(|usage| usage.published.take(len, rate, now))
}

/// What a member takes of an answer to `roomView`, in bytes.
const MEMBER: usize = 80;

/// What a member costs that is looked at and not in the answer, in bytes of an answer.
const PASSED: usize = 4;

/// Counts a view of a room as what it answers with, and a little for its other members: a few bytes ask
/// for as much as the room is large.
fn may_view(connection: &Connection, local: &LocalRoom, limit: usize) -> bool {
    let state = connection.state();
    let rate = state.app.config.publish_rate.connection;
    let all = local.len();
    let answered = all.min(limit);
    let bytes = answered.saturating_mul(MEMBER) + (all - answered).saturating_mul(PASSED);
    let now = Moment::now();
    state.published.take(bytes, rate, now) && of_client(connection, bytes, now)
}

/// 003 for what a hook or a listener is to see and cannot.
fn unreadable(field: &str) -> StellarError {
    StellarError::invalid_type(field, PLAIN)
}

/// Hands a message to the broker. The sender has its answer already, so that it comes first.
fn publish(connection: &Connection, room: Arc<str>, message: Content) -> Flow {
    let from = Some(connection.id().to_shared());
    let app: &App = &connection.state().app;
    app.publish_say(room, from, message).map(|result| {
        if let Err(error) = result {
            tracing::error!(%error, "a message was lost on its way to the broker");
        }
    })
}

fn emit(
    connection: &Connection,
    meta: Meta,
    room: &str,
    event: String,
    data: Option<Content>,
) -> Flow {
    let message = rooms::event_content(&event, data.as_ref());
    let checked = as_member(connection, room, |local| match message {
        Ok(message) => received(connection, &local, message, "data"),
        Err(error) => Flow::Ready(Err(error.into())),
    });
    let connection = connection.clone();
    checked.then(move |result| match result {
        Ok((room, message)) => {
            let hooks = &connection.state().app.hooks;
            if hooks.has_listeners(&room, &event) {
                let data = data.as_ref().map_or(Ok(Value::Null), Content::to_value);
                let Ok(data) = data else {
                    respond_error(&connection, meta, &unreadable("data"), None);
                    return Flow::DONE;
                };
                let Some(place) = connection.begin_event() else {
                    respond_error(&connection, meta, &StellarError::too_many_pending(), None);
                    return Flow::DONE;
                };
                respond_ok(&connection, &meta, None::<()>);
                let told = hooks.tell(&Event {
                    connection: connection.clone(),
                    room: room.clone(),
                    event,
                    data,
                });
                if let Flow::Wait(listeners) = told {
                    // The sender's next verbs do not wait for them; its places are what bounds them.
                    tokio::spawn(async move {
                        let _place = place;
                        listeners.await;
                    });
                }
            } else {
                respond_ok(&connection, &meta, None::<()>);
            }
            publish(&connection, room, message)
        }
        Err(error) => {
            respond_error(&connection, meta, &error.for_client(), None);
            Flow::DONE
        }
    })
}
