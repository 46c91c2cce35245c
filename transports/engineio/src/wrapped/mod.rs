//! Engine.IO by the library engineioxide, behind a front. The engine of Socket.IO is built on it until that is on
//! [`Session`](crate::Session)s of this crate's own.

mod entry;
mod first_ping;
mod front;
mod handshake;
mod inlet;
mod library;
mod outlet;
mod paced;
mod packets;
mod polling;
mod request;
mod seats;
mod session;
mod websocket;
mod wire;

use crate::config;
pub use stellarfw_websocket::COPY_MAX;

pub use self::{
    front::{Front, FrontOptions, library_config},
    library::{Attached, Library, Put, Sent, Sink},
    paced::Paced,
    seats::{Seat, SeatSink},
    session::{Session, protocol},
    wire::put_header,
};
