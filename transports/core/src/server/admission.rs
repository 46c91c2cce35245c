//! How connections come in: who may, and how a spark is made of one that does.

use std::{
    collections::hash_map::Entry,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::{StatusCode, header, request::Parts};

use super::{Server, ServerInner};
use crate::{
    addresses::AddressPlace,
    auth::{Identity, Refusal},
    close::CloseReason,
    handshake::Handshake,
    heartbeat,
    http::Peer,
    id::SparkId,
    inlet::Inlet,
    outlet::Outlet,
    spark::Spark,
    turn::turn,
};

/// A connection that may come in; turned into a spark by [`Server::open`]. Dropping it gives its
/// place free.
#[derive(Debug)]
pub struct Admission {
    transport: &'static str,
    handshake: Handshake,
    identity: Option<Identity>,
    address_place: Option<AddressPlace>,
    _place: Place,
}

impl Admission {
    /// The request of it.
    #[must_use]
    pub fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// Sets the peer's address where the engine learns it only later: too late to be counted among
    /// the connections of that address.
    pub fn set_remote(&mut self, remote: Option<SocketAddr>) {
        self.handshake.remote = remote;
    }
}

/// A place among the handshakes under way.
#[derive(Debug)]
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Server {
    /// Decides whether a connection may come in: bounds, origin, authorizer, in that order.
    /// `transport` is the engine's name. The peer's address is taken from the extension
    /// [`Peer`]; the extensions are moved into the admission.
    ///
    /// Cancel safe: dropping the future or the admission gives its place free.
    ///
    /// # Errors
    /// The refusal the client is to be answered with, see [`http::refused`](crate::http::refused).
    pub async fn admit(
        &self,
        transport: &'static str,
        parts: &mut Parts,
    ) -> Result<Admission, Refusal> {
        let verdict = self.decide(transport, parts).await;
        if verdict.is_err() {
            self.0.count.refused();
        }
        verdict
    }

    async fn decide(
        &self,
        transport: &'static str,
        parts: &mut Parts,
    ) -> Result<Admission, Refusal> {
        let inner = &self.0;
        let place = Place::take(&inner.handshakes);
        if self.is_refusing() {
            return Err(unavailable("The server is shutting down"));
        }
        let pending = inner.handshakes.load(Ordering::Relaxed);
        if pending > inner.config.max_handshakes
            || self.connections() + pending > inner.config.max_connections
        {
            // Once for each time that it is full: a flood must not fill the log, too.
            if !inner.told_full.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    transport,
                    pending,
                    "connections are refused: the server is full"
                );
            }
            return Err(unavailable("Too many connections"));
        }
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
        let remote = inner.config.client_address(peer, &parts.headers);
        let address_place = match (&inner.addresses, remote) {
            (Some(addresses), Some(remote)) => {
                let place = addresses.take(remote.ip());
                Some(place.ok_or_else(|| {
                    let text = "Too many connections from your address";
                    Refusal::with_status(StatusCode::TOO_MANY_REQUESTS, text)
                })?)
            }
            _ => None,
        };
        if !inner.config.origins.allows(parts) {
            return Err(Refusal::with_status(
                StatusCode::FORBIDDEN,
                "Origin not allowed",
            ));
        }
        if let Some(remote) = remote {
            parts.extensions.insert(Peer(remote));
        }
        let identity = match &inner.authorizer {
            None => None,
            Some(authorizer) => {
                let verdict = authorizer.authorize(parts);
                let timeout = inner.config.handshake_timeout();
                tokio::time::timeout(timeout, verdict)
                    .await
                    .map_err(|_| unavailable("The authorizer took too long"))??
            }
        };
        // What only the HTTP server needs would keep its buffers alive with the spark.
        parts.extensions.remove::<Peer>();
        let handshake = Handshake::new(remote, parts);
        Ok(Admission {
            transport,
            handshake,
            identity,
            address_place,
            _place: place,
        })
    }

    /// Opens a spark for an admitted connection, with the engine's way out, and runs the hooks
    /// for it. The engine may keep the outlet, too, and write from it.
    pub fn open(&self, admission: Admission, outlet: Arc<dyn Outlet>) -> Inlet {
        let inner = &self.0;
        let handshake = admission.handshake;
        let place = admission._place;
        let mut address_place = admission.address_place.map(Box::new);
        let mut id = (inner.ids)(&handshake);
        // A generator of the user's own may repeat itself; two sparks of one id may not be. The
        // lock is held from the look to the insertion, for two that open at the same moment.
        let spark = loop {
            let mut shard = inner.sparks.shard(&id).lock();
            match shard.entry(id) {
                Entry::Vacant(place) => {
                    let spark = Spark::new(
                        place.key().clone(),
                        admission.transport,
                        handshake,
                        admission.identity,
                        inner.clone(),
                        outlet,
                        address_place.take(),
                    );
                    place.insert(spark.clone());
                    break spark;
                }
                Entry::Occupied(taken) => {
                    let id = taken.key();
                    tracing::warn!(%id, "the id generator gave an id that is in use; a random one is taken");
                }
            }
            drop(shard);
            id = SparkId::random();
        };
        inner.sparks.count.fetch_add(1, Ordering::Relaxed);
        if inner.told_full.load(Ordering::Relaxed) && inner.has_room() {
            inner.told_full.store(false, Ordering::Relaxed);
        }
        // The handshake is over: while the hooks run it must not count a second time.
        drop(place);
        inner.count.opened(admission.transport);
        if let Some(wheel) = &inner.wheel {
            wheel.sit(&spark);
            inner.beating.get_or_init(|| {
                tokio::spawn(heartbeat::run(Arc::downgrade(inner)));
            });
        }
        tracing::debug!(id = %spark.id(), transport = spark.transport(), "spark opened");
        let _turn = turn();
        let inlet = Inlet::open(spark);
        if inner.stopping.load(Ordering::Acquire) {
            // The shutdown began between the admission and now and has not seen this spark.
            inlet
                .spark()
                .close(CloseReason::Shutdown { reconnect: true });
        }
        inlet
    }
}

impl ServerInner {
    /// Whether a tenth of its places is free.
    fn has_room(&self) -> bool {
        let most = self.config.max_connections;
        self.sparks.count.load(Ordering::Relaxed) <= most - most / 10
    }
}

fn unavailable(message: &str) -> Refusal {
    Refusal::with_status(StatusCode::SERVICE_UNAVAILABLE, message)
}

/// Whether a request asks for an upgrade to WebSocket.
#[must_use]
pub fn is_websocket_upgrade(parts: &Parts) -> bool {
    let has = |name, token: &str| {
        parts
            .headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    has(header::CONNECTION, "upgrade") && has(header::UPGRADE, "websocket")
}
