//! The server.

use std::{net::SocketAddr, sync::Arc};

use axum::Router;
use serde::Serialize;
use stellarfw_broker::{BrokerError, Content, PublicationKind, Target};
use stellarfw_transport::{Server, Shutdown};

use crate::{
    actions::{Action, ActionError, execute_inside},
    config::Config,
    connections::{Connection, Sessions},
    protocol::push_object,
    rooms::Rooms,
    server::{App, Builder},
    web,
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
#[derive(Clone, Debug)]
pub struct Stellar {
    pub(crate) app: Arc<App>,
    pub(crate) server: Server,
}

impl Stellar {
    /// Begins to build a server.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn of(app: &Arc<App>) -> Option<Self> {
        Some(Self {
            app: app.clone(),
            server: app.server()?,
        })
    }

    /// The transport layer underneath: sparks, counters, engines.
    #[must_use]
    pub fn transport(&self) -> &Server {
        &self.server
    }

    /// Its settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.app.config
    }

    /// Issues and verifies sessions, for a login of your own. `None` if `sessionCookie` is off.
    #[must_use]
    pub fn sessions(&self) -> Option<&Sessions> {
        self.app.connections.sessions.as_ref()
    }

    /// The rooms.
    #[must_use]
    pub fn rooms(&self) -> Rooms {
        self.app.rooms.clone()
    }

    /// Its actions, sorted by name and version.
    #[must_use]
    pub fn actions(&self) -> Vec<Arc<Action>> {
        self.app.actions.all()
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
        let outcome = execute_inside(&self.app, name, params, 0).await;
        outcome.into_fields()
    }

    /// The open connection of an id, if it is one of this process.
    #[must_use]
    pub fn connection(&self, id: &str) -> Option<Connection> {
        self.app.connections.find(id)
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
        self.app.rooms.publish(target, kind).await
    }

    /// Everything it serves over HTTP as an axum router, to be merged into an app:
    /// the engines, `/api`, `/stellar-client`, and the public files for all other paths.
    ///
    /// The app finds out addresses with
    /// `into_make_service_with_connect_info::<SocketAddr>()`; without it connections over TCP
    /// still have one, but trusted proxies and HTTP calls have not.
    pub fn router(&self) -> Router {
        web::router(self, true)
    }

    /// As [`Stellar::router`], without the public files: other paths are the app's own.
    pub fn router_without_files(&self) -> Router {
        web::router(self, false)
    }

    /// The browser client as it is served.
    #[must_use]
    pub fn client_script(&self) -> String {
        web::client::render(&self.app, &self.server, web::client::Variant::Plain).text
    }

    /// Shuts down: actions get 006, no new connections come in, and those there are closed. Clients that
    /// may come again are told [`DrainConfig::reconnect_within`](crate::config::DrainConfig) before, if
    /// they understand it. Gives the number of connections that had to be cut. Cancel safe in that a second call goes on where
    /// the first was dropped.
    pub async fn shutdown(&self, options: Shutdown) -> usize {
        self.app.availability.stop();
        let within = self.app.config.drain.reconnect_within;
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
