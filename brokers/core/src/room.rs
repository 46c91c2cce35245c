//! Rooms and their members.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A member of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Member {
    /// The id of its connection.
    pub id: Arc<str>,
    /// When it joined, in milliseconds since 1970.
    pub joined_at: u64,
}

impl Member {
    /// Creates a member from the id of its connection and the time of its join in milliseconds
    /// since 1970.
    pub fn new(id: impl Into<Arc<str>>, joined_at: u64) -> Self {
        Self {
            id: id.into(),
            joined_at,
        }
    }
}

/// Options for creating a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct RoomOptions {
    /// The most members it may have, of all processes together. Default: `None`, no limit of its
    /// own.
    pub max_members: Option<usize>,
}

impl RoomOptions {
    /// Limits the room to `max` members.
    #[must_use]
    pub fn max_members(max: usize) -> Self {
        Self {
            max_members: Some(max),
        }
    }
}

/// The outcome of [`Broker::join`](crate::Broker::join).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Joined {
    /// The connection is a member now.
    Joined,
    /// It was a member already.
    Already,
    /// There is no such room.
    NoRoom,
    /// The room has [`RoomOptions::max_members`] members.
    Full,
}
