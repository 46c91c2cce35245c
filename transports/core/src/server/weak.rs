//! A handle of a server that does not keep it alive.

use std::{fmt, sync::Weak};

use super::{Server, ServerInner};

/// A [`Server`] that is not kept alive by this handle, for what the server itself keeps.
#[derive(Clone)]
pub struct WeakServer(pub(super) Weak<ServerInner>);

impl WeakServer {
    /// The server, if it still exists.
    #[must_use]
    pub fn upgrade(&self) -> Option<Server> {
        self.0.upgrade().map(Server)
    }
}

impl fmt::Debug for WeakServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakServer")
    }
}
