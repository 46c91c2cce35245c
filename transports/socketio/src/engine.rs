//! The protocol on Engine.IO's sessions.

use std::{sync::Arc, time::Duration};

use http::{Request, request::Parts};
use stellarfw_engineio::{Consumer, Protocol, Session, Version};
use stellarfw_transport::{Refusal, Reservation, Server};

use crate::{SocketIo, SocketIoConfig, client::Client, codec::Codec};

/// What all clients of a server share.
pub(crate) struct Engine {
    pub(crate) codec: Codec,
    namespaces: Vec<Arc<str>>,
    has_several: bool,
    connect_timeout: Duration,
}

impl Engine {
    pub(crate) fn new(config: &SocketIoConfig, server: &Server) -> Self {
        Self {
            codec: Codec::new(config, server),
            namespaces: config
                .namespaces
                .iter()
                .map(|name| (&**name).into())
                .collect(),
            has_several: config.has_several(),
            connect_timeout: config.connect_timeout(server.config()),
        }
    }

    /// Returns `true` if there are other namespaces than `/`.
    pub(crate) fn has_several(&self) -> bool {
        self.has_several
    }

    /// Returns the name of the namespace of this number.
    pub(crate) fn namespace(&self, number: u32) -> &Arc<str> {
        // Numbers come from `number` alone.
        &self.namespaces[number as usize]
    }

    /// Returns the number of the namespace of this name.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        let at = self.namespaces.iter().position(|known| **known == *name)?;
        u32::try_from(at).ok()
    }
}

/// Socket.IO on Engine.IO's sessions.
pub(crate) struct SocketIoProtocol(pub(crate) Arc<Engine>);

impl Protocol for SocketIoProtocol {
    /// The places of the session, and the request for the authorizer: it decides when the client asks to
    /// connect to a namespace.
    type Accepted = (Box<Reservation>, Box<Parts>);

    async fn accept(&self, server: &Server, parts: &mut Parts) -> Result<Self::Accepted, Refusal> {
        let places = Box::new(server.reserve(SocketIo::NAME, parts)?);
        let empty = Request::new(()).into_parts().0;
        Ok((places, Box::new(std::mem::replace(parts, empty))))
    }

    fn open(
        &self,
        server: &Server,
        (places, request): Self::Accepted,
        session: &Arc<Session>,
    ) -> Arc<dyn Consumer> {
        let Self(engine) = self;
        let client = Client::new(engine, server, session, request, places);
        session.set_deadline(engine.connect_timeout);
        // A client of Socket.IO 2 is in this namespace without asking.
        if session.version() == Version::V3
            && let Some(number) = engine.number("/")
        {
            client.connect(number, None);
        }
        client
    }
}
