//! The server: engines, sparks, and the rules that hold for all of them.

mod admission;
mod builder;
mod sparks;
mod weak;

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::{Extensions, StatusCode};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::json;
use tokio::sync::Notify;

pub use self::{
    admission::{Admission, Reservation, is_websocket_upgrade},
    builder::ServerBuilder,
    weak::WeakServer,
};

use self::{
    builder::{CloseHook, IdGenerator, KeyOfIdentity, OpenHook},
    sparks::Sparks,
};
use crate::{
    Flow,
    addresses::Addresses,
    ahead::for_each_ahead,
    auth::{Authorizer, Identity, Refusal},
    budget::{Budget, Ledger},
    clients::{Client, ClientKey, Clients},
    close::CloseReason,
    codec::{CodecError, Parser},
    config::ServerConfig,
    counters::{Counters, Counts},
    frame::Frame,
    handler::Handler,
    heartbeat::Wheel,
    hosts::RefusedHosts,
    http::{self as web, HttpService, Request, Response},
    outlet::OutboxLimits,
    rate::{Bucket, Rate},
    refused_origins::RefusedOrigins,
    spark::{Delivery, Spark},
    transform::Transforms,
    transport::{StartError, Transport},
    turn::turn,
};

/// The release of Primus whose protocol is spoken, which `/primus/spec` tells: clients and pages
/// compare it with their own.
const PRIMUS_VERSION: &str = "8.0.9";

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
    pub(crate) budget: Budget,
    /// What each spark holds of the budget.
    pub(crate) ledger: Ledger<Spark>,
    /// A message is under assembly, and none was before.
    pub(crate) assembly_began: Arc<Notify>,
    outbox_limits: Arc<OutboxLimits>,
    authorizer: Option<Box<dyn Authorizer>>,
    client_key: Option<KeyOfIdentity>,
    /// The clients, where something is counted for them.
    clients: Option<Clients>,
    opened: Vec<OpenHook>,
    closed: Vec<CloseHook>,
    ids: IdGenerator,
    transports: Vec<Arc<dyn Transport>>,
    extensions: Extensions,
    sparks: Sparks,
    handshakes: Arc<AtomicUsize>,
    /// Those that are yet to ask to be let in.
    reserved: Arc<AtomicUsize>,
    /// The connections of each address, where they are bounded.
    addresses: Option<Arc<Addresses>>,
    /// The new connections of all addresses, where their rate is bounded.
    arrivals: Option<(Rate, Mutex<Bucket>)>,
    refused_origins: RefusedOrigins,
    refused_hosts: RefusedHosts,
    /// The log has been told that there is no room.
    told_full: AtomicBool,
    stopping: AtomicBool,
    /// No new connections come in.
    refusing: AtomicBool,
    beating: OnceLock<()>,
    watching: OnceLock<()>,
    emptied: Notify,
}

impl Server {
    /// Begins to build a server.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    /// Returns the value of this type that was added for engines.
    ///
    /// ```
    /// use stellarfw_transport::Server;
    ///
    /// #[derive(Clone, Debug, PartialEq)]
    /// struct Greeting(&'static str);
    ///
    /// let server = Server::builder().extension(Greeting("hello")).build();
    /// assert_eq!(server.extension(), Some(&Greeting("hello")));
    /// assert_eq!(server.extension::<u32>(), None);
    /// ```
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.extensions.get()
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

    /// The budget of bytes that it holds for its clients.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.0.budget
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
        if let Err(refusal) = self.check_host(&request) {
            let upgrade = request.headers().contains_key(http::header::UPGRADE);
            return web::refused(&refusal, upgrade);
        }
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

    /// Checks that a request is for a host that is [served](ServerConfig::serves_host). The log gets a
    /// warning for each refused host, and for at most 64.
    ///
    /// [`Server::serve`] does so by itself. It is for other services beside the engines.
    ///
    /// # Errors
    /// The refusal, with status 421.
    pub fn check_host<B>(&self, request: &http::Request<B>) -> Result<(), Refusal> {
        let (headers, uri) = (request.headers(), request.uri());
        match self
            .0
            .config
            .serves_host(headers, uri, request.extensions())
        {
            true => Ok(()),
            false => Err(self.0.refused_hosts.refuse(headers, uri)),
        }
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
                "version": PRIMUS_VERSION,
                "pathname": config.pathname,
                "parser": self.0.parser.name(),
                "transformer": transformer,
                "pingInterval": ping_interval,
            }),
        )
    }

    /// The client of an identity, or else of an address, for what does not come over a spark.
    /// `None` where no bound counts clients, or neither is known.
    #[must_use]
    pub fn client(
        &self,
        identity: Option<&Identity>,
        address: Option<IpAddr>,
    ) -> Option<Arc<Client>> {
        self.client_of(self.client_key(identity), address)
    }

    fn client_key(&self, identity: Option<&Identity>) -> Option<Box<str>> {
        self.0.clients.as_ref()?;
        let key = self.0.client_key.as_ref()?(identity?)?;
        Some(key.into_boxed_str())
    }

    fn client_of(&self, key: Option<Box<str>>, address: Option<IpAddr>) -> Option<Arc<Client>> {
        let clients = self.0.clients.as_ref()?;
        clients.get(ClientKey::of(key, address)?, Instant::now())
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
            for_each_ahead(&sparks, |spark| spark, &mut f);
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

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.transports.iter().map(|t| t.name()).collect();
        f.debug_struct("Server")
            .field("transports", &names)
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

impl ServerInner {
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
        spark.0.close_account();
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
