//! Pushes of the server's own that a client asks for.

use std::sync::atomic::Ordering;

use serde::Serialize;

use super::Connection;

impl Connection {
    /// Sends the client from now on changes of its memberships, or when to reconnect.
    pub(crate) fn subscribe(&self, memberships: bool, goodbye: bool) {
        let state = self.state();
        if memberships {
            state.wants_memberships.store(true, Ordering::Release);
        }
        if goodbye {
            state.wants_goodbye.store(true, Ordering::Release);
        }
    }

    /// Pushes to a client that asked for it to reconnect after a random part of so many
    /// milliseconds. 0 leaves the delay to the client.
    pub(crate) fn push_goodbye(&self, reconnect_within: u64) {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Goodbye {
            context: &'static str,
            reconnect_within: u64,
        }
        if reconnect_within == 0 || !self.state().wants_goodbye.load(Ordering::Acquire) {
            return;
        }
        let push = Goodbye {
            context: "goodbye",
            reconnect_within,
        };
        // One that cannot take it is gone or ended for that.
        self.spark().send(&push).ok();
    }

    /// Pushes to a client that asked for it that the server added it to a room or removed it.
    pub(crate) fn push_membership(&self, room: &str, joined: bool) {
        #[derive(Serialize)]
        struct Membership<'a> {
            context: &'static str,
            room: &'a str,
            joined: bool,
        }
        if !self.state().wants_memberships.load(Ordering::Acquire) {
            return;
        }
        let push = Membership {
            context: "membership",
            room,
            joined,
        };
        // A connection that does not take it is closed or closing, and its memberships end anyway.
        self.spark().send(&push).ok();
    }
}
