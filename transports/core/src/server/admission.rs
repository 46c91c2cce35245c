//! How connections come in: who may, and how a spark is made of one that does.

use std::{
    collections::hash_map::Entry,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use http::{StatusCode, Version, header, request::Parts};

use super::{Server, ServerInner};
use crate::{
    addresses::{AddressFull, AddressHandshake, AddressPlace},
    auth::{Identity, Refusal},
    budget,
    close::CloseReason,
    handshake::Handshake,
    heartbeat,
    http::Peer,
    id::SparkId,
    inlet::Inlet,
    outlet::Outlet,
    spark::{Guest, Spark},
    turn::turn,
};

/// A connection that may come in; turned into a spark by [`Server::open`]. Dropping it gives its
/// place free.
#[derive(Debug)]
pub struct Admission {
    transport: &'static str,
    handshake: Handshake,
    identity: Option<Identity>,
    /// What its identity is called among the clients.
    client_key: Option<Box<str>>,
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

/// A place among the handshakes under way, of all and of an address.
#[derive(Debug)]
struct Place {
    count: Arc<AtomicUsize>,
    _of_address: Option<AddressHandshake>,
}

impl Place {
    fn take(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self {
            count: count.clone(),
            _of_address: None,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The places of a connection in its handshake, for engines whose clients ask to be let in after
/// their first request. [`Server::authorize`] turns it into an [`Admission`]; dropping it gives
/// the places free.
#[derive(Debug)]
pub struct Reservation {
    remote: Option<SocketAddr>,
    address_place: Option<AddressPlace>,
    place: Place,
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
        let verdict = match self.take_places(&self.0.handshakes, transport, parts) {
            Ok(reservation) => {
                let decided = self.decide(transport, Box::new(reservation), parts).await;
                decided.map_err(|(refusal, _)| refusal)
            }
            Err(refusal) => Err(refusal),
        };
        verdict.inspect_err(|_| self.0.count.refused())
    }

    /// Takes the places that a connection needs from its first byte on: among all handshakes and
    /// connections, and among those of its address. The first half of [`Server::admit`], for engines
    /// whose clients ask to be let in later.
    ///
    /// There may be as many of them as handshakes, and neither takes the others' places: clients
    /// that never ask do not keep those of other engines out.
    ///
    /// # Errors
    /// The refusal the client is to be answered with: 503 or 429 where a bound is reached, 503
    /// when the server stops.
    pub fn reserve(&self, transport: &'static str, parts: &Parts) -> Result<Reservation, Refusal> {
        let verdict = self.take_places(&self.0.reserved, transport, parts);
        verdict.inspect_err(|_| self.0.count.refused())
    }

    /// Refuses a page whose origin may not connect: 403, which the page may read. The log gets a
    /// warning for each origin, see [`RefusedOrigins`](crate::RefusedOrigins).
    ///
    /// [`Server::admit`] does so by itself. Engines that look at the origin of other requests use it
    /// for these.
    #[must_use]
    pub fn refuse_origin(&self, parts: &Parts) -> Refusal {
        self.0.refused_origins.report(&parts.headers, &parts.uri);
        let mut refusal = Refusal::with_status(StatusCode::FORBIDDEN, "Origin not allowed");
        refusal.reader = parts.headers.get(header::ORIGIN).cloned();
        refusal
    }

    fn take_places(
        &self,
        count: &Arc<AtomicUsize>,
        transport: &'static str,
        parts: &Parts,
    ) -> Result<Reservation, Refusal> {
        let inner = &self.0;
        let mut place = Place::take(count);
        if self.is_refusing() {
            return Err(unavailable("The server is shutting down"));
        }
        if inner.budget.is_over() {
            return Err(unavailable("The server is out of memory"));
        }
        if !self.has_place(count) {
            // Once for each time that it is full: a flood must not fill the log, too.
            if !inner.told_full.swap(true, Ordering::Relaxed) {
                let pending = count.load(Ordering::Relaxed);
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
        let now = Instant::now();
        let mut address_place = None;
        if let (Some(addresses), Some(remote)) = (&inner.addresses, remote) {
            let taken = addresses.take(remote.ip(), now).map_err(|full| {
                let text = match full {
                    AddressFull::Places => "Too many connections from your address",
                    AddressFull::Rate => "Too many new connections from your address",
                };
                Refusal::with_status(StatusCode::TOO_MANY_REQUESTS, text)
            })?;
            address_place = Some(taken.0);
            place._of_address = Some(taken.1);
        }
        // After the address's own, so that one address does not use up what is for all.
        if let Some((rate, arrivals)) = &inner.arrivals
            && !arrivals.lock().take(now, *rate)
        {
            return Err(unavailable("Too many new connections"));
        }
        Ok(Reservation {
            remote,
            address_place,
            place,
        })
    }

    /// Decides whether a connection that has its places may come in: origin and authorizer. The
    /// second half of [`Server::admit`]. The extensions are moved into the admission.
    ///
    /// Cancel safe: dropping the future gives the places free.
    ///
    /// # Errors
    /// The refusal the client is to be answered with, and the places, which the caller may keep
    /// until the client has gone.
    pub async fn authorize(
        &self,
        transport: &'static str,
        reservation: Box<Reservation>,
        parts: &mut Parts,
    ) -> Result<Admission, (Refusal, Box<Reservation>)> {
        let verdict = self.decide(transport, reservation, parts).await;
        verdict.inspect_err(|_| self.0.count.refused())
    }

    async fn decide(
        &self,
        transport: &'static str,
        reservation: Box<Reservation>,
        parts: &mut Parts,
    ) -> Result<Admission, (Refusal, Box<Reservation>)> {
        let identity = match self.identify(&reservation, parts).await {
            Ok(identity) => identity,
            Err(refusal) => return Err((refusal, reservation)),
        };
        // What only the HTTP server needs would keep its buffers alive with the spark.
        parts.extensions.remove::<Peer>();
        let handshake = Handshake::new(reservation.remote, parts);
        let client_key = self.client_key(identity.as_ref());
        Ok(Admission {
            transport,
            handshake,
            identity,
            client_key,
            address_place: reservation.address_place,
            _place: reservation.place,
        })
    }

    async fn identify(
        &self,
        reservation: &Reservation,
        parts: &mut Parts,
    ) -> Result<Option<Identity>, Refusal> {
        let inner = &self.0;
        if self.is_refusing() {
            return Err(unavailable("The server is shutting down"));
        }
        // Engines over HTTP have been asked before; others come here first.
        if !inner
            .config
            .serves_host(&parts.headers, &parts.uri, &parts.extensions)
        {
            return Err(inner.refused_hosts.refuse(&parts.headers, &parts.uri));
        }
        if !inner.config.allows_page(parts) {
            return Err(self.refuse_origin(parts));
        }
        if let Some(remote) = reservation.remote {
            parts.extensions.insert(Peer(remote));
        }
        self.ask(parts).await
    }

    /// Returns `true` if there is an authorizer.
    #[must_use]
    pub fn has_authorizer(&self) -> bool {
        self.0.authorizer.is_some()
    }

    /// Asks the authorizer about a request that opens no connection, such as one for an API beside the
    /// engines. Returns the identity that it found out; `None` without an authorizer, too.
    ///
    /// The authorizer sees the client's address as the extension [`Peer`], as that of a connection.
    /// Neither the origin nor any bound is looked at. Cancel safe as far as the authorizer is.
    ///
    /// # Errors
    /// The authorizer's refusal, or 503 if it took longer than a handshake may.
    pub async fn identify_request(&self, parts: &mut Parts) -> Result<Option<Identity>, Refusal> {
        let peer = parts.extensions.get::<Peer>().copied();
        let remote = self
            .config()
            .client_address(peer.map(|peer| peer.0), &parts.headers);
        if let Some(remote) = remote {
            parts.extensions.insert(Peer(remote));
        }
        let verdict = self.ask(parts).await;
        if let Some(peer) = peer {
            parts.extensions.insert(peer);
        }
        verdict
    }

    async fn ask(&self, parts: &Parts) -> Result<Option<Identity>, Refusal> {
        let inner = &self.0;
        let Some(authorizer) = &inner.authorizer else {
            return Ok(None);
        };
        let verdict = authorizer.authorize(parts);
        let timeout = inner.config.handshake_timeout();
        tokio::time::timeout(timeout, verdict)
            .await
            .map_err(|_| unavailable("The authorizer took too long"))?
    }

    /// Opens a spark for an admitted connection, with the engine's way out, and runs the hooks
    /// for it. The engine may keep the outlet, too, and write from it.
    pub fn open(&self, admission: Admission, outlet: Arc<dyn Outlet>) -> Inlet {
        let inner = &self.0;
        let handshake = admission.handshake;
        let place = admission._place;
        let remote = handshake.remote().map(|remote| remote.ip());
        let mut guest = Guest {
            identity: admission.identity,
            client: self.client_of(admission.client_key, remote),
            address_place: admission.address_place.map(Box::new),
        };
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
                        std::mem::take(&mut guest),
                        inner.clone(),
                        outlet,
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
        inner.watching.get_or_init(|| {
            tokio::spawn(budget::watch(Arc::downgrade(inner)));
        });
        spark.0.outlet().account(spark.account());
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

impl Server {
    /// Returns `true` if there is a place for the connection that was counted here last.
    fn has_place(&self, count: &AtomicUsize) -> bool {
        let inner = &self.0;
        let load = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        let pending = load(&inner.handshakes) + load(&inner.reserved);
        load(count) <= inner.config.max_handshakes
            && self.connections() + pending <= inner.config.max_connections
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

/// Returns `true` if a request asks for an upgrade to WebSocket.
///
/// An upgrade in a request of HTTP/1.0 is ignored, as is one that expects a 100 before its 101
/// (RFC 9110 section 7.8).
#[must_use]
pub fn is_websocket_upgrade(parts: &Parts) -> bool {
    if parts.version <= Version::HTTP_10 || parts.headers.contains_key(header::EXPECT) {
        return false;
    }
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
