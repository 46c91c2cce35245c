//! The server: engines, sparks, and the rules that hold for all of them.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    future::Future,
    hash::{BuildHasher, RandomState},
    net::SocketAddr,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{StatusCode, header, request::Parts};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::json;
use tokio::sync::Notify;

use crate::{
    addresses::{AddressPlace, Addresses},
    auth::{Authorizer, FnAuthorizer, Identity, Refusal},
    close::CloseReason,
    codec::{CodecError, Parser},
    config::ServerConfig,
    counters::{Counters, Counts},
    flow::{BoxFuture, Flow},
    frame::Frame,
    handler::{Handler, Silent},
    handshake::Handshake,
    heartbeat::{self, Wheel},
    http::{self as web, HttpService, Peer, Request, Response},
    id::SparkId,
    inlet::Inlet,
    outlet::{OutboxLimits, Outlet},
    spark::{Delivery, Spark},
    transform::{Transform, Transforms},
    transport::{StartError, Transport},
    turn::turn,
};

/// A server of the transport layer: what Primus is on Node. Cloning it is cheap; all clones are
/// the same server.
///
/// ```
/// use stellarfw_transport::{Flow, Handler, Server, Spark, Message, CloseReason, codec::CodecError};
///
/// struct Echo;
/// impl Handler for Echo {
///     fn open(&self, _: &Spark) -> Flow { Flow::DONE }
///     fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
///         let value: serde_json::Value = spark.decode(message)?;
///         spark.send(&value).ok();
///         Ok(Flow::DONE)
///     }
///     fn error(&self, _: &Spark, _: &CodecError) {}
///     fn close(&self, _: &Spark, _: &CloseReason) {}
/// }
///
/// let server = Server::builder().handler(Echo).build();
/// assert_eq!(server.connections(), 0);
/// ```
#[derive(Clone)]
pub struct Server(pub(crate) Arc<ServerInner>);

pub(crate) struct ServerInner {
    pub(crate) config: ServerConfig,
    pub(crate) parser: Parser,
    pub(crate) handler: Box<dyn Handler>,
    pub(crate) incoming: Transforms,
    pub(crate) outgoing: Transforms,
    pub(crate) wheel: Option<Wheel>,
    pub(crate) count: Counters,
    outbox_limits: Arc<OutboxLimits>,
    authorizer: Option<Box<dyn Authorizer>>,
    opened: Vec<OpenHook>,
    closed: Vec<CloseHook>,
    ids: IdGenerator,
    transports: Vec<Arc<dyn Transport>>,
    sparks: Sparks,
    handshakes: Arc<AtomicUsize>,
    /// The connections of each address, where they are bounded.
    addresses: Option<Arc<Addresses>>,
    /// The log has been told that there is no room.
    told_full: AtomicBool,
    stopping: AtomicBool,
    /// No new connections come in.
    refusing: AtomicBool,
    beating: OnceLock<()>,
    emptied: Notify,
}

type OpenHook = Box<dyn Fn(Spark) -> BoxFuture<()> + Send + Sync>;
type CloseHook = Box<dyn Fn(&Spark, &CloseReason) + Send + Sync>;
type IdGenerator = Box<dyn Fn(&Handshake) -> SparkId + Send + Sync>;

/// The open sparks by id, in shards, so that opening and closing rarely contend.
struct Sparks {
    shards: Box<[Mutex<HashMap<SparkId, Spark>>]>,
    hasher: RandomState,
    count: AtomicUsize,
}

const SHARDS: usize = 16;

impl Sparks {
    fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            count: AtomicUsize::new(0),
        }
    }

    fn shard(&self, id: &str) -> &Mutex<HashMap<SparkId, Spark>> {
        &self.shards[self.hasher.hash_one(id) as usize % SHARDS]
    }
}

impl Server {
    /// Begins to build a server.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    /// Its settings.
    #[must_use]
    pub fn config(&self) -> &ServerConfig {
        &self.0.config
    }

    /// Its codec.
    #[must_use]
    pub fn parser(&self) -> &Parser {
        &self.0.parser
    }

    /// Its engines; the first is the primary one, which owns the pathname.
    #[must_use]
    pub fn transports(&self) -> &[Arc<dyn Transport>] {
        &self.0.transports
    }

    /// The bounds of an outbox, shared by all of them.
    #[must_use]
    pub fn outbox_limits(&self) -> Arc<OutboxLimits> {
        self.0.outbox_limits.clone()
    }

