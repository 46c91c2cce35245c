//! Helpers that targets share.

mod input;
mod notes;
mod requests;
mod stream;

pub use self::{
    input::{Numbers, Pieces, cut},
    notes::{Noted, Notes},
    requests::request,
    stream::{Sent, gone, pause, put_frame, websocket},
};
