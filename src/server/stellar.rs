//! The server.

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, OnceLock, Weak},
};

use axum::Router;
use serde::Serialize;
use stellarfw_broker::{BrokerError, Content, PublicationKind, Target};
use stellarfw_transport::{Parser, Server, Shutdown, WeakServer};

use super::{Builder, reload::ReloadHook};
use crate::{
    actions::{Action, ActionError, ActionService, Call, FromCall, Route, execute_inside},
    config::Config,
    connections::{Availability, Connection, Connections, Sessions},
    files::Files,
    protocol::{StellarError, push_object},
    reference::{Channel, Source},
    rooms::Rooms,
    web::{self, Compressor, Variant, Web},
};

/// A Stellar server. Cloning it is cheap; all clones are the same server.
///
/// It runs alone in one line ([`Stellar::serve`]) or as part of an axum app in one line
/// ([`Stellar::router`]):
///
/// ```no_run
/// use stellarfw::{Stellar, actions::ActionResult};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let stellar = Stellar::builder()
///     .action("hello", || async { ActionResult::Ok(serde_json::json!({ "hello": "world" })) })
///     .build()
///     .await?;
/// stellar.serve("127.0.0.1:8080").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Stellar {
    pub(super) inner: Arc<Inner>,
    pub(super) server: Server,
}

/// The services of a server, for those who hold its handle.
pub(super) struct Inner {
    pub(super) config: Config,
    pub(super) parser: Parser,
    pub(super) connections: Arc<Connections>,
    pub(super) rooms: Rooms,
    pub(super) actions: Arc<ActionService>,
    pub(super) files: Arc<Files>,
    pub(super) availability: Arc<Availability>,
    pub(super) compressor: Arc<Compressor>,
    /// Declared routes of the API.
    pub(super) routes: Arc<[Route]>,
    /// What the application reloads.
    pub(super) reload: Vec<ReloadHook>,
    /// The certificate of the settings, once it was read.
    #[cfg(feature = "tls")]
    pub(super) tls: OnceLock<stellarfw_transport::serve::Tls>,
}

/// A handle for what the server owns itself: it does not keep the server alive.
#[derive(Default)]
pub(super) struct WeakStellar(OnceLock<(Weak<Inner>, WeakServer)>);

impl WeakStellar {
    pub(super) fn set(&self, stellar: &Stellar) {
        let server = stellar.server.downgrade();
        self.0.set((Arc::downgrade(&stellar.inner), server)).ok();
    }

    fn upgrade(&self) -> Option<Stellar> {
        let (inner, server) = self.0.get()?;
        Some(Stellar {
            inner: inner.upgrade()?,
            server: server.upgrade()?,
        })
    }
}

/// The server itself: rooms, pushes, shutdown.
impl FromCall for Stellar {
    fn from_call(call: &Call) -> Result<Self, ActionError> {
        let stellar = call.shared::<WeakStellar>().and_then(|it| it.upgrade());
        stellar.ok_or_else(|| StellarError::internal().into())
    }
}

#[cfg(feature = "schemars")]
impl crate::actions::DescribeParams for Stellar {}

impl fmt::Debug for Stellar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stellar")
            .field("name", &self.inner.config.name)
            .field("rooms", &self.inner.rooms)
            .finish_non_exhaustive()
    }
}

impl Stellar {
    /// Begins to build a server.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The transport layer underneath: sparks, counters, engines.
    #[must_use]
    pub fn transport(&self) -> &Server {
        &self.server
    }

    /// Its settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Issues and verifies sessions, for a login of your own. `None` if `sessionCookie` is off.
    #[must_use]
    pub fn sessions(&self) -> Option<&Sessions> {
        self.inner.connections.sessions.as_ref()
    }

    /// The rooms.
    #[must_use]
    pub fn rooms(&self) -> Rooms {
        self.inner.rooms.clone()
    }

    /// Its actions, sorted by name and version.
    #[must_use]
    pub fn actions(&self) -> Vec<Arc<Action>> {
        self.inner.actions.registry.all()
    }

    /// Calls an action from inside, private ones included. Cancel safe as far as the action is.
    ///
    /// # Errors
    /// The action's, 004 when there is none of that name.
    pub async fn call(
        &self,
        name: &str,
        params: serde_json::Value,
    ) -> Result<serde_json::Map<String, serde_json::Value>, ActionError> {
        let outcome = execute_inside(&self.inner.actions, name, params, 0).await;
        outcome.into_fields()
    }

