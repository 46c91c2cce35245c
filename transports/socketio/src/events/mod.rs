//! How events and payloads correspond.
//!
//! A payload is one value. An event has a name, any number of arguments, and perhaps an
//! acknowledgement. An [`EventMap`] defines how one becomes the other; all values stay encoded.

mod messages;
mod plain;

use std::{borrow::Cow, fmt, sync::Arc};

pub use self::{messages::MessageEvents, plain::PlainEvents};
use crate::encoding::{Encoding, EventArgs};

/// Maps a client's events to payloads, and payloads to the server's events.
///
/// The default is [`MessageEvents`], or [`PlainEvents`] with
/// [`SocketIoConfig::plain_events`](crate::SocketIoConfig::plain_events). A layer above the transport layer
/// that has commands of its own gives the server another one, see [`Events`].
pub trait EventMap: Send + Sync + 'static {
    /// Returns the payload of a client's event.
    ///
    /// An event that has no payload gives an empty one, which is reported to
    /// [`Handler::error`](stellarfw_transport::Handler::error) as undecodable.
    fn payload<'a>(&self, event: &ClientEvent<'_, 'a>) -> Cow<'a, [u8]>;

    /// Returns the events that carry a payload to a client.
    fn events<'a>(&self, payload: &'a [u8], audience: Audience) -> Emission<'a>;

    /// Returns `true` if bytes in arguments, `{"type":"Buffer",…}` in JSON, are sent as attachments.
    /// Default: no.
    fn sends_attachments(&self) -> bool {
        false
    }
}

/// The event map of a server, as an [extension](stellarfw_transport::ServerBuilder::extension) of it.
///
/// ```
/// # use std::borrow::Cow;
/// use stellarfw_socketio::{Audience, ClientEvent, Emission, EventMap, Events, SocketIo};
/// use stellarfw_transport::Server;
///
/// /// Every event is `[name, …arguments]`.
/// struct Lists;
///
/// impl EventMap for Lists {
///     fn payload<'a>(&self, event: &ClientEvent<'_, 'a>) -> Cow<'a, [u8]> {
///         let (name, args) = (event.encoding.string(event.name), event.args.to_list());
///         event.encoding.list(&[&name, &args]).into()
///     }
///
///     fn events<'a>(&self, _: &'a [u8], _: Audience) -> Emission<'a> {
///         Emission::Event("message".into())
///     }
/// }
///
/// let server = Server::builder()
///     .extension(Events::new(Lists))
///     .transport(SocketIo::default())
///     .build();
/// ```
#[derive(Clone)]
pub struct Events(pub(crate) Arc<dyn EventMap>);

impl Events {
    /// Wraps an event map.
    #[must_use]
    pub fn new(map: impl EventMap) -> Self {
        Self(Arc::new(map))
    }

    /// Returns the payload of an event, which is the encoded list of its name and its arguments.
    ///
    /// `message_id` is called if the list is an event. Returns `None` if it is not a list of 1 to 65,536
    /// items that begins with a string.
    pub fn payload<'a>(
        &self,
        encoding: Encoding,
        list: &'a [u8],
        message_id: impl FnOnce() -> Option<String>,
    ) -> Option<Cow<'a, [u8]>> {
        let (name, args) = encoding.event(list)?;
        Some(self.0.payload(&ClientEvent {
            encoding,
            name: &name,
            args,
            message_id: message_id().as_deref(),
        }))
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Events").finish_non_exhaustive()
    }
}

/// An event of a client.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ClientEvent<'e, 'a> {
    /// The encoding of the arguments and of the payload.
    pub encoding: Encoding,
    /// The event's name.
    pub name: &'e str,
    /// The arguments.
    pub args: EventArgs<'a>,
    /// The id of its acknowledgement: a payload that is a response with this id acknowledges the event.
    /// `None` if the client awaits no acknowledgement.
    pub message_id: Option<&'e str>,
}

/// The client that a payload is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Audience {
    /// The encoding of the payload.
    pub encoding: Encoding,
    /// Pushes have names of their own: [`SocketIoConfig::named_events`](crate::SocketIoConfig).
    pub named_events: bool,
    /// The client speaks Socket.IO 2.
    pub is_v2: bool,
}

impl Audience {
    pub(crate) fn new(encoding: Encoding, named_events: bool, is_v2: bool) -> Self {
        Self {
            encoding,
            named_events,
            is_v2,
        }
    }
}

/// What a payload is sent as.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Emission<'a> {
    /// One event of this name, with the payload as its argument.
    Event(Cow<'a, str>),
    /// Events, one after the other.
    Events(Vec<ServerEvent<'a>>),
    /// The acknowledgement of the client's event with this message id. If none is awaited, the payload
    /// is sent as `otherwise`, or dropped if that is `None`.
    Ack {
        /// The message id.
        id: Cow<'a, str>,
        /// The arguments.
        args: ServerArgs<'a>,
        /// The name of the event instead of it.
        otherwise: Option<&'static str>,
    },
}

/// An event of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerEvent<'a> {
    /// The event's name.
    pub name: Cow<'a, str>,
    /// The arguments.
    pub args: ServerArgs<'a>,
}

/// The arguments of a server's event, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerArgs<'a> {
    /// One by one.
    Items(Vec<Cow<'a, [u8]>>),
    /// All in one list.
    List(&'a [u8]),
}

/// Returns `true` for the control messages of the transport layer, which applications do not handle.
#[must_use]
pub fn is_control(encoding: Encoding, payload: &[u8]) -> bool {
    if memchr::memmem::find(&payload[..payload.len().min(16)], b"primus::").is_none() {
        return false;
    }
    let Some(text) = encoding.text(payload) else {
        return false;
    };
    text == "primus::server::close"
        || ["primus::ping::", "primus::pong::", "primus::id::"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
}

/// Returns the name of the event for a payload that has no name of its own: `primus` for control messages,
/// `message` for all others.
#[must_use]
pub fn default_event(encoding: Encoding, payload: &[u8]) -> &'static str {
    match is_control(encoding, payload) {
        true => "primus",
        false => "message",
    }
}
