//! How a session is let in: at its first request, or when its client asks for it later.

use http::request::Parts;
use stellarfw_transport::{Admission, Refusal, Server};
use tokio::sync::OwnedSemaphorePermit;

use crate::session::Session;

/// What a session is opened with.
pub(crate) enum Entry {
    /// It may come in.
    Admitted(Server, Box<Admission>),
    /// That is yet to be decided, on its first request. Until then it has one of the places of
    /// those who are not in.
    Asked(Server, Box<Parts>, OwnedSemaphorePermit),
    /// Several may come in by it, and the first has: its place is another's.
    Open(Server, Box<Parts>),
    /// It may not, and keeps its place until it has gone.
    Refused {
        /// Held, not used.
        _place: OwnedSemaphorePermit,
    },
}

impl Session {
    /// Decides whether the client may come in, for engines whose clients ask for that after their
    /// first request. `change` may add what the client says of itself. Not cancel safe: dropped while
    /// the authorizer is asked, the client is not let in.
    ///
    /// # Errors
    /// The refusal that the client is to be told.
    pub async fn admit(
        &self,
        name: &'static str,
        change: impl FnOnce(&mut Parts),
    ) -> Result<(), Refusal> {
        let taken = self.entry.lock().take();
        let Some(Entry::Asked(server, mut parts, place)) = taken else {
            *self.entry.lock() = taken;
            return Err(Refusal::new("Already connected"));
        };
        change(&mut parts);
        match server.admit(name, &mut parts).await {
            Ok(admission) => {
                *self.entry.lock() = Some(Entry::Admitted(server, Box::new(admission)));
                Ok(())
            }
            Err(refusal) => {
                *self.entry.lock() = Some(Entry::Refused { _place: place });
                Err(refusal)
            }
        }
    }

    /// The request of a client that asks, or may ask once more.
    pub(crate) fn asked(&self) -> Option<(Server, Parts)> {
        match self.entry.lock().as_ref()? {
            Entry::Asked(server, parts, _) | Entry::Open(server, parts) => {
                Some((server.clone(), (**parts).clone()))
            }
            _ => None,
        }
    }

    /// One of several has been let in.
    pub(crate) fn settled(&self) {
        let mut entry = self.entry.lock();
        *entry = match entry.take() {
            Some(Entry::Asked(server, parts, _place)) => Some(Entry::Open(server, parts)),
            other => other,
        };
    }

    /// Takes the admission out, if there is one.
    pub(crate) fn admitted(&self) -> Option<(Server, Admission)> {
        let mut entry = self.entry.lock();
        match entry.take()? {
            Entry::Admitted(server, admission) => Some((server, *admission)),
            other => {
                *entry = Some(other);
                None
            }
        }
    }
}