    /// Lets the engines open the sockets of their own and tells where they listen. Needed only
    /// for engines that are not over HTTP; call it once. Not cancel safe: dropped half-way, some
    /// engines have started and others not.
    ///
    /// # Errors
    /// The first engine's that cannot start.
    pub async fn start(&self) -> Result<Vec<SocketAddr>, StartError> {
        let mut addresses = Vec::new();
        for transport in &self.0.transports {
            addresses.extend(transport.start(self).await?);
        }
        Ok(addresses)
    }

    /// The engines over HTTP as a tower service, to be mounted in any server that supports
    /// upgrades: axum, hyper, tonic.
    #[must_use]
    pub fn service(&self) -> HttpService {
        HttpService::new(self.clone())
    }

    /// The paths at which the engines answer.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let mut paths = vec![self.0.config.pathname.clone()];
        for path in self.0.transports.iter().filter_map(|t| t.path()) {
            if !paths.iter().any(|known| known == path) {
                paths.push(path.to_owned());
            }
        }
        paths
    }

    /// Answers one request. Not cancel safe, as [`Transport::serve`].
    pub async fn serve(&self, request: Request) -> Response {
        let path = request.uri().path();
        let pathname = self.0.config.pathname.as_str();
        if web::is_under(path, pathname) {
            match path.strip_prefix(pathname.trim_end_matches('/')) {
                Some("/spec") => return self.spec(),
                Some("/primus.js") => return web::not_found(),
                _ => {}
            }
            if let Some(primary) = self.0.transports.first() {
                return primary.serve(self, pathname, request).await;
            }
        }
        for transport in &self.0.transports {
            if let Some(mount) = transport.path()
                && web::is_under(path, mount)
            {
                return transport.serve(self, mount, request).await;
            }
        }
        web::not_found()
    }

    fn spec(&self) -> Response {
        let config = &self.0.config;
        let transformer = match self.0.transports.first().map(|t| t.name()) {
            // Primus has no name of its own for engines it does not know.
            Some("ws") => "websockets",
            Some(name) => name,
            None => "",
        };
        let ping_interval = match config.ping_interval {
            0 => json!(false),
            interval => json!(interval),
        };
        web::json(
            StatusCode::OK,
            &json!({
                "version": env!("CARGO_PKG_VERSION"),
                "pathname": config.pathname,
                "parser": self.0.parser.name(),
                "transformer": transformer,
                "pingInterval": ping_interval,
            }),
        )
    }

    /// Decides whether a connection may come in: bounds, origin, authorizer, in that order.
    /// `transport` is the engine's name. The peer's address is taken from the extension
    /// [`Peer`]; the extensions are moved into the admission.
    ///
    /// Cancel safe: dropping the future or the admission gives its place free.
    ///
    /// # Errors
    /// The refusal the client is to be answered with, see [`http::refused`](web::refused).
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
        let remote = inner.config.trusted_proxies.client(peer, &parts.headers);
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
    /// for it.
    pub fn open(&self, admission: Admission, outlet: impl Outlet) -> Inlet {
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
                        Box::new(outlet),
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

    /// How many sparks are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.sparks.count.load(Ordering::Relaxed)
    }

    /// How many sparks have been opened since the start.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.0.count.all_opened()
    }

    /// How many sparks were closed since the start because they read too slowly.
    #[must_use]
    pub fn slow_consumers(&self) -> u64 {
        self.0.count.slow_consumers.load(Ordering::Relaxed)
    }

    /// What it has done since the start, for metrics.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0.count.counts()
    }

    /// The open spark of an id.
    #[must_use]
    pub fn spark(&self, id: &str) -> Option<Spark> {
        self.0.sparks.shard(id).lock().get(id).cloned()
    }

    /// Calls a function for each open spark. No lock is held meanwhile; sparks that open or close
    /// during the call may or may not be among them.
    pub fn for_each(&self, mut f: impl FnMut(&Spark)) {
        for shard in &self.0.sparks.shards {
            let sparks: Vec<Spark> = shard.lock().values().cloned().collect();
            sparks.iter().for_each(&mut f);
        }
    }

    /// Sends a value to every open spark; it is encoded once. Gives the number of sparks that
    /// took it.
    ///
    /// # Errors
    /// When the value cannot be encoded.
    pub fn write<T: Serialize + ?Sized>(&self, value: &T) -> Result<usize, CodecError> {
        let frame = self.0.parser.encode(value)?;
        Ok(self.write_frame(&frame, Delivery::Reliable))
    }

    /// Sends an encoded frame to every open spark. Gives the number of sparks that took it.
    pub fn write_frame(&self, frame: &Frame, delivery: Delivery) -> usize {
        let _turn = turn();
        let frame = frame.clone().for_many();
        let mut count = 0;
        self.for_each(|spark| {
            count += usize::from(spark.send_frame(frame.clone(), delivery).is_ok());
        });
        count
    }

    /// Ends every spark and stops the engines: no new connections from now on, and those there
    /// are closed, at the deadline by force. Gives the number that had to be forced.
    ///
    /// Cancel safe in that a second call goes on where the first was dropped.
    pub async fn shutdown(&self, options: Shutdown) -> usize {
        let inner = &self.0;
        inner.stopping.store(true, Ordering::Release);
        let reason = CloseReason::Shutdown {
            reconnect: options.reconnect,
        };
        self.for_each(|spark| spark.close(reason.clone()));
        let forced = if tokio::time::timeout(options.deadline, self.empty())
            .await
            .is_ok()
        {
            0
        } else {
            let left = self.connections();
            self.for_each(Spark::abort);
            // An aborted spark has nothing to wait for; this bounds an engine with a fault.
            tokio::time::timeout(Duration::from_secs(1), self.empty())
                .await
                .ok();
            left
        };
        for transport in &inner.transports {
            transport.stop().await;
        }
        forced
    }

    /// Lets no new connections in from now on, and leaves those there are alone: what comes before
    /// an orderly [`Server::shutdown`]. New ones are answered 503.
    pub fn refuse_new(&self) {
        self.0.refusing.store(true, Ordering::Release);
    }

    /// Whether new connections are let in no more, because it stops or is about to.
    #[must_use]
    pub fn is_refusing(&self) -> bool {
        self.is_stopping() || self.0.refusing.load(Ordering::Acquire)
    }

    /// Whether a shutdown has begun.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::Acquire)
    }

    /// A handle that does not keep the server alive.
    #[must_use]
    pub fn downgrade(&self) -> WeakServer {
        WeakServer(Arc::downgrade(&self.0))
    }

    async fn empty(&self) {
        loop {
            let notified = self.0.emptied.notified();
            if self.connections() == 0 {
                return;
            }
            notified.await;
        }
    }
}

