//! The decision whether a client may connect to a namespace.

use std::{sync::Arc, time::Duration};

use http::{Extensions, StatusCode, request::Parts};
use serde::Deserialize as _;
use serde_json::Value;
use stellarfw_engineio::Version;
use stellarfw_transport::{
    Admission, Flow, Holding, Lease, Refusal, Reservation, SparkId, catch_panic,
};

use crate::{
    SocketIo,
    client::Client,
    connection::Connection,
    encoding::Encoding,
    namespaces::{Connect, Refused},
    packet::Reply,
};

/// How long a client that was refused may take to close its transport.
const LEAVE: Duration = Duration::from_secs(1);
/// The most bytes of encoded credentials.
const MAX_AUTH: usize = 64 << 10;
/// The deepest nesting of credentials.
const MAX_DEPTH: usize = 64;

/// The credentials of a client (`auth` of socket.io-client).
///
/// The [authorizer](stellarfw_transport::Authorizer) finds them in the request's extensions. They have at
/// most 64 KiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth(pub Value);

impl Auth {
    fn read(encoding: Encoding, value: &[u8]) -> Option<Self> {
        let value = match encoding {
            Encoding::Json => serde_json::from_slice(value).ok()?,
            Encoding::MessagePack => {
                let mut reader = rmp_serde::Deserializer::from_read_ref(value);
                reader.set_max_depth(MAX_DEPTH);
                Value::deserialize(&mut reader).ok()?
            }
        };
        Some(Self(value))
    }
}

/// Estimates the memory of a decoded value in bytes.
fn memory(value: &Value) -> usize {
    let inner = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.capacity(),
        Value::Array(items) => items.iter().map(memory).sum(),
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| 64 + key.capacity() + memory(value);
            map.iter().map(entry).sum()
        }
    };
    size_of::<Value>() + inner
}

/// The namespace of a connection.
///
/// Where a server has [several](crate::SocketIoConfig::namespaces), the authorizer finds it in the request's
/// extensions, and a spark in the extensions of its handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace(pub Arc<str>);

impl Namespace {
    /// Returns the namespace in these extensions, or `/` if there is none.
    #[must_use]
    pub fn of(extensions: &Extensions) -> &str {
        extensions.get().map_or("/", |Self(name)| name)
    }
}

/// A decision that is awaited. If it is dropped undecided, the client is refused.
struct Attempt {
    client: Arc<Client>,
    number: u32,
    is_decided: bool,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.is_decided {
            let refusal = Refusal::with_status(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The server experienced an internal error",
            );
            self.client.refused(self.number, &refusal, None);
        }
    }
}

type Undecided = (Refusal, Option<Box<Reservation>>, Box<Parts>);

impl Client {
    /// Asks whether the client may connect to a namespace, and connects it.
    ///
    /// Without an authorizer, or with one that decides at once, this is done when the function returns.
    pub(crate) fn connect(self: &Arc<Self>, number: u32, auth: Option<&[u8]>) {
        let mut state = self.lock();
        match state.namespaces.connect(number) {
            Connect::Ask => {}
            Connect::Closing => return,
            Connect::Already => {
                drop(state);
                return self.send(number, Reply::Refused("Already connected"));
            }
        }
        let request = match self.engine.has_several() {
            true => state.request.clone(),
            false => state.request.take(),
        };
        let places = state.places.take();
        drop(state);
        let mut attempt = Attempt {
            client: self.clone(),
            number,
            is_decided: false,
        };
        let Some(mut request) = request else {
            return;
        };
        if self.engine.has_several() {
            let name = self.engine.namespace(number).clone();
            request.extensions.insert(Namespace(name));
        }
        let credentials = match self.credentials(auth, &mut request) {
            Ok(lease) => lease,
            Err(refusal) => {
                attempt.is_decided = true;
                self.restore(request);
                return self.refused(number, &refusal, places);
            }
        };
        let decision = async move {
            let decision = attempt.client.clone().decide(places, request).await;
            attempt.is_decided = true;
            match decision {
                Ok(admission) => attempt.client.admitted(number, admission, credentials),
                Err((refusal, places, request)) => {
                    attempt.client.restore(request);
                    attempt.client.refused(number, &refusal, places);
                }
            }
        };
        let decision = async move {
            if catch_panic(decision).await.is_err() {
                tracing::error!("the authorizer panicked");
            }
        };
        if let Flow::Wait(rest) = Flow::start(decision) {
            self.runtime.spawn(rest);
        }
    }

    /// Adds the credentials to the request, and returns their lease. `Err` if they are too large.
    fn credentials(
        &self,
        auth: Option<&[u8]>,
        request: &mut Parts,
    ) -> Result<Option<Lease>, Refusal> {
        let Some(auth) = auth else {
            return Ok(None);
        };
        if auth.len() > MAX_AUTH {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Err(Refusal::with_status(
                status,
                "The credentials are too large",
            ));
        }
        let Some(auth) = Auth::read(self.engine.codec.packets, auth) else {
            return Ok(None);
        };
        let lease = self
            .server
            .budget()
            .try_lease_for(Holding::Work, memory(&auth.0))
            .map_err(|_| {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Refusal::with_status(status, "The server is out of memory")
            })?;
        request.extensions.insert(auth);
        Ok(Some(lease))
    }

