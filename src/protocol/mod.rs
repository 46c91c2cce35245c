//! The messages of the protocol: from bytes to types and back, without I/O and without state.

mod error;
pub(crate) mod json;
pub(crate) mod packed;
mod push;
mod response;
#[cfg(feature = "socketio")]
mod socketio;
mod text;
pub(crate) mod time;
mod values;

pub use self::error::StellarError;
#[cfg(feature = "socketio")]
pub(crate) use self::socketio::StellarEvents;
pub(crate) use self::{
    push::{context_frame, publication_frame, push_frame, push_object},
    response::ResponseEnvelope,
    text::truncate_for_error,
    values::Text,
};
