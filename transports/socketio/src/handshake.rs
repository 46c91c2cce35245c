//! From a session to a connection: the client asks to be let into the namespace `/`.

use std::{fmt::Display, future::Future, pin::Pin, sync::Arc, time::Duration};

use http::StatusCode;
use socketioxide::{handler::ConnectHandler, socket::Socket};
use socketioxide_core::Value;
use stellarfw_engineio::Session;

use crate::{
    SocketIo,
    codec::{Codec, Mode, Style},
    outlet::Out,
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

/// How long a client that was not let in may take to leave by itself.
const LEAVE: Duration = Duration::from_secs(1);

/// The way into the namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entrance {
    pub(crate) mode: Mode,
    pub(crate) style: Style,
}

pub(crate) fn session(socket: &Socket) -> Option<Arc<Session>> {
    socket.req_parts().extensions.get().cloned()
}

type Verdict<'a> = Pin<Box<dyn Future<Output = Result<(), Box<dyn Display + Send>>> + Send + 'a>>;

impl ConnectHandler<socketioxide::adapter::LocalAdapter, ()> for Entrance {
    fn call_middleware<'a>(&'a self, socket: Arc<Socket>, auth: &'a Option<Value>) -> Verdict<'a> {
        Box::pin(async move {
            let refused = |text: String| -> Box<dyn Display + Send> { Box::new(text) };
            let session = session(&socket).ok_or_else(|| refused("No session".into()))?;
            let auth = auth.as_ref().and_then(Auth::read);
            let admitted = session.admit(SocketIo::NAME, |parts| {
                if let Some(auth) = auth {
                    parts.extensions.insert(auth);
                }
            });
            if let Err(refusal) = admitted.await {
                if refusal.status() == StatusCode::SERVICE_UNAVAILABLE {
                    // A client that is told so stays away; one whose transport closes comes again.
                    session.hang_up();
                    tokio::time::sleep(LEAVE).await;
                    return Err(refused(refusal.message().to_owned()));
                }
                let session = Arc::downgrade(&session);
                tokio::spawn(async move {
                    tokio::time::sleep(LEAVE).await;
                    if let Some(session) = session.upgrade() {
                        session.hang_up();
                    }
                });
                return Err(refused(refusal.message().to_owned()));
            }
            // The client may send as soon as it is told that it is in, which is before the library
            // calls us again.
            let codec = Arc::new(Codec::new(self.mode, self.style));
            session.attach(codec.clone());
            let events = Events { session, codec };
            socket.on_disconnect::<_, ()>(events.clone());
            socket.on_fallback::<_, ()>(events);
            Ok(())
        })
    }

    fn call(&self, socket: Arc<Socket>, _: Option<Value>) {
        let Some(session) = session(&socket) else {
            return;
        };
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