    /// Asks the authorizer. Cancel safe: dropping the future gives up the places.
    async fn decide(
        self: Arc<Self>,
        places: Option<Box<Reservation>>,
        mut request: Box<Parts>,
    ) -> Result<Admission, Undecided> {
        // The first namespace uses the places of the session, the others take places of their own.
        let decision = match places {
            Some(places) => {
                let decision = self.server.authorize(SocketIo::NAME, places, &mut request);
                decision
                    .await
                    .map_err(|(refusal, places)| (refusal, Some(places)))
            }
            None => {
                let decision = self.server.admit(SocketIo::NAME, &mut request).await;
                decision.map_err(|refusal| (refusal, None))
            }
        };
        decision.map_err(|(refusal, places)| (refusal, places, request))
    }

    /// Keeps the request for the next attempt.
    fn restore(&self, mut request: Box<Parts>) {
        request.extensions.remove::<Auth>();
        let mut state = self.lock();
        if state.request.is_none() {
            state.request = Some(request);
        }
    }

    /// Connects an admitted client.
    fn admitted(self: &Arc<Self>, number: u32, admission: Admission, credentials: Option<Lease>) {
        let connection = Connection::new(self, number, credentials);
        if !self.lock().namespaces.admitted(number, connection.clone()) {
            return;
        }
        self.session.clear_deadline();
        let id = (self.session.version() == Version::V4).then(SparkId::random);
        let packet = Reply::Connected(id.as_ref().map(SparkId::as_str));
        let packet = self
            .engine
            .codec
            .packets
            .reply(self.engine.namespace(number), packet);
        if let Err(error) = self.session.reply(Some(packet)) {
            tracing::debug!(%error, "a client could not be connected");
            return self.hang_up();
        }
        connection
            .inbound
            .set(self.server.open(admission, connection.clone()));
        let mut state = self.lock();
        let ended = state.namespaces.opened(number, &connection);
        let waker = state.take_waker();
        drop(state);
        if let Some(reason) = ended {
            connection.report(reason);
            self.choose_account();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
        self.session.flush();
    }

    /// Answers a client that may not connect. It keeps the places while it stays.
    fn refused(&self, number: u32, refusal: &Refusal, places: Option<Box<Reservation>>) {
        let mut state = self.lock();
        let unused = match (places, &state.places) {
            (Some(places), None) => {
                state.places = Some(places);
                None
            }
            (places, _) => places,
        };
        // A client that is told to stay away does; one whose transport closes reconnects.
        let is_unavailable = refusal.status() == StatusCode::SERVICE_UNAVAILABLE;
        let refused = state.namespaces.refused(number, is_unavailable);
        drop(state);
        drop(unused);
        match refused {
            Refused::Closing => {}
            Refused::Close => self.hang_up(),
            Refused::Report => self.send(number, Reply::Refused(refusal.message())),
            Refused::ReportAndExpect => {
                self.send(number, Reply::Refused(refusal.message()));
                self.session.set_deadline(LEAVE);
            }
            Refused::ReportAndClose => {
                self.send(number, Reply::Refused(refusal.message()));
                self.hang_up();
            }
        }
    }

    /// Bounds the stay of a client that has left all namespaces.
    pub(crate) fn left_all(&self) {
        // There is one: a client that leaves it has nothing to come back for.
        if !self.engine.has_several() {
            return self.hang_up();
        }
        let request = self.lock().request.take();
        let places = request
            .as_ref()
            .map(|request| self.server.reserve(SocketIo::NAME, request));
        if let Some(request) = request {
            self.restore(request);
        }
        let Some(Ok(places)) = places else {
            return self.hang_up();
        };
        self.lock().places = Some(Box::new(places));
        self.session
            .set_deadline(self.server.config().handshake_timeout());
    }

    fn send(&self, number: u32, packet: Reply<'_>) {
        let namespace = self.engine.namespace(number);
        self.reply(self.engine.codec.packets.reply(namespace, packet));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn credentials_are_read_in_both_encodings() {
        let value = json!({ "token": "x", "list": [1, null] });
        let packed = rmp_serde::to_vec_named(&value).unwrap();
        let text = value.to_string();
        let auth = Some(Auth(value));
        assert_eq!(Auth::read(Encoding::Json, text.as_bytes()), auth);
        assert_eq!(Auth::read(Encoding::MessagePack, &packed), auth);
        assert_eq!(Auth::read(Encoding::Json, b"{"), None);
        let deep = [&vec![0x91; MAX_DEPTH + 1][..], &[0xc0]].concat();
        assert_eq!(Auth::read(Encoding::MessagePack, &deep), None);
    }

    #[test]
    fn the_estimate_counts_every_value() {
        let list = json!(vec![1; 1_000]);
        assert!(memory(&list) >= 1_000 * size_of::<Value>());
        let object = json!({ "key": "x".repeat(1_000) });
        assert!(memory(&object) >= 1_000 + 2 * size_of::<Value>());
    }
}
