//! How a session is let in: at its first request, or when its client asks for it later.

use std::time::Duration;

use http::request::Parts;
use stellarfw_transport::{Admission, Refusal, Reservation, Server};

use crate::wrapped::session::Session;

/// What a session is opened with.
pub(crate) enum Entry {
    /// It may come in.
    Admitted(Server, Box<Admission>),
    /// That is yet to be decided, on its first request. Until then it has the places of a handshake;
    /// `None` while one of several asks with them.
    Asked(Server, Box<Parts>, Option<Box<Reservation>>),
    /// Several may come in by it over the transport of this name, and the first has: its place is
    /// another's.
    Open(Server, Box<Parts>, &'static str),
    /// It may not, and keeps its place until it has gone.
    Refused {
        /// Held, not used.
        _places: Option<Box<Reservation>>,
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
        let Some(Entry::Asked(server, mut parts, Some(places))) = taken else {
            *self.entry.lock() = taken;
            return Err(Refusal::new("Already connected"));
        };
        change(&mut parts);
        match server.authorize(name, places, &mut parts).await {
            Ok(admission) => {
                *self.entry.lock() = Some(Entry::Admitted(server, Box::new(admission)));
                Ok(())
            }
            Err((refusal, places)) => {
                let _places = Some(places);
                *self.entry.lock() = Some(Entry::Refused { _places });
                Err(refusal)
            }
        }
    }

    /// As [`Session::admit`], for one of several: the first asks with the places that the session
    /// has, the others take places of their own.
    pub(crate) async fn admit_one(
        &self,
        name: &'static str,
        server: &Server,
        parts: &mut Parts,
    ) -> Result<Admission, Refusal> {
        let places = match self.entry.lock().as_mut() {
            Some(Entry::Asked(_, _, places)) => places.take(),
            _ => None,
        };
        let Some(places) = places else {
            return server.admit(name, parts).await;
        };
        let verdict = server.authorize(name, places, parts).await;
        verdict.map_err(|(refusal, places)| {
            // The session keeps them until another is let in, or it has gone.
            if let Some(Entry::Asked(_, _, of_session)) = self.entry.lock().as_mut() {
                *of_session = Some(places);
            }
            refusal
        })
    }

    /// The request of a client that asks, or may ask once more.
    pub(crate) fn asked(&self) -> Option<(Server, Parts)> {
        match self.entry.lock().as_ref()? {
            Entry::Asked(server, parts, _) | Entry::Open(server, parts, _) => {
                Some((server.clone(), (**parts).clone()))
            }
            _ => None,
        }
    }

    /// One of several has been let in.
    pub(crate) fn settled(&self, name: &'static str) {
        let mut entry = self.entry.lock();
        *entry = match entry.take() {
            Some(Entry::Asked(server, parts, _)) => Some(Entry::Open(server, parts, name)),
            other => other,
        };
    }

    /// The last of several has left. Returns how long the client may take to ask for another, or
    /// `None` if there is no place for it to wait in.
    pub(crate) fn unsettled(&self) -> Option<Duration> {
        let mut entry = self.entry.lock();
        let Some(Entry::Open(server, parts, name)) = &*entry else {
            return None;
        };
        let places = server.reserve(name, parts).ok()?;
        let timeout = server.config().handshake_timeout();
        if let Some(Entry::Open(server, parts, _)) = entry.take() {
            *entry = Some(Entry::Asked(server, parts, Some(Box::new(places))));
        }
        Some(timeout)
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
