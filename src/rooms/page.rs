//! Pages of a room's members.

use std::sync::Arc;

use stellarfw_broker::Member;

use super::RoomName;

/// Some of a room's members, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomPage {
    /// The room's name.
    pub room: RoomName,
    /// The members of this page.
    pub members: Vec<Member>,
    /// How many members the room has in all.
    pub members_count: usize,
    /// The id after which the next page begins; `None` if this is the last one.
    pub next: Option<Arc<str>>,
}

impl RoomPage {
    /// Takes from all members those that come after an id, at most `limit` of them and at least one.
    pub(crate) fn of(
        room: RoomName,
        mut members: Vec<Member>,
        after: Option<&str>,
        limit: usize,
    ) -> Self {
        let members_count = members.len();
        if let Some(after) = after {
            members.retain(|member| &*member.id > after);
        }
        let limit = limit.max(1);
        let mut next = None;
        if members.len() > limit {
            // Only those of the page are sorted: a room may be large, and its pages small.
            members.select_nth_unstable_by(limit - 1, |a, b| a.id.cmp(&b.id));
            members.truncate(limit);
            next = members.last().map(|last| last.id.clone());
        }
        members.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Self {
            room,
            members,
            members_count,
            next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(count: usize) -> Vec<Member> {
        // In no order, as brokers give them.
        let ids = (0..count).map(|n| format!("{:04}", n * 7_919 % count));
        ids.map(|id| Member::new(id, 0)).collect()
    }

    #[test]
    fn the_pages_together_are_all_members_in_order() {
        for (count, limit) in [(0, 5), (1, 5), (5, 5), (6, 5), (100, 7), (100, 1), (3, 0)] {
            let mut seen = Vec::new();
            let mut after: Option<Arc<str>> = None;
            loop {
                let page = RoomPage::of("r".into(), room(count), after.as_deref(), limit);
                assert_eq!(page.members_count, count);
                assert!(page.members.len() <= limit.max(1));
                seen.extend(page.members.iter().map(|member| member.id.to_string()));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            let all: Vec<_> = (0..count).map(|n| format!("{n:04}")).collect();
            assert_eq!(seen, all, "{count} by {limit}");
        }
        // One who left meanwhile is no reason to begin anew.
        let page = RoomPage::of("r".into(), room(10), Some("0003x"), 2);
        let ids: Vec<_> = page.members.iter().map(|member| &*member.id).collect();
        assert_eq!(
            (ids, page.next.as_deref()),
            (vec!["0004", "0005"], Some("0005"))
        );
        assert_eq!(RoomPage::of("r".into(), room(3), Some("z"), 2).next, None);
    }
}
