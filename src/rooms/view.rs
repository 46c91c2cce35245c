//! Views of a room: pages of its members for one of them.

use stellarfw_broker::Member;
use stellarfw_transport::{Flow, SparkLease};

use super::{RoomError, RoomPage, Rooms};
use crate::{
    connections::{Connection, Group, Moment},
    protocol::StellarError,
};

/// The page of members that a client asks for.
#[derive(Debug, Default)]
pub(crate) struct PageRequest {
    /// The most members; `None` for as many as the settings allow.
    pub(crate) limit: Option<usize>,
    /// The id after which the page begins.
    pub(crate) after: Option<Box<str>>,
}

/// The bytes of a response to `roomView` for each member that it lists: its id twice, and when it joined.
const LISTED: usize = 140;

/// The bytes that each other member counts.
const PASSED: usize = 4;

/// The memory of a member where all members are collected, and of one that is listed, in bytes.
const COLLECTED: usize = size_of::<Member>();
const RESPONSE: usize = 2 * LISTED + 2 * size_of::<Member>();

/// A page of members, and what it and its response hold of the memory budget.
pub(crate) struct LeasedPage {
    pub(crate) page: RoomPage,
    pub(crate) lease: Option<SparkLease>,
}

impl Rooms {
    /// Returns a page of a room's members to one of them.
    ///
    /// # Errors
    /// 021 without a name, 019 or 016 for a connection that is no member, 025 over the rates, 007 if the
    /// memory budget has no room.
    pub(crate) fn view(
        &self,
        connection: &Connection,
        room: &str,
        page: PageRequest,
    ) -> Flow<Result<LeasedPage, RoomError>> {
        if room.is_empty() {
            return Flow::Ready(Err(StellarError::room_required().into()));
        }
        let Some(local) = connection.state().memberships.find(room) else {
            return self.not_a_member(connection, room);
        };
        let most = self.0.settings.max_view;
        let limit = page.limit.unwrap_or(most).min(most);
        if !self.may_view(connection, &local, limit) {
            return Flow::Ready(Err(StellarError::too_many_messages().into()));
        }
        let all = local.len();
        let lease = match connection.lease_work(all * COLLECTED + all.min(limit) * RESPONSE) {
            Ok(lease) => lease,
            Err(error) => return Flow::Ready(Err(error.into())),
        };
        let name = local.name().clone();
        self.0
            .broker
            .members(&name)
            .map(move |members| match members {
                Ok(Some(members)) => Ok(LeasedPage {
                    page: RoomPage::of(name, members, page.after.as_deref(), limit),
                    lease,
                }),
                Ok(None) => Err(StellarError::room_not_exist(&name).into()),
                Err(error) => Err(error.into()),
            })
    }

    /// Counts a view as the bytes of its response, and a little for the other members: a few bytes
    /// ask for as much as the room is large.
    fn may_view(&self, connection: &Connection, local: &Group, limit: usize) -> bool {
        let all = local.len();
        let listed = all.min(limit);
        let bytes = listed.saturating_mul(LISTED) + (all - listed).saturating_mul(PASSED);
        self.may_take(connection, bytes, Moment::now())
    }
}
