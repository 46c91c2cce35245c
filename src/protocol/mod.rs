//! The messages of the protocol: from bytes to types and back, without I/O and without state.

mod error;
pub(crate) mod json;
mod push;
mod text;
pub(crate) mod time;

pub use self::error::StellarError;
pub(crate) use self::{
    push::{Text, context_frame, publication_frame, push_frame, push_object},
    text::truncate_for_error,
};