/// A [`Server`] that is not kept alive by this handle, for what the server itself keeps.
#[derive(Clone)]
pub struct WeakServer(Weak<ServerInner>);

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

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.transports.iter().map(|t| t.name()).collect();
        f.debug_struct("Server")
            .field("transports", &names)
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

fn unavailable(message: &str) -> Refusal {
    Refusal::with_status(StatusCode::SERVICE_UNAVAILABLE, message)
}

impl ServerInner {
    /// Whether a tenth of its places is free.
    fn has_room(&self) -> bool {
        let most = self.config.max_connections;
        self.sparks.count.load(Ordering::Relaxed) <= most - most / 10
    }

    pub(crate) fn opened(&self, spark: &Spark) -> Flow {
        if self.opened.is_empty() {
            return self.handler.open(spark);
        }
        let hooks: Vec<_> = self.opened.iter().map(|hook| hook(spark.clone())).collect();
        let spark = spark.clone();
        Flow::start(async move {
            for hook in hooks {
                hook.await;
            }
            spark.0.server.handler.open(&spark).await;
        })
    }

    pub(crate) fn closed(&self, spark: &Spark, reason: &CloseReason) {
        self.handler.close(spark, reason);
        for hook in &self.closed {
            hook(spark, reason);
        }
    }

    /// Takes a spark that is gone out of the books.
    pub(crate) fn forget(&self, spark: &Spark) {
        let removed = self
            .sparks
            .shard(spark.id())
            .lock()
            .remove(spark.id().as_str());
        if let Some(wheel) = &self.wheel {
            wheel.leave(spark);
        }
        // Not when the last handle goes: whoever keeps one does not keep a place.
        drop(spark.0.address_place.lock().take());
        if removed.is_some() && self.sparks.count.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.emptied.notify_waiters();
        }
        if let Some(reason) = spark.close_reason() {
            self.count.closed(spark.transport(), reason);
            tracing::debug!(id = %spark.id(), %reason, code = reason.code(), "spark closed");
        }
    }
}

/// How to shut down; see [`Server::shutdown`].
#[derive(Clone, Copy, Debug)]
pub struct Shutdown {
    /// Whether clients are asked to come again, as before a restart. Default false: they are told
    /// `primus::server::close`.
    pub reconnect: bool,
    /// How long connections may take to close before they are cut. Default 5 seconds.
    pub deadline: Duration,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self {
            reconnect: false,
            deadline: Duration::from_secs(5),
        }
    }
}

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

/// Builds a [`Server`].
#[must_use]
pub struct ServerBuilder {
    config: ServerConfig,
    parser: Parser,
    handler: Box<dyn Handler>,
    authorizer: Option<Box<dyn Authorizer>>,
    incoming: Vec<Box<dyn Transform>>,
    outgoing: Vec<Box<dyn Transform>>,
    opened: Vec<OpenHook>,
    closed: Vec<CloseHook>,
    ids: IdGenerator,
    transports: Vec<Arc<dyn Transport>>,
}

