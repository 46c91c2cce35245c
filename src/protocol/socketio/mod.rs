//! Requests and pushes as events of Socket.IO.
//!
//! | a client emits | request |
//! |---|---|
//! | `say` `(room, message)`, `roomAdd` `(room)`, `file` `(path)`, `detailsView` … | `{event, room, message, …}` |
//! | `action` `({action, …})` or `(name, {…})` | `{event:"action", params}` |
//! | `event` `(room, event, data)` | `{event:"event", params:{room, event, data}}` |
//! | any other event | `{event, args:[…]}` |
//!
//! The acknowledgement of an event is the one response to its request. A push is an event named by its
//! `context`: `user`, `alert`, `api`, `welcome`, and besides `message` also `api` for any context of the
//! application's own. An event of a room is sent as `user` and under its own name, unless it could pass for
//! an event of the server or the client itself.

mod incoming;
mod outgoing;

use std::borrow::Cow;

use stellarfw_socketio::{Audience, ClientEvent, Emission, EventMap};

/// Maps Stellar's messages to events of Socket.IO.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StellarEvents;

impl EventMap for StellarEvents {
    fn payload<'a>(&self, event: &ClientEvent<'_, 'a>) -> Cow<'a, [u8]> {
        incoming::payload(event)
    }

    fn events<'a>(&self, payload: &'a [u8], audience: Audience) -> Emission<'a> {
        outgoing::events(audience.encoding, payload, audience.into())
    }
}
