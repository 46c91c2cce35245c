//! Connections: Stellar's view of a spark, and what is kept for it.

mod availability;
mod byte_rate;
mod connection;
mod extensions;
mod group;
mod hooks;
mod leases;
mod memberships;
mod middleware;
mod places;
mod pushes;
mod queue;
mod session_key;
mod sessions;
mod state;
pub(crate) mod usage;

pub(crate) use self::{
    availability::Availability,
    byte_rate::{ByteMeter, Moment},
    group::{Group, Groups},
    hooks::{ConnectionHooks, Hooks, caught},
    memberships::{Memberships, NotAdded},
    middleware::HookSet,
    places::Place,
    queue::Job,
    sessions::is_cookie_name,
    state::{ConnectionLimits, Connections, State},
    usage::Usage,
};
pub use self::{
    byte_rate::ByteRate,
    connection::Connection,
    extensions::Extensions,
    middleware::ConnectionMiddleware,
    session_key::SessionKey,
    sessions::{Session, Sessions},
};