impl Default for ServerBuilder {
    fn default() -> Self {
        Self {
            config: ServerConfig::default(),
            parser: Parser::default(),
            handler: Box::new(Silent),
            authorizer: None,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            opened: Vec::new(),
            closed: Vec::new(),
            ids: Box::new(|_| SparkId::random()),
            transports: Vec::new(),
        }
    }
}

impl ServerBuilder {
    /// All settings at once. Default: [`ServerConfig::default`].
    pub fn config(mut self, config: ServerConfig) -> Self {
        self.config = config;
        self
    }

    /// Changes some settings.
    pub fn configure(mut self, change: impl FnOnce(&mut ServerConfig)) -> Self {
        change(&mut self.config);
        self
    }

    /// The codec. Default: JSON.
    pub fn parser(mut self, parser: Parser) -> Self {
        self.parser = parser;
        self
    }

    /// The application. Default: one that answers nothing.
    pub fn handler(mut self, handler: impl Handler) -> Self {
        self.handler = Box::new(handler);
        self
    }

    /// Adds an engine. The first one added owns the pathname.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transports.push(Arc::new(transport));
        self
    }

    /// Adds an engine that is shared already, such as one from a [`Registry`](crate::Registry).
    pub fn shared_transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transports.push(transport);
        self
    }

    /// Decides who may connect, as an async closure over the request. Default: everyone. See
    /// [`Authorizer`].
    pub fn authorize<F, Fut, T>(self, f: F) -> Self
    where
        F: Fn(&Parts) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<T>, Refusal>> + Send + 'static,
        T: std::any::Any + Send + Sync,
    {
        self.authorizer(FnAuthorizer(f))
    }

    /// Decides who may connect. Default: everyone.
    pub fn authorizer(mut self, authorizer: impl Authorizer) -> Self {
        self.authorizer = Some(Box::new(authorizer));
        self
    }

    /// Adds a transform of incoming messages. Default: none.
    pub fn transform_incoming(mut self, transform: impl Transform) -> Self {
        self.incoming.push(Box::new(transform));
        self
    }

    /// Adds a transform of outgoing messages. Default: none. A server that has one pays for a
    /// queue per spark and an encoding per receiver.
    pub fn transform_outgoing(mut self, transform: impl Transform) -> Self {
        self.outgoing.push(Box::new(transform));
        self
    }

    /// Whether a transform of outgoing messages was added.
    #[must_use]
    pub fn has_outgoing_transforms(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Adds an async hook that runs when a spark opens, before the handler's `open`. Messages
    /// that arrive meanwhile are kept and delivered after it.
    pub fn on_connection<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Spark) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.opened
            .push(Box::new(move |spark| Box::pin(hook(spark))));
        self
    }

    /// Adds a hook that runs when a spark has ended, after the handler's `close`.
    pub fn on_disconnection(
        mut self,
        hook: impl Fn(&Spark, &CloseReason) + Send + Sync + 'static,
    ) -> Self {
        self.closed.push(Box::new(hook));
        self
    }

    /// How sparks get their ids. Default: [`SparkId::random`]. Ids are names, not secrets to
    /// authenticate with, but guessable ones let strangers find out who is connected.
    pub fn ids(mut self, f: impl Fn(&Handshake) -> SparkId + Send + Sync + 'static) -> Self {
        self.ids = Box::new(f);
        self
    }

    /// The server. Engines with sockets of their own open them in [`Server::start`].
    #[must_use]
    pub fn build(self) -> Server {
        let wheel = self.config.ping_interval().map(Wheel::new);
        Server(Arc::new(ServerInner {
            wheel,
            parser: self.parser,
            handler: self.handler,
            incoming: self.incoming.into(),
            outgoing: self.outgoing.into(),
            count: Counters::new(self.transports.iter().map(|transport| transport.name())),
            outbox_limits: Arc::new(self.config.outbox),
            addresses: Addresses::new(self.config.max_connections_per_address),
            config: self.config,
            authorizer: self.authorizer,
            opened: self.opened,
            closed: self.closed,
            ids: self.ids,
            transports: self.transports,
            sparks: Sparks::new(),
            handshakes: Arc::default(),
            told_full: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            refusing: AtomicBool::new(false),
            beating: OnceLock::new(),
            emptied: Notify::new(),
        }))
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("config", &self.config)
            .field("parser", &self.parser)
            .finish_non_exhaustive()
    }
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