    /// The open connection of an id, if it is one of this process.
    #[must_use]
    pub fn connection(&self, id: &str) -> Option<Connection> {
        self.inner.connections.find(id)
    }

    /// The open connections of this process.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        let mut all = Vec::with_capacity(self.server.connections());
        self.server
            .for_each(|spark| all.extend(Connection::of(spark)));
        all
    }

    /// Sends an alert to every connection, of all processes: an object with `context:"alert"`.
    /// Cancel safe: it is sent or not sent.
    ///
    /// # Errors
    /// When the value has no JSON form, or the broker fails.
    pub async fn alert<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), BrokerError> {
        self.push(Target::All, value, "alert").await
    }

    /// Sends a push with `context:"api"` to one connection, in whichever process it is. Cancel
    /// safe: it is sent or not sent.
    ///
    /// # Errors
    /// When the value has no JSON form, or the broker fails.
    pub async fn send_to<T: Serialize + ?Sized>(
        &self,
        connection: &str,
        value: &T,
    ) -> Result<(), BrokerError> {
        self.push(Target::Connection(connection.into()), value, "api")
            .await
    }

    async fn push<T: Serialize + ?Sized>(
        &self,
        target: Target,
        value: &T,
        context: &str,
    ) -> Result<(), BrokerError> {
        let object = push_object(value, context).map_err(BrokerError::rejected)?;
        let content = Content::new(&object).map_err(BrokerError::rejected)?;
        let kind = PublicationKind::Push(content);
        self.inner.rooms.publish(target, kind).await
    }

    /// Everything it serves over HTTP as an axum router, to be merged into an app:
    /// the engines, `/api`, `/stellar-client`, and the public files for all other paths.
    ///
    /// The app finds out addresses with
    /// `into_make_service_with_connect_info::<SocketAddr>()`; without it connections over TCP
    /// still have one, but trusted proxies and HTTP calls have not.
    pub fn router(&self) -> Router {
        web::router(&self.web(), true)
    }

    /// As [`Stellar::router`], without the public files: other paths are the app's own.
    pub fn router_without_files(&self) -> Router {
        web::router(&self.web(), false)
    }

    /// The browser client as it is served.
    #[must_use]
    pub fn client_script(&self) -> String {
        web::client_script(&self.web(), Variant::Plain).text
    }

    /// Returns the Subresource Integrity hash of `/stellar-client` and `/stellar-client.min.js`, for
    /// the attribute `integrity` of a script tag: `sha384-…`.
    ///
    /// It changes with the version, the engines and the settings that the script holds, so a page
    /// gets it from the server that serves the script.
    #[must_use]
    pub fn client_integrity(&self) -> String {
        web::integrity(&self.web())
    }

    /// Returns what the handlers of HTTP are given.
    pub(crate) fn web(&self) -> Arc<Web> {
        let inner = &self.inner;
        Arc::new(Web {
            settings: inner.config.web_settings(),
            server: self.server.clone(),
            actions: inner.actions.clone(),
            files: inner.files.clone(),
            sessions: inner.connections.sessions.clone(),
            availability: inner.availability.clone(),
            compressor: inner.compressor.clone(),
            routes: inner.routes.clone(),
            reference: Source {
                settings: inner.config.reference_settings(),
                actions: self.actions(),
                routes: inner.routes.clone(),
                channels: Channel::all(&self.server),
            },
            parser: inner.parser.clone(),
        })
    }

    /// Shuts down: actions get 006, no new connections come in, and those there are closed. Clients that
    /// may come again are told [`DrainConfig::reconnect_within`](crate::config::DrainConfig) before, if
    /// they understand it. Gives the number of connections that had to be cut. Cancel safe in that a second call goes on where
    /// the first was dropped.
    pub async fn shutdown(&self, options: Shutdown) -> usize {
        self.inner.availability.stop();
        let within = self.inner.config.drain.reconnect_within;
        if options.reconnect && within > 0 {
            for connection in self.connections() {
                connection.push_goodbye(within);
            }
        }
        self.server.shutdown(options).await
    }

    /// Lets the engines open the sockets of their own, and tells where they listen.
    /// [`Builder::build`] has done so: it is for engines that are to be started again. Not cancel
    /// safe, as [`Server::start`].
    ///
    /// # Errors
    /// When one cannot start.
    pub async fn start(&self) -> Result<Vec<SocketAddr>, stellarfw_transport::StartError> {
        self.server.start().await
    }
}
