//! How a server is built.

use std::{
    fmt,
    future::Future,
    sync::{Arc, OnceLock, atomic::AtomicBool},
    time::Instant,
};

use http::{Extensions, request::Parts};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Server, ServerInner, Sparks};
use crate::{
    BoxFuture,
    addresses::{AddressLimits, Addresses},
    auth::{Authorizer, FnAuthorizer, Identity, Refusal},
    budget::{Budget, Ledger},
    clients::Clients,
    close::CloseReason,
    codec::Parser,
    config::ServerConfig,
    counters::Counters,
    handler::{Handler, Silent},
    handshake::Handshake,
    heartbeat::Wheel,
    hosts::RefusedHosts,
    id::SparkId,
    rate::{Bucket, Rate},
    refused_origins::RefusedOrigins,
    spark::Spark,
    transform::Transform,
    transport::Transport,
};

pub(super) type OpenHook = Box<dyn Fn(Spark) -> BoxFuture<()> + Send + Sync>;
pub(super) type CloseHook = Box<dyn Fn(&Spark, &CloseReason) + Send + Sync>;
pub(super) type KeyOfIdentity = Box<dyn Fn(&Identity) -> Option<String> + Send + Sync>;
pub(super) type IdGenerator = Box<dyn Fn(&Handshake) -> SparkId + Send + Sync>;

/// Builds a [`Server`].
#[must_use]
pub struct ServerBuilder {
    config: ServerConfig,
    budget: Option<Budget>,
    parser: Parser,
    handler: Box<dyn Handler>,
    authorizer: Option<Box<dyn Authorizer>>,
    client_key: Option<KeyOfIdentity>,
    incoming: Vec<Box<dyn Transform>>,
    outgoing: Vec<Box<dyn Transform>>,
    opened: Vec<OpenHook>,
    closed: Vec<CloseHook>,
    ids: IdGenerator,
    transports: Vec<Arc<dyn Transport>>,
    extensions: Extensions,
}

impl Default for ServerBuilder {
    fn default() -> Self {
        Self {
            config: ServerConfig::default(),
            budget: None,
            parser: Parser::default(),
            handler: Box::new(Silent),
            authorizer: None,
            client_key: None,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            opened: Vec::new(),
            closed: Vec::new(),
            ids: Box::new(|_| SparkId::random()),
            transports: Vec::new(),
            extensions: Extensions::new(),
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

    /// Sets a budget that this server shares with others of its process. Default: one of its own, of
    /// [`ServerConfig::memory_budget`].
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
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

    /// Adds a value for engines, which find it by its type: [`Server::extension`]. A value of a type that is
    /// there already replaces it.
    pub fn extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.extensions.insert(value);
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

    /// Names the client that an identity of the authorizer is, such as a user's id: bounds of a client
    /// then count everything that comes from it together, whatever its addresses. `None` leaves one
    /// to its address. Default: every client is its address.
    ///
    /// The name must be what the authorizer found out, and nothing that the client can choose.
    ///
    /// ```
    /// use stellarfw_transport::{Refusal, Server};
    ///
    /// struct User { id: u64 }
    ///
    /// let builder = Server::builder()
    ///     .authorize(|_| async { Ok::<_, Refusal>(Some(User { id: 7 })) })
    ///     .client_key(|user: &User| Some(user.id.to_string()));
    /// ```
    pub fn client_key<T: std::any::Any + Send + Sync>(
        mut self,
        key: impl Fn(&T) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.client_key = Some(Box::new(move |identity| key(identity.downcast_ref()?)));
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
        let budget = self
            .budget
            .unwrap_or_else(|| Budget::of_setting(self.config.memory_budget));
        let per_client = self.config.message_rate_per_client;
        let per_client = self.config.message_rate.per_client(per_client);
        let counts_clients = per_client.is_some() || self.handler.counts_clients();
        let connections = self.config.max_connections;
        Server(Arc::new(ServerInner {
            clients: counts_clients.then(|| Clients::new(per_client, connections, Instant::now())),
            client_key: self.client_key,
            wheel,
            budget,
            ledger: Ledger::default(),
            assembly_began: Arc::default(),
            parser: self.parser,
            handler: self.handler,
            incoming: self.incoming.into(),
            outgoing: self.outgoing.into(),
            count: Counters::new(self.transports.iter().map(|transport| transport.name())),
            outbox_limits: Arc::new(self.config.outbox),
            addresses: Addresses::new(AddressLimits {
                connections: self.config.max_connections_per_address,
                handshakes: self.config.max_handshakes_per_address,
                rate: {
                    let rate = self.config.connect_rate_per_address;
                    Rate::new(rate.per_second, rate.burst)
                },
            }),
            arrivals: {
                let rate = self.config.connect_rate;
                let rate = Rate::new(rate.per_second, rate.burst);
                rate.map(|rate| (rate, Mutex::new(Bucket::new(Instant::now()))))
            },
            config: self.config,
            authorizer: self.authorizer,
            opened: self.opened,
            closed: self.closed,
            ids: self.ids,
            transports: self.transports,
            extensions: self.extensions,
            sparks: Sparks::new(),
            handshakes: Arc::default(),
            reserved: Arc::default(),
            refused_origins: RefusedOrigins::new("server.origins"),
            refused_hosts: RefusedHosts::default(),
            told_full: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            refusing: AtomicBool::new(false),
            beating: OnceLock::new(),
            watching: OnceLock::new(),
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
