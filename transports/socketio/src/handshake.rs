//! From a session to a connection: the client asks to be let into a namespace.

use std::{fmt::Display, future::Future, pin::Pin, sync::Arc, time::Duration};

use http::{Extensions, StatusCode, request::Parts};
use socketioxide::{handler::ConnectHandler, socket::Socket};
use socketioxide_core::Value;
use stellarfw_engineio::wrapped::{Seat, Session};
use stellarfw_transport::Refusal;

use crate::{
    SocketIo,
    codec::{Codec, Mode, Style},
    outlet::{Out, SeatOut},
    session::Events,
};

/// What the client sent along when it asked to be let in (`auth` of socket.io-client). The
/// [authorizer](stellarfw_transport::Authorizer) finds it in the request's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth(pub serde_json::Value);

impl Auth {
    fn read(value: &Value) -> Option<Self> {
        let value = match value {
            Value::Str(text, _) => serde_json::from_str(text).ok()?,
            Value::Bytes(bytes) => rmp_serde::from_slice(bytes).ok()?,
        };
        Some(Self(value))
    }
}

/// The namespace that a connection is to. Where the server has
/// [several](crate::SocketIoConfig::namespaces), the authorizer finds it in the request's
/// extensions, and a spark in those of its handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace(pub Arc<str>);

impl Namespace {
    /// The one in these extensions; `/` where there is none.
    #[must_use]
    pub fn of(extensions: &Extensions) -> &str {
        extensions.get().map_or("/", |Self(name)| name)
    }
}

/// How long a client that was not let in may take to leave by itself.
const LEAVE: Duration = Duration::from_secs(1);

/// The way into a namespace.
#[derive(Clone, Debug)]
pub(crate) struct Entrance {
    pub(crate) mode: Mode,
    pub(crate) style: Style,
    /// How long a payload may be.
    pub(crate) longest: usize,
    /// Its name, and its number among those there are.
    pub(crate) namespace: (Arc<str>, u32),
    /// There are others.
    pub(crate) is_one_of_several: bool,
}

pub(crate) fn session(socket: &Socket) -> Option<Arc<Session>> {
    socket.req_parts().extensions.get().cloned()
}

impl Entrance {
    /// Lets a client in, or does not.
    async fn admit(
        &self,
        session: &Arc<Session>,
        codec: &Arc<Codec>,
        auth: Option<Auth>,
    ) -> Result<Option<Arc<Seat>>, Refusal> {
        let name = &self.namespace.0;
        if !self.is_one_of_several {
            let admitted = session.admit(SocketIo::NAME, |parts| tell(parts, auth));
            admitted.await?;
            session.attach(codec.clone());
            return Ok(None);
        }
        let admitted = session.admit_seat(SocketIo::NAME, name, codec.clone(), |parts| {
            tell(parts, auth);
            parts.extensions.insert(Namespace(name.clone()));
        });
        admitted.await.map(Some)
    }
}

fn tell(parts: &mut Parts, auth: Option<Auth>) {
    if let Some(auth) = auth {
        parts.extensions.insert(auth);
    }
}

/// Parts with a client that was not let in, unless it is in another namespace.
async fn part(session: &Arc<Session>, refusal: &Refusal) {
    if session.has_seats() {
        return;
    }
    if refusal.status() == StatusCode::SERVICE_UNAVAILABLE {
        // A client that is told so stays away; one whose transport closes comes again.
        session.hang_up();
        tokio::time::sleep(LEAVE).await;
        return;
    }
    let session = Arc::downgrade(session);
    tokio::spawn(async move {
        tokio::time::sleep(LEAVE).await;
        if let Some(session) = session.upgrade()
            && !session.has_seats()
        {
            session.hang_up();
        }
    });
}

type Verdict<'a> = Pin<Box<dyn Future<Output = Result<(), Box<dyn Display + Send>>> + Send + 'a>>;

impl ConnectHandler<socketioxide::adapter::LocalAdapter, ()> for Entrance {
    fn call_middleware<'a>(&'a self, socket: Arc<Socket>, auth: &'a Option<Value>) -> Verdict<'a> {
        Box::pin(async move {
            let refused = |text: String| -> Box<dyn Display + Send> { Box::new(text) };
            let session = session(&socket).ok_or_else(|| refused("No session".into()))?;
            let auth = auth.as_ref().and_then(Auth::read);
            let codec = Arc::new(Codec::new(self, session.is_v3()));
            let seat = match self.admit(&session, &codec, auth).await {
                Ok(seat) => seat,
                Err(refusal) => {
                    part(&session, &refusal).await;
                    return Err(refused(refusal.message().to_owned()));
                }
            };
            // The client may send as soon as it is told that it is in, which is before the library
            // calls us again.
            let events = Events {
                session,
                seat,
                codec,
            };
            socket.on_disconnect::<_, ()>(events.clone());
            socket.on_fallback::<_, ()>(events);
            Ok(())
        })
    }

    fn call(&self, socket: Arc<Socket>, _: Option<Value>) {
        let Some(session) = session(&socket) else {
            return;
        };
        if self.is_one_of_several {
            if let Some(seat) = session.seat(&self.namespace.0)
                && let Some(codec) = seat.attachment()
            {
                let out = SeatOut {
                    socket: socket.clone(),
                    seat: Arc::downgrade(&seat),
                    codec,
                };
                seat.open(socket.id, Arc::new(out));
            }
            return;
        }
        if let Some(codec) = session.attachment() {
            let out = Out {
                socket: socket.clone(),
                session: Arc::downgrade(&session),
                codec,
            };
            session.open(socket.id, Arc::new(out), true);
        }
    }
}
