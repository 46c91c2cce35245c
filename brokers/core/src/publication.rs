//! Publications: a message or push with its target.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Content, now_ms};

/// A message, push or notice with its target and its sender.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Publication {
    /// Who receives it.
    pub target: Target,
    /// A connection that does not receive it, though it is part of the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<Arc<str>>,
    /// The connection that sent it; `None` for the server.
    pub from: Option<Arc<str>>,
    /// When it was sent, in milliseconds since 1970.
    pub sent_at: u64,
    /// What is delivered.
    pub kind: PublicationKind,
}

/// The receivers of a publication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Target {
    /// The members of a room.
    Room(Arc<str>),
    /// The members of several rooms.
    ///
    /// Each receives it once, as a message of the first of the rooms that it is a member of. A
    /// process with receivers in several of them receives it once.
    Rooms(Arc<[Arc<str>]>),
    /// One connection, in any process.
    Connection(Arc<str>),
    /// Every connection.
    All,
}

/// What a publication delivers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PublicationKind {
    /// A chat message, or an event as `{event, data}`: any JSON value.
    Say(Content),
    /// A push: a JSON object that includes its context.
    Push(Content),
    /// The room was destroyed.
    Destroyed,
}

impl Publication {
    /// Creates a publication of the server's, sent now.
    #[must_use]
    pub fn new(target: Target, kind: PublicationKind) -> Self {
        Self {
            target,
            except: None,
            from: None,
            sent_at: now_ms(),
            kind,
        }
    }

    /// Sets the connection that sends it. Default: `None`, the server.
    #[must_use]
    pub fn from(mut self, connection: Option<Arc<str>>) -> Self {
        self.from = connection;
        self
    }

    /// Leaves a connection out. Default: `None`.
    #[must_use]
    pub fn except(mut self, connection: Option<Arc<str>>) -> Self {
        self.except = connection;
        self
    }

    /// Sets when it was sent, in milliseconds since 1970. Default: now.
    #[must_use]
    pub fn sent_at(mut self, sent_at: u64) -> Self {
        self.sent_at = sent_at;
        self
    }

    /// Returns the same publication for another target.
    #[must_use]
    pub fn to(&self, target: Target) -> Self {
        Self {
            target,
            ..self.clone()
        }
    }
}
